r"""What a bound minimises over: the operators of one atom and the gauges h that mix them.

Kraus operators that differ by a :math:`\varphi`-dependent unitary :math:`e^{-ih\varphi}` on their index are the same
channel, with another derivative. With :math:`X_h` the derivative (times -i) and :math:`B_h` its overlap with the
channel, every bound of this folder is

.. math:: F \le 4\min_h\left[\|X_h^\dagger X_h\| + (N-1)\|B_h\|^2\right] \text{ per use}, \qquad
          X_h = X_0 - hV, \quad B_h = B_0 - V^\dagger(h\otimes1)V

over Hermitian h, where V stacks the operators: those of Kraus for one use of a channel, or the identity and the jump
operators for a short time (first row of :math:`X_h` left out, since it is of higher order in that time).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qcn_open.model import Ramsey
from qcn_open.noise import Noise, OneSite, generator, is_covariant, one_site
from qcn_open.noise.base import EXCITED, GROUND, LEVELS, LOST
from qcn_open.validation import positive

__all__ = [
    "EPS",
    "GaugeFamily",
    "KrausFamily",
    "LindbladFamily",
    "covariant_jumps",
    "covariant_kraus",
    "dephasing_excess",
    "empties_ground",
    "kraus_of",
    "lindblad_of",
    "mirrored",
]

Complex = NDArray[np.complex128]

EPS = float(np.finfo(float).eps)
EXCITED_PART = np.diag([0.0, 1.0]).astype(complex)
GROUND_PART = np.diag([1.0, 0.0]).astype(complex)
_NORMALISED = 1e-9


@dataclass(frozen=True, eq=False)
class GaugeFamily(ABC):
    r"""Operators V of one atom that enters in (g, e), with :math:`X_0` and :math:`B_0`.

    Attributes
    ----------
    operators : ndarray, shape (k, d, 2)
        V, from (g, e) to d levels; k of them, over whose index h acts.
    """

    operators: Complex

    def __post_init__(self) -> None:
        object.__setattr__(self, "operators", _operators(type(self).__name__, self.operators))

    @property
    @abstractmethod
    def fixed(self) -> Complex:
        r""":math:`X_0`, shape (k, d, 2)."""

    @property
    @abstractmethod
    def overlap(self) -> Complex:
        r""":math:`B_0`, shape (2, 2), Hermitian."""

    @property
    def first_row(self) -> int:
        """The first of the k rows of X that counts."""
        return 0

    def defect(self) -> tuple[float, NDArray[np.float64]]:
        r"""How far rounding has taken the operators from a channel at all phases.

        Returns
        -------
        float, ndarray of shape (2, 2)
            Upper limits of :math:`\|G - 1\|`, :math:`G = \sum V^\dagger V`, and of the entries of its derivative.
        """
        return 0.0, np.zeros((2, 2))


@dataclass(frozen=True, eq=False)
class KrausFamily(GaugeFamily):
    r"""Kraus operators of one atom's channel, and their derivative with respect to the phase :math:`\varphi`.

    Parameters
    ----------
    operators : array_like, shape (k, d, 2)
        Kraus operators from (g, e) to d levels, :math:`\sum K^\dagger K = 1`.
    derivative : array_like, shape (k, d, 2), optional
        :math:`\dot K`. By default the phase precedes the channel, :math:`\dot K = iK|e\rangle\langle e|`: right for
        every phase-covariant noise, with which the phase commutes.

    Raises
    ------
    ValueError
        If the shapes are wrong, an entry is not finite, or the operators at :math:`\varphi` or next to it are no
        channel.

    Examples
    --------
    >>> KrausFamily([np.eye(2) * 0.8, np.diag([0.6, -0.6])]).operators.shape
    (2, 2, 2)
    """

    derivative: Complex | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.derivative is not None:
            object.__setattr__(self, "derivative", _operators("KrausFamily derivative", self.derivative))
        if self.slope.shape != self.operators.shape:
            raise ValueError(
                f"KrausFamily derivative must have the shape {self.operators.shape} of the operators, "
                f"got {self.slope.shape}"
            )
        excess = np.abs(_gram(self.operators, self.operators) - np.eye(2)).max()
        if excess > _NORMALISED:
            raise ValueError(
                f"Kraus operators must satisfy sum K^dagger K = 1, off by {excess:.3g}: they are no channel of an atom "
                "that enters in (g, e)"
            )
        overlap = _gram(self.slope, self.operators)
        drift = np.abs(overlap + overlap.conj().T).max()
        if drift > _NORMALISED * max(1.0, float(np.abs(overlap).max())):
            raise ValueError(
                f"the derivative of sum K^dagger K must vanish, it is {drift:.3g}: next to this phase the Kraus "
                "operators are no channel"
            )

    @property
    def slope(self) -> Complex:
        r""":math:`\dot K`, given or not."""
        return 1j * self.operators @ EXCITED_PART if self.derivative is None else self.derivative

    @property
    def fixed(self) -> Complex:
        r""":math:`-i\dot K`."""
        return -1j * self.slope

    @property
    def overlap(self) -> Complex:
        r""":math:`i\sum\dot K^\dagger K`, which is :math:`|e\rangle\langle e|` if the phase precedes the channel."""
        overlap = 1j * _gram(self.slope, self.operators)
        return np.asarray((overlap + overlap.conj().T) / 2.0)

    def defect(self) -> tuple[float, NDArray[np.float64]]:
        r"""Deviations of G from 1 and of its derivative from 0."""
        rounding = (self.operators[..., 0].size + 8.0) * EPS
        modulus, slope = np.abs(self.operators), np.abs(self.slope)
        deviation = np.abs(_gram(self.operators, self.operators) - np.eye(2))
        deviation += rounding * _gram(modulus, modulus).real
        overlap = _gram(self.slope, self.operators)
        drift = np.abs(overlap + overlap.conj().T)
        drift += rounding * (_gram(slope, modulus) + _gram(modulus, slope)).real
        return float(deviation.sum(axis=1).max()), drift

    def independent(self) -> KrausFamily:
        """The same channel with linearly independent Kraus operators.

        Raises
        ------
        ValueError
            If an operator that vanishes at this phase has a derivative: there the number of operators changes.
        """
        flat = self.operators.reshape(len(self.operators), -1)
        norms = np.linalg.norm(flat, axis=1, keepdims=True)
        if np.linalg.matrix_rank(flat / np.where(norms > 0.0, norms, 1.0), tol=1e-9) == len(flat):
            return self
        mixing, lengths, _ = np.linalg.svd(flat)
        kept = np.pad(lengths, (0, len(mixing) - len(lengths))) > 1e-12 * lengths[0]
        operators, derivative = (np.tensordot(mixing.conj().T, part, 1) for part in (self.operators, self.slope))
        if np.abs(derivative[~kept]).max(initial=0.0) > 1e-9 * np.abs(derivative).max():
            raise ValueError("the number of independent Kraus operators changes at this phase: take one next to it")
        return KrausFamily(operators[kept], derivative[kept])


@dataclass(frozen=True, eq=False)
class LindbladFamily(GaugeFamily):
    r"""The identity and the jump operators of one atom: a channel for a time so short that only first order counts.

    Parameters
    ----------
    operators : array_like, shape (k, 3, 2)
        First :math:`1` on (g, e), then jump operators from (g, e) to (g, e, lost) in units of the root of
        some rate.

    Raises
    ------
    ValueError
        If the first operator is not the identity, or an entry is not finite.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if not np.array_equal(self.operators[0], np.eye(self.operators.shape[1], 2)):
            raise ValueError("LindbladFamily operators must begin with the identity on (g, e), then the jump operators")

    @property
    def fixed(self) -> Complex:
        """Zero: only the gauge moves the jump operators."""
        return np.zeros_like(self.operators)

    @property
    def overlap(self) -> Complex:
        r""":math:`|e\rangle\langle e|`, the generator of the phase."""
        return EXCITED_PART

    @property
    def first_row(self) -> int:
        """1: the row of the identity is of higher order in the time."""
        return 1


