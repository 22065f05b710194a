r"""Parities at several angles: the readouts of a cascade, which has to know a phase and not only its small changes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qcn_open.readouts.parity import Parity
from qcn_open.states import BlockTangent, DenseTangent, NetworkTangent, SymmetricTangent

__all__ = ["DualQuadrature", "FedForward", "Fringes", "MultiAngle"]

# Telling a phase from its opposite, n copies at A angles err with the worst-case factor 2^(n/A - n): at 24 angles that
# is as good as 4 % less copies at angles of their own. Fewer would not do where uncorrelated atoms have to tell apart
# phases as close as 2 pi/K: at K = 10, 240 of them at 8 angles cost 0.6(3) % of the gain of a cascade of 1000 atoms.
_MOST_ANGLES = 24
# Choices of an angle for blocks of one size: one for each of hundreds of atoms would take long and gain little.
_MOST_CHOICES = 48
_OF_A_KIND = ("sizes", "log_ground", "log_excited", "log_coherence", "log_survival", "log_all_lost")


@dataclass(frozen=True)
class Fringes(Parity):
    """Parity of every block, the copies of equal blocks read at different angles.

    Parameters
    ----------
    loss : {"seen", "random", "dark"}, optional
        How a lost atom reads.
    phase : float, optional
        Offset of all angles, rad; None is 0.
    detection_error : float, optional
        Probability of reading an atom's sign wrongly.
    """

    @abstractmethod
    def angles(self, copies: int) -> NDArray[np.float64]:
        """Readout angle alpha (rad) of each of so many copies of a block."""

    @property
    def offset(self) -> float:
        """What is added to all angles, rad."""
        return 0.0 if self.phase is None else self.phase

    @property
    def fixed(self) -> Fringes:
        """The same where angles cannot follow from outcomes: itself, or fixed angles instead of those fed forward."""
        return self

    def block_information(self, tangent: BlockTangent) -> float:
        """That of parities at one angle: a block read at alpha is one whose fringe is alpha further back."""
        kinds, copies, angles = [], [], []
        for kind, own in self._angles(tangent.sizes, tangent.copies):
            distinct, number = np.unique(own, return_counts=True)
            kinds += [kind] * len(distinct)
            copies += number.tolist()
            angles += distinct.tolist()
        turned = replace(
            tangent,
            copies=np.array(copies),
            angle=tangent.angle[kinds] - np.array(angles),
            source_weights=None if tangent.source_weights is None else tangent.source_weights[kinds],
            **{name: getattr(tangent, name)[kinds] for name in _OF_A_KIND},
        )
        return Parity(self.loss, 0.0, self.detection_error).block_information(turned)

    def dense_information(self, tangent: DenseTangent) -> float:
        """Information of the joint signs of all blocks."""
        sizes = np.array(tangent.block_sizes)
        phases = np.concatenate([own for _, own in self._angles(sizes, np.ones_like(sizes))])
        return self.dense_probabilities(tangent, phases).information(tangent.atoms)

    def network_information(self, tangent: NetworkTangent) -> float:
        """Information of the parity of one block."""
        return self._alone(len(tangent.blocks), "tensor network").network_information(tangent)

    def symmetric_information(self, tangent: SymmetricTangent) -> float:
        """Information of the parity of one block."""
        return self._alone(len(tangent.block_sizes), "permutation-symmetric state").symmetric_information(tangent)

    def _alone(self, blocks: int, what: str) -> Parity:
        if blocks > 1:
            raise ValueError(
                f"{type(self).__name__} of {blocks} blocks can't be read from a {what}; "
                "use Parity at one phase, or the backend Logical or QutipDense"
            )
        return Parity(self.loss, float(self.angles(1)[0]), self.detection_error)

    def _angles(self, sizes: NDArray[np.int64], copies: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Angles of the copies of every kind of block: kinds of one size share those of that size."""
        shared = {int(size): self.angles(int(copies[sizes == size].sum())) for size in np.unique(sizes)}
        for kind, (size, number) in enumerate(zip(sizes.tolist(), copies.tolist(), strict=True)):
            yield kind, shared[size][:number]
            shared[size] = shared[size][number:]


