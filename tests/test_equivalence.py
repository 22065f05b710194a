"""One model, several roots, one number: model x backend x functional, on one table of tolerances.

The third root is `references`: literature formulas, and brute force by Kronecker products with the derivative from an
augmented generator. It shares no line with the package.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest
import references
from closeness import approx
from grid import BACKENDS, CASES, NOISES, PROBES, SERVED, TIME, Case

import qcn_open as qcn

# Half a minute and more: left to `make test`.
pytestmark = pytest.mark.slow

TOLERANCE = {"qfi": 1e-9, "cfi": 1e-8, "qfim": 1e-9}
LOSSES = ("seen", "random", "dark")


@cache
def brute_force(name: str) -> references.Evolved:
    return CASES[name].evolved()


@pytest.mark.parametrize(("name", "backend"), SERVED)
def test_qfi(name: str, backend: str) -> None:
    value = qcn.qfi(CASES[name].model, BACKENDS[backend])
    assert value == approx(references.qfi(brute_force(name)), rel=TOLERANCE["qfi"])


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith(("ghz", "unbalanced"))])
def test_qfi_of_one_block_equals_the_literature(name: str) -> None:
    case = CASES[name]
    weight = getattr(case.probe, "excited_weight", 0.5)
    expected = references.ghz_qfi(case.probe.atoms, case.time, case.rates, weight)
    assert qcn.qfi(case.model) == approx(expected, rel=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("name", "backend"), SERVED)
def test_parity(name: str, backend: str, loss: qcn.readouts.Loss) -> None:
    case, angle, error = CASES[name], 0.9, 0.03
    sizes = case.probe.block_sizes()
    if backend == "symmetric" and len(sizes) > 1:
        with pytest.raises(ValueError, match=f"Parity of {len(sizes)} blocks can't be read"):
            qcn.cfi(case.model, qcn.Parity(loss, angle, error), BACKENDS[backend])
        return
    expected = references.parity_cfi(brute_force(name), sizes, [angle] * len(sizes), loss, error)
    value = qcn.cfi(case.model, qcn.Parity(loss, angle, error), BACKENDS[backend])
    assert value == approx(expected, rel=TOLERANCE["cfi"])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("name", "backend"), SERVED)
def test_collective_spin(name: str, backend: str, loss: qcn.readouts.Loss) -> None:
    case, angle, error = CASES[name], 0.9, 0.03
    # The prepared i turns the state of one atom by a quarter.
    expected = references.counts_cfi(brute_force(name), case.probe.atoms, angle + np.pi / 2, loss, error)
    value = qcn.cfi(case.model, qcn.CollectiveSpin(loss, angle, error), BACKENDS[backend])
    assert value == approx(expected, rel=TOLERANCE["cfi"])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("probe", ["ghz1", "ghz3", "unbalanced"])
def test_best_parity_angle(probe: str, noise: str, loss: qcn.readouts.Loss) -> None:
    case = Case(PROBES[probe], NOISES[noise])
    weight = getattr(case.probe, "excited_weight", 0.5)
    expected = references.parity_fisher_best(case.probe.atoms, case.time, case.rates, loss, 0.02, weight)
    for backend in BACKENDS.values():
        value = qcn.cfi(case.model, qcn.Parity(loss, detection_error=0.02), backend)
        assert value == approx(expected, rel=TOLERANCE["cfi"])


@pytest.mark.parametrize(
    ("probe", "loss"), [*product(["product", "coherent"], ["seen", "random"]), ("coherent", "dark")]
)
@pytest.mark.parametrize("noise", ["all local", "everything"])
def test_best_parity_angle_of_several_blocks(probe: str, loss: qcn.readouts.Loss, noise: str) -> None:
    # Two block sizes with dark atoms and a common phase are left out: there each block alone has two best angles,
    # which are not equally good together.
    model, readout = Case(PROBES[probe], NOISES[noise]).model, qcn.Parity(loss, detection_error=0.02)
    assert qcn.cfi(model, readout) == approx(qcn.cfi(model, readout, qcn.QutipDense()), rel=1e-8)


@pytest.mark.parametrize("name", ["none", "all local", "everything"])
@pytest.mark.parametrize("backend", ["logical", "qutip"])
def test_qfi_matrix_of_two_nodes(name: str, backend: str) -> None:
    case = Case(qcn.Product({3: 1, 1: 1}), NOISES[name])
    nodes = [[0, 1], [2, 3]]  # the block of three shared as (2, 1), the single atom at the second node
    expected = references.qfi_matrix((evolved := case.evolved(nodes)).rho, evolved.derivatives)
    placement = {(2, 1): 1, (0, 1): 1}
    if name == "everything" and backend == "logical":
        with pytest.raises(ValueError, match="QutipDense"):
            qcn.qfim(case.model, placement, BACKENDS[backend])
        return
    information = qcn.qfim(case.model, placement, BACKENDS[backend])
    np.testing.assert_allclose(information.matrix, expected, rtol=TOLERANCE["qfim"], atol=1e-12)
    assert information.common == approx(qcn.qfi(case.model), rel=1e-9)


def test_qfi_matrix_of_one_block_under_a_common_phase() -> None:
    case = Case(qcn.Ghz(3), NOISES["everything"])
    expected = references.qfi_matrix((evolved := case.evolved([[0, 1], [2]])).rho, evolved.derivatives)
    np.testing.assert_allclose(qcn.qfim(case.model, {(2, 1): 1}).matrix, expected, rtol=1e-9)


@pytest.mark.parametrize("name", ["ghz3-none", "product-everything"])
def test_information_is_a_plain_number(name: str) -> None:
    model = CASES[name].model
    assert type(qcn.qfi(model)) is float
    assert type(qcn.cfi(model, qcn.Parity("seen", 0.3))) is float


def test_a_ghz_state_reads_the_weighted_centre_of_mass() -> None:
    information = qcn.qfim(qcn.Ramsey(qcn.Ghz(6), qcn.Dephasing(0.1), 0.5), {(3, 2, 1): 1})
    np.testing.assert_allclose(information.weights, [3 / 6, 2 / 6, 1 / 6])
    # Information about sum(w_j delta_j) at those weights is all there is; a single node is not seen at all.
    assert information.of_combination(information.weights) == approx(information.common)
    assert information.of_combination([1.0, 0.0, 0.0]) == 0.0
    assert information.of_combination([1 / 3, 1 / 3, 1 / 3]) == 0.0


@pytest.mark.parametrize("size", [10, 10**5, 10**7])
def test_combinations_of_nodes_beside_a_huge_block(size: int) -> None:
    """Beside a block of n atoms two single atoms still tell the nodes apart: differences 1/2, nodes nearly 2."""
    model = qcn.Ramsey(qcn.Product({size: 1, 1: 2}), (), 1.0)
    information = qcn.qfim(model, {(size // 2, size // 2): 1, (1, 0): 1, (0, 1): 1})
    assert information.of_combination([1.0, -1.0]) == approx(0.5, rel=1e-9)
    assert information.of_combination([0.5, 0.5]) == approx(size**2 + 2, rel=1e-9)
    expected = 1 / np.linalg.inv([[1 + size**2 / 4, size**2 / 4], [size**2 / 4, 1 + size**2 / 4]])[0, 0]
    if size == 10:
        assert information.of_combination([1.0, 0.0]) == approx(expected, rel=1e-9)


def test_uncorrelated_atoms_tell_every_node_apart() -> None:
    model = qcn.Ramsey(qcn.CoherentSpin(5), qcn.Dephasing(0.3), 0.8)
    information = qcn.qfim(model, {(1, 0): 3, (0, 1): 2})
    single = qcn.qfi(qcn.Ramsey(qcn.CoherentSpin(1), qcn.Dephasing(0.3), 0.8))
    assert information.of_combination([1.0, 0.0]) == approx(3 * single)
    # Inverse variances add: var of the mean of two independent estimates.
    assert information.of_combination([0.5, 0.5]) == approx(1 / (0.25 / (3 * single) + 0.25 / (2 * single)))


@pytest.mark.slow
@pytest.mark.parametrize("atoms", [5, 6, 7])
def test_lindblad_equation_of_two_levels(atoms: int) -> None:
    rates = references.Rates(dephasing=1.0, emission=0.4, pumping=0.2, depolarising=0.1)
    case = Case(qcn.Ghz(atoms), rates, time=1.0 / atoms)
    assert qcn.qfi(case.model, qcn.QutipDense()) == approx(references.ghz_qfi(atoms, case.time, rates), rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("atoms", [4, 5])
def test_lindblad_equation_of_three_levels(atoms: int) -> None:
    rates = references.Rates(dephasing=1.0, emission=0.4, loss=0.6)
    case = Case(qcn.Ghz(atoms), rates, time=1.0 / atoms)
    assert qcn.qfi(case.model, qcn.QutipDense()) == approx(references.ghz_qfi(atoms, case.time, rates), rel=1e-9)


@pytest.mark.slow
def test_strongly_decayed_coherence_survives_the_integrator() -> None:
    """QuTiP's tidy-up deletes entries below 1e-14: the information here is 1e-13 of the lossless one."""
    rates = references.Rates(dephasing=1.0, emission=0.2)
    case = Case(qcn.Ghz(5), rates, time=5.0)
    assert qcn.qfi(case.model, qcn.QutipDense()) == approx(references.ghz_qfi(5, 5.0, rates), rel=1e-7)


