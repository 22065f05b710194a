r"""What a cascade costs in errors: the budget as the paper draws it, and exact ones that sample nothing.

A level of n-atom blocks reads :math:`\theta_j = n_j\Phi`, known only modulo :math:`2\pi`, with the error
:math:`\delta_j`. The level before it, :math:`r = n_j/n_{j-1}` times coarser, says which of the
:math:`2\pi/n_j`-spaced candidates is meant, and is wrong by :math:`e_j = \mathrm{round}[(r\delta_{j-1} -
\delta_j)/2\pi]` of them, a *rounding error*:

.. math:: \hat\Phi - \Phi = \frac{\delta_{M-1}}{n_{M-1}} + \sum_j \frac{2\pi e_j}{n_j}.

At a given :math:`\Phi` the levels are independent and their outcomes are counts with binomial probabilities, so the
distribution of the error follows level by level from the one before. The paper takes :math:`\delta_j` for Gaussian,
which parities are not: telling :math:`\theta` from :math:`\theta + \pi` has the Chernoff rate (ln 2)/2 a copy with two
quadratures and ln 2 with equally spaced angles, where the Gaussian has :math:`\pi^2/8`.

Ensembles that track windings are the same thing in time: r errors of the shorter Ramsey time add up to one of the next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qcn_open.bayes import expected_error
from qcn_open.cascade import Cascade
from qcn_open.estimators import Arctan2, Bitwise
from qcn_open.priors import FlatPrior, GaussianPrior, Prior
from qcn_open.readouts.fringes import DualQuadrature, Fringes, MultiAngle
from qcn_open.validation import closed_interval, count, nonnegative, positive

__all__ = [
    "BitwiseError",
    "Budget",
    "Confusion",
    "Windings",
    "bitwise_error",
    "confusion",
    "exact_dual",
    "exact_multiangle",
    "gaussian_slip",
    "paper_gaussian",
    "rms_error",
    "windings",
]

Real = NDArray[np.float64]

_TURN = 2.0 * math.pi
# Directions closer than this are one, and a rounding that near to a tie goes either way.
_TIE = 1e-9
# Outcomes of a level that are enumerated one by one; beyond them the signs are summed on a lattice.
_MOST_OUTCOMES = 2 * 10**5
_MOST_ANGLES = 13
# Phases at which an average over the prior is taken: a prime, so that all levels run through all phases.
_PHASES = 257
_POSTERIOR_TRIALS = 10_000
# Chances that are held at a time.
_MOST_CHANCES = 10**6


# --- The outcomes of one level ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Level:
    """Equal blocks, read as + or - with (1 + D +- V cos(theta - angle))/2 each, if read at all."""

    size: int
    copies: int
    readout: Fringes
    contrast: float
    dark: float
    present: float

    def outcomes(self, theta: float) -> tuple[Real, Real, float]:
        """Errors of the phase of the level in ascending order (rad), their probabilities, and that of no phase."""
        angles, trials = _channels(self.readout, self.copies)
        if _enumerable(trials, self.present):
            phases, cell, lost = _directions(angles, trials, self.present < 1.0, self.dark)
            chances: Real = np.ones(1)
            for angle, number in zip(angles, trials, strict=True):
                plus = 0.5 * (1.0 + self.dark + self.contrast * math.cos(theta - angle))
                chances = np.multiply.outer(chances, _multinomial(number, plus, self.present)).ravel()
            chances = np.bincount(cell, weights=chances, minlength=len(phases) + 1).astype(float)
            unknown = float(chances[-1]) if lost else 0.0
            errors, chances = _wrapped(phases - theta), chances[: len(phases)]
        else:
            if self.present < 1.0 or self.dark > 0.0:
                raise ValueError(
                    f"exact rounding errors of {self.copies} copies at {len(angles)} angles can't count blocks that "
                    "lost an atom; read it as a random sign, take DualQuadrature, or the estimator Joint()"
                )
            errors, chances = _lattice(self.readout, self.copies, self.contrast)
            unknown = 0.0
        kept = chances > 0.0
        errors, chances = errors[kept], chances[kept]
        order = np.argsort(errors)
        return errors[order], chances[order], unknown

    def density(self, bins: int, prior: Prior) -> tuple[Real, Real, Real]:
        """Centres of `bins` cells of the circle, chances of the error, and chances that theta is there but not read."""
        angles, trials = _channels(self.readout, self.copies)
        grid = _TURN * ((np.arange(bins) + 0.5) / bins - 0.5)
        density, lost = np.zeros(bins), np.zeros(bins)
        if len(trials) > 2 or self.present < 1.0:
            # With several angles the error hardly depends on theta: a few within one of their spacings do.
            thetas = math.pi / len(angles) * (np.arange(4) + 0.25) / 4.0
            for theta in thetas if _enumerable(trials, self.present) else thetas[:1]:
                errors, chances, unknown = self.outcomes(theta)
                place = np.floor((errors / _TURN + 0.5) * bins).astype(int) % bins
                density += np.bincount(place, weights=chances, minlength=bins)
                lost += unknown / bins
            total = density.sum() + lost.sum()
            return grid, density / total, lost / total
        phases, cell, _ = _directions(angles, trials, False, self.dark)
        numbers = np.indices([number + 1 for number in trials]).reshape(len(trials), -1)
        for outcome, place in zip(numbers.T, cell, strict=True):
            known = place < len(phases)
            theta = phases[place] - grid if known else grid
            chance = np.exp(prior.log_density(_wrapped(theta))) * _TURN / bins
            for angle, number, plus in zip(angles, trials, outcome, strict=True):
                fringe = 0.5 * (1.0 + self.dark + self.contrast * np.cos(theta - angle))
                chance *= math.comb(number, plus) * fringe**plus * (1.0 - fringe) ** (number - plus)
            (density if known else lost)[:] += chance
        return grid, density, lost


def _levels(cascade: Cascade) -> list[_Level]:
    """The levels of a cascade, from single atoms to the largest blocks."""
    readout = cascade.readout
    return [
        _level(size, copies, readout, cascade.coherence, cascade.survival, cascade.preparation.contrast(size))
        for size, copies in cascade.blocks
    ]


def _level(
    size: int, copies: int, readout: Fringes, coherence: float, survival: float, prepared: float = 1.0
) -> _Level:
    kept, read = survival**size, (1.0 - 2.0 * readout.detection_error) ** size
    seen = readout.loss == "seen"
    contrast = prepared * read * coherence**size * (1.0 if seen else kept)
    dark = read * (1.0 - survival) ** size if readout.loss == "dark" else 0.0
    return _Level(size, copies, readout, contrast, dark, kept if seen else 1.0)


def _wrapped(phase: Real) -> Real:
    return np.asarray(phase - _TURN * np.ceil(phase / _TURN - 0.5))


@lru_cache(maxsize=512)
def _channels(readout: Fringes, copies: int) -> tuple[tuple[float, ...], tuple[int, ...]]:
    angles, trials = np.unique(readout.angles(copies), return_counts=True)
    return tuple(angles.tolist()), tuple(trials.tolist())


def _enumerable(trials: tuple[int, ...], present: float) -> bool:
    number = math.prod(n + 1 if present == 1.0 else (n + 1) * (n + 2) // 2 for n in trials)
    return number <= (_MOST_OUTCOMES if len(trials) <= 2 else 2**_MOST_ANGLES)


@lru_cache(maxsize=4096)
def _coefficients(number: int, seen: bool) -> tuple[Real, Real, Real]:
    """Numbers of + and of -, and the logarithm of the multinomial coefficient."""
    from scipy.special import gammaln

    plus = np.arange(number + 1.0)
    minus = number - plus
    if seen:
        plus, minus = (part.ravel().astype(float) for part in np.indices((number + 1, number + 1)))
        plus, minus = plus[plus + minus <= number], minus[plus + minus <= number]
    rest = number - plus - minus
    return plus, minus, gammaln(number + 1) - gammaln(plus + 1) - gammaln(minus + 1) - gammaln(rest + 1)


def _multinomial(number: int, plus: float | Real, present: float) -> Real:
    """Probabilities of the numbers of + and - of so many blocks, along the last axis."""
    from scipy.special import xlogy

    up, down, logs = _coefficients(number, present < 1.0)
    plus = np.clip(plus, 0.0, 1.0)
    rest = number - up - down
    logs = logs + xlogy(up, present * plus) + xlogy(down, present * (1.0 - plus)) + xlogy(rest, 1.0 - present)
    return np.asarray(np.exp(logs))


@lru_cache(maxsize=512)
def _directions(
    angles: tuple[float, ...], trials: tuple[int, ...], seen: bool, dark: float
) -> tuple[Real, NDArray[np.int64], bool]:
    """Distinct phases of a level, the one of every outcome, and whether some have none (they come last).

    The phase is that of the fringe x cos(angle) + y sin(angle) with the least squared distance to the signs.
    """
    parts = [_coefficients(number, seen)[:2] for number in trials]
    index = np.indices([len(plus) for plus, _ in parts]).reshape(len(parts), -1)
    plus = np.array([part[0][i] for part, i in zip(parts, index, strict=True)])
    minus = np.array([part[1][i] for part, i in zip(parts, index, strict=True)])
    read, signs = plus + minus, plus - minus - dark * (plus + minus)
    c, s = np.cos(angles)[:, None], np.sin(angles)[:, None]
    cc, cs, ss = (read * c * c).sum(0), (read * c * s).sum(0), (read * s * s).sum(0)
    along, across = (signs * c).sum(0), (signs * s).sum(0)
    determinant = cc * ss - cs * cs
    total = read.sum(0)
    # One angle only fixes no fringe: what remains is the side of it.
    full = determinant > _TIE * total**2
    scale = np.maximum(total, 1.0)
    x = np.where(full, (ss * along - cs * across) / scale, along)
    y = np.where(full, (cc * across - cs * along) / scale, across)
    unknown = np.hypot(x, y) <= _TIE * total
    rounded = np.round(np.arctan2(y, x) / _TIE)
    # +pi and -pi are one direction.
    rounded[np.abs(np.abs(rounded) * _TIE - math.pi) < 2.0 * _TIE] = round(math.pi / _TIE)
    distinct, cell = np.unique(rounded[~unknown], return_inverse=True)
    cells = np.full(len(unknown), len(distinct))
    cells[~unknown] = cell
    return distinct * _TIE, cells, bool(unknown.any())


@lru_cache(maxsize=64)
def _lattice(readout: Fringes, copies: int, contrast: float) -> tuple[Real, Real]:
    r"""Errors of the phase of many copies at different angles (rad) and their probabilities.

    The vector :math:`\sum_k s_k(\cos\alpha_k, \sin\alpha_k)` of the signs is a walk on a square lattice, of which the
    probabilities are added without a subtraction: the tails are as accurate as the middle. With so many angles over
    half a turn the error hardly depends on the phase.
    """
    angles = readout.angles(copies)
    # Of the variance of a sign, 3/8, the rounding to the lattice adds step^2/12.
    step = 1.0 / 16.0 if copies <= 64 else 1.0 / 8.0 if copies <= 128 else 1.0 / 4.0
    theta = 0.25 * math.pi / copies
    paths = np.cumsum([np.cos(angles), np.sin(angles)], axis=1) / step
    # The roundings of one angle are made up for by the next.
    moves = np.diff(np.rint(paths), axis=1, prepend=0.0).astype(int).T
    walk = np.ones((1, 1))
    for move, plus in zip(moves, 0.5 * (1.0 + contrast * np.cos(theta - angles)), strict=True):
        moved = np.zeros(walk.shape + np.abs(move))
        for shift, chance in ((np.maximum(move, 0), plus), (np.maximum(-move, 0), 1.0 - plus)):
            moved[shift[0] : shift[0] + walk.shape[0], shift[1] : shift[1] + walk.shape[1]] += chance * walk
        walk = moved
    # The first cell is where every sign has moved down or left.
    x, y = (2.0 * np.arange(n) - (n - 1.0) for n in walk.shape)
    errors = _wrapped(np.arctan2(y[None, :], x[:, None]) - theta).ravel()
    bins = 4096
    cell = ((errors / _TURN + 0.5) * bins).astype(int) % bins
    return _TURN * ((np.arange(bins) + 0.5) / bins - 0.5), np.bincount(
        cell, weights=walk.ravel(), minlength=bins
    ).astype(float)


# --- Level by level --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BitwiseError:
    """What a cascade read level by level gets wrong.

    Attributes
    ----------
    rms : float
        Root mean square of the wrapped error, rad.
    rounding : tuple of float
        For every level, in the order of the levels, the probability that it is unwrapped to a wrong candidate.
    """

    rms: float
    rounding: tuple[float, ...]


def bitwise_error(cascade: Cascade) -> BitwiseError:
    r"""Exact error of a cascade that is read level by level, averaged over its prior.

    The distribution of the error of one level, given the phase, follows from that of the level before and its own
    counts; nothing is sampled.

    Parameters
    ----------
    cascade : Cascade
        Its estimator is taken to be `Bitwise`.

    Returns
    -------
    BitwiseError
        RMS error and rounding probabilities.

    Raises
    ------
    ValueError
        If there are many copies at different angles and loss that is seen.

    Examples
    --------
    >>> from qcn_open import Bitwise, DualQuadrature
    >>> error = bitwise_error(Cascade((12,) * 6, readout=DualQuadrature(), estimator=Bitwise()))
    >>> round(error.rms, 4)
    0.1019
    """
    levels = _levels(cascade)
    square, rounding = 0.0, np.zeros(len(levels))
    for phase, weight in zip(*_phases(cascade.prior), strict=True):
        errors, chances, wrong = _chain(levels, float(phase))
        square += weight * float((chances * errors**2).sum())
        rounding += weight * wrong
    return BitwiseError(math.sqrt(square), tuple(rounding.tolist()))


def _phases(prior: Prior) -> tuple[Real, Real]:
    """Phases (rad) and weights of an average over the prior."""
    half = math.pi
    if isinstance(prior, GaussianPrior):
        half = min(half, 8.0 * math.sqrt(prior.variance))
    phases = half * (2.0 * np.arange(_PHASES) + 1.0 - _PHASES) / _PHASES
    # Off the symmetric points, where counts tie more often than anywhere else.
    phases += half / _PHASES * (math.sqrt(5.0) - 2.0)
    weights = np.exp(prior.log_density(_wrapped(phases)))
    return phases, weights / weights.sum()


def _chain(levels: Sequence[_Level], phase: float) -> tuple[Real, Real, Real]:
    """Wrapped errors of the phase of one atom (rad), their probabilities, and every level's chance to round wrongly."""
    size = levels[0].size
    # Nothing known yet: the prediction 0, which is wrong by minus the phase.
    errors, weights = np.array([-phase * size]), np.zeros((1, size))
    weights[0, 0] = 1.0
    wrong = np.zeros(len(levels))
    before = size
    for number, level in enumerate(levels):
        ratio = level.size // before
        errors, weights, wrong[number] = _unwrap(errors, weights, ratio, level, level.size * phase)
        before = level.size
    if size == 1:
        wrong[0] = 0.0  # a whole turn of one atom is no error
    turns = np.arange(before)
    total = _wrapped((errors[:, None] + _TURN * turns) / before)
    return total.ravel(), weights.ravel(), wrong


