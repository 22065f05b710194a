r"""Quantum Fisher information of a matrix product, by a variational logarithmic derivative.

.. math:: F = \max_L\; 2\,\mathrm{Tr}\,\partial\rho\,L - \mathrm{Tr}\,\rho L^2

Whatever L is put in, the value is at most F: the search can only fall short. L is a matrix product operator, and the
search sees nothing but those of :math:`\rho` and :math:`\partial\rho`. Two things keep it from stalling on products
of GHZ blocks, where one that starts anywhere finds a few blocks at most.

*The scale.* Operators of the left part are measured by the state, :math:`\tfrac12\mathrm{Tr}\,\rho(X^\dagger X +
XX^\dagger)` with the rest traced out; those of the right likewise. In that measure the identity and the
:math:`|e\ldots e\rangle\langle g\ldots g|` of a large block are of one size. In the Hilbert-Schmidt one they are apart
by :math:`2^{n/2}`, and all that a search can see is one of the two.

*The start.* For each bond index c of :math:`\rho` and of :math:`\partial\rho`, the operator of the left part that
solves :math:`\tfrac12(L\rho + \rho L) = \rho_c` for that index alone, grown site by site. The L of a product is made
of these, so that the first sweep finds it.

Since :math:`\partial\rho = i[G, \rho]`, it is :math:`L = i\Lambda` that is searched for: real where :math:`\rho` is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["VariationalInformation", "variational_information"]

Array = NDArray[Any]

# Squared size, in the measure of the state, of directions nearly parallel to others: below the first they are not
# magnified to unit size, since their rounding would be, too; below the second they are rounding.
_WEAK = 1e-3
_NULL = 1e-9
# Eigenvalues below which a direction does not matter, in the direct and in the iterative solution.
_SINGULAR = 1e-10
_FLAT = 1e-5
_RESIDUAL = 1e-16
# Size of an operator, relative to the largest, below which it can be the rounding of one that is 0.
_ABSENT = 3e-5
# Directions that a sweep may add to a bond, and the residual, relative to what is wanted, that asks for none.
_ENRICHMENT = 6
_SETTLED = 1e-7
_DENSE = 600
_ITERATIONS = 400
_MOST_WORK = 2e10


@dataclass(frozen=True)
class VariationalInformation:
    r"""Quantum Fisher information that a logarithmic derivative of limited bond attains: a lower bound.

    Attributes
    ----------
    value : float
        For the phase of one atom.
    history : tuple of float
        Value after each sweep.
    bond : int
        Largest bond of the logarithmic derivative.
    discarded : float
        Largest relative squared norm, in the measure of the state, that a bond lost in the last sweep.
    residual : float
        Largest norm of :math:`\partial\rho - \tfrac12(L\rho + \rho L)`, as two neighbouring sites see it in the last
        sweep, relative to that of :math:`\partial\rho`. It is seen before the solution of the second site.
    """

    value: float
    history: tuple[float, ...]
    bond: int
    discarded: float
    residual: float

    @property
    def gain(self) -> float:
        """What the last sweep added, relative to the value: an estimate of what is missing."""
        if self.value == 0.0:
            return 0.0
        return abs(self.history[-1] - self.history[-2]) / self.value


def variational_information(
    rho: Sequence[Array],
    slope: Sequence[Array],
    max_bond: int = 64,
    rtol: float = 1e-8,
    max_sweeps: int = 12,
) -> VariationalInformation:
    r"""Quantum Fisher information of a state given as two matrix product operators.

    Parameters
    ----------
    rho, slope : sequence of ndarray, shape (left, levels, levels, right)
        :math:`\rho` and :math:`[G, \rho] = -i\,\partial_\varphi\rho`, one tensor a site; the outer bonds have
        dimension 1. Without the i, both are real where the atoms have a basis that makes them so.
    max_bond : int, optional
        Largest bond of the logarithmic derivative.
    rtol : float, optional
        The search ends when a sweep adds less than this, relative to the value.
    max_sweeps : int, optional
        The search ends after so many sweeps at the latest.

    Returns
    -------
    VariationalInformation
        The value, and how it was approached.

    Raises
    ------
    ValueError
        If the search takes too much work.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ghz, QuimbMPO, Ramsey
    >>> state = QuimbMPO().evolve(Ramsey(Ghz(50), Dephasing(1.0), time=0.01))
    >>> round(variational_information(state.tensors, state.commutator_tensors()).value, 6)
    1516.326649
    """
    work = _Work()
    there = _Direction(list(rho), list(slope), work)
    back = _Direction([_mirrored(t) for t in rho[::-1]], [_mirrored(t) for t in slope[::-1]], work)
    known = _grown(there, max_bond)
    history: list[float] = []
    bond, discarded, residual = 1, 0.0, 0.0
    for _ in range(max_sweeps):
        there, back = back, there
        value, known, bond, discarded, residual = _sweep(there, known, max_bond, rtol)
        history.append(value)
        if len(history) > 1 and abs(history[-1] - history[-2]) <= rtol * history[-1]:
            break
    return VariationalInformation(history[-1], tuple(history), bond, discarded, residual)


def _mirrored(tensor: Array) -> Array:
    return tensor.transpose(3, 1, 2, 0)


def _eigh(matrix: Array) -> tuple[NDArray[np.float64], Array]:
    """Eigenvalues and vectors of the Hermitian part; numpy's divide-and-conquer driver gives up on some of these."""
    from scipy.linalg import eigh

    values, vectors = eigh(0.5 * (matrix + matrix.conj().T), driver="evr")
    return np.asarray(values, dtype=float), np.asarray(vectors)


