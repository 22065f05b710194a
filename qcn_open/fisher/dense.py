"""Fisher information of a dense density operator."""

from __future__ import annotations

from qcn_open.fisher.functionals import cfi_phase, qfi_phase
from qcn_open.fisher.sld import sectors, sld_product
from qcn_open.readouts import Readout
from qcn_open.states import DenseTangent

__all__: list[str] = []


@qfi_phase.register
def _(tangent: DenseTangent) -> float:
    parts = sectors(tangent.rho, [tangent.derivative])
    return float(sum(sld_product(rho, derivatives)[0, 0] for rho, derivatives in parts))


@cfi_phase.register
def _(tangent: DenseTangent, readout: Readout) -> float:
    return readout.dense_information(tangent)
