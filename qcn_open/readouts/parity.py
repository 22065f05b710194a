"""The parity of every block: the readout of the paper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from qcn_open.readouts.base import DOWN, LOST, Probabilities, Readout, averaged, best_angle, fringe_mean
from qcn_open.states import BlockTangent, DenseTangent, NetworkTangent, SymmetricTangent

__all__ = ["Parity"]

_ROUNDING = 8.0 * np.finfo(float).eps
# A contrast whose square is not a number any more: it carries no information.
_NO_CONTRAST = 1e-150
_MAX_JOINT_BLOCKS = 8


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
            sign = np.where((block == LOST).any(axis=0), LOST, (block == DOWN).sum(axis=0) % 2)
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
                best_angle(partial(self._dense_at, block), 2 * block.atoms, 2.0 * np.pi * block.atoms)[0]
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

        def information(phase: float) -> float:
            turned = terms * np.exp(-1j * order * self.atom_angle(size, phase))
            mean, slope, bend = (float(((1j * order) ** power @ turned).real) for power in range(3))
            return _signs(present, mean, slope, bend).information(size)

        if set(np.abs(order).tolist()) <= {0, size}:
            return best_angle(information, 2)[0]
        return best_angle(information, 2 * size, 2.0 * np.pi * size)[0]

    def symmetric_information(self, tangent: SymmetricTangent) -> float:
        r"""Information of the parity of all atoms: the sum of the elements :math:`\rho_j(m, -m)`.

        All of its coherences are known, so it keeps its accuracy where counting every outcome would lose it.
        """
        if len(tangent.block_sizes) > 1:
            raise ValueError(
                f"Parity of {len(tangent.block_sizes)} blocks can't be read from a permutation-symmetric state; "
                "use CollectiveSpin, or another backend"
            )
        size = tangent.atoms
        mean = np.zeros(2 * size + 1, dtype=complex)
        total = 0.0
        contrast = 1.0 - 2.0 * self.detection_error
        for sector in tangent.sectors(np.arange(size + 1) == size if self.loss != "dark" else None):
            if sector.atoms == size:
                total = sector.weight
            for i, block in enumerate(sector.blocks):
                # Every singlet has the parity -1.
                order = np.arange(1 - len(block), len(block), 2)
                mean[size + order] += (-1.0) ** i * contrast**size * np.fliplr(block).diagonal()
        if self.loss != "seen":
            total = 1.0
        order = np.arange(-size, size + 1)

        def information(angle: float) -> float:
            waves = mean * np.exp(1j * order * (tangent.angle - self.atom_angle(size, angle)))
            value, slope, bend = (float((order**k * waves * 1j**k).sum().real) for k in range(3))
            return _signs(total, value, slope, bend).information(size)

        if self.phase is not None:
            return information(self.phase)
        return best_angle(information, 2 * size, 2.0 * np.pi * size)[1]

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
            mean, slope, bend = fringe_mean(total[kind] * contrast[kind], size, offset[kind] + size * shift)
            return _signs(total[kind], mean + total[kind] * dark[kind], slope, bend)

        return averaged(tangent, signs, Probabilities.joint).information(tangent.atoms)


def _signs(total: float, mean: float, slope: float, bend: float) -> Probabilities:
    """A sign of probability `total`, else none, with this mean and its first two derivatives."""
    sign = np.array([1.0, -1.0, 0.0])
    constant = np.array([total, total, 2.0 * (1.0 - total)])
    return Probabilities(0.5 * (constant + sign * mean), 0.5 * sign * slope, 0.5 * sign * bend)


def _bracket(gap: NDArray[np.float64], contrast: NDArray[np.float64], sine: NDArray[np.float64]) -> NDArray[np.float64]:
    """2 sin^2/(gap + 2V sin^2), half of sin^2(angle)/(1 - (V cos(angle) + D)^2); 1/V where the gap is closed."""
    square = 2.0 * sine**2
    width = gap + contrast * square
    limit = 1.0 / np.where(contrast > _NO_CONTRAST, contrast, 1.0)
    return np.where(gap > 0.0, square / np.where(width > 0.0, width, 1.0), limit)


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