@dataclass
class _Work:
    """Multiplications so far: a search that is too large ends after the same number on every machine."""

    done: float = 0.0

    def add(self, number: float) -> None:
        self.done += number
        if self.done > _MOST_WORK:
            raise ValueError(
                f"the variational quantum Fisher information needs more than {_MOST_WORK:.0e} multiplications, too "
                "many atoms are correlated: take fewer atoms, a smaller max_sld_bond, or a backend that knows the "
                "symmetry of the probe"
            )


class _Direction:
    """The two networks read in one direction, with what does not change while L does."""

    def __init__(self, rho: list[Array], slope: list[Array], work: _Work) -> None:
        self.rho, self.slope, self.work = rho, slope, work
        self.sites, self.levels = len(rho), rho[0].shape[1]
        # Of the Gram matrices below, and of their diagonalisation.
        for tensor in (*rho, *slope):
            work.add(2.0 * tensor.size * tensor.shape[3] + 10.0 * tensor.shape[0] ** 3)
        # rho L and L rho at one site, as matrices from (bond, contracted level) to (free level, next bond).
        self.products = [
            (
                _compact(tensor.transpose(0, 2, 1, 3).reshape(tensor.shape[0] * self.levels, -1)),
                _compact(tensor.reshape(tensor.shape[0] * self.levels, -1)),
            )
            for tensor in rho
        ]
        self.pairs = [np.nonzero(_algebra(tensor)) for tensor in rho]
        self.trace = [np.ones(1)]
        for tensor in rho[:0:-1]:
            self.trace.insert(0, np.einsum("laar->lr", tensor) @ self.trace[0])
        self.weights = [_root_gram(tensors) for tensors in (rho, slope)]


def _compact(matrix: Array) -> Any:
    from scipy.sparse import csr_array

    dense = np.count_nonzero(matrix) > 0.05 * matrix.size or matrix.size < 10**4
    return matrix if dense else csr_array(matrix)


def _algebra(tensor: Array) -> NDArray[np.bool_]:
    """Pairs of levels between which the site has, or can get, coherences: L needs no others."""
    pattern = (np.abs(tensor).max(axis=(0, 3)) > 0.0) | np.eye(tensor.shape[1], dtype=bool)
    pattern |= pattern.T
    for _ in range(len(pattern)):
        pattern = (pattern.astype(int) @ pattern.astype(int)) > 0
    return np.asarray(pattern)


def _root_gram(tensors: list[Array]) -> list[Array]:
    """For each site, W with WW^+ the Gram matrix (Hilbert-Schmidt, scaled) of what each bond index has on its right."""
    gram = np.ones((1, 1), dtype=tensors[0].dtype)
    roots = []
    for tensor in tensors[::-1]:
        values, vectors = _eigh(gram)
        roots.append(vectors * np.sqrt(np.clip(values, 0.0, None)))
        half = np.tensordot(tensor, roots[-1], (3, 0)).reshape(tensor.shape[0], -1)
        gram = half @ half.conj().T
        gram = gram / np.trace(gram).real
    return roots[::-1]


