r"""Expected error of a phase read by a cascade: outcomes drawn, posterior on a grid.

Rounding errors are rare, so outcomes are drawn from a mixture: half the trials from their true distribution
:math:`p(o|\varphi)`, the others from :math:`\sqrt{p(o|\varphi)p(o|\varphi + s)}`, which mistakes a phase for its
neighbour at a distance s that the larger blocks can't tell from it. Every outcome has its probability over that of
the mixture as its weight.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qcn_open.kernels.random import uniform

__all__ = ["expected_squares"]

Real = NDArray[np.float64]
Whole = NDArray[np.int64]

# Posterior densities e^-45 below the highest, and phases the uncorrelated atoms put e^-60 below, count for nothing.
_FAINT = 45.0
_EXCLUDED = 60.0
_CELLS = 128
_MANY = 64
# Two distributions that share no outcome have no geometric mean.
_DISJOINT = 1e-9


@njit(cache=True)
def draw(present: float, plus: float, other: float, number: float) -> tuple[int, float]:
    """Outcome (0: +, 1: -, 2: missing) of a block, and the log of its chance over the true one.

    The number is uniform in [0, 1), the chance of + if no atom is lost `plus`; drawn is from the geometric mean with
    the distribution of `other`.
    """
    if number >= present:
        return 2, 0.0
    up = np.sqrt(plus * other)
    down = np.sqrt((1.0 - plus) * (1.0 - other))
    if up + down < _DISJOINT:
        return (0 if number < present * plus else 1), 0.0
    outcome = 0 if number * (up + down) < present * up else 1
    return outcome, log_ratio(outcome, plus, other)


@njit(cache=True)
def log_ratio(outcome: int, plus: float, other: float) -> float:
    """Log of the chance of an outcome in the geometric mean of two distributions over that in the first one."""
    up = np.sqrt(plus * other)
    down = np.sqrt((1.0 - plus) * (1.0 - other))
    if up + down < _DISJOINT:
        return 0.0
    chance, true = (up, plus) if outcome == 0 else (down, 1.0 - plus)
    return np.log(chance / ((up + down) * true)) if chance > 0.0 else -np.inf


@njit(cache=True)
def mean_and_square(log_posterior: Real, grid: Real, cosine: Real, sine: Real) -> tuple[float, float]:
    """Mean direction (rad) of a posterior on a grid and the mean square of the wrapped error (rad^2); overwrites it."""
    top = log_posterior.max()
    total = real = imaginary = 0.0
    for i in range(len(grid)):
        density = np.exp(log_posterior[i] - top) if log_posterior[i] > top - _FAINT else 0.0
        log_posterior[i] = density
        total += density
        real += density * cosine[i]
        imaginary += density * sine[i]
    mean = np.arctan2(imaginary, real)
    square = 0.0
    for i in range(len(grid)):
        if log_posterior[i] > 0.0:
            error = grid[i] - mean
            error -= 2.0 * np.pi * np.rint(error / (2.0 * np.pi))
            square += log_posterior[i] * error**2
    return mean, square / total


@njit(cache=True)
def add_counts(log_posterior: Real, counts: Whole, log_chances: Real, first: int, start: int, stop: int) -> None:
    """Add the log likelihood of the counts of the channels from `first` on at the points from start to stop."""
    for c in range(len(counts)):
        for sign in range(2):
            number = counts[c, sign]
            if number > 0:
                row = log_chances[first + c, sign]
                for i in range(start, stop):
                    log_posterior[i] += number * row[i]


@njit(cache=True)
def expected_squares(
    state: NDArray[np.uint64],
    phases: Real,
    parts: Whole,
    fractions: Real,
    shifts: Real,
    sizes: Whole,
    copies: Whole,
    channels: Whole,
    angles: Real,
    channel: Whole,
    contrast: Real,
    dark: Real,
    present: Real,
    log_chances: Real,
    log_prior: Real,
    grid: Real,
) -> Real:
    """Weighted expected square (rad^2) of every trial.

    Parameters
    ----------
    state : of the random numbers
    phases, parts : (trials,) true phases, and the part of the mixture each trial is drawn from
    fractions, shifts : (parts,) share of the trials, and phase s of each part; s = 0 for the true distribution
    sizes, copies, channels, contrast, dark, present : (levels,) from the smallest blocks to the largest: atoms n,
        copies, readout angles, V and D of the fringe, chance that no atom is lost
    angles, channel : (blocks,) readout angle and its number among all channels
    log_chances : (channels, 2, points) log chance of + and - on the grid
    log_prior, grid : (points,) a multiple of the size of every block
    """
    trials, levels, points = len(phases), len(sizes), len(grid)
    cosine, sine = np.cos(grid), np.sin(grid)
    counts = np.zeros((len(log_chances), 2), dtype=np.int64)
    ratios = np.zeros(len(shifts))
    log_posterior = np.empty(points)
    squares = np.empty(trials)
    # Where many atoms are read one by one, they are looked at in cells first, most of which they exclude.
    many = sizes[0] == 1 and channels[0] > _MANY
    cell = max(1, points // _CELLS)
    coarse = log_chances[: channels[0], :, ::cell].copy() if many else log_chances[:0, :, :0].copy()
    coarse_log = np.empty(coarse.shape[2])
    for trial in range(trials):
        counts[:] = 0
        ratios[:] = 0.0
        phase, part = phases[trial], parts[trial]
        block = 0
        for level in range(levels):
            n = sizes[level]
            for _ in range(copies[level]):
                plus = 0.5 * (1.0 + contrast[level] * np.cos(n * phase - angles[block]) + dark[level])
                shifted = n * (phase + shifts[part]) - angles[block]
                other = 0.5 * (1.0 + contrast[level] * np.cos(shifted) + dark[level])
                outcome, ratio = draw(present[level], plus, other, uniform(state))
                if outcome < 2:
                    counts[channel[block], outcome] += 1
                    for p in range(1, len(shifts)):
                        if p != part:
                            shifted = n * (phase + shifts[p]) - angles[block]
                            other = 0.5 * (1.0 + contrast[level] * np.cos(shifted) + dark[level])
                            ratios[p] += log_ratio(outcome, plus, other)
                        else:
                            ratios[p] += ratio
                block += 1
        weight = 0.0
        for p in range(len(shifts)):
            weight += fractions[p] * np.exp(ratios[p])

        # From the largest blocks to the smallest: what they tell repeats with the period 2 pi/n.
        length, last = points // sizes[-1], len(log_chances)
        log_posterior[:length] = 0.0
        for level in range(levels - 1, -1, -1):
            period = points // sizes[level]
            for i in range(length, period):
                log_posterior[i] = log_posterior[i - length]
            length, last = period, last - channels[level]
            if level > 0 or not many:
                add_counts(log_posterior, counts[last : last + channels[level]], log_chances, last, 0, period)
        for i in range(length, points):
            log_posterior[i] = log_posterior[i - length]
        for i in range(points):
            log_posterior[i] += log_prior[i]
        if many:
            for i in range(len(coarse_log)):
                coarse_log[i] = log_prior[i * cell]
            add_counts(coarse_log, counts[: channels[0]], coarse, 0, 0, len(coarse_log))
            threshold = coarse_log.max() - _EXCLUDED
            for i in range(len(coarse_log)):
                start, stop = i * cell, min((i + 1) * cell, points)
                following = coarse_log[(i + 1) % len(coarse_log)]
                if max(coarse_log[i - 1], coarse_log[i], following) > threshold:
                    add_counts(log_posterior, counts[: channels[0]], log_chances, 0, start, stop)
                else:
                    log_posterior[start:stop] = -np.inf
        squares[trial] = mean_and_square(log_posterior, grid, cosine, sine)[1] / weight
    return squares
