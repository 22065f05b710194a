"""Contracts that every noise, probe, readout and backend fulfils: one assertion each, for your own classes too.

They raise `AssertionError` with a sentence that says which law is broken. The package applies them to everything it
ships, and tests that each of them can fail.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from qcn_open.backends import Backend, QutipDense, Symmetric
from qcn_open.bounds import channel_extension, heisenberg
from qcn_open.fisher import cfi, qfi
from qcn_open.model import Ramsey
from qcn_open.noise import CollectiveNoise, Dephasing, Noise, channel, is_covariant
from qcn_open.noise.base import LEVELS, LOST
from qcn_open.probes import Probe
from qcn_open.probes.base import dicke_states
from qcn_open.readouts import Readout
from qcn_open.states import BlockTangent, DenseTangent

__all__ = [
    "assert_backend_contract",
    "assert_noise_contract",
    "assert_probe_contract",
    "assert_readout_contract",
]

_TOLERANCE = 1e-10


def assert_noise_contract(noise: Noise | CollectiveNoise, times: Iterable[float] = (0.1, 0.7)) -> None:
    r"""Check that a noise is a phase-covariant semigroup of channels.

    For local noise: jump operators of shape (3, 3) that leave lost atoms alone; the channel is completely positive,
    trace-preserving, the identity at t = 0, obeys :math:`\mathcal E_{s+t} = \mathcal E_s\mathcal E_t` and commutes
    with the clock phase and the flag of a lost atom. For collective noise: a finite variance rate >= 0.

    Parameters
    ----------
    noise : Noise or CollectiveNoise
        The noise to check.
    times : iterable of float, optional
        Times at which to check it, s.

    Raises
    ------
    AssertionError
        If a law is broken.

    Examples
    --------
    >>> from qcn_open import TrapLoss
    >>> assert_noise_contract(TrapLoss(0.3))
    """
    if isinstance(noise, CollectiveNoise):
        rate = noise.variance_rate()
        _require(np.isfinite(rate) and rate >= 0.0, f"{noise!r}: the variance rate must be finite and >= 0")
        return
    jumps = noise.jumps()
    _require(
        all(np.shape(jump) == (LEVELS, LEVELS) for jump in jumps), f"{noise!r}: jump operators must have shape (3, 3)"
    )
    _require(all(np.isfinite(jump).all() for jump in jumps), f"{noise!r}: jump operators must be finite")
    _require(not any(np.any(jump[:, LOST]) for jump in jumps), f"{noise!r}: a lost atom must stay lost")
    identity = np.eye(LEVELS**2)
    _require(np.allclose(channel([noise], 0.0), identity, atol=_TOLERANCE), f"{noise!r}: no identity at time 0")
    times = tuple(times)
    for time in times:
        superoperator = channel([noise], time)
        choi = superoperator.reshape((LEVELS,) * 4).transpose(0, 2, 1, 3).reshape(LEVELS**2, LEVELS**2)
        _require(
            np.linalg.eigvalsh(0.5 * (choi + choi.conj().T))[0] > -_TOLERANCE, f"{noise!r}: not completely positive"
        )
        trace = np.eye(LEVELS).ravel()
        _require(np.allclose(trace @ superoperator, trace, atol=_TOLERANCE), f"{noise!r}: does not keep the trace")
        _require(is_covariant(superoperator), f"{noise!r}: not phase-covariant")
        for other in times:
            _require(
                np.allclose(channel([noise], time + other), superoperator @ channel([noise], other), atol=_TOLERANCE),
                f"{noise!r}: no semigroup in time",
            )


def assert_probe_contract(probe: Probe) -> None:
    """Check that a probe of a few atoms is a normalised state, the same in each of its forms.

    Raises
    ------
    AssertionError
        If it is not normalised, or its atom number, block sizes, amplitudes, symmetric form and network disagree.

    Examples
    --------
    >>> from qcn_open import Ghz
    >>> assert_probe_contract(Ghz(3))
    """
    state = probe.vector()
    entries = probe.levels**probe.atoms
    _require(state.shape[0] == entries, f"{probe!r}: the state does not have levels**atoms entries")
    norm = np.vdot(state, state).real if state.ndim == 1 else np.trace(state).real
    _require(abs(norm - 1.0) < _TOLERANCE, f"{probe!r}: not normalised")
    _require(sum(probe.block_sizes()) == probe.atoms, f"{probe!r}: block sizes do not add up to its atoms")
    if probe.ghz_blocks() is not None:
        model = Ramsey(probe, Dephasing(0.4), time=0.5)
        _close(qfi(model), qfi(model, QutipDense()), f"{probe!r}: blocks and amplitudes are different states")
    symmetric = probe.symmetric_state()
    if symmetric is not None:
        embedding = dicke_states(probe.atoms)
        _require(
            np.allclose(_density(state), embedding @ _density(symmetric) @ embedding.T, rtol=0.0, atol=_TOLERANCE),
            f"{probe!r}: symmetric form and amplitudes are different states",
        )
    network = probe.network().to_dense()
    _require(
        np.allclose(_density(network.ravel() if network.shape[1] == 1 else network), _density(state), atol=_TOLERANCE),
        f"{probe!r}: tensor network and amplitudes are different states",
    )


def assert_readout_contract(readout: Readout, model: Ramsey) -> None:
    """Check on a small model that a readout gives normalised probabilities and no more than the quantum information.

    Raises
    ------
    AssertionError
        If probabilities are negative or do not sum to 1, their derivatives do not sum to 0, the information exceeds
        the quantum Fisher information, or blocks and density operator disagree.

    Examples
    --------
    >>> from qcn_open import Ghz, Parity
    >>> assert_readout_contract(Parity(phase=0.3), Ramsey(Ghz(3), Dephasing(0.4), time=0.5))
    """
    dense = QutipDense()
    tangent = dense.evolve(model)
    phases = np.full(len(tangent.block_sizes), 0.3 if readout.phase is None else readout.phase)
    outcomes = readout.dense_probabilities(tangent, phases)
    _require(outcomes.value.min() > -_TOLERANCE, f"{readout!r}: negative probability")
    _require(abs(outcomes.value.sum() - 1.0) < _TOLERANCE, f"{readout!r}: probabilities do not sum to 1")
    _require(abs(outcomes.derivative.sum()) < _TOLERANCE * model.atoms, f"{readout!r}: derivatives do not sum to 0")
    information = cfi(model, readout, dense)
    _require(information <= qfi(model, dense) * (1.0 + 1e-8), f"{readout!r}: more than the quantum information")
    if model.probe.ghz_blocks() is not None:
        _close(cfi(model, readout), information, f"{readout!r}: blocks and density operator disagree", 1e-7)
    symmetric = Symmetric()
    if symmetric.refusal(model) is None and len(model.probe.block_sizes()) == 1:
        value = cfi(model, readout, symmetric)
        _close(value, information, f"{readout!r}: symmetric state and density operator disagree", 1e-7)


def assert_backend_contract(backend: Backend, models: Iterable[Ramsey]) -> None:
    """Check a backend on models: a refusal in words, or a state that is one, with the information of `QutipDense`.

    Models that `QutipDense` refuses are compared with the bounds only.

    Raises
    ------
    AssertionError
        If a refused model is evolved, a state is none, or the information disagrees or exceeds a bound.

    Examples
    --------
    >>> from qcn_open import Ghz, Logical
    >>> assert_backend_contract(Logical(), [Ramsey(Ghz(3), Dephasing(0.4), time=0.5)])
    """
    reference = QutipDense()
    for model in models:
        reason = backend.refusal(model)
        if reason is not None:
            _require(bool(reason.strip()), f"{backend!r}: a refusal without a reason")
            try:
                backend.evolve(model)
            except ValueError:
                continue
            raise AssertionError(f"{backend!r}: evolves a model it refuses: {model!r}")
        tangent = backend.evolve(model)
        parts = tangent.blocks if isinstance(tangent, BlockTangent) else model.atoms
        if isinstance(tangent, DenseTangent) or parts <= 4:
            state, derivative = (operator.full() for operator in tangent.to_qutip())
            _require_state(state, derivative, f"{backend!r} on {model!r}")
        information = qfi(model, backend)
        limit = min(channel_extension(model), heisenberg(model)) * (1.0 + 1e-9)
        _require(information <= limit, f"{backend!r}: beats a bound on {model!r}")
        if reference.refusal(model) is None:
            _close(information, qfi(model, reference), f"{backend!r}: disagrees with QutipDense on {model!r}")


def _density(state: NDArray[np.complex128]) -> NDArray[np.complex128]:
    return np.outer(state, state.conj()) if state.ndim == 1 else state


def _require_state(state: NDArray[np.complex128], derivative: NDArray[np.complex128], what: str) -> None:
    _require(np.allclose(state, state.conj().T, atol=_TOLERANCE), f"{what}: state not Hermitian")
    _require(abs(np.trace(state) - 1.0) < _TOLERANCE, f"{what}: trace is not 1")
    _require(np.linalg.eigvalsh(state)[0] > -_TOLERANCE, f"{what}: negative eigenvalue")
    _require(np.allclose(derivative, derivative.conj().T, atol=_TOLERANCE), f"{what}: derivative not Hermitian")
    _require(abs(np.trace(derivative)) < _TOLERANCE, f"{what}: derivative has a trace")


def _close(value: float, expected: float, complaint: str, tolerance: float = 1e-9) -> None:
    _require(abs(value - expected) <= tolerance * abs(expected) + 1e-15, f"{complaint} ({value!r}, {expected!r})")


def _require(fulfilled: bool | np.bool, complaint: str) -> None:
    """An assertion that `python -O` does not remove."""
    if not fulfilled:
        raise AssertionError(complaint)
