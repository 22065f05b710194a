"""Random numbers for compiled loops: xoshiro256++, uniform, normal and binomial deviates.

A state is an array of four 64-bit words that every function advances in place. Chains that must not overlap get their
states from generators with spawned seeds: the period is 2^256 - 1, and states drawn at random overlap never.

References
----------
.. [1] D. Blackman, S. Vigna, ACM Trans. Math. Softw. 47, 36 (2021): xoshiro256++.
.. [2] J. A. Doornik, "An improved ziggurat method to generate normal random samples" (2005).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qcn_open.kernels.leaf import leaf

__all__ = ["binomial", "normal", "state_from", "uniform", "word"]

# Numba makes a float of a 64-bit word and a Python integer: all constants that meet words are words.
_ZERO, _ONE, _ALL = np.uint64(0), np.uint64(1), np.uint64(0xFFFFFFFFFFFFFFFF)
_11, _17, _19, _23, _41, _45, _63 = (np.uint64(shift) for shift in (11, 17, 19, 23, 41, 45, 63))
_LAYER = np.uint64(255)
_M1, _M2, _M4, _BYTES = (
    np.uint64(mask) for mask in (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F, 0x0101010101010101)
)
_2, _4, _56, _64 = np.uint64(2), np.uint64(4), np.uint64(56), np.uint64(64)
# So few trials are done sooner one by one than in 64 lanes.
_FEW = 16


def state_from(rng: np.random.Generator) -> NDArray[np.uint64]:
    """A state (four words) drawn from a generator.

    Examples
    --------
    >>> state = state_from(np.random.default_rng(1))
    >>> round(uniform(state), 6), round(normal(state), 6), binomial(state, 100, 0.5)
    (0.828806, 0.204986, 49)
    """
    return rng.integers(0, 2**64, size=4, dtype=np.uint64)


@leaf
def word(state: NDArray[np.uint64]) -> np.uint64:
    """64 random bits."""
    a, b, c, d = state[0], state[1], state[2], state[3]
    total = a + d
    result = ((total << _23) | (total >> _41)) + a
    shifted = b << _17
    c ^= a
    d ^= b
    state[1] = b ^ c
    state[0] = a ^ d
    state[2] = c ^ shifted
    state[3] = (d << _45) | (d >> _19)
    return result


@leaf
def uniform(state: NDArray[np.uint64]) -> float:
    """A multiple of 2^-53 in [0, 1)."""
    return float(word(state) >> _11) * 2.0**-53


def _layers() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Right ends of 256 layers of equal area under exp(-x^2/2), base and tail first, and ratios of neighbours."""
    start, area = 3.6541528853610088, 0.00492867323399
    edges = np.zeros(257)
    edges[0] = area / math.exp(-0.5 * start**2)
    edges[1] = start
    for i in range(2, 256):
        edges[i] = math.sqrt(-2.0 * math.log(area / edges[i - 1] + math.exp(-0.5 * edges[i - 1] ** 2)))
    return edges, edges[1:] / edges[:-1]


_EDGE, _INSIDE = _layers()


@leaf
def normal(state: NDArray[np.uint64]) -> float:
    """A normal deviate of mean 0 and variance 1 (ziggurat)."""
    while True:
        bits = word(state)
        layer = np.int64(bits & _LAYER)
        # The lowest 11 bits choose the layer, the 53 above them the place in it.
        place = float(bits >> _11) * 2.0**-52 - 1.0
        if abs(place) < _INSIDE[layer]:
            return place * _EDGE[layer]
        if layer == 0:
            return math.copysign(_tail(state), place)
        x = place * _EDGE[layer]
        outer = math.exp(-0.5 * (_EDGE[layer] ** 2 - x * x))
        inner = math.exp(-0.5 * (_EDGE[layer + 1] ** 2 - x * x))
        if inner + uniform(state) * (outer - inner) < 1.0:
            return x


@leaf
def _tail(state: NDArray[np.uint64]) -> float:
    """A normal deviate beyond the base layer (Marsaglia)."""
    start = _EDGE[1]
    while True:
        x = -math.log(1.0 - uniform(state)) / start
        y = -math.log(1.0 - uniform(state))
        if 2.0 * y > x * x:
            return start + x


@leaf
def _ones(bits: np.uint64) -> np.int64:
    """Number of ones in a word: sums of neighbours, of pairs, of half bytes."""
    bits -= (bits >> _ONE) & _M1
    bits = (bits & _M2) + ((bits >> _2) & _M2)
    bits = (bits + (bits >> _4)) & _M4
    return np.int64((bits * _BYTES) >> _56)


@leaf
def binomial(state: NDArray[np.uint64], n: int, p: float) -> int:
    """Number of successes in n trials of probability p; p outside [0, 1] counts as its nearer end.

    A trial succeeds if a uniform number is less than p. 64 trials at a time compare their numbers with p, binary digit
    by digit, and end when every comparison is decided, which takes about 8 words instead of 64. Digits of p beyond
    2^-64 are left out.
    """
    if p <= 0.0:
        return 0
    if p >= 1.0:
        return n
    digits = np.uint64(p * 2.0**64)
    successes = 0
    if n <= _FEW:
        for _ in range(n):
            successes += int(word(state) < digits)
        return successes
    left = n
    while left > 0:
        undecided = _ALL if left >= 64 else (_ONE << np.uint64(left)) - _ONE
        less = _ZERO
        rest = digits
        # With no digit left, what is undecided is not less than p.
        while undecided != _ZERO and rest != _ZERO:
            bits = word(state)
            # All ones where this digit of p is 1: then a 0 decides for less, else a 1 decides against it.
            digit = _ZERO - (rest >> _63)
            less |= undecided & digit & ~bits
            undecided &= ~(bits ^ digit)
            rest <<= _ONE
        successes += int(_ones(less))
        left -= 64
    return successes
