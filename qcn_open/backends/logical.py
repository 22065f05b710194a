r"""Exact evolution of any product of GHZ blocks, each block one logical site.

Local phase-covariant noise takes :math:`|e\rangle\langle g|^{\otimes n}` to :math:`\lambda^n` times itself and the
populations to products of the one-atom ones, so a block of n atoms keeps

.. math:: c = \sqrt{p(1-p)}\,\lambda^n, \quad G = (1-p)P_{gg}^n + pP_{ge}^n, \quad E = (1-p)P_{eg}^n + pP_{ee}^n

(P_ab: from b to a) and a remainder without phase. The cost does not depend on n.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qcn_open.backends.base import Backend
from qcn_open.model import Ramsey
from qcn_open.noise import generator, is_covariant, one_site
from qcn_open.noise.base import EXCITED, GROUND
from qcn_open.states import BlockTangent

__all__ = ["Logical"]

MAX_CORRELATED_BLOCKS = 10


@dataclass(frozen=True)
class Logical(Backend):
    """Products of GHZ blocks of any size, exactly.

    A random phase common to all atoms correlates the blocks; up to 10 blocks it is treated exactly in their
    logical space of dimension 2 to the number of blocks.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ghz, Ramsey
    >>> state = Logical().evolve(Ramsey(Ghz(10**6), Dephasing(1.0), time=1e-6))
    >>> float(state.log_coherence[0].round(6))
    -1.193147
    """

    def refusal(self, model: Ramsey) -> str | None:
        """Why the model is no product of GHZ blocks that can be treated exactly."""
        blocks = model.probe.ghz_blocks()
        if blocks is None:
            return f"{model.probe!r} is not a product of GHZ blocks"
        if not is_covariant(generator(model.local_noise)):
            return "its noise is not phase-covariant"
        number = sum(block.copies for block in blocks)
        if model.common_phase_variance > 0.0 and number > MAX_CORRELATED_BLOCKS:
            return (
                f"a common random phase correlates all {number} blocks and at most "
                f"{MAX_CORRELATED_BLOCKS} can be treated exactly"
            )
        return None

    def evolve(self, model: Ramsey) -> BlockTangent:
        """Logical blocks after the interrogation."""
        self.require(model)
        blocks = model.probe.ghz_blocks() or ()
        site = one_site(model.local_noise, model.time)
        size = np.array([block.size for block in blocks])
        excited = np.array([block.excited_weight for block in blocks])
        source_weights = np.stack([1.0 - excited, excited], axis=1)
        with np.errstate(divide="ignore"):
            log_source, log_loss = np.log(source_weights), np.log(site.loss)

        def block_weight(log_probability: NDArray[np.float64]) -> NDArray[np.float64]:
            """Ln of the probability that all atoms of a block do what one does with these two probabilities."""
            return np.asarray(np.logaddexp(*(log_source + size[:, None] * log_probability).T))

        return BlockTangent(
            sizes=size,
            copies=np.array([block.copies for block in blocks]),
            log_ground=block_weight(site.log_transfer[GROUND]),
            log_excited=block_weight(site.log_transfer[EXCITED]),
            log_coherence=0.5 * log_source.sum(axis=1) + size * site.log_coherence.real,
            angle=size * (model.phase + site.log_coherence.imag),
            log_survival=block_weight(site.log_survival),
            log_all_lost=block_weight(log_loss),
            source_weights=source_weights,
            loss=site.loss,
            common_phase_variance=model.common_phase_variance,
        )
