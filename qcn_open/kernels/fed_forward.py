r"""Parities read one after the other, each at the angle that promises most after those read before.

From the largest blocks to the smallest, as in the semiclassical Fourier transform: blocks of n atoms and more tell the
phase modulo 2 pi/n, so that only one period of the likelihood is kept, at the points 2 pi i/points of
`CascadeTables`, and of the prior around the predicted phase what is left of it modulo 2 pi/n. Of two outcomes
:math:`\pm` with probabilities :math:`P_\pm` the one block more promises the expected sharpness of the posterior

.. math:: \sum_\pm P_\pm\,\bigl|\langle e^{in\varphi}\rangle_\pm\bigr|
          = \tfrac12\sum_\pm\bigl|(1 \pm D)\,\langle e^{in\varphi}\rangle
            \pm \tfrac12V\bigl(e^{i\alpha} + \langle e^{2in\varphi}\rangle e^{-i\alpha}\bigr)\bigr|

which the angle alpha maximises (Berry, Higgins et al., PRA 80, 052114 (2009)). Blocks that share a channel are read at
the angle that is the best for one of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qcn_open.kernels.random import binomial, uniform

if TYPE_CHECKING:
    from qcn_open.kernels.cascade import CascadeTables

__all__ = ["around", "best_angle", "draw_each", "finish", "fold", "learn", "mean_direction", "widen"]

_TURN = 2.0 * math.pi
# Angles tried over half a turn: the best of them loses less than (pi/128)^2 of the information.
_TRIED = 64
_COSINES = np.cos(math.pi * np.arange(_TRIED) / _TRIED)
_SINES = np.sin(math.pi * np.arange(_TRIED) / _TRIED)
# So small a likelihood is rescaled; no phase is less likely before, compared with the likeliest.
_SMALL = 1e-100


@njit(cache=True)
def around(tables: CascadeTables, predicted: float, prior: NDArray[np.float64]) -> None:
    """Fill `prior` with that around the predicted phase, over its highest value."""
    points = tables.points
    away = (-predicted / _TURN * points) % points
    whole = min(int(away), points - 1)
    part = away - whole
    highest = -np.inf
    for point in range(points):
        log = tables.log_prior[point + whole]
        prior[point] = log + part * (tables.log_prior[point + whole + 1] - log)
        highest = max(highest, prior[point])
    for point in range(points):
        prior[point] = max(math.exp(prior[point] - highest), _SMALL)


@njit(cache=True)
def fold(prior: NDArray[np.float64], period: int, folded: NDArray[np.float64]) -> None:
    """Mean of the prior over the points that are so many apart."""
    folded[:period] = 0.0
    for start in range(0, len(prior), period):
        for point in range(period):
            folded[point] += prior[start + point]
    folded[:period] /= len(prior) // period


@njit(cache=True)
def best_angle(
    level: Any, circle: NDArray[np.float64], likelihood: NDArray[np.float64], prior: NDArray[np.float64]
) -> tuple[float, float]:
    """Cosine and sine of the angle for the next block of a level, given one period of likelihood and folded prior."""
    constant, contrast = level.constant, 0.5 * level.contrast
    total, x1, y1, x2, y2 = _moments(
        likelihood[: level.period], prior, circle[0, :: level.size], circle[1, :: level.size]
    )
    x1, y1, x2, y2 = x1 / total, y1 / total, contrast * x2 / total, contrast * y2 / total
    sharpness = np.empty(_TRIED)
    for tried in range(_TRIED):
        cosine, sine = _COSINES[tried], _SINES[tried]
        x = (contrast + x2) * cosine + y2 * sine
        y = (contrast - x2) * sine + y2 * cosine
        plus_x, plus_y = (1.0 + constant) * x1 + x, (1.0 + constant) * y1 + y
        minus_x, minus_y = (1.0 - constant) * x1 - x, (1.0 - constant) * y1 - y
        sharpness[tried] = math.sqrt(plus_x**2 + plus_y**2) + math.sqrt(minus_x**2 + minus_y**2)
    best, most = 0, -1.0
    for tried in range(_TRIED):
        if sharpness[tried] > most + 1e-12:
            best, most = tried, sharpness[tried]
    return _COSINES[best], _SINES[best]


@njit(cache=True, fastmath={"reassoc"})
def _moments(
    likelihood: NDArray[np.float64],
    prior: NDArray[np.float64],
    cosines: NDArray[np.float64],
    sines: NDArray[np.float64],
) -> tuple[float, float, float, float, float]:
    """Sums over a posterior of 1, and of cosine and sine of once and twice the phase; in any order, which is faster."""
    total, x1, y1, x2, y2 = 0.0, 0.0, 0.0, 0.0, 0.0
    for point in range(len(likelihood)):
        weight = likelihood[point] * prior[point]
        cosine, sine = cosines[point], sines[point]
        total += weight
        x1 += weight * cosine
        y1 += weight * sine
        x2 += weight * (cosine * cosine - sine * sine)
        y2 += weight * 2.0 * cosine * sine
    return total, x1, y1, x2, y2


@njit(cache=True)
def learn(
    level: Any,
    circle: NDArray[np.float64],
    cosine: float,
    sine: float,
    plus: int,
    minus: int,
    likelihood: NDArray[np.float64],
) -> None:
    """Multiply one period of the likelihood by the chance of so many + and - at an angle, up to a constant."""
    read = plus + minus
    if_plus, if_minus = 0.5 + 0.5 * level.constant, 0.5 - 0.5 * level.constant
    x, y = 0.5 * level.contrast * cosine, 0.5 * level.contrast * sine
    cosines, sines = circle[0, :: level.size], circle[1, :: level.size]
    # Over the highest that the chance of all signs can be, which would be too small a number.
    for sign, constant, times in ((1.0, if_plus, plus), (-1.0, if_minus, minus)):
        if times > 0:
            share = read / times
            _multiply(
                likelihood[: level.period], share * constant, share * sign * x, share * sign * y, cosines, sines, times
            )
    highest = _highest(likelihood[: level.period])
    if highest < _SMALL:
        for point in range(level.period):
            likelihood[point] /= highest


@njit(cache=True)
def _multiply(
    likelihood: NDArray[np.float64],
    constant: float,
    x: float,
    y: float,
    cosines: NDArray[np.float64],
    sines: NDArray[np.float64],
    times: int,
) -> None:
    """By so many times a fringe."""
    for _ in range(times):
        for point in range(len(likelihood)):
            likelihood[point] *= constant + x * cosines[point] + y * sines[point]


@njit(cache=True, fastmath={"reassoc", "nnan", "nsz"})
def _highest(values: NDArray[np.float64]) -> float:
    highest = 0.0
    for value in values:
        highest = max(highest, value)
    return highest


@njit(cache=True)
def widen(known: int, period: int, likelihood: NDArray[np.float64]) -> int:
    """Repeat what is known at so many points over a longer period, whose length it returns; nothing known is flat."""
    if known == 0:
        likelihood[:period] = 1.0
    for point in range(max(known, 1), period):
        likelihood[point] = likelihood[point - max(known, 1)]
    return period


@njit(cache=True)
def finish(tables: CascadeTables, prior: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
    """Make the posterior over the circle of one period of the likelihood."""
    widen(tables.levels[0].period, tables.points, weights)
    for point in range(tables.points):
        weights[point] *= prior[point]


@njit(cache=True)
def draw_each(
    state: NDArray[np.uint64], tables: CascadeTables, phase: float, predicted: float, counts: NDArray[np.int64]
) -> None:
    """Fill `counts` with outcomes drawn at the `phase` of one atom (rad); the angles know the predicted one."""
    likelihood, prior, folded = np.empty((3, tables.points))
    around(tables, predicted, prior)
    known = 0
    for level in tables.levels[::-1]:
        known = widen(known, level.period, likelihood)
        fold(prior, known, folded)
        x = 0.5 * level.contrast * math.cos(level.size * phase)
        y = 0.5 * level.contrast * math.sin(level.size * phase)
        for channel in range(level.first, level.stop):
            cosine, sine = best_angle(level, tables.circle, likelihood, folded)
            chance = 0.5 + 0.5 * level.constant + x * cosine + y * sine
            copies = tables.channels[channel].copies
            if copies == 1:
                number = uniform(state)
                plus, read = int(number < level.present * chance), int(number < level.present)
            else:
                read = binomial(state, copies, level.present)
                plus = binomial(state, read, chance)
            counts[channel, 0], counts[channel, 1] = plus, read - plus
            if read > 0:
                learn(level, tables.circle, cosine, sine, plus, read - plus, likelihood)


@njit(cache=True)
def mean_direction(tables: CascadeTables, counts: NDArray[np.int64], predicted: float) -> float:
    """Direction of the mean of exp(i phase) over the posterior, at the angles that led to the outcomes."""
    likelihood, prior, folded = np.empty((3, tables.points))
    around(tables, predicted, prior)
    known = 0
    for level in tables.levels[::-1]:
        known = widen(known, level.period, likelihood)
        fold(prior, known, folded)
        for channel in range(level.first, level.stop):
            plus, minus = counts[channel]
            if plus + minus > 0:
                cosine, sine = best_angle(level, tables.circle, likelihood, folded)
                learn(level, tables.circle, cosine, sine, plus, minus, likelihood)
    finish(tables, prior, likelihood)
    return math.atan2(np.sum(likelihood * tables.circle[1]), np.sum(likelihood * tables.circle[0]))
