"""Allan deviation: published numbers, allantools, brute force, and the coverage of the intervals."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from closeness import approx
from numpy.typing import NDArray
from scipy import stats

import qcn_open as qcn
from qcn_open.kernels.allan import running_sums

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import allantools

RNG = np.random.default_rng(40)


def brute_force(y: NDArray[np.float64], m: int) -> tuple[float, int]:
    """Pair by pair; a pair with a missing sample does not count."""
    squares = [
        (np.mean(y[i + m : i + 2 * m]) - np.mean(y[i : i + m])) ** 2
        for i in range(y.size - 2 * m + 1)
        if not np.any(np.isnan(y[i : i + 2 * m]))
    ]
    return (math.sqrt(np.mean(squares) / 2.0) if squares else math.nan), len(squares)


def test_nist_test_data() -> None:
    """1000 numbers of a congruential generator: NIST SP 1065, table 31."""
    numbers = [1234567890]
    for _ in range(999):
        numbers.append(16807 * numbers[-1] % 2147483647)
    table = qcn.overlapping_adev(np.array(numbers) / 2147483647, rate=1.0, taus=[1, 10, 100])
    assert table["tau_s"].tolist() == [1.0, 10.0, 100.0]
    assert table["sigma_y"].tolist() == approx([2.922319e-1, 9.159953e-2, 3.241343e-2], rel=2e-7)


@pytest.mark.parametrize("taus", ["octave", "decade", "all"])
def test_allantools(taus: str) -> None:
    y = 1e-15 * (RNG.normal(size=3001) + 0.03 * np.cumsum(RNG.normal(size=3001))) + 1e-13
    table = qcn.overlapping_adev(y, 2.5, taus)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tau, sigma, _, number = allantools.oadev(y, rate=2.5, data_type="freq", taus=table["tau_s"].to_numpy())
    # allantools drops the longest times, from which it takes fewer than two pairs.
    common = table[table["tau_s"].isin(tau)]
    assert len(common) >= len(table) - 1
    assert common["sigma_y"].tolist() == approx(sigma[np.isin(tau, table["tau_s"])].tolist(), rel=1e-9)
    assert common["pairs"].tolist() == number[np.isin(tau, table["tau_s"])].tolist()


def test_choices_of_averaging_times() -> None:
    y = RNG.normal(size=50)
    assert qcn.overlapping_adev(y, 10.0, "all")["tau_s"].tolist() == approx([m / 10.0 for m in range(1, 26)])
    assert qcn.overlapping_adev(y, 10.0)["tau_s"].tolist() == [0.1, 0.2, 0.4, 0.8, 1.6]
    assert qcn.overlapping_adev(y, 10.0, "decade")["tau_s"].tolist() == [0.1, 0.2, 0.4, 1.0, 2.0]
    assert qcn.overlapping_adev(y, 10.0, [0.3, 2.5])["tau_s"].tolist() == [0.3, 2.5]
    # A cycle that is no binary fraction: multiples of it need not be multiples of the rate to the last digit.
    cycle = 0.1 + 0.2
    assert len(qcn.overlapping_adev(y, 1.0 / cycle, cycle * np.arange(1, 26))) == 25


@pytest.mark.parametrize("missing", [[], [0], [49], [3, 4, 20], list(range(10, 45)), list(range(1, 50, 2))])
def test_gaps(missing: list[int]) -> None:
    y = RNG.normal(size=50) + 4.0
    y[missing] = np.nan
    table = qcn.overlapping_adev(y, 1.0, "all")
    for row in table.itertuples():
        sigma, pairs = brute_force(y, int(row.tau_s))
        assert row.pairs == pairs
        if pairs == 0:
            assert np.isnan([row.sigma_y, row.sigma_y_low, row.sigma_y_high, row.edf]).all()
        else:
            assert row.sigma_y == approx(sigma)


def test_long_records_cross_the_blocks_of_the_sum() -> None:
    y = RNG.normal(size=10_000)
    x = np.concatenate([[0.0], np.cumsum(y)])
    for row in qcn.overlapping_adev(y, 1.0, [1, 7, 1023, 1024, 1500, 4999, 5000]).itertuples():
        m = int(row.tau_s)
        difference = x[2 * m :] - 2.0 * x[m:-m] + x[: -2 * m]
        assert row.pairs == difference.size
        assert row.sigma_y == approx(math.sqrt(np.mean(difference**2) / 2.0) / m)


def test_rounding() -> None:
    """An offset and a slip a million times the noise leave the digits that the samples have."""
    y = RNG.normal(size=400) + 1e6
    y[200:] += 1e6
    exact = [Fraction(sample) for sample in y.tolist()]
    for row in qcn.overlapping_adev(y, 1.0, [1, 10, 100]).itertuples():
        m = int(row.tau_s)
        sums = [sum(exact[i : i + m], Fraction(0)) for i in range(401 - m)]
        square = sum((later - now) ** 2 for now, later in zip(sums, sums[m:], strict=False))
        assert row.sigma_y == approx(math.sqrt(square / (2 * m**2 * (401 - 2 * m))), rel=1e-12)


def test_the_phase_is_right_to_its_last_digit() -> None:
    y = RNG.normal(size=100_000) + 1e6 * (np.arange(100_000) > 40_000)
    phase, _ = running_sums(y, 0.1)
    changes = (y - 0.1).tolist()
    for end in range(5000, 100_001, 5000):
        exact = math.fsum(changes[:end])
        assert abs(phase[end] - exact) <= math.ulp(exact)


def test_scale_and_offset() -> None:
    y = RNG.normal(size=1000)
    one, other = qcn.overlapping_adev(y, 1.0), qcn.overlapping_adev(1e-16 - 1e-18 * y, 4.0)
    assert other["tau_s"].tolist() == (one["tau_s"] / 4.0).tolist()
    columns = ["sigma_y", "sigma_y_low", "sigma_y_high"]
    assert (other[columns] / one[columns]).to_numpy().ravel().tolist() == approx([1e-18] * 3 * len(one))


def test_a_constant_record_has_no_deviation() -> None:
    table = qcn.overlapping_adev(np.full(9, 1e-15), 1.0, "all")
    assert not table[["sigma_y", "sigma_y_low", "sigma_y_high"]].to_numpy().any()


def exact_edf(samples: int, m: int, exponent: int) -> float:
    """2 E^2/Var of the sum of all squares of second differences, whose covariance is that of the phase, differenced."""

    def covariance(t: NDArray[np.float64]) -> NDArray[np.float64]:
        t = np.abs(t)
        square = np.square(t) * np.log(np.where(t > 0.0, t, 1.0))
        return {1: (t == 0.0) * 1.0, 0: -t, -1: square, -2: t**3}[exponent]

    pairs = samples + 1 - 2 * m
    k = np.arange(pairs, dtype=np.float64)
    second = 6 * covariance(k) - 4 * (covariance(k + m) + covariance(k - m)) + covariance(k + 2 * m)
    r = second + covariance(k - 2 * m)
    return float(pairs**2 / (pairs + 2.0 * np.sum((pairs - k[1:]) * (r[1:] / r[0]) ** 2)))


LASERS = {0: qcn.Oscillator(white=1.0), -1: qcn.Oscillator(flicker=1.0), -2: qcn.Oscillator(random_walk=1.0)}


def noise(exponent: int, samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Mean frequencies of white phase noise (1, standing for S_y ~ f^2) or of a laser."""
    if exponent == 1:
        return np.diff(rng.normal(size=samples + 1))
    return LASERS[exponent].frequencies(samples, 1.0, rng=rng)