def kraus_of(model: Ramsey) -> KrausFamily:
    r"""Kraus operators of one atom of a model and their derivative with respect to its phase.

    For phase-covariant noise they are two operators diagonal in (g, e) with the Gram matrix
    :math:`((p_{gg}, \lambda^*), (\lambda, p_{ee}))` and one for each jump, from the logarithms of `one_site`: each
    entry is accurate to rounding however weak or strong the noise is. Only the first, which keeps g and e in
    superposition, need carry the phase, and a phase of e is one of opposite sign of g: it is on the level in which
    fewer atoms stay. For other noise, which acts while the phase is being acquired, they come from
    the Choi matrices of the channel and of its derivative at the phase of the model.

    Parameters
    ----------
    model : Ramsey
        The experiment; local noise, time and phase are used.

    Returns
    -------
    KrausFamily
        On the levels (g, e, lost).

    Raises
    ------
    ValueError
        If no phase is acquired in a time of zero and the noise is not phase-covariant.

    Examples
    --------
    >>> from qcn_open import Ghz, SpontaneousEmission
    >>> kraus_of(Ramsey(Ghz(2), SpontaneousEmission(1.0), 0.5)).operators.real.round(3)[:, :2]
    array([[[1.   , 0.   ],
            [0.   , 0.779]],
    <BLANKLINE>
           [[0.   , 0.627],
            [0.   , 0.   ]]])
    """
    if not is_covariant(generator(model.local_noise)):
        return _choi_kraus(model)
    site = one_site(model.local_noise, model.time)
    operators = covariant_kraus(site)
    operators = operators[operators.any(axis=(1, 2))]
    derivative = np.zeros_like(operators)
    derivative[0] = 1j * operators[0] @ (-GROUND_PART if empties_ground(site) else EXCITED_PART)
    return KrausFamily(operators, derivative)


