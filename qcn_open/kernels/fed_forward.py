r"""Parities read one after the other, each at the angle that promises most after those read before.

From the largest blocks to the smallest, as in the semiclassical Fourier transform: blocks of n atoms and more tell the
phase modulo 2 pi/n, so that only one period of the likelihood is kept, at the points 2 pi i/points of
`CascadeTables`. Of two outcomes :math:`\pm` with probabilities :math:`P_\pm` the one block more promises the expected
sharpness

.. math:: \sum_\pm P_\pm\,\bigl|\langle e^{in\varphi}\rangle_\pm\bigr|
          = \tfrac12\sum_\pm\bigl|(1 \pm D)\,\langle e^{in\varphi}\rangle
            \pm \tfrac12V\bigl(e^{i\alpha} + \langle e^{2in\varphi}\rangle e^{-i\alpha}\bigr)\bigr|

which the angle alpha maximises (Berry, Higgins et al., PRA 80, 052114 (2009)).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qcn_open.kernels.random import uniform

if TYPE_CHECKING:
    from qcn_open.kernels.cascade import CascadeTables

__all__ = ["best_angle", "draw_each", "finish", "learn", "mean_direction", "widen"]

_TURN = 2.0 * math.pi
# Angles tried over half a turn: the best of them loses less than (pi/128)^2 of the information.
_TRIED = 64
_COSINES = np.cos(math.pi * np.arange(_TRIED) / _TRIED)
_SINES = np.sin(math.pi * np.arange(_TRIED) / _TRIED)
_SMALL = 1e-100


@njit(cache=True)
def best_angle(level: Any, circle: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, float]:
    """Cosine and sine of the angle for the next block of a level."""
    size, constant, contrast = level.size, level.constant, 0.5 * level.contrast
    total, x1, y1, x2, y2 = 0.0, 0.0, 0.0, 0.0, 0.0
    for point in range(level.period):
        weight, cosine, sine = weights[point], circle[0, point * size], circle[1, point * size]
        total += weight
        x1 += weight * cosine
        y1 += weight * sine
        x2 += weight * (cosine * cosine - sine * sine)
        y2 += weight * 2.0 * cosine * sine
    x1, y1, x2, y2 = x1 / total, y1 / total, contrast * x2 / total, contrast * y2 / total
    best, most = 0, -1.0
    for tried in range(_TRIED):
        cosine, sine = _COSINES[tried], _SINES[tried]
        x = (contrast + x2) * cosine + y2 * sine
        y = (contrast - x2) * sine + y2 * cosine
        sharpness = math.hypot((1.0 + constant) * x1 + x, (1.0 + constant) * y1 + y)
        sharpness += math.hypot((1.0 - constant) * x1 - x, (1.0 - constant) * y1 - y)
        if sharpness > most + 1e-12:
            best, most = tried, sharpness
    return _COSINES[best], _SINES[best]


@njit(cache=True)
def learn(
    level: Any,
    circle: NDArray[np.float64],
    cosine: float,
    sine: float,
    sign: int,
    weights: NDArray[np.float64],
) -> None:
    """Multiply one period of the likelihood by the chance of a sign (0: +, 1: -) at an angle."""
    size, factor = level.size, 0.5 - sign
    constant = 0.5 + factor * level.constant
    x, y = factor * level.contrast * cosine, factor * level.contrast * sine
    highest = 0.0
    for point in range(level.period):
        weights[point] *= constant + x * circle[0, point * size] + y * circle[1, point * size]
        highest = max(highest, weights[point])
    if highest < _SMALL:
        for point in range(level.period):
            weights[point] /= highest


@njit(cache=True)
def widen(known: int, period: int, weights: NDArray[np.float64]) -> int:
    """Repeat what is known at so many points over a longer period, whose length it returns; nothing known is flat."""
    if known == 0:
        weights[:period] = 1.0
    for point in range(max(known, 1), period):
        weights[point] = weights[point - max(known, 1)]
    return period


@njit(cache=True)
def finish(tables: CascadeTables, predicted: float, weights: NDArray[np.float64]) -> None:
    """Repeat the likelihood over the circle and multiply it by the prior around the predicted phase."""
    points = tables.points
    widen(tables.levels[0].period, points, weights)
    away = (-predicted / _TURN * points) % points
    whole = min(int(away), points - 1)
    part = away - whole
    highest = -np.inf
    for point in range(points):
        prior = tables.log_prior[point + whole]
        prior += part * (tables.log_prior[point + whole + 1] - prior)
        weights[point] = math.log(weights[point]) + prior if weights[point] > 0.0 else -np.inf
        highest = max(highest, weights[point])
    for point in range(points):
        weights[point] = math.exp(weights[point] - highest)


@njit(cache=True)
def draw_each(state: NDArray[np.uint64], tables: CascadeTables, phase: float, counts: NDArray[np.int64]) -> None:
    """Fill `counts` with outcomes drawn at the `phase` of one atom (rad)."""
    weights = np.empty(tables.points)
    known = 0
    for level in tables.levels[::-1]:
        known = widen(known, level.period, weights)
        x = 0.5 * level.contrast * math.cos(level.size * phase)
        y = 0.5 * level.contrast * math.sin(level.size * phase)
        for channel in range(level.first, level.stop):
            cosine, sine = best_angle(level, tables.circle, weights)
            number = uniform(state)
            plus = 0.5 + 0.5 * level.constant + x * cosine + y * sine
            counts[channel, 0] = int(number < level.present * plus)
            counts[channel, 1] = int(number < level.present) - counts[channel, 0]
            if number < level.present:
                learn(level, tables.circle, cosine, sine, counts[channel, 1], weights)


@njit(cache=True)
def mean_direction(tables: CascadeTables, counts: NDArray[np.int64], predicted: float) -> float:
    """Direction of the mean of exp(i phase) over the posterior, at the angles that led to the outcomes."""
    weights = np.empty(tables.points)
    known = 0
    for level in tables.levels[::-1]:
        known = widen(known, level.period, weights)
        for channel in range(level.first, level.stop):
            if counts[channel, 0] + counts[channel, 1] > 0:
                cosine, sine = best_angle(level, tables.circle, weights)
                learn(level, tables.circle, cosine, sine, counts[channel, 1], weights)
    finish(tables, predicted, weights)
    return math.atan2(np.sum(weights * tables.circle[1]), np.sum(weights * tables.circle[0]))
