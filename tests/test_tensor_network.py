"""Tensor networks: many atoms, any order of the sites, states a user brings, and the variational information."""

from __future__ import annotations

import numpy as np
import pytest
import quimb.tensor
import qutip
from closeness import approx
from numpy.typing import NDArray

import qcn_open as qcn
from qcn_open.fisher.variational import variational_information

DEPHASING = (qcn.Dephasing(0.2),)
LOSSY = (qcn.Dephasing(0.2), qcn.TrapLoss(0.1))
ALL = (*LOSSY, qcn.SpontaneousEmission(0.1))
PRODUCTS = {
    "2,2": qcn.Product({2: 2}),
    "1,1,1": qcn.Product({1: 3}),
    "1,2,4": qcn.Product({1: 1, 2: 1, 4: 1}),
    "1,2,4,8,16": qcn.Product({1: 1, 2: 1, 4: 1, 8: 1, 16: 1}),
}


def exact(model: qcn.Ramsey) -> float:
    """Of the phase, from the closed form of blocks."""
    return qcn.qfi(model, qcn.Logical()) / model.time**2


def exchanged(model: qcn.Ramsey, together: int | None = None) -> qcn.QuimbMPO:
    """A backend that puts the atoms of different blocks next to each other."""
    return qcn.QuimbMPO(order=qcn.interleaved(model.probe.block_sizes(), together))


