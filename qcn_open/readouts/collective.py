"""The collective spin: how many atoms are up, all measured at one angle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qcn_open.probes.base import binomial
from qcn_open.readouts.base import LOST, UP, Probabilities, Readout, averaged, best_angle, fringe_mean
from qcn_open.readouts.parity import Parity
from qcn_open.schur_weyl import up_harmonics
from qcn_open.states import BlockTangent, DenseTangent, NetworkTangent, SymmetricTangent, negligible

__all__ = ["CollectiveSpin"]

_MAX_COUNTED_ATOMS = 64


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
        up, lost = ((readings == label).sum(axis=0) for label in (UP, LOST))
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
            lambda angle: averaged(
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

    def symmetric_information(self, tangent: SymmetricTangent) -> float:
        """Information of the count."""
        survivors = np.arange(tangent.atoms + 1)
        weights = tangent.survivors()
        # An outcome holds no more than its weight times the square of the number of atoms; unseen loss mixes them.
        bounds = weights * (survivors if self.loss == "seen" else tangent.atoms) ** 2.0
        information = 0.0
        for allowed in (1e-6 * tangent.rtol * float(weights @ survivors), 0.0):
            skipped = negligible(bounds, allowed)
            information = self._information_of_counts(tangent, ~skipped)
            if bounds[skipped].sum() <= tangent.rtol * information:
                break
        return information

    def _information_of_counts(self, tangent: SymmetricTangent, kept: NDArray[np.bool_]) -> float:
        harmonics = self._symmetric_counts(tangent, kept)
        size = np.abs(harmonics).max(axis=1)
        faint = size[1:].max(initial=0.0) / tangent.atoms**2
        if faint == 0.0:
            return 0.0
        order = np.flatnonzero(size > 1e-20 * faint)
        series = harmonics[order][:, harmonics[0].real > 1e-28 * size[0]]

        def information(angle: float) -> float:
            waves = np.exp(1j * order * (tangent.angle - self.atom_angle(1, angle)))
            weights = np.stack([waves, 1j * order * waves, -(order**2) * waves])
            outcomes = weights.real @ series.real
            if np.iscomplexobj(series):
                outcomes -= weights.imag @ series.imag
            return Probabilities(*outcomes).information(tangent.atoms)

        return self._at_angle(information, int(np.flatnonzero(size > 1e-12 * faint)[-1]))

    def _symmetric_counts(self, tangent: SymmetricTangent, kept: NDArray[np.bool_]) -> NDArray[Any]:
        """Fourier series of the probabilities of all readings of the count, indices (order, reading)."""
        atoms, error = tangent.atoms, self.detection_error
        series: list[NDArray[Any]] = []
        for sector in tangent.sectors(kept):
            present = sector.atoms
            counts = np.zeros((atoms + 1, present + 1), dtype=sector.blocks[0].dtype)
            for i, block in enumerate(sector.blocks):
                # One atom of every singlet is up, the other down.
                counts[: len(block), i : i + len(block)] += up_harmonics(block)
            if error > 0.0:
                flips = [
                    np.convolve(binomial(up, error)[::-1], binomial(present - up, error)) for up in range(present + 1)
                ]
                counts = counts @ np.array(flips)
            if self.loss != "seen":
                read_up = binomial(atoms - present, 0.5 if self.loss == "random" else error)[::-1]
                mixed = np.zeros((atoms + 1, atoms + 1), dtype=counts.dtype)
                for lost, chance in enumerate(read_up):
                    mixed[:, lost : lost + present + 1] += chance * counts
                counts = mixed
            series.append(counts)
        return np.concatenate(series, axis=1) if self.loss == "seen" else np.asarray(sum(series))

    def _at_angle(self, information: Callable[[float], float], harmonics: int) -> float:
        return information(self.phase) if self.phase is not None else best_angle(information, 2 * harmonics)[1]

    def _counts(self, tangent: BlockTangent, kind: int, angle: float, shift: float) -> Probabilities:
        """Counts (up, lost) of one block: a mixture of independent atoms and the interference term."""
        if tangent.source_weights is None:
            raise ValueError(
                "CollectiveSpin needs blocks that began in g...g and e...e only: use Parity, or backend=QutipDense() "
                "for a few atoms"
            )
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
        mean, slope, bend = fringe_mean(contrast, size, fringe)
        derivative, curvature = np.zeros_like(value), np.zeros_like(value)
        value[:, 0] += signs * mean
        derivative[:, 0], curvature[:, 0] = signs * slope, signs * bend
        return Probabilities(value, derivative, curvature)