@pytest.mark.slow
def test_random_models_equal_brute_force() -> None:
    """All noises together, random rates, times and phases; probes of every kind, with every backend for them."""
    rng = np.random.default_rng(20140615)
    makers = [
        lambda: qcn.Ghz(int(rng.integers(1, 5))),
        lambda: qcn.Ghz(int(rng.integers(1, 5)), float(rng.uniform(0.05, 0.95))),
        lambda: qcn.Product({2: 1, 1: int(rng.integers(1, 3))}),
        lambda: qcn.CoherentSpin(int(rng.integers(1, 5))),
        lambda: qcn.SpinSqueezed(int(rng.integers(1, 5)), float(rng.uniform(-2, 2))),
        lambda: qcn.Dicke(4, int(rng.integers(0, 5)), float(rng.uniform(-2, 2))),
    ]
    for index in range(84):
        rates = references.Rates(*rng.uniform(0.0, 1.0, 6))
        case = Case(makers[index % len(makers)](), rates, float(rng.uniform(0.05, 1.2)), float(rng.uniform(-4, 4)))
        expected = references.qfi(case.evolved())
        for backend in (qcn.Logical(), qcn.Symmetric()):
            if backend.refusal(case.model) is None:
                assert qcn.qfi(case.model, backend) == approx(expected, rel=1e-8), (case, backend)


