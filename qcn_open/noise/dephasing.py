"""Single-particle dephasing: the atomic linewidth of the paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qcn_open.noise.base import EXCITED, GROUND, RateNoise, transition

__all__ = ["Dephasing"]


@dataclass(frozen=True)
class Dephasing(RateNoise):
    r"""Independent dephasing of every atom.

    .. math:: L = \sqrt{\gamma_i/4}\,(|e\rangle\langle e| - |g\rangle\langle g|), \qquad
              \rho_{eg}(t) = e^{-\gamma_i t/2}\rho_{eg}(0)

    Parameters
    ----------
    rate : float
        Atomic linewidth :math:`\gamma_i` in 1/s: one atom's coherence decays at half of it (paper, Stability
        analysis; Huelga et al., PRL 79, 3865 (1997)).

    Raises
    ------
    ValueError
        If the rate is not finite and >= 0.

    Examples
    --------
    >>> Dephasing(1.0)
    Dephasing(rate=1.0)
    """

    def jumps(self) -> tuple[NDArray[np.complex128], ...]:
        """The jump operator above."""
        return (0.5 * np.sqrt(self.rate) * (transition(EXCITED, EXCITED) - transition(GROUND, GROUND)),)
