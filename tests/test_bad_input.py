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


@pytest.mark.parametrize(
    "kind", [qcn.Ghz, qcn.CoherentSpin, lambda size: qcn.SpinSqueezed(size, 0.1), lambda size: qcn.Dicke(size, 0)]
)
@pytest.mark.parametrize("size", [0, -3, 2.5, np.float64(2.0), "3", None, True])
def test_atoms(kind: type[qcn.Ghz], size: object) -> None:
    with pytest.raises(ValueError, match="must be a whole number >= 1"):
        kind(size)


FAMILY = qcn.bounds.KrausFamily([0.8 * np.eye(2), np.diag([0.6, -0.6])])


class Transverse(qcn.Noise):
    """Not phase-covariant."""

    def jumps(self) -> tuple[np.ndarray, ...]:
        return (np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=complex),)


def certificate_with(**changed: object) -> qcn.bounds.Certificate:
    given = {"family": FAMILY, "gauge": np.eye(2), "state_root": np.eye(2), "multiplier": np.zeros((2, 2)), "uses": 2}
    return qcn.bounds.Certificate(**(given | changed))


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
    "noise is a word": (lambda: qcn.Ramsey(qcn.Ghz(2), "dephasing", 1.0), TypeError, "got 'dephasing'"),
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
    "squeezing without a number": (lambda: qcn.SpinSqueezed(4, np.nan), ValueError, r"twist must be finite \(rad\)"),
    "more excited than there are": (lambda: qcn.Dicke(4, 5), ValueError, "from 0 to 4 atoms, got 5"),
    "fewer excited than none": (lambda: qcn.Dicke(4, -1), ValueError, "from 0 to 4 atoms, got -1"),
    "half an excited atom": (lambda: qcn.Dicke(4, 0.5), ValueError, "from 0 to 4 atoms, got 0.5"),
    "infinite tilt": (lambda: qcn.Dicke(4, 2, np.inf), ValueError, r"Dicke tilt must be finite \(rad\)"),
    "amplitudes of norm 2": (lambda: qcn.SymmetricState([1.0, 1.0]), ValueError, "normalised to 1, got 2; divide"),
    "amplitudes in a square": (lambda: qcn.SymmetricState(np.eye(2)), ValueError, r"in a row, got shape \(2, 2\)"),
    "one amplitude": (lambda: qcn.SymmetricState([1.0]), ValueError, r"N\+1 >= 2 amplitudes"),
    "no amplitude": (lambda: qcn.SymmetricState([np.nan, 1.0]), ValueError, "amplitudes must be finite"),
    "amplitudes in words": (lambda: qcn.SymmetricState(["a", "b"]), ValueError, "amplitudes must be numbers"),
    "ragged amplitudes": (lambda: qcn.SymmetricState([[1.0], [1.0, 0.0]]), ValueError, "amplitudes must be numbers"),
    "squeezed atoms beyond a vector": (lambda: qcn.SpinSqueezed(30, 0.1).vector(), ValueError, "limited to 14 atoms"),
    "state that is not symmetric": (
        lambda: qcn.qfi(qcn.Ramsey(qcn.Product({2: 1, 1: 1}), NOISE, 1.0), qcn.Symmetric()),
        ValueError,
        "is not symmetric under permutations of its atoms",
    ),
    "parity of single atoms": (
        lambda: qcn.cfi(qcn.Ramsey(qcn.CoherentSpin(3), NOISE, 1.0), qcn.Parity(), qcn.Symmetric()),
        ValueError,
        "Parity of 3 blocks can't be read from a permutation-symmetric state; use CollectiveSpin",
    ),
    "symmetric state atom by atom": (
        lambda: qcn.Symmetric().evolve(qcn.Ramsey(qcn.Ghz(30), NOISE, 1.0)).to_qutip(),
        ValueError,
        r"limited to the dimension 2187, 30 atoms of 2 levels have 2\^30",
    ),
    "negative rtol": (lambda: qcn.Symmetric(rtol=-1.0), ValueError, "Symmetric rtol must be finite and >= 0"),
    "no atoms at most": (lambda: qcn.Symmetric(max_atoms=0), ValueError, "max_atoms must be a whole number"),
    "qfi of a number": (lambda: qcn.qfi(4), TypeError, "model must be a Ramsey"),
    "bound of a number": (lambda: qcn.bounds.escher(4), TypeError, "model must be a Ramsey"),
    "explanation of a number": (lambda: qcn.explain(4), TypeError, "model must be a Ramsey"),
    "product of a list": (lambda: qcn.Product([4, 4]), TypeError, "Product needs {block size: number of copies}"),
    "curve in no time": (
        lambda: qcn.precision_curve(lambda n: qcn.OptimalTime(1.0, n), [1, 2], 0.0),
        ValueError,
        "total_time must be finite and > 0",
    ),
    "certificate of nothing": (
        lambda: qcn.bounds.certificate(qcn.Ramsey(qcn.Ghz(2), NOISE, 0.0)),
        ValueError,
        r"Ramsey time of a certificate must be finite and > 0 \(s\)",
    ),
    "certificate by magic": (
        lambda: qcn.bounds.certificate(qcn.Ramsey(qcn.Ghz(2), NOISE, 1.0), by="magic"),
        ValueError,
        '"closed form" or "semidefinite"',
    ),
    "certificate of a number": (lambda: qcn.bounds.certificate(3.0), TypeError, "model must be a Ramsey"),
    "certificate of what has decayed": (
        lambda: qcn.bounds.certificate(qcn.Ramsey(qcn.Ghz(2), NOISE, 2000.0)),
        ValueError,
        "decayed beyond .* take a shorter time",
    ),
    "certificate of next to no decoherence": (
        lambda: qcn.bounds.asymptotic_certificate(qcn.Ramsey(qcn.Ghz(2), qcn.TrapLoss(1.0), 1e-14)),
        ValueError,
        "rounding leaves the certificate of the closed form a gap of .*, more than 1e-06: take a time",
    ),
    "program for what has decayed": (
        lambda: qcn.bounds.certificate(qcn.Ramsey(qcn.Ghz(5), qcn.Dephasing(1.0), 5000.0), by="semidefinite"),
        ValueError,
        "the noise leaves no information .* take a shorter time or weaker noise",
    ),
    "asymptotic certificate without noise": (
        lambda: qcn.bounds.asymptotic_certificate(qcn.Ramsey(qcn.Ghz(2), (), 1.0)),
        ValueError,
        "nothing limits the information per atom",
    ),
    "asymptotic program without noise": (
        lambda: qcn.bounds.asymptotic_certificate(qcn.Ramsey(qcn.Ghz(2), (), 1.0), by="semidefinite"),
        ValueError,
        "infeasible: no gauge has B = 0",
    ),
    "rate without noise": (
        lambda: qcn.bounds.rate_certificate(qcn.PhaseDiffusion(1.0)),
        ValueError,
        "nothing limits the information per time",
    ),
    "closed certificate of transverse noise": (
        lambda: qcn.bounds.certificate(qcn.Ramsey(qcn.Ghz(2), Transverse(), 1.0)),
        ValueError,
        "not phase-covariant",
    ),
    "closed rate of transverse noise": (
        lambda: qcn.bounds.asymptotic_rate(Transverse()),
        ValueError,
        'rate_certificate with by="semidefinite"',
    ),
    "closed rate certificate of transverse noise": (
        lambda: qcn.bounds.rate_certificate(Transverse()),
        ValueError,
        'use by="semidefinite"',
    ),
    "transverse noise and a common phase": (
        lambda: qcn.bounds.certificate(
            qcn.Ramsey(qcn.Ghz(2), (Transverse(), qcn.PhaseDiffusion(1.0)), 1.0), by="semidefinite"
        ),
        ValueError,
        "no bound for a common phase together with noise",
    ),
    "Kraus operators of a vector": (lambda: qcn.bounds.KrausFamily(np.eye(2)), ValueError, r"shape \(k, d, 2\)"),
    "Kraus operators of words": (lambda: qcn.bounds.KrausFamily("channel"), ValueError, "array of numbers"),
    "Kraus operators for three levels": (
        lambda: qcn.bounds.KrausFamily([np.eye(3)]),
        ValueError,
        r"from \(g, e\) to d levels, got \(1, 3, 3\)",
    ),
    "infinite Kraus operators": (lambda: qcn.bounds.KrausFamily([np.inf * np.ones((2, 2))]), ValueError, "finite"),
    "no channel": (
        lambda: qcn.bounds.KrausFamily([0.9 * np.eye(2)]),
        ValueError,
        r"sum K\^dagger K = 1, off by 0.19",
    ),
    "derivative of another shape": (
        lambda: qcn.bounds.KrausFamily([np.eye(2)], np.zeros((2, 2, 2))),
        ValueError,
        r"derivative must have the shape \(1, 2, 2\)",
    ),
    "derivative that leaves the channels": (
        lambda: qcn.bounds.KrausFamily([np.eye(2)], [np.eye(2)]),
        ValueError,
        "the derivative of sum K.dagger K must vanish",
    ),
    "number of Kraus operators changes": (
        lambda: qcn.bounds.semidefinite(
            qcn.bounds.KrausFamily([np.eye(2), np.zeros((2, 2))], [np.zeros((2, 2)), np.diag([0.0, 1.0])]), 2
        ),
        ValueError,
        "number of independent Kraus operators changes",
    ),
    "jumps without the identity": (
        lambda: qcn.bounds.LindbladFamily([np.ones((3, 2))]),
        ValueError,
        "must begin with the identity",
    ),
    "gauge that is not Hermitian": (
        lambda: certificate_with(gauge=np.array([[0.0, 1.0], [0.0, 0.0]])),
        ValueError,
        r"gauge h must be Hermitian, it differs from its adjoint by 1",
    ),
    "gauge of the wrong size": (lambda: certificate_with(gauge=np.eye(3)), ValueError, r"of shape \(2, 2\)"),
    "gauge of nan": (lambda: certificate_with(gauge=np.full((2, 2), np.nan)), ValueError, "gauge h must be finite"),
    "multiplier that is not Hermitian": (
        lambda: certificate_with(multiplier=1j * np.eye(2)),
        ValueError,
        "multiplier Z must be Hermitian",
    ),
    "no dual state": (lambda: certificate_with(state_root=np.zeros((2, 2))), ValueError, "state_root must not be zero"),
    "half a use": (lambda: certificate_with(uses=0.5), ValueError, "uses must be a whole number >= 1"),
    "family of arrays": (lambda: certificate_with(family=np.eye(2)), TypeError, "must be a KrausFamily"),
    "program for an array": (lambda: qcn.bounds.semidefinite(np.eye(2), 2), TypeError, "must be a KrausFamily"),
    "program for no use": (lambda: qcn.bounds.semidefinite(FAMILY, 0), ValueError, "uses must be a whole number"),
    "infeasible program": (
        lambda: qcn.bounds.semidefinite(qcn.bounds.KrausFamily([np.eye(2)]), np.inf),
        ValueError,
        "infeasible: no gauge has B = 0, .* use a finite number",
    ),
    "inaccurate program": (
        lambda: qcn.bounds.semidefinite(FAMILY, 7, tolerance=1e-16),
        ValueError,
        r"too inaccurately: its certificate leaves a gap of .* more than the tolerance 1e-16",
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
        lambda: qcn.qfi(qcn.Ramsey(qcn.CoherentSpin(12), qcn.PhaseDiffusion(0.3), 1.0), qcn.QuimbMPO(max_sld_bond=1)),
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
    with pytest.raises(ValueError, match="read-only"):
        qcn.Symmetric().evolve(model).unlost.blocks[0][0, 0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        qcn.SymmetricState([1.0, 0.0]).symmetric_state()[0] = 0.0
    for backend in (qcn.Logical(), qcn.QutipDense()):
        tangent = backend.evolve(model)
        array = tangent.rho if hasattr(tangent, "rho") else tangent.log_coherence
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0
    assert model == qcn.Ramsey(qcn.Ghz(2), [qcn.Dephasing(0.4), qcn.Dephasing(0.6)], 1.0)
    assert hash(model) == hash(qcn.Ramsey(qcn.Ghz(2), NOISE, 1.0))
