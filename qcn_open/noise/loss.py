"""Trap loss: the atom leaves, from either level, and its absence can be seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qcn_open.noise.base import EXCITED, GROUND, LOST, RateNoise, transition

__all__ = ["TrapLoss"]


@dataclass(frozen=True)
class TrapLoss(RateNoise):
    r"""Loss of an atom from either level to a third, orthogonal one.

    .. math:: L_g = \sqrt{\Gamma}\,|\mathrm{lost}\rangle\langle g|, \quad
              L_e = \sqrt{\Gamma}\,|\mathrm{lost}\rangle\langle e|, \qquad P_\mathrm{survive}(t) = e^{-\Gamma t}

    Parameters
    ----------
    rate : float
        Loss rate :math:`\Gamma`, 1/s. In the paper it takes the place of the linewidth in eq. (4).

    Raises
    ------
    ValueError
        If the rate is not finite and >= 0.

    Examples
    --------
    >>> TrapLoss(-0.1)
    Traceback (most recent call last):
    ...
    ValueError: TrapLoss rate must be finite and >= 0 (1/s), got -0.1
    """

    def jumps(self) -> tuple[NDArray[np.complex128], ...]:
        """The two jump operators above."""
        amplitude = np.sqrt(self.rate)
        return (amplitude * transition(LOST, GROUND), amplitude * transition(LOST, EXCITED))
