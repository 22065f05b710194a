"""How many copies of which blocks make the best of so many atoms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache

import numpy as np

from qcn_open.bayes import expected_error
from qcn_open.cascade import Cascade
from qcn_open.estimators import Estimator, Joint
from qcn_open.preparation import Perfect, Preparation
from qcn_open.priors import FlatPrior, Prior
from qcn_open.readouts.fringes import Fringes, MultiAngle
from qcn_open.validation import count

__all__ = ["best_cascade"]

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
