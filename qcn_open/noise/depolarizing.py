"""Depolarising noise of one atom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qcn_open.noise.base import EXCITED, GROUND, RateNoise, transition

__all__ = ["Depolarizing"]


@dataclass(frozen=True)
class Depolarizing(RateNoise):
    r"""Isotropic loss of polarisation: the Bloch vector of every atom shrinks as :math:`e^{-rt}`.

    .. math:: L_{x,y,z} = \tfrac12\sqrt{r}\,\sigma_{x,y,z}

    Parameters
    ----------
    rate : float
        Rate r of the shrinking, 1/s (Nielsen and Chuang, sec. 8.3.4, in continuous time).

    Raises
    ------
    ValueError
        If the rate is not finite and >= 0.

    Examples
    --------
    >>> len(Depolarizing(0.1).jumps())
    3
    """

    def jumps(self) -> tuple[NDArray[np.complex128], ...]:
        """The three jump operators above."""
        up, down = transition(EXCITED, GROUND), transition(GROUND, EXCITED)
        pauli = (up + down, 1j * (down - up), transition(EXCITED, EXCITED) - transition(GROUND, GROUND))
        return tuple(0.5 * np.sqrt(self.rate) * sigma for sigma in pauli)
