"""Bad input ends in one sentence that says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import quimb.tensor
import qutip

import qcn_open as qcn

NOISE = qcn.Dephasing(1.0)


@pytest.mark.parametrize("kind", [qcn.Dephasing, qcn.SpontaneousEmission, qcn.Pumping, qcn.TrapLoss, qcn.Depolarizing])
@pytest.mark.parametrize("rate", [-0.1, np.nan, np.inf, "1", None, True, 1j])
def test_rates(kind: type[qcn.Dephasing], rate: object) -> None:
    with pytest.raises(ValueError, match=rf"^{kind.__name__} rate must be"):
        kind(rate)


def test_the_sentence_names_the_unit_and_the_value() -> None:
    with pytest.raises(ValueError, match=r"^TrapLoss rate must be finite and >= 0 \(1/s\), got -0\.1$"):
        qcn.TrapLoss(-0.1)


@pytest.mark.parametrize("kind", [qcn.Ghz, qcn.CoherentSpin])
@pytest.mark.parametrize("size", [0, -3, 2.5, np.float64(2.0), "3", None, True])
def test_atoms(kind: type[qcn.Ghz], size: object) -> None:
    with pytest.raises(ValueError, match="must be a whole number >= 1"):
        kind(size)


BAD: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "weight 0": (lambda: qcn.Ghz(3, excited_weight=0.0), ValueError, "strictly between 0 and 1, got 0.0"),
    "weight 1": (lambda: qcn.Ghz(3, excited_weight=1), ValueError, "strictly between 0 and 1, got 1"),
    "weight nan": (lambda: qcn.Ghz(3, excited_weight=np.nan), ValueError, "strictly between 0 and 1, got nan"),
    "empty product": (lambda: qcn.Product({}), ValueError, "at least one block"),
    "zero copies": (lambda: qcn.Product({4: 0}), ValueError, "Product copies must be a whole number >= 1"),
    "block of zero": (lambda: qcn.Product({0: 4}), ValueError, "Product block size must be a whole number"),
    "fractional block": (lambda: qcn.Product({1.5: 4}), ValueError, "whole number"),
    "negative diffusion": (lambda: qcn.PhaseDiffusion(-1.0), ValueError, r"variance_per_s must .* \(rad\^2/s\)"),
    "negative time": (lambda: qcn.Ramsey(qcn.Ghz(2), NOISE, -1.0), ValueError, r"Ramsey time .* \(s\), got -1.0"),
    "infinite time": (lambda: qcn.Ramsey(qcn.Ghz(2), NOISE, np.inf), ValueError, "Ramsey time must be finite"),
    "no time": (lambda: qcn.Ramsey(qcn.Ghz(2), NOISE), ValueError, "Ramsey time must be finite"),
    "infinite phase": (lambda: qcn.Ramsey(qcn.Ghz(2), NOISE, 1.0, np.inf), ValueError, "Ramsey phase"),
    "probe is a number": (lambda: qcn.Ramsey(8, NOISE, 1.0), TypeError, "must be a Probe such as"),
    "noise is a number": (lambda: qcn.Ramsey(qcn.Ghz(2), 1.0, 1.0), TypeError, "noise must be a noise"),
    "noise of numbers": (lambda: qcn.Ramsey(qcn.Ghz(2), [1.0], 1.0), TypeError, "noise must consist of noises"),
    "noise class": (lambda: qcn.Ramsey(qcn.Ghz(2), qcn.Dephasing, 1.0), TypeError, "noise must be a noise"),
    "backend name": (lambda: qcn.qfi(qcn.Ramsey(qcn.Ghz(2), NOISE, 1.0), "qutip"), TypeError, '"auto" or a Backend'),
    "readout name": (lambda: qcn.cfi(qcn.Ramsey(qcn.Ghz(2), NOISE, 1.0), "parity"), TypeError, "a Readout such as"),
    "loss word": (lambda: qcn.Parity(loss="visible"), ValueError, '"seen", "random" or "dark"'),
    "readout angle": (lambda: qcn.Parity(phase=np.nan), ValueError, "Parity phase must be finite"),
    "detection error": (lambda: qcn.CollectiveSpin(detection_error=0.6), ValueError, "between 0 and 0.5, got 0.6"),
    "state is an array": (lambda: qcn.CustomState(np.ones(2)), TypeError, "needs a qutip.Qobj, got ndarray"),
    "state of qutrits": (lambda: qcn.CustomState(qutip.basis(3, 0)), ValueError, "two-level atoms"),
    "bra": (lambda: qcn.CustomState(qutip.basis(2, 0).dag()), ValueError, "ket or a density matrix"),
    "unnormalised": (lambda: qcn.CustomState(2 * qutip.basis(2, 0)), ValueError, r"normalised .* state.unit\(\)"),
    "not positive": (
        lambda: qcn.CustomState(qutip.Qobj(np.diag([1.5, -0.5]))),
        ValueError,
        "without negative eigenvalues",
    ),
    "slightly not Hermitian": (
        lambda: qcn.CustomState(qutip.Qobj(np.array([[0.5, 0.499996], [0.5, 0.5]]))),
        ValueError,
        "needs a Hermitian density matrix",
    ),
    "not Hermitian": (
        lambda: qcn.CustomState(qutip.Qobj(np.array([[0.5, 1.0], [0.0, 0.5]]))),
        ValueError,
        "needs a Hermitian density matrix",
    ),
    "too many atoms for a vector": (lambda: qcn.Ghz(30).vector(), ValueError, "limited to 14 atoms"),
    "wrong placement": (
        lambda: qcn.qfim(qcn.Ramsey(qcn.Ghz(4), NOISE, 1.0), {(2, 1): 1}),
        ValueError,
        "they must be equal",
    ),
    "placement of unequal nodes": (
        lambda: qcn.qfim(qcn.Ramsey(qcn.Product({2: 1, 1: 1}), NOISE, 1.0), {(1, 1): 1, (1,): 1}),
        ValueError,
        "same number of nodes",
    ),
    "negative placement": (
        lambda: qcn.qfim(qcn.Ramsey(qcn.Ghz(1), NOISE, 1.0), {(2, -1): 1}),
        ValueError,
        "tuples of atom numbers",
    ),
    "weights": (
        lambda: qcn.qfim(qcn.Ramsey(qcn.Ghz(2), NOISE, 1.0), {(1, 1): 1}).of_combination([1.0]),
        ValueError,
        "weights must be 2 finite numbers",
    ),
    "counting many correlated atoms": (
        lambda: qcn.cfi(qcn.Ramsey(qcn.Ghz(100), NOISE, 1.0), qcn.CollectiveSpin()),
        ValueError,
        "limited to 64 atoms, got 100; use Parity",
    ),
    "joint parities of very many atoms": (
        lambda: qcn.cfi(qcn.Ramsey(qcn.Product({5000: 2}), qcn.PhaseDiffusion(1e-9), 1.0), qcn.Parity()),
        ValueError,
        "limited to 4096 atoms, got 10000",
    ),
    "decayed beyond the tolerance": (
        lambda: qcn.qfi(qcn.Ramsey(qcn.Ghz(3), NOISE, 100.0), qcn.QutipDense()),
        ValueError,
        "decayed to .* which atol=1e-18 does not resolve; take a shorter time",
    ),
    "time beyond numbers": (lambda: qcn.Ramsey(qcn.Ghz(2), NOISE, 1e160), ValueError, "at most 1e\\+100"),
    "weights of nothing": (
        lambda: qcn.qfim(qcn.Ramsey(qcn.Ghz(2), NOISE, 0.0), {(1, 1): 1}).weights,
        ValueError,
        "no information",
    ),
    "size beyond numbers": (lambda: qcn.Ghz(10**20), ValueError, "Ghz size must be at most 1e"),
    "rate beyond numbers": (lambda: qcn.Pumping(1e308), ValueError, "Pumping rate must be at most 1e"),
    "negative tolerance": (lambda: qcn.QutipDense(rtol=-1), ValueError, "QutipDense rtol must be finite"),
    "negative dimension": (lambda: qcn.QutipDense(max_dimension=-2), ValueError, "max_dimension must be a whole"),
    "more atoms than a dense state holds": (
        lambda: qcn.qfi(qcn.Ramsey(qcn.Ghz(15), NOISE, 1.0), qcn.QutipDense(max_dimension=2**15)),
        ValueError,
        "15 atoms with 2 levels exceed",
    ),
    "qfi of a number": (lambda: qcn.qfi(4), TypeError, "model must be a Ramsey"),
    "bound of a number": (lambda: qcn.bounds.escher(4), TypeError, "model must be a Ramsey"),
    "explanation of a number": (lambda: qcn.explain(4), TypeError, "model must be a Ramsey"),
    "product of a list": (lambda: qcn.Product([4, 4]), TypeError, "Product needs {block size: number of copies}"),
    "curve in no time": (
        lambda: qcn.precision_curve(lambda n: qcn.OptimalTime(1.0, n), [1, 2], 0.0),
        ValueError,
        "total_time must be finite and > 0",
    ),
    "mps of qutrits": (
        lambda: qcn.MpsState(quimb.tensor.MPS_rand_state(3, 2, phys_dim=3, seed=1)),
        ValueError,
        "physical dimension 2 at every site, got 3",
    ),
    "mps that is a ring": (
        lambda: qcn.MpsState(quimb.tensor.MPS_rand_state(4, 2, cyclic=True, seed=1)),
        ValueError,
        "open ends, got a ring",
    ),
    "unnormalised mps": (
        lambda: qcn.MpsState(2.0 * quimb.tensor.MPS_ghz_state(3)),
        ValueError,
        "must be normalised to 1, got 4",
    ),
    "density operator that is not Hermitian": (
        lambda: qcn.MpsState(quimb.tensor.MPO_rand(3, 2, seed=1)),
        ValueError,
        "Hermitian density operator",
    ),
    "mps is an array": (lambda: qcn.MpsState(np.ones(4)), TypeError, "needs a quimb MatrixProductState"),
    "bond of zero": (lambda: qcn.QuimbMPO(max_bond=0), ValueError, "QuimbMPO max_bond must be a whole number"),
    "order with a gap": (lambda: qcn.QuimbMPO(order=(0, 2)), ValueError, "must name every atom from 0 on once"),
    "network of many atoms": (lambda: qcn.Ghz(10**6).network(), ValueError, "limited to 10000 atoms"),
    "bond of the derivative": (
        lambda: qcn.qfi(qcn.Ramsey(qcn.Product({2: 2}), qcn.PhaseDiffusion(0.3), 1.0), qcn.QuimbMPO(max_sld_bond=1)),
        ValueError,
        "has not converged: .* take a larger max_sld_bond",
    ),
    "one operator too few": (
        lambda: qcn.QuimbMPO().evolve(qcn.Ramsey(qcn.Ghz(2), NOISE, 1.0)).expectation([np.eye(2)]),
        ValueError,
        "one operator of shape",
    ),
    "negative duration": (lambda: qcn.OptimalTime(1.0, 1.0).uncertainty(-1.0), ValueError, r"total_time .* \(s\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_one_sentence(name: str) -> None:
    call, kind, sentence = BAD[name]
    with pytest.raises(kind, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_models_and_states_are_immutable() -> None:
    model = qcn.Ramsey(qcn.Ghz(2), NOISE, 1.0)
    with pytest.raises(AttributeError):
        model.time = 2.0
    for backend in (qcn.Logical(), qcn.QutipDense()):
        tangent = backend.evolve(model)
        array = tangent.rho if hasattr(tangent, "rho") else tangent.log_coherence
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0
    assert model == qcn.Ramsey(qcn.Ghz(2), [qcn.Dephasing(0.4), qcn.Dephasing(0.6)], 1.0)
    assert hash(model) == hash(qcn.Ramsey(qcn.Ghz(2), NOISE, 1.0))
