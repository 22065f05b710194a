"""A product of GHZ blocks, each block one logical site."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qcn_open.states.base import Tangent, freeze

__all__ = ["BlockTangent"]

_LOGICAL_QOBJ_BLOCKS = 6


@dataclass(frozen=True, eq=False)
class BlockTangent(Tangent):
    r"""A product of noisy GHZ blocks, each a logical site {g...g, e...e, rest}.

    Phase-covariant noise leaves of a block of n atoms the 2x2 matrix

    .. math:: \begin{pmatrix} G & c^* \\ c & E\end{pmatrix}, \qquad \partial_\varphi c = inc,

    and a remainder that does not depend on the phase. All weights are kept as logarithms, arrays over the kinds
    of blocks, so that 10^6 atoms neither overflow nor turn into NaN.

    Attributes
    ----------
    sizes, copies : ndarray of int, shape (kinds,)
        Atoms of a block and number of such blocks.
    log_ground, log_excited : ndarray, shape (kinds,)
        ln G and ln E.
    log_coherence : ndarray, shape (kinds,)
        ln abs(c).
    angle : ndarray, shape (kinds,)
        Readout angle at which the fringe of the block is at its maximum: the parity has the mean
        V cos(angle - alpha); it grows as n times the phase.
    log_survival, log_all_lost : ndarray, shape (kinds,)
        Logarithms of the probabilities that no atom of the block, and that every atom of it, is lost.
    source_weights : ndarray, shape (kinds, 2), or None
        Weights of g...g and e...e before the interrogation; None where it began in other states, too.
    loss : ndarray, shape (2,)
        Probability that an atom that started in g, in e, is lost.
    common_phase_variance : float
        Variance of a random phase common to all blocks, rad^2. It is *not* yet contained in c.
    """

    sizes: NDArray[np.int64]
    copies: NDArray[np.int64]
    log_ground: NDArray[np.float64]
    log_excited: NDArray[np.float64]
    log_coherence: NDArray[np.float64]
    angle: NDArray[np.float64]
    log_survival: NDArray[np.float64]
    log_all_lost: NDArray[np.float64]
    source_weights: NDArray[np.float64] | None
    loss: NDArray[np.float64]
    common_phase_variance: float

    def __post_init__(self) -> None:
        freeze(*(value for value in vars(self).values() if isinstance(value, np.ndarray)))

    @property
    def blocks(self) -> int:
        """Number of blocks, copies counted."""
        return int(self.copies.sum())

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return int(self.sizes @ self.copies)

    def with_common_phase_as_contrast(self) -> BlockTangent:
        r"""The same state of a *single* block with :math:`e^{-n^2\mathrm{Var}/2}` put into its coherence."""
        if self.blocks != 1:
            raise ValueError("a common phase correlates several blocks: it is a loss of contrast for one block only")
        damping = -0.5 * self.sizes.astype(float) ** 2 * self.common_phase_variance
        values = {**vars(self), "log_coherence": self.log_coherence + damping, "common_phase_variance": 0.0}
        return BlockTangent(**values)

    def _dense(self) -> tuple[NDArray[np.complex128], NDArray[np.complex128], tuple[int, ...]]:
        if self.blocks > _LOGICAL_QOBJ_BLOCKS:
            raise ValueError(
                f"a dense logical state is limited to {_LOGICAL_QOBJ_BLOCKS} blocks, this one has {self.blocks}"
            )
        state = np.ones((1, 1), dtype=complex)
        charge = np.zeros(1)
        for kind in np.repeat(np.arange(len(self.sizes)), self.copies):
            ground, excited = np.exp(self.log_ground[kind]), np.exp(self.log_excited[kind])
            # angle is that of the fringe; rho_EG carries the phase of the prepared i in addition.
            coherence = np.exp(self.log_coherence[kind] + 1j * (self.angle[kind] + np.pi / 2))
            block = np.diag([ground, excited, max(0.0, 1.0 - ground - excited)]).astype(complex)
            block[1, 0], block[0, 1] = coherence, np.conj(coherence)
            state = np.kron(state, block)
            charge = np.add.outer(charge, self.sizes[kind] * np.array([0.0, 1.0, 0.0])).ravel()
        order = np.subtract.outer(charge, charge)
        state = state * np.exp(-0.5 * order**2 * self.common_phase_variance)
        return state, 1j * order * state, (3,) * self.blocks