def _unwrap(errors: Real, weights: Real, ratio: int, level: _Level, theta: float) -> tuple[Real, Real, float]:
    """Errors (rad) of the next level, the weights of them and of its whole turns, and the chance of a wrong one.

    weights[i, w] belongs to errors[i] + 2 pi w of the level before, turns being counted modulo the size.
    """
    order = np.argsort(errors)
    known, chances, unknown = level.outcomes(theta)
    scaled = ratio * errors[order]
    below = np.concatenate([np.zeros((1, weights.shape[1])), np.cumsum(weights[order], axis=0)])
    size = weights.shape[1] * ratio

    def mass_below(edge: Real) -> Real:
        return np.asarray(
            0.5 * (below[np.searchsorted(scaled, edge - _TIE)] + below[np.searchsorted(scaled, edge + _TIE)])
        )

    lowest = math.floor((scaled[0] - known[-1]) / _TURN)
    highest = math.ceil((scaled[-1] - known[0]) / _TURN)
    new = np.zeros((len(known), size))
    turns = ratio * np.arange(weights.shape[1])
    wrong = 0.0
    lower = mass_below(known + (2 * lowest - 1) * math.pi)
    for shift in range(lowest, highest + 1):
        upper = mass_below(known + (2 * shift + 1) * math.pi)
        mass = chances[:, None] * (upper - lower)
        new[:, (turns + shift) % size] += mass
        wrong += float(mass.sum()) if shift != 0 else 0.0
        lower = upper
    if unknown > 0.0:
        kept = np.zeros((len(scaled), size))
        kept[:, turns % size] = unknown * weights[order]
        known, new = np.concatenate([known, scaled]), np.concatenate([new, kept])
    return known, new, wrong


