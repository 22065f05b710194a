r"""Probes that are symmetric under permutations of their atoms: squeezed, Dicke and any other symmetric states.

In their words x is the direction in which `CoherentSpin` points, and the clock phase moves it along y: the amplitude
of :math:`|D_k\rangle` carries :math:`i^k`, as everywhere, so that readout angles mean the same.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qcn_open.probes.base import Probe, binomial, quarter_turns
from qcn_open.validation import count, finite

__all__ = ["Dicke", "SpinSqueezed", "SymmetricState"]


@dataclass(frozen=True)
class SpinSqueezed(Probe):
    r"""One-axis twisted spins, turned so that the squeezed quadrature is the one the phase moves along.

    .. math:: e^{-i\nu J_x}\,e^{-i\chi J_z^2/2}\,|x\rangle^{\otimes N}, \qquad
              \nu = \tfrac12\arg(-A + iB), \quad A = 1 - \cos^{N-2}\chi, \quad
              B = 4\sin\tfrac\chi2\cos^{N-2}\tfrac\chi2

    with :math:`\chi` = `twist`; this angle makes the variance of J_y the least (Kitagawa and Ueda, PRA 47, 5138
    (1993), eq. (5)). Without twist it is `CoherentSpin`.

    Parameters
    ----------
    size : int
        Number N of atoms.
    twist : float
        :math:`\chi`, rad. The least variance is near :math:`24^{1/6}(N/2)^{-2/3}`.

    Raises
    ------
    ValueError
        If `size` is not a whole number >= 1, or the twist not finite and at most 1e6 rad.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ramsey, qfi
    >>> round(qfi(Ramsey(SpinSqueezed(4, twist=0.6), Dephasing(1.0), time=0.2)), 9)
    0.224187128
    """

    size: int
    twist: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", count("SpinSqueezed size", self.size))
        object.__setattr__(self, "twist", _angle("SpinSqueezed twist", self.twist))

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return self.size

    def symmetric_state(self) -> NDArray[np.complex128]:
        """Amplitudes on the Dicke states, shape (N+1,)."""
        m = np.arange(self.size + 1) - 0.5 * self.size
        twisted = np.sqrt(binomial(self.size, 0.5)) * np.exp(-0.5j * self.twist * m**2)
        return quarter_turns(self.size) * _rotated(twisted, self._rotation())

    def _rotation(self) -> float:
        """The angle nu, rad: 2 nu is where (V_y - V_z) cos(2 nu) - 2 C_yz sin(2 nu) is least."""
        if self.size == 1:
            return 0.0
        a = 1.0 - np.cos(self.twist) ** (self.size - 2)
        b = 4.0 * np.sin(0.5 * self.twist) * np.cos(0.5 * self.twist) ** (self.size - 2)
        return float(0.5 * np.arctan2(b, -a))


@dataclass(frozen=True)
class Dicke(Probe):
    r"""A Dicke state, turned about x by an angle.

    .. math:: e^{-i\vartheta J_x}\,|D_k\rangle

    with k = `excited` atoms and :math:`\vartheta` = `tilt`. Untilted it carries no phase information. Half of the
    atoms excited and a tilt of a quarter turn make the twin-Fock state of Holland and Burnett, PRL 71, 1355 (1993),
    whose information without noise is N(N+2)/2.

    Parameters
    ----------
    size : int
        Number N of atoms.
    excited : int
        Number k of excited atoms, 0 to N.
    tilt : float, optional
        :math:`\vartheta`, rad.

    Raises
    ------
    ValueError
        If `size` is not a whole number >= 1, `excited` not one from 0 to N, or the tilt not finite.

    Examples
    --------
    >>> from qcn_open import Ramsey, qfi
    >>> round(qfi(Ramsey(Dicke(6, excited=3, tilt=1.5707963267948966), (), time=1.0)), 9)
    24.0
    """

    size: int
    excited: int
    tilt: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", count("Dicke size", self.size))
        try:
            excited = -1 if isinstance(self.excited, bool) else operator.index(self.excited)
        except TypeError:
            excited = -1
        if not 0 <= excited <= self.size:
            raise ValueError(f"Dicke excited must be a whole number from 0 to {self.size} atoms, got {self.excited!r}")
        object.__setattr__(self, "excited", excited)
        object.__setattr__(self, "tilt", _angle("Dicke tilt", self.tilt))

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return self.size

    def symmetric_state(self) -> NDArray[np.complex128]:
        """Amplitudes on the Dicke states, shape (N+1,)."""
        state = np.zeros(self.size + 1, dtype=complex)
        state[self.excited] = 1.0
        return quarter_turns(self.size) * _rotated(state, self.tilt)


class SymmetricState(Probe):
    r"""Any pure symmetric state :math:`\sum_k c_k|D_k\rangle`; immutable, equal only to itself.

    Parameters
    ----------
    amplitudes : sequence of complex, shape (N+1,)
        :math:`c_k`, k = 0...N the number of excited atoms.

    Raises
    ------
    ValueError
        If they are not at least two finite numbers in a row, or not normalised.

    Examples
    --------
    >>> SymmetricState([0.6, 0.0, 0.8j]).atoms
    2
    """

    def __init__(self, amplitudes: Sequence[complex] | NDArray[np.complex128]) -> None:
        try:
            array = np.array(amplitudes, dtype=complex)
        except (TypeError, ValueError):
            raise ValueError(f"SymmetricState amplitudes must be numbers, got {amplitudes!r}") from None
        if array.ndim != 1 or len(array) < 2:
            raise ValueError(f"SymmetricState needs N+1 >= 2 amplitudes in a row, got shape {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError("SymmetricState amplitudes must be finite")
        norm = float(np.linalg.norm(array))
        if not abs(norm**2 - 1.0) <= 1e-10:
            raise ValueError(f"SymmetricState must be normalised to 1, got {norm**2:.12g}; divide by the norm")
        array /= norm
        array.setflags(write=False)
        self._amplitudes = array

    def __repr__(self) -> str:
        return f"SymmetricState(<{self.atoms} atoms>)"

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return len(self._amplitudes) - 1

    def symmetric_state(self) -> NDArray[np.complex128]:
        """The amplitudes; read-only."""
        return self._amplitudes


def _rotated(state: NDArray[np.complex128], angle: float) -> NDArray[np.complex128]:
    r"""Dicke amplitudes turned about x, :math:`e^{-i\vartheta J_x}c`, by Chebyshev polynomials of J_x.

    :math:`e^{-izX} = \sum_n(2-\delta_{n0})(-i)^nJ_n(z)T_n(X)` with :math:`X = J_x/(N/2)` of spectrum [-1, 1] and
    :math:`z = \vartheta N/2`. The series ends where the Bessel functions do, just beyond n = z; they are the Fourier
    coefficients of :math:`e^{-iz\cos t}`.
    """
    atoms = len(state) - 1
    if angle == 0.0:
        return state
    # Whole turns only give a sign, (-1)^N each.
    turns = round(angle / (2.0 * np.pi))
    reduced = angle - 2.0 * np.pi * turns
    z = 0.5 * reduced * atoms
    k = np.arange(atoms)
    step = np.sqrt((k + 1.0) * (atoms - k)) / atoms

    def apply(vector: NDArray[np.complex128]) -> NDArray[np.complex128]:
        result = np.zeros_like(vector)
        result[1:] = step * vector[:-1]
        result[:-1] += step * vector[1:]
        return result

    terms = int(abs(z) + 12.0 * abs(z) ** (1.0 / 3.0)) + 30
    weights = 2.0 * np.fft.fft(np.exp(-1j * z * np.cos(np.pi * np.arange(2 * terms) / terms)))[:terms] / (2 * terms)
    # Real for even n, imaginary for odd: exactly, so that real amplitudes stay recognisable as such.
    weights[::2], weights[1::2] = weights[::2].real, 1j * weights[1::2].imag
    previous, current = state.astype(complex), apply(state)
    total = 0.5 * weights[0] * previous + weights[1] * current
    for weight in weights[2:]:
        previous, current = current, 2.0 * apply(current) - previous
        total += weight * current
    return np.asarray((-1.0) ** (turns * atoms) * total / np.linalg.norm(total))


def _angle(name: str, value: float) -> float:
    """An angle in rad whose remainder after full turns is known to ten digits."""
    angle = finite(name, value, "rad")
    if abs(angle) > 1e6:
        raise ValueError(f"{name} must be at most 1e6 (rad), got {value!r}")
    return angle