def test_custom_state_is_evolved_as_it_is() -> None:
    import qutip

    rng = np.random.default_rng(5)
    vector = rng.normal(size=8) + 1j * rng.normal(size=8)
    vector /= np.linalg.norm(vector)
    state = qutip.Qobj(vector, dims=[[2] * 3, [1] * 3])
    rates = NOISES["two-level"]
    evolved = references.evolve(vector, 2, 0.4, rates, [0.9])
    for given in (state, qutip.ket2dm(state)):
        model = qcn.Ramsey(qcn.CustomState(given), list(Case(qcn.Ghz(1), rates).model.noise), 0.4, 0.36)
        assert qcn.qfi(model) == approx(references.qfi(evolved), rel=1e-8)
        readout = qcn.CollectiveSpin("random", 0.2, 0.1)
        expected = references.counts_cfi(evolved, 3, 0.2 + np.pi / 2, "random", 0.1)
        assert qcn.cfi(model, readout) == approx(expected, rel=1e-8)


@pytest.mark.parametrize("noise", ["none", "two-level", "diffusion"])
def test_all_backends_give_the_same_operator(noise: str) -> None:
    """Blocks of one atom: the logical sites are the atoms, so that even the phases must agree."""
    model = Case(qcn.CoherentSpin(2), NOISES[noise]).model
    operators = {name: backend.evolve(model).to_qutip() for name, backend in BACKENDS.items()}
    dense, logical = operators.pop("qutip"), operators.pop("logical")
    keep = [0, 1, 3, 4]  # the third logical level, "rest", is empty for two-level noise
    for first, second in zip(logical, dense, strict=True):
        np.testing.assert_allclose(first.full()[np.ix_(keep, keep)], second.full(), atol=1e-12)
    for pair in operators.values():
        for first, second in zip(pair, dense, strict=True):
            np.testing.assert_allclose(first.full(), second.full(), atol=1e-12)


@pytest.mark.parametrize("name", ["squeezed-everything", "dicke-all local", "amplitudes-two-level", "ghz3-loss"])
def test_symmetric_blocks_are_the_same_operator_atom_by_atom(name: str) -> None:
    evolved = brute_force(name)
    for operator, expected in zip(
        qcn.Symmetric().evolve(CASES[name].model).to_qutip(), (evolved.rho, evolved.common / TIME), strict=True
    ):
        np.testing.assert_allclose(operator.full(), expected, atol=1e-12)


@pytest.mark.parametrize("name", ["ghz3-all local", "product-everything", "coherent-loss"])
def test_states_can_be_had_from_qutip_and_quimb(name: str) -> None:
    for backend in BACKENDS.values():
        if backend.refusal(CASES[name].model) is not None:
            continue
        tangent = backend.evolve(CASES[name].model)
        rho, derivative = tangent.to_qutip()
        networks = tangent.to_quimb()
        for operator, network in zip((rho, derivative), networks, strict=True):
            np.testing.assert_allclose(network.to_dense(), operator.full(), atol=1e-14)
        assert rho.tr() == approx(1.0)
        assert references.qfi_matrix(rho.full(), [derivative.full()])[0, 0] * CASES[name].time ** 2 == approx(
            qcn.qfi(CASES[name].model), rel=1e-7
        )
