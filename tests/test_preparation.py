"""Grown GHZ states against circuits written out in full, closed forms, and the ideal state."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import quimb.tensor as qtn
import qutip
import references
from closeness import approx
from grid import NOISES, noise
from numpy.typing import NDArray

import qcn_open as qcn
from qcn_open import study
from qcn_open.fisher.variational import variational_information
from qcn_open.testing import assert_probe_contract

ROOT = Path(__file__).parents[1]
# Layers of gates (control, target), written down by hand; the atoms are in the order of descent.
CIRCUITS = {
    ("chain", 2): [[(0, 1)]],
    ("chain", 4): [[(0, 1)], [(1, 2)], [(2, 3)]],
    ("chain", 6): [[(0, 1)], [(1, 2)], [(2, 3)], [(3, 4)], [(4, 5)]],
    ("tree", 3): [[(0, 2)], [(0, 1)]],
    ("tree", 4): [[(0, 2)], [(0, 1), (2, 3)]],
    ("tree", 5): [[(0, 4)], [(0, 2)], [(0, 1), (2, 3)]],
    ("tree", 6): [[(0, 4)], [(0, 2)], [(0, 1), (2, 3), (4, 5)]],
}
ERRORS = {
    "depolarising": (0.2, 0.0, 0.0, 0.0),
    "dephasing": (0.0, 0.07, 0.0, 0.0),
    "loss": (0.0, 0.0, 0.12, 0.0),
    "waiting": (0.0, 0.0, 0.0, 0.09),
    "all": (0.15, 0.04, 0.06, 0.05),
    "all but loss": (0.15, 0.04, 0.0, 0.05),
}
CASES = [
    (geometry, size, errors)
    for geometry, size in CIRCUITS
    for errors in ERRORS
    if size < 5 or errors in ("all but loss", "depolarising") or (size == 5 and errors == "all")
]


@cache
def circuit(geometry: str, size: int, errors: str) -> NDArray[np.complex128]:
    levels = 3 if ERRORS[errors][2] else 2
    return references.grown_ghz(CIRCUITS[geometry, size], levels, *ERRORS[errors])


def grown(geometry: str, size: int, errors: str) -> qcn.GrownGhz:
    return qcn.GrownGhz(size, geometry, *ERRORS[errors])


@pytest.mark.parametrize(("geometry", "size", "errors"), CASES)
def test_state_is_that_of_the_circuit(geometry: str, size: int, errors: str) -> None:
    rho, probe = circuit(geometry, size, errors), grown(geometry, size, errors)
    np.testing.assert_allclose(probe.vector(), rho, atol=1e-14)
    np.testing.assert_allclose(probe.network().to_dense(), rho, atol=1e-14)
    ghz = references.ghz_state(size, probe.levels)
    assert qcn.fidelity(probe) == approx((ghz.conj() @ rho @ ghz).real, rel=1e-12)
    top = np.flatnonzero(ghz)[-1]
    assert qcn.parity_contrast(probe) == approx(2.0 * abs(rho[top, 0]), rel=1e-12)
    assert_probe_contract(probe)


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize(("geometry", "size", "errors"), [("chain", 4, "all but loss"), ("tree", 3, "all")])
def test_information_of_the_circuit_after_an_interrogation(geometry: str, size: int, errors: str, name: str) -> None:
    rates, time, phase = NOISES[name], 0.3, 0.4
    levels = 3 if rates.loss or ERRORS[errors][2] else 2
    rho = references.grown_ghz(CIRCUITS[geometry, size], levels, *ERRORS[errors])
    evolved = references.evolve(rho, levels, time, rates, [phase / time])
    model = qcn.Ramsey(grown(geometry, size, errors), noise(rates), time, phase)
    assert qcn.explain(model).backend == qcn.Growth()
    expected = references.qfi(evolved)
    assert qcn.qfi(model) == approx(expected, rel=1e-9)
    assert qcn.qfi(model, qcn.QutipDense()) == approx(expected, rel=1e-9)
    for loss in ("seen", "random", "dark"):
        expected = references.parity_cfi(evolved, [size], [0.9], loss, 0.03)
        for backend in (qcn.Growth(), qcn.QutipDense()):
            assert qcn.cfi(model, qcn.Parity(loss, 0.9, 0.03), backend) == approx(expected, rel=1e-8)
    readout = qcn.CollectiveSpin("dark", 0.9, 0.03)
    expected = references.counts_cfi(evolved, size, 0.9 + np.pi / 2, "dark", 0.03)
    assert qcn.cfi(model, readout, qcn.QutipDense()) == approx(expected, rel=1e-8)


def test_information_matrix_of_two_nodes() -> None:
    model = qcn.Ramsey(grown("tree", 3, "all"), qcn.Dephasing(0.3), 0.4)
    information = qcn.qfim(model, {(2, 1): 1})
    expected = qcn.qfim(model, {(2, 1): 1}, qcn.QutipDense())
    np.testing.assert_allclose(information.matrix, expected.matrix, rtol=1e-9)


@pytest.mark.parametrize("geometry", ["chain", "tree"])
def test_without_errors_it_is_the_ghz_state(geometry: qcn.preparation.Geometry) -> None:
    small = qcn.GrownGhz(5, geometry).vector()
    ideal = qcn.Ghz(5).vector()
    np.testing.assert_allclose(small, np.outer(ideal, ideal.conj()), atol=1e-15)
    assert qcn.fidelity(qcn.GrownGhz(1000, geometry)) == approx(1.0, rel=1e-12)
    for rates in NOISES.values():
        models = [qcn.Ramsey(probe, noise(rates), 1e-3, 0.2) for probe in (qcn.GrownGhz(1000, geometry), qcn.Ghz(1000))]
        assert qcn.qfi(models[0]) == approx(qcn.qfi(models[1]), rel=1e-9)
        for loss in ("seen", "random", "dark"):
            first, second = (qcn.cfi(model, qcn.Parity(loss, 0.3)) for model in models)
            assert first == approx(second, rel=1e-9)
    grown_time, time = (
        qcn.optimal_time(probe, qcn.Dephasing(1.0)).time for probe in (qcn.GrownGhz(50, geometry), qcn.Ghz(50))
    )
    assert grown_time == approx(time, rel=1e-6)


@pytest.mark.parametrize("size", [1, 2])
def test_chain_and_tree_of_two_atoms_are_one_circuit(size: int) -> None:
    chain, tree = (qcn.GrownGhz(size, geometry, 0.1, 0.02, 0.03, 0.04) for geometry in ("chain", "tree"))
    np.testing.assert_array_equal(chain.vector(), tree.vector())
    if size == 1:
        assert qcn.fidelity(chain) == approx(1.0)


@pytest.mark.parametrize("geometry", ["chain", "tree"])
@pytest.mark.parametrize("size", [2, 7, 64, 1000])
def test_closed_forms_of_single_errors(geometry: qcn.preparation.Geometry, size: int) -> None:
    gates = size - 1
    lossy = qcn.GrownGhz(size, geometry, loss=3e-4)
    assert qcn.fidelity(lossy) == approx(0.9997 ** (2 * gates), rel=1e-12)
    assert qcn.qfi(qcn.Ramsey(lossy, (), 1.0)) == approx(size**2 * 0.9997 ** (2 * gates), rel=1e-12)
    flipped = qcn.GrownGhz(size, geometry, dephasing=2e-4)
    assert qcn.fidelity(flipped) == approx(0.5 * (1 + 0.9996 ** (2 * gates)), rel=1e-12)
    assert qcn.qfi(qcn.Ramsey(flipped, (), 1.0)) == approx(size**2 * 0.9996 ** (4 * gates), rel=1e-12)
    waits = {"chain": gates * (gates - 1) // 2, "tree": {2: 0, 7: 1, 64: 0, 1000: 2}[size]}[geometry]
    waiting = qcn.GrownGhz(size, geometry, waiting_dephasing=1e-6)
    assert qcn.parity_contrast(waiting) == approx(math.exp(waits * math.log1p(-2e-6)), rel=1e-12)


@pytest.mark.parametrize("size", [3, 50, 1000])
def test_depolarised_chain_is_a_product_of_matrices(size: int) -> None:
    """With probability 16p/15 a gate leaves two random levels: all atoms agree in g with a power of a 2x2 matrix."""
    mixed = 16 / 15 * 2e-3
    step = np.array([[1 - 0.75 * mixed, 0.25 * mixed], [0.25 * mixed, 0.25 * mixed]])
    # Row: level of the control before the gate; the atom behind it must be in g.
    population = np.linalg.matrix_power(step, size - 1)[:, 0].sum()
    probe = qcn.GrownGhz(size, "chain", depolarizing=2e-3)
    contrast = (1 - mixed) ** (size - 1)
    assert qcn.fidelity(probe) == approx(0.5 * (population + contrast), rel=1e-12)
    assert qcn.qfi(qcn.Ramsey(probe, (), 1.0)) == approx(size**2 * contrast**2 / population, rel=1e-12)


@pytest.mark.parametrize("loss", [0.0, 1e-3])
@pytest.mark.parametrize(("geometry", "size"), [("chain", 1000), ("tree", 1000), ("tree", 150)])
def test_network_of_many_atoms(geometry: qcn.preparation.Geometry, size: int, loss: float) -> None:
    """Contracted site by site it has the trace, the fidelity and the contrast of the closed forms."""
    if geometry == "tree" and loss > 0.0 and size == 1000:
        with pytest.raises(ValueError, match=r'the allowed 3e\+07 entries: take fewer atoms, or geometry="chain"$'):
            qcn.GrownGhz(size, geometry, 1e-3, loss=loss).network()
        return
    probe = qcn.GrownGhz(size, geometry, 1e-3, 2e-4, loss)
    network = probe.network()
    bonds = {("chain", 2): 4, ("chain", 3): 5, ("tree", 2): 2 + 2 ** (5 + (size > 150)), ("tree", 3): 2 + 3**5}
    assert network.max_bond() == bonds[geometry, probe.levels]
    assert network.trace() == approx(1.0, rel=1e-12)
    levels = range(probe.levels)
    ground, excited = (np.diag([float(level == kept) for level in levels]) for kept in (0, 1))
    lower = np.array([[float((k, b) == (0, 1)) for b in levels] for k in levels])
    weights = [contracted(network, one) for one in (ground, excited)]
    coherence = contracted(network, lower)
    assert coherence == approx(0.5j * qcn.parity_contrast(probe), rel=1e-11)
    assert sum(weights).real / 2 + coherence.imag == approx(qcn.fidelity(probe), rel=1e-11)


@pytest.mark.parametrize(("geometry", "size", "loss"), [("chain", 1000, 1e-4), ("tree", 300, 0.0)])
def test_parity_of_the_network(geometry: qcn.preparation.Geometry, size: int, loss: float) -> None:
    """Every atom as a tensor, evolved and read out, against the populations and the contrast alone."""
    probe = qcn.GrownGhz(size, geometry, 1e-3, 2e-4, loss, 1e-7)
    model = qcn.Ramsey(probe, (qcn.Dephasing(1.0), qcn.SpontaneousEmission(0.3)), 0.5 / size)
    readout = qcn.Parity("dark", 0.3)
    assert qcn.cfi(model, readout, qcn.QuimbMPO()) == approx(qcn.cfi(model, readout), rel=1e-11)


@pytest.mark.parametrize(
    ("geometry", "size", "loss"),
    [("chain", 60, 1e-3), ("tree", 30, 0.0), pytest.param("chain", 1000, 1e-4, marks=pytest.mark.slow)],
)
def test_variational_information_of_the_network(geometry: qcn.preparation.Geometry, size: int, loss: float) -> None:
    """A logarithmic derivative found from the two networks alone attains what populations and contrast give."""
    probe = qcn.GrownGhz(size, geometry, 1e-3, 2e-4, loss, 1e-7)
    model = qcn.Ramsey(probe, (qcn.Dephasing(1.0), qcn.SpontaneousEmission(0.3)), 0.5 / size)
    state = qcn.QuimbMPO().evolve(model)
    found = variational_information(state.tensors, state.derivative_tensors())
    assert model.time**2 * found.value == approx(qcn.qfi(model), rel=1e-10)


def test_best_sizes_follow_from_what_a_gate_costs() -> None:
    """F ~ N^2 exp(-N eps): eps is r for loss, 4r/3 for depolarised pairs and 4r for phase flips; in a chain that waits
    F ~ N^2 exp(-2 r N^2)."""
    table = study.read(ROOT, "noisy_preparation")
    table = table[(table["noise"] == "none") & (table["atoms"] == 1) & (table["gate_infidelity"] == 1e-4)]
    best = table.set_index(["error", "geometry"])["best_atoms"]
    for geometry in ("chain", "tree"):
        for error, cost in (("loss", 1.0), ("depolarizing", 4 / 3), ("dephasing", 4.0)):
            assert best[error, geometry] == approx(2.0 / (cost * 1e-4), rel=1e-3)
    assert best["waiting", "chain"] == approx(1.0 / math.sqrt(2e-4), rel=0.02)


def test_random_states_respect_the_bounds() -> None:
    rng = np.random.default_rng(20141)
    for _ in range(40):
        size, (depolarizing, dephasing, loss, waiting) = int(rng.integers(1, 60)), 10 ** rng.uniform(-5, -1, 4)
        geometry = ("chain", "tree")[int(rng.integers(2))]
        probe = qcn.GrownGhz(size, geometry, depolarizing, dephasing, loss, waiting)
        rates = references.Rates(*rng.uniform(0.0, 1.0, 5))
        model = qcn.Ramsey(probe, noise(rates), float(rng.uniform(0.0, 3.0 / size)), float(rng.uniform(-3, 3)))
        information = qcn.qfi(model)
        ideal = qcn.qfi(qcn.Ramsey(qcn.Ghz(size), model.noise, model.time))
        assert information <= min(ideal, qcn.bounds.channel_extension(model)) * (1 + 1e-9)
        for lost in ("seen", "random", "dark"):
            for angle in (None, 0.3):
                assert qcn.cfi(model, qcn.Parity(lost, angle)) <= information * (1 + 1e-9)
        assert 0.5 * qcn.parity_contrast(probe) <= qcn.fidelity(probe) <= 1 + 1e-12


def contracted(network: qtn.MatrixProductOperator, operator: NDArray[np.float64]) -> complex:
    """Trace of the density operator with the same operator on every atom."""
    row = np.ones(1)
    for site in range(network.L):
        names = [network.upper_ind(site), network.lower_ind(site)]
        left, right = ([network.bond(site, near)] if 0 <= near < network.L else [] for near in (site - 1, site + 1))
        tensor = network[site].transpose(*left, *names, *right).data
        tensor = tensor.reshape(len(row), *operator.shape, -1)
        row = np.einsum("l,lkbr,bk->r", row, tensor, operator)
    return complex(row[0])


@pytest.mark.parametrize("geometry", ["chain", "tree"])
def test_complete_depolarisation_leaves_nothing(geometry: qcn.preparation.Geometry) -> None:
    probe = qcn.GrownGhz(4, geometry, depolarizing=15 / 16)
    np.testing.assert_allclose(probe.vector(), np.eye(16) / 16, atol=1e-16)
    assert qcn.parity_contrast(probe) == 0.0
    assert qcn.qfi(qcn.Ramsey(probe, qcn.Dephasing(1.0), 0.1)) == 0.0
    assert qcn.cfi(qcn.Ramsey(probe, qcn.Dephasing(1.0), 0.1), qcn.Parity()) == 0.0
    lost = qcn.GrownGhz(1000, geometry, loss=1.0)
    assert qcn.fidelity(lost) == 0.0
    assert qcn.qfi(qcn.Ramsey(lost, (), 0.1)) == 0.0


def test_a_million_atoms() -> None:
    """Populations far below the smallest floating-point number, and what is left of rounding."""
    for geometry in ("chain", "tree"):
        probe = qcn.GrownGhz(10**6, geometry, loss=0.02, depolarizing=0.01)
        np.testing.assert_allclose(probe.log_mean_product(np.ones(3)), 0.0, atol=1e-9)
        pair = probe.log_mean_product(np.array([1.0, 1.0, 0.0]))
        assert pair == approx((2 * 10**6 - 2) * math.log1p(-0.02), rel=1e-12)
        information = qcn.qfi(qcn.Ramsey(qcn.GrownGhz(10**6, geometry, loss=1e-6), (), 1.0))
        assert information == approx(1e12 * math.exp(2 * (10**6 - 1) * math.log1p(-1e-6)), rel=1e-9)


def test_fidelity_of_other_probes() -> None:
    assert qcn.fidelity(qcn.Ghz(3)) == approx(1.0)
    assert qcn.fidelity(qcn.CoherentSpin(2)) == approx(0.25)
    werner = 0.7 * qutip.ket2dm(qutip.Qobj(qcn.Ghz(2).vector(), dims=[[2, 2], [1, 1]])) + 0.3 * qutip.qeye([2, 2]) / 4
    assert qcn.fidelity(qcn.CustomState(werner)) == approx(0.7 + 0.3 / 4)
    assert qcn.parity_contrast(qcn.CustomState(werner)) == approx(0.7)
    assert qcn.parity_contrast(qcn.Ghz(3, excited_weight=0.1)) == approx(0.6)


BAD = {
    "size 0": (lambda: qcn.GrownGhz(0), "GrownGhz size must be a whole number >= 1, got 0"),
    "too many": (lambda: qcn.GrownGhz(10**7), "at most 1000000, where rounding adds up to 1e-10, got 10000000"),
    "geometry": (lambda: qcn.GrownGhz(3, "star"), '"chain" or "tree", got \'star\''),
    "negative": (lambda: qcn.GrownGhz(3, loss=-0.1), "GrownGhz loss probability must lie between 0 and 1, got -0.1"),
    "above one": (lambda: qcn.GrownGhz(3, loss=1.1), "between 0 and 1, got 1.1"),
    "depolarizing": (lambda: qcn.GrownGhz(3, depolarizing=0.95), "between 0 and 0.9375, got 0.95"),
    "dephasing": (lambda: qcn.GrownGhz(3, dephasing=0.6), "dephasing probability must lie between 0 and 0.5, got 0.6"),
    "nan": (lambda: qcn.GrownGhz(3, waiting_dephasing=math.nan), "between 0 and 0.5, got nan"),
    "text": (lambda: qcn.GrownGhz(3, dephasing="0.1"), "must be a real number"),
    "dense": (lambda: qcn.GrownGhz(12).vector(), r"limited to dimension 2187, GrownGhz\(size=12.* has 2\^12"),
    "dense lossy": (lambda: qcn.GrownGhz(8, loss=0.1).vector(), r"has 3\^8"),
    "network": (lambda: qcn.GrownGhz(10**5).network(), "limited to 10000 atoms"),
    "other probe": (
        lambda: qcn.qfi(qcn.Ramsey(qcn.Ghz(3), (), 1.0), qcn.Growth()),
        "Ghz.* is not a GrownGhz",
    ),
    "counted": (
        lambda: qcn.cfi(qcn.Ramsey(qcn.GrownGhz(3), (), 1.0), qcn.CollectiveSpin()),
        "began in g...g and e...e only: use Parity, or backend=QutipDense",
    ),
    "fidelity of many": (lambda: qcn.fidelity(qcn.CoherentSpin(50)), "limited to 14 atoms"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_ends_in_a_sentence(name: str) -> None:
    call, sentence = BAD[name]
    with pytest.raises(ValueError, match=sentence):
        call()
