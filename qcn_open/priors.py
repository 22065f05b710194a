r"""What is known of the phase before a measurement: nothing, or a Gaussian around a predicted value."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qcn_open.validation import positive

__all__ = ["FlatPrior", "GaussianPrior", "Prior"]


class Prior(ABC):
    """Distribution of the phase of one atom, relative to the predicted one, on the circle (-pi, pi]."""

    @abstractmethod
    def log_density(self, phase: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithm of the density (1/rad) at the phases in (-pi, pi]."""

    @abstractmethod
    def sample(self, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Phases (rad) drawn from it, not wrapped."""


@dataclass(frozen=True)
class FlatPrior(Prior):
    """Every phase on the circle is equally likely.

    Examples
    --------
    >>> import numpy as np
    >>> FlatPrior().sample(3, np.random.default_rng(1)).round(3)
    array([ 0.074,  2.83 , -2.236])
    """

    def log_density(self, phase: NDArray[np.float64]) -> NDArray[np.float64]:
        """-ln 2 pi everywhere."""
        return np.full(np.shape(phase), -math.log(2.0 * math.pi))

    def sample(self, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Phases (rad) from -pi to pi."""
        return rng.uniform(-math.pi, math.pi, size)


@dataclass(frozen=True)
class GaussianPrior(Prior):
    r"""A Gaussian of mean 0, wrapped on the circle.

    Parameters
    ----------
    variance : float
        Variance of the phase before it is wrapped, rad^2.

    Raises
    ------
    ValueError
        If the variance is not finite and > 0.

    Examples
    --------
    >>> import numpy as np
    >>> float(GaussianPrior(0.3).log_density(np.zeros(1))[0].round(3))
    -0.317
    """

    variance: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "variance", positive("GaussianPrior variance", self.variance, "rad^2"))

    def log_density(self, phase: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithm of the sum over windings; of the flat density where it is wider than 10 rad."""
        if self.variance > 100.0:
            return FlatPrior().log_density(phase)
        # Each winding over that of the phase itself; those left out are less than 1e-16.
        phase = np.asarray(phase)
        turns = np.arange(1, 3 + math.ceil(1.5 * math.sqrt(self.variance)))
        forth, back = (turns * (math.pi * turns + side * phase[..., None]) for side in (1.0, -1.0))
        windings = np.exp(-2.0 * math.pi / self.variance * np.concatenate([forth, back], axis=-1)).sum(axis=-1)
        own = -(phase**2) / (2.0 * self.variance) - 0.5 * math.log(2.0 * math.pi * self.variance)
        return np.asarray(own + np.log1p(windings))

    def sample(self, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Phases (rad), not wrapped."""
        return rng.normal(0.0, math.sqrt(self.variance), size)