@dataclass(frozen=True)
class DualQuadrature(Fringes):
    r"""Every other copy at the angle 0, the rest at a right angle.

    Telling a phase from its opposite, n copies err with the factor :math:`|\cos\sin|^{n/2} \le 2^{-n/2}`.

    Examples
    --------
    >>> from qcn_open import CoherentSpin, Dephasing, Ramsey, cfi
    >>> round(cfi(Ramsey(CoherentSpin(2), Dephasing(1.0), time=1.0, phase=0.3), DualQuadrature()), 6)
    0.395264
    """

    def angles(self, copies: int) -> NDArray[np.float64]:
        """0, pi/2, 0, pi/2, ..."""
        return self.offset + np.where(np.arange(copies) % 2 == 1, 0.5 * np.pi, 0.0)


@dataclass(frozen=True)
class MultiAngle(Fringes):
    r"""Copies at equally spaced angles over half a turn.

    n copies at n angles have at contrast V the Fisher information :math:`1 - \sqrt{1-V^2}` each, up to
    :math:`((1-\sqrt{1-V^2})/V)^{2n}` of it, and tell a phase from its opposite with the factor
    :math:`\prod_k|\sin(\vartheta-\pi k/n)| = 2^{1-n}|\sin n\vartheta|`. More than 24 copies share 24 angles,
    whose likelihoods are quickly looked up: that is still :math:`2^{-23n/24}` or less.

    Examples
    --------
    >>> from qcn_open import CoherentSpin, Dephasing, Ramsey, cfi
    >>> round(cfi(Ramsey(CoherentSpin(12), Dephasing(1.0), time=1.0, phase=0.3), MultiAngle()) / 12, 6)
    0.20494
    """

    def angles(self, copies: int) -> NDArray[np.float64]:
        """Pi k/A with A = min(n, 24), each of these angles equally often, to one."""
        distinct = min(copies, _MOST_ANGLES)
        return self.offset + np.pi * (np.arange(copies) * distinct // max(copies, 1)) / max(distinct, 1)


@dataclass(frozen=True)
class FedForward(Fringes):
    r"""Blocks read one after the other, from the largest to the smallest, each at the angle that promises most.

    Of a block of n atoms that is the angle with the largest expected sharpness
    :math:`|\langle e^{in\varphi}\rangle|` of the posterior, which starts from the prior around the predicted phase.
    With one copy a level and a flat prior that is the semiclassical Fourier transform; with many copies soon, with a
    narrow prior at once mid-fringe, where a parity of contrast V has the Fisher information :math:`n^2V^2`, as that of
    `Parity` at its best angle. Up to 48 copies are read one by one; n more than that ceil(n/48) at a time, at the angle
    that is the best for one of them. The estimator has to be `Joint`.

    Parameters
    ----------
    loss : {"seen", "random", "dark"}, optional
        How a lost atom reads.
    phase : None
        There is no angle to give.
    detection_error : float, optional
        Probability of reading an atom's sign wrongly.

    Raises
    ------
    ValueError
        If a phase is given, or something is out of range.

    Notes
    -----
    D. W. Berry, B. L. Higgins et al., PRA 80, 052114 (2009). From the smallest blocks to the largest, angles chosen
    for what is known gain next to nothing over equally spaced ones: at mid-fringe a block does not tell a phase from
    its mirror image.

    Examples
    --------
    >>> from qcn_open import CoherentSpin, Dephasing, Ramsey, cfi
    >>> round(cfi(Ramsey(CoherentSpin(12), Dephasing(1.0), time=1.0, phase=0.3), FedForward()) / 12, 6)
    0.367879
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.phase is not None:
            raise ValueError(f"FedForward chooses its angles itself: leave out the phase, got {self.phase!r} rad")

    def angles(self, copies: int) -> NDArray[np.float64]:
        """Labels, the same for copies that share an angle: the angles themselves follow from prior and outcomes."""
        together = max(1, -(-copies // _MOST_CHOICES))
        return np.pi * (np.arange(copies) // together) * together / max(copies, 1)

    @property
    def fixed(self) -> MultiAngle:
        """Fixed angles, no offset."""
        return MultiAngle(self.loss, None, self.detection_error)

    def block_information(self, tangent: BlockTangent) -> float:
        """That of parities at their best angle."""
        return self._parity().block_information(tangent)

    def dense_information(self, tangent: DenseTangent) -> float:
        """That of parities at their best angle."""
        return self._parity().dense_information(tangent)

    def network_information(self, tangent: NetworkTangent) -> float:
        """That of parities at their best angle."""
        return self._parity().network_information(tangent)

    def symmetric_information(self, tangent: SymmetricTangent) -> float:
        """That of the parity at its best angle."""
        return self._parity().symmetric_information(tangent)

    def _parity(self) -> Parity:
        return Parity(self.loss, None, self.detection_error)
