r"""The best probe: the symmetric state of N two-level atoms with the largest quantum Fisher information.

*One formula for all noises.* In a block of its output, noise turns the Dicke amplitudes :math:`c_k` into the columns
:math:`A_{za} = K_{za}c_{k(z,a)}` of its Kraus operators, real matrices with one entry in a row: :math:`\rho = AA^T`.
With J the number of excited atoms (diagonal) and the minimum over the Hermitian mixtures h of Kraus operators,

.. math:: F_\varphi = 4\min_h\lVert JA - Ah\rVert^2, \qquad hM + Mh = 2D,\quad M = A^TA,\quad D = A^TJA

(Fujiwara and Imai, J. Phys. A 41, 255304 (2008)), summed over the blocks: matrices as large as the rank of a block.
The gradient with respect to c is that of the quadratic form at the best h.

*Proof that nothing is better.* For a fixed h the form is linear in the input density operator, so its minimum over
h is concave in it. Give the atoms an ancilla that counts the excited ones. Its outcome flags the Kraus operators that
change k by different numbers, the input counts through :math:`p_k = |c_k|^2` alone, and

.. math:: F^+(p) = 4\min_h\sum_k p_k\,\alpha_k(h), \qquad F(c) \le F^+(p) \le 4\max_k\alpha_k(h)

for every p and every h: concave, and of first degree. Symmetry under the clock phase makes diagonal inputs best. So
a p at which all :math:`4\alpha_k = \partial F^+/\partial p_k` are (nearly) equal is the global optimum, and the
largest is a rigorous bound for all symmetric inputs, with any ancilla. Under dephasing the Kraus operators leave k
alone, hence :math:`F(c) = F^+(|c|^2)` and the bound is met. Under weak
loss and emission the ancilla adds little to many atoms.

*Kraus operators.* A product operator :math:`X^{\otimes N}` acts on total spin j = N/2 - i as
:math:`(\det X)^iD^j(X)` with multiplicity :math:`d_j`. For dephasing X is the Gram matrix
:math:`\begin{pmatrix}1&\eta\\\eta&1\end{pmatrix} \propto e^{2\theta J_x}`, whose root in the eigenbasis of :math:`J_x`
consists of Krawtchouk polynomials; for emission X is the isometry of an atom into itself and what it emits, and each
matrix element is one monomial. Loss leaves the hypergeometric amplitudes of a symmetric state. Other noises are
taken from `SymmetricChannel` as a whole, by the symmetric logarithmic derivative L: with
:math:`G = \mathcal E^\dagger(2i[L, J_z] - L^2)` the gradient of F is 2Gc.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qcn_open.backends import Backend, select
from qcn_open.bounds import channel_extension
from qcn_open.fisher import qfi
from qcn_open.model import Ramsey, noises
from qcn_open.noise import CollectiveNoise, Noise, OneSite, one_site
from qcn_open.noise.base import EXCITED, GROUND
from qcn_open.probes import Ghz, SymmetricState
from qcn_open.probes.base import quarter_turns
from qcn_open.schur_weyl import Matrix, Sector, SymmetricChannel
from qcn_open.validation import count, open_interval

__all__ = ["BestProbe", "best_probe"]

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]

_ROUNDING = 1e-9
"""Relative margin for rounding in the upper bound: Kraus weights and gauges are good to 1e-11."""
_NEGLIGIBLE = 1e-20
"""Kraus operators of less weight are left out; the upper bound counts them with N^2 times what they weigh."""
_SUPPORT = 1e-14
"""Pairs of eigenvalues below this share of the largest are rounding."""
_CHIRP = math.pi * (3.0 - math.sqrt(5.0)) / 2.0
"""Phase of a start, in units of m^2: atoms that leave or decay by ones turn the state by the golden angle each."""
_FAINT = 1e-12
"""Shares of the Heisenberg limit that do not differ from nothing."""
_COARSE = 32
_COARSE_RTOL = 1e-4
_ITERATIONS = 600
_FEW = 16
_MOST = 5000
_STARTS = 16
_SHORT = 40
_STATIONARY = 1e-5
_AIM = 0.4
"""Share of the tolerance that the search aims at, as long as it has iterations left."""


@dataclass(frozen=True, eq=False)
class BestProbe:
    """A probe, how good it is, and how much better any other could be.

    Attributes
    ----------
    probe : SymmetricState
        The state found.
    qfi : float
        Its quantum Fisher information about the detuning, s^2.
    bound : float
        `bounds.channel_extension`, s^2: nothing with so many atoms has more.
    upper : float
        Proven bound for *symmetric* inputs, with any ancilla, s^2; at most `bound`, and not less for combinations.
    residual : float
        Norm of the gradient, :math:`|Gc - Fc|/F`: 0 at a stationary point.
    converged : bool
        Whether the search met its criterion (see `rtol` of `best_probe`): proven to be the best, or stationary. If
        not, the numbers hold, but a better probe may be near.
    """

    probe: SymmetricState
    qfi: float
    bound: float
    upper: float
    residual: float
    converged: bool

    @property
    def ratio(self) -> float:
        """Information relative to the bound for all inputs; 1 where both are 0."""
        return self.qfi / self.bound if self.bound > 0.0 else 1.0

    @property
    def gap(self) -> float:
        """Proven: no symmetric input has more than 1 + gap times the information."""
        return self.upper / self.qfi - 1.0 if self.qfi > 0.0 else 0.0


def best_probe(
    atoms: int,
    noise: Noise | CollectiveNoise | Iterable[Noise | CollectiveNoise],
    time: float,
    backend: Backend | Literal["auto"] = "auto",
    rtol: float = 5e-6,
) -> BestProbe:
    r"""Symmetric input of N two-level atoms with the largest quantum Fisher information.

    .. math:: \max_c F_\delta\Bigl(\sum_k c_k|D_k\rangle\Bigr)

    exactly, by gradient ascent on the amplitudes of the Dicke states, from the solution for half as many atoms. For
    dephasing, for loss of both levels alike, and for emission or pumping alone, a concave problem is solved first
    that also bounds every other symmetric input (see the head of this module).

    Parameters
    ----------
    atoms : int
        Number of atoms N. Dephasing and loss: thousands. Combinations: hundreds.
    noise : noise or iterable of noises
        Rates in 1/s.
    time : float
        Interrogation time, s.
    backend : Backend or "auto", optional
        "auto" reports the information as the search found it; a backend evaluates the probe anew.
    rtol : float, optional
        The search has converged once `gap` or `residual` is below it; for combinations, for which `upper` is not
        sharp, once `residual` is below its square root.

    Returns
    -------
    BestProbe
        Without noise the GHZ state.

    Raises
    ------
    ValueError
        If the atoms are not a whole number from 1 to 5000, the backend can't evaluate symmetric states, the time is not
        finite and >= 0, the tolerance not between 0 and 1, the noise not phase-covariant, or so strong that next to
        nothing can be learnt.

    Notes
    -----
    Phases of the amplitudes do not matter under dephasing. Under loss and emission they do: an atom that leaves or
    decays shifts k by one, and a phase quadratic in k makes the shifted states orthogonal, so that they tell what
    an ancilla would. The search starts from such a phase. What is proven is `gap`, the distance to the best *with* an
    ancilla, which for few atoms under strong emission is large. Beyond it nothing but stationarity is checked, and
    the information has several maxima. Up to 16 atoms many starts are followed; for combinations of 20 to 80 atoms
    longer searches found up to 0.16 % more.

    The best *symmetric* state need not be the best: under emission with half of the excitation left
    (:math:`\kappa T = 0.7`) states of 4 to 6 atoms that are not symmetric have 3 to 6 % more.

    Examples
    --------
    >>> from qcn_open import Dephasing
    >>> best = best_probe(5, Dephasing(-2 * math.log(0.9)), time=1.0)
    >>> round(best.qfi, 5), best.gap < 1e-6, round(best.ratio, 4)
    (8.98828, True, 0.7812)
    """
    from threadpoolctl import threadpool_limits

    model = Ramsey(Ghz(count("atoms", atoms)), noises(noise), time)
    rtol = open_interval("rtol", rtol, 0.0, 1.0)
    bound, square = channel_extension(model), model.time**2
    limit = model.atoms**2 * square
    if model.atoms > _MOST:
        raise ValueError(f"best_probe is limited to {_MOST} atoms, got {model.atoms}")
    ghz = np.sqrt(_ghz_weights(model.atoms)).astype(complex)
    if backend != "auto":
        # Whether it can evaluate the probe is known before the search.
        select(Ramsey(SymmetricState(ghz), model.noise, model.time), backend)
    if limit > 0.0 and bound < _FAINT * limit:
        raise _faint(model)
    if bound >= (1.0 - _FAINT) * limit:
        exact = bound / (square or 1.0)
        found = _Found(ghz, exact, exact, 0.0, True)
    else:
        with threadpool_limits(limits=1):
            found = _search(model, rtol)
    probe = SymmetricState(quarter_turns(model.atoms) * found.amplitudes)
    value = square * found.value if backend == "auto" else qfi(Ramsey(probe, model.noise, model.time), backend)
    return BestProbe(probe, value, bound, min(bound, square * found.upper), found.residual, found.converged)


@dataclass(frozen=True, eq=False)
class _Found:
    """Amplitudes on the Dicke states, their information and what is known about better ones (for the phase)."""

    amplitudes: Complex
    value: float
    upper: float
    residual: float
    converged: bool


Information = Callable[[Complex], tuple[float, Complex]]
"""Amplitudes c to F and Gc, half the gradient; c*.Gc = F."""


def _faint(model: Ramsey) -> ValueError:
    return ValueError(
        f"after {model.time:g} s the noise has left less than {_FAINT:g} of the information, which rounding "
        "does not resolve: best_probe needs a shorter time"
    )


def _search(model: Ramsey, rtol: float) -> _Found:
    """The optimum for the phase, from the one for half as many atoms."""
    upper = channel_extension(model) / model.time**2
    information: Information
    blocks = _closed_form(model)
    if blocks is None:
        information = _channel_information(model)
        start = _from_half(model, lambda half: np.abs(_search(half, _COARSE_RTOL).amplitudes) ** 2)
        # Half of it GHZ: where the noise is weak, the best state is close to that.
        starts = [start, 0.5 * (start + _ghz_weights(model.atoms))]
        limit = math.sqrt(rtol)
    else:
        # The bound is made sharper than the search, which need not come close to it.
        start, flagged = _flagged_search(model, blocks, 0.2 * rtol)
        # A block of less weight has less than that share of N^2 of information.
        information = partial(_information, [block for block in blocks if block.most > _SUPPORT])
        starts, upper, limit = [start], min(upper, flagged), rtol
    chirp = np.exp(1j * _CHIRP * (np.arange(model.atoms + 1) - 0.5 * model.atoms) ** 2)
    phases = [chirp, np.ones_like(chirp)] if model.atoms <= _COARSE else [chirp]
    candidates: list[Complex] = [np.sqrt(weights) * phase for weights in starts for phase in phases]
    best = max(candidates, key=lambda state: information(state)[0])
    if not information(best)[0] > _FAINT:
        raise _faint(model)
    if model.atoms <= _FEW:
        # Few atoms have several local maxima: all starts are followed some way, the best to its end.
        followed = [
            _ascend(information, state, upper, rtol, limit, _SHORT) for state in [*candidates, *_scattered(model.atoms)]
        ]
        best = max(followed, key=lambda found: found.value).amplitudes
        limit = min(limit, _STATIONARY)
    return _ascend(information, best, upper, rtol, limit, _ITERATIONS)


def _scattered(atoms: int) -> list[Complex]:
    """Starts all over the states of few atoms, without chance: multiples of irrational numbers, modulo 1."""
    k, states = np.arange(atoms + 1), []
    for start in range(1, _STARTS + 1):
        size = 0.05 + np.modf(start * math.sqrt(2.0) * (k + 1.0))[0]
        turn = np.modf(start * math.sqrt(3.0) * (k + 1.0) ** 2 + start * math.sqrt(5.0) * k)[0]
        state = size * np.exp(2j * math.pi * turn)
        states.append(np.asarray(state / np.linalg.norm(state), dtype=complex))
    return states


def _flagged_search(model: Ramsey, blocks: list[_Kraus], rtol: float) -> tuple[Real, float]:
    """Weights that are best with an ancilla, and the proven bound; from those for half as many atoms."""
    start = _from_half(model, lambda half: _flagged_search(half, _closed_form(half) or [], _COARSE_RTOL)[0])
    return _flagged_optimum(blocks, start, rtol)


def _closed_form(model: Ramsey) -> list[_Kraus] | None:
    if model.common_phase_variance > 0.0:
        return None
    return _kraus(model.atoms, one_site(model.local_noise, model.time))


def _from_half(model: Ramsey, weights: Callable[[Ramsey], Real]) -> Real:
    """Weights to start from: those of the same problem with half as many atoms; equal ones for few."""
    if model.atoms <= _COARSE:
        return np.full(model.atoms + 1, 1.0 / (model.atoms + 1))
    return _stretched(weights(Ramsey(Ghz(model.atoms // 2), model.noise, model.time)), model.atoms)


def _ghz_weights(atoms: int) -> Real:
    """Weights of a GHZ state."""
    weights = np.zeros(atoms + 1)
    weights[0] = weights[-1] = 0.5
    return weights


def _stretched(weights: Real, atoms: int) -> Real:
    """Weights for more atoms with the same logarithmic profile; none is zero, so that all can grow."""
    old, new = len(weights), atoms + 1
    logarithm = np.log(np.maximum(weights, 1e-9 / old))
    profile = np.exp(np.interp((np.arange(new) + 0.5) / new, (np.arange(old) + 0.5) / old, logarithm))
    return np.asarray(profile / profile.sum())


def _flagged_optimum(blocks: list[_Kraus], start: Real, rtol: float) -> tuple[Real, float]:
    """Weights that maximise the information with an ancilla, and the proven bound on it."""
    size = len(start)
    total = np.zeros(size)
    for block in blocks:
        block.scatter(block.weight**2, total)
    # What was left out has outputs within N/2 of zero spin.
    missing = (size - 1) ** 2 * (np.maximum(1.0 - total, 0.0) + np.finfo(float).eps)

    def slopes(weights: Real) -> Real:
        result = missing.copy()
        for block in blocks:
            block.scatter(4.0 * block.flagged(weights) ** 2, result)
        return result

    weights, steepest = _best_weights(slopes, start, rtol)
    return weights, steepest * (1.0 + _ROUNDING)


def _best_weights(slopes: Callable[[Real], Real], start: Real, rtol: float) -> tuple[Real, float]:
    """Weights p on the simplex that maximise a concave F(p) of first degree, and the least maximum of its slopes seen.

    The slopes are dF/dp_k and F = p . slopes. A logarithmic barrier keeps every weight positive: at its optimum no
    slope exceeds the value by more than the share rtol/2.
    """
    size = len(start)
    best, value, steepest = start, 0.0, math.inf
    scale = float(slopes(start) @ start)
    barrier = 0.5 * rtol / size

    def objective(x: Real) -> tuple[float, Real]:
        nonlocal best, value, steepest
        # A step may end at zero exactly.
        square = np.maximum(x * x, 1e-300)
        norm = float(square.sum())
        weights = square / norm
        slope = slopes(weights)
        reached = float(slope @ weights)
        steepest = min(steepest, float(slope.max()))
        if reached > value:
            best, value = weights, reached
        gradient = 2.0 * (slope - reached) * x / norm / scale + 2.0 * barrier * (x / square - size * x / norm)
        return -reached / scale - barrier * float(np.log(weights).sum()), -gradient

    _minimise(objective, np.sqrt(start), lambda: steepest <= (1.0 + 0.9 * rtol) * value, _ITERATIONS)
    return best, steepest


def _ascend(
    information: Information,
    start: Complex,
    upper: float,
    rtol: float,
    limit: float,
    iterations: int,
) -> _Found:
    """Local maximum of the information over normalised amplitudes, until the residual is below the limit."""
    scale, _ = information(start)
    best = _Found(start, 0.0, upper, math.inf, False)

    def objective(x: Any) -> tuple[float, Real]:
        nonlocal best
        norm = float(np.linalg.norm(x))
        amplitudes = np.asarray(x.view(complex) / norm, dtype=complex)
        value, force = information(amplitudes)
        gradient = force - value * amplitudes
        if value > best.value:
            residual = float(np.linalg.norm(gradient)) / value
            best = _Found(amplitudes, value, upper, residual, residual <= limit or upper <= (1.0 + rtol) * value)
        return -value / scale, (-2.0 * gradient / (norm * scale)).view(float)

    def done() -> bool:
        return best.residual <= limit or upper <= (1.0 + _AIM * rtol) * best.value

    _minimise(objective, start.view(float), done, iterations)
    return best


def _minimise(
    objective: Callable[[Any], tuple[float, Real]], start: Any, done: Callable[[], bool], iterations: int
) -> None:
    """L-BFGS until `done`, or until it no longer gets on; the objective keeps what it has seen."""
    from scipy.optimize import minimize

    def stop(xk: Real) -> None:
        if done():
            raise StopIteration

    objective(start)
    if not done():
        minimize(
            objective,
            start,
            jac=True,
            method="L-BFGS-B",
            callback=stop,
            options={"maxiter": iterations, "maxfun": 2 * iterations, "maxcor": 30, "ftol": 1e-15, "gtol": 0.0},
        )


@dataclass(frozen=True, eq=False)
class _Kraus:
    """Kraus operators into one block of the output, one for each column of `weight`.

    Attributes
    ----------
    weight : ndarray, shape (d, r)
        Column a takes the input with ``offset + z + a`` excited atoms to the row z; with ``offset + z`` if `keeps`.
    offset : int
        Excited atoms of the input that the first column takes to the first row.
    keeps : bool
        Whether no column changes the number of excited atoms by itself: an ancilla that counts them flags nothing.
    """

    weight: Real
    offset: int
    keeps: bool

    @property
    def spin(self) -> Real:
        """The diagonal J, as a column; a constant does not matter."""
        rows = len(self.weight)
        return np.asarray(np.arange(rows)[:, None] - 0.5 * (rows - 1), dtype=float)

    @property
    def most(self) -> float:
        """Largest probability with which any input comes to this block, at most."""
        return float((self.weight**2).max(axis=0).sum())

    def gather(self, values: Matrix) -> Matrix:
        """Of a quantity for each input the entry that belongs to each matrix element."""
        rows, columns = self.weight.shape
        if self.keeps:
            return values[self.offset : self.offset + rows, None]
        # An element that belongs to no input has no weight.
        padded = np.pad(values, rows + columns)[self.offset + rows + columns :]
        return np.lib.stride_tricks.sliding_window_view(padded, columns)[:rows]

    def scatter(self, elements: Matrix, result: Matrix) -> None:
        """Transpose of `gather`: add the elements to the inputs they belong to."""
        rows, columns = elements.shape
        if self.keeps:
            sums = elements.sum(axis=1)
        else:
            # Rows one longer than the window of sums: each is moved on by one.
            skewed = np.zeros((columns, rows + columns), dtype=elements.dtype)
            skewed[:, :rows] = elements.T
            sums = skewed.ravel()[: columns * (rows + columns - 1)].reshape(columns, -1).sum(axis=0)
        first, last = max(self.offset, 0), min(self.offset + len(sums), len(result))
        result[first:last] += sums[first - self.offset : last - self.offset]

    def flagged(self, weights: Real) -> Real:
        """(J - h) on the Kraus operators for the best h that an ancilla allows, shape (d, r)."""
        spin, kraus = self.spin, self.weight
        if self.keeps:
            return np.asarray(spin * kraus - kraus @ _gauge(np.sqrt(self.gather(weights)) * kraus, spin))
        probability = kraus**2 * self.gather(weights)
        total = probability.sum(axis=0)
        mean = (spin * probability).sum(axis=0) / np.where(total > 0.0, total, 1.0)
        return np.asarray((spin - mean) * kraus)


def _gauge(columns: Matrix, spin: Real) -> Matrix:
    """The Hermitian h with hM + Mh = 2D, M = A^+ A, D = A^+ J A, on the support of M."""
    probability, basis = np.linalg.eigh(columns.conj().T @ columns)
    rotated = columns @ basis
    pair = np.add.outer(probability, probability)
    support = pair > _SUPPORT * probability[-1]
    inverse = np.where(support, 2.0 / np.where(support, pair, 1.0), 0.0)
    return np.asarray(basis @ ((rotated.conj().T @ (spin * rotated)) * inverse) @ basis.conj().T)


def _information(blocks: list[_Kraus], amplitudes: Complex) -> tuple[float, Complex]:
    """F and Gc without an ancilla: Kraus operators of a block may be mixed, whatever they do to the count."""
    force = np.zeros_like(amplitudes)
    for block in blocks:
        spin = block.spin
        columns = block.weight * block.gather(amplitudes)
        gauge = _gauge(columns, spin)
        moved = spin * columns - columns @ gauge
        block.scatter(4.0 * block.weight * (spin * moved - moved @ gauge), force)
    return float(np.vdot(amplitudes, force).real), force


def _kraus(atoms: int, site: OneSite) -> list[_Kraus] | None:
    """Kraus operators of the noises that have them in closed form."""
    ground, excited = (float(site.log_transfer[level, level]) for level in (GROUND, EXCITED))
    moves = np.isfinite(site.log_transfer[[EXCITED, GROUND], [GROUND, EXCITED]])
    log_coherence = float(site.log_coherence.real)
    rounding = 8.0 * np.finfo(float).eps * (1.0 + abs(ground + excited))
    # Nobody learns in which level an atom was that neither moved nor left.
    pure = abs(2.0 * log_coherence - ground - excited) <= rounding
    lossless = not site.loss.any()
    if lossless and not moves.any():
        return _dephasing(atoms, log_coherence)
    if pure and not moves.any() and abs(ground - excited) <= rounding:
        return _loss(atoms, ground)
    if pure and lossless and not moves.all():
        return _emission(atoms, excited) if moves[1] else _mirrored(_emission(atoms, ground), atoms)
    return None


def _dephasing(atoms: int, log_coherence: float) -> list[_Kraus]:
    """Block i = N/2 - j, column t: exp(-theta t) times the Krawtchouk polynomial of degree t, by its recursion."""
    log_minus, log_plus = math.log(-math.expm1(log_coherence)), math.log1p(math.exp(log_coherence))
    shrink = math.exp(0.5 * (log_minus - log_plus))
    blocks = []
    for i in range(atoms // 2 + 1):
        spin2 = atoms - 2 * i
        rows = np.arange(spin2 + 1)
        logarithm = _log_multiplicity(atoms, i) + _log_choose(spin2, rows) - spin2 * math.log(2.0)
        logarithm += i * log_minus + (atoms - i) * log_plus - _log_choose(atoms, rows + i)
        columns = [np.exp(0.5 * logarithm)]
        steps = 0.5 * np.sqrt(np.arange(1.0, spin2 + 1.0) * np.arange(spin2, 0.0, -1.0))
        # The recursion is stable up to the middle; the polynomials of degree 2j - t are those of t, alternating.
        while len(columns) <= spin2 // 2 and float(np.abs(columns[-1]).max()) > _NEGLIGIBLE:
            t = len(columns) - 1
            before = shrink**2 * steps[t - 1] * columns[-2] if t else 0.0
            columns.append((shrink * (rows - 0.5 * spin2) * columns[-1] - before) / steps[t])
        alternating = 1.0 - 2.0 * ((spin2 - rows) % 2)
        degrees = range(min(len(columns), (spin2 + 1) // 2))
        columns += [shrink ** (spin2 - 2 * t) * alternating * columns[t] for t in reversed(degrees)]
        blocks.append(_Kraus(np.array(columns).T, i, keeps=True))
    return _significant(blocks)


def _loss(atoms: int, log_survival: float) -> list[_Kraus]:
    """Block of M survivors, column l: l of the lost atoms were excited."""
    log_lost = math.log(-math.expm1(log_survival))
    blocks = []
    for survivors in range(atoms, -1, -1):
        rows, lost = np.arange(survivors + 1)[:, None], np.arange(atoms - survivors + 1)
        # C(N,M) C(k,z) C(N-k,M-z) / C(N,M), k = z + l.
        logarithm = _log_choose(rows + lost, rows) + _log_choose(atoms - rows - lost, survivors - rows)
        logarithm += survivors * log_survival + (atoms - survivors) * log_lost
        blocks.append(_Kraus(np.exp(0.5 * logarithm), 0, keeps=False))
    return _significant(blocks)


def _emission(atoms: int, log_stay: float) -> list[_Kraus]:
    """Block i = N/2 - j, column y: y photons beyond the i that come with pairs of opposite spin."""
    log_emit = math.log(-math.expm1(log_stay))
    blocks = []
    for i in range(atoms // 2 + 1):
        spin2 = atoms - 2 * i
        rows, photons = np.arange(spin2 + 1)[:, None], np.arange(spin2 + 1)
        excited = np.minimum(rows + photons + 2 * i, atoms)
        logarithm = _log_multiplicity(atoms, i) - _log_choose(atoms, excited)
        logarithm = logarithm + (photons + i) * log_emit + (rows + i) * log_stay
        # The multinomial coefficient of ground, photons, rows, squared and over that of the two Dicke states.
        logarithm += _log_choose(spin2 - photons, rows) + _log_choose(spin2 - rows, photons)
        weight = np.where(rows + photons <= spin2, np.exp(0.5 * logarithm), 0.0)
        blocks.append(_Kraus(weight, 2 * i, keeps=False))
    return _significant(blocks)


def _mirrored(blocks: list[_Kraus], atoms: int) -> list[_Kraus]:
    """The same noise with the levels exchanged."""
    mirrored = []
    for block in blocks:
        rows, columns = block.weight.shape
        offset = atoms - block.offset - (rows - 1) - (columns - 1)
        mirrored.append(_Kraus(block.weight[::-1, ::-1], offset, keeps=False))
    return mirrored


def _significant(blocks: list[_Kraus]) -> list[_Kraus]:
    """The blocks without columns of negligible weight at either end."""
    result = []
    for block in blocks:
        columns = np.flatnonzero((block.weight**2).max(axis=0) > _NEGLIGIBLE)
        if len(columns):
            first, last = int(columns[0]), int(columns[-1]) + 1
            offset = block.offset if block.keeps else block.offset + first
            result.append(_Kraus(np.ascontiguousarray(block.weight[:, first:last]), offset, block.keeps))
    return result


def _log_choose(number: NDArray[np.int64] | int, chosen: NDArray[np.int64] | int) -> Real:
    from scipy.special import gammaln

    return np.asarray(gammaln(number + 1.0) - gammaln(np.add(chosen, 1.0)) - gammaln(np.subtract(number, chosen) + 1.0))


def _log_multiplicity(atoms: int, i: int) -> float:
    """Ln of the number of times that N spins make up j = N/2 - i."""
    return float(_log_choose(atoms, i)) + math.log((atoms - 2 * i + 1) / (atoms - i + 1))


def _channel_information(model: Ramsey) -> Information:
    """F and Gc from the symmetric logarithmic derivatives of all blocks of any noise."""
    channel = SymmetricChannel(model.atoms, model.local_noise, model.time)
    order = np.subtract.outer(np.arange(model.atoms + 1), np.arange(model.atoms + 1))
    # A random phase common to all atoms commutes with the rest, so it may come first.
    damping = np.exp(-0.5 * order**2 * model.common_phase_variance)

    def information(amplitudes: Complex) -> tuple[float, Complex]:
        observables, seen = [], 0.0
        for sector in channel.blocks(damping * np.outer(amplitudes, amplitudes.conj())):
            seen += sector.weight
            if sector.weight > _SUPPORT:
                observables.append(Sector(sector.atoms, tuple(_observable(block) for block in sector.blocks)))
            if seen > 1.0 - _SUPPORT:
                break
        force = (damping * channel.adjoint(observables)) @ amplitudes
        return float(np.vdot(amplitudes, force).real), force

    return information


def _observable(state: Matrix) -> Matrix:
    """2i[L, J] - L^2 for the symmetric logarithmic derivative L of a block."""
    if not float(np.trace(state).real) > _SUPPORT:
        return np.zeros_like(state)
    spin = np.arange(len(state)) - 0.5 * (len(state) - 1)
    probability, basis = np.linalg.eigh(state)
    pair = np.add.outer(probability, probability)
    support = pair > _SUPPORT * probability[-1]
    ratio = np.where(support, np.subtract.outer(-probability, -probability) / np.where(support, pair, 1.0), 0.0)
    # i[J, rho] in the eigenbasis is i J_ab (p_b - p_a).
    derivative = 2.0j * basis @ (ratio * (basis.conj().T @ (spin[:, None] * basis))) @ basis.conj().T
    return np.asarray(2.0j * (derivative * spin - spin[:, None] * derivative) - derivative @ derivative)
