r"""What a gauge is worth: rigorous limits from above and from below, with NumPy only.

Nothing here knows how a gauge was found. All numbers are sums of products of the entries given, so that the rounding
of each is limited by that of the same sum over moduli; these limits are added to, or subtracted from, every result.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qcn_open.bounds.families import EPS, GaugeFamily

__all__ = ["basis", "from_above", "from_below", "hermitian_norm"]

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]


def from_above(family: GaugeFamily, gauge: Complex, others: float) -> float:
    r"""Upper limit of :math:`\|X_h^\dagger X_h\| + (N-1)\|B_h\|^2` at the gauge h; `others` is N - 1.

    The operators :math:`KG^{-1/2}`, with :math:`G = \sum K^\dagger K` a rounding away from 1, are a channel exactly;
    the limit is for that one. For an infinite number of others it is :math:`\|X_h^\dagger X_h\|` at a gauge next to h
    at which :math:`B_h` vanishes exactly; infinite if there is none.
    """
    moved, moved_error, left, left_error = _evaluate(family, gauge)
    deviation, drift = family.defect()
    growth = 1.0 / (1.0 - deviation)
    gram = np.einsum("kdi,kdj->ij", moved.conj(), moved)
    rounding = _rounding(moved.size) * float(np.sum(np.abs(moved) ** 2))
    size = math.sqrt(hermitian_norm(gram) + rounding) + float(np.linalg.norm(moved_error))
    size = math.sqrt(growth) * size + float(drift.sum())
    if others == 0.0:
        return _up(size**2)
    if math.isinf(others):
        return _up((size + growth * _distance(family, np.abs(left) + left_error + drift)) ** 2)
    shift = growth * (hermitian_norm(left) + float(left_error.sum()) + float(drift.sum()))
    return _up(size**2 + others * shift**2)


def from_below(family: GaugeFamily, gauge: Complex, others: float, state_root: Complex, multiplier: Complex) -> float:
    r"""Lower limit of the minimum over *all* gauges of :math:`\|X_h^\dagger X_h\| + (N-1)\|B_h\|^2`.

    .. math:: \min_h q(h), \quad
              q = \mathrm{tr}\,\rho X_h^\dagger X_h + 2\,\mathrm{tr}\,ZB_h - \|Z\|_1^2/(N-1),

    for any state :math:`\rho = RR^\dagger/\mathrm{tr}RR^\dagger` and any Hermitian Z. From the given h one Newton step
    leads to the minimum of this quadratic form; what gradient g rounding leaves there costs at most
    :math:`|g|^2/4\sigma^2` with :math:`\sigma` the smallest singular value of :math:`h \mapsto hVR`.
    """
    root = state_root / np.linalg.norm(state_root)
    weight = (multiplier + multiplier.conj().T) / 2.0 if others > 0.0 else np.zeros((2, 2), dtype=complex)
    operators, hermitian, start = family.operators, basis(len(gauge)), family.first_row
    moves = np.einsum("mkl,ldi,ij->mkdj", hermitian, operators, root)[:, start:].reshape(len(hermitian), -1)
    pulls = np.einsum("mkl,kdi,ldj->mij", hermitian, operators.conj(), operators)
    columns = np.concatenate([moves.real, moves.imag], axis=1).T
    lengths = np.linalg.norm(columns, axis=0)
    free = lengths > 0.0
    pull = 2.0 * np.einsum("ij,mji->m", weight, pulls).real
    scaled, lengths = columns[:, free] / lengths[free], lengths[free]
    _, singular, directions = np.linalg.svd(scaled, full_matrices=False)

    def gradient(gauge: Complex) -> Real:
        """Of q along the free directions of -h, in units in which the quadratic form has a unit diagonal."""
        moved = (_evaluate(family, gauge)[0] @ root).ravel()
        return np.asarray(2.0 * scaled.T @ np.concatenate([moved.real, moved.imag]) + pull[free] / lengths)

    if np.any(pull[~free] != 0.0) or len(singular) < len(lengths) or singular[-1] <= 1e-12:
        return 0.0  # gauges that do not move X could lower q without limit
    step = directions.T @ (directions @ gradient(gauge) / (2.0 * singular**2)) / lengths
    best = gauge + np.tensordot(step, hermitian[free], 1)
    moved, moved_error, left, left_error = _evaluate(family, best)
    # Only what the state weighs counts: one that is all in e says nothing of large entries at g.
    error = float(np.linalg.norm(moved_error @ np.abs(root)))
    size, trace_norm = float(np.linalg.norm(moved @ root)), _trace_norm(weight)
    value = size**2 + 2.0 * float(np.einsum("ij,ji->", weight, left).real)
    penalty = 0.0 if math.isinf(others) or others == 0.0 else trace_norm**2 / others
    absolute = np.abs(weight)
    rounding = 2.0 * size * error + error**2 + 2.0 * float(np.sum(absolute.T * left_error))
    rounding += _rounding(moved.size) * (size**2 + 2.0 * float(np.sum(absolute.T * np.abs(left))) + penalty)
    slope = gradient(best)
    pull_scale = 2.0 * np.einsum("mkl,kdi,ldj,ij->m", np.abs(hermitian[free]), *[np.abs(operators)] * 2, absolute)
    slope_error = 2.0 * error + _rounding(moved.size) * (2.0 * size + pull_scale / lengths)
    loss = float(np.sum((np.abs(slope) + slope_error) ** 2)) / singular[-1] ** 2
    return float(max(value - penalty - rounding - loss, 0.0)) * (1.0 - 8.0 * EPS)


def basis(size: int) -> Complex:
    """Real basis of the Hermitian matrices, shape (size^2, size, size)."""
    elements = []
    for row in range(size):
        for column in range(row + 1):
            for factor in (1.0,) if row == column else (1.0, 1.0j):
                element = np.zeros((size, size), dtype=complex)
                element[row, column], element[column, row] = factor, np.conj(factor)
                elements.append(element)
    return np.array(elements)


def hermitian_norm(matrix: Complex) -> float:
    r"""Largest modulus of an eigenvalue of a Hermitian 2x2 matrix, :math:`|m| + \sqrt{d^2 + |c|^2}`, rounded up."""
    mean, half = (matrix[0, 0] + matrix[1, 1]).real / 2.0, (matrix[0, 0] - matrix[1, 1]).real / 2.0
    return _up(float(abs(mean) + math.hypot(half, abs(matrix[0, 1]))))


def _trace_norm(matrix: Complex) -> float:
    trace, half = (matrix[0, 0] + matrix[1, 1]).real, (matrix[0, 0] - matrix[1, 1]).real / 2.0
    return _up(float(max(abs(trace), 2.0 * math.hypot(half, abs(matrix[0, 1])))))


def _evaluate(family: GaugeFamily, gauge: Complex) -> tuple[Complex, Real, Complex, Real]:
    """X and B at a gauge, each followed by the rounding errors of its entries."""
    operators, start = family.operators, family.first_row
    moved = (family.fixed - np.einsum("kl,ldi->kdi", gauge, operators))[start:]
    left = family.overlap - np.einsum("kdi,kl,ldj->ij", operators.conj(), gauge, operators)
    modulus, mixing = np.abs(operators), np.abs(gauge)
    scale = (np.abs(family.fixed) + np.einsum("kl,ldi->kdi", mixing, modulus))[start:]
    left_scale = np.abs(family.overlap) + np.einsum("kdi,kl,ldj->ij", modulus, mixing, modulus)
    left = (left + left.conj().T) / 2.0
    return (
        moved,
        _rounding(len(gauge)) * scale,
        left,
        _rounding(moved.size * len(gauge)) * left_scale,
    )


def _distance(family: GaugeFamily, remainder: Real) -> float:
    r"""How far X moves at most when h moves to where :math:`B_h` vanishes, from limits on the entries of B now."""
    hermitian, operators = basis(len(family.operators)), family.operators
    pulls = np.einsum("mkl,kdi,ldj->mij", hermitian, operators.conj(), operators)
    columns = np.array([pulls[:, 0, 0].real, pulls[:, 1, 1].real, pulls[:, 1, 0].real, pulls[:, 1, 0].imag])
    targets = np.array([remainder[0, 0], remainder[1, 1], remainder[1, 0], remainder[1, 0]])
    size = math.sqrt(float(np.sum(np.abs(operators) ** 2)))
    total = 0.0
    for target, component in zip(targets, np.eye(4), strict=True):
        if target > 0.0:
            step = np.linalg.lstsq(columns, component)[0]
            if np.abs(columns @ step - component).max() > 1e-6:
                return math.inf
            total += 1.01 * target * float(np.linalg.norm(np.tensordot(step, hermitian, 1))) * size
    return total


def _rounding(terms: int) -> float:
    """Relative error of a sum of products of complex numbers, at most: each term is rounded a few times more."""
    return (terms + 8.0) * EPS


def _up(value: float) -> float:
    """A few roundings up."""
    return float(value * (1.0 + 8.0 * EPS))
