"""Tests of a node, one parity at a time, on plain arrays.

A compiled loop uses them so, with `alternatives = test.table()` and `threshold = test.threshold` built outside::

    statistics = np.zeros(len(alternatives))
    for cycle in range(cycles):
        phase = ...                                # rad: secret phase + test.atoms * phase of the node by its laser light
        parity = outcome(random, true_phase, test.contrast, flip)
        if accumulate(statistics, alternatives, test.contrast, phase, parity) >= threshold:
            ...                                    # alarm
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qcn_open.kernels.leaf import leaf
from qcn_open.kernels.random import uniform

__all__ = ["accumulate", "log_ratio", "outcome"]

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
