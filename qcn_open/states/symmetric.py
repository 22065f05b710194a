"""A state that no permutation of the atoms changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from qcn_open.schur_weyl import Matrix, Sector, SymmetricChannel
from qcn_open.states.base import Tangent, freeze
from qcn_open.states.dense import DenseTangent

__all__ = ["SymmetricTangent", "negligible"]

_DENSE_DIMENSION = 2187


@dataclass(frozen=True, eq=False)
class SymmetricTangent(Tangent):
    r"""A permutation-symmetric state: one block for each number M of survivors and each total spin.

    An element of coherence order q = m - m' of a block carries the phase :math:`e^{iq\alpha}`, so that its derivative
    is iq times itself; the blocks are kept without that phase, real where the amplitudes allow it. With many atoms
    the sectors of all M do not fit into memory together: `sectors` makes one after the other.

    Attributes
    ----------
    channel : SymmetricChannel
        The noise.
    initial : ndarray, shape (N+1, N+1)
        Density matrix on the Dicke states before the local noise, common phase diffusion included.
    unlost : Sector or None
        The state given that no atom is lost, where loss is equal in both levels.
    angle : float
        :math:`\alpha`, rad; it grows as the phase of one atom.
    spacing : int
        Greatest common divisor of the orders of coherence; 0 when there is none. A GHZ state has only the order N.
    rtol : float
        Share of the information that functionals may leave out with improbable sectors.
    block_sizes : tuple of int
        Sizes of the blocks that a readout treats as one unit.
    """

    channel: SymmetricChannel
    initial: Matrix
    unlost: Sector | None
    angle: float
    spacing: int
    rtol: float
    block_sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        freeze(self.initial, *(self.unlost.blocks if self.unlost else ()))

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return self.channel.atoms

    def survivors(self) -> NDArray[np.float64]:
        """Probabilities of 0...N surviving atoms, shape (N+1,)."""
        return self.channel.survivors(self.initial)

    def sectors(self, kept: NDArray[np.bool_] | None = None) -> Iterator[Sector]:
        """The sectors, those with most survivors first; of those marked in `kept`, shape (N+1,), if it is given."""
        if self.unlost is not None:
            return self.channel.lose(self.unlost, kept)
        return self.channel.blocks(self.initial, kept)

    def dense(self) -> DenseTangent:
        """The same state of a few atoms, atom by atom.

        Raises
        ------
        ValueError
            If its dimension exceeds 2187.
        """
        state, derivative, levels = self._dense()
        return DenseTangent(state, derivative, levels[0], self.block_sizes)

    def _dense(self) -> tuple[NDArray[np.complex128], NDArray[np.complex128], tuple[int, ...]]:
        levels = 3 if self.channel.loss.any() else 2
        if levels**self.atoms > _DENSE_DIMENSION:
            raise ValueError(
                f"a dense state is limited to the dimension {_DENSE_DIMENSION}, "
                f"{self.atoms} atoms of {levels} levels have {levels}^{self.atoms}"
            )
        state = np.zeros((levels**self.atoms,) * 2, dtype=complex)
        places = np.arange(levels**self.atoms).reshape((levels,) * self.atoms)
        for sector in self.sectors():
            reduced = sum(
                isometry @ (block / number) @ isometry.T
                for block, isometries in zip(sector.blocks, _isometries(sector.atoms), strict=False)
                for number in [len(isometries)]
                for isometry in isometries
            )
            choices = list(combinations(range(self.atoms), sector.atoms))
            for choice in choices:
                present = [slice(0, 2) if atom in choice else 2 for atom in range(self.atoms)]
                index = places[tuple(present)].ravel()
                state[np.ix_(index, index)] += reduced / len(choices)
        excited = (np.indices((levels,) * self.atoms).reshape(self.atoms, -1) == 1).sum(axis=0)
        order = np.subtract.outer(excited, excited).astype(float)
        state *= np.exp(1j * order * self.angle)
        return state, 1j * order * state, (levels,) * self.atoms


def negligible(bounds: NDArray[np.float64], allowed: float) -> NDArray[np.bool_]:
    """Which of the bounds are the smallest, as many as add up to no more than what is allowed."""
    order = np.argsort(bounds)
    smallest = np.zeros(len(bounds), dtype=bool)
    smallest[order] = np.cumsum(bounds[order]) <= allowed
    return smallest


def _isometries(atoms: int) -> list[list[NDArray[np.float64]]]:
    """All ways to couple the atoms, one after the other, to the spins atoms/2 - i: shapes (2**atoms, atoms-2i+1)."""
    ways: list[list[NDArray[np.float64]]] = [[np.ones((1, 1))]]
    for number in range(1, atoms + 1):
        longer: list[list[NDArray[np.float64]]] = [[] for _ in range(number // 2 + 1)]
        for i, isometries in enumerate(ways):
            for isometry in isometries:
                size = isometry.shape[1]
                up = np.arange(1.0, size + 1.0)
                more = np.zeros((len(isometry), 2, size + 1))
                more[:, 0, :-1] = isometry * np.sqrt(up[::-1] / size)
                more[:, 1, 1:] = isometry * np.sqrt(up / size)
                longer[i].append(more.reshape(-1, size + 1))
                if size > 1:
                    less = np.zeros((len(isometry), 2, size - 1))
                    less[:, 0] = isometry[:, 1:] * np.sqrt(up[:-1] / size)
                    less[:, 1] = -isometry[:, :-1] * np.sqrt(up[-2::-1] / size)
                    longer[i + 1].append(less.reshape(-1, size - 1))
        ways = longer
    return ways
