r"""Parities at several angles: the readouts of a cascade, which has to know a phase and not only its small changes."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qcn_open.readouts.parity import Parity

__all__ = ["DualQuadrature", "FedForward", "Fringes", "MultiAngle"]


@dataclass(frozen=True)
class Fringes(Parity):
    """Parity of every block, the copies of equal blocks read at different angles."""

    @abstractmethod
    def angles(self, copies: int) -> NDArray[np.float64]:
        """Readout angle alpha (rad) of each of so many copies of a block."""


@dataclass(frozen=True)
class DualQuadrature(Fringes):
    """Every other copy at the angle 0, the rest at a right angle."""

    def angles(self, copies: int) -> NDArray[np.float64]:
        """0, pi/2, 0, pi/2, ..."""
        return np.where(np.arange(copies) % 2 == 1, 0.5 * np.pi, 0.0)


@dataclass(frozen=True)
class MultiAngle(Fringes):
    """Copies at equally spaced angles over half a turn."""

    def angles(self, copies: int) -> NDArray[np.float64]:
        """Pi k/n."""
        return np.pi * np.arange(copies) / copies


@dataclass(frozen=True)
class FedForward(Fringes):
    """Angles that follow from what the blocks read before have shown."""

    def angles(self, copies: int) -> NDArray[np.float64]:
        """Those of the copies that are read before anything is known."""
        return np.pi * np.arange(copies) / copies
