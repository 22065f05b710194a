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


@pytest.mark.parametrize("noise", [DEPHASING, LOSSY, ALL], ids=["dephasing", "loss", "all"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_products_with_their_sites_interleaved(name: str, noise: tuple[qcn.Noise, ...]) -> None:
    """What peers get wrong by 2 to 99.6 %: the large blocks, or the small ones, are never found."""
    probe = PRODUCTS[name]
    model = qcn.Ramsey(probe, noise, 1.0)
    together = 3 if probe.atoms > 8 else None
    state = qcn.QuimbMPO(order=qcn.interleaved(probe.block_sizes(), together)).evolve(model)
    found = variational_information(state.tensors, state.commutator_tensors())
    assert found.value == approx(exact(model), rel=1e-6)
    assert found.value <= exact(model) * (1 + 1e-7)


@pytest.mark.parametrize("name", ["2,2", "1,2,4"])
def test_interleaved_sites_left_where_they_are(name: str) -> None:
    """The search itself, without bringing correlated sites together."""
    probe = PRODUCTS[name]
    model = qcn.Ramsey(probe, LOSSY, 1.0)
    state = qcn.QuimbMPO(order=qcn.interleaved(probe.block_sizes())).evolve(model)
    found = variational_information(state.tensors, state.commutator_tensors(), gather=False)
    assert found.value == approx(exact(model), rel=1e-7)


@pytest.mark.slow
def test_ten_blocks_of_ten_interleaved_with_their_neighbours() -> None:
    probe = qcn.Product({10: 10})
    model = qcn.Ramsey(probe, DEPHASING, 0.3)
    order = qcn.interleaved(probe.block_sizes(), together=2)
    assert qcn.qfi(model, qcn.QuimbMPO(order=order)) == approx(qcn.qfi(model, qcn.Logical()), rel=1e-9)


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


@pytest.mark.parametrize("probe", [qcn.Product({2: 2, 1: 1}), qcn.Product({4: 1, 2: 1, 1: 1})])
def test_blocks_that_share_a_phase(probe: qcn.Product) -> None:
    model = qcn.Ramsey(probe, (*LOSSY, qcn.PhaseDiffusion(0.1)), 1.0, 0.2)
    backend = qcn.QuimbMPO()
    assert qcn.qfi(model, backend) == approx(qcn.qfi(model, qcn.Logical()), rel=1e-6)
    assert qcn.cfi(model, qcn.Parity(phase=0.4), backend) == approx(qcn.cfi(model, qcn.Parity(phase=0.4)), rel=1e-9)


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