@dataclass
class _Left:
    """Operators of the left part, contracted with rho L, L rho, and with the derivative."""

    first: Array
    second: Array
    slope: Array
    columns: Array | None = None

    @classmethod
    def edge(cls, dtype: np.dtype) -> _Left:
        return cls(np.ones((1, 1, 1), dtype), np.ones((1, 1, 1), dtype), np.ones((1, 1), dtype))


def _times_rho(direction: _Direction, site: int, left: _Left, x: Array) -> tuple[Array, Array]:
    """Left parts of rho L, shape (x, b, z, a, bond), and of L rho, shape (x, a, z, b, bond)."""
    levels, bond = direction.levels, direction.rho[site].shape[3]
    results = []
    for environment, product, axes in (
        (left.first, direction.products[site][0], (0, 3, 4, 1, 2)),
        (left.second, direction.products[site][1], (0, 2, 4, 1, 3)),
    ):
        part = np.tensordot(environment, x, (2, 0)).transpose(axes)
        shape = part.shape
        # A multiplication by a sparse matrix takes as long as some eight by a dense one.
        each = product.shape[1] if isinstance(product, np.ndarray) else 8.0 * product.nnz / product.shape[0]
        direction.work.add(part.size * (len(x) + each))
        part = part.reshape(shape[0] * shape[1] * shape[2], -1) @ product
        results.append(part.reshape(*shape[:3], levels, bond))
    return results[0], results[1]


def _advance(direction: _Direction, site: int, left: _Left, columns: Array) -> _Left:
    """The same for one more site, with the operators whose coefficients are the columns."""
    x = _operators(direction, site, columns)
    first, second = _times_rho(direction, site, left, x)
    slope = np.tensordot(left.slope, direction.slope[site], (1, 0))
    return _Left(
        np.tensordot(x.conj(), first, ((0, 1, 2), (0, 3, 1))).transpose(0, 2, 1),
        np.tensordot(x.conj(), second, ((0, 1, 2), (0, 1, 3))).transpose(0, 2, 1),
        np.tensordot(x.conj(), slope, ((0, 1, 2), (0, 1, 2))),
        columns,
    )


