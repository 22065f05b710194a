r"""Many atoms under equal local noise, in the blocks of Schur and Weyl: the root of `Symmetric`.

A state of M atoms that no permutation changes is a direct sum over the total spin j = M/2 - i, i = 0, 1, ...,

.. math:: \rho = \bigoplus_j \rho_j\otimes 1_{d_j}/d_j, \qquad d_j = \binom Mi\frac{M-2i+1}{M-i+1},

with :math:`\sum_j\mathrm{Tr}\rho_j = 1`: all entries are N^3/6 numbers. Inside a block the index is the number of
excited atoms, less i.

*The channel.* Phase-covariant noise of one atom takes populations by a matrix P and multiplies the coherence by
:math:`\lambda`. A product operator :math:`A^{\otimes M}` has the blocks :math:`d_j(\det A)^i D^j(A)`, where
:math:`D^j(A)` is :math:`A^{\otimes2j}` on the Dicke states. The one-atom operators
:math:`(|g\rangle + z|e\rangle)(\langle g| + w\langle e|)` become

.. math:: A = \begin{pmatrix} p_{gg} + p_{ge}zw & \lambda^*w \\ \lambda z & p_{eg} + p_{ee}zw\end{pmatrix}

and their products generate all symmetric inputs: :math:`|D_k\rangle\langle D_l|/\sqrt{\tbinom Mk\tbinom Ml}` goes to
the coefficient of :math:`z^kw^l`. With the triangular factors of A (pivot :math:`A_{ee}` where more than half of the
atoms are excited, :math:`A_{gg}` where less), the noise is a sum over r = i, i+1, ... of

.. math:: d_j\,a_r(\mu)a_r(\mu')\,\lambda^q|\lambda|^{2(\mu-r)}\,[u^{\mu-r}]\,(\det A)^r A_{ee}^{M-\mu-\mu'},
          \quad a_r(\mu) = \sqrt{\tbinom{\mu-i}{\mu-r}\tbinom{M-i-r}{\mu-r}}

for the element with :math:`\mu` and :math:`\mu' = \mu+q` atoms in g. Every polynomial in u = zw has coefficients >= 0
(complete positivity: :math:`|\lambda|^2\le p_{gg}p_{ee}`), so no digit is lost to cancellation, and each order q of
coherence keeps the accuracy of its own scale.

*Loss* of either level alike comes last: tracing out one atom after the other, weighted by a binomial. Loss that
depends on the level comes first: a weighted partial trace of a symmetric state is symmetric.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qcn_open.noise import Noise, one_site
from qcn_open.noise.base import EXCITED, GROUND
from qcn_open.probes.base import binomial

__all__ = ["Matrix", "Sector", "SymmetricChannel", "up_harmonics"]

Matrix = NDArray[Any]
"""Real or complex: real amplitudes are computed with as such."""

_ROUNDING = 8.0 * np.finfo(float).eps
_CHUNK = 2**22


@dataclass(frozen=True, eq=False)
class Sector:
    r"""What is left when `atoms` atoms are: blocks of total spin atoms/2 - i.

    Attributes
    ----------
    atoms : int
        Number M of surviving atoms.
    blocks : tuple of ndarray
        ``blocks[i]`` has the shape (M-2i+1, M-2i+1); its trace is the probability of M survivors and total spin
        M/2 - i, its rows are numbered by the excited atoms less i. Blocks that are missing at the end are zero. For
        an observable: the operator that acts on the spin M/2 - i.
    """

    atoms: int
    blocks: tuple[Matrix, ...]

    @property
    def weight(self) -> float:
        """Probability of the sector."""
        return float(sum(np.trace(block).real for block in self.blocks))


class SymmetricChannel:
    r"""Local noise on the symmetric states of N atoms, as a linear map with its adjoint.

    Parameters
    ----------
    atoms : int
        Number N of atoms.
    noise : iterable of Noise
        Local noises.
    time : float
        Duration, s.

    Raises
    ------
    ValueError
        If the noise is not phase-covariant.

    Notes
    -----
    A phase that the noise gives each atom on its own is left out (`turn`, rad): it commutes with all the rest.

    Examples
    --------
    >>> from qcn_open import CoherentSpin, Dephasing, TrapLoss
    >>> channel = SymmetricChannel(2, [Dephasing(1.0), TrapLoss(0.2)], time=0.5)
    >>> amplitudes = CoherentSpin(2).symmetric_state()
    >>> sectors = list(channel.blocks(np.outer(amplitudes, amplitudes.conj())))
    >>> [(sector.atoms, round(sector.weight, 6)) for sector in sectors]
    [(2, 0.818731), (1, 0.172213), (0, 0.009056)]
    """

    def __init__(self, atoms: int, noise: Iterable[Noise], time: float) -> None:
        self.atoms = atoms
        site = one_site(noise, time)
        self.turn = float(site.log_coherence.imag)
        ground, excited = site.log_survival
        self.equal_loss = bool(abs(ground - excited) <= _ROUNDING * (1.0 + abs(ground)))
        # With equal loss the survivors are described by what one atom does, given that it stays.
        stay = float(ground) if self.equal_loss else 0.0
        self.loss = site.loss
        self._log_survival = site.log_survival
        self._log_transfer = site.log_transfer - stay
        self._log_coherence = float(site.log_coherence.real) - stay
        self._maps: dict[int, _Transfer] = {}

    def blocks(self, state: Matrix, kept: NDArray[np.bool_] | None = None) -> Iterator[Sector]:
        """The state after the noise, one sector for each number of survivors, the largest first.

        Parameters
        ----------
        state : ndarray, shape (N+1, N+1)
            Density matrix on the Dicke states.
        kept : ndarray of bool, shape (N+1,), optional
            Which numbers of survivors are wanted; without it, all that are possible.
        """
        if self.equal_loss:
            yield from self.lose(self.unlost(state), kept)
            return
        wanted = np.ones(self.atoms + 1, dtype=bool) if kept is None else kept
        for atoms in range(self.atoms, -1, -1):
            if wanted[atoms]:
                yield Sector(atoms, self._map(atoms).apply(state))
            if atoms > 0:
                state = _weighted_trace(state, self.loss) * (atoms / (self.atoms - atoms + 1))

    def adjoint(self, observables: Iterable[Sector]) -> Matrix:
        r"""The operator on the symmetric states with the mean value that the observables have after the noise.

        .. math:: \mathrm{Tr}\,\mathcal E^\dagger(A)\rho = \sum_{M,j}\mathrm{Tr}\,A_{M,j}\,\mathcal E(\rho)_{M,j}

        Parameters
        ----------
        observables : iterable of Sector
            Hermitian operators; sectors and blocks that are missing are zero.
        """
        by_atoms = {sector.atoms: sector.blocks for sector in observables}
        if self.equal_loss:
            weights, transfer = self._survivors(self.atoms, GROUND), self._map(self.atoms)
            blocks: tuple[Matrix, ...] = ()
            for atoms in range(min(by_atoms), self.atoms + 1):
                if blocks:
                    blocks = _append_one(blocks, atoms, transfer.spins)
                blocks = _sum(blocks, tuple(weights[atoms] * block for block in by_atoms.get(atoms, ())))
            return transfer.adjoint(blocks)
        result: Matrix = np.zeros((1, 1))
        for atoms in range(self.atoms + 1):
            if atoms > 0:
                result = _weighted_append(result, self.loss) * (atoms / (self.atoms - atoms + 1))
            if atoms in by_atoms:
                result = result + self._map(atoms).adjoint(by_atoms[atoms])
        return result

    def unlost(self, state: Matrix) -> Sector:
        """The state, given that no atom is lost; for loss equal in both levels."""
        return Sector(self.atoms, self._map(self.atoms).apply(state))

    def lose(self, unlost: Sector, kept: NDArray[np.bool_] | None = None) -> Iterator[Sector]:
        """The sectors that equal loss makes of the state without loss, as `blocks` gives them."""
        weights = self._survivors(self.atoms, GROUND)
        wanted = weights > 0.0 if kept is None else kept
        blocks = unlost.blocks
        for atoms in range(self.atoms, -1, -1):
            if wanted[atoms]:
                yield Sector(atoms, tuple(weights[atoms] * block for block in blocks))
            if not wanted[:atoms].any():
                return
            blocks = _trace_one(blocks, atoms)

    def survivors(self, state: Matrix) -> NDArray[np.float64]:
        """Probabilities of 0...N surviving atoms, shape (N+1,)."""
        if self.equal_loss:
            return self._survivors(self.atoms, GROUND)
        weights = np.zeros(self.atoms + 1)
        for excited, weight in enumerate(np.diagonal(state).real):
            if weight > 0.0:
                ground = self._survivors(self.atoms - excited, GROUND)
                weights += weight * np.convolve(ground, self._survivors(excited, EXCITED))
        return weights

    def _survivors(self, atoms: int, level: int) -> NDArray[np.float64]:
        """Probabilities that 0...atoms are left of so many atoms in one level."""
        if self.loss[level] < 0.5:
            return binomial(atoms, self.loss[level])[::-1]
        return binomial(atoms, float(np.exp(self._log_survival[level])))

    def _map(self, atoms: int) -> _Transfer:
        if atoms not in self._maps:
            # Only equal loss uses one map more than once.
            if not self.equal_loss:
                self._maps.clear()
            self._maps[atoms] = _Transfer(atoms, self._log_transfer, self._log_coherence)
        return self._maps[atoms]


def up_harmonics(block: Matrix) -> Matrix:
    r"""How many of the n = 2j atoms of a block are up, as a Fourier series of the angle.

    Up is :math:`|g\rangle + e^{i\theta}|e\rangle`, down is :math:`|g\rangle - e^{i\theta}|e\rangle`; u of them are up
    with probability :math:`\mathrm{Re}\sum_{q\ge0}f_{qu}e^{-iq\theta}`, from the eigenvectors of J_x.

    Returns
    -------
    ndarray, shape (n+1, n+1)
        f, indices (q, u).
    """
    from scipy.linalg import eigh_tridiagonal

    size = len(block)
    step = np.arange(1.0, size)
    _, basis = eigh_tridiagonal(np.zeros(size), 0.5 * np.sqrt(step * step[::-1]))
    harmonics = np.zeros((size, size), dtype=block.dtype)
    for q in range(size):
        elements = np.diagonal(block, -q)
        if elements.any():
            harmonics[q] = (1.0 if q == 0 else 2.0) * (elements @ (basis[q:] * basis[: size - q]))
    return harmonics


class _Transfer:
    """The noise of the survivors: symmetric states of M atoms to blocks, one order q of coherence at a time."""

    def __init__(self, atoms: int, log_transfer: NDArray[np.float64], log_coherence: float) -> None:
        self.atoms = atoms
        self.damping = np.exp(log_coherence)
        transfer = np.exp(log_transfer)
        # p_gg p_ee - |lambda|^2, zero where rounding decides.
        populations = log_transfer[GROUND, GROUND] + log_transfer[EXCITED, EXCITED]
        excess = 2.0 * log_coherence - populations
        gap = -np.expm1(excess) if excess < -_ROUNDING * (1.0 + abs(populations)) else 0.0
        middle = np.exp(populations) * gap + transfer[GROUND, EXCITED] * transfer[EXCITED, GROUND]
        low, high = (float(transfer[GROUND, level] * transfer[EXCITED, level]) for level in (GROUND, EXCITED))
        mixing = bool(low or middle or high)
        self.spins = atoms // 2 + 1 if mixing else 1
        # Pivot A_ee, then the same with g and e exchanged: pivot A_gg.
        self._pivots = transfer[EXCITED], transfer[GROUND, ::-1]
        self._determinants = [_powers(np.array(p), self.spins) for p in ([low, middle, high], [high, middle, low])]
        self._coupling = _couplings(atoms, self.spins)
        log_choose = _log_factorial(atoms)[atoms] - _log_factorial(atoms) - _log_factorial(atoms)[::-1]
        self._root_choose = np.exp(0.5 * log_choose).astype(float)

    def apply(self, state: Matrix) -> tuple[Matrix, ...]:
        """Blocks of the state after the noise."""
        n = self.atoms
        inputs = state / np.multiply.outer(self._root_choose, self._root_choose)
        orders = np.array([q for q in range(n + 1) if np.diagonal(state, -q).any()], dtype=int)
        kind = np.result_type(state.dtype, float)
        blocks = tuple(np.zeros((n - 2 * i + 1,) * 2, dtype=kind) for i in range(self.spins))
        for chunk in self._chunks(orders):
            by_order = np.zeros((len(chunk), n + 1), dtype=kind)
            for position, q in enumerate(chunk):
                by_order[position, : n - q + 1] = np.diagonal(inputs, -q)
            for mirrored in (False, True):
                places = [_places(n, i, chunk, mirrored) for i in range(self.spins)]
                for part, unit in ((by_order.real, 1.0), (by_order.imag, 1.0j)):
                    if not part.any():
                        continue
                    terms = self._terms(part, chunk, mirrored)
                    for i, (order, ground, row, column) in enumerate(places):
                        left, right = self._pair(i, chunk)
                        sums = np.einsum("rm,rqm,qrm->qm", left, right, terms[: right.shape[1], i:, i:])
                        blocks[i][row, column] += unit * sums[order, ground - i]
        for block in blocks:
            block += np.tril(block, -1).conj().T
        return blocks

    def adjoint(self, observables: tuple[Matrix, ...]) -> Matrix:
        """The symmetric operator whose mean value before the noise is that of the observables after it."""
        n = self.atoms
        observables = observables[: self.spins]
        kind = np.result_type(float, *(block.dtype for block in observables))
        lower = np.zeros((n + 1, n + 1), dtype=kind)
        for chunk in self._chunks(np.arange(n + 1)):
            for mirrored in (False, True):
                places = [_places(n, i, chunk, mirrored) for i in range(len(observables))]
                for unit in (1.0, 1.0j) if kind.kind == "c" else (1.0,):
                    terms = np.zeros((len(chunk), self.spins, n // 2 + 1))
                    for i, (order, ground, row, column) in enumerate(places):
                        elements = observables[i][row, column]
                        left, right = self._pair(i, chunk)
                        values = np.zeros(right.shape[1:])
                        values[order, ground - i] = elements.real if unit == 1.0 else elements.imag
                        terms[: len(values), i:, i:] += left * right.transpose(1, 0, 2) * values[:, None, :]
                    if not terms.any():
                        continue
                    by_order = self._terms_adjoint(terms, chunk, mirrored)
                    for position, q in enumerate(chunk):
                        bra = np.arange(n - q + 1)
                        lower[bra + q, bra] += unit * by_order[position, : n - q + 1]
        lower /= np.multiply.outer(self._root_choose, self._root_choose)
        return np.asarray(lower + np.tril(lower, -1).conj().T)

    def _terms(self, inputs: NDArray[np.float64], orders: NDArray[np.int64], mirrored: bool) -> NDArray[np.float64]:
        r"""The sums over inputs, indices (q, r, mu): all of the formula but d_j a_r(mu) a_r(mu')."""
        polynomials = np.zeros((len(orders), 2 * self.spins - 1, self.atoms // 2 + 1))
        vector = _mirror(inputs, orders) if mirrored else inputs
        constant, slope = self._pivots[mirrored]
        for power in range(self.atoms - int(orders[0]) + 1):
            if power > 0:
                following = slope * vector[:, 1:]
                vector = constant * vector
                vector[:, :-1] += following
            place, target = self._windows(orders, power, mirrored)
            polynomials[target] = vector[place]
        return self._scaled(np.matmul(self._determinants[mirrored], polynomials), orders)

    def _terms_adjoint(
        self, terms: NDArray[np.float64], orders: NDArray[np.int64], mirrored: bool
    ) -> NDArray[np.float64]:
        """Transpose of `_terms`."""
        polynomials = np.matmul(self._determinants[mirrored].T, self._scaled(terms, orders))
        vector = np.zeros((len(orders), self.atoms + 1))
        constant, slope = self._pivots[mirrored]
        for power in range(self.atoms - int(orders[0]), -1, -1):
            place, target = self._windows(orders, power, mirrored)
            vector[place] += polynomials[target]
            if power > 0:
                following = slope * vector[:, :-1]
                vector = constant * vector
                vector[:, 1:] += following
        return _mirror(vector, orders) if mirrored else vector

    def _windows(
        self, orders: NDArray[np.int64], power: int, mirrored: bool
    ) -> tuple[tuple[NDArray[np.int64], ...], tuple[NDArray[np.int64], ...]]:
        """Where the vector times this power of the pivot is needed, and where in (q, offset, mu)."""
        twice = self.atoms - orders - power
        rows = np.flatnonzero((twice >= 0) & (twice % 2 == 0)) if power > 0 or not mirrored else np.zeros(0, dtype=int)
        ground = twice[rows] // 2
        offset = np.arange(1 - self.spins, self.spins)
        row, column = np.nonzero(np.abs(offset) <= ground[:, None])
        return (rows[row], ground[row] + offset[column]), (rows[row], column, ground[row])

    def _scaled(self, terms: NDArray[np.float64], orders: NDArray[np.int64]) -> NDArray[np.float64]:
        """Terms times the powers of lambda and the roots of binomials that `_couplings` are divided by."""
        ground = np.arange(self.atoms // 2 + 1)
        power = 2.0 * np.maximum(ground - np.arange(self.spins)[:, None], 0)
        partner = np.minimum(ground + orders[:, None], self.atoms)
        root = self._root_choose[ground] * self._root_choose[partner] * self.damping ** orders[:, None]
        return np.asarray(terms * self.damping**power * root[:, None, :])

    def _pair(self, i: int, orders: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Couplings of mu and of its partner mu + q for the block i, indices (r, mu) and (r, q, mu), all from i on.

        A block of n atoms has no order beyond n.
        """
        coupling = self._coupling[i][:, i:]
        orders = orders[orders <= self.atoms - 2 * i]
        width = self.atoms // 2 + 1 - i
        partners = np.lib.stride_tricks.sliding_window_view(coupling, width, axis=1)
        if len(orders) and len(orders) == orders[-1] - orders[0] + 1:
            return coupling[:, :width], partners[:, orders[0] : orders[-1] + 1]
        return coupling[:, :width], partners[:, orders]

    def _chunks(self, orders: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Orders in portions that bound the memory."""
        size = max(1, _CHUNK // (2 * self.spins * (self.atoms // 2 + 1)))
        for start in range(0, len(orders), size):
            yield orders[start : start + size]


def _places(
    atoms: int, i: int, orders: NDArray[np.int64], mirrored: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Indices (position of q, mu) of the elements of block i that one pivot serves, and their rows and columns."""
    ground = np.arange(atoms // 2 + 1)
    twice = 2 * ground + orders[:, None]
    order, mu = np.nonzero((ground >= i) & (twice < atoms if mirrored else twice <= atoms))
    row = mu + orders[order] - i if mirrored else atoms - mu - i
    return order, mu, row, row - orders[order]


def _mirror(vector: NDArray[np.float64], orders: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each row, of length N - q + 1, read backwards: g and e exchanged."""
    length = vector.shape[1] - orders[:, None]
    index = np.arange(vector.shape[1])
    inside = index < length
    return np.where(inside, np.take_along_axis(vector, np.where(inside, length - 1 - index, 0), axis=1), 0.0)


def _powers(polynomial: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Coefficients of the powers r = 0...count-1 of a quadratic polynomial, that of u^(r+d) in column count-1+d."""
    low, middle, high = polynomial
    powers = np.zeros((count, 2 * count - 1))
    powers[0, count - 1] = 1.0
    for r in range(1, count):
        powers[r] = middle * powers[r - 1]
        powers[r, :-1] += low * powers[r - 1, 1:]
        powers[r, 1:] += high * powers[r - 1, :-1]
    return powers


def _log_factorial(atoms: int) -> NDArray[np.longdouble]:
    """Ln k! for k = 0...atoms, in extended precision where there is one."""
    logs = np.log(np.arange(1, atoms + 1, dtype=np.longdouble))
    return np.concatenate([[np.longdouble(0.0)], np.cumsum(logs)])


def _couplings(atoms: int, spins: int) -> list[NDArray[np.float64]]:
    r"""sqrt(d_j / binom(M, mu)) a_r(mu) for every block i, indices (r - i, mu), padded with zeros in mu."""
    log = _log_factorial(atoms)
    couplings = []
    for i in range(spins):
        r, mu = np.arange(i, spins)[:, None], np.arange(atoms - i + 1)
        log_multiplicity = log[atoms] - log[i] - log[atoms - i] + np.log1p(-np.longdouble(i) / (atoms - i + 1))
        inside = (mu >= r) & (mu <= atoms - i)
        above, r_, mu_ = np.where(inside, mu - r, 0), r, np.where(inside, mu, i)
        value = (
            0.5
            * (
                log_multiplicity
                - (log[atoms] - log[mu_] - log[atoms - mu_])
                + (log[np.maximum(mu_ - i, 0)] + log[np.maximum(atoms - i - r_, 0)])
                - (log[atoms - i - mu_] + log[r_ - i])
            )
            - log[above]
        )
        padded = np.zeros((spins - i, atoms + atoms // 2 + 2))
        padded[:, : atoms - i + 1] = np.where(inside, np.exp(value), 0.0)
        couplings.append(padded)
    return couplings


def _trace_one(blocks: tuple[Matrix, ...], atoms: int) -> tuple[Matrix, ...]:
    """One of M atoms traced out of every block."""
    kept = min(len(blocks), (atoms - 1) // 2 + 1)
    result: list[Matrix] = []
    for i in range(kept):
        smaller: Any = 0.0
        for source, old, new, root in _links(atoms, i, len(blocks)):
            part = blocks[source][old : old + len(root), old : old + len(root)] * root
            part *= root[:, None]
            if len(part) == atoms - 2 * i:
                smaller = smaller + part
            else:
                smaller[new : new + len(root), new : new + len(root)] += part
        result.append(smaller)
    return tuple(result)


def _append_one(blocks: tuple[Matrix, ...], atoms: int, most: int) -> tuple[Matrix, ...]:
    """Transpose of `_trace_one`: observables of M - 1 atoms as the first, at most `most`, blocks of M."""
    kind = np.result_type(*blocks)
    result = [np.zeros((atoms - 2 * i + 1,) * 2, dtype=kind) for i in range(min(len(blocks) + 1, atoms // 2 + 1, most))]
    for i, block in enumerate(blocks[: len(result)]):
        for source, old, new, root in _links(atoms, i, len(result)):
            part = block[new : new + len(root), new : new + len(root)]
            result[source][old : old + len(root), old : old + len(root)] += root[:, None] * part * root
    return tuple(result)


def _links(atoms: int, i: int, blocks: int) -> Iterator[tuple[int, int, int, NDArray[np.float64]]]:
    r"""What of M atoms ends in the block i of M - 1: (block, its first row, first row there, roots of weights).

    Block i has spin j + 1/2 less by a half; its multiplicity is the share (M-2i)(M-i+1)/[M(M-2i+1)] of the larger
    one. Block i + 1 has spin more by a half and the share (i+1)(M-2i)/[M(M-2i-1)].
    """
    size = atoms - 2 * i
    up = np.arange(1.0, size + 1.0)
    share = size * (atoms - i + 1) / (atoms * (size + 1.0))
    # The traced atom is e, is g: (j +- m)/(2j).
    yield i, 1, 0, np.sqrt(share * up / size)
    yield i, 0, 0, np.sqrt(share * up[::-1] / size)
    if i + 1 < blocks and size >= 2:
        inner = up[:-1]
        share = (i + 1) * size / (atoms * (size - 1.0))
        yield i + 1, 0, 0, np.sqrt(share * inner[::-1] / size)
        yield i + 1, 0, 1, np.sqrt(share * inner / size)


def _sum(first: tuple[Matrix, ...], second: tuple[Matrix, ...]) -> tuple[Matrix, ...]:
    """Blocks added; those that are missing are zero."""
    longer, shorter = (first, second) if len(first) >= len(second) else (second, first)
    return tuple(a + b for a, b in zip(longer, shorter, strict=False)) + longer[len(shorter) :]


def _weighted_trace(state: Matrix, weights: NDArray[np.float64]) -> Matrix:
    """One of N atoms of a symmetric state traced out, with a weight for g and one for e."""
    atoms = len(state) - 1
    rest = np.arange(1.0, atoms + 1.0) / atoms
    ground, excited = np.sqrt(weights[GROUND] * rest[::-1]), np.sqrt(weights[EXCITED] * rest)
    return np.asarray(ground[:, None] * state[:-1, :-1] * ground + excited[:, None] * state[1:, 1:] * excited)


def _weighted_append(observable: Matrix, weights: NDArray[np.float64]) -> Matrix:
    """Transpose of `_weighted_trace`."""
    atoms = len(observable)
    rest = np.arange(1.0, atoms + 1.0) / atoms
    ground, excited = np.sqrt(weights[GROUND] * rest[::-1]), np.sqrt(weights[EXCITED] * rest)
    result = np.zeros((atoms + 1,) * 2, dtype=observable.dtype)
    result[:-1, :-1] = ground[:, None] * observable * ground
    result[1:, 1:] += excited[:, None] * observable * excited
    return result
