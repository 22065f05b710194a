"""Exact evolution of any permutation-symmetric probe, in blocks of total spin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcn_open.backends.base import Backend
from qcn_open.model import Ramsey
from qcn_open.noise import generator, is_covariant
from qcn_open.schur_weyl import Matrix, SymmetricChannel
from qcn_open.states import SymmetricTangent
from qcn_open.validation import count, nonnegative

__all__ = ["Symmetric"]


@dataclass(frozen=True)
class Symmetric(Backend):
    r"""Spin-squeezed, Dicke, coherent, GHZ and all other symmetric states under any local noise, exactly.

    The cost grows as N^4, not exponentially: see `qcn_open.schur_weyl`. A random phase common to all atoms multiplies
    the coherence of order q by :math:`e^{-q^2\mathrm{Var}/2}`.

    Parameters
    ----------
    rtol : float
        The evolution itself leaves nothing out. The quantum information does without sectors that are so improbable
        that their largest possible shares, weight times :math:`4\Delta^2J_z`, add up to at most this part of the
        result: it is too small by no more than that. 0 leaves out nothing.
    max_atoms : int
        Most atoms; 300 take some ten seconds.

    Raises
    ------
    ValueError
        If rtol is not finite and >= 0, or max_atoms not a whole number >= 1.

    Examples
    --------
    >>> from qcn_open import CoherentSpin, Dephasing, Ramsey, SpontaneousEmission, qfi
    >>> noise = [Dephasing(1.0), SpontaneousEmission(0.3)]
    >>> round(qfi(Ramsey(CoherentSpin(20), noise, time=0.5), Symmetric()), 9)
    2.610228884
    """

    rtol: float = 1e-12
    max_atoms: int = 500

    def __post_init__(self) -> None:
        object.__setattr__(self, "rtol", nonnegative("Symmetric rtol", self.rtol))
        object.__setattr__(self, "max_atoms", count("Symmetric max_atoms", self.max_atoms))

    def refusal(self, model: Ramsey) -> str | None:
        """Why the model is too large, not covariant or not symmetric."""
        if model.atoms > self.max_atoms:
            return f"{model.atoms} atoms are more than max_atoms={self.max_atoms}"
        if not is_covariant(generator(model.local_noise)):
            return "its noise is not phase-covariant"
        if model.probe.symmetric_state() is None:
            return f"{model.probe!r} is not symmetric under permutations of its atoms"
        return None

    def evolve(self, model: Ramsey) -> SymmetricTangent:
        """Blocks after the interrogation."""
        from threadpoolctl import threadpool_limits

        self.require(model)
        given = model.probe.symmetric_state()
        state = np.outer(given, np.conj(given)) if given is not None and given.ndim == 1 else np.asarray(given)
        order = np.subtract.outer(np.arange(len(state)), np.arange(len(state)))
        channel = SymmetricChannel(model.atoms, model.local_noise, model.time)
        initial, turn = _turned_real(state * np.exp(-0.5 * order**2 * model.common_phase_variance))
        with threadpool_limits(limits=1):
            unlost = channel.unlost(initial) if channel.equal_loss else None
        return SymmetricTangent(
            channel=channel,
            initial=initial,
            unlost=unlost,
            angle=model.phase + channel.turn + turn,
            spacing=int(np.gcd.reduce(np.abs(order[initial != 0.0]))),
            rtol=self.rtol,
            block_sizes=model.probe.block_sizes(),
        )


def _turned_real(state: Matrix) -> tuple[Matrix, float]:
    """The state turned about z so that it is real, and the angle (rad) taken out; the state itself if none does it."""
    coherent = np.tril(state, -1)
    if not coherent.any():
        return state.real, 0.0
    order = np.subtract.outer(np.arange(len(state)), np.arange(len(state)))
    lowest = np.where(order == order[coherent != 0.0].min(), np.abs(coherent), 0.0)
    ket, bra = np.unravel_index(lowest.argmax(), lowest.shape)
    angle = float(np.angle(state[ket, bra]) / (ket - bra))
    turned = state * np.exp(-1j * order * angle)
    rounding = 8.0 * np.finfo(float).eps * (1.0 + np.abs(order)) * np.abs(state)
    return (turned.real, angle) if np.all(np.abs(turned.imag) <= rounding) else (state, 0.0)
