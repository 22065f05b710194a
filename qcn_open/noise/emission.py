"""Spontaneous emission and its reverse, incoherent pumping."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qcn_open.noise.base import EXCITED, GROUND, RateNoise, transition

__all__ = ["Pumping", "SpontaneousEmission"]


@dataclass(frozen=True)
class SpontaneousEmission(RateNoise):
    r"""Decay of the excited level to the ground level.

    .. math:: L = \sqrt{\kappa}\,|g\rangle\langle e|, \qquad
              \rho_{ee}(t) = e^{-\kappa t}\rho_{ee}(0), \quad \rho_{eg}(t) = e^{-\kappa t/2}\rho_{eg}(0)

    Parameters
    ----------
    rate : float
        Decay rate :math:`\kappa` of the excited population, 1/s (Nielsen and Chuang, sec. 8.3.5).

    Raises
    ------
    ValueError
        If the rate is not finite and >= 0.

    Examples
    --------
    >>> SpontaneousEmission(0.2).jumps()[0].real.round(3)
    array([[0.   , 0.447, 0.   ],
           [0.   , 0.   , 0.   ],
           [0.   , 0.   , 0.   ]])
    """

    def jumps(self) -> tuple[NDArray[np.complex128], ...]:
        """The jump operator above."""
        return (np.sqrt(self.rate) * transition(GROUND, EXCITED),)


@dataclass(frozen=True)
class Pumping(RateNoise):
    r"""Incoherent excitation of the ground level.

    .. math:: L = \sqrt{r}\,|e\rangle\langle g|

    Parameters
    ----------
    rate : float
        Rate r at which the ground population is excited, 1/s.

    Raises
    ------
    ValueError
        If the rate is not finite and >= 0.

    Examples
    --------
    >>> Pumping(0.1)
    Pumping(rate=0.1)
    """

    def jumps(self) -> tuple[NDArray[np.complex128], ...]:
        """The jump operator above."""
        return (np.sqrt(self.rate) * transition(EXCITED, GROUND),)