def _operators(direction: _Direction, site: int, columns: Array) -> Array:
    """Columns over (bond, pair of levels) as a tensor (bond, level, level, column)."""
    ket, bra = direction.pairs[site]
    x = np.zeros((len(columns) // len(ket), direction.levels, direction.levels, columns.shape[1]), columns.dtype)
    x[:, ket, bra] = columns.reshape(-1, len(ket), columns.shape[1])
    return x


def _on_pairs(direction: _Direction, site: int, functional: Array) -> Array:
    ket, bra = direction.pairs[site]
    return functional[:, ket, bra].reshape(-1, functional.shape[-1])


def _two_sided(direction: _Direction, site: int, left: _Left, right: tuple[Array, Array]) -> Array:
    """Matrix of (L rho + rho L)/2 between operators (bond, pair); right parts of shape (bond, ...) are put in."""
    ket, bra = direction.pairs[site]
    total: Array = np.zeros(1)
    for environment, closing, side in ((left.first, right[0], 0), (left.second, right[1], 1)):
        local = np.tensordot(direction.rho[site], closing, (3, 0))
        if side == 0:
            local = local[:, ket[:, None], ket[None, :]] * (bra[:, None] == bra)[..., *[None] * (local.ndim - 3)]
        else:
            local = local[:, bra[None, :], bra[:, None]] * (ket[:, None] == ket)[..., *[None] * (local.ndim - 3)]
        total = total + np.tensordot(environment, local, (1, 0))
    return 0.5 * total


def _measure(direction: _Direction, site: int, left: _Left) -> Array:
    """Basis of the operators of left part and site that is orthonormal in the measure of the state, as columns."""
    trace = direction.trace[site]
    gram = _two_sided(direction, site, left, (trace, trace)).transpose(0, 2, 1, 3)
    size = gram.shape[0] * gram.shape[1]
    direction.work.add(10.0 * size**3)
    gram = gram.reshape(size, size)
    scale = np.sqrt(np.clip(np.diag(gram).real, 0.0, None))
    present = scale > _ABSENT * scale.max()
    inverse = np.where(present, 1.0 / np.where(present, scale, 1.0), 0.0)
    values, vectors = _eigh(gram * np.multiply.outer(inverse, inverse))
    kept = values > _NULL * values[-1]
    return np.asarray(np.asarray(inverse[:, None]) * vectors[:, kept] / np.sqrt(np.maximum(values[kept], _WEAK)))


def _grown(direction: _Direction, max_bond: int) -> list[_Left]:
    """The start: left parts at every bond, from the edge on."""
    dtype = direction.rho[0].dtype
    left, state = _Left.edge(dtype), np.ones((1, 1), dtype)
    grown = [left]
    for site in range(direction.sites - 1):
        basis = _measure(direction, site, left)
        wanted = []
        for functional, tensors, weights in zip(
            (state, left.slope), (direction.rho, direction.slope), direction.weights, strict=True
        ):
            local = _on_pairs(direction, site, np.tensordot(functional, tensors[site], (1, 0)))
            part = basis.conj().T @ (local @ weights[site])
            norm = np.linalg.norm(part)
            wanted.append(part / (norm if norm > 0.0 else 1.0))
        vectors, values, _ = np.linalg.svd(np.concatenate(wanted, axis=1), full_matrices=False)
        number = min(max_bond, max(1, int((values > 1e-6 * values[0]).sum())))
        columns = basis @ vectors[:, :number]
        x = _operators(direction, site, columns)
        state = np.tensordot(x.conj(), np.tensordot(state, direction.rho[site], (1, 0)), ((0, 1, 2), (0, 1, 2)))
        left = _advance(direction, site, left, columns)
        grown.append(left)
    return grown


def _sweep(
    direction: _Direction, known: list[_Left], max_bond: int, rtol: float
) -> tuple[float, list[_Left], int, float, float]:
    """One sweep: L is solved for at each site in turn, and its bond cut to what matters."""
    left = _Left.edge(direction.rho[0].dtype)
    lefts, value, bond, discarded, residual = [left], 0.0, 1, 0.0, 0.0
    for site in range(direction.sites):
        right = known[direction.sites - 1 - site]
        basis = _measure(direction, site, left)
        solution, value = _solved(direction, site, left, right, basis)
        if site == direction.sites - 1:
            break
        vectors, values, _ = np.linalg.svd(solution, full_matrices=False)
        tail = np.cumsum(values[::-1] ** 2)[::-1]
        number = min(max_bond, max(1, int((tail > 1e-3 * rtol * tail[0]).sum())))
        if number < len(tail) and tail[0] > 0.0:
            discarded = max(discarded, float(tail[number] / tail[0]))
        kept = vectors[:, :number]
        if number < basis.shape[1]:
            kept, size = _enriched(direction, site, left, known, basis, solution, kept, max_bond)
            residual = max(residual, size)
        columns = basis @ kept
        bond = max(bond, number)
        left = _advance(direction, site, left, columns)
        lefts.append(left)
    return value, lefts, bond, discarded, residual


def _enriched(
    direction: _Direction,
    site: int,
    left: _Left,
    known: list[_Left],
    basis: Array,
    solution: Array,
    kept: Array,
    max_bond: int,
) -> tuple[Array, float]:
    """Coefficients in the basis: those kept, and directions that the residual of this site and the next asks for.

    And the size of that residual, relative to what is wanted.
    """
    right, beyond = known[direction.sites - 1 - site], known[direction.sites - 2 - site]
    assert right.columns is not None
    following = _operators(direction, site + 1, right.columns).transpose(3, 1, 2, 0)
    test, x = (_operators(direction, site, columns) for columns in (basis, basis @ solution))
    first, second = _times_rho(direction, site, left, x)
    mixed = _Left(
        np.tensordot(test.conj(), first, ((0, 1, 2), (0, 3, 1))).transpose(0, 2, 1),
        np.tensordot(test.conj(), second, ((0, 1, 2), (0, 1, 3))).transpose(0, 2, 1),
        np.tensordot(test.conj(), np.tensordot(left.slope, direction.slope[site], (1, 0)), ((0, 1, 2), (0, 1, 2))),
    )
    wanted = _on_pairs_apart(
        direction, site + 1, np.tensordot(mixed.slope, direction.slope[site + 1], (1, 0)) @ beyond.slope.T
    )
    first, second = _times_rho(direction, site + 1, mixed, following)
    image = np.tensordot(first, beyond.first, ((2, 4), (2, 1))).transpose(0, 2, 1, 3)
    image = image + np.tensordot(second, beyond.second, ((2, 4), (2, 1)))
    residual = wanted - 0.5 * _on_pairs_apart(direction, site + 1, image)
    vectors, values, _ = np.linalg.svd(residual, full_matrices=False)
    size = float(np.linalg.norm(wanted))
    relative = float(np.linalg.norm(residual) / size) if size > 0.0 else 0.0
    asked = vectors[:, : max_bond - kept.shape[1]][:, :_ENRICHMENT]
    asked = asked[:, values[: asked.shape[1]] > _SETTLED * size]
    # A second pass keeps what is added orthogonal to rounding.
    for _ in range(2):
        asked = asked - kept @ (kept.conj().T @ asked)
    if asked.shape[1] == 0:
        return kept, relative
    fresh, sizes, _ = np.linalg.svd(asked, full_matrices=False)
    return np.concatenate([kept, fresh[:, sizes > 1e-3]], axis=1), relative


def _on_pairs_apart(direction: _Direction, site: int, functional: Array) -> Array:
    """A functional (index, level, level, bond) as a matrix (index, pair and bond)."""
    ket, bra = direction.pairs[site]
    return functional[:, ket, bra].reshape(len(functional), -1)


def _solved(direction: _Direction, site: int, left: _Left, right: _Left, basis: Array) -> tuple[Array, float]:
    """L at one site (in the basis; right bond) and the value of the functional."""
    wanted = basis.conj().T @ (
        _on_pairs(direction, site, np.tensordot(left.slope, direction.slope[site], (1, 0))) @ right.slope.T
    )
    size, width = wanted.size, wanted.shape[1]
    if size <= _DENSE:
        direction.work.add(10.0 * size**3)
        closing = (right.first.transpose(1, 0, 2), right.second.transpose(1, 0, 2))
        matrix = _two_sided(direction, site, left, closing).transpose(0, 2, 4, 1, 3, 5)
        matrix = matrix.reshape(len(basis), width, len(basis), width)
        matrix = np.tensordot(np.tensordot(basis.conj(), matrix, (0, 0)), basis, (2, 0)).transpose(0, 1, 3, 2)
        matrix = matrix.reshape(size, size)
        values, vectors = _eigh(matrix)
        kept = values > _SINGULAR * values[-1]
        amplitudes = vectors[:, kept].conj().T @ wanted.ravel()
        value = float((np.abs(amplitudes) ** 2 / values[kept]).sum())
        return (vectors[:, kept] @ (amplitudes / values[kept])).reshape(wanted.shape), value

    ket, bra = direction.pairs[site]

    def applied(x: Array) -> Array:
        first, second = _times_rho(direction, site, left, _operators(direction, site, basis @ x))
        total = np.tensordot(first, right.first, ((2, 4), (2, 1))).transpose(0, 2, 1, 3)
        total = total + np.tensordot(second, right.second, ((2, 4), (2, 1)))
        return np.asarray(0.5 * (basis.conj().T @ total[:, ket, bra].reshape(-1, width)))

    return _conjugate_gradients(applied, wanted)


def _conjugate_gradients(applied: Callable[[Array], Array], wanted: Array) -> tuple[Array, float]:
    """Solution of a positive system, singular where it does not matter; and its value, which only rises."""
    solution, residual, value = np.zeros_like(wanted), wanted.copy(), 0.0
    search, square = residual.copy(), np.vdot(residual, residual).real
    goal = _RESIDUAL * square
    for _ in range(_ITERATIONS):
        if square <= goal:
            break
        image = applied(search)
        curvature = np.vdot(search, image).real
        if curvature <= _FLAT * np.vdot(search, search).real:
            break
        step = square / curvature
        solution, residual, value = solution + step * search, residual - step * image, value + step * square
        square, last = np.vdot(residual, residual).real, square
        search = residual + (square / last) * search
    return solution, float(value)
