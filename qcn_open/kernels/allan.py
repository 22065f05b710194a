"""Sums over a record of frequencies, for its Allan deviation."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["autocorrelations", "present", "running_sums", "square_sums"]

# So many second differences are taken for every averaging time in turn, while what they need is in the fast cache.
_BLOCK = 2048


@njit(cache=True)
def present(y: NDArray[np.float64]) -> tuple[int, float]:
    """Number of samples that are not NaN, and their mean; NaN if one is infinite."""
    number, total = 0, 0.0
    for sample in y:
        if not math.isnan(sample):
            number += 1
            total += sample
    mean = total / number if number > 0 else math.nan
    return number, mean if math.isfinite(mean) else math.nan


@njit(cache=True)
def running_sums(y: NDArray[np.float64], mean: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Phase and number of missing samples before each sample and after the last one; a missing sample adds no phase.

    What rounding takes from the sum is kept and given back (Neumaier), so that the phase of a record of any length is
    right to its last digit.
    """
    phase, missing = np.empty(y.size + 1), np.empty(y.size + 1, np.int64)
    phase[0], missing[0] = 0.0, 0
    total, lost, gaps = 0.0, 0.0, 0
    for i in range(y.size):
        if math.isnan(y[i]):
            gaps += 1
        else:
            change = y[i] - mean
            longer = total + change
            lost += (total - longer) + change if abs(total) >= abs(change) else (change - longer) + total
            total = longer
        phase[i + 1], missing[i + 1] = total + lost, gaps
    return phase, missing


# Only the order of the sums is left to the compiler, which then works on several terms at once.
@njit(cache=True, fastmath={"reassoc"})
def square_sums(
    phase: NDArray[np.float64], missing: NDArray[np.int64], factors: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sum of (x[i + 2m] - 2 x[i + m] + x[i])^2, and the number of its terms, for each m in factors.

    It goes over all i from which no sample of the next 2m is missing.
    """
    sums, pairs = np.zeros(factors.size), np.zeros(factors.size, np.int64)
    for low in range(0, phase.size, _BLOCK):
        for k in range(factors.size):
            m = factors[k]
            high = min(low + _BLOCK, phase.size - 2 * m)
            if high <= low:
                continue
            first, second, third = phase[low:high], phase[low + m : high + m], phase[low + 2 * m : high + 2 * m]
            before, after = missing[low:high], missing[low + 2 * m : high + 2 * m]
            total, number = 0.0, 0
            for i in range(high - low):
                difference = (third[i] - second[i]) - (second[i] - first[i])
                whole = after[i] == before[i]
                total += difference * difference if whole else 0.0
                number += whole
            sums[k] += total
            pairs[k] += number
    return sums, pairs


@njit(cache=True)
def autocorrelations(phase: NDArray[np.float64], missing: NDArray[np.int64], m: int) -> tuple[float, float, int]:
    """Autocorrelation at lag one of the means of successive blocks of m samples, that of their changes, their number.

    Blocks with a missing sample are left out. Zero where there are not two neighbours or no variation.
    """
    blocks = (phase.size - 1) // m
    means, changes = np.full(blocks, math.nan), np.full(blocks, math.nan)
    whole = 0
    for j in range(blocks):
        if missing[(j + 1) * m] == missing[j * m]:
            whole += 1
            means[j] = phase[(j + 1) * m] - phase[j * m]
            if j > 0:
                changes[j] = means[j] - means[j - 1]
    return _autocorrelation(means), _autocorrelation(changes), whole


@njit(cache=True)
def _autocorrelation(z: NDArray[np.float64]) -> float:
    """That at lag one of what is not NaN."""
    number, mean = present(z)
    square, product, neighbours = 0.0, 0.0, 0
    for j in range(z.size):
        if not math.isnan(z[j]):
            square += (z[j] - mean) ** 2
            if j > 0 and not math.isnan(z[j - 1]):
                product += (z[j] - mean) * (z[j - 1] - mean)
                neighbours += 1
    if neighbours == 0 or square == 0.0:
        return 0.0
    # Without gaps the textbook estimate, whose shrinkage by (n - 1)/n keeps it between -1 and 1.
    return product / square * (number - 1) / neighbours
