r"""What is measured at the end of an interrogation, as outcome probabilities.

Every atom is rotated and found up, down or lost; detection may flip up and down. A readout says at which angle
each atom is measured and which readings it keeps: the parity of every block, or how many atoms are up. The angle
:math:`\alpha` is that of the fringe: a parity reads :math:`\pm` with probability
:math:`\tfrac12(1 \pm V\cos(n\varphi - \alpha))`. The probabilities follow either from the blocks of a
`BlockTangent` or, atom by atom, from a `DenseTangent`: two ways that share no formula.

A lost atom is *seen* (it has a reading of its own), reads up or down at *random*, or leaves the detector *dark*,
which always counts as up.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from qcn_open.states import BlockTangent, DenseTangent, NetworkTangent, SymmetricTangent
from qcn_open.validation import finite, open_interval

__all__ = ["DOWN", "LOST", "UP", "Loss", "Probabilities", "Readout", "averaged", "best_angle", "fringe_mean"]

Loss = Literal["seen", "random", "dark"]

UP, DOWN, LOST = 0, 1, 2
_TOUCHING = 1e-4
_MAX_CORRELATED_ATOMS = 4096


@dataclass(frozen=True, eq=False)
class Probabilities:
    r"""Outcome probabilities and their derivatives with respect to the phase of one atom.

    Attributes
    ----------
    value, derivative, curvature : ndarray, same shape
        p(o), :math:`\partial p(o)/\partial\varphi` and :math:`\partial^2p(o)/\partial\varphi^2`.
    """

    value: NDArray[np.float64]
    derivative: NDArray[np.float64]
    curvature: NDArray[np.float64]

    def information(self, atoms: int) -> float:
        r"""Fisher information :math:`\sum_o (\partial_\varphi p)^2/p` for the phase of one of `atoms` atoms.

        Where a probability touches zero this is 0/0 and its limit is :math:`2\,\partial_\varphi^2p`, which serves
        within :math:`10^{-4}/N` rad of such a point: closer, rounding would decide. Outcomes that are 10^24 times less
        likely than the most likely one are rounding themselves.
        """
        touching = self.value < 0.5 * _TOUCHING**2 * self.curvature / atoms**2
        regular = ~touching & (self.value > 1e-24 * self.value.max())
        ratio = self.derivative[regular] ** 2 / self.value[regular]
        return float(ratio.sum() + 2.0 * self.curvature[touching].sum())

    def joint(self, other: Self) -> Self:
        """Probabilities of two independent measurements side by side, flattened."""
        return self._combine(other, lambda first, second: np.multiply.outer(first, second).ravel())

    def total(self, other: Self) -> Self:
        """Probabilities of the sum of two independent counts."""
        from scipy.signal import convolve

        return self._combine(other, lambda first, second: np.asarray(convolve(first, second, method="direct")))

    def _combine(
        self, other: Self, rule: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
    ) -> Self:
        """Product rule for a combination that is linear in both."""
        return type(self)(
            rule(self.value, other.value),
            rule(self.derivative, other.value) + rule(self.value, other.derivative),
            rule(self.curvature, other.value)
            + 2.0 * rule(self.derivative, other.derivative)
            + rule(self.value, other.curvature),
        )


@dataclass(frozen=True)
class Readout(ABC):
    """What every readout has: how a lost atom reads, the angle, and the detection error.

    Parameters
    ----------
    loss : {"seen", "random", "dark"}
        How a lost atom reads.
    phase : float or None
        Readout angle alpha, rad; None takes the best one.
    detection_error : float
        Probability that up is read as down or down as up, in [0, 1/2): a contrast V becomes (1 - 2 error)^n V.

    Raises
    ------
    ValueError
        If one of them is out of range.
    """

    loss: Loss = "seen"
    phase: float | None = None
    detection_error: float = 0.0

    def __post_init__(self) -> None:
        name = type(self).__name__
        if self.loss not in get_args(Loss):
            raise ValueError(f'{name} loss must be "seen", "random" or "dark", got {self.loss!r}')
        if self.phase is not None:
            object.__setattr__(self, "phase", finite(f"{name} phase", self.phase, "rad"))
        if self.detection_error != 0.0:
            error = open_interval(f"{name} detection_error", self.detection_error, 0.0, 0.5)
            object.__setattr__(self, "detection_error", error)

    @abstractmethod
    def atom_angle(self, size: int, phase: float) -> float:
        r"""Angle :math:`\theta` at which each atom of a block of `size` is measured for the readout angle `phase`.

        The observable is :math:`e^{-i\theta}|g\rangle\langle e| + \mathrm{h.c.}`
        """

    @abstractmethod
    def outcomes(self, readings: NDArray[np.int64], block_sizes: tuple[int, ...]) -> NDArray[np.int64]:
        """Number of the outcome for readings of shape (atoms, N), entries up 0, down 1, lost 2."""

    @abstractmethod
    def block_information(self, tangent: BlockTangent) -> float:
        """Fisher information for the phase of one atom, from a product of GHZ blocks."""

    @abstractmethod
    def dense_information(self, tangent: DenseTangent) -> float:
        """Fisher information for the phase of one atom, from a density operator."""

    def network_information(self, tangent: NetworkTangent) -> float:
        """Fisher information for the phase of one atom, from a tensor network."""
        raise TypeError(f"{type(self).__name__} can't be evaluated on a tensor network: it needs network_information")

    def symmetric_information(self, tangent: SymmetricTangent) -> float:
        """Fisher information for the phase of one atom, from a permutation-symmetric state: of few atoms, densely."""
        return self.dense_information(tangent.dense())

    def confusion(self, levels: int) -> NDArray[np.float64]:
        """Probability of the reading (up, down, lost), rows, given what the atom is, columns."""
        error = self.detection_error
        lost = {"seen": [0.0, 0.0, 1.0], "random": [0.5, 0.5, 0.0], "dark": [1.0 - error, error, 0.0]}[self.loss]
        return np.array([[1.0 - error, error, 0.0], [error, 1.0 - error, 0.0], lost]).T[:, :levels]

    def effects(self, levels: int, angle: float) -> NDArray[np.complex128]:
        """Operators of the readings (up, down, lost) of one atom measured at `angle`, shape (3, levels, levels)."""
        basis = np.eye(levels, dtype=complex)
        basis[:2, :2] = np.array([[1.0, 1.0], [np.exp(1j * angle), -np.exp(1j * angle)]]) / np.sqrt(2.0)
        return np.asarray(np.einsum("rk,ak,bk->rab", self.confusion(levels), basis, basis.conj()))

    def dense_probabilities(self, tangent: DenseTangent, phases: NDArray[np.float64]) -> Probabilities:
        """Outcome probabilities from a density operator, with one readout angle (rad) for each block."""
        sizes, levels, atoms = tangent.block_sizes, tangent.levels, tangent.atoms
        effects = []
        for size, phase in zip(sizes, phases, strict=True):
            effects += [self.effects(levels, self.atom_angle(size, phase))] * size

        def weights(matrix: NDArray[np.complex128]) -> NDArray[np.float64]:
            """Trace with every product of effects, one atom after the other."""
            rest = matrix[..., None]
            for effect in effects:
                inner = rest.shape[0] // levels
                split = rest.reshape(levels, inner, levels, inner, -1)
                rest = np.einsum("rba,aibjo->ijor", effect, split, optimize=True).reshape(inner, inner, -1)
            return rest.real.ravel()

        number = self.outcomes(np.indices((3,) * atoms).reshape(atoms, -1), sizes)
        return Probabilities(
            *(
                np.bincount(number, weights=weights(matrix)).astype(float)
                for matrix in (tangent.rho, tangent.derivative, tangent.curvature())
            )
        )


def fringe_mean(contrast: float, size: int, angle: float) -> tuple[float, float, float]:
    """V cos(angle) and its first two derivatives with respect to the phase of one of `size` atoms."""
    cosine = contrast * np.cos(angle)
    return cosine, -size * contrast * np.sin(angle), -(size**2) * cosine


def averaged(
    tangent: BlockTangent,
    block: Callable[[int, float], Probabilities],
    combine: Callable[[Probabilities, Probabilities], Probabilities],
) -> Probabilities:
    r"""Outcome probabilities of all blocks, averaged over their common random phase.

    The probabilities are trigonometric polynomials of the phase whose degree is the number N of atoms. 2N+1 equally
    spaced phases, weighted by the Gaussian cut off at that degree, therefore give the average exactly.
    """
    degree = tangent.atoms
    if tangent.common_phase_variance > 0.0 and degree > _MAX_CORRELATED_ATOMS:
        raise ValueError(
            f"a readout under a common random phase is limited to {_MAX_CORRELATED_ATOMS} atoms, got {degree}"
        )
    if tangent.common_phase_variance > 0.0:
        shifts = 2.0 * np.pi * np.arange(2 * degree + 1) / (2 * degree + 1)
        order = np.arange(1, degree + 1)
        damping = np.exp(-0.5 * order**2 * tangent.common_phase_variance)
        weights = (1.0 + 2.0 * np.cos(np.outer(shifts, order)) @ damping) / (2 * degree + 1)
    else:
        shifts, weights = np.zeros(1), np.ones(1)
    value, derivative, curvature = np.zeros(1), np.zeros(1), np.zeros(1)
    for shift, weight in zip(shifts, weights, strict=True):
        parts = [
            part for kind, copies in enumerate(tangent.copies) for part in [block(kind, float(shift))] * int(copies)
        ]
        joint = reduce(combine, parts)
        value = value + weight * joint.value
        derivative = derivative + weight * joint.derivative
        curvature = curvature + weight * joint.curvature
    return Probabilities(value, derivative, curvature)


def best_angle(
    information: Callable[[float], float], harmonics: int, period: float = 2.0 * np.pi
) -> tuple[float, float]:
    """Angle (rad) and value of the largest information, which has structure on the scale period/harmonics."""
    from scipy.optimize import minimize_scalar

    step = period / (8 * harmonics)
    angles = 0.1 + step * np.arange(8 * harmonics)
    values = np.array([information(float(angle)) for angle in angles])
    best = float(values.max()), float(angles[values.argmax()])
    peaks = np.flatnonzero((values >= np.roll(values, 1)) & (values > np.roll(values, -1)))
    for peak in peaks[np.argsort(values[peaks])[-4:]]:
        found = minimize_scalar(
            lambda angle: -information(angle),
            bounds=(angles[peak] - step, angles[peak] + step),
            method="bounded",
            options={"xatol": 1e-9},
        )
        best = max(best, (float(-found.fun), float(found.x)))
    return best[1], best[0]
