"""Fisher information of a tensor network."""

from __future__ import annotations

from qcn_open.fisher.functionals import cfi_phase, qfi_phase
from qcn_open.fisher.variational import variational_information
from qcn_open.readouts import Readout
from qcn_open.states import NetworkTangent

__all__: list[str] = []

_UNSETTLED = 1e-6
# Where it was measured, what is missing is up to some 10^4 times the square of the residual.
_UNSOLVED = 1e-4


@qfi_phase.register
def _(tangent: NetworkTangent) -> float:
    """Sum over the segments that are independent, seen from their bonds, of the variational information."""
    commutator = tangent.commutator_tensors()
    known: dict[tuple[int, ...], float] = {}
    total = 0.0
    for start, stop in tangent.segments():
        # Copies of one block are the same tensors.
        key = tuple(map(id, tangent.tensors[start:stop]))
        if key not in known:
            slope = list(commutator[start:stop])
            # A segment starts before the generator has acted and ends after it.
            slope[0] = slope[0][: tangent.tensors[start].shape[0]]
            slope[-1] = slope[-1][..., tangent.tensors[stop - 1].shape[-1] :] if stop < tangent.atoms else slope[-1]
            found = variational_information(tangent.tensors[start:stop], slope, tangent.max_sld_bond, tangent.rtol)
            if max(found.gain, found.discarded) > _UNSETTLED or found.residual > _UNSOLVED:
                raise ValueError(
                    f"the variational quantum Fisher information has not converged: {found.value:.6g} so far, the last "
                    f"sweep changed it by {found.gain:.0e}, the residual is {found.residual:.0e} and "
                    f"max_sld_bond={tangent.max_sld_bond} cut {found.discarded:.0e}; take a larger max_sld_bond, or a "
                    "backend for fewer atoms"
                )
            known[key] = found.value
        total += known[key]
    return total


@cfi_phase.register
def _(tangent: NetworkTangent, readout: Readout) -> float:
    return readout.network_information(tangent)
