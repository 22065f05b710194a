r"""The minimum over gauges as a semidefinite program, for any one-atom channel, phase-covariant or not.

.. math:: \min_{h, a, b}\; a + b^2 \quad\text{with}\quad
          \begin{pmatrix} a & X_h^\dagger \\ X_h & 1\end{pmatrix} \succeq 0, \quad
          -b \preceq \sqrt{N-1}\,B_h \preceq b,

or :math:`B_h = 0` in place of the second constraint for an infinite number of uses. The states of the dual are the
dual variables of the corners.

*Conditioning.* :math:`(X_h, \sqrt{N-1}B_h)` runs over an affine space. The solver is given its point closest to the
origin, which is the best gauge when both norms are replaced by those of Frobenius and lies within a factor of 4 of the
optimum, as the unit of the objective, and orthonormal directions from there. So 10^6 atoms or weak noise, which give h
entries of many orders of magnitude, look to it like any other problem.
"""

from __future__ import annotations

import contextlib
import math
import warnings

import numpy as np
from numpy.typing import NDArray

from qcn_open.bounds.closed import Saddle
from qcn_open.bounds.families import GaugeFamily
from qcn_open.bounds.gauge import basis

__all__ = ["solve"]

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

_RANK = 1e-13
# The problem is in its natural units already, and rescaling its rounding errors to 1 makes the solver stumble; seldom
# the other way round.
_SETTINGS: tuple[dict[str, bool], ...] = ({"equilibrate_enable": False}, {})