def rms_error(cascade: Cascade) -> float:
    r"""Root mean square of the wrapped error of a cascade, rad: the number all allocations are judged by.

    Exact for `Bitwise` by arctan2; for `Joint` the expected variance of the posterior over outcomes that are drawn with
    a seed of their own, so that it is a function of the cascade.

    Parameters
    ----------
    cascade : Cascade
        The cascade.

    Returns
    -------
    float
        rad.

    Raises
    ------
    ValueError
        As for `bitwise_error`.

    Examples
    --------
    >>> from qcn_open import Bitwise
    >>> round(rms_error(Cascade((16, 13, 9, 7, 4), estimator=Bitwise())), 3)
    0.062
    """
    if isinstance(cascade.estimator, Bitwise):
        if not isinstance(cascade.estimator.phase, Arctan2):
            raise ValueError(
                f"rms_error knows {cascade.estimator!r} by sampling only: call cascade.rms_error(trials, rng)"
            )
        return bitwise_error(cascade).rms
    return expected_error(cascade, _POSTERIOR_TRIALS, np.random.default_rng(0))[0]


# --- Named budgets ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Budget:
    """An allocation of atoms to a cascade that is read level by level, and its error.

    Attributes
    ----------
    uncorrelated : float
        Uncorrelated atoms.
    copies : tuple of float
        Copies of each level; a whole number unless the budget is one of real numbers.
    largest_block : float
        Atoms of the largest block.
    rms_error : float
        Of the phase of one atom, rad.
    rounding : tuple of float
        Probability that each level of blocks is unwrapped wrongly.
    """

    uncorrelated: float
    copies: tuple[float, ...]
    largest_block: float
    rms_error: float
    rounding: tuple[float, ...]


