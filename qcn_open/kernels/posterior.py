r"""Expected error of the phase that the posterior of a cascade makes of its outcomes.

Rounding errors are rare, so outcomes are drawn from a mixture: half the trials from their true distribution
:math:`p(o|\varphi)`, the others from :math:`\sqrt{p(o|\varphi)p(o|\varphi + s)}`, which mistakes a phase for its
neighbour at a distance s that the larger blocks can't tell from it. Every outcome has its probability over that of
the mixture as its weight.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qcn_open.kernels.cascade import CascadeTables, posterior
from qcn_open.kernels.random import uniform

__all__ = ["expected_squares", "mean_square"]

_TURN = 2.0 * math.pi
# Two distributions that share no outcome have no geometric mean.
_DISJOINT = 1e-9


@njit(cache=True)
def overlap(plus: float, other: float) -> float:
    """Norm of the geometric mean of two distributions of a sign, from their chances of +; 0 if they share no sign."""
    norm = math.sqrt(plus * other) + math.sqrt((1.0 - plus) * (1.0 - other))
    return norm if norm > _DISJOINT else 0.0


@njit(cache=True)
def draw(plus: float, other: float, number: float) -> int:
    """Sign (0: +, 1: -) at a number in [0, 1) from the geometric mean of two distributions, or the first if none."""
    norm = overlap(plus, other)
    return 0 if number < (math.sqrt(plus * other) / norm if norm > 0.0 else plus) else 1


@njit(cache=True)
def squared_ratio(sign: int, plus: float, other: float) -> float:
    """Square of the chance of a sign in the geometric mean of two distributions over that in the first one."""
    norm = overlap(plus, other)
    if norm == 0.0:
        return 1.0
    return other / (plus * norm**2) if sign == 0 else (1.0 - other) / ((1.0 - plus) * norm**2)


@njit(cache=True)
def mean_square(weights: NDArray[np.float64], cosines: NDArray[np.float64], sines: NDArray[np.float64]) -> float:
    """Mean square of the wrapped distance (rad^2) from the mean direction of weights at 2 pi i/points."""
    points = len(weights)
    total, x, y = 0.0, 0.0, 0.0
    for i in range(points):
        total += weights[i]
        x += weights[i] * cosines[i]
        y += weights[i] * sines[i]
    centre = math.atan2(y, x) * points / _TURN
    square = 0.0
    for i in range(points):
        if weights[i] > 0.0:
            away = i - centre
            square += weights[i] * (away - points * math.floor(away / points + 0.5)) ** 2
    return square / total * (_TURN / points) ** 2


@njit(cache=True)
def expected_squares(
    state: NDArray[np.uint64],
    tables: CascadeTables,
    phases: NDArray[np.float64],
    parts: NDArray[np.int64],
    fractions: NDArray[np.float64],
    shifts: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Weighted mean square (rad^2) of the wrapped error under the posterior, for every trial.

    Parameters
    ----------
    state : of the random numbers
    tables : of a cascade whose estimator is the mean direction of the posterior
    phases, parts : (trials,) true phases, and the part of the mixture each trial is drawn from
    fractions, shifts : (parts,) share of the trials, and phase s of each part; part 0 is the true distribution
    """
    counts = np.zeros((len(tables.copies), 2), dtype=np.int64)
    weights = np.empty(tables.points)
    squares = np.empty(len(phases))
    logs, ratios = np.empty(len(shifts)), np.empty(len(shifts))
    real, imaginary = np.empty(len(shifts)), np.empty(len(shifts))
    # Blocks to which a shift is a multiple of their period tell nothing of it.
    turns = np.outer(tables.sizes, shifts) / _TURN
    repeats = np.abs(turns - np.rint(turns)) < 1e-9
    for trial in range(len(phases)):
        counts[:] = 0
        logs[:] = 0.0
        part = parts[trial]
        for level in range(len(tables.sizes)):
            present, centre = tables.present[level], 0.5 + 0.5 * tables.constant[level]
            for p in range(len(shifts)):
                angle = tables.sizes[level] * (phases[trial] + shifts[p])
                real[p] = 0.5 * tables.contrast[level] * math.cos(angle)
                imaginary[p] = 0.5 * tables.contrast[level] * math.sin(angle)
            ratios[:] = 1.0
            for channel in range(tables.first[level], tables.first[level + 1]):
                cosine, sine = tables.cosine[channel], tables.sine[channel]
                plus = centre + real[0] * cosine + imaginary[0] * sine
                other = centre + real[part] * cosine + imaginary[part] * sine
                for _ in range(tables.copies[channel]):
                    if present == 1.0 or uniform(state) < present:
                        counts[channel, draw(plus, other, uniform(state))] += 1
                for p in range(1, len(shifts)):
                    if repeats[level, p]:
                        continue
                    other = centre + real[p] * cosine + imaginary[p] * sine
                    for sign in range(2):
                        if counts[channel, sign] > 0:
                            ratios[p] *= squared_ratio(sign, plus, other) ** counts[channel, sign]
                            if not 1e-150 < ratios[p] < 1e150:
                                logs[p] += math.log(ratios[p]) if ratios[p] > 0.0 else -np.inf
                                ratios[p] = 1.0
            logs += np.log(ratios)
        start, length = posterior(tables, counts, 0.0, weights)
        for i in range(start + length, start + tables.points):
            weights[i % tables.points] = 0.0
        chance = np.sum(fractions * np.exp(0.5 * logs))
        squares[trial] = mean_square(weights, tables.cosines, tables.sines) / chance
    return squares