@pytest.mark.parametrize("exponent", [1, 0, -1, -2])
def test_degrees_of_freedom(exponent: int) -> None:
    """The published formulas are within 13 % of the exact numbers, or below them where noise is bluer than white."""
    table = qcn.overlapping_adev(noise(exponent, 4096, np.random.default_rng(3)), 1.0, [1, 2, 3, 8, 64])
    assert table["spectrum_exponent"].tolist() == [exponent] * 5
    ratios = [row.edf / exact_edf(4096, int(row.tau_s), exponent) for row in table.itertuples()]
    if exponent == 1:
        assert ratios[:2] == approx([1.0, 1.0], rel=0.13)
        assert max(ratios) < 1.05
    else:
        assert ratios == approx([1.0] * 5, rel=0.13)
        assert ratios[0] == approx(1.0, rel=0.015)


def test_noise_is_told_where_enough_averages_are_whole() -> None:
    """Of 42 averages over 24 samples few have a neighbour if every 50th sample is missing; of those over 12 many."""
    rng = np.random.default_rng(12)
    for _ in range(20):
        y = noise(-2, 1024, rng)
        y[::50] = np.nan
        row = qcn.overlapping_adev(y, 1.0, [24]).iloc[0]
        assert row["pairs"] == 40
        assert row["spectrum_exponent"] < 0.0


