"""A few atoms as a dense density operator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qcn_open.states.base import Tangent, freeze

__all__ = ["DenseTangent", "is_excited"]


@dataclass(frozen=True, eq=False)
class DenseTangent(Tangent):
    r"""Dense density operator of all atoms.

    Attributes
    ----------
    rho, derivative : ndarray, shape (levels**atoms, levels**atoms)
        :math:`\rho` and :math:`\partial\rho/\partial\varphi`; the first atom is the most significant digit.
    levels : int
        2 for (g, e), 3 for (g, e, lost).
    block_sizes : tuple of int
        Sizes of the blocks that a readout treats as one unit, in the order of their atoms.
    """

    rho: NDArray[np.complex128]
    derivative: NDArray[np.complex128]
    levels: int
    block_sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        freeze(self.rho, self.derivative)

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return sum(self.block_sizes)

    def curvature(self) -> NDArray[np.complex128]:
        r"""Second derivative :math:`\partial^2\rho/\partial\varphi^2 = i[G, \partial\rho/\partial\varphi]`."""
        excited = is_excited(self.levels, self.atoms).sum(axis=0).astype(float)
        return np.asarray(1j * np.subtract.outer(excited, excited) * self.derivative)

    def _dense(self) -> tuple[NDArray[np.complex128], NDArray[np.complex128], tuple[int, ...]]:
        return self.rho, self.derivative, (self.levels,) * self.atoms


def is_excited(levels: int, atoms: int) -> NDArray[np.bool_]:
    """Whether each atom (rows) is excited in each basis state (columns); the first atom is the most significant."""
    return np.asarray(np.indices((levels,) * atoms).reshape(atoms, -1) == 1)
