r"""How long to interrogate: the best Ramsey time, and the precision it gives in a total time.

In a total time :math:`\tau` an experiment of interrogation time T is repeated :math:`\tau/T` times, so that

.. math:: \Delta\delta = \left[\frac{\tau}{T}F_\delta(T)\right]^{-1/2}

and the best T maximises :math:`F_\delta(T)/T`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from qcn_open.backends import Backend
from qcn_open.bounds import channel_extension
from qcn_open.fisher import qfi
from qcn_open.model import Ramsey, noises
from qcn_open.noise import CollectiveNoise, Noise, generator
from qcn_open.noise.base import EXCITED, GROUND, LEVELS
from qcn_open.probes import Ghz, GhzBlocks, Probe
from qcn_open.validation import count, nonnegative, positive

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["OptimalTime", "bound_optimal_time", "optimal_time", "precision_curve"]

AnyNoise = Noise | CollectiveNoise


@dataclass(frozen=True)
class OptimalTime:
    """The best interrogation time and what it gives.

    Attributes
    ----------
    time : float
        Interrogation time T, s.
    rate : float
        Fisher information gathered per time, F/T, s.
    """

    time: float
    rate: float

    def uncertainty(self, total_time: float) -> float:
        r"""Uncertainty :math:`\Delta\delta = (\tau F/T)^{-1/2}` after a total time (s), in rad/s.

        Examples
        --------
        >>> OptimalTime(time=0.5, rate=4.0).uncertainty(100.0)
        0.05
        """
        information = nonnegative("total_time", total_time, "s") * self.rate
        return 1.0 / math.sqrt(information) if information > 0.0 else math.inf


def optimal_time(
    probe: Probe,
    noise: AnyNoise | Iterable[AnyNoise],
    total_time: float | None = None,
    backend: Backend | Literal["auto"] = "auto",
) -> OptimalTime:
    r"""Interrogation time that maximises the Fisher information gathered per time, :math:`F_\delta(T)/T`.

    For a GHZ state of n atoms under dephasing it is :math:`1/(n\gamma_i)`, the decoherence-limited Ramsey time of
    the paper. The maximum is global: a product of blocks of different sizes can have several local ones.

    Parameters
    ----------
    probe : Probe
        Input state.
    noise : noise or iterable of noises
        Rates in 1/s.
    total_time : float, optional
        Longest T, s. The number of repetitions need not be whole.
    backend : Backend or "auto", optional
        As for `qfi`.

    Returns
    -------
    OptimalTime
        T in s and F/T in s.

    Raises
    ------
    ValueError
        If nothing limits T: the noise leaves the coherence alone and there is no `total_time`; or if `total_time`
        is not finite and > 0.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ghz
    >>> best = optimal_time(Ghz(5), Dephasing(2.0))
    >>> round(best.time, 9), round(best.rate * math.e * 2.0, 9)
    (0.1, 5.0)
    """
    parts = noises(noise)
    local, common = _coherence_decay(parts)
    # A state that is no product of GHZ blocks may live on a coherence of first order.
    blocks = probe.ghz_blocks() or (GhzBlocks(1), GhzBlocks(probe.atoms))
    decays = [block.size * local + block.size**2 * common for block in blocks]
    # An unbalanced state gains until its larger weight has decayed to the smaller one.
    patience = max(-math.log(block.excited_weight * (1.0 - block.excited_weight)) for block in blocks)
    return _best(
        lambda time: qfi(Ramsey(probe, parts, time), backend) / time,
        _search_range(max(decays), min(decays), 20.0 + patience, total_time),
    )


def bound_optimal_time(
    atoms: int, noise: AnyNoise | Iterable[AnyNoise], total_time: float | None = None
) -> OptimalTime:
    r"""Interrogation time at which the upper bound on F/T is largest: nothing with so many atoms gathers more.

    Parameters
    ----------
    atoms : int
        Number of atoms N.
    noise : noise or iterable of noises
        Rates in 1/s.
    total_time : float, optional
        Longest T, s.

    Returns
    -------
    OptimalTime
        T in s and the bound on F/T in s, from `bounds.channel_extension`.

    Raises
    ------
    ValueError
        As for `optimal_time`.

    Examples
    --------
    >>> from qcn_open import Dephasing
    >>> best = bound_optimal_time(100, Dephasing(1.0))
    >>> round(100 / best.rate, 5)
    1.14472
    """
    parts, probe = noises(noise), Ghz(count("atoms", atoms))
    local, common = _coherence_decay(parts)
    # A common phase alone never turns the bound over: it approaches 1/(variance rate) as T grows.
    return _best(
        lambda time: channel_extension(Ramsey(probe, parts, time)) / time,
        _search_range(probe.atoms * local + probe.atoms**2 * common, local, 20.0, total_time),
    )


def precision_curve(best: Callable[[int], OptimalTime], atoms: Sequence[int], total_time: float) -> pd.DataFrame:
    r"""Uncertainty of the detuning against the number of atoms at fixed total time, with its local exponent.

    Parameters
    ----------
    best : callable
        Number of atoms -> `OptimalTime`; for GHZ states ``lambda n: optimal_time(Ghz(n), noise, total_time)``.
    atoms : sequence of int
        Increasing numbers of atoms N, at least two.
    total_time : float
        Total time, s.

    Returns
    -------
    pandas.DataFrame
        ``atoms, time_s, detuning_uncertainty_rad_per_s, exponent``; the exponent is
        :math:`d\ln\Delta\delta/d\ln N` by central differences of the logarithms.

    Raises
    ------
    ValueError
        If the atoms do not increase or the total time is not finite and > 0.

    Examples
    --------
    >>> from qcn_open import CoherentSpin, Dephasing
    >>> table = precision_curve(lambda n: optimal_time(CoherentSpin(n), Dephasing(1.0), 0.1), [10, 100], 0.1)
    >>> table["exponent"].round(6).tolist()
    [-0.5, -0.5]
    """
    import pandas as pd

    numbers = [count("atoms", number) for number in atoms]
    if len(numbers) < 2 or any(b <= a for a, b in pairwise(numbers)):
        raise ValueError(f"atoms must be at least two increasing numbers, got {list(atoms)}")
    optima = [best(number) for number in numbers]
    uncertainty = np.array([optimum.uncertainty(positive("total_time", total_time, "s")) for optimum in optima])
    return pd.DataFrame(
        {
            "atoms": numbers,
            "time_s": [optimum.time for optimum in optima],
            "detuning_uncertainty_rad_per_s": uncertainty,
            "exponent": np.gradient(np.log(uncertainty), np.log(numbers)),
        }
    )


def _coherence_decay(parts: Sequence[AnyNoise]) -> tuple[float, float]:
    """Decay rates (1/s) of one atom's coherence: from local noise, and from a common phase at first order."""
    element = LEVELS * EXCITED + GROUND
    local = -generator(part for part in parts if isinstance(part, Noise))[element, element].real
    return float(local), 0.5 * sum(part.variance_rate() for part in parts if isinstance(part, CollectiveNoise))


