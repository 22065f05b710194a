"""A cascade, one outcome at a time: what its blocks read, and the phase that its estimator makes of it.

Scalar functions for the loop of a clock; the loops over many trials at the end serve `Cascade`. Counts are arrays of
shape (channels, 2): numbers of + and of - of the equal blocks that share one readout angle.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qcn_open.kernels import fed_forward
from qcn_open.kernels.leaf import leaf
from qcn_open.kernels.random import binomial, uniform

__all__ = [
    "CHANNEL",
    "FED_FORWARD",
    "LEAST_SQUARES",
    "LEVEL",
    "MAXIMUM_LIKELIHOOD",
    "POSTERIOR_MEAN",
    "CascadeTables",
    "estimate",
    "estimate_many",
    "least_squares",
    "posterior",
    "sample",
    "sample_level",
    "sample_many",
    "squared_errors",
]

LEAST_SQUARES, MAXIMUM_LIKELIHOOD, POSTERIOR_MEAN, FED_FORWARD = 0, 1, 2, 3
_TURN = 2.0 * math.pi
# exp(-40) = 4e-18: what is left out of a posterior is less than its rounding.
_NEGLIGIBLE = 40.0


# Few arrays, because Numba counts the references to each of them at every call.
LEVEL = np.dtype(
    [(name, np.int64) for name in ("size", "ratio", "first", "stop", "period")]
    + [(name, np.float64) for name in ("present", "contrast", "constant", "squares", "cross")]
)
CHANNEL = np.dtype([("copies", np.int64), ("row", np.int64), ("cosine", np.float64), ("sine", np.float64)])


class CascadeTables(NamedTuple):
    """What the compiled functions know of a cascade. Levels and channels are in the order of `Cascade.levels`.

    Attributes
    ----------
    rule : int
        LEAST_SQUARES or MAXIMUM_LIKELIHOOD level by level, or POSTERIOR_MEAN; FED_FORWARD is that at angles which
        follow from the prior and the outcomes.
    levels : ndarray of LEVEL, shape (levels,)
        Of every level the atoms of a block, and how many times those of the level before (of one atom for the first);
        the first channel, and the one after the last; the points on a fringe for which its likelihood is tabulated; the
        probability that a block is read at all, and V and D of P(+) = (1 + D + V cos(n phase - angle))/2 if it is; the
        sums of cosine^2 and of cosine sine over its blocks.
    channels : ndarray of CHANNEL, shape (channels,)
        Of every readout angle the number of blocks, where the points of its fringe begin in `likelihood`, cosine and
        sine.
    likelihood : ndarray, shape (2, rows)
        Logarithms of the probabilities of + and -.
    points : int
        Points on the circle of the posterior of the phase, at 2 pi i/points.
    circle : ndarray, shape (2, points)
        Cosine and sine of these phases.
    log_prior : ndarray, shape (2 points + 1,)
        Logarithm of the prior at 2 pi i/points from the predicted phase, two turns.
    coarse : int
        So many of the points show where the posterior is, before the rest is looked at.
    coarse_likelihood : ndarray, shape (2, coarse channels of single atoms)
        That of the single atoms there.
    """

    rule: int
    levels: NDArray[np.void]
    channels: NDArray[np.void]
    likelihood: NDArray[np.float64]
    points: int
    circle: NDArray[np.float64]
    log_prior: NDArray[np.float64]
    coarse: int
    coarse_likelihood: NDArray[np.float64]


@njit(cache=True, inline="always")
def sample(
    state: NDArray[np.uint64], tables: CascadeTables, phase: float, predicted: float, counts: NDArray[np.int64]
) -> None:
    """Fill `counts` with outcomes drawn at the `phase` of one atom (rad).

    Angles that are chosen as the outcomes come in start from the prior around `predicted`, as those of `estimate` do.
    """
    if tables.rule == FED_FORWARD:
        fed_forward.draw_each(state, tables, phase, predicted, counts)
    else:
        _sample(state, tables.levels, tables.channels, phase, counts)


@leaf
def _sample(
    state: NDArray[np.uint64],
    levels: NDArray[np.void],
    channels: NDArray[np.void],
    phase: float,
    counts: NDArray[np.int64],
) -> None:
    cosine, sine = math.cos(phase), math.sin(phase)
    for level in levels:
        cosine, sine = _multiple(cosine, sine, level.ratio)
        sample_level(state, level, channels, cosine, sine, counts)


@leaf
def sample_level(
    state: NDArray[np.uint64],
    level: Any,
    channels: NDArray[np.void],
    cosine: float,
    sine: float,
    counts: NDArray[np.int64],
) -> None:
    """Fill the `counts` of one level, given cosine and sine of its phase."""
    present, constant, contrast = level.present, 0.5 + 0.5 * level.constant, 0.5 * level.contrast
    for number in range(level.first, level.stop):
        channel = channels[number]
        plus = constant + contrast * (cosine * channel.cosine + sine * channel.sine)
        copies = channel.copies
        if present == 1.0 and copies <= 4:
            # One by one and here, because calls take longer.
            successes = 0
            for _ in range(copies):
                successes += int(uniform(state) < plus)
            counts[number, 0] = successes
            counts[number, 1] = copies - successes
        else:
            read = copies if present == 1.0 else binomial(state, copies, present)
            counts[number, 0] = binomial(state, read, plus)
            counts[number, 1] = read - counts[number, 0]


@leaf
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


@njit(cache=True, inline="always")
def estimate(tables: CascadeTables, counts: NDArray[np.int64], predicted: float) -> float:
    """The phase of one atom (rad) within half a turn of `predicted`, around which the prior is centred."""
    if tables.rule == POSTERIOR_MEAN:
        phase = _mean_direction(tables, counts, predicted)
    elif tables.rule == FED_FORWARD:
        phase = fed_forward.mean_direction(tables, counts, predicted)
    else:
        phase = _level_by_level(tables.rule, tables.levels, tables.channels, tables.likelihood, counts, predicted)
    return phase - _TURN * math.ceil((phase - predicted) / _TURN - 0.5)


@njit(cache=True)
def _level_by_level(
    rule: int,
    levels: NDArray[np.void],
    channels: NDArray[np.void],
    likelihood: NDArray[np.float64],
    counts: NDArray[np.int64],
    predicted: float,
) -> float:
    """The phase of the last level, unwrapped by what the levels before it make of the predicted one.

    A level that says nothing, such as one of which every block was lost, leaves it to the next.
    """
    unwrapped = predicted
    for level in levels:
        unwrapped *= level.ratio
        if rule == LEAST_SQUARES:
            known, phase = least_squares(level, channels, counts)
        else:
            known, phase = _maximum_likelihood(level, channels, likelihood, counts)
        if known:
            unwrapped = phase + _TURN * math.floor((unwrapped - phase) / _TURN + 0.5)
    return unwrapped / levels[-1].size


@leaf
def least_squares(level: Any, channels: NDArray[np.void], counts: NDArray[np.int64]) -> tuple[bool, float]:
    """Phase of the fringe x cos(angle) + y sin(angle) that fits the signs best, and whether they have one.

    For equally spaced angles it is the first harmonic of the signs; angles whose blocks were lost weigh less.
    """
    along, across, blocks = 0.0, 0.0, 0
    for number in range(level.first, level.stop):
        plus, minus = counts[number, 0], counts[number, 1]
        signs = float(plus - minus)
        along += signs * channels[number].cosine
        across += signs * channels[number].sine
        blocks += plus + minus
    read, squares, cross, constant = float(blocks), level.squares, level.cross, level.constant
    if level.present < 1.0 or constant > 0.0:
        squares, cross = 0.0, 0.0
        for number in range(level.first, level.stop):
            here = float(counts[number, 0] + counts[number, 1])
            cosine, sine = channels[number].cosine, channels[number].sine
            squares += here * cosine * cosine
            cross += here * cosine * sine
            along -= here * constant * cosine
            across -= here * constant * sine
    rest = read - squares
    x, y = along, across
    # Blocks at one angle only fix no fringe: what remains is the side of it.
    if squares * rest - cross * cross > 1e-9 * read * read:
        x, y = rest * along - cross * across, squares * across - cross * along
    return abs(along) + abs(across) > 1e-9 * read, math.atan2(y, x)


@njit(cache=True)
def _maximum_likelihood(
    level: Any, channels: NDArray[np.void], likelihood: NDArray[np.float64], counts: NDArray[np.int64]
) -> tuple[bool, float]:
    """Phase of the level at which its outcomes are most likely, and whether any block was read."""
    period, read = level.period, 0
    log = np.zeros(period)
    for number in range(level.first, level.stop):
        _add(likelihood, channels[number].row, counts[number, 0], counts[number, 1], log)
        read += counts[number, 0] + counts[number, 1]
    grid = _TURN / period
    phase = grid * np.argmax(log)
    value, slope, bend = _log_likelihood(level, channels, counts, phase)
    for _ in range(50):
        # Uphill by Newton's step, by a point of the grid at most, halved as long as it overshoots.
        step = -slope / bend if bend < 0.0 else math.copysign(grid, slope)
        step = min(max(step, -grid), grid)
        new = _log_likelihood(level, channels, counts, phase + step)
        while new[0] < value and abs(step) > 1e-10:
            step *= 0.5
            new = _log_likelihood(level, channels, counts, phase + step)
        if abs(step) <= 1e-10:
            break
        phase += step
        value, slope, bend = new
    return read > 0, phase


@njit(cache=True)
def _log_likelihood(
    level: Any, channels: NDArray[np.void], counts: NDArray[np.int64], phase: float
) -> tuple[float, float, float]:
    """Logarithm of the likelihood of a level at its phase, and its first two derivatives."""
    value, slope, bend = 0.0, 0.0, 0.0
    c, s = math.cos(phase), math.sin(phase)
    for number in range(level.first, level.stop):
        cosine, sine = channels[number].cosine, channels[number].sine
        fringe = level.contrast * (c * cosine + s * sine)
        slanted = level.contrast * (c * sine - s * cosine)
        for outcome in range(2):
            sign, times = 1.0 - 2.0 * outcome, counts[number, outcome]
            if times > 0:
                twice = max(1.0 + sign * (level.constant + fringe), 1e-300)
                value += times * math.log(twice)
                slope += times * sign * slanted / twice
                bend -= times * (sign * fringe / twice + (slanted / twice) ** 2)
    return value, slope, bend


@njit(cache=True)
def _add(likelihood: NDArray[np.float64], start: int, plus: int, minus: int, log: NDArray[np.float64]) -> None:
    """Add the log-likelihood of so many + and - at the points from `start` on."""
    stop = start + len(log)
    if plus > 0 and minus > 0:
        if_plus, if_minus = likelihood[0, start:stop], likelihood[1, start:stop]
        for point in range(len(log)):
            log[point] += plus * if_plus[point] + minus * if_minus[point]
    elif plus + minus > 0:
        row, times = likelihood[int(plus == 0), start:stop], float(plus + minus)
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
    points, levels, channels, likelihood = tables.points, tables.levels, tables.channels, tables.likelihood
    single, channels_of_single = 0, 0
    while single < len(levels) and levels[single].size == 1:
        channels_of_single = levels[single].stop
        single += 1
    # Larger blocks repeat themselves on the circle: sum them on one fringe, from the largest to the smallest.
    filled = levels[-1].period if single < len(levels) else points
    fringe = np.zeros(levels[single].period if single < len(levels) else points)
    for level in levels[single:][::-1]:
        for begin in range(filled, level.period, filled):
            fringe[begin : begin + filled] = fringe[:filled]
        filled = level.period
        log = fringe[:filled]
        for number in range(level.first, level.stop):
            _add(likelihood, channels[number].row, counts[number, 0], counts[number, 1], log)
    start, length = _window(tables, counts, predicted, channels_of_single)
    whole, part = _away(predicted, points)
    highest = -np.inf
    place, left = start, length
    while left > 0:
        stop = min(place + left, points)
        log = weights[place:stop]
        prior = tables.log_prior[place + whole : stop + whole + 1]
        for point in range(len(log)):
            log[point] = prior[point] + part * (prior[point + 1] - prior[point])
        for begin in range(place - place % filled, stop, filled):
            inside = log[max(begin - place, 0) : begin - place + filled]
            larger = fringe[max(place - begin, 0) :]
            for point in range(len(inside)):
                inside[point] += larger[point]
        for number in range(channels_of_single):
            _add(likelihood, channels[number].row + place, counts[number, 0], counts[number, 1], log)
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
    coarse, likelihood = tables.coarse, tables.coarse_likelihood
    stride = tables.points // coarse
    whole, _ = _away(predicted, tables.points)
    log = tables.log_prior[whole : whole + tables.points : stride].copy()
    for channel in range(channels):
        _add(likelihood, channel * coarse, counts[channel, 0], counts[channel, 1], log)
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
        x += weights[place] * tables.circle[0, place]
        y += weights[place] * tables.circle[1, place]
    return math.atan2(y, x)


@njit(cache=True)
def sample_many(
    state: NDArray[np.uint64], tables: CascadeTables, phases: NDArray[np.float64], outcomes: NDArray[np.int64]
) -> None:
    """Fill `outcomes`, shape (trials, channels, 2), with those drawn at the `phases`."""
    for trial in range(len(phases)):
        sample(state, tables, phases[trial], 0.0, outcomes[trial])


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
    counts = np.zeros((len(tables.channels), 2), dtype=np.int64)
    total = 0.0
    for trial in range(len(phases)):
        sample(state, tables, phases[trial], 0.0, counts)
        error = estimate(tables, counts, 0.0) - phases[trial]
        error -= _TURN * math.floor(error / _TURN + 0.5)
        total += error * error
    return total
