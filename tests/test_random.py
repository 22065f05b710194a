"""Random deviates of the compiled loops, against published words and SciPy's distributions.

Every test of a distribution is a chi-square or Kolmogorov test at a false-alarm rate of 10^-4; seeds are fixed.
"""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from scipy import stats

from qcn_open.kernels.random import binomial, normal, state_from, uniform, word

FALSE_ALARM = 1e-4
SIZE = 10**6


@njit
def uniforms(state, size):
    return np.array([uniform(state) for _ in range(size)])


@njit
def normals(state, size):
    return np.array([normal(state) for _ in range(size)])


@njit
def binomials(state, size, n, p):
    return np.array([binomial(state, n, p) for _ in range(size)])


def fresh(seed: int) -> np.ndarray:
    return state_from(np.random.default_rng(seed))


def chi_square(observed: np.ndarray, probabilities: np.ndarray) -> float:
    """P value, outcomes that are expected less than 20 times taken together."""
    expected = observed.sum() * probabilities / probabilities.sum()
    rare = expected < 20.0
    observed, expected = (np.append(values[~rare], values[rare].sum()) for values in (observed, expected))
    if expected[-1] < 20.0:
        assert observed[-1] <= stats.poisson.isf(FALSE_ALARM, expected[-1])
        observed, expected = observed[:-1], expected[:-1] * observed[:-1].sum() / expected[:-1].sum()
    return float(stats.chisquare(observed, expected).pvalue)


def test_words_are_those_of_xoshiro256_plus_plus() -> None:
    """From the state (1, 2, 3, 4), as its authors' C code gives them."""
    state = np.array([1, 2, 3, 4], dtype=np.uint64)
    words = [41943041, 58720359, 3588806011781223, 3591011842654386, 9228616714210784205]
    assert [int(word(state)) for _ in words] == words


def test_uniform() -> None:
    numbers = uniforms(fresh(1), SIZE)
    assert 0.0 <= numbers.min() < numbers.max() < 1.0
    assert stats.kstest(numbers, "uniform").pvalue > FALSE_ALARM
    # The finest binary digits are random too.
    low = (np.ldexp(numbers, 53).astype(np.uint64) & np.uint64(255)).astype(np.int64)
    assert chi_square(np.bincount(low, minlength=256), np.full(256, 1.0 / 256.0)) > FALSE_ALARM


def test_normal() -> None:
    numbers = normals(fresh(2), 4 * SIZE)
    assert stats.kstest(numbers, "norm").pvalue > FALSE_ALARM
    # Edges of the layers, where a ziggurat goes wrong, lie inside these 4000 cells; the outer ones test the tail.
    edges = np.concatenate([[-np.inf], np.linspace(-4.5, 4.5, 3999), [np.inf]])
    counts = np.histogram(numbers, edges)[0]
    assert chi_square(counts, np.diff(stats.norm.cdf(edges))) > FALSE_ALARM
    assert stats.ttest_1samp(numbers[1:] * numbers[:-1], 0.0).pvalue > FALSE_ALARM


@pytest.mark.parametrize(
    ("n", "p"),
    [
        (1, 0.3),
        (5, 0.5),
        (16, 0.7),
        (17, 0.25),
        (63, 0.1),
        (64, 0.5),
        (65, 0.123),
        (120, 1e-3),
        (120, 0.625),
        (300, 0.99),
    ],
)
def test_binomial(n: int, p: float) -> None:
    numbers = binomials(fresh(n), SIZE // 2, n, p)
    assert chi_square(np.bincount(numbers, minlength=n + 1), stats.binom.pmf(np.arange(n + 1), n, p)) > FALSE_ALARM


def test_binomial_of_certain_trials() -> None:
    state = fresh(3)
    assert [binomial(state, n, p) for n in (5, 100) for p in (-1e-17, 0.0, 1.0, 1.0 + 1e-15)] == [
        0,
        0,
        5,
        5,
        0,
        0,
        100,
        100,
    ]
    assert binomial(state, 0, 0.5) == 0


def test_states_are_reproducible_and_differ() -> None:
    assert (fresh(1) == fresh(1)).all()
    assert (fresh(1) != fresh(2)).all()
    first, second = (state_from(rng) for rng in np.random.default_rng(1).spawn(2))
    assert (first != second).all()
