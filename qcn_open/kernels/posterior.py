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

from qcn_open.kernels.cascade import FED_FORWARD, CascadeTables, posterior
from qcn_open.kernels.fed_forward import around, best_angle, finish, fold, learn, widen
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
def mean_square(weights: NDArray[np.float64], circle: NDArray[np.float64]) -> float:
    """Mean square of the wrapped distance (rad^2) from the mean direction of weights at 2 pi i/points."""
    points = len(weights)
    total, x, y = 0.0, 0.0, 0.0
    for i in range(points):
        total += weights[i]
        x += weights[i] * circle[0, i]
        y += weights[i] * circle[1, i]
    centre = math.atan2(y, x) * points / _TURN
    square = 0.0
    for i in range(points):
        if weights[i] > 0.0:
            away = i - centre
            square += weights[i] * (away - points * math.floor(away / points + 0.5)) ** 2
    return square / total * (_TURN / points) ** 2


@njit(cache=True, nogil=True)
def expected_squares(
    states: NDArray[np.uint64],
    tables: CascadeTables,
    phases: NDArray[np.float64],
    parts: NDArray[np.int64],
    fractions: NDArray[np.float64],
    shifts: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Weighted mean square (rad^2) of the wrapped error under the posterior, for every trial.

    Parameters
    ----------
    states : (1, 4) of the random numbers, or (trials, 4): then equal trials of similar cascades meet the same numbers
    tables : of a cascade whose estimator is the mean direction of the posterior
    phases, parts : (trials,) true phases, and the part of the mixture each trial is drawn from
    fractions, shifts : (parts,) share of the trials, and phase s of each part; part 0 is the true distribution
    """
    levels, channels = tables.levels, tables.channels
    counts = np.zeros((len(channels), 2), dtype=np.int64)
    weights, prior, folded = np.empty((3, tables.points))
    if tables.rule == FED_FORWARD:
        around(tables, 0.0, prior)
    squares = np.empty(len(phases))
    logs, ratios = np.empty(len(shifts)), np.empty(len(shifts))
    real, imaginary = np.empty(len(shifts)), np.empty(len(shifts))
    apart = len(states) > 1
    for trial in range(len(phases)):
        state = states[trial if apart else 0]
        counts[:] = 0
        logs[:] = 0.0
        part, known = parts[trial], 0
        for level in levels[::-1]:
            if tables.rule == FED_FORWARD:
                known = widen(known, level.period, weights)
                fold(prior, known, folded)
            for p in range(len(shifts)):
                angle = level.size * (phases[trial] + shifts[p])
                real[p] = 0.5 * level.contrast * math.cos(angle)
                imaginary[p] = 0.5 * level.contrast * math.sin(angle)
            ratios[:] = 1.0
            for number in range(level.first, level.stop):
                cosine, sine = channels[number].cosine, channels[number].sine
                if tables.rule == FED_FORWARD:
                    cosine, sine = best_angle(level, tables.circle, weights, folded)
                plus = _chance(level.constant, real[0], imaginary[0], cosine, sine)
                other = _chance(level.constant, real[part], imaginary[part], cosine, sine)
                for _ in range(channels[number].copies):
                    if level.present == 1.0 or uniform(state) < level.present:
                        counts[number, draw(plus, other, uniform(state))] += 1
                    elif apart:
                        uniform(state)
                if tables.rule == FED_FORWARD and counts[number, 0] + counts[number, 1] > 0:
                    learn(level, tables.circle, cosine, sine, counts[number, 0], counts[number, 1], weights)
                for p in range(1, len(shifts)):
                    # Blocks to which a shift is a multiple of their period tell nothing of it.
                    if abs(real[p] - real[0]) + abs(imaginary[p] - imaginary[0]) < 1e-9:
                        continue
                    other = _chance(level.constant, real[p], imaginary[p], cosine, sine)
                    for sign in range(2):
                        if counts[number, sign] > 0:
                            ratios[p] *= squared_ratio(sign, plus, other) ** counts[number, sign]
                            if not 1e-150 < ratios[p] < 1e150:
                                logs[p] += math.log(ratios[p]) if ratios[p] > 0.0 else -np.inf
                                ratios[p] = 1.0
            logs += np.log(ratios)
        if tables.rule == FED_FORWARD:
            finish(tables, prior, weights)
        else:
            start, length = posterior(tables, counts, 0.0, weights)
            for i in range(start + length, start + tables.points):
                weights[i % tables.points] = 0.0
        chance = np.sum(fractions * np.exp(0.5 * logs))
        squares[trial] = mean_square(weights, tables.circle) / chance
    return squares


@njit(cache=True)
def _chance(constant: float, x: float, y: float, cosine: float, sine: float) -> float:
    """Chance of + at an angle, within rounding: (x, y) is half the contrast times the fringe's direction."""
    return min(max(0.5 + 0.5 * constant + x * cosine + y * sine, 0.0), 1.0)
