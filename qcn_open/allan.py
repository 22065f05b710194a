r"""Overlapping Allan deviation of a record of frequencies, with confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qcn_open.validation import positive

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["overlapping_adev"]

# Blocks of samples from which the type of the noise is told: fewer don't.
_BLOCKS = 32
_CONFIDENCE = 0.95


def overlapping_adev(
    y: ArrayLike,
    rate: float,
    taus: Sequence[float] | NDArray[np.float64] | Literal["octave", "decade", "all"] = "octave",
) -> pd.DataFrame:
    r"""Overlapping Allan deviation of mean fractional frequencies, with 95 % confidence intervals.

    .. math:: \sigma_y^2(m\tau_0) = \frac1{2P}\sum_i\bigl(\bar y_{i+m} - \bar y_i\bigr)^2, \qquad
              \bar y_i = \frac1m\sum_{j=i}^{i+m-1}y_j

    over all P pairs of adjacent averages in which no sample is missing.

    The intervals are those of a chi-squared variable of `edf` equivalent degrees of freedom. They depend on the noise,
    which is told at each averaging time (at a shorter one that leaves 32 averages, where there are fewer) from the
    autocorrelation of successive averages: white, flicker or random-walk frequency noise, or bluer than white, which
    gets the wider of the intervals of white phase noise and white frequency noise. Noise redder than the random walk
    counts as that, and its intervals are too narrow. The noise is taken as Gaussian: no interval holds rare events that
    have not happened. Gaps lower the number of pairs; that those left are less alike than without gaps is not counted.

    Parameters
    ----------
    y : array_like
        Fractional frequency, averaged over each of successive intervals of 1/rate. NaN marks a missing sample.
    rate : float
        Samples a second, Hz.
    taus : array_like or "octave", "decade" or "all", optional
        Averaging times, s, increasing multiples of 1/rate up to half of the record; or 1, 2, 4, ..., or 1, 2, 4, 10,
        20, 40, 100, ..., or all multiples that fit.

    Returns
    -------
    pandas.DataFrame
        Columns `tau_s`, `sigma_y`, `sigma_y_low`, `sigma_y_high`; `pairs` P; `edf`; and `spectrum_exponent`, the
        exponent of :math:`S_y(f)` that the interval assumes: 1 (bluer than white), 0, -1 or -2. Deviations and edf are
        NaN where gaps leave no pair.

    Raises
    ------
    ValueError
        If y is not one-dimensional, has an infinite sample or less than two samples, the rate is not > 0, or an
        averaging time is no multiple of 1/rate, not greater than the one before or more than half of the record.

    References
    ----------
    .. [1] W. J. Riley, Handbook of Frequency Stability Analysis, NIST SP 1065 (2008): eq. (11), table 5 and sec. 5.5.6.

    Examples
    --------
    >>> table = overlapping_adev([1.0, 3.0, 2.0, 2.0], rate=0.5, taus=[2.0, 4.0])
    >>> table["sigma_y"].round(4).tolist()
    [0.9129, 0.0]
    """
    import pandas as pd
    from scipy.special import gammaincinv

    from qcn_open.kernels.allan import present, running_sums, square_sums

    samples = np.ascontiguousarray(y, dtype=np.float64)
    if samples.ndim != 1 or samples.size < 2:
        raise ValueError(f"y must be one record of at least 2 frequencies, got an array of shape {samples.shape}")
    frequency = positive("rate", rate, "Hz")
    number, mean = present(samples)
    if math.isnan(mean):
        what = "has only missing samples (NaN)" if number == 0 else "must not be infinite: mark missing samples by NaN"
        raise ValueError(f"y {what}")
    factors = _factors(taus, frequency, samples.size)
    phase, missing = running_sums(samples, mean)
    sums, pairs = square_sums(phase, missing, factors)
    exponents = _exponents(phase, missing, factors)
    edf = _degrees_of_freedom(pairs, factors, exponents)
    with np.errstate(invalid="ignore"):
        deviation = np.sqrt(sums / (2.0 * pairs)) / factors
    tail = 0.5 * (1.0 - _CONFIDENCE)
    low, high = (deviation * np.sqrt(0.5 * edf / gammaincinv(0.5 * edf, p)) for p in (1.0 - tail, tail))
    return pd.DataFrame(
        {
            "tau_s": factors / frequency,
            "sigma_y": deviation,
            "sigma_y_low": low,
            "sigma_y_high": high,
            "pairs": pairs,
            "edf": edf,
            "spectrum_exponent": exponents,
        }
    )


def _factors(taus: Sequence[float] | NDArray[np.float64] | str, rate: float, samples: int) -> NDArray[np.int64]:
    """Averaging times in samples."""
    most = samples // 2
    if isinstance(taus, str):
        if taus == "all":
            return np.arange(1, most + 1)
        if taus == "octave":
            return 2 ** np.arange(most.bit_length())
        if taus == "decade":
            factors = np.outer(10 ** np.arange(len(str(most))), [1, 2, 4]).ravel()
            return factors[factors <= most]
        raise ValueError(f'taus must be averaging times (s), "octave", "decade" or "all", got {taus!r}')
    times = np.asarray(taus, dtype=np.float64)
    if times.ndim != 1 or times.size == 0:
        raise ValueError(f"taus must be a list of averaging times (s), got an array of shape {times.shape}")
    multiples = times * rate
    for time, multiple in zip(times, multiples, strict=True):
        if not (0.5 < multiple < np.inf) or abs(multiple - round(multiple)) > 1e-9 * multiple:
            raise ValueError(f"taus must be multiples of 1/rate = {1.0 / rate:g} s, got {time:g} s")
    factors = np.rint(multiples).astype(np.int64)
    for before, after in pairwise(times):
        if after <= before:
            raise ValueError(f"taus must increase, got {after:g} s after {before:g} s")
    if factors[-1] > most:
        raise ValueError(
            f"taus must be at most {most / rate:g} s, half of the record of {samples} samples, got {times[-1]:g} s"
        )
    return factors


def _exponents(phase: NDArray[np.float64], missing: NDArray[np.int64], factors: NDArray[np.int64]) -> NDArray[np.int64]:
    r"""Exponent of :math:`S_y`, 1, 0, -1 or -2, at each averaging time.

    An autocorrelation r of averages means a spectrum :math:`f^{-2\delta}` with :math:`\delta = r/(1+r)`, as long as it
    is less than 1/3. Where it is not, that of their changes tells: -0.217 for flicker noise, 1/4 for the random walk.
    """
    from qcn_open.kernels.allan import autocorrelations

    told = np.minimum(factors, max(1, (phase.size - 1) // _BLOCKS))
    distinct, which = np.unique(told, return_inverse=True)
    found = np.empty(distinct.size, np.int64)
    for k, m in enumerate(distinct.tolist()):
        averages, changes, whole = autocorrelations(phase, missing, m)
        while whole < _BLOCKS and m > 1:
            m //= 2
            averages, changes, whole = autocorrelations(phase, missing, m)
        if averages < 1.0 / 3.0:
            found[k] = 1 if averages < -0.2 else 0
        else:
            found[k] = -1 if changes < 0.0 else -2
    return found[which]


def _degrees_of_freedom(
    pairs: NDArray[np.int64], factors: NDArray[np.int64], exponents: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Equivalent degrees of freedom (NIST SP 1065, table 5) of so many pairs, as if they followed one another."""
    m = factors.astype(np.float64)
    n = np.maximum(pairs + 2.0 * m, 4.0)
    white = (1.5 * (n - 1.0) / m - 2.0 * (n - 2.0) / n) * 4.0 * m**2 / (4.0 * m**2 + 5.0)
    blue = np.minimum(white, 0.5 * (n + 1.0) * (n - 2.0 * m) / (n - m))
    flicker = np.where(m == 1.0, 2.0 * (n - 2.0) ** 2 / (2.3 * n - 4.9), 1.25 * n**2 / (m * (n + 3.0 * m)))
    # The table is for samples of a random walk. Of its averages, neighbouring changes are correlated by 1/4.
    samples = (n - 2.0) / m * ((n - 1.0) ** 2 - 3.0 * m * (n - 1.0) + 4.0 * m**2) / (n - 3.0) ** 2
    walk = np.where(m == 1.0, pairs / 1.125, samples)
    edf = np.select([exponents == 1, exponents == 0, exponents == -1], [blue, white, flicker], walk)
    return np.where(pairs > 0, np.clip(edf, 1.0, np.maximum(pairs, 1)), np.nan)