def _search_range(fast: float, slow: float, decays: float, total_time: float | None) -> tuple[float, float]:
    """Times between which the best one lies, from the fastest and slowest decay of a coherence (1/s)."""
    if total_time is not None:
        positive("total_time", total_time, "s")
    if slow <= 0.0 and total_time is None:
        raise ValueError("nothing limits the interrogation time: give a noise that dephases the atoms, or total_time")
    longest = decays / slow if slow > 0.0 else math.inf
    high = longest if total_time is None else min(longest, total_time)
    return min(1e-3 / fast if fast > 0.0 else math.inf, 1e-3 * high), high


def _best(rate: Callable[[float], float], times: tuple[float, float]) -> OptimalTime:
    """Global maximum of `rate` over the logarithm of time.

    Every block contributes one hump about one unit of ln T wide, so a grid of a tenth of that sees them all; only
    humps that come close to the highest can win once refined.
    """
    from scipy.optimize import minimize_scalar

    low, high = times
    grid = np.geomspace(low, high, max(3, math.ceil(math.log(high / low) / 0.1) + 1))
    values = np.array([rate(float(time)) for time in grid])
    start = int(values.argmax())
    best = OptimalTime(float(grid[start]), float(values[start]))
    padded = np.concatenate([[-math.inf], values, [-math.inf]])
    humps = np.flatnonzero((values >= padded[:-2]) & (values >= padded[2:]) & (values > 0.9 * best.rate))
    for hump in humps.tolist():
        found = minimize_scalar(
            lambda log_time: -rate(math.exp(log_time)),
            bounds=(math.log(grid[max(hump - 1, 0)]), math.log(grid[min(hump + 1, len(grid) - 1)])),
            method="bounded",
            options={"xatol": 1e-10},
        )
        if -found.fun > best.rate:
            best = OptimalTime(math.exp(found.x), float(-found.fun))
    return best
