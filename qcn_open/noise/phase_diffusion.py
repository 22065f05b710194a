"""A random phase common to all atoms: the white-noise part of the laser."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from qcn_open.noise.base import CollectiveNoise
from qcn_open.validation import nonnegative

__all__ = ["PhaseDiffusion"]


@dataclass(frozen=True)
class PhaseDiffusion(CollectiveNoise):
    r"""Brownian phase :math:`\epsilon`, the same for all atoms, of variance :math:`vT` after a time T.

    .. math:: \rho \mapsto \int\! d\epsilon\, \mathcal N(\epsilon; 0, vT)\,
              e^{i\epsilon J_z}\rho\, e^{-i\epsilon J_z}, \qquad
              \rho_m \mapsto e^{-m^2 vT/2}\rho_m

    where :math:`\rho_m` is the part of coherence order m. It is the Lindblad jump :math:`\sqrt{v}J_z`.

    Parameters
    ----------
    variance_per_s : float
        v in rad^2/s. It *is* the phase noise of a white-frequency-noise laser: count that laser only once.

    Raises
    ------
    ValueError
        If v is not finite and >= 0.

    Examples
    --------
    >>> PhaseDiffusion(variance_per_s=0.01).variance_rate()
    0.01
    """

    variance_per_s: float

    def __post_init__(self) -> None:
        variance = nonnegative("PhaseDiffusion variance_per_s", self.variance_per_s, "rad^2/s")
        object.__setattr__(self, "variance_per_s", variance)

    def variance_rate(self) -> float:
        """v, rad^2/s."""
        return self.variance_per_s

    def plus(self, other: Self) -> Self:
        """Independent Gaussian phases add their variances."""
        return replace(self, variance_per_s=self.variance_per_s + other.variance_per_s)
