"""Tests of a node, one parity at a time, on plain arrays.

A compiled loop uses them so, with `alternatives = test.table()` and `threshold = test.threshold` built outside::

    statistics = np.zeros(len(alternatives))
    for cycle in range(cycles):
        phase = ...               # rad: secret phase + test.atoms * phase of the node by its laser light
        parity = outcome(random, true_phase, test.contrast, flip)
        if accumulate(statistics, alternatives, test.contrast, phase, parity) >= threshold:
            ...                   # alarm
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qcn_open.kernels.cascade import CascadeTables, estimate, sample
from qcn_open.kernels.leaf import leaf
from qcn_open.kernels.oscillator import INTERROGATION, OscillatorTables, advance, begin
from qcn_open.kernels.random import binomial, normal, uniform

__all__ = ["accumulate", "flip_parities", "log_ratio", "outcome", "page", "run_attacked", "sums", "wald"]

_TURN = 2.0 * math.pi

_TINY = np.finfo(np.float64).tiny


@leaf
def outcome(random: NDArray[np.uint64], phase: float, contrast: float, flip: float) -> int:
    """Parity +1 or -1 of a fringe at this phase, flipped with a probability before it is sent."""
    chance = 0.5 * (1.0 + (1.0 - 2.0 * flip) * contrast * math.cos(phase))
    return 1 if uniform(random) < chance else -1


@leaf
def log_ratio(parity: int, phase: float, contrast: float, shift: float, shifted_contrast: float) -> float:
    """Logarithm of the probability of a parity under the alternative (shift, contrast) over that of an honest node."""
    honest = 0.5 * (1.0 + parity * contrast * math.cos(phase))
    alternative = 0.5 * (1.0 + parity * shifted_contrast * math.cos(phase + shift))
    return math.log(max(alternative, _TINY)) - math.log(max(honest, _TINY))


@leaf
def accumulate(
    statistics: NDArray[np.float64], alternatives: NDArray[np.float64], contrast: float, phase: float, parity: int
) -> float:
    """Move Page's statistics on by one test, S = max(0, S + log ratio), and return the largest.

    Alternatives are rows (shift, contrast), one a statistic.
    """
    largest = 0.0
    for k in range(statistics.size):
        step = log_ratio(parity, phase, contrast, alternatives[k, 0], alternatives[k, 1])
        statistics[k] = max(0.0, statistics[k] + step)
        largest = max(largest, statistics[k])
    return largest


@leaf
def flip_parities(random: NDArray[np.uint64], counts: NDArray[np.int64], first: int, probability: float) -> None:
    """Flip each parity of the channels from `first` on with this probability."""
    for channel in range(first, len(counts)):
        lost = binomial(random, counts[channel, 0], probability)
        won = binomial(random, counts[channel, 1], probability)
        counts[channel, 0] += won - lost
        counts[channel, 1] += lost - won


@njit(cache=True)
def sums(
    random: NDArray[np.uint64],
    alternative: NDArray[np.float64],
    contrast: float,
    linear: bool,
    node: NDArray[np.float64],
    tests: int,
    statistics: NDArray[np.float64],
) -> None:
    """Fill in sums over so many tests each of a node that shows the fringe (shift, contrast).

    What is added is the log likelihood ratio, or the parity times cos(phase + angle).
    """
    shift, other = alternative
    east = other * math.cos(shift) - contrast
    north = other * math.sin(shift)
    angle = math.atan2(north, east)
    for trial in range(statistics.size):
        total = 0.0
        for _ in range(tests):
            phase = _TURN * uniform(random)
            parity = outcome(random, phase + node[0], node[1], 0.0)
            if linear:
                total += parity * math.cos(phase + angle)
            else:
                total += log_ratio(parity, phase, contrast, shift, other)
        statistics[trial] = total


@njit(cache=True)
def wald(
    random: NDArray[np.uint64],
    alternative: NDArray[np.float64],
    contrast: float,
    lower: float,
    upper: float,
    node: NDArray[np.float64],
    accused: NDArray[np.bool_],
    lengths: NDArray[np.int64],
) -> None:
    """Add log ratios up until they leave (lower, upper); fill in the verdicts, and the numbers of tests."""
    for trial in range(lengths.size):
        total, tests = 0.0, 0
        while lower < total < upper:
            phase = _TURN * uniform(random)
            parity = outcome(random, phase + node[0], node[1], 0.0)
            total += log_ratio(parity, phase, contrast, alternative[0], alternative[1])
            tests += 1
        accused[trial] = total >= upper
        lengths[trial] = tests


@njit(cache=True)
def page(
    random: NDArray[np.uint64],
    alternatives: NDArray[np.float64],
    contrast: float,
    threshold: float,
    node: NDArray[np.float64],
    most: int,
    lengths: NDArray[np.int64],
) -> None:
    """Fill in the numbers of tests until the alarm, at most `most`."""
    statistics = np.empty(len(alternatives))
    for trial in range(lengths.size):
        statistics[:] = 0.0
        tests, largest = 0, 0.0
        while largest < threshold and tests < most:
            phase = _TURN * uniform(random)
            parity = outcome(random, phase + node[0], node[1], 0.0)
            largest = accumulate(statistics, alternatives, contrast, phase, parity)
            tests += 1
        lengths[trial] = tests


@njit(cache=True)
def run_attacked(
    random: NDArray[np.uint64],
    lasers: tuple[OscillatorTables, ...],
    cascade: CascadeTables,
    single: CascadeTables,
    shared: int,
    shares: NDArray[np.float64],
    effects: NDArray[np.float64],
    gain: float,
    test: tuple[NDArray[np.float64], float, int, float],
    rate: float,
    own_error: float,
    counts: NDArray[np.int64],
    light: NDArray[np.float64],
    phases: NDArray[np.float64],
    common: NDArray[np.float64],
    partial: NDArray[np.float64],
    alone: NDArray[np.float64],
    alarms: NDArray[np.int64],
) -> None:
    """Run a clock of several nodes, some of which cheat.

    Parameters
    ----------
    single : CascadeTables
        Those of the uncorrelated atoms of the cascade alone.
    shared : int
        The first channel of a block that all nodes share: below are the uncorrelated atoms, of which a node flips the
        bits of its own share.
    shares : ndarray, shape (nodes,)
        Weights of the nodes.
    effects : ndarray, shape (nodes, 3)
        Rows of `qcn_open.security.Effect`.
    test : tuple
        Alternatives, contrast, atoms and threshold of the tests.
    rate : float
        Probability with which a node is tested in a cycle.
    own_error : float
        Standard deviation (rad) of the phase of its laser that the centre, the first node, reads from its own atoms.
    light, phases : ndarray, shape (nodes, cycles)
        Filled with the phases of the lasers before, and after, the feedback is mixed in.
    common, partial, alone : ndarray, shape (cycles,)
        Filled with the phase of the centre of mass that all parities show; that which they show to someone who lacks
        one bit of every block; and that which the uncorrelated atoms alone show.
    alarms : ndarray, shape (2, nodes)
        Filled with the cycle of the first alarm, or -1: of tests that compare a node with the centre of mass, and with
        the centre's own atoms.
    """
    nodes, cycles = phases.shape
    alternatives, contrast, atoms, threshold = test
    statistics = np.zeros((2, nodes, len(alternatives)))
    alarms[:] = -1
    first = np.zeros(nodes + 1, dtype=np.int64)
    for node in range(nodes):
        first[node + 1] = first[node] + lasers[node].start.size
    memory = np.empty(first[nodes])
    for node in range(nodes):
        begin(random, lasers[node], memory[first[node] : first[node + 1]])
    corrections, claimed, flips = np.zeros(nodes), np.empty(nodes), np.empty(nodes)
    for cycle in range(cycles):
        measured, mean, kept, own_flip = 0.0, 0.0, 1.0, 0.0
        for node in range(nodes):
            free = advance(random, lasers[node], INTERROGATION, memory[first[node] : first[node + 1]])
            active = uniform(random) < effects[node, 2]
            phase = free - corrections[node]
            claimed[node] = phase + (effects[node, 0] if active else 0.0)
            flips[node] = effects[node, 1] if active else 0.0
            measured += shares[node] * phase
            mean += shares[node] * claimed[node]
            kept *= 1.0 - 2.0 * flips[node]
            own_flip += shares[node] * flips[node]
            light[node, cycle] = free
            phases[node, cycle] = phase
        sample(random, cascade, measured, 0.0, counts)
        flip_parities(random, counts[:shared], 0, own_flip)
        flip_parities(random, counts, shared, 0.5 * (1.0 - kept))
        common[cycle] = estimate(cascade, counts, 0.0)
        own = phases[0, cycle] + own_error * normal(random)
        for node in range(nodes):
            sent = common[cycle] + claimed[node] - mean
            if uniform(random) < rate:
                secret = _TURN * uniform(random)
                parity = outcome(random, secret + atoms * phases[node, cycle], contrast, flips[node])
                for reference in range(2):
                    believed = sent if reference == 0 else own + claimed[node] - claimed[0]
                    held = statistics[reference, node]
                    largest = accumulate(held, alternatives, contrast, secret + atoms * believed, parity)
                    if largest >= threshold and alarms[reference, node] < 0:
                        alarms[reference, node] = cycle
            corrections[node] += gain * sent
        alone[cycle] = estimate(single, counts[:shared], 0.0)
        flip_parities(random, counts, 0, 0.5)
        partial[cycle] = estimate(cascade, counts, 0.0)
