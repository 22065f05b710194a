r"""Mean square error of a phase over a prior: of a given readout, of the best measurement, and of the best probe.

The floors rest on one cost. For any prior p and state :math:`\rho_\varphi`, the largest mean cosine of the error that
a measurement with any estimates can have is a trace norm,

.. math:: S = \max E\cos(\hat\varphi - \varphi)
          = \Bigl\lVert\int p(\varphi)\,e^{i\varphi}\rho_\varphi\,d\varphi\Bigr\rVert_1

because estimates and effects enter as :math:`\int e^{-i\hat\varphi}E(d\hat\varphi)`, which is a contraction, and
may be any unitary. The square of an angle is a convex function of its cosine, so :math:`\arccos S` is a floor under the
RMS of the wrapped error, tight where that is small.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from qcn_open.cascade import Cascade
from qcn_open.estimators import Joint
from qcn_open.preparation import Perfect
from qcn_open.priors import FlatPrior, GaussianPrior, Prior
from qcn_open.validation import count

__all__ = [
    "CovariantErrors",
    "common_squares",
    "covariant_errors",
    "error_over_cycles",
    "expected_error",
    "optimal_measurement",
    "personick",
    "ultimate",
]

_MAX_DIMENSION = 1500
_MAX_WORK = 3e10
_MAX_ATOMS = 200
_MAX_TURNS = 300


def expected_error(cascade: Cascade, trials: int, rng: np.random.Generator) -> tuple[float, float]:
    r"""Root mean square of the wrapped error of the mean direction of the posterior, and its standard error.

    .. math:: \Delta^2 = \sum_o \int p(\varphi)p(o|\varphi)\,d\varphi\;
              \langle[\varphi - \arg\langle e^{i\varphi}\rangle_o]^2\rangle_o

    The inner average, over the posterior, is taken on a grid; outcomes o are drawn with weights such that
    those which mistake a fringe for its neighbour, however rare, come up often.

    Parameters
    ----------
    cascade : Cascade
        With the estimator `Joint`.
    trials : int
        Outcomes to be drawn; 10^4 give the error to about 0.5 %.
    rng : numpy.random.Generator
        Source of the outcomes.

    Returns
    -------
    rms, standard_error : float
        rad.

    Raises
    ------
    ValueError
        If the estimator is not Joint.

    Examples
    --------
    >>> rms, error = expected_error(Cascade(copies=(1,)), 100, np.random.default_rng(1))
    >>> round(rms**2, 6), round(math.pi**2 / 3 - 2.0, 6)
    (1.289868, 1.289868)
    """
    squares, parts = _squares(cascade, count("expected_error trials", trials), rng, 1)
    drawn = np.bincount(parts)
    square = squares.mean()
    spread = sum(drawn[p] * squares[parts == p].var() for p in np.flatnonzero(drawn)) / len(squares) ** 2
    return math.sqrt(square), math.sqrt(spread / square) / 2.0


def common_squares(cascade: Cascade, trials: int, seed: int) -> NDArray[np.float64]:
    """Trials whose mean is the square of `expected_error`, rad^2, each with random numbers of its own.

    In equal trials similar cascades meet the same phases and the same luck, so that their errors differ by little more
    than what the cascades do.

    Parameters
    ----------
    cascade : Cascade
        With the estimator `Joint`.
    trials : int
        Outcomes to be drawn.
    seed : int
        Seed, the same for all that are to be compared.

    Raises
    ------
    ValueError
        If the estimator is not Joint.

    Examples
    --------
    >>> better, worse = (common_squares(Cascade((9,), coherence=c), 1000, 1) for c in (0.91, 0.9))
    >>> float((worse - better).mean() / (worse - better).std() * math.sqrt(1000)) > 3.0
    True
    """
    return _squares(cascade, count("common_squares trials", trials), np.random.default_rng(seed), trials)[0]


def _squares(
    cascade: Cascade, trials: int, rng: np.random.Generator, states: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Weighted mean squares of trials (rad^2), and the part of the mixture that each was drawn from."""
    from qcn_open.kernels.posterior import expected_squares

    if not isinstance(cascade.estimator, Joint):
        raise ValueError(f"expected_error needs the estimator Joint(), got {cascade.estimator!r}")
    tables = cascade.tables()
    sizes = tables.levels["size"]
    spacings = 2.0 * np.pi / sizes[sizes > 1]
    shifts = np.concatenate([[0.0], spacings, -spacings])
    # Every other trial is drawn from the true distribution, the rest from the others in turn.
    number = np.arange(trials)
    parts = np.where(number % 2 == 1, 1 + number // 2 % max(1, len(shifts) - 1), 0)
    parts[parts >= len(shifts)] = 0
    drawn = np.bincount(parts, minlength=len(shifts))
    phases = cascade.prior.sample(trials, rng)
    seeds = rng.integers(0, 2**64, (states, 4), np.uint64)
    return expected_squares(seeds, tables, phases, parts, drawn / trials, shifts), parts


def error_over_cycles(cascade: Cascade, trials: int, rng: np.random.Generator) -> tuple[float, float]:
    r"""RMS error (rad) a cycle of a record that is averaged over many cycles, and its standard error.

    A prior that is the loop's own prediction, of variance v, makes a single estimate err less, by shrinking it. The
    loop takes that back: it brings the estimates themselves to zero, and what is left over many cycles is white with

    .. math:: \frac{\langle e^2\rangle}{1 - \langle e^2\rangle/v} .

    Parameters
    ----------
    cascade : Cascade
        Estimated jointly, under a Gaussian prior.
    trials : int
        Outcomes drawn for `expected_error`.
    rng : numpy.random.Generator
        Source of randomness.

    Raises
    ------
    ValueError
        If the estimator is not Joint, or the prior not Gaussian.

    Examples
    --------
    >>> cascade = Cascade(uncorrelated=10, prior=GaussianPrior(0.01))
    >>> single, _ = expected_error(cascade, 1000, np.random.default_rng(1))
    >>> many, _ = error_over_cycles(cascade, 1000, np.random.default_rng(1))
    >>> round(single, 2), round(many, 2)
    (0.1, 0.32)
    """
    if not isinstance(cascade.prior, GaussianPrior):
        raise ValueError(f"error_over_cycles needs a Gaussian prior, what a loop predicts, got {cascade.prior!r}")
    rms, error = expected_error(cascade, trials, rng)
    kept = 1.0 - rms**2 / cascade.prior.variance
    return rms / math.sqrt(kept), error / kept**1.5


def ultimate(atoms: int, prior: Prior) -> float:
    r"""Floor (rad) under the RMS of the wrapped error with any probe of N atoms and any measurement.

    For a flat prior :math:`\pi/(N+2)`, of a probe with the amplitudes :math:`\sin[\pi(m+1)/(N+2)]` of m excited atoms,
    the Holevo variance of which is :math:`\tan^2[\pi/(N+2)]`. Else by turns the best measurement for the probe and
    the best probe for the measurement. S is concave in the distribution of m, so that its derivatives certify the
    floor; it is returned when the probe reaches it to 10^-4, or after 300 turns, where it may be 1 % too low.

    Parameters
    ----------
    atoms : int
        N.
    prior : Prior
        What is known of the phase before.

    Returns
    -------
    float
        rad.

    Raises
    ------
    ValueError
        If there are too many atoms for a prior that is not flat.

    Notes
    -----
    D. W. Berry, H. M. Wiseman, PRL 85, 5098 (2000); K. Macieszczak et al., New J. Phys. 16, 113002 (2014).

    Examples
    --------
    >>> from qcn_open import FlatPrior
    >>> round(ultimate(10, FlatPrior()) * 12 / math.pi, 9)
    1.0
    """
    atoms = count("ultimate atoms", atoms)
    if isinstance(prior, FlatPrior):
        return math.pi / (atoms + 2)
    if atoms > _MAX_ATOMS:
        raise ValueError(f"the best probe for a prior that is not flat is limited to {_MAX_ATOMS} atoms, got {atoms}")
    order = np.subtract.outer(np.arange(atoms + 1), np.arange(atoms + 1)) + 1
    characteristic = _characteristic(prior, order)
    probe = np.sin(np.pi * np.arange(1, atoms + 2) / (atoms + 2))
    floor = 0.0
    for _ in range(_MAX_TURNS):
        # Amplitudes that vanish would leave nothing of their gradient.
        probe = np.maximum(probe / np.linalg.norm(probe), 1e-6)
        probe /= np.linalg.norm(probe)
        left, values, right = np.linalg.svd(characteristic * np.outer(probe, probe))
        measured = characteristic * (left @ right)
        measured = 0.5 * (measured + measured.T)
        # Of a concave function no value is above a tangent: here its largest derivative with respect to p_m.
        floor = max(floor, math.acos(min(float((measured @ probe / probe).max()), 1.0)))
        if floor > (1.0 - 1e-4) * math.acos(min(float(values.sum()), 1.0)):
            break
        probe = np.abs(np.linalg.eigh(measured)[1][:, -1])
    return floor


def optimal_measurement(cascade: Cascade) -> float:
    r"""Floor (rad) under the RMS of the wrapped error with any measurement of the blocks of a cascade together.

    Lost atoms are seen and nothing is misread, whatever its readout: it knows of the cascade the blocks, coherence,
    survival and prior. Without decoherence the blocks have a distribution :math:`p_m` of the number m of excited atoms,
    and for a flat prior :math:`S = \sum_m\sqrt{p_mp_{m+1}}`.

    Parameters
    ----------
    cascade : Cascade
        Its readout and estimator don't matter.

    Returns
    -------
    float
        rad.

    Raises
    ------
    ValueError
        If the joint state of the blocks is too large.

    Examples
    --------
    >>> round(optimal_measurement(Cascade((4, 4, 4, 4, 4))) * 124 / math.pi, 4)
    1.0899
    """
    if _pure(cascade) and isinstance(cascade.prior, FlatPrior):
        amplitudes = np.sqrt(_excitations(cascade))
        sharpness = float(amplitudes[1:] @ amplitudes[:-1])
    else:
        sharpness = 0.0
        for state, charge in _sectors(cascade):
            order = np.subtract.outer(charge, charge) + 1
            averaged = state * _characteristic(cascade.prior, order)
            sharpness += float(np.linalg.svd(averaged, compute_uv=False).sum())
    return math.acos(min(sharpness, 1.0))


def personick(cascade: Cascade) -> float:
    r"""Smallest RMS error (rad), on the line, with any measurement of the blocks together: Bayes with a Gaussian prior.

    .. math:: \Delta^2 = \sigma^2 - \mathrm{Tr}\,\bar\rho L^2, \qquad
              \tfrac12(L\bar\rho + \bar\rho L) = \int\varphi\,p(\varphi)\rho_\varphi\,d\varphi, \qquad
              \bar\rho = \int p(\varphi)\rho_\varphi\,d\varphi

    The error is not wrapped: of a prior that reaches beyond half a turn, windings count in full.

    Parameters
    ----------
    cascade : Cascade
        With a `GaussianPrior`; as for `optimal_measurement`.

    Returns
    -------
    float
        rad.

    Raises
    ------
    ValueError
        If the prior is not Gaussian, or the joint state of the blocks is too large.

    Notes
    -----
    S. D. Personick, IEEE Trans. Inf. Theory 17, 240 (1971).

    Examples
    --------
    >>> from qcn_open import GaussianPrior
    >>> one = Cascade((1,), prior=GaussianPrior(0.25))
    >>> round(personick(one) ** 2, 9), round(0.25 - 0.25**2 * math.exp(-0.25), 9)
    (0.20132495, 0.20132495)
    """
    if not isinstance(cascade.prior, GaussianPrior):
        raise ValueError(f"personick needs a GaussianPrior, got {cascade.prior!r}; use optimal_measurement")
    variance = cascade.prior.variance
    known = 0.0
    for state, charge in _sectors(cascade):
        order = np.subtract.outer(charge, charge)
        averaged = state * np.exp(-0.5 * variance * order**2)
        # The first moment is i times an antisymmetric matrix.
        moment = variance * order * averaged
        weights, vectors = np.linalg.eigh(averaged)
        total = np.add.outer(weights, weights)
        rotated = vectors.T @ moment @ vectors
        kept = total > 1e-14 * weights[-1]
        known += float((2.0 * rotated[kept] ** 2 / total[kept]).sum())
    return math.sqrt(variance - known)


@dataclass(frozen=True)
class CovariantErrors:
    r"""Errors of the covariant measurement of a pure probe under a flat prior, by three costs.

    All are about the distribution :math:`|\sum_m\sqrt{p_m}e^{im\theta}|^2/2\pi` of the error, with
    :math:`S = E\cos\theta`; no measurement has a larger S.

    Attributes
    ----------
    wrapped : float
        Root mean square of the error wrapped to half a turn, rad.
    cosine : float
        :math:`\sqrt{2 - 2S}`.
    holevo : float
        Root of the Holevo variance, :math:`\sqrt{1/S^2 - 1}`.
    """

    wrapped: float
    cosine: float
    holevo: float


def covariant_errors(cascade: Cascade) -> CovariantErrors:
    r"""Errors of the best covariant measurement of the blocks of a cascade together, under a flat prior.

    The square of the wrapped error is :math:`\pi^2/3 + 4\sum_k(-1)^k\cos(k\theta)/k^2`, and
    :math:`E\cos k\theta = \sum_m\sqrt{p_mp_{m+k}}`.

    Parameters
    ----------
    cascade : Cascade
        Without decoherence, and with a flat prior.

    Returns
    -------
    CovariantErrors
        wrapped, cosine, holevo.

    Raises
    ------
    ValueError
        If the atoms decohere or are lost, or the prior is not flat.

    Examples
    --------
    >>> round(covariant_errors(Cascade((1,))).wrapped ** 2, 6), round(math.pi**2 / 3 - 2, 6)
    (1.289868, 1.289868)
    """
    if not (_pure(cascade) and isinstance(cascade.prior, FlatPrior)):
        raise ValueError(
            "covariant_errors needs a cascade without decoherence and a flat prior; use optimal_measurement"
        )
    from scipy.signal import correlate

    amplitudes = np.sqrt(_excitations(cascade))
    means = correlate(amplitudes, amplitudes)[len(amplitudes) :]
    orders = np.arange(1, len(means) + 1)
    square = math.pi**2 / 3 + float((4.0 * (-1.0) ** orders / orders**2 * means).sum())
    sharpness = float(means[0])
    return CovariantErrors(math.sqrt(square), math.sqrt(2.0 - 2.0 * sharpness), math.sqrt(1.0 / sharpness**2 - 1.0))


def _pure(cascade: Cascade) -> bool:
    return cascade.coherence == cascade.survival == 1.0 and cascade.preparation == Perfect()


def _characteristic(prior: Prior, order: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean of exp(i order phase) over a prior that is even about the predicted phase."""
    if isinstance(prior, FlatPrior):
        return np.asarray(order == 0, dtype=float)
    if isinstance(prior, GaussianPrior):
        return np.asarray(np.exp(-0.5 * prior.variance * order.astype(float) ** 2))
    raise TypeError(f"the floors know FlatPrior() and GaussianPrior(variance), got {prior!r}")


def _excitations(cascade: Cascade) -> NDArray[np.float64]:
    """Distribution of the number of excited atoms of all blocks."""
    from scipy.stats import binom

    total = np.ones(1)
    for level in cascade.levels:
        copies = int(level.copies.sum())
        spread = np.zeros(copies * level.size + 1)
        spread[:: level.size] = binom.pmf(np.arange(copies + 1), copies, 0.5)
        total = np.convolve(total, spread)
    return np.asarray(total)


def _sectors(cascade: Cascade) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Blocks on the diagonal of the joint state at phase 0, and the excited atoms of their basis up to a constant.

    Equal blocks are spins 1/2, whose total spin labels the sectors.
    """
    if _pure(cascade):
        weights = _excitations(cascade)
        charge = np.flatnonzero(weights > 0.0)
        if len(charge) > _MAX_DIMENSION:
            raise ValueError(
                f"the joint state of these blocks has {len(charge)} dimensions, limited to {_MAX_DIMENSION}: "
                "take fewer atoms"
            )
        yield np.sqrt(np.outer(weights[charge], weights[charge])), charge
        return
    levels = [list(_spins(cascade, level.size, int(level.copies.sum()))) for level in cascade.levels]
    largest = math.prod(max(len(charge) for _, charge in sectors) for sectors in levels)
    work = math.prod(sum(len(charge) ** 3 for _, charge in sectors) for sectors in levels)
    if largest > _MAX_DIMENSION or work > _MAX_WORK:
        raise ValueError(
            f"the joint state of these decohered blocks has sectors of {largest} dimensions, limited to "
            f"{_MAX_DIMENSION}, and takes {work:.1g} operations, limited to {_MAX_WORK:.0g}: take fewer copies"
        )
    for sectors in product(*levels):
        state, total = sectors[0]
        for matrix, charge in sectors[1:]:
            state, total = np.asarray(np.kron(state, matrix)), np.add.outer(total, charge).ravel()
        yield state, total


def _spins(cascade: Cascade, size: int, copies: int) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """State of equal blocks of contrast V in the sector of every spin j, copies of the sector added, and its charges.

    With a = (1 + V)/2, b = (1 - V)/2 it is (ab)^(k/2 - j) a^(j + J_x) b^(j - J_x) for the k blocks that are not lost.
    """
    from scipy.special import comb
    from scipy.stats import binom

    contrast = cascade.coherence**size * cascade.preparation.contrast(size)
    more, less = 0.5 * (1.0 + contrast), 0.5 * (1.0 - contrast)
    for twice in range(copies + 1):
        weight = 0.0
        for present in range(twice, copies + 1, 2):
            singlets = (present - twice) // 2
            multiplicity = comb(present, singlets) - (comb(present, singlets - 1) if singlets > 0 else 0.0)
            chance = float(binom.pmf(present, copies, cascade.survival**size))
            weight += chance * float(multiplicity) * (more * less) ** singlets
        if weight == 0.0:
            continue
        number = np.arange(1, twice + 1)
        ladder = 0.5 * np.sqrt(number * (twice + 1.0 - number))
        _, vectors = np.linalg.eigh(np.diag(ladder, 1) + np.diag(ladder, -1))
        populations = more ** np.arange(twice + 1) * less ** np.arange(twice, -1, -1)
        yield weight * (vectors * populations) @ vectors.T, size * np.arange(twice + 1)