def lindblad_of(noises: Iterable[Noise], unit: float = 1.0) -> LindbladFamily:
    """The identity and linearly independent jump operators of one atom, whose rates are in units of `unit`, 1/s.

    Examples
    --------
    >>> from qcn_open import SpontaneousEmission
    >>> lindblad_of([SpontaneousEmission(4.0)]).operators[1].real.tolist()
    [[0.0, 2.0], [0.0, 0.0], [0.0, 0.0]]
    """
    noises, unit = tuple(noises), positive("unit", unit, "1/s")
    if is_covariant(generator(noises)):
        operators = covariant_jumps(noises, unit)
        return LindbladFamily(operators[operators.any(axis=(1, 2))])
    jumps = np.array([jump[:, :2] for noise in noises for jump in noise.jumps()]) / math.sqrt(unit)
    identity = np.eye(LEVELS, 2)
    # A multiple of the identity in a jump operator is a change of the Hamiltonian, not of the noise.
    jumps = jumps - 0.5 * np.einsum("kdi,di->k", jumps, identity)[:, None, None] * identity
    _, lengths, rows = np.linalg.svd(jumps.reshape(len(jumps), -1), full_matrices=False)
    kept = lengths > 1e-12 * lengths[0]
    return LindbladFamily(np.array([identity, *(lengths[:, None] * rows)[kept].reshape(-1, LEVELS, 2)]))


def covariant_kraus(site: OneSite) -> Complex:
    r"""Kraus operators of a phase-covariant channel, shape (6, 3, 2), some of them zero.

    Two are diagonal in (g, e), the second at e only; then g to e, e to g, loss from g and from e. Where fewer atoms
    stay in g than in e, the same with g and e exchanged.
    """
    if empties_ground(site):
        return covariant_kraus(mirrored(site))[:, [EXCITED, GROUND, LOST]][:, :, [EXCITED, GROUND]]
    log_g, log_e = (float(site.log_transfer[level, level]) for level in (GROUND, EXCITED))
    excess = dephasing_excess(site)
    both = np.zeros((LEVELS, 2), dtype=complex)
    both[GROUND, GROUND] = math.exp(0.5 * log_g)
    both[EXCITED, EXCITED] = math.exp(0.5 * (log_e - excess))
    moved = np.exp(site.log_transfer[[EXCITED, GROUND], [GROUND, EXCITED]])
    operators = np.array([both, *_jumps([-math.exp(log_e) * math.expm1(-excess), *moved, *site.loss])])
    # Both diagonal operators turn the coherence alike, so that the best gauge between them is real.
    operators[:2, EXCITED] *= np.exp(1j * site.log_coherence.imag)
    return operators


def empties_ground(site: OneSite) -> bool:
    """Whether fewer atoms stay in g than in e."""
    return bool(site.log_transfer[GROUND, GROUND] < site.log_transfer[EXCITED, EXCITED])


def mirrored(site: OneSite) -> OneSite:
    """The channel with g and e exchanged, so that the phase has the opposite sign."""
    return OneSite(site.log_transfer[::-1, ::-1], site.log_survival[::-1], site.log_coherence.conjugate())


