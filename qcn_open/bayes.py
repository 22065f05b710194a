r"""Mean square error of a phase over a prior: of a given readout, of the best measurement, and of the best probe."""

from __future__ import annotations

import math

import numpy as np

from qcn_open.cascade import Cascade
from qcn_open.estimators import Joint
from qcn_open.validation import count

__all__ = ["expected_error"]


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
    from qcn_open.kernels.posterior import expected_squares
    from qcn_open.kernels.random import state_from

    if not isinstance(cascade.estimator, Joint):
        raise ValueError(f"expected_error needs the estimator Joint(), got {cascade.estimator!r}")
    trials = count("expected_error trials", trials)
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
    squares = expected_squares(state_from(rng), tables, phases, parts, drawn / trials, shifts)
    square = squares.mean()
    spread = sum(drawn[p] * squares[parts == p].var() for p in np.flatnonzero(drawn)) / trials**2
    return math.sqrt(square), math.sqrt(spread / square) / 2.0
