"""Fisher information of a tensor network."""

from __future__ import annotations

from qcn_open.fisher.functionals import cfi_phase
from qcn_open.readouts import Readout
from qcn_open.states import NetworkTangent

__all__: list[str] = []


@cfi_phase.register
def _(tangent: NetworkTangent, readout: Readout) -> float:
    return readout.network_information(tangent)
