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
_CELLS = 64
_MANY = 64
# Two distributions that share no outcome have no geometric mean.
_DISJOINT = 1e-9


@njit(cache=True)
def overlap(plus: float, other: float) -> float:
    """Norm of the geometric mean of two distributions of a sign, from their chances of +; 0 if they share no sign."""
    norm = np.sqrt(plus * other) + np.sqrt((1.0 - plus) * (1.0 - other))
    return norm if norm > _DISJOINT else 0.0


@njit(cache=True)
def draw(plus: float, other: float, number: float) -> int:
    """Sign (0: +, 1: -) at a number in [0, 1) from the geometric mean of two distributions, or the first if none."""
    norm = overlap(plus, other)
    up = np.sqrt(plus * other) / norm if norm > 0.0 else plus
    return 0 if number < up else 1


@njit(cache=True)
def squared_ratio(sign: int, plus: float, other: float) -> float:
    """Square of the chance of a sign in the geometric mean of two distributions over that in the first one."""
    norm = overlap(plus, other)
    if norm == 0.0:
        return 1.0
    return other / (plus * norm**2) if sign == 0 else (1.0 - other) / ((1.0 - plus) * norm**2)


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
    log_squares, squares_ratio = np.zeros(len(shifts)), np.zeros(len(shifts))
    # Blocks to which a shift is a multiple of their period tell nothing of it.
    turns = np.outer(sizes, shifts) / (2.0 * np.pi)
    repeats = np.abs(turns - np.rint(turns)) < 1e-9
    log_posterior = np.empty(points)
    squares = np.empty(trials)
    # Where many atoms are read one by one, they are looked at in cells first, most of which they exclude.
    many = sizes[0] == 1 and channels[0] > _MANY
    cell = max(1, points // _CELLS)
    coarse = log_chances[: channels[0], :, ::cell].copy() if many else log_chances[:0, :, :0].copy()
    coarse_log = np.empty(coarse.shape[2])
    cosine_angle, sine_angle = np.cos(angles), np.sin(angles)
    real, imaginary = np.empty(len(shifts)), np.empty(len(shifts))
    for trial in range(trials):
        counts[:] = 0
        log_squares[:] = 0.0
        part = parts[trial]
        block = 0
        for level in range(levels):
            for p in range(len(shifts)):
                angle = sizes[level] * (phases[trial] + shifts[p])
                real[p] = 0.5 * contrast[level] * np.cos(angle)
                imaginary[p] = 0.5 * contrast[level] * np.sin(angle)
            centre = 0.5 + 0.5 * dark[level]
            squares_ratio[:] = 1.0
            for _ in range(copies[level]):
                if present[level] < 1.0 and uniform(state) >= present[level]:
                    block += 1
                    continue
                plus = centre + real[0] * cosine_angle[block] + imaginary[0] * sine_angle[block]
                other = centre + real[part] * cosine_angle[block] + imaginary[part] * sine_angle[block]
                sign = draw(plus, other, uniform(state))
                counts[channel[block], sign] += 1
                for p in range(1, len(shifts)):
                    if not repeats[level, p]:
                        other = centre + real[p] * cosine_angle[block] + imaginary[p] * sine_angle[block]
                        squares_ratio[p] *= squared_ratio(sign, plus, other)
                        if not 1e-200 < squares_ratio[p] < 1e200:
                            log_squares[p] += np.log(squares_ratio[p])
                            squares_ratio[p] = 1.0
                block += 1
            log_squares += np.log(squares_ratio)
        weight = np.sum(fractions * np.exp(0.5 * log_squares))

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
            start = 0
            for i in range(len(coarse_log)):
                following = coarse_log[(i + 1) % len(coarse_log)]
                if max(coarse_log[i - 1], coarse_log[i], following) <= threshold:
                    if start < i * cell:
                        add_counts(log_posterior, counts[: channels[0]], log_chances, 0, start, i * cell)
                    start = min((i + 1) * cell, points)
                    log_posterior[i * cell : start] = -np.inf
            add_counts(log_posterior, counts[: channels[0]], log_chances, 0, start, points)
        squares[trial] = mean_and_square(log_posterior, grid, cosine, sine)[1] / weight
    return squares