def solve(family: GaugeFamily, others: float) -> tuple[Saddle, float]:
    r"""Solve for the gauge, the dual state and the value as the solver returns it (not a rigorous bound).

    Parameters
    ----------
    family : GaugeFamily
        Linearly independent operators.
    others : float
        N - 1, or infinity.

    Returns
    -------
    Saddle, float
        And :math:`\|X_h^\dagger X_h\| + (N-1)\|B_h\|^2` according to the solver.

    Raises
    ------
    ValueError
        If the problem is infeasible, the channel keeps no information, or the solver gives up.
    """
    import cvxpy

    hermitian, start = basis(len(family.operators)), family.first_row
    moves = -np.einsum("mkl,ldi->mkdi", hermitian, family.operators)[:, start:].reshape(len(hermitian), -1, 2)
    pulls = -np.einsum("mkl,kdi,ldj->mij", hermitian, family.operators.conj(), family.operators)
    moved, left = family.fixed[start:].reshape(-1, 2), family.overlap
    origin, directions = np.zeros(len(hermitian)), np.eye(len(hermitian))
    if math.isinf(others):
        origin, directions = _exactly(_real(pulls), _real(left[None])[0])
    weight = 0.0 if math.isinf(others) else math.sqrt(others)
    linear = np.concatenate([_real(moves), weight * _real(pulls)], axis=1).T
    target = np.concatenate([_real(moved[None]), weight * _real(left[None])], axis=1)[0] + linear @ origin
    linear = linear @ directions
    lengths = np.linalg.norm(linear, axis=0)
    lengths[lengths == 0.0] = 1.0
    columns, stretch, rows = np.linalg.svd(linear / lengths, full_matrices=False)
    kept = stretch > _RANK * stretch.max(initial=0.0)
    # Where B = 0 leaves no freedom, the solver still finds the state.
    columns = columns[:, kept] if kept.any() else np.zeros((len(target), 1))
    closest = target - columns @ (columns.T @ target)
    unit = float(np.linalg.norm(closest))
    if unit <= 1e-13 * float(np.linalg.norm(target)):
        raise ValueError(
            "the noise leaves no information that rounding would not hide: take a shorter time or weaker noise"
        )

    step = cvxpy.Variable(columns.shape[1])
    size, shift = cvxpy.Variable(), cvxpy.Variable()
    stack = closest / unit + columns @ step
    split = 2 * moved.size
    reals, imags = (cvxpy.reshape(stack[part:split:2], moved.shape, order="C") for part in (0, 1))
    tangent = cvxpy.bmat([[reals, -imags], [imags, reals]])
    corner = cvxpy.bmat([[size * np.eye(4), tangent.T], [tangent, np.eye(4 * len(moved) // 2)]])
    constraints = [corner >> 0]
    if weight > 0.0:
        reals, imags = (cvxpy.reshape(stack[split + part :: 2], (2, 2), order="C") for part in (0, 1))
        overlap = cvxpy.bmat([[reals, -imags], [imags, reals]])
        constraints += [shift * np.eye(4) - overlap >> 0, shift * np.eye(4) + overlap >> 0]
    else:
        constraints += [shift == 0.0]
    problem = cvxpy.Problem(cvxpy.Minimize(size + cvxpy.square(shift)), constraints)
    for settings in _SETTINGS:
        with warnings.catch_warnings(), contextlib.suppress(cvxpy.SolverError):
            warnings.simplefilter("ignore")  # an inaccurate solution is judged by its certificate
            problem.solve(solver=cvxpy.CLARABEL, **settings)
            break
    if step.value is None:
        raise ValueError(
            f"the solver of the semidefinite program for the gauge ended with status {problem.status}: use the closed "
            "form, or operators of less different size"
        )

    if kept.any():
        coordinates = (rows[kept].T / stretch[kept]) @ (unit * step.value - columns.T @ target) / lengths
        origin = origin + directions @ coordinates
    gauge = np.tensordot(origin, hermitian, 1)
    state = _complex(constraints[0].dual_value[:4, :4])
    values, vectors = np.linalg.eigh(state)
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    if weight > 0.0:
        multiplier = 0.5 * unit * weight * _complex(constraints[1].dual_value - constraints[2].dual_value)
    else:
        multiplier = _multiplier(family, gauge, root / np.linalg.norm(root))
    return Saddle(gauge, root, multiplier), unit**2 * float(problem.value)


def _exactly(pulls: Real, left: Real) -> tuple[Real, NDArray[np.float64]]:
    """The gauges with B = 0: one of them and the directions in which they differ.

    Raises
    ------
    ValueError
        If there is none.
    """
    rows, lengths, directions = np.linalg.svd(pulls.T)
    rank = int(np.sum(lengths > _RANK * lengths[0]))
    origin = -directions[:rank].T @ (rows[:, :rank].T @ left / lengths[:rank])
    if np.abs(pulls.T @ origin + left).max() > 1e-9:
        raise ValueError(
            "the semidefinite program for the gauge is infeasible: no gauge has B = 0, so that this bound does not "
            "exclude information that grows faster than the number of uses; use a finite number"
        )
    return origin, directions[rank:].T


def _multiplier(family: GaugeFamily, gauge: Complex, root: Complex) -> Complex:
    """Z of the constraint B = 0, from stationarity of the gauge."""
    hermitian, start = basis(len(gauge)), family.first_row
    moves = np.einsum("mkl,ldi,ij->mkdj", hermitian, family.operators, root)[:, start:].reshape(len(hermitian), -1)
    pulls = np.einsum("mkl,kdi,ldj->mij", hermitian, family.operators.conj(), family.operators)
    moved = ((family.fixed - np.einsum("kl,ldi->kdi", gauge, family.operators))[start:] @ root).ravel()
    lengths = np.linalg.norm(moves, axis=1)
    lengths[lengths == 0.0] = 1.0
    columns = np.einsum("zij,mji->mz", basis(2), pulls).real / lengths[:, None]
    slope = (moves.conj() @ moved).real / lengths
    multiplier = np.tensordot(np.linalg.lstsq(columns, -slope)[0], basis(2), 1)
    if start:
        multiplier[1, 1] = -multiplier[0, 0]  # the gauge of the identity moves B alone
    return multiplier


def _real(stack: Complex) -> Real:
    """Real and imaginary parts in turn, shape (m, 2 x entries)."""
    return np.ascontiguousarray(stack).reshape(len(stack), -1).view(float)


def _complex(matrix: Real) -> Complex:
    """The complex matrix whose real form ((Re, -Im), (Im, Re)) has the same trace with every other real form."""
    half = len(matrix) // 2
    upper, lower = matrix[:half], matrix[half:]
    return np.asarray(upper[:, :half] + lower[:, half:] + 1j * (lower[:, :half] - upper[:, half:]))