@pytest.mark.parametrize("noise", [DEPHASING, LOSSY, ALL], ids=["dephasing", "loss", "all"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_products_with_their_sites_interleaved(name: str, noise: tuple[qcn.Noise, ...]) -> None:
    """What peers get wrong by 2 to 99.6 %: the large blocks, or the small ones, are never found."""
    model = qcn.Ramsey(PRODUCTS[name], noise, 1.0, 0.3)
    backend = exchanged(model, 3 if model.atoms > 8 else None)
    assert qcn.qfi(model, backend) == approx(qcn.qfi(model, qcn.Logical()), rel=1e-12)


@pytest.mark.parametrize("noise", [DEPHASING, LOSSY], ids=["dephasing", "loss"])
def test_ten_blocks_of_ten_interleaved_with_their_neighbours(noise: tuple[qcn.Noise, ...]) -> None:
    """Too large to be condensed where they stand: correlated sites are brought together first."""
    model = qcn.Ramsey(qcn.Product({10: 10}), noise, 0.3)
    assert qcn.qfi(model, exchanged(model, 2)) == approx(qcn.qfi(model, qcn.Logical()), rel=1e-12)


@pytest.mark.parametrize("noise", [DEPHASING, LOSSY, ALL], ids=["dephasing", "loss", "all"])
@pytest.mark.parametrize("name", ["2,2", "1,1,1", "1,2,4"])
def test_search_finds_what_diagonalisation_does(name: str, noise: tuple[qcn.Noise, ...]) -> None:
    """From the two networks alone, with the sites left interleaved."""
    model = qcn.Ramsey(PRODUCTS[name], noise, 1.0)
    state = exchanged(model).evolve(model)
    found = variational_information(state.tensors, state.commutator_tensors())
    assert found.value == approx(exact(model), rel=1e-6)
    assert found.value <= exact(model) * (1 + 1e-7)


@pytest.mark.parametrize("noise", [DEPHASING, LOSSY, ALL], ids=["dephasing", "loss", "all"])
@pytest.mark.parametrize(
    "copies",
    [
        {1: 2},
        {4: 1, 2: 1, 1: 1},
        {8: 1, 4: 1, 2: 1, 1: 1},
        {2: 5},
        {3: 2, 2: 2, 1: 2},
        {2: 3, 1: 4},
        {4: 2, 3: 2, 2: 2, 1: 2},
        {3: 4, 1: 5},
        pytest.param({2: 8, 3: 1, 1: 1}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_blocks_that_share_a_phase(copies: dict[int, int], noise: tuple[qcn.Noise, ...]) -> None:
    """Two to ten blocks against the space of their logical qubits, which knows the list of blocks."""
    model = qcn.Ramsey(qcn.Product(copies), (*noise, qcn.PhaseDiffusion(0.1)), 0.7, 0.2)
    apart = qcn.qfi(model, qcn.Logical())
    assert qcn.qfi(model, qcn.QuimbMPO()) == approx(apart, rel=1e-11)
    if model.atoms <= 7:
        assert qcn.qfi(model, exchanged(model)) == approx(apart, rel=1e-11)


def test_blocks_that_share_a_phase_are_not_independent() -> None:
    shared = qcn.Ramsey(qcn.Product({2: 3}), (*DEPHASING, qcn.PhaseDiffusion(0.1)), 1.0)
    alone = qcn.Ramsey(qcn.Ghz(2), shared.noise, 1.0)
    assert qcn.qfi(shared, qcn.QuimbMPO()) < 0.9 * 3 * qcn.qfi(alone, qcn.QuimbMPO())


def test_random_blocks_noises_and_orders() -> None:
    rng = np.random.default_rng(31)
    for _ in range(40):
        sizes = rng.integers(1, 6, rng.integers(1, 5)).tolist()
        probe = qcn.Product({size: sizes.count(size) for size in sizes})
        kinds = (qcn.Dephasing, qcn.TrapLoss, qcn.SpontaneousEmission, qcn.Depolarizing, qcn.PhaseDiffusion)
        noise = tuple(
            kind(float(rate)) for kind, rate in zip(kinds, rng.exponential(0.3, 5), strict=True) if rng.random() < 0.6
        )
        model = qcn.Ramsey(probe, noise, float(rng.exponential(1.0)), float(rng.uniform(-3, 3)))
        order = tuple(rng.permutation(probe.atoms).tolist()) if probe.atoms <= 6 else None
        assert qcn.qfi(model, qcn.QuimbMPO(order=order)) == approx(qcn.qfi(model, qcn.Logical()), rel=1e-10)


@pytest.mark.parametrize("loss", [0.0, 0.01])
@pytest.mark.parametrize("geometry", ["chain", "tree"])
def test_grown_states_against_brute_force(geometry: qcn.preparation.Geometry, loss: float) -> None:
    probe = qcn.GrownGhz(6 if loss == 0.0 else 5, geometry, 0.02, 0.01, loss, 0.01)
    for noise in ((*DEPHASING, qcn.SpontaneousEmission(0.3)), (*DEPHASING, qcn.PhaseDiffusion(0.3))):
        model = qcn.Ramsey(probe, noise, 0.3)
        assert qcn.qfi(model, qcn.QuimbMPO()) == approx(qcn.qfi(model, qcn.QutipDense()), rel=1e-10)


@pytest.mark.parametrize("geometry", ["chain", "tree"])
def test_grown_states_of_many_atoms(geometry: qcn.preparation.Geometry) -> None:
    """Errors of the gates leave too many different states to be condensed: the derivative is searched for."""
    model = qcn.Ramsey(qcn.GrownGhz(60, geometry, 1e-3, 2e-4, 1e-3), qcn.Dephasing(1.0), 0.01)
    assert qcn.qfi(model, qcn.QuimbMPO()) == approx(qcn.qfi(model, qcn.Growth()), rel=1e-10)


@pytest.mark.parametrize("atoms", [5, 6])
def test_random_two_site_noise(atoms: int) -> None:
    """A GHZ state through random unitaries on neighbours, each of them done or not: a mixed network of no symmetry."""
    rng = np.random.default_rng(atoms)
    rho = qutip.ket2dm(qutip.ghz_state(atoms)).full()
    for site in range(atoms - 1):
        unitary = qutip.rand_unitary(4, seed=int(rng.integers(2**31))).full()
        whole = np.kron(np.kron(np.eye(2**site), unitary), np.eye(2 ** (atoms - site - 2)))
        rho = 0.9 * rho + 0.1 * whole @ rho @ whole.conj().T
    network = quimb.tensor.MatrixProductOperator.from_dense(rho, dims=[2] * atoms)
    dense = qcn.CustomState(qutip.Qobj(rho, dims=[[2] * atoms] * 2))
    for noise in (DEPHASING, ALL[:1] + ALL[2:]):
        mine, reference = (qcn.Ramsey(probe, noise, 0.5, 0.3) for probe in (qcn.MpsState(network), dense))
        assert qcn.qfi(mine, qcn.QuimbMPO()) == approx(qcn.qfi(reference, qcn.QutipDense()), rel=1e-9)
    state = qcn.QuimbMPO().evolve(mine)
    if atoms == 5:
        found = variational_information(state.tensors, state.commutator_tensors())
        assert mine.time**2 * found.value == approx(qcn.qfi(reference, qcn.QutipDense()), rel=1e-5)


def test_coherent_spins_that_share_a_phase() -> None:
    """No block in sight, and more atoms than can be diagonalised: against permutation symmetry."""
    model = qcn.Ramsey(qcn.CoherentSpin(13), (*DEPHASING, qcn.PhaseDiffusion(0.05)), 0.7)
    assert qcn.qfi(model, qcn.QuimbMPO()) == approx(qcn.qfi(model, qcn.Symmetric()), rel=1e-8)


def test_a_search_that_is_too_large_is_refused() -> None:
    model = qcn.Ramsey(qcn.CoherentSpin(100), (*DEPHASING, qcn.PhaseDiffusion(0.05)), 0.7)
    with pytest.raises(ValueError, match=r"more than .* multiplications, too many atoms are correlated"):
        qcn.qfi(model, qcn.QuimbMPO())


def test_information_does_not_depend_on_the_basis_of_the_atoms() -> None:
    rng = np.random.default_rng(7)
    model = qcn.Ramsey(PRODUCTS["1,2,4"], (qcn.Dephasing(0.2), qcn.SpontaneousEmission(0.1)), 1.0, 0.3)
    state = qcn.QuimbMPO(order=qcn.interleaved((4, 2, 1))).evolve(model)
    unitaries = [np.linalg.qr(rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2)))[0] for _ in range(7)]

    def turned(tensors: tuple[NDArray[np.complex128], ...]) -> list[NDArray[np.complex128]]:
        return [np.einsum("ac,lcdr,bd->labr", u, t, u.conj()) for u, t in zip(unitaries, tensors, strict=True)]

    found = variational_information(turned(state.tensors), turned(state.commutator_tensors()))
    assert found.value == approx(exact(model), rel=1e-7)


@pytest.mark.parametrize("atoms", [10, 1000])
def test_thousand_atoms(atoms: int) -> None:
    for probe in (qcn.Ghz(atoms), qcn.CoherentSpin(atoms), qcn.Product({atoms // 2: 1, atoms // 10: 5})):
        model = qcn.Ramsey(probe, LOSSY, 1.0 / atoms, 0.1 / atoms)
        assert qcn.qfi(model, qcn.QuimbMPO()) == approx(qcn.qfi(model, qcn.Logical()), rel=1e-9)
        for readout in (qcn.Parity(), qcn.Parity("dark", 0.4, 1e-4)):
            value = qcn.cfi(model, readout, qcn.QuimbMPO())
            assert value == approx(qcn.cfi(model, readout, qcn.Logical()), rel=1e-8)


def test_coherence_far_below_the_rounding_error_of_the_trace() -> None:
    model = qcn.Ramsey(qcn.Ghz(500), qcn.Dephasing(1.0), 0.36)  # coherence e^-90 = 1e-39
    state = qcn.QuimbMPO().evolve(model)
    flip = np.array([[0, 1], [1, 0]], dtype=complex)
    value, slope = state.expectation([flip] * 500)
    assert abs(slope) == approx(500 * np.exp(-90.0), rel=1e-11)
    assert abs(value) < 1e-12 * abs(slope)
    assert qcn.qfi(model, qcn.QuimbMPO()) == approx(qcn.qfi(model, qcn.Logical()), rel=1e-9)


def test_parity_of_blocks_that_share_a_phase() -> None:
    model = qcn.Ramsey(qcn.Product({4: 1, 2: 1, 1: 1}), (*LOSSY, qcn.PhaseDiffusion(0.1)), 1.0, 0.2)
    parity = qcn.Parity(phase=0.4)
    assert qcn.cfi(model, parity, qcn.QuimbMPO()) == approx(qcn.cfi(model, parity), rel=1e-9)


def test_nodes_of_the_common_phase_equal_the_count_of_orders() -> None:
    """A state without known blocks is averaged over phases, the same one as a product of blocks counted."""
    model = qcn.Ramsey(qcn.Ghz(4), qcn.PhaseDiffusion(0.3), 0.5)
    brought = qcn.Ramsey(qcn.MpsState(qcn.Ghz(4).network()), qcn.PhaseDiffusion(0.3), 0.5)
    counted, averaged = qcn.QuimbMPO().evolve(model), qcn.QuimbMPO().evolve(brought)
    assert counted.phase_error == 0.0
    assert 0.0 <= averaged.phase_error < 1e-14
    for one, two in zip(counted.to_qutip(), averaged.to_qutip(), strict=True):
        np.testing.assert_allclose(one.full(), two.full(), atol=1e-14)


@pytest.mark.parametrize("mixed", [False, True])
def test_a_state_that_a_user_brings(mixed: bool) -> None:
    vector = quimb.tensor.MPS_rand_state(4, 3, dtype=complex, seed=3)
    dense = qutip.Qobj(vector.to_dense(), dims=[[2] * 4, [1] * 4])
    if mixed:
        dense = 0.7 * qutip.ket2dm(dense) + 0.3 * qutip.maximally_mixed_dm([2] * 4)
        rho = quimb.tensor.MatrixProductOperator.from_dense(dense.full(), dims=[2] * 4)
        brought = qcn.MpsState(rho)
    else:
        brought = qcn.MpsState(vector)
    for noise in (DEPHASING, ALL):
        mine, reference = (qcn.Ramsey(probe, noise, 0.5, 0.3) for probe in (brought, qcn.CustomState(dense)))
        expected = qcn.QutipDense().evolve(reference)
        state = qcn.QuimbMPO().evolve(mine)
        np.testing.assert_allclose(state.to_qutip()[0].full(), expected.rho, atol=1e-10)
        assert qcn.qfi(mine, qcn.QuimbMPO()) == approx(qcn.qfi(reference, qcn.QutipDense()), rel=1e-6)
        readout = qcn.Parity(phase=0.3)
        assert qcn.cfi(mine, readout, qcn.QuimbMPO()) == approx(qcn.cfi(reference, readout, qcn.QutipDense()), rel=1e-8)


def test_reduced_states_follow_the_atoms_not_the_sites() -> None:
    probe = qcn.Product({3: 1, 1: 2})
    model = qcn.Ramsey(probe, ALL, 0.5, 0.3)
    plain, mixed = qcn.QuimbMPO(), qcn.QuimbMPO(order=(3, 0, 4, 2, 1))
    dense = qcn.QutipDense().evolve(model)
    whole = mixed.evolve(model).to_qutip()
    np.testing.assert_allclose(whole[0].full(), dense.rho, atol=1e-11)
    for backend in (plain, mixed):
        reduced = backend.evolve(model).reduced([4, 1])
        np.testing.assert_allclose(reduced.rho, whole[0].ptrace([4, 1]).permute([1, 0]).full(), atol=1e-12)


def test_every_sweep_is_a_lower_bound() -> None:
    model = qcn.Ramsey(qcn.Product({2: 2, 1: 1}), (*ALL, qcn.PhaseDiffusion(0.2)), 1.0)
    state = qcn.QuimbMPO().evolve(model)
    for bond in (1, 2, 4, 64):
        found = variational_information(state.tensors, state.commutator_tensors(), bond)
        assert max(found.history) <= exact(model) * (1 + 1e-9)
        assert found.bond <= bond
    assert found.value == approx(exact(model), rel=1e-6)


@pytest.mark.parametrize("noise", [(), (qcn.Dephasing(0.3), qcn.TrapLoss(0.1))], ids=["none", "noisy"])
def test_scale_of_a_network_may_stand_anywhere(noise: tuple[qcn.Noise, ...]) -> None:
    """quimb moves factors, signs among them, over bonds of dimension 1: only the whole is normalised."""
    model = qcn.Ramsey(qcn.Product({2: 3}), noise, 0.4)
    state = qcn.Product({2: 3}).network()
    operator = qcn.QuimbMPO().evolve(qcn.Ramsey(qcn.Product({2: 3}), (), 0.0)).to_quimb()[0]
    for network in (state, operator):
        as_it_was = qcn.cfi(
            qcn.Ramsey(qcn.MpsState(network), noise, 0.4), qcn.CollectiveSpin("seen", 0.4), qcn.QuimbMPO()
        )
        for site, factor in ((0, -2.0), (2, 4.0), (5, -0.125)):
            network[site].modify(data=factor * network[site].data)
        moved = qcn.Ramsey(qcn.MpsState(network), noise, 0.4)
        assert qcn.qfi(moved, qcn.QuimbMPO()) == approx(qcn.qfi(model), rel=1e-9)
        assert qcn.cfi(moved, qcn.CollectiveSpin("seen", 0.4), qcn.QuimbMPO()) == approx(as_it_was, rel=1e-9)
