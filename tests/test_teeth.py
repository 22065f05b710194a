"""Every contract, and the comparison of backends, notices what it is there to notice."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np
import pytest
import qutip
from numpy.typing import NDArray
from quimb.tensor import MPS_ghz_state

import qcn_open as qcn
import qcn_open.backends
import qcn_open.noise
import qcn_open.probes
import qcn_open.readouts
from qcn_open.noise import transition
from qcn_open.probes import GhzBlocks
from qcn_open.schur_weyl import Sector
from qcn_open.states import BlockTangent, SymmetricTangent
from qcn_open.testing import (
    assert_backend_contract,
    assert_noise_contract,
    assert_probe_contract,
    assert_readout_contract,
)

NOISES = [
    qcn.Dephasing(0.7),
    qcn.SpontaneousEmission(0.6),
    qcn.Pumping(0.5),
    qcn.TrapLoss(0.4),
    qcn.Depolarizing(0.3),
    qcn.PhaseDiffusion(0.2),
]
PROBES = [
    qcn.Ghz(3),
    qcn.Ghz(2, 0.2),
    qcn.CoherentSpin(3),
    qcn.Product({2: 1, 1: 2}),
    qcn.CustomState(qutip.w_state(3)),
    qcn.CustomState(qutip.ket2dm(qutip.ghz_state(2))),
    qcn.SpinSqueezed(4, 0.6),
    qcn.Dicke(4, 1, 0.7),
    qcn.SymmetricState([0.6, 0.0, 0.48j, 0.64]),
    qcn.MpsState(MPS_ghz_state(3)),
]
READOUTS = [qcn.Parity, qcn.CollectiveSpin, qcn.DualQuadrature, qcn.MultiAngle]
MODELS = [
    qcn.Ramsey(probe, noises, 0.4, 0.2)
    for probe in (qcn.Ghz(1), qcn.Ghz(3), qcn.Ghz(3, 0.7), qcn.CoherentSpin(3), qcn.Product({2: 1, 1: 1}), PROBES[-1])
    for noises in ((), NOISES[0], NOISES[1], NOISES[3], NOISES[:5], NOISES)
]
MODELS += [
    qcn.Ramsey(qcn.GrownGhz(3, geometry, 0.1, 0.02, 0.05, 0.03), noises, 0.4, 0.2)
    for geometry, noises in (("chain", NOISES), ("tree", NOISES[1]))
]
MODELS += [qcn.Ramsey(qcn.CoherentSpin(50), qcn.PhaseDiffusion(1.0), 0.4)]


def shipped(package: ModuleType, base: type) -> set[type]:
    """Concrete classes defined anywhere in a package, found by its files."""
    modules = [
        importlib.import_module(name) for _, name, _ in pkgutil.iter_modules(package.__path__, package.__name__ + ".")
    ]
    classes = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
    return {kind for kind in classes if issubclass(kind, base) and not inspect.isabstract(kind)}


def test_nothing_shipped_is_left_out_below() -> None:
    noises = shipped(qcn_open.noise, qcn.Noise) | shipped(qcn_open.noise, qcn.CollectiveNoise)
    assert noises == {type(noise) for noise in NOISES}
    assert shipped(qcn_open.probes, qcn.Probe) == {type(probe) for probe in PROBES}
    assert shipped(qcn_open.readouts, qcn.Readout) - {qcn.FedForward} == set(READOUTS)
    backends = {qcn.Logical, qcn.Growth, qcn.Symmetric, qcn.QuimbMPO, qcn.QutipDense, qcn.Evolved}
    assert shipped(qcn_open.backends, qcn.Backend) == backends


@pytest.mark.parametrize("noise", NOISES, ids=lambda noise: type(noise).__name__)
def test_shipped_noises_fulfil_their_contract(noise: qcn.Noise) -> None:
    assert_noise_contract(noise)


@pytest.mark.parametrize("probe", PROBES)
def test_shipped_probes_fulfil_their_contract(probe: qcn.Probe) -> None:
    assert_probe_contract(probe)


@pytest.mark.parametrize("loss", ["seen", "random", "dark"])
@pytest.mark.parametrize("kind", READOUTS)
def test_shipped_readouts_fulfil_their_contract(kind: type[qcn.Readout], loss: qcn.readouts.Loss) -> None:
    for model in MODELS[:-1]:
        assert_readout_contract(kind(loss, 0.3, 0.05), model)


@pytest.mark.parametrize("backend", [qcn.Logical(), qcn.Growth(), qcn.Symmetric(), qcn.QutipDense(), qcn.QuimbMPO()])
def test_shipped_backends_fulfil_their_contract(backend: qcn.Backend) -> None:
    # The derivative for 50 atoms that share a phase is beyond what a variational search finds in seconds.
    assert_backend_contract(backend, MODELS[:-1] if isinstance(backend, qcn.QuimbMPO) else MODELS)


def test_an_evolved_state_serves_its_own_model_only() -> None:
    evolved = qcn.Evolved(MODELS[3], qcn.Logical().evolve(MODELS[3]))
    assert_backend_contract(evolved, MODELS)


@dataclass(frozen=True)
class Jumps(qcn.Noise):
    """Whatever jump operators it is given."""

    operators: tuple[NDArray[np.complex128], ...]

    def jumps(self) -> tuple[NDArray[np.complex128], ...]:
        return self.operators


BROKEN_NOISES = {
    "shape": (Jumps((np.eye(2, dtype=complex),)), r"shape \(3, 3\)"),
    "not covariant": (Jumps((transition(0, 1) + transition(1, 0),)), "not phase-covariant"),
    "mixes lost and present": (Jumps((transition(2, 0) + transition(1, 1),)), "not phase-covariant"),
    "revives lost atoms": (Jumps((transition(0, 2),)), "must stay lost"),
    "infinite": (Jumps((np.full((3, 3), np.inf, dtype=complex),)), "finite"),
}


@pytest.mark.parametrize("name", BROKEN_NOISES)
def test_noise_contract_can_fail(name: str) -> None:
    noise, complaint = BROKEN_NOISES[name]
    with pytest.raises(AssertionError, match=complaint):
        assert_noise_contract(noise)


@pytest.mark.parametrize(
    ("replacement", "complaint"),
    [
        (lambda noises, time: np.eye(9) * np.exp(-0.1 * time), "trace|time 0"),
        (lambda noises, time: np.eye(9) + 0.1 * np.eye(9), "identity at time 0"),
        (lambda noises, time: _scaled_coherence(np.exp(time)), "completely positive"),
        (lambda noises, time: _scaled_coherence(np.exp(-(time**2))), "semigroup"),
    ],
)
def test_noise_contract_notices_a_broken_channel(
    monkeypatch: pytest.MonkeyPatch, replacement: object, complaint: str
) -> None:
    monkeypatch.setattr("qcn_open.testing.channel", replacement)
    with pytest.raises(AssertionError, match=complaint):
        assert_noise_contract(qcn.Dephasing(1.0))


def _scaled_coherence(factor: float) -> NDArray[np.float64]:
    populations = np.eye(3).ravel()
    return np.diag(populations + (1.0 - populations) * factor)


class NegativeVariance(qcn.CollectiveNoise):
    def variance_rate(self) -> float:
        return -1.0


def test_collective_noise_contract_can_fail() -> None:
    with pytest.raises(AssertionError, match="variance rate"):
        assert_noise_contract(NegativeVariance())


def test_a_noise_that_breaks_its_contract_is_not_computed_with() -> None:
    broken = [
        (NegativeVariance(), "must be finite and >= 0"),
        (BROKEN_NOISES["shape"][0], "must be finite and of shape"),
    ]
    for noise, sentence in broken:
        with pytest.raises(ValueError, match=sentence):
            qcn.qfi(qcn.Ramsey(qcn.Ghz(2), noise, 1.0))


@dataclass(frozen=True)
class WrongProbe(qcn.Probe):
    """Says two atoms and one GHZ block; its vector is what it is told."""

    state: tuple[complex, ...]

    @property
    def atoms(self) -> int:
        return 2

    def ghz_blocks(self) -> tuple[GhzBlocks, ...]:
        return (GhzBlocks(2),)

    def vector(self) -> NDArray[np.complex128]:
        return np.array(self.state, dtype=complex)


@pytest.mark.parametrize(
    ("state", "complaint"),
    [
        ((1, 0), "entries"),
        ((1, 0, 0, 1), "not normalised"),
        ((0.5, 0.5j, 0.5j, -0.5), "different states"),
    ],
)
def test_probe_contract_can_fail(state: tuple[complex, ...], complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        assert_probe_contract(WrongProbe(state))


class WrongNetwork(qcn.Ghz):
    """Its tensor network is that of another state."""

    def network(self) -> object:
        return qcn.CoherentSpin(self.size).network()


def test_probe_contract_looks_at_the_network() -> None:
    with pytest.raises(AssertionError, match="tensor network and amplitudes are different"):
        assert_probe_contract(WrongNetwork(3))


class GreedyParity(qcn.Parity):
    def block_information(self, tangent: BlockTangent) -> float:
        return 1.01 * super().block_information(tangent)


class LossyParity(qcn.Parity):
    def confusion(self, levels: int) -> NDArray[np.float64]:
        return 0.9 * super().confusion(levels)


@pytest.mark.parametrize(("readout", "complaint"), [(GreedyParity(), "disagree"), (LossyParity(), "sum to 1")])
def test_readout_contract_can_fail(readout: qcn.Readout, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        assert_readout_contract(readout, MODELS[3])


@dataclass(frozen=True)
class Distorted(qcn.Logical):
    """`Logical` with one of its quantities multiplied by a factor."""

    field: str = "log_coherence"
    factor: float = 1.0

    def evolve(self, model: qcn.Ramsey) -> BlockTangent:
        tangent = super().evolve(model)
        value = getattr(tangent, self.field)
        changed = value + np.log(self.factor) if self.field.startswith("log_") else self.factor * value
        return replace(tangent, **{self.field: changed})


@pytest.mark.parametrize(
    ("field", "factor"),
    [
        ("log_coherence", 0.999),
        ("log_coherence", 2.0),
        ("log_ground", 1.001),
        ("log_excited", 0.999),
        ("sizes", 2),
        ("copies", 2),
        ("common_phase_variance", 2.0),
    ],
)
def test_a_distorted_backend_is_noticed(field: str, factor: float) -> None:
    with pytest.raises(AssertionError):
        assert_backend_contract(Distorted(field, factor), MODELS)


@dataclass(frozen=True)
class DistortedBlocks(qcn.Symmetric):
    """`Symmetric` with the elements of one order of coherence, or one block, multiplied by a factor."""

    order: int | None = None
    block: int | None = None
    factor: float = 1.0

    def evolve(self, model: qcn.Ramsey) -> SymmetricTangent:
        tangent = super().evolve(model)
        blocks = []
        for i, given in enumerate(tangent.unlost.blocks):
            order = np.abs(np.subtract.outer(np.arange(len(given)), np.arange(len(given))))
            blocks.append(given * np.where((order == self.order) | (i == self.block), self.factor, 1.0))
        return replace(tangent, unlost=Sector(tangent.atoms, tuple(blocks)))


@pytest.mark.parametrize(("order", "block", "factor"), [(3, None, 0.999), (1, None, 0.5), (None, 1, 1.001)])
def test_distorted_blocks_are_noticed(order: int | None, block: int | None, factor: float) -> None:
    with pytest.raises(AssertionError):
        assert_backend_contract(DistortedBlocks(order=order, block=block, factor=factor), MODELS)


@dataclass(frozen=True)
class WrongSymmetry(qcn.CoherentSpin):
    def symmetric_state(self) -> NDArray[np.complex128]:
        return np.abs(super().symmetric_state())


def test_probe_contract_notices_a_wrong_symmetric_form() -> None:
    with pytest.raises(AssertionError, match="symmetric form and amplitudes are different"):
        assert_probe_contract(WrongSymmetry(3))


class Unwilling(qcn.Logical):
    def refusal(self, model: qcn.Ramsey) -> str | None:
        return "it has no wish to"

    def require(self, model: qcn.Ramsey) -> None:
        return None


def test_evolving_what_it_refuses_is_noticed() -> None:
    with pytest.raises(AssertionError, match="evolves a model it refuses"):
        assert_backend_contract(Unwilling(), MODELS[:1])


def test_a_new_noise_is_one_class() -> None:
    """A user's own noise, loss from e only, works with every backend and with the bound."""

    @dataclass(frozen=True)
    class Ionization(qcn.Noise):
        rate: float

        def jumps(self) -> tuple[NDArray[np.complex128], ...]:
            return (np.sqrt(self.rate) * transition(2, 1),)

    assert_noise_contract(Ionization(0.8))
    models = [qcn.Ramsey(qcn.Ghz(3, 0.6), [Ionization(0.8), qcn.Pumping(0.3), qcn.PhaseDiffusion(0.1)], 0.6)]
    models += [qcn.Ramsey(qcn.SpinSqueezed(3, 0.6), [Ionization(0.8), qcn.Dephasing(0.3)], 0.6)]
    for backend in (qcn.Logical(), qcn.Symmetric()):
        assert_backend_contract(backend, models)
    for loss in ("seen", "random", "dark"):
        assert_readout_contract(qcn.Parity(loss, 0.4), models[0])
        assert_readout_contract(qcn.CollectiveSpin(loss, 0.4), models[0])
