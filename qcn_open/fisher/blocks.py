"""Fisher information of a product of GHZ blocks."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
from numpy.typing import NDArray

from qcn_open.fisher.functionals import cfi_phase, qfi_phase
from qcn_open.fisher.sld import sld_product
from qcn_open.readouts import Readout
from qcn_open.states import BlockTangent

__all__ = ["block_information"]


@qfi_phase.register
def _(tangent: BlockTangent) -> float:
    if tangent.common_phase_variance > 0.0:
        if tangent.blocks > 1:
            return _correlated_qfi(tangent)
        tangent = tangent.with_common_phase_as_contrast()
    return float(tangent.copies @ block_information(tangent))


@cfi_phase.register
def _(tangent: BlockTangent, readout: Readout) -> float:
    return readout.block_information(tangent)


def block_information(tangent: BlockTangent) -> NDArray[np.float64]:
    """4 n^2 c^2/(G + E) of one block of each kind."""
    log_weight = np.logaddexp(tangent.log_ground, tangent.log_excited)
    return 4.0 * tangent.sizes.astype(float) ** 2 * np.exp(2.0 * tangent.log_coherence - log_weight)


def _correlated_qfi(tangent: BlockTangent) -> float:
    """Blocks that share a random phase, in the space of the logical qubits of those that kept their coherence.

    Which blocks left {g...g, e...e} is known without a phase, so the information is the average over that.
    """
    weight = np.exp(np.logaddexp(tangent.log_ground, tangent.log_excited))
    information = 0.0
    for kept in product(*(range(copies + 1) for copies in tangent.copies)):
        chance = float(
            np.prod(
                [
                    comb(int(copies), k) * w**k * (1.0 - w) ** (copies - k)
                    for copies, k, w in zip(tangent.copies, kept, weight, strict=True)
                ]
            )
        )
        if chance == 0.0 or not any(kept):
            continue
        state, charge = np.ones((1, 1), dtype=complex), np.zeros(1)
        for kind in np.repeat(np.arange(len(kept)), kept):
            ground, excited = np.exp(tangent.log_ground[kind]), np.exp(tangent.log_excited[kind])
            coherence = np.exp(tangent.log_coherence[kind])
            block = np.array([[ground, coherence], [coherence, excited]]) / weight[kind]
            state = np.kron(state, block)
            charge = np.add.outer(charge, [0.0, tangent.sizes[kind]]).ravel()
        order = np.subtract.outer(charge, charge)
        state = state * np.exp(-0.5 * order**2 * tangent.common_phase_variance)
        information += chance * float(sld_product(state, [1j * order * state])[0, 0])
    return information