def paper_gaussian(atoms: float, nodes: int = 1, coherence: float = 1.0) -> Budget:
    r"""The budget of the paper: equal copies of real number, and Gaussian errors.

    .. math:: \Delta\Phi^2 = \frac{4n_0}{V_{\tilde N}^2(N-n_1)^2} + \sum_{j\ge1}\Bigl(\frac{2\pi}{2^jK}\Bigr)^2
              2Q\Bigl(\tfrac\pi2 V_{j-1}\sqrt{n_0}\Bigr) + \Bigl(\frac{2\pi}K\Bigr)^2
              2Q\Bigl(\frac{\pi\sqrt{n_1}}K\Bigr)

    with the largest block :math:`\tilde N = (N-n_1)/2n_0` and :math:`V_j` the contrast of :math:`2^jK` atoms; the last
    term and the :math:`n_1` uncorrelated atoms only where K > 1. Without decoherence and K = 1 the best
    :math:`n_0 \to (16/\pi^2)\ln N` gives :math:`\Delta\Phi \to (8/\pi)\sqrt{\ln N}/N`, eq. (3) of Kómár et al.; their
    eq. (2) has lost the root.

    Parameters
    ----------
    atoms : float
        N, at least 8 times K.
    nodes : int, optional
        K.
    coherence : float, optional
        Coherence left to one atom.

    Returns
    -------
    Budget
        The best :math:`n_0` and :math:`n_1`.

    Raises
    ------
    ValueError
        If there are too few atoms, of which it names the number that would do.

    Examples
    --------
    >>> budget = paper_gaussian(1000)
    >>> round(budget.rms_error * 1000 / math.sqrt(math.log(1000)), 3)
    2.592
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import erfc

    total, nodes = positive("paper_gaussian atoms", atoms), count("paper_gaussian nodes", nodes)
    coherence = closed_interval("paper_gaussian coherence", coherence, 0.0, 1.0)
    if total < 8 * nodes:
        raise ValueError(f"paper_gaussian needs at least 8 atoms a node, got {total:g} atoms at {nodes} nodes")
    level = np.arange(1, 60)

    def both_tails(distance: float | Real) -> Any:
        return erfc(distance / math.sqrt(2.0))

    def terms(copies: float, coarse: float) -> tuple[float, Real]:
        largest = (total - coarse) / (2.0 * copies)
        sizes = nodes * 2.0 ** (level - 1)
        contrast = coherence ** np.minimum(sizes, largest / 2.0)
        rounding = np.concatenate([[0.0], both_tails(0.5 * math.pi * math.sqrt(copies) * contrast)])
        if nodes > 1:
            rounding[0] = both_tails(math.pi * coherence * math.sqrt(coarse) / nodes)
        return 1.0 / (copies * largest**2 * max(coherence ** (2.0 * largest), 1e-300)), rounding

    def square(copies: float, coarse: float) -> float:
        last, rounding = terms(copies, coarse)
        return last + float(rounding @ (_TURN / (nodes * 2.0 ** np.arange(60))) ** 2)

    def best_copies(coarse: float) -> float:
        def cost(x: float) -> float:
            return math.log(square(math.exp(x), coarse))

        # The largest block is not smaller than the first.
        most = (total - coarse) / (2.0 * nodes)
        return math.exp(minimize_scalar(cost, bounds=(math.log(0.5), math.log(most)), method="bounded").x)

    coarse = 0.0
    if nodes > 1:
        # One node wants no uncorrelated atoms; for more the best number is inside.
        found = minimize_scalar(
            lambda n: math.log(square(best_copies(n), n)), bounds=(1.0, total - 4.0 * nodes), method="bounded"
        )
        coarse = float(found.x)
    copies = best_copies(coarse)
    largest = (total - coarse) / (2.0 * copies)
    levels = max(1, math.ceil(math.log2(largest / nodes) - 1e-9) + 1)
    return Budget(
        coarse,
        (copies,) * levels,
        largest,
        math.sqrt(square(copies, coarse)),
        tuple(terms(copies, coarse)[1][:levels].tolist()),
    )


def exact_dual(
    atoms: int, nodes: int = 1, *, prior: Prior = FlatPrior(), coherence: float = 1.0, survival: float = 1.0
) -> Budget:
    """The best whole numbers of copies with two quadratures, level by level, from exact rounding probabilities.

    Copies grow towards the small blocks, at a constant rate and then by single changes.

    Parameters
    ----------
    atoms : int
        N, all of which may be used.
    nodes : int, optional
        K; uncorrelated atoms tell the fringes of the first blocks apart.
    prior : Prior, optional
        Of the phase.
    coherence, survival : float, optional
        Of one atom.

    Returns
    -------
    Budget
        Of an allocation that is feasible; `rms_error` is that of `bitwise_error`.

    Raises
    ------
    ValueError
        If not even the smallest cascade fits, with the number of atoms that it takes.

    Examples
    --------
    >>> budget = exact_dual(100)
    >>> sum(n << j for j, n in enumerate(budget.copies)) <= 100
    True
    """
    return _exact(DualQuadrature(), atoms, nodes, prior, coherence, survival)


def exact_multiangle(
    atoms: int, nodes: int = 1, *, prior: Prior = FlatPrior(), coherence: float = 1.0, survival: float = 1.0
) -> Budget:
    """The same with equally spaced readout angles.

    Parameters, returns, raises: as `exact_dual`.

    Examples
    --------
    >>> budget = exact_multiangle(100)
    >>> budget.rms_error < exact_dual(100).rms_error
    True
    >>> exact_multiangle(20).copies
    (20,)
    """
    return _exact(MultiAngle(), atoms, nodes, prior, coherence, survival)


def _exact(readout: Fringes, atoms: int, nodes: int, prior: Prior, coherence: float, survival: float) -> Budget:
    total, nodes = count("budget atoms", atoms), count("budget nodes", nodes)
    coarse = 2 if nodes > 1 else 0
    if total < 2 * nodes + coarse:
        raise ValueError(
            f"{total} atoms are too few for a cascade over {nodes} nodes: two blocks of {nodes} atoms"
            f"{' and 2 uncorrelated atoms' if coarse else ''} take {2 * nodes + coarse}"
        )

    def level(size: int, copies: int) -> _Level:
        return _level(size, copies, readout, coherence, survival)

    def square(uncorrelated: int, copies: tuple[int, ...], bound: float) -> float:
        """Mean square error, the levels taken for independent; stops beyond the bound, the coarse stage comes last."""
        parts = [level(nodes << j, n) for j, n in enumerate(copies)]
        result = _variance(_unsized(parts[-1])) / parts[-1].size ** 2
        steps = list(pairwise(parts))
        if uncorrelated:
            steps.insert(0, (level(1, uncorrelated), parts[0]))
        for before, after in reversed(steps):
            if result > bound:
                return math.inf
            ratio = after.size // before.size
            result += (_TURN / after.size) ** 2 * _rounding(_unsized(before), _unsized(after), ratio)
        return result

    def rest(copies: Sequence[int]) -> int:
        return total - nodes * sum(n << j for j, n in enumerate(copies))

    best: tuple[float, tuple[int, ...]] = (math.inf, ())

    def consider(copies: tuple[int, ...]) -> bool:
        nonlocal best
        left = rest(copies)
        if left < coarse or min(copies) < 2:
            return False
        # Coarse stages in steps of a tenth, for which there are tables; in the end all that are left belong to it.
        uncorrelated = int(1.1 ** int(math.log(left) / math.log(1.1) + 1e-9)) if coarse else 0
        found = square(uncorrelated, copies, best[0])
        if found < best[0] * (1.0 - 1e-9):
            best = (found, copies)
            return True
        return False

    # All atoms in one level, which single changes of fewer don't lead to. Of more than these two levels are better.
    consider((min((total - coarse) // nodes, 40),))
    for levels in range(int(math.log2(total / nodes)), 0, -1):
        for slope in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0):
            for last in range(2, 17):
                consider(tuple(last + round(slope * (levels - 1 - j)) for j in range(levels)))
    improved = True
    while improved:
        improved = False
        copies = best[1]
        for j in range(len(copies)):
            for up in (1, -1):
                changed = list(copies)
                changed[j] += up
                improved = consider(tuple(changed)) or improved
                for i in range(len(copies)):
                    if i != j:
                        traded = list(changed)
                        traded[i] -= up * max(1, (1 << j) // (1 << i))
                        improved = consider(tuple(traded)) or improved
    copies = best[1]
    uncorrelated = rest(copies) if coarse else 0
    cascade = Cascade(copies, nodes, uncorrelated, readout, Bitwise(), prior, coherence, survival)
    error = bitwise_error(cascade)
    return Budget(uncorrelated, copies, nodes << (len(copies) - 1), error.rms, error.rounding[-len(copies) :])


def _unsized(level: _Level) -> _Level:
    """The same outcomes, so that equal levels share a table entry."""
    return replace(level, size=1)


def _mean_thetas(readout: Fringes) -> Real:
    # Beyond a few angles an error hardly depends on the phase.
    number = 24 if isinstance(readout, DualQuadrature) else 6
    return np.asarray(0.5 * math.pi * (np.arange(number) + 0.118) / number)


@cache
def _variance(level: _Level) -> float:
    thetas = _mean_thetas(level.readout)
    return float(np.mean([chances @ errors**2 for errors, chances, _ in map(level.outcomes, thetas)]))


@cache
def _rounding(before: _Level, level: _Level, ratio: int) -> float:
    """Probability that a level is unwrapped wrongly by the one before it, which is known."""
    thetas = _mean_thetas(level.readout)
    wrong = 0.0
    for theta in thetas:
        errors, chances, _ = before.outcomes(theta)
        wrong += _unwrap(errors, chances[:, None], ratio, level, ratio * theta)[2]
    return wrong / len(thetas)


# --- Telling theta from theta + pi -----------------------------------------------------------------------


@dataclass(frozen=True)
class Confusion:
    r"""Probabilities of taking :math:`\theta` for :math:`\theta + \pi`, either being true as often as the other.

    Attributes
    ----------
    likelihood, likelihood_worst : float
        By the larger likelihood of the two: mean over theta, and at the worst theta.
    direction, direction_worst : float
        By the nearer of the two to the direction of the mean signs (arctan2).
    """

    likelihood: float
    likelihood_worst: float
    direction: float
    direction_worst: float


def confusion(copies: int, readout: Fringes, contrast: float = 1.0) -> Confusion:
    r"""Exact probability that so many parities mistake a phase for the opposite one.

    .. math:: P(\theta) = \tfrac12\sum_o \min[p(o|\theta), p(o|\theta+\pi)]

    Parameters
    ----------
    copies : int
        Number of blocks, at most 13 with equally spaced angles.
    readout : Fringes
        `DualQuadrature` or `MultiAngle`.
    contrast : float, optional
        V.

    Returns
    -------
    Confusion
        Means over theta and largest values.

    Raises
    ------
    ValueError
        If there are too many outcomes to enumerate.

    Examples
    --------
    >>> print(f"{confusion(12, DualQuadrature()).likelihood:.2e} {confusion(12, MultiAngle()).likelihood:.2e}")
    6.04e-04 2.19e-05
    """
    copies = count("confusion copies", copies)
    contrast = closed_interval("confusion contrast", contrast, 0.0, 1.0)
    angles, trials = _channels(readout, copies)
    if not _enumerable(trials, 1.0):
        raise ValueError(f"confusion can't enumerate {copies} copies at {len(angles)} angles; {_MOST_ANGLES} it can")
    phases, cell, _ = _directions(angles, trials, False, 0.0)
    # Twice the period of either readout; the largest errors are at or halfway between readout angles.
    spacing = math.pi / 2.0 if len(angles) <= 2 else math.pi / len(angles)
    theta = spacing * np.arange(128) / 128
    either = np.empty((2, len(theta)))
    for number, value in enumerate(theta):
        chances = [np.ones(1), np.ones(1)]
        for angle, n in zip(angles, trials, strict=True):
            plus = 0.5 * (1.0 + contrast * math.cos(value - angle))
            for k, chance in enumerate((plus, 1.0 - plus)):
                chances[k] = np.multiply.outer(chances[k], _multinomial(n, chance, 1.0)).ravel()
        away = np.full(len(phases) + 1, math.pi / 2.0)
        away[:-1] = np.abs(_wrapped(phases - value))
        share = np.where(away[cell] > math.pi / 2.0 + _TIE, 1.0, np.where(away[cell] < math.pi / 2.0 - _TIE, 0.0, 0.5))
        either[:, number] = 0.5 * np.minimum(*chances).sum(), (share * chances[0]).sum()
    mean, worst = either.mean(axis=1), either.max(axis=1)
    return Confusion(float(mean[0]), float(worst[0]), float(mean[1]), float(worst[1]))


# --- Windings --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Windings:
    """What ensembles that count the windings of a phase get wrong, and what they leave to the cascade.

    Attributes
    ----------
    slips : tuple of float
        Probability of a wrong winding number per use: that the phase of one shortest Ramsey time, with the error of the
        ensemble that reads it, leaves (-pi, pi], that each further ensemble is unwrapped wrongly, and that the phase
        over the interrogation time is more than half a turn from the tracked one.
    slips_per_cycle : float
        Sum over all uses in one interrogation time. With few atoms up to a third fewer cycles end with a wrong number:
        a reading that is far off makes two ensembles slip, there and back.
    residual_variance : float
        Variance of the phase over the interrogation time about the tracked one, slips left out, rad^2.
    """

    slips: tuple[float, ...]
    slips_per_cycle: float
    residual_variance: float


_BINS = 1024


def windings(
    atoms: Sequence[int],
    ratios: Sequence[int],
    step_variance: float,
    readout: Fringes,
    coherence: float = 1.0,
    survival: float = 1.0,
) -> Windings:
    r"""Exact slips of nested ensembles of uncorrelated atoms, each read by the direction of its mean signs (arctan2).

    ratios[k] errors of ensemble k add up, independently; ensemble k + 1 slips if the sum and its own error differ by
    more than half a turn. The distributions are convolved without a subtraction, so that small tails stay accurate.
    An outcome that shows no direction leaves the prediction as it is.

    Parameters
    ----------
    atoms, ratios : sequence of int
        As in `Tracking`.
    step_variance : float
        Variance of the phase over the shortest Ramsey time, rad^2.
    readout : Fringes
        Angles of all ensembles.
    coherence, survival : float, optional
        Of one atom over the whole interrogation time.

    Returns
    -------
    Windings
        Slip probabilities and residual variance; without ensembles the variance itself.

    Raises
    ------
    ValueError
        If the variance is negative or there is not one ratio for each ensemble.

    Examples
    --------
    >>> tracked = windings((20, 20), (5, 5), 0.16, DualQuadrature())
    >>> print(f"{tracked.slips[1]:.1e} {tracked.residual_variance:.2f}")
    8.3e-06 0.38
    """
    variance = nonnegative("windings step_variance", step_variance, "rad^2")
    if len(atoms) != len(ratios):
        raise ValueError(f"windings needs one ratio for each ensemble, got {len(atoms)} and {len(ratios)}")
    slips = [gaussian_slip(variance)]
    uses = math.prod(ratios)
    per_cycle = uses * slips[0]
    spread, handed = variance, variance
    total = np.ones(1)
    for number, ratio in zip(atoms, ratios, strict=True):
        share = 1.0 / uses
        level = _level(1, count("windings atoms", number), readout, coherence**share, survival**share)
        grid, density, lost = _density(level, _BINS, GaussianPrior(max(spread, 1e-9)))
        if len(total) == 1:
            slips = [_beyond_circle(level, variance)]
            per_cycle = uses * slips[0]
            errors = density + lost[::-1]
        else:
            slip = _beyond_half_turn(np.convolve(total, density[::-1]))
            slips.append(slip)
            per_cycle += uses * slip
            middle = (len(total) - 1) / 2.0
            place = np.floor(np.arange(len(total)) - middle + _BINS / 2.0).astype(int)
            inside = (place >= 0) & (place < _BINS)
            errors = density + lost.sum() * np.bincount(place[inside], weights=total[inside], minlength=_BINS)
        total = errors
        for _ in range(ratio - 1):
            total = np.convolve(total, errors)
        handed = ratio * float((errors * grid**2).sum() - (errors * grid).sum() ** 2)
        spread *= ratio
        uses //= ratio
    if len(atoms) > 0:
        slips.append(_beyond_half_turn(total))
        per_cycle += slips[-1]
    return Windings(tuple(slips), per_cycle, handed)


def gaussian_slip(variance: float) -> float:
    r"""Probability :math:`\mathrm{erfc}(\pi/\sqrt{2v})` that a Gaussian phase of variance v (rad^2) slips.

    Examples
    --------
    >>> print(f"{gaussian_slip(0.33):.1e}")
    4.5e-08
    """
    return math.erfc(math.pi / math.sqrt(2.0 * variance)) if variance > 0.0 else 0.0


@lru_cache(maxsize=256)
def _density(level: _Level, bins: int, prior: Prior) -> tuple[Real, Real, Real]:
    return level.density(bins, prior)


@lru_cache(maxsize=512)
def _beyond_circle(level: _Level, variance: float) -> float:
    """Probability that a Gaussian phase about 0 is read more than half a turn wrong, as nothing tells its turn."""
    steps = np.linspace(-10.0, 10.0, 1001)
    weights = np.exp(-0.5 * steps**2)
    weights /= weights.sum()
    phases = math.sqrt(variance) * steps
    if not _enumerable(_channels(level.readout, level.copies)[1], level.present):
        # The distribution of the errors is that of all phases: sums from its ends, in which small tails are not lost.
        errors, chances, _ = level.outcomes(0.0)
        below = np.append(0.0, np.cumsum(chances))[np.searchsorted(errors, -math.pi - phases, "left")]
        above = np.append(np.cumsum(chances[::-1])[::-1], 0.0)[np.searchsorted(errors, math.pi - phases, "right")]
        return float(weights @ (below + above))
    angles, trials = _channels(level.readout, level.copies)
    read, cell, _ = _directions(angles, trials, level.present < 1.0, level.dark)
    wrong = 0.0
    for some in np.array_split(np.arange(len(phases)), max(1, len(phases) * len(cell) // _MOST_CHANCES)):
        phase = phases[some, None]
        chances = np.ones((len(some), 1))
        for angle, number in zip(angles, trials, strict=True):
            plus = 0.5 * (1.0 + level.dark + level.contrast * np.cos(phase - angle))
            each = _multinomial(number, plus, level.present)
            chances = (chances[:, :, None] * each[:, None, :]).reshape(len(some), -1)
        # Where no phase is read the prediction stays.
        mistaken = np.hstack([np.abs(phase + _wrapped(read - phase)) > math.pi, np.abs(phase) > math.pi])
        wrong += float(weights[some] @ (chances * mistaken[:, cell]).sum(axis=1))
    return wrong


def _beyond_half_turn(chances: Real) -> float:
    """Probability outside (-pi, pi] of a centred distribution on cells of the width 2 pi/_BINS."""
    away = np.abs(np.arange(len(chances)) - (len(chances) - 1) / 2.0) * _TURN / _BINS
    return float(chances[away > math.pi + _TIE].sum() + 0.5 * chances[np.abs(away - math.pi) <= _TIE].sum())
