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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial, reduce
from math import comb
from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from qcn_open.states import BlockTangent, DenseTangent, NetworkTangent
from qcn_open.validation import finite, open_interval

__all__ = ["CollectiveSpin", "Loss", "Parity", "Probabilities", "Readout"]

Loss = Literal["seen", "random", "dark"]

_UP, _DOWN, _LOST = 0, 1, 2
_ROUNDING = 8.0 * np.finfo(float).eps
_TOUCHING = 1e-4
# A contrast whose square is not a number any more: it carries no information.
_NO_CONTRAST = 1e-150
_MAX_COUNTED_ATOMS = 64
_MAX_CORRELATED_ATOMS = 4096
_MAX_JOINT_BLOCKS = 8


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


@dataclass(frozen=True)
class Parity(Readout):
    r"""Parity of every block: the product of the signs of its atoms (paper, section *Interrogation*).

    .. math:: P(\pm) = \tfrac12\bigl(A \pm (V\cos(n\varphi-\alpha) + D)\bigr)

    with contrast V; A is the probability that no atom is lost when loss is *seen*, else 1; D, the probability that
    all atoms are lost, counts only when they leave the detector *dark*. At a given angle

    .. math:: F_\varphi = \frac{n^2 A V^2 \sin^2}{A^2 - (V\cos + D)^2},

    at a fringe top of full contrast its limit.

    Parameters
    ----------
    loss : {"seen", "random", "dark"}, optional
        How a lost atom reads.
    phase : float, optional
        Readout angle alpha of every block, rad; None takes the best for each block alone. Blocks that share a random
        phase might be read better together at other angles: those are not searched for.
    detection_error : float, optional
        Probability of reading an atom's sign wrongly.

    Raises
    ------
    ValueError
        If one of them is out of range.

    Examples
    --------
    >>> from qcn_open import CoherentSpin, Ramsey, TrapLoss, cfi
    >>> model = Ramsey(CoherentSpin(1), TrapLoss(0.2231435513142097), time=1.0)
    >>> [round(cfi(model, Parity(loss=loss)), 6) for loss in ("seen", "random", "dark")]
    [0.8, 0.64, 0.8]
    """

    def atom_angle(self, size: int, phase: float) -> float:
        """Every atom takes its share of the block's angle; the quarter turn is that of the prepared i."""
        return (phase + np.pi / 2) / size

    def outcomes(self, readings: NDArray[np.int64], block_sizes: tuple[int, ...]) -> NDArray[np.int64]:
        """Sign, or lost, of every block."""
        number = np.zeros(readings.shape[1], dtype=np.int64)
        for block in np.split(readings, np.cumsum(block_sizes)[:-1]):
            sign = np.where((block == _LOST).any(axis=0), _LOST, (block == _DOWN).sum(axis=0) % 2)
            number = 3 * number + sign
        return number

    def block_information(self, tangent: BlockTangent) -> float:
        """Sum over the blocks, or the information of their joint signs when a common phase correlates them."""
        if tangent.common_phase_variance > 0.0:
            if tangent.blocks > 1:
                return self._correlated_information(tangent)
            tangent = tangent.with_common_phase_as_contrast()
        total, contrast, dark, missing = self._fringe(tangent)
        above = missing + 2.0 * dark
        if self.phase is None:
            root = np.sqrt(missing * (2.0 - missing) * above * (2.0 - above))
            # Not less than 2V, since V + D <= 1: so it vanishes with V only.
            width = np.maximum(1.0 + contrast**2 - dark**2 + root, 2.0 * contrast)
            shape = 2.0 / np.where(contrast > _NO_CONTRAST, width, 1.0)
        else:
            half = 0.5 * (tangent.angle - self.phase)
            shape = _bracket(missing, contrast, np.sin(half)) * _bracket(above, contrast, np.cos(half))
        information = tangent.sizes.astype(float) ** 2 * contrast**2 * shape * total
        return float(tangent.copies @ information)

    def dense_information(self, tangent: DenseTangent) -> float:
        """Information of the joint signs of all blocks; unless given, the angle is the best for each block alone."""
        if self.phase is None:
            # The angles of the atoms, not only that of the fringe, matter for states other than GHZ states.
            best = [
                _best_angle(partial(self._dense_at, block), 2 * block.atoms, 2.0 * np.pi * block.atoms)[0]
                for block in _single_blocks(tangent)
            ]
            return self.dense_probabilities(tangent, np.array(best)).information(tangent.atoms)
        return self._dense_at(tangent, self.phase)

    def network_information(self, tangent: NetworkTangent) -> float:
        """Sum over independent groups of blocks, seen from the bonds, of the information of their joint signs."""
        known: dict[tuple[object, ...], float] = {}
        total = 0.0
        for start, stop, blocks in _independent_groups(tangent):
            # Copies of one block are the same tensors.
            key = (*map(id, tangent.tensors[start:stop]), *(tuple(np.array(block) - start) for block in blocks))
            if key not in known:
                known[key] = self._joint_information(tangent, start, stop, blocks)
            total += known[key]
        return total

    def _joint_information(
        self, tangent: NetworkTangent, start: int, stop: int, blocks: list[tuple[int, ...]]
    ) -> float:
        """Information of the joint signs of correlated blocks, from the means of all products of their signs."""
        if len(blocks) > _MAX_JOINT_BLOCKS:
            raise ValueError(
                f"the joint signs of correlated blocks are limited to {_MAX_JOINT_BLOCKS} blocks, got {len(blocks)}; "
                "sites in the order of the blocks tell independent ones apart"
            )
        block_of = {site: number for number, block in enumerate(blocks) for site in block}
        axes = [block_of[site] for site in range(start, stop)]
        effects: list[NDArray[np.complex128]] = []
        for block in blocks:
            phase = self.phase
            if phase is None:
                phase = self._network_best_angle(tangent, start, stop, set(block))
            up, down, lost = self.effects(tangent.levels, self.atom_angle(len(block), phase))
            choices = [up + down + lost, up - down] if not lost.any() else [up + down + lost, up + down, up - down]
            effects.append(np.array(choices))
        means = tangent.jet([effects[axis] for axis in axes], axes, start).real
        for axis, operators in enumerate(effects):
            outcomes = np.array([[0.5, 0.5], [0.5, -0.5]])
            if len(operators) == 3:
                outcomes = np.array([[0.0, 0.5, 0.5], [0.0, 0.5, -0.5], [1.0, -1.0, 0.0]])
            means = np.moveaxis(np.tensordot(outcomes, means, axes=(1, axis + 1)), 0, axis + 1)
        return Probabilities(*means.reshape(3, -1)).information(stop - start)

    def _network_best_angle(self, tangent: NetworkTangent, start: int, stop: int, block: set[int]) -> float:
        """Angle (rad) at which the sign of one block alone tells most.

        Its mean is a trigonometric polynomial of the angle of an atom, one term for each order of coherence.
        """
        size = len(block)
        up, down, lost = self.effects(tangent.levels, 0.0)
        inside = [site in block for site in range(start, stop)]

        def orders(operator: NDArray[np.complex128]) -> NDArray[np.complex128]:
            outside = up + down + lost
            return tangent.orders([operator if here else outside for here in inside], inside, start)

        terms, present = orders(up - down), float(orders(up + down)[size].real)
        order = np.arange(-size, size + 1)
        kept = np.abs(terms) > 1e-13 * np.abs(terms).max()
        terms, order = terms[kept], order[kept]
        if set(order.tolist()) == {-size, size}:
            return float(np.angle(terms[-1]))
        sign = np.array([1.0, -1.0, 0.0])

        def information(phase: float) -> float:
            turned = terms * np.exp(-1j * order * self.atom_angle(size, phase))
            mean, slope, bend = (float(((1j * order) ** power @ turned).real) for power in range(3))
            constant = np.array([present, present, 2.0 * (1.0 - present)])
            return Probabilities(0.5 * (constant + sign * mean), 0.5 * sign * slope, 0.5 * sign * bend).information(
                size
            )

        if set(np.abs(order).tolist()) <= {0, size}:
            return _best_angle(information, 2)[0]
        return _best_angle(information, 2 * size, 2.0 * np.pi * size)[0]

    def _dense_at(self, tangent: DenseTangent, angle: float) -> float:
        phases = np.full(len(tangent.block_sizes), angle)
        return self.dense_probabilities(tangent, phases).information(tangent.atoms)

    def _fringe(
        self, tangent: BlockTangent
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """A, V/A, D/A and what is missing of V/A + D/A to 1, of every kind of block."""
        log_contrast = np.log(2.0) + tangent.log_coherence + tangent.sizes * np.log1p(-2.0 * self.detection_error)
        log_total = tangent.log_survival if self.loss == "seen" else np.zeros(len(tangent.sizes))
        # V and A of a purely lossy block are equal: a difference at the level of rounding is none.
        ratio = np.where(
            log_total - log_contrast > _ROUNDING * (1.0 - log_total - log_contrast), log_contrast - log_total, 0.0
        )
        contrast, missing = np.exp(ratio), -np.expm1(ratio)
        dark = np.zeros(len(tangent.sizes))
        if self.loss == "dark":
            dark = np.exp(tangent.log_all_lost) * (1.0 - 2.0 * self.detection_error) ** tangent.sizes
            missing = np.where(missing - dark > _ROUNDING, missing - dark, 0.0)
        return np.exp(log_total), contrast, dark, missing

    def _correlated_information(self, tangent: BlockTangent) -> float:
        """Joint signs of blocks that share a random phase."""
        total, contrast, dark, _ = self._fringe(tangent)
        if self.phase is None:
            # Where the information of one block alone is stationary in the angle; without D it is mid-fringe.
            alone = contrast * np.exp(-0.5 * tangent.sizes.astype(float) ** 2 * tangent.common_phase_variance)
            square = 1.0 - alone**2 - dark**2
            root = np.sqrt(np.maximum(square**2 - (2.0 * alone * dark) ** 2, 0.0))
            cosine = np.where(dark > 0.0, 2.0 * alone * dark / np.where(dark > 0.0, square + root, 1.0), 0.0)
            offset = np.arccos(np.clip(cosine, -1.0, 1.0))
        else:
            offset = tangent.angle - self.phase

        def signs(kind: int, shift: float) -> Probabilities:
            size = int(tangent.sizes[kind])
            mean, slope, bend = _fringe_mean(total[kind] * contrast[kind], size, offset[kind] + size * shift)
            constant = np.array([total[kind], total[kind], 2.0 * (1.0 - total[kind])])
            sign = np.array([1.0, -1.0, 0.0])
            return Probabilities(
                0.5 * (constant + sign * (mean + total[kind] * dark[kind])), 0.5 * sign * slope, 0.5 * sign * bend
            )

        return _averaged(tangent, signs, Probabilities.joint).information(tangent.atoms)


@dataclass(frozen=True)
class CollectiveSpin(Readout):
    r"""Collective spin: how many atoms are up (and, when loss is seen, how many are lost), all at one angle.

    One atom is up with probability :math:`\tfrac12(1 + V\cos(\varphi-\alpha))`. For uncorrelated atoms the count
    is a sufficient statistic, so the information is that of all the single readings.

    Parameters
    ----------
    loss : {"seen", "random", "dark"}, optional
        How a lost atom reads.
    phase : float, optional
        Readout angle alpha of every atom, rad; None takes the best one.
    detection_error : float, optional
        Probability of reading an atom's sign wrongly.

    Raises
    ------
    ValueError
        If one of them is out of range, or the probe is a product of more than 64 atoms that are not all
        uncorrelated.

    Examples
    --------
    >>> from qcn_open import CoherentSpin, Dephasing, Ramsey, cfi
    >>> round(cfi(Ramsey(CoherentSpin(1000), Dephasing(1.0), time=1.0), CollectiveSpin()), 6)
    367.879441
    """

    def atom_angle(self, size: int, phase: float) -> float:
        """All atoms are measured alike, whatever the block they belong to."""
        return phase + np.pi / 2

    def outcomes(self, readings: NDArray[np.int64], block_sizes: tuple[int, ...]) -> NDArray[np.int64]:
        """Number of atoms up and number of atoms lost."""
        up, lost = ((readings == label).sum(axis=0) for label in (_UP, _LOST))
        return np.asarray(up * (len(readings) + 1) + lost)

    def block_information(self, tangent: BlockTangent) -> float:
        """Information of the count."""
        uncorrelated = bool(np.all(tangent.sizes == 1))
        if uncorrelated and tangent.common_phase_variance == 0.0:
            return Parity(self.loss, self.phase, self.detection_error).block_information(tangent)
        if tangent.atoms > _MAX_COUNTED_ATOMS:
            raise ValueError(
                f"CollectiveSpin on correlated atoms is limited to {_MAX_COUNTED_ATOMS} atoms, "
                f"got {tangent.atoms}; use Parity, or fewer atoms"
            )
        return self._at_angle(
            lambda angle: _averaged(
                tangent, lambda kind, shift: self._counts(tangent, kind, angle, shift), Probabilities.total
            ).information(tangent.atoms),
            int(tangent.sizes.max()),
        )

    def dense_information(self, tangent: DenseTangent) -> float:
        """Information of the count."""
        return self._at_angle(
            lambda angle: self.dense_probabilities(tangent, np.full(len(tangent.block_sizes), angle)).information(
                tangent.atoms
            ),
            tangent.atoms,
        )

    def network_information(self, tangent: NetworkTangent) -> float:
        """Information of the count, whose distribution is the Fourier transform of means of products."""
        atoms = tangent.atoms
        if atoms > _MAX_COUNTED_ATOMS:
            raise ValueError(
                f"CollectiveSpin on a tensor network is limited to {_MAX_COUNTED_ATOMS} atoms, got {atoms}; use Parity"
            )
        root = np.exp(2j * np.pi * np.arange(atoms + 1) / (atoms + 1))

        def at(angle: float) -> float:
            up, down, lost = self.effects(tangent.levels, self.atom_angle(atoms, angle))
            seen = root if lost.any() else np.ones(1)
            marked = root[:, None, None, None] * up + down + seen[None, :, None, None] * lost
            marked = marked.reshape(-1, *up.shape)
            means = tangent.jet([marked] * atoms, [0] * atoms).reshape(3, atoms + 1, len(seen))
            counts = np.fft.fft2(means, axes=(1, 2)).real / (len(root) * len(seen))
            return Probabilities(*counts.reshape(3, -1)).information(atoms)

        return self._at_angle(at, atoms)

    def _at_angle(self, information: Callable[[float], float], harmonics: int) -> float:
        return information(self.phase) if self.phase is not None else _best_angle(information, 2 * harmonics)[1]

    def _counts(self, tangent: BlockTangent, kind: int, angle: float, shift: float) -> Probabilities:
        """Counts (up, lost) of one block: a mixture of independent atoms and the interference term."""
        size = int(tangent.sizes[kind])
        value = np.zeros((size + 1, size + 1))
        for weight, loss in zip(tangent.source_weights[kind], tangent.loss, strict=True):
            up, down, lost = self.confusion(3) @ np.array([0.5 * (1.0 - loss), 0.5 * (1.0 - loss), loss])
            value += weight * np.array(
                [
                    [
                        comb(size, k) * comb(size - k, m) * up**k * lost**m * down ** (size - k - m)
                        if k + m <= size
                        else 0.0
                        for m in range(size + 1)
                    ]
                    for k in range(size + 1)
                ]
            )
        signs = np.array([(-1.0) ** (size - k) * comb(size, k) for k in range(size + 1)]) / 2.0**size
        contrast = 2.0 * np.exp(tangent.log_coherence[kind]) * (1.0 - 2.0 * self.detection_error) ** size
        # The parity of a block whose atoms are all measured at theta has the readout angle n theta - pi/2.
        fringe = tangent.angle[kind] + size * shift - (size * self.atom_angle(size, angle) - np.pi / 2)
        mean, slope, bend = _fringe_mean(contrast, size, fringe)
        derivative, curvature = np.zeros_like(value), np.zeros_like(value)
        value[:, 0] += signs * mean
        derivative[:, 0], curvature[:, 0] = signs * slope, signs * bend
        return Probabilities(value, derivative, curvature)


def _fringe_mean(contrast: float, size: int, angle: float) -> tuple[float, float, float]:
    """V cos(angle) and its first two derivatives with respect to the phase of one of `size` atoms."""
    cosine = contrast * np.cos(angle)
    return cosine, -size * contrast * np.sin(angle), -(size**2) * cosine


def _bracket(gap: NDArray[np.float64], contrast: NDArray[np.float64], sine: NDArray[np.float64]) -> NDArray[np.float64]:
    """2 sin^2/(gap + 2V sin^2), half of sin^2(angle)/(1 - (V cos(angle) + D)^2); 1/V where the gap is closed."""
    square = 2.0 * sine**2
    width = gap + contrast * square
    limit = 1.0 / np.where(contrast > _NO_CONTRAST, contrast, 1.0)
    return np.where(gap > 0.0, square / np.where(width > 0.0, width, 1.0), limit)


def _averaged(
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


def _single_blocks(tangent: DenseTangent) -> Iterator[DenseTangent]:
    """The reduced state of every block."""
    before = 0
    for size in tangent.block_sizes:
        shape = tangent.levels**before, tangent.levels**size, tangent.levels ** (tangent.atoms - before - size)
        rho, derivative = (
            np.ascontiguousarray(np.einsum("aibajb->ij", matrix.reshape(*shape, *shape)))
            for matrix in (tangent.rho, tangent.derivative)
        )
        yield DenseTangent(rho, derivative, tangent.levels, (size,))
        before += size


def _independent_groups(tangent: NetworkTangent) -> Iterator[tuple[int, int, list[tuple[int, ...]]]]:
    """(start, stop, blocks) of neighbouring sites that are independent of all others and cut no block."""
    start, waiting = 0, sorted(tangent.blocks, key=min)
    for _, stop in tangent.segments():
        inside = [block for block in waiting if min(block) < stop]
        if all(max(block) < stop for block in inside):
            yield start, stop, inside
            start, waiting = stop, waiting[len(inside) :]


def _best_angle(
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