def dephasing_excess(site: OneSite) -> float:
    r""":math:`\ln(p_{gg}p_{ee}/\lambda^2)`: what the coherence has lost beyond what the jumps out of g and e explain.

    It is a difference. What rounding may have made of a zero counts as zero, so that every bound errs upwards.
    """
    log_g, log_e = (float(site.log_transfer[level, level]) for level in (GROUND, EXCITED))
    square = 2.0 * site.log_coherence.real
    excess = log_g + log_e - square
    return max(excess - 64.0 * EPS * (abs(log_g) + abs(log_e) + abs(square)), 0.0)


def covariant_jumps(noises: Iterable[Noise], unit: float = 1.0) -> Complex:
    r"""The identity and jump operators that generate a phase-covariant noise, shape (6, 3, 2), some of them zero.

    In the order of `covariant_kraus`. A jump :math:`l|e\rangle\langle e|` stands for all that only dephases.
    """
    lindblad = generator(noises) / unit
    decay = -2.0 * lindblad[LEVELS * EXCITED + GROUND, LEVELS * EXCITED + GROUND].real
    rate = lindblad.reshape((LEVELS,) * 4)[range(LEVELS), range(LEVELS)][:, range(LEVELS), range(LEVELS)].real
    leave = -rate[GROUND, GROUND] - rate[EXCITED, EXCITED]
    dephasing = decay - leave if decay - leave > 64.0 * EPS * decay else 0.0
    rates = [dephasing, rate[EXCITED, GROUND], rate[GROUND, EXCITED], rate[LOST, GROUND], rate[LOST, EXCITED]]
    return np.array([np.eye(LEVELS, 2), *_jumps(rates)])


def _jumps(probabilities: Iterable[float]) -> Complex:
    """One operator for each way an atom can go: e to e, g to e, e to g, g to lost, e to lost."""
    ways = ((EXCITED, EXCITED), (EXCITED, GROUND), (GROUND, EXCITED), (LOST, GROUND), (LOST, EXCITED))
    operators = np.zeros((len(ways), LEVELS, 2), dtype=complex)
    for operator, way, probability in zip(operators, ways, probabilities, strict=True):
        operator[way] = np.sqrt(probability)
    return operators


def _choi_kraus(model: Ramsey) -> KrausFamily:
    r"""From :math:`C = \sum|K\rangle\langle K|` and :math:`\dot C = \sum|\dot K\rangle\langle K| + h.c.`

    With P the projector on the range of C, :math:`\dot K = (1 - P/2)\dot C\,|K\rangle/\text{eigenvalue}`.
    """
    from scipy.linalg import expm

    if model.time == 0.0:
        raise ValueError("no phase is acquired in a time of 0 s: give a time > 0")
    number = np.diag([0.0, 1.0, 0.0])
    identity = np.eye(LEVELS)
    signal = 1j * (np.kron(number, identity) - np.kron(identity, number))
    rate = model.time * generator(model.local_noise) + model.phase * signal
    zero = np.zeros_like(rate)
    final = expm(np.block([[rate, zero], [signal, rate]]))
    choi, slope = (
        part.reshape(3, 3, 3, 3)[:, :, :2, :2].transpose(0, 2, 1, 3).reshape(6, 6)
        for part in (final[:9, :9], final[9:, :9])
    )
    values, vectors = np.linalg.eigh((choi + choi.conj().T) / 2.0)
    kept = values > 64.0 * EPS
    values, vectors = values[kept], vectors[:, kept]
    moved = (slope + slope.conj().T) / 2.0 @ vectors
    moved -= 0.5 * vectors @ (vectors.conj().T @ moved)
    root = np.sqrt(values)
    return KrausFamily((vectors * root).T.reshape(-1, LEVELS, 2), (moved / root).T.reshape(-1, LEVELS, 2))


def _operators(name: str, given: object) -> Complex:
    try:
        operators = np.array(given, dtype=complex)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be an array of numbers of shape (k, d, 2)") from None
    if operators.ndim != 3 or operators.shape[2] != 2 or 0 in operators.shape:
        raise ValueError(
            f"{name} must have the shape (k, d, 2): k operators from (g, e) to d levels, got {operators.shape}"
        )
    if not np.isfinite(operators).all():
        raise ValueError(f"{name} must be finite")
    operators.setflags(write=False)
    return operators


def _gram(left: NDArray[np.inexact], right: NDArray[np.inexact]) -> Complex:
    return np.asarray(np.einsum("kdi,kdj->ij", left.conj(), right).astype(complex))