def intervals(exponent: int, gaps: float) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    tables = []
    for _ in range(600):
        y = noise(exponent, 512, rng)
        y[rng.random(512) < gaps] = np.nan
        tables.append(qcn.overlapping_adev(y, 1.0))
    table = pd.concat(tables)
    return table[table["pairs"] > 0]


@pytest.mark.parametrize("gaps", [0.0, 0.01])
@pytest.mark.parametrize("exponent", [1, 0, -1, -2])
def test_coverage(exponent: int, gaps: float) -> None:
    """95 % intervals hold the true value in 95 % of the records, type of noise unknown.

    The bounds let 2 % pass for errors of the formulas and of the identification, and what holds fail once in 10^5.
    """
    table = intervals(exponent, gaps)
    tau = table["tau_s"].to_numpy()
    true = math.sqrt(3.0) / tau if exponent == 1 else LASERS[exponent].allan_deviation(tau)
    table["held"] = (table["sigma_y_low"] <= true) & (true <= table["sigma_y_high"])
    for _, times in table.groupby("tau_s"):
        if len(times) == 600:
            assert times["held"].sum() >= stats.binom.ppf(1e-5, 600, 0.93)
            if exponent != 1:
                assert times["held"].sum() <= stats.binom.ppf(1.0 - 1e-5, 600, 0.975)
    assert table.query("tau_s == 1")["spectrum_exponent"].mean() == approx(exponent, rel=0.02) or exponent == 0


def test_intervals_miss_on_both_sides() -> None:
    """Each side is missed by 2.5 %, up to errors of the formulas; white noise."""
    table = intervals(0, 0.0).query("tau_s <= 8")
    true = LASERS[0].allan_deviation(table["tau_s"].to_numpy())
    for missed in ((table["sigma_y_low"] > true).mean(), (table["sigma_y_high"] < true).mean()):
        assert 0.015 < missed < 0.035


BAD: dict[str, tuple[Callable[[], object], str]] = {
    "matrix": (lambda: qcn.overlapping_adev(np.ones((2, 3)), 1.0), r"one record .* array of shape \(2, 3\)"),
    "one sample": (lambda: qcn.overlapping_adev([1.0], 1.0), r"at least 2 frequencies, .* \(1,\)"),
    "infinite": (lambda: qcn.overlapping_adev([1.0, np.inf], 1.0), "infinite: mark missing samples by NaN"),
    "both infinite": (lambda: qcn.overlapping_adev([-np.inf, np.inf], 1.0), "must not be infinite"),
    "all missing": (lambda: qcn.overlapping_adev([np.nan, np.nan], 1.0), "only missing samples"),
    "rate": (lambda: qcn.overlapping_adev([1.0, 2.0], 0.0), r"rate must be finite and > 0 \(Hz\), got 0.0"),
    "word": (lambda: qcn.overlapping_adev([1.0, 2.0], 1.0, "many"), '"octave", "decade" or "all", got \'many\''),
    "no time": (lambda: qcn.overlapping_adev([1.0, 2.0], 1.0, []), "must be a list of averaging times"),
    "number": (lambda: qcn.overlapping_adev([1.0, 2.0], 1.0, 1.0), "must be a list of averaging times"),
    "fraction": (lambda: qcn.overlapping_adev(np.ones(9), 2.0, [0.7]), "multiples of 1/rate = 0.5 s, got 0.7 s"),
    "zero": (lambda: qcn.overlapping_adev(np.ones(9), 1.0, [0.0, 1.0]), "multiples of 1/rate = 1 s, got 0 s"),
    "nan": (lambda: qcn.overlapping_adev(np.ones(9), 1.0, [np.nan]), "multiples of 1/rate = 1 s, got nan s"),
    "falling": (lambda: qcn.overlapping_adev(np.ones(9), 1.0, [2.0, 1.0]), "must increase, got 1 s after 2 s"),
    "twice": (lambda: qcn.overlapping_adev(np.ones(9), 1.0, [2.0, 2.0]), "must increase, got 2 s after 2 s"),
    "too long": (
        lambda: qcn.overlapping_adev(np.ones(9), 2.0, [2.5]),
        "at most 2 s, half of the record of 9 samples, got 2.5 s",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_one_sentence(name: str) -> None:
    call, sentence = BAD[name]
    with pytest.raises(ValueError, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)
