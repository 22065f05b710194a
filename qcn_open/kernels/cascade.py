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
    periods : ndarray of int, shape (levels,)
        Points on one fringe of the level, for which its likelihood is tabulated.
    rows : ndarray of int, shape (channels,)
        Where the points of a channel begin in the next two.
    log_plus, log_minus : ndarray
        Logarithms of the probabilities of + and -.
    points : int
        Points on the circle of the posterior of the phase, at 2 pi i/points.
    stride : int
        Every stride-th of them shows where the posterior is, before the rest is looked at.
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
    periods: NDArray[np.int64]
    rows: NDArray[np.int64]
    log_plus: NDArray[np.float64]
    log_minus: NDArray[np.float64]
    points: int
    stride: int
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
    along, across, squares, cross, read = 0.0, 0.0, 0.0, 0.0, 0.0
    constant = tables.constant[level]
    for channel in range(tables.first[level], tables.first[level + 1]):
        blocks = float(counts[channel, 0] + counts[channel, 1])
        signs = float(counts[channel, 0] - counts[channel, 1]) - constant * blocks
        cosine, sine = tables.cosine[channel], tables.sine[channel]
        along += signs * cosine
        across += signs * sine
        squares += blocks * cosine * cosine
        cross += blocks * cosine * sine
        read += blocks
    rest = read - squares
    x, y = along, across
    # Blocks at one angle only fix no fringe: what remains is the side of it.
    if squares * rest - cross * cross > 1e-9 * read * read:
        x, y = (rest * along - cross * across) / read, (squares * across - cross * along) / read
    return x * x + y * y > 1e-18 * read * read, math.atan2(y, x)


@njit(cache=True)
def _maximum_likelihood(tables: CascadeTables, counts: NDArray[np.int64], level: int) -> tuple[bool, float]:
    """Phase of the level at which its outcomes are most likely, and whether any block was read."""
    period = tables.periods[level]
    start, stop = tables.first[level], tables.first[level + 1]
    log = np.zeros(period)
    read = 0
    for channel in range(start, stop):
        _add_rows(tables, counts, channel, 0, log)
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
def _add_rows(
    tables: CascadeTables, counts: NDArray[np.int64], channel: int, start: int, log: NDArray[np.float64]
) -> None:
    """Add the log-likelihood of a channel at the points from `start` on its fringe."""
    first = tables.rows[channel] + start
    for outcome in range(2):
        number = float(counts[channel, outcome])
        if number > 0.0:
            row = (tables.log_plus if outcome == 0 else tables.log_minus)[first : first + len(log)]
            for point in range(len(log)):
                log[point] += number * row[point]


@njit(cache=True)
def posterior(
    tables: CascadeTables, counts: NDArray[np.int64], predicted: float, weights: NDArray[np.float64]
) -> tuple[int, int]:
    """Fill `weights`, one for each point of the circle, with the posterior up to a factor.

    Returns the first point and the number of points, modulo the circle, beyond which they are negligible and not
    filled.
    """
    points, levels = tables.points, len(tables.sizes)
    single = 0
    while single < levels and tables.sizes[single] == 1:
        single += 1
    # Larger blocks repeat themselves on the circle: sum them on one fringe of the smallest of them, from the largest on.
    fringe = np.zeros(points // tables.sizes[single] if single < levels else 1)
    filled = tables.periods[levels - 1] if single < levels else 1
    for level in range(levels - 1, single - 1, -1):
        period = tables.periods[level]
        for begin in range(filled, period, filled):
            fringe[begin : begin + filled] = fringe[:filled]
        filled = period
        for channel in range(tables.first[level], tables.first[level + 1]):
            _add_rows(tables, counts, channel, 0, fringe)
    start, length = _window(tables, counts, predicted, tables.first[single])
    highest = -np.inf
    stop = start + length
    begin = start
    while begin < stop:
        end = min(stop, (begin // points + 1) * points)
        place = begin % points
        part = weights[place : place + end - begin]
        _prior(tables, predicted, place, part)
        for channel in range(tables.first[single]):
            _add_rows(tables, counts, channel, place, part)
        inside = place % filled
        for point in range(len(part)):
            part[point] += fringe[inside]
            highest = max(highest, part[point])
            inside += 1
            if inside == filled:
                inside = 0
        begin = end
    for point in range(start, stop):
        place = point if point < points else point - points
        below = weights[place] - highest
        weights[place] = math.exp(below) if below > -_NEGLIGIBLE else 0.0
    return start, length


@njit(cache=True)
def _prior(tables: CascadeTables, predicted: float, place: int, log: NDArray[np.float64]) -> None:
    """The log-prior at the points from `place`, between the tabulated ones by a straight line."""
    away = (-predicted / _TURN * tables.points) % tables.points
    whole = int(away)
    if whole >= tables.points:
        whole = 0
    part = away - whole
    table = tables.log_prior[place + whole : place + whole + len(log) + 1]
    for point in range(len(log)):
        log[point] = table[point] + part * (table[point + 1] - table[point])


@njit(cache=True)
def _window(tables: CascadeTables, counts: NDArray[np.int64], predicted: float, channels: int) -> tuple[int, int]:
    """First point and number of points of the shortest arc that holds the posterior after the single atoms.

    The larger blocks, averaged over their outcomes, don't change what lies outside.
    """
    points, stride = tables.points, tables.stride
    coarse = points // stride
    log = np.empty(coarse)
    away = (-predicted / _TURN * points) % points
    for point in range(coarse):
        log[point] = tables.log_prior[point * stride + int(away)]
    for channel in range(channels):
        row = tables.rows[channel]
        plus, minus = float(counts[channel, 0]), float(counts[channel, 1])
        for point in range(coarse):
            log[point] += plus * tables.log_plus[row + point * stride] + minus * tables.log_minus[row + point * stride]
    least = log.max() - _NEGLIGIBLE
    gap, longest, end = 0, 0, 0
    for point in range(2 * coarse):
        gap = gap + 1 if log[point % coarse] < least else 0
        if gap > longest:
            longest, end = gap, point
    # Between two points, or where one meets a zero of the likelihood, it may be higher: two more on either side.
    if longest < 6:
        return 0, points
    return ((end - 1) % coarse) * stride, (coarse - longest + 3) * stride + 1


@njit(cache=True)
def _mean_direction(tables: CascadeTables, counts: NDArray[np.int64], predicted: float) -> float:
    """Direction of the mean of exp(i phase) over the posterior."""
    weights = np.empty(tables.points)
    start, length = posterior(tables, counts, predicted, weights)
    x, y = 0.0, 0.0
    for point in range(start, start + length):
        place = point if point < tables.points else point - tables.points
        if weights[place] > 0.0:
            angle = _TURN * place / tables.points
            x += weights[place] * math.cos(angle)
            y += weights[place] * math.sin(angle)
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
