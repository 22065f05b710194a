"""Brute force: the Lindblad equation of all atoms, integrated by QuTiP. The reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qcn_open.backends.base import Backend
from qcn_open.model import Ramsey
from qcn_open.noise import generator, is_covariant
from qcn_open.noise.base import LEVELS, LOST
from qcn_open.probes import Probe
from qcn_open.probes.base import DENSE_ATOMS
from qcn_open.states import DenseTangent, is_excited
from qcn_open.validation import count, positive

if TYPE_CHECKING:
    from qutip import Qobj

__all__ = ["QutipDense"]


@dataclass(frozen=True)
class QutipDense(Backend):
    """Any probe of a few atoms, by `qutip.mesolve` on the jump operators themselves.

    Parameters
    ----------
    rtol, atol : float
        Tolerances of the integrator. The coherence of a GHZ block is small and its square is what counts: hence
        an absolute tolerance far below QuTiP's default.
    max_dimension : int
        Largest dimension of the Hilbert space: 11 atoms with two levels, 7 with three. Never more than 14 atoms.

    Raises
    ------
    ValueError
        If a tolerance is not finite and > 0, or the dimension is not a whole number >= 1.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ghz, Ramsey
    >>> state = QutipDense().evolve(Ramsey(Ghz(2), Dephasing(1.0), time=1.0))
    >>> float(abs(state.rho[3, 0]).round(9))
    0.183939721
    """

    rtol: float = 1e-12
    atol: float = 1e-18
    max_dimension: int = 2187

    def __post_init__(self) -> None:
        for name in ("rtol", "atol"):
            object.__setattr__(self, name, positive(f"QutipDense {name}", getattr(self, name)))
        object.__setattr__(self, "max_dimension", count("QutipDense max_dimension", self.max_dimension))

    def refusal(self, model: Ramsey) -> str | None:
        """Why the model is too large, or its derivative is not that of a phase rotation."""
        if not is_covariant(generator(model.local_noise)):
            return "its noise is not phase-covariant"
        levels = _levels(model)
        if model.atoms > DENSE_ATOMS or levels**model.atoms > self.max_dimension:
            return (
                f"{model.atoms} atoms with {levels} levels exceed the largest dimension "
                f"{self.max_dimension} of the Hilbert space"
            )
        return None

    def evolve(self, model: Ramsey) -> DenseTangent:
        """Density operator after the interrogation; levels (g, e), and lost where the noise leads there."""
        import qutip
        from threadpoolctl import threadpool_limits

        self.require(model)
        levels = _levels(model)
        initial = _embed(model.probe, levels)
        dims = [[levels] * model.atoms] * 2
        total = is_excited(levels, model.atoms).sum(axis=0).astype(float)
        # QuTiP's tidy-up deletes entries below 1e-14, among them the coherences that carry the phase.
        with qutip.CoreOptions(auto_tidyup=False), threadpool_limits(limits=1):
            rho = qutip.Qobj(initial, dims=dims)
            if model.noise and model.time > 0.0:
                jumps = [
                    _on_atom(jump[:levels, :levels], atom, model.atoms)
                    for noise in model.local_noise
                    for jump in noise.jumps()
                    if jump.any()
                    for atom in range(model.atoms)
                ]
                number = qutip.qdiags(total, 0, dims=dims)
                if model.common_phase_variance > 0.0:
                    jumps.append(np.sqrt(model.common_phase_variance / model.time) * number)
                rho = qutip.mesolve(
                    -(model.phase / model.time) * number,
                    rho,
                    [0.0, model.time],
                    c_ops=jumps,
                    options={
                        "method": "vern9",
                        "rtol": self.rtol,
                        "atol": self.atol,
                        "nsteps": 10**6,
                        "progress_bar": "",
                        "store_states": False,
                        "store_final_state": True,
                    },
                ).final_state
            else:
                phases = np.exp(1j * model.phase * total)
                rho = qutip.Qobj(phases[:, None] * initial * phases.conj(), dims=dims)
        array = np.array(rho.full())
        self._require_resolved(array, total)
        # Phase-covariant noise commutes with the rotation, so d rho / d phi = i [sum |e><e|, rho] is exact.
        return DenseTangent(array, 1j * np.subtract.outer(total, total) * array, levels, model.probe.block_sizes())

    def _require_resolved(self, rho: NDArray[np.complex128], excited: NDArray[np.float64]) -> None:
        """Raise where all that carries the phase has decayed to what the integrator can't tell from zero."""
        largest = np.abs(rho[np.not_equal.outer(excited, excited)]).max(initial=0.0)
        if 0.0 < largest < 1e3 * self.atol:
            raise ValueError(
                f"{self!r}: the coherence has decayed to {largest:.1e}, which atol={self.atol:g} does not resolve; "
                "take a shorter time or a smaller atol"
            )


def _levels(model: Ramsey) -> int:
    """3 where atoms are lost before or during the interrogation, else 2."""
    leads_to_lost = any(jump[LOST].any() for noise in model.local_noise for jump in noise.jumps())
    return LEVELS if leads_to_lost else model.probe.levels


def _embed(probe: Probe, levels: int) -> NDArray[np.complex128]:
    """The probe as a density matrix on `levels` levels an atom, at least as many as its own."""
    state = probe.vector()
    rho = np.outer(state, state.conj()) if state.ndim == 1 else state
    digits = np.indices((probe.levels,) * probe.atoms).reshape(probe.atoms, -1)
    index = np.ravel_multi_index(tuple(digits), (levels,) * probe.atoms)
    embedded = np.zeros((levels**probe.atoms,) * 2, dtype=complex)
    embedded[np.ix_(index, index)] = rho
    return embedded


def _on_atom(operator: NDArray[np.complex128], atom: int, atoms: int) -> Qobj:
    """A one-atom operator acting on one of the atoms."""
    import qutip

    identity = qutip.qeye(operator.shape[0])
    factors = [identity] * atoms
    factors[atom] = qutip.Qobj(operator).to("CSR")
    return qutip.tensor(factors)
