"""How many copies of which blocks make the best of so many atoms."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache

import numpy as np
from numpy.typing import NDArray

from qcn_open.bayes import expected_error
from qcn_open.cascade import Cascade
from qcn_open.estimators import Estimator, Joint
from qcn_open.preparation import Perfect, Preparation
from qcn_open.priors import FlatPrior, GaussianPrior, Prior
from qcn_open.readouts.fringes import FedForward, Fringes, MultiAngle
from qcn_open.validation import count

__all__ = ["best_cascade", "promising"]

# Copies of every level from the smallest blocks to the largest; over several nodes the uncorrelated atoms come first.
_Allocation = tuple[int, ...]
# An outcome of the posterior tells as much of the error as about 30 errors.
_SAMPLES_FOR_ONE_POSTERIOR = 30
_ROUNDS = 10
_COARSE_SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6)
# From so many atoms on the search starts from the best allocation of half as many.
_MANY_ATOMS = 3000


def best_cascade(
    atoms: int,
    nodes: int = 1,
    *,
    prior: Prior = FlatPrior(),
    coherence: float = 1.0,
    survival: float = 1.0,
    readout: Fringes = MultiAngle(),
    estimator: Estimator = Joint(),
    preparation: Preparation = Perfect(),
) -> Cascade:
    r"""The allocation of at most so many atoms that has the smallest RMS error of the phase.

    Starts from copies that grow towards the small blocks, :math:`n_j = n_{M-1} + \mu d + \nu d^2`, d = M - 1 - j, for
    every number M of levels, and moves copies between levels as long as that helps. Allocations are compared by
    `expected_error`, on ever more outcomes the better they are; the last ones on outcomes that took no part in the
    choice before. The seeds are fixed: equal arguments give equal cascades. Of many atoms the start is the best
    allocation of half as many, with blocks of twice the size and a level below them: of a large cascade, half the atoms
    are one that is as good for half of every phase.

    Parameters
    ----------
    atoms : int
        Number N of atoms there are; what is left over after the blocks are uncorrelated atoms.
    nodes : int, optional
        Number K of nodes, the atoms of the smallest entangled block.
    prior, coherence, survival, readout, estimator, preparation : optional
        As in `Cascade`.

    Returns
    -------
    Cascade
        Of uncorrelated atoms only where decoherence makes that the best.

    Raises
    ------
    ValueError
        If there are too few atoms for blocks over all nodes and a coarse stage that tells their fringes apart.

    Notes
    -----
    Kómár et al., Nature Physics 10, 582 (2014), optimise equal copies of all levels, :math:`n_0 = (16/\pi^2)\ln N`.
    Growing copies: B. L. Higgins et al., New J. Phys. 11, 073023 (2009).

    Examples
    --------
    >>> best_cascade(20).copies
    (10, 5)
    """
    atoms, nodes = count("best_cascade atoms", atoms), count("best_cascade nodes", nodes)
    alone: _Allocation = (atoms,)

    def cascade(allocation: _Allocation) -> Cascade:
        uncorrelated, copies = (0, allocation) if nodes == 1 else (allocation[0], allocation[1:])
        return Cascade(copies, nodes, uncorrelated, readout, estimator, prior, coherence, survival, preparation)

    @cache
    def error(allocation: _Allocation, trials: int, seed: int) -> float:
        rng = np.random.default_rng(seed)
        if isinstance(estimator, Joint):
            return expected_error(cascade(allocation), trials, rng)[0]
        return cascade(allocation).rms_error(_SAMPLES_FOR_ONE_POSTERIOR * trials, rng)

    sizes = [1] if nodes == 1 else [1, nodes]
    while 2 * sizes[-1] <= atoms:
        sizes.append(2 * sizes[-1])
    flat = isinstance(prior, FlatPrior)
    starts = {alone}
    if atoms >= _MANY_ATOMS:
        remaining = {"coherence": coherence**2, "survival": survival**2}
        # Half the atoms may be too few where all of them are not.
        with suppress(ValueError):
            half = best_cascade(
                atoms // 2,
                nodes,
                prior=prior,
                readout=readout,
                estimator=estimator,
                preparation=preparation,
                **remaining,
            )
            starts.update(_doubled(half.copies[1:] if nodes == 1 else half.copies, atoms, sizes))
    if starts == {alone}:
        starts.update(_graded(atoms, nodes, sizes, flat))
    front = _best(_best(starts, error, 300, 1, 20), error, 1500, 2, 4)
    for number in range(_ROUNDS):
        around = {moved for allocation in front for moved in _moves(allocation, atoms, sizes)}
        promising = _best(around - set(front), error, 300, 3 + number % 2, 10)
        found = _best([*front, *_best(promising, error, 2000, 5, 4)], error, 10_000, 6, 4)
        if found == front:
            break
        front = found
    best = _best([*front, alone], error, 20_000, 0, 1)[0]
    if best == alone and nodes > 1 and coherence == survival == 1.0 and preparation == Perfect():
        raise ValueError(
            f"{atoms} atoms are too few for blocks over {nodes} nodes: what they need of uncorrelated atoms, to tell "
            f"the fringes of {nodes} atoms apart, leaves a larger error than {atoms} uncorrelated atoms have "
            f"({error(alone, 10_000, 0):.3g} rad); take Cascade(uncorrelated={atoms}), fewer nodes or a narrower prior"
        )
    return cascade(best)


def _best(
    allocations: Iterable[_Allocation],
    error: Callable[[_Allocation, int, int], float],
    trials: int,
    seed: int,
    number: int,
) -> list[_Allocation]:
    """So many allocations with the smallest errors, from the best on."""
    return sorted(sorted(set(allocations)), key=lambda allocation: error(allocation, trials, seed))[:number]


def _filled(allocation: Iterable[int], atoms: int, sizes: list[int]) -> _Allocation | None:
    """The allocation with the atoms that are left over as single atoms, or None if there are not enough."""
    copies = [int(copies) for copies in allocation]
    left = atoms - sum(number * size for number, size in zip(copies, sizes, strict=False))
    if left < 0 or copies[0] + left < 0 or min(copies) < 0:
        return None
    return (copies[0] + left, *copies[1:])


def _graded(atoms: int, nodes: int, sizes: list[int], flat: bool) -> Iterator[_Allocation]:
    """Allocations whose copies grow towards the small blocks, as steeply as there are atoms for it."""
    # Over one node the single atoms are the first level of the grading, over several a coarse stage of their own.
    coarse_stages: list[_Allocation] = [()]
    if nodes > 1:
        coarse_stages = [(int(share * atoms),) for share in _COARSE_SHARES if share > 0.0 or not flat]
    for coarse in coarse_stages:
        for levels in range(1, len(sizes) - len(coarse) + 1):
            down = np.arange(levels)[::-1]
            for last in range(1, 9):
                for bend in (0.0, 0.15):
                    steep = None
                    for slope in np.arange(0.0, 12.0, 0.1):
                        graded = np.rint(last + slope * (down + bend * down**2)).astype(int)
                        filled = _filled([*coarse, *graded], atoms, sizes)
                        if filled is None:
                            break
                        steep = filled
                    if steep is not None:
                        yield steep


def _doubled(blocks: _Allocation, atoms: int, sizes: list[int]) -> Iterator[_Allocation]:
    """Allocations with these blocks at twice their size over a level below, and with more blocks of the same sizes."""
    for more in range(-2, 7):
        shifted = (blocks[0] + more, *blocks) if blocks else (max(more, 0),)
        for allocation in ((0, *shifted), (0, *(2 * number - more for number in blocks))):
            filled = _filled(allocation, atoms, sizes)
            if filled is not None:
                yield filled


def _moves(allocation: _Allocation, atoms: int, sizes: list[int]) -> Iterator[_Allocation]:
    """Allocations with a copy more or less of one level, and up to two of others in exchange."""
    for level in range(1, len(allocation)):
        exchanges = [(other, number, 0) for other in range(level) for number in (1, 2)]
        exchanges += [(other, 1, 0) for other in range(level + 1, len(allocation))]
        exchanges += [(level - 1, 1, number) for number in (1, 2) if level > 1]
        for step in (-1, 1):
            for other, number, next_number in [(0, 0, 0), *exchanges]:
                moved = list(allocation)
                moved[level] += step
                moved[other] -= step * number
                if next_number:
                    moved[other - 1] -= step * next_number
                filled = _filled(moved, atoms, sizes)
                if filled is not None and filled[-1] > 0:
                    yield filled


# --- A first look ----------------------------------------------------------------------------------------

# Of the probability that a fringe is mistaken, the part of its bound by the overlap of the distributions.
_MISTAKEN = 0.25
# Fringes by which it is mistaken.
_TURNS = (1, 2, 4)
_SLOPES = (0.0, 0.15, 0.5)
_ANGLES = np.pi * (np.arange(24) + 0.5) / 24
_CONTRASTS = 1.0 - np.linspace(1.0, 0.0, 65) ** 2
_KEPT = 6
_MOST_LEVELS = 12


def promising(
    alone: Cascade,
    nodes: int,
    sets: int,
    most: float,
    preparation: Callable[[int], Preparation],
    number: int,
) -> list[tuple[float, tuple[int, ...]]]:
    r"""Allocations that err least by an estimate that takes no time, and what they err by.

    Of a Gaussian prior of variance v and blocks with the Fisher information F the mean square error is about

    .. math:: \frac{1}{v^{-1} + F} + \frac12\sum_js_j^2\,e^{-s_j^2/8v}
              \prod_{n<n_j}\Bigl(\sum_o\sqrt{p(o|\varphi)p(o|\varphi+s_j)}\Bigr)^{c_n}, \qquad s_j = 2\pi/n_j,

    of which the second part is that of fringes mistaken for their neighbours; 1/2 is from a comparison with
    `expected_error`, which it meets to about 10 % near the best allocation.

    Parameters
    ----------
    alone : Cascade
        All atoms uncorrelated, under a Gaussian prior, with what decoherence leaves of them.
    nodes : int
        Atoms of the smallest block, of which there are at most `sets`.
    sets : int
        How often the smallest block fits into the atoms.
    most : float
        Largest number of blocks of all sizes.
    preparation : callable
        Of so many blocks; the logarithm of their contrast is linear in that number.
    number : int
        How many allocations.

    Returns
    -------
    list of (float, tuple of int)
        Mean square error (rad^2), and copies as in `Cascade`, but the single atoms of one node, which are what is left;
        the best first. No blocks at all are one of the choices.

    Examples
    --------
    >>> from qcn_open.priors import GaussianPrior
    >>> found = promising(Cascade(uncorrelated=100, prior=GaussianPrior(0.2)), 1, 100, math.inf, lambda _: Perfect(), 2)
    >>> [sum(copies << level for level, copies in enumerate(blocks)) <= 100 for _, blocks in found]
    [True, True]
    """
    first = 1 if nodes == 1 else 0
    top = min(int(math.log2(max(sets, 1))), _MOST_LEVELS)
    sizes = np.asarray(nodes << np.arange(first, top + 1), dtype=np.int64)
    if most < 1 or len(sizes) == 0:
        return [(float(_squares(alone, sizes[:0], np.zeros((1, 0), dtype=np.int64), np.zeros((0, 2)))[0]), ())]
    largest = int(min(most, alone.atoms // sizes[0]))
    ends = np.array([[_log_contrast(preparation(b), size) for b in (1, largest)] for size in sizes.tolist()])
    slopes = (ends[:, 1] - ends[:, 0]) / max(largest - 1, 1)
    contrasts = np.stack([ends[:, 0] - slopes, slopes], axis=1)

    def feasible(copies: NDArray[np.int64]) -> NDArray[np.int64]:
        within = (copies >= 0).all(axis=1) & (copies.sum(axis=1) <= most) & (copies @ sizes <= alone.atoms)
        return np.unique(copies[within & (copies @ (sizes // nodes) <= sets)], axis=0)

    def ranked(copies: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        squares = _squares(alone, sizes, copies, contrasts)
        order = np.argsort(squares, kind="stable")[: max(number, _KEPT)]
        return squares[order], copies[order]

    squares, best = ranked(feasible(_shapes(len(sizes), sets)))
    moves = _block_moves(len(sizes))
    while True:
        around = (best[:_KEPT, None, :] + moves).reshape(-1, len(sizes))
        improved, best = ranked(feasible(np.concatenate([best, around])))
        if not improved[0] < squares[0] * (1.0 - 1e-6):
            break
        squares = improved
    return [
        (float(square), (0,) * first + tuple(copies) if any(copies) else ())
        for square, copies in zip(improved[:number].tolist(), best[:number].tolist(), strict=True)
    ]


def _log_contrast(preparation: Preparation, size: int) -> float:
    return math.log(max(preparation.contrast(size), 1e-300))


def _shapes(levels: int, sets: int) -> NDArray[np.int64]:
    """Copies of neighbouring levels that grow towards the smaller one, in numbers up to what fits."""
    found = [np.zeros((1, levels), dtype=np.int64)]
    for first in range(levels):
        for last in range(first + 1, levels + 1):
            most = max(sets >> first, 1)
            numbers = np.unique(np.rint(1.25 ** np.arange(math.log(most) / math.log(1.25) + 1.0)))
            for slope in _SLOPES if last - first > 1 else _SLOPES[:1]:
                copies = np.zeros((len(numbers), levels), dtype=np.int64)
                copies[:, first:last] = np.rint(np.outer(numbers, 1.0 + slope * np.arange(last - first)[::-1]))
                found.append(copies)
    return np.concatenate(found)


def _block_moves(levels: int) -> NDArray[np.int64]:
    """A block more or less, for single atoms or for two blocks of half its size."""
    one = np.eye(levels, dtype=np.int64)
    traded = one[1:] - 2 * one[:-1]
    return np.concatenate([one, -one, 2 * one, -2 * one, traded, -traded])


def _squares(
    alone: Cascade, sizes: NDArray[np.int64], copies: NDArray[np.int64], contrasts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Approximate mean square errors of allocations (rad^2), shape (allocations,)."""
    assert isinstance(alone.prior, GaussianPrior)
    variance, readout = alone.prior.variance, alone.readout
    read = 1.0 - 2.0 * readout.detection_error
    one = read * alone.coherence * (1.0 if readout.loss == "seen" else alone.survival)
    present = alone.survival if readout.loss == "seen" else 1.0
    blocks = copies.sum(axis=1)
    logs = contrasts[:, 0] + np.outer(blocks, contrasts[:, 1]) + sizes * math.log(one)
    levels = np.exp(np.minimum(logs, 0.0))
    single = alone.atoms - copies @ sizes
    fed = isinstance(readout, FedForward)
    known = single * present * _information(np.array(one), fed)
    known = known + (copies * sizes**2.0 * present**sizes * _information(levels, fed)).sum(axis=1)
    squares = 1.0 / (1.0 / variance + known)
    for m, size in enumerate(sizes.tolist()):
        for turns in _TURNS:
            shift = 2.0 * math.pi * turns / size
            alike = -(shift**2) / (8.0 * variance) + single * _log_overlap(np.array([one]), present, turns, size)
            for n, smaller in enumerate(sizes[:m].tolist()):
                overlap = _log_overlap(levels[:, n], present**smaller, turns * smaller, size)
                alike = alike + copies[:, n] * overlap
            squares = squares + np.where(copies[:, m] > 0, 2.0 * _MISTAKEN * shift**2 * np.exp(alike), 0.0)
    return np.asarray(squares)


def _information(contrast: NDArray[np.float64], fed: bool) -> NDArray[np.float64]:
    """Of a parity, in units of n^2: at mid-fringe, or averaged over fixed angles."""
    return np.asarray(contrast**2 if fed else 1.0 - np.sqrt(1.0 - contrast**2))


def _log_overlap(contrast: NDArray[np.float64], present: float, size: int, of: int) -> NDArray[np.float64]:
    """Logarithm of the overlap of the signs of a block at phases size/of of a turn of its fringe apart."""
    overlap = np.interp(contrast, _CONTRASTS, _overlaps(size, of))
    return np.asarray(np.log(1.0 - present * (1.0 - np.exp(overlap))))


@cache
def _overlaps(size: int, of: int) -> NDArray[np.float64]:
    half = math.pi * size / of
    plus, other = (0.5 + 0.5 * _CONTRASTS[:, None] * np.cos(_ANGLES + side) for side in (half, -half))
    return np.asarray(np.log(np.sqrt(plus * other) + np.sqrt((1.0 - plus) * (1.0 - other))).mean(axis=1))
