"""A clock as a plain NumPy loop over its cycles: the reference for the compiled one, of which it knows nothing.

Chains are the columns of every array, so that one loop gives the statistics of many clocks. White laser noise only.
The benchmark runs the same loop with one chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]


@dataclass(frozen=True)
class Group:
    """Blocks of `size` atoms, trials[a] of them read at the angle angles[a]."""

    size: int
    angles: Real
    trials: NDArray[np.int64]


def group(size: int, copies: int, readout: str) -> Group:
    """Copies read at two right angles in turn ("dual"), or at up to 24 angles over half a turn ("multi")."""
    number, distinct = np.arange(copies), min(copies, 24)
    angles = 0.5 * np.pi * (number % 2) if readout == "dual" else np.pi * (number * distinct // copies) / distinct
    unique, trials = np.unique(angles, return_counts=True)
    return Group(size, unique, trials)


def cascade(copies: Sequence[int], nodes: int, uncorrelated: int, readout: str) -> list[Group]:
    """Uncorrelated atoms, then copies[j] blocks of 2^j nodes atoms."""
    levels = [group(1, uncorrelated, readout)] if uncorrelated else []
    return levels + [group(2**level * nodes, number, readout) for level, number in enumerate(copies)]


def counts(level: Group, phase: Real, coherence: float, survival: float, rng: np.random.Generator) -> tuple[Real, Real]:
    """Numbers of + and of -, shape (angles, chains), blocks that lost an atom left out."""
    up = 0.5 * (1.0 + coherence**level.size * np.cos(level.size * phase - level.angles[:, None]))
    trials = np.broadcast_to(level.trials[:, None], up.shape)
    if survival < 1.0:
        trials = rng.binomial(trials, survival**level.size)
    plus = rng.binomial(trials, up)
    return plus, trials - plus


def direction(level: Group, plus: Real, minus: Real) -> Real:
    """Phase of a level in (-pi, pi]: mean signs fitted by a sine and a cosine of the angle; NaN where they cancel."""
    cosines, sines, read, signs = np.cos(level.angles), np.sin(level.angles), plus + minus, plus - minus
    x, y = cosines @ signs, sines @ signs
    xx, xy, yy = cosines**2 @ read, (cosines * sines) @ read, sines**2 @ read
    determinant = xx * yy - xy**2
    # Blocks at one angle only fix no sine: what remains is the side that they show.
    fixed = determinant > 1e-9 * read.sum(axis=0) ** 2
    cosine, sine = np.where(fixed, [yy * x - xy * y, xx * y - xy * x], [x, y]) / np.where(fixed, determinant, 1.0)
    return np.where(np.hypot(sine, cosine) > 1e-9, np.arctan2(sine, cosine), np.nan)


def nearest(phase: Real, size: int, predicted: Real) -> Real:
    """What `size` atoms have, divided by size, and moved by multiples of 2 pi/size next to what is predicted.

    Where they have nothing, it is what is predicted.
    """
    period = 2.0 * np.pi / size
    moved = phase / size + period * np.round((predicted - phase / size) / period)
    return np.where(np.isnan(phase), predicted, moved)


def bitwise(levels: Sequence[Group], outcomes: Sequence[tuple[Real, Real]], predicted: Real) -> Real:
    """Every level moved next to the one below."""
    for level, (plus, minus) in zip(levels, outcomes, strict=True):
        predicted = nearest(direction(level, plus, minus), level.size, predicted)
    return predicted


def joint(
    levels: Sequence[Group], outcomes: Sequence[tuple[Real, Real]], predicted: Real, coherence: float, points: int
) -> Real:
    """Mean direction of the posterior on a grid; flat prior, blocks that are seen to be lost left out."""
    grid = 2.0 * np.pi * np.arange(points) / points
    log = np.zeros((points, len(predicted)))
    for level, (plus, minus) in zip(levels, outcomes, strict=True):
        mean = coherence**level.size * np.cos(level.size * grid[:, None] - level.angles)
        # A log of zero would meet a count of zero.
        log += (
            np.log(np.maximum(0.5 + 0.5 * mean, 1e-300)) @ plus + np.log(np.maximum(0.5 - 0.5 * mean, 1e-300)) @ minus
        )
    weight = np.exp(log - log.max(axis=0))
    return nearest(np.angle(np.exp(1j * grid) @ weight), 1, predicted)


def fed_forward(
    levels: Sequence[Group],
    phase: Real,
    predicted: Real,
    coherence: float,
    prior_variance: float,
    points: int,
    rng: np.random.Generator,
) -> Real:
    """Read one block after the other, the largest first, at the angle of largest expected sharpness of its own fringe;
    the whole posterior on one grid around the predicted phase, Gaussian prior included."""
    grid = 2.0 * np.pi * np.arange(points) / points - np.pi
    weight = np.tile(np.exp(-(grid**2) / (2.0 * prior_variance)), (len(phase), 1))
    tried = np.pi * np.arange(64) / 64
    for level in levels[::-1]:
        contrast, turned = coherence**level.size, level.size * (grid + predicted[:, None])
        for copies in level.trials:
            assert copies == 1
            weight /= weight.sum(axis=1, keepdims=True)
            first, second = (np.sum(weight * np.exp(1j * order * turned), axis=1)[:, None] for order in (1, 2))
            half = 0.5 * contrast * (np.exp(1j * tried) + second * np.exp(-1j * tried))
            angle = tried[np.argmax(np.round(abs(first + half) + abs(first - half), 9), axis=1)]
            up = rng.random(len(phase)) < 0.5 + 0.5 * contrast * np.cos(level.size * phase - angle)
            weight *= 0.5 + 0.5 * np.where(up, contrast, -contrast)[:, None] * np.cos(turned - angle[:, None])
    return predicted + np.angle(weight @ np.exp(1j * grid))


@dataclass(frozen=True)
class Run:
    """Estimated and true phases, rad, shape (cycles, chains)."""

    estimates: Real
    phases: Real


def run(
    levels: Sequence[Group],
    *,
    phase_variance: float,
    gain: float,
    cycles: int,
    rng: np.random.Generator,
    chains: int = 1,
    coherence: float = 1.0,
    survival: float = 1.0,
    ensembles: Sequence[Group] = (),
    ratios: Sequence[int] = (),
    grid: int = 0,
    prior_variance: float = 0.0,
) -> Run:
    """Interrogate, estimate (jointly on a grid of so many points, or bitwise), steer.

    With a prior the estimate is the joint one at angles fed forward.
    `phase_variance` is that of the laser's phase over the interrogation time; ensemble k is interrogated as often as
    the product of the ratios from k on says, and decoheres for so much shorter.
    """
    steps = int(np.prod(ratios, dtype=int))
    estimates, phases = np.empty((2, cycles, chains))
    correction = np.zeros(chains)
    for cycle in range(cycles):
        noise = rng.normal(0.0, np.sqrt(phase_variance / steps), (steps, chains))
        step = noise - correction / steps
        predicted = np.zeros((steps, chains))
        for ensemble, ratio in zip(ensembles, ratios, strict=True):
            share = 1.0 / len(step)
            read = np.empty_like(step)
            for i in range(len(step)):
                outcome = counts(ensemble, step[i], coherence**share, survival**share, rng)
                read[i] = nearest(direction(ensemble, *outcome), 1, predicted[i])
            step, predicted = (values.reshape(-1, ratio, chains).sum(axis=1) for values in (step, read))
        phase, expected = step[0], predicted[0]
        if prior_variance > 0.0:
            estimate = fed_forward(levels, phase, expected, coherence, prior_variance, grid, rng)
        else:
            outcomes = [counts(level, phase, coherence, survival, rng) for level in levels]
            estimate = (
                joint(levels, outcomes, expected, coherence, grid) if grid else bitwise(levels, outcomes, expected)
            )
        estimates[cycle], phases[cycle] = estimate, phase
        correction = correction + gain * estimate
    return Run(estimates, phases)
