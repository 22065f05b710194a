r"""Mean square error of a phase over a prior: of a given readout, of the best measurement, and of the best probe."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qcn_open.cascade import Cascade
from qcn_open.estimators import Joint
from qcn_open.priors import GaussianPrior
from qcn_open.validation import count

__all__ = ["expected_error"]

# The smallest chance whose logarithm is taken.
_IMPOSSIBLE = 1e-300


@dataclass(frozen=True)
class _Level:
    """Equal blocks: atoms n, angles, contrast V, chance D that all atoms leave it dark, chance A that none is lost."""

    size: int
    angles: NDArray[np.float64]
    contrast: float
    dark: float
    present: float


def _levels(cascade: Cascade) -> Iterator[_Level]:
    """The levels of a cascade, from single atoms to the largest blocks."""
    readout = cascade.readout
    uncorrelated = [(1, cascade.uncorrelated)]
    for size, copies in uncorrelated + [(cascade.nodes << j, copies) for j, copies in enumerate(cascade.copies)]:
        if copies == 0:
            continue
        read = (1.0 - 2.0 * readout.detection_error) ** size
        survival = cascade.survival**size
        contrast = cascade.coherence**size * read * (1.0 if readout.loss == "seen" else survival)
        dark = (1.0 - cascade.survival) ** size * read if readout.loss == "dark" else 0.0
        present = survival if readout.loss == "seen" else 1.0
        yield _Level(size, readout.angles(copies), contrast, dark, present)


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
        Outcomes to be drawn; 10^4 give the error to about 1 %.
    rng : numpy.random.Generator
        Source of the outcomes. Equal seeds compare cascades on similar outcomes.

    Returns
    -------
    rms, standard_error : float
        rad.

    Raises
    ------
    ValueError
        If the estimator is not Joint, or there are no atoms.

    Examples
    --------
    >>> rms, error = expected_error(Cascade(copies=(1,)), 100, np.random.default_rng(1))
    >>> round(rms**2, 6), round(math.pi**2 / 3 - 2.0, 6)
    (1.289868, 1.289868)
    """
    from qcn_open.kernels.posterior import expected_squares
    from qcn_open.kernels.random import state_from

    if not isinstance(cascade.estimator, Joint):
        raise ValueError(f"expected_error needs the estimator Joint(), got {cascade.estimator!r}")
    levels = list(_levels(cascade))
    if not levels:
        raise ValueError("expected_error needs a cascade with atoms in it")
    trials = count("expected_error trials", trials)
    grid = _grid(cascade)
    sizes = np.array([level.size for level in levels])
    angles = [np.unique(level.angles, return_inverse=True) for level in levels]
    channels = np.array([len(distinct) for distinct, _ in angles])
    first = np.cumsum(channels) - channels
    signed = [
        sign * (level.contrast * np.cos(level.size * grid - angle) + level.dark)
        for level, (distinct, _) in zip(levels, angles, strict=True)
        for angle in distinct
        for sign in (1.0, -1.0)
    ]
    log_chances = np.log(np.maximum(0.5 * (1.0 + np.array(signed)), _IMPOSSIBLE)).reshape(-1, 2, len(grid))
    fixed = (
        sizes,
        np.array([len(level.angles) for level in levels]),
        channels,
        np.concatenate([level.angles for level in levels]),
        np.concatenate([start + number for start, (_, number) in zip(first, angles, strict=True)]),
        *(np.array([getattr(level, name) for level in levels]) for name in ("contrast", "dark", "present")),
        log_chances,
        cascade.prior.log_density(grid),
        grid,
    )
    shifts = np.concatenate([[0.0], *([2.0 * np.pi / size, -2.0 * np.pi / size] for size in sizes if size > 1)])
    # Every other trial is drawn from the true distribution, the rest from the others in turn.
    number = np.arange(trials)
    parts = np.where(number % 2 == 1, 1 + number // 2 % max(1, len(shifts) - 1), 0) if len(shifts) > 1 else 0 * number
    drawn = np.bincount(parts, minlength=len(shifts))
    phases = cascade.prior.sample(trials, rng)
    squares = expected_squares(state_from(rng), phases, parts, drawn / trials, shifts, *fixed)
    square = squares.mean()
    spread = sum(drawn[p] * squares[parts == p].var() for p in np.flatnonzero(drawn)) / trials**2
    return math.sqrt(square), math.sqrt(spread / square) / 2.0


def _grid(cascade: Cascade) -> NDArray[np.float64]:
    """Phases (rad) so dense that the mean over them of the posterior and its circular moments is exact.

    The likelihood of N atoms is a trigonometric polynomial of degree N.
    """
    largest = cascade.nodes << (len(cascade.copies) - 1) if cascade.copies else 1
    density = 1.0 * cascade.atoms + 64.0
    if isinstance(cascade.prior, GaussianPrior):
        density = max(density, 60.0 / math.sqrt(cascade.prior.variance))
    points = largest * math.ceil(density / largest)
    return np.pi * ((2.0 * np.arange(points) + 1.0) / points - 1.0)
