r"""The channel of one atom, derived from jump operators: the root of `Logical` and of the bounds.

Superoperators act on row-stacked matrices, :math:`\mathrm{vec}(\rho)_{3a+b} = \rho_{ab}`, so that
:math:`\mathrm{vec}(A\rho B) = (A\otimes B^T)\,\mathrm{vec}(\rho)`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qcn_open.noise.base import EXCITED, GROUND, LEVELS, LOST, Noise
from qcn_open.validation import nonnegative

__all__ = ["OneSite", "channel", "generator", "is_covariant", "one_site"]

_COHERENCE = LEVELS * EXCITED + GROUND
_POPULATIONS = [LEVELS * level + level for level in range(LEVELS)]


def generator(noises: Iterable[Noise]) -> NDArray[np.complex128]:
    r"""Lindblad generator of one atom.

    .. math:: \mathcal L = \sum_k L_k\otimes L_k^* - \tfrac12(L_k^\dagger L_k\otimes 1 + 1\otimes (L_k^\dagger L_k)^T)

    Parameters
    ----------
    noises : iterable of Noise
        Local noises; their generators add.

    Returns
    -------
    ndarray, shape (9, 9)
        Superoperator on row-stacked 3x3 matrices, 1/s.

    Raises
    ------
    ValueError
        If a jump operator is not finite, not of shape (3, 3), or acts on lost atoms.

    Examples
    --------
    >>> from qcn_open.noise import Dephasing
    >>> float(generator([Dephasing(1.0)])[3, 3].real)
    -0.5
    """
    jumps = [np.zeros((LEVELS, LEVELS), dtype=complex)]
    for noise in noises:
        for jump in noise.jumps():
            if np.shape(jump) != (LEVELS, LEVELS) or not np.isfinite(jump).all():
                raise ValueError(f"{noise!r}: jump operators must be finite and of shape (3, 3) on (g, e, lost)")
            if jump[:, LOST].any():
                raise ValueError(f"{noise!r} acts on lost atoms: no jump operator may, a lost atom stays lost")
            jumps.append(jump)
    stack = np.array(jumps)
    identity = np.eye(LEVELS)
    gain = np.einsum("kac,kbd->abcd", stack, stack.conj())
    rate = np.einsum("kba,kbc->ac", stack.conj(), stack)
    drain = np.einsum("ac,bd->abcd", rate, identity) + np.einsum("ac,db->abcd", identity, rate)
    return np.asarray((gain - 0.5 * drain).reshape(LEVELS**2, LEVELS**2))


def channel(noises: Iterable[Noise], time: float) -> NDArray[np.complex128]:
    r"""The one-atom channel :math:`e^{\mathcal L t}` after `time` seconds, shape (9, 9), row-stacked.

    Examples
    --------
    >>> from qcn_open.noise import TrapLoss
    >>> float(channel([TrapLoss(1.0)], 1.0)[0, 0].real.round(6))
    0.367879
    """
    from scipy.linalg import expm

    return np.asarray(expm(nonnegative("time", time, "s") * generator(noises)), dtype=complex)


def is_covariant(superoperator: NDArray[np.complex128]) -> bool:
    """Whether a one-atom superoperator commutes with the clock phase and with the flag of a lost atom.

    Examples
    --------
    >>> from qcn_open.noise import Depolarizing
    >>> is_covariant(generator([Depolarizing(1.0)]))
    True
    """
    level = np.eye(LEVELS)
    scale = float(np.abs(superoperator).max(initial=0.0))
    for marked in (EXCITED, LOST):
        charge = np.subtract.outer(level[marked], level[marked]).ravel()
        mixing = superoperator[np.not_equal.outer(charge, charge)]
        if np.abs(mixing).max(initial=0.0) > 1e-14 * scale:
            return False
    return True


@dataclass(frozen=True, eq=False)
class OneSite:
    r"""A phase-covariant one-atom channel for atoms that enter in g or e, in logarithms.

    Attributes
    ----------
    log_transfer : ndarray, shape (2, 2)
        ``log_transfer[a, b]``: ln of the probability to find level a, having started in b; levels (g, e).
    log_survival : ndarray, shape (2,)
        ln of the probability that an atom that started in g, in e, is not lost.
    log_coherence : complex
        ln of the factor :math:`\lambda` of :math:`\rho_{eg}`; its imaginary part is a noise-induced phase.
    """

    log_transfer: NDArray[np.float64]
    log_survival: NDArray[np.float64]
    log_coherence: complex

    def __post_init__(self) -> None:
        self.log_transfer.setflags(write=False)
        self.log_survival.setflags(write=False)

    @property
    def loss(self) -> NDArray[np.float64]:
        """Probability that an atom that started in g, in e, is lost, shape (2,)."""
        return np.asarray(-np.expm1(self.log_survival))


def one_site(noises: Iterable[Noise], time: float) -> OneSite:
    r"""Transfer, survival and coherence of one atom after `time` seconds.

    Covariance makes :math:`\rho_{eg}` an eigenvector of the generator, so its factor is an exact exponential; loss
    common to both levels is split off as another one. The logarithms stay accurate where the probabilities
    themselves, raised to the power of 10^6 atoms, would not.

    Raises
    ------
    ValueError
        If the noise is not phase-covariant.

    Examples
    --------
    >>> from qcn_open.noise import SpontaneousEmission
    >>> one_site([SpontaneousEmission(2.0)], 0.5).log_coherence.real
    -0.5
    """
    noises = tuple(noises)
    lindblad = generator(noises)
    if not is_covariant(lindblad):
        raise ValueError(
            f"noise {', '.join(map(repr, noises))} is not phase-covariant: it must commute with |e><e| and with "
            "the flag of a lost atom"
        )
    rates = lindblad[np.ix_(_POPULATIONS, _POPULATIONS)].real
    common_loss = float(rates[LOST, [GROUND, EXCITED]].min())
    log_transfer, log_survival = _two_levels(
        up=float(rates[EXCITED, GROUND]),
        down=float(rates[GROUND, EXCITED]),
        loss=rates[LOST, [GROUND, EXCITED]] - common_loss,
        time=time,
    )
    shift = common_loss * time
    return OneSite(log_transfer - shift, log_survival - shift, complex(time * lindblad[_COHERENCE, _COHERENCE]))


def _two_levels(
    up: float, down: float, loss: NDArray[np.float64], time: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Logarithms of transfer and survival between g and e, from :math:`e^{RT}` of a 2x2 matrix of rates.

    With m the mean of the diagonal of R, x half its difference and :math:`s = \sqrt{x^2 + R_{ge}R_{eg}}`,

    .. math:: p_{ee} = \frac{(s+x)e^{(m+s)T} + (s-x)e^{(m-s)T}}{2s}, \qquad
              p_{eg} = R_{eg}e^{mT}\,\frac{\sinh sT}{s},

    and :math:`p_{gg}` with the sign of x reversed.
    """
    leave = np.array([up, down]) + loss
    mean, x = -0.5 * leave.sum(), 0.5 * (leave[GROUND] - leave[EXCITED])
    split = math.sqrt(x * x + up * down)
    log_transfer = np.full((2, 2), -np.inf)
    for level, half in ((GROUND, -x), (EXCITED, x)):
        log_transfer[level, level] = mean * time
        if split > 0.0:
            # s - |x| cancels where transfer one way is slow.
            far = split + abs(half)
            fast, slow = (far, up * down / far) if half > 0.0 else (up * down / far, far)
            if 2.0 * split * time < 0.5:
                ratio = math.log1p(slow / (2.0 * split) * math.expm1(-2.0 * split * time))
                log_transfer[level, level] += split * time + ratio
            else:
                with np.errstate(divide="ignore"):
                    log_weights = np.log([fast / (2.0 * split), slow / (2.0 * split)])
                log_transfer[level, level] += np.logaddexp(*(log_weights + np.array([1.0, -1.0]) * split * time))
    growth = -math.expm1(-2.0 * split * time) / (2.0 * split) if split > 0.0 else time
    for to, source, rate in ((EXCITED, GROUND, up), (GROUND, EXCITED, down)):
        if rate * growth > 0.0:
            log_transfer[to, source] = math.log(rate) + (mean + split) * time + math.log(growth)
    log_survival = np.minimum(np.logaddexp(*log_transfer), 0.0) if loss.any() else np.zeros(2)
    return log_transfer, log_survival
