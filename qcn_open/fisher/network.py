"""Fisher information of a tensor network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qcn_open.fisher.condensed import condensed, exact_information, exact_work, grouped
from qcn_open.fisher.functionals import cfi_phase, qfi_phase
from qcn_open.fisher.reorder import gathered
from qcn_open.fisher.variational import variational_information
from qcn_open.readouts import Readout
from qcn_open.states import NetworkTangent
from qcn_open.states.network import commutator, excitation_order, normalised, segments

__all__: list[str] = []

Array = NDArray[Any]

# Sum of d^3 over the blocks of a direct sum that is diagonalised: some ten seconds.
_EXACT = 10**10
_UNSETTLED = 1e-6
# Not a bound: where it was measured, what is missing is up to some 10^4 times the square of the residual.
_UNSOLVED = 3e-5
# Bonds of one GHZ block; where there are larger ones, sites that belong together may lie apart.
_ONE_BLOCK = 4


@qfi_phase.register
def _(tangent: NetworkTangent) -> float:
    """Sum over the segments that are independent, seen from their bonds.

    Each is condensed and diagonalised; where that is too large, its correlated sites are brought together first; where
    it still is, a logarithmic derivative is searched for.
    """
    return _information(_turned_real(tangent.tensors), tangent, gather=True)


@cfi_phase.register
def _(tangent: NetworkTangent, readout: Readout) -> float:
    return readout.network_information(tangent)


def _information(tensors: tuple[Array, ...], tangent: NetworkTangent, gather: bool) -> float:
    known: dict[tuple[int, ...], float] = {}
    total = 0.0
    for start, stop in segments(tensors):
        # Copies of one block are the same tensors.
        key = tuple(map(id, tensors[start:stop]))
        if key not in known:
            known[key] = _of_segment(tensors[start:stop], tangent, gather)
        total += known[key]
    return total


def _of_segment(tensors: tuple[Array, ...], tangent: NetworkTangent, gather: bool) -> float:
    charge = excitation_order(tangent.levels)[:, 0]
    groups = {id(tensor): grouped(tensor, charge) for tensor in {id(tensor): tensor for tensor in tensors}.values()}
    chain = condensed([groups[id(tensor)] for tensor in tensors])
    if exact_work(chain) <= _EXACT:
        return exact_information(chain)
    if gather and max(tensor.shape[-1] for tensor in tensors) > _ONE_BLOCK:
        return _information(normalised(gathered(list(tensors))), tangent, gather=False)
    found = variational_information(tensors, commutator(tensors), tangent.max_sld_bond, tangent.rtol)
    if max(found.gain, found.discarded) > _UNSETTLED or found.residual > _UNSOLVED:
        raise ValueError(
            f"the variational quantum Fisher information has not converged: {found.value:.6g} so far, the last "
            f"sweep changed it by {found.gain:.0e}, the residual is {found.residual:.0e} and "
            f"max_sld_bond={tangent.max_sld_bond} cut {found.discarded:.0e}; take a larger max_sld_bond, or a "
            "backend for fewer atoms"
        )
    return found.value


def _turned_real(tensors: tuple[Array, ...]) -> tuple[Array, ...]:
    """The network with every atom turned by the phase that makes its largest coherence real; real where all are then.

    The information is the same, and the phase of the interrogation drops out.
    """
    turned: dict[int, Array] = {}
    for tensor in tensors:
        if id(tensor) not in turned:
            coherence = tensor[:, 1, 0, :].ravel()
            largest = coherence[np.abs(coherence).argmax()]
            phase = largest / abs(largest) if largest != 0.0 else 1.0
            order = excitation_order(tensor.shape[1])
            turned[id(tensor)] = (
                tensor * np.where(order > 0, np.conj(phase), np.where(order < 0, phase, 1.0))[..., None]
            )
    if all(np.abs(tensor.imag).max() <= 1e-14 * np.abs(tensor).max() for tensor in turned.values()):
        turned = {key: tensor.real.copy() for key, tensor in turned.items()}
    return tuple(turned[id(tensor)] for tensor in tensors)
