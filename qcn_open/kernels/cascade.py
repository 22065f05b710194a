"""A cascade, one outcome at a time: what its blocks read, and the phase that its estimator makes of it.

Scalar functions for the loop of a clock; the loops over many trials at the end serve `Cascade`. Counts are arrays of
shape (channels, 2): numbers of + and of - of the equal blocks that share one readout angle.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qcn_open.kernels.random import binomial, uniform

__all__ = [
    "LEAST_SQUARES",
    "MAXIMUM_LIKELIHOOD",
    "POSTERIOR_MEAN",
    "CascadeTables",
    "estimate",
    "estimate_many",
    "posterior",
    "sample",
    "sample_many",
    "squared_errors",
]

LEAST_SQUARES, MAXIMUM_LIKELIHOOD, POSTERIOR_MEAN = 0, 1, 2
_TURN = 2.0 * math.pi
# exp(-40) = 4e-18: what is left out of a posterior is less than its rounding.
_NEGLIGIBLE = 40.0


class CascadeTables(NamedTuple):
    """What the compiled functions know of a cascade. Levels and channels are in the order of `Cascade.levels`.

    Attributes
    ----------
    rule : int
        LEAST_SQUARES or MAXIMUM_LIKELIHOOD level by level, or POSTERIOR_MEAN.
    sizes, ratios : ndarray of int, shape (levels,)
        Atoms of a block, and how many times those of the level before (of one atom for the first).
    first : ndarray of int, shape (levels + 1,)
        First channel of every level, and the number of channels.
    present, contrast, constant : ndarray, shape (levels,)
        Probability that a block is read at all, V and D of P(+) = (1 + D + V cos(n phase - angle))/2 if it is.
    copies : ndarray of int, shape (channels,)
        Blocks of every channel.
    cosine, sine : ndarray, shape (channels,)
        Of its readout angle.
    squares, cross : ndarray, shape (levels,)
        Sums of cosine^2 and of cosine sine over the blocks of a level.
    periods : ndarray of int, shape (levels,)
        Points on one fringe of the level, for which its likelihood is tabulated.
    rows : ndarray of int, shape (channels,)
        Where the points of a channel begin in the next two.
    log_plus, log_minus : ndarray
        Logarithms of the probabilities of + and -.
    points : int
        Points on the circle of the posterior of the phase, at 2 pi i/points.
    cosines, sines : ndarray, shape (points,)
        Of these phases.
    coarse : int
        So many of them show where the posterior is, before the rest is looked at.
    coarse_plus, coarse_minus : ndarray
        log_plus and log_minus of the single atoms there.
    log_prior : ndarray, shape (2 points + 1,)
        Logarithm of the prior at 2 pi i/points from the predicted phase, two turns.
    """

    rule: int
    sizes: NDArray[np.int64]
    ratios: NDArray[np.int64]
    first: NDArray[np.int64]
    present: NDArray[np.float64]
    contrast: NDArray[np.float64]
    constant: NDArray[np.float64]
    copies: NDArray[np.int64]
    cosine: NDArray[np.float64]
    sine: NDArray[np.float64]
    squares: NDArray[np.float64]
    cross: NDArray[np.float64]
    periods: NDArray[np.int64]
    rows: NDArray[np.int64]
    log_plus: NDArray[np.float64]
    log_minus: NDArray[np.float64]
    points: int
    cosines: NDArray[np.float64]
    sines: NDArray[np.float64]
    coarse: int
    coarse_plus: NDArray[np.float64]
    coarse_minus: NDArray[np.float64]
    log_prior: NDArray[np.float64]


@njit(cache=True)
def sample(state: NDArray[np.uint64], tables: CascadeTables, phase: float, counts: NDArray[np.int64]) -> None:
    """Fill `counts` with outcomes drawn at the `phase` of one atom (rad)."""
    cosine, sine = math.cos(phase), math.sin(phase)
    for level in range(len(tables.sizes)):
        cosine, sine = _multiple(cosine, sine, tables.ratios[level])
        present = tables.present[level]
        constant, contrast = 0.5 + 0.5 * tables.constant[level], 0.5 * tables.contrast[level]
        for channel in range(tables.first[level], tables.first[level + 1]):
            plus = constant + contrast * (cosine * tables.cosine[channel] + sine * tables.sine[channel])
            copies = tables.copies[channel]
            if copies == 1:
                draw = uniform(state)
                counts[channel, 0] = int(draw < present * plus)
                counts[channel, 1] = int(draw < present) - counts[channel, 0]
            else:
                read = copies if present == 1.0 else binomial(state, copies, present)
                counts[channel, 0] = binomial(state, read, plus)
                counts[channel, 1] = read - counts[channel, 0]


@njit(cache=True)
def _multiple(cosine: float, sine: float, factor: int) -> tuple[float, float]:
    """Cosine and sine of `factor` times an angle, by squaring."""
    while factor % 2 == 0:
        cosine, sine = (cosine - sine) * (cosine + sine), 2.0 * cosine * sine
        factor //= 2
    c, s = cosine, sine
    factor //= 2
    while factor > 0:
        cosine, sine = (cosine - sine) * (cosine + sine), 2.0 * cosine * sine
        if factor % 2 == 1:
            c, s = c * cosine - s * sine, c * sine + s * cosine
        factor //= 2
    return c, s


@njit(cache=True)
def estimate(tables: CascadeTables, counts: NDArray[np.int64], predicted: float) -> float:
    """The phase of one atom (rad) within half a turn of `predicted`, around which the prior is centred."""
    if tables.rule == POSTERIOR_MEAN:
        phase = _mean_direction(tables, counts, predicted)
    else:
        phase = _level_by_level(tables, counts, predicted)
    return phase - _TURN * math.ceil((phase - predicted) / _TURN - 0.5)


@njit(cache=True)
def _level_by_level(tables: CascadeTables, counts: NDArray[np.int64], predicted: float) -> float:
    """The phase of the last level, unwrapped by what the levels before it make of the predicted one.

    A level that says nothing, such as one of which every block was lost, leaves it to the next.
    """
    unwrapped = predicted
    for level in range(len(tables.sizes)):
        unwrapped *= tables.ratios[level]
        if tables.rule == LEAST_SQUARES:
            known, phase = _least_squares(tables, counts, level)
        else:
            known, phase = _maximum_likelihood(tables, counts, level)
        if known:
            unwrapped = phase + _TURN * math.floor((unwrapped - phase) / _TURN + 0.5)
    return unwrapped / tables.sizes[-1]


@njit(cache=True)
def _least_squares(tables: CascadeTables, counts: NDArray[np.int64], level: int) -> tuple[bool, float]:
    """Phase of the fringe x cos(angle) + y sin(angle) that fits the signs best, and whether they have one.

    For equally spaced angles it is the first harmonic of the signs; angles whose blocks were lost weigh less.
    """
    along, across, blocks = 0.0, 0.0, 0
    for channel in range(tables.first[level], tables.first[level + 1]):
        plus, minus = counts[channel, 0], counts[channel, 1]
        signs = float(plus - minus)
        along += signs * tables.cosine[channel]
        across += signs * tables.sine[channel]
        blocks += plus + minus
    read, squares, cross = float(blocks), tables.squares[level], tables.cross[level]
    if tables.present[level] < 1.0 or tables.constant[level] > 0.0:
        squares, cross = 0.0, 0.0
        for channel in range(tables.first[level], tables.first[level + 1]):
            here = float(counts[channel, 0] + counts[channel, 1])
            cosine, sine = tables.cosine[channel], tables.sine[channel]
            squares += here * cosine * cosine
            cross += here * cosine * sine
            along -= here * tables.constant[level] * cosine
            across -= here * tables.constant[level] * sine
    rest = read - squares
    x, y = along, across
    # Blocks at one angle only fix no fringe: what remains is the side of it.
    if squares * rest - cross * cross > 1e-9 * read * read:
        x, y = rest * along - cross * across, squares * across - cross * along
    return abs(along) + abs(across) > 1e-9 * read, math.atan2(y, x)


@njit(cache=True)
def _maximum_likelihood(tables: CascadeTables, counts: NDArray[np.int64], level: int) -> tuple[bool, float]:
    """Phase of the level at which its outcomes are most likely, and whether any block was read."""
    period = tables.periods[level]
    start, stop = tables.first[level], tables.first[level + 1]
    log = np.zeros(period)
    read = 0
    for channel in range(start, stop):
        row = tables.rows[channel]
        _add(tables.log_plus[row : row + period], counts[channel, 0], log)
        _add(tables.log_minus[row : row + period], counts[channel, 1], log)
        read += counts[channel, 0] + counts[channel, 1]
    phase = _TURN * np.argmax(log) / period
    value, slope, bend = _log_likelihood(tables, counts, level, phase)
    for _ in range(50):
        # Uphill by Newton's step, by a point of the grid at most, halved as long as it overshoots.
        step = -slope / bend if bend < 0.0 else math.copysign(_TURN / period, slope)
        step = min(max(step, -_TURN / period), _TURN / period)
        new = _log_likelihood(tables, counts, level, phase + step)
        while new[0] < value and abs(step) > 1e-10:
            step *= 0.5
            new = _log_likelihood(tables, counts, level, phase + step)
        if abs(step) <= 1e-10:
            break
        phase += step
        value, slope, bend = new
    return read > 0, phase


@njit(cache=True)
def _log_likelihood(
    tables: CascadeTables, counts: NDArray[np.int64], level: int, phase: float
) -> tuple[float, float, float]:
    """Logarithm of the likelihood of a level at its phase, and its first two derivatives."""
    value, slope, bend = 0.0, 0.0, 0.0
    contrast, constant = tables.contrast[level], tables.constant[level]
    c, s = math.cos(phase), math.sin(phase)
    for channel in range(tables.first[level], tables.first[level + 1]):
        fringe = contrast * (c * tables.cosine[channel] + s * tables.sine[channel])
        slanted = contrast * (c * tables.sine[channel] - s * tables.cosine[channel])
        for outcome in range(2):
            sign, number = 1.0 - 2.0 * outcome, counts[channel, outcome]
            if number > 0:
                twice = max(1.0 + sign * (constant + fringe), 1e-300)
                value += number * math.log(twice)
                slope += number * sign * slanted / twice
                bend -= number * (sign * fringe / twice + (slanted / twice) ** 2)
    return value, slope, bend


@njit(cache=True)
def _add(row: NDArray[np.float64], number: int, log: NDArray[np.float64]) -> None:
    """Add a row so many times."""
    if number == 1:
        for point in range(len(log)):
            log[point] += row[point]
    elif number > 1:
        times = float(number)
        for point in range(len(log)):
            log[point] += times * row[point]


@njit(cache=True)
def posterior(
    tables: CascadeTables, counts: NDArray[np.int64], predicted: float, weights: NDArray[np.float64]
) -> tuple[int, int]:
    """Fill `weights`, one for each point of the circle, with the posterior up to a factor.

    Returns the first point and the number of points, modulo the circle, beyond which they are negligible and not
    filled.
    """
    points, levels = tables.points, len(tables.sizes)
    first, periods, rows = tables.first, tables.periods, tables.rows
    log_plus, log_minus = tables.log_plus, tables.log_minus
    single = 0
    while single < levels and tables.sizes[single] == 1:
        single += 1
    # Larger blocks repeat themselves on the circle: sum them on one fringe, from the largest to the smallest.
    filled = periods[-1] if single < levels else points
    fringe = np.zeros(periods[single] if single < levels else points)
    for level in range(levels - 1, single - 1, -1):
        period = periods[level]
        for begin in range(filled, period, filled):
            fringe[begin : begin + filled] = fringe[:filled]
        filled = period
        log = fringe[:period]
        for channel in range(first[level], first[level + 1]):
            row = rows[channel]
            _add(log_plus[row : row + period], counts[channel, 0], log)
            _add(log_minus[row : row + period], counts[channel, 1], log)
    start, length = _window(tables, counts, predicted, first[single])
    whole, part = _away(predicted, points)
    highest = -np.inf
    place, left = start, length
    while left > 0:
        # As far as neither the circle nor the fringe ends.
        stop = min(place + left, points, (place // filled + 1) * filled)
        log = weights[place:stop]
        prior = tables.log_prior[place + whole : stop + whole + 1]
        larger = fringe[place % filled :]
        for point in range(len(log)):
            log[point] = prior[point] + part * (prior[point + 1] - prior[point]) + larger[point]
        for channel in range(first[single]):
            row = rows[channel]
            _add(log_plus[row + place : row + stop], counts[channel, 0], log)
            _add(log_minus[row + place : row + stop], counts[channel, 1], log)
        for point in range(len(log)):
            highest = max(highest, log[point])
        left -= stop - place
        place = stop % points
    for point in range(start, start + length):
        place = point if point < points else point - points
        below = weights[place] - highest
        weights[place] = math.exp(below) if below > -_NEGLIGIBLE else 0.0
    return start, length


@njit(cache=True)
def _away(predicted: float, points: int) -> tuple[int, float]:
    """How many points the first one lies ahead of the predicted phase, modulo the circle: whole ones, and the rest."""
    away = (-predicted / _TURN * points) % points
    whole = min(int(away), points - 1)
    return whole, away - whole


@njit(cache=True)
def _window(tables: CascadeTables, counts: NDArray[np.int64], predicted: float, channels: int) -> tuple[int, int]:
    """First point and number of points of the shortest arc that holds the posterior after the single atoms.

    The larger blocks, averaged over their outcomes, don't change what lies outside.
    """
    coarse = tables.coarse
    stride = tables.points // coarse
    log = np.empty(coarse)
    whole, _ = _away(predicted, tables.points)
    for point in range(coarse):
        log[point] = tables.log_prior[point * stride + whole]
    for channel in range(channels):
        row = channel * coarse
        _add(tables.coarse_plus[row : row + coarse], counts[channel, 0], log)
        _add(tables.coarse_minus[row : row + coarse], counts[channel, 1], log)
    least = log.max() - _NEGLIGIBLE
    gap, longest, end = 0, 0, 0
    for point in range(2 * coarse):
        gap = gap + 1 if log[point if point < coarse else point - coarse] < least else 0
        if gap > longest:
            longest, end = gap, point
    # Between two points, or where one meets a zero of the likelihood, it may be higher: two more on either side.
    if longest < 6:
        return 0, tables.points
    return ((end - 1) % coarse) * stride, (coarse - longest + 3) * stride + 1


@njit(cache=True)
def _mean_direction(tables: CascadeTables, counts: NDArray[np.int64], predicted: float) -> float:
    """Direction of the mean of exp(i phase) over the posterior."""
    weights = np.empty(tables.points)
    start, length = posterior(tables, counts, predicted, weights)
    x, y = 0.0, 0.0
    for point in range(start, start + length):
        place = point if point < tables.points else point - tables.points
        x += weights[place] * tables.cosines[place]
        y += weights[place] * tables.sines[place]
    return math.atan2(y, x)


@njit(cache=True)
def sample_many(
    state: NDArray[np.uint64], tables: CascadeTables, phases: NDArray[np.float64], outcomes: NDArray[np.int64]
) -> None:
    """Fill `outcomes`, shape (trials, channels, 2), with those drawn at the `phases`."""
    for trial in range(len(phases)):
        sample(state, tables, phases[trial], outcomes[trial])


@njit(cache=True)
def estimate_many(tables: CascadeTables, outcomes: NDArray[np.int64]) -> NDArray[np.float64]:
    """The phases (rad) estimated from outcomes, the predicted one being 0."""
    phases = np.empty(len(outcomes))
    for trial in range(len(outcomes)):
        phases[trial] = estimate(tables, outcomes[trial], 0.0)
    return phases


@njit(cache=True)
def squared_errors(state: NDArray[np.uint64], tables: CascadeTables, phases: NDArray[np.float64]) -> float:
    """Sum of the squares of the wrapped errors of one sampled estimate for each phase (rad^2)."""
    counts = np.zeros((len(tables.copies), 2), dtype=np.int64)
    total = 0.0
    for trial in range(len(phases)):
        sample(state, tables, phases[trial], counts)
        error = estimate(tables, counts, 0.0) - phases[trial]
        error -= _TURN * math.floor(error / _TURN + 0.5)
        total += error * error
    return total
