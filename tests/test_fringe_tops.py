"""At the top of a fringe of full contrast the Fisher information is 0/0: the limit is taken, rounding is not."""

from __future__ import annotations

import numpy as np
import pytest
from closeness import approx

import qcn_open as qcn

OFFSETS = (0.0, 1e-9, 1e-8, 3e-7, 1e-5, 1e-4, 1e-3)
BACKENDS = (qcn.Logical(), qcn.QutipDense())


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("offset", OFFSETS)
def test_lossless_parity_has_all_the_information_at_every_angle(offset: float, backend: qcn.Backend) -> None:
    for top in (0.0, np.pi):
        model = qcn.Ramsey(qcn.Ghz(3), (), 1.0)
        assert qcn.cfi(model, qcn.Parity(phase=top + offset), backend) == approx(9.0, rel=2e-8)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("offset", OFFSETS)
def test_lossless_count(offset: float, backend: qcn.Backend) -> None:
    model = qcn.Ramsey(qcn.Ghz(2), (), 1.0)
    readout = qcn.CollectiveSpin(phase=offset - np.pi / 4)
    assert qcn.cfi(model, readout, backend) == approx(4.0, rel=2e-8)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("offset", OFFSETS)
def test_seen_loss_keeps_full_contrast(offset: float, backend: qcn.Backend) -> None:
    model = qcn.Ramsey(qcn.Ghz(2), qcn.TrapLoss(0.3), 1.0)
    assert qcn.cfi(model, qcn.Parity(phase=offset), backend) == approx(4 * np.exp(-0.6), rel=2e-8)


@pytest.mark.parametrize("rate", np.linspace(0.05, 1.5, 40))
def test_one_dark_atom_is_read_as_well_as_a_seen_one_at_the_top(rate: float) -> None:
    model = qcn.Ramsey(qcn.Ghz(1), qcn.TrapLoss(rate), 1.0)
    for offset in OFFSETS[:4]:
        for backend in BACKENDS:
            value = qcn.cfi(model, qcn.Parity("dark", offset), backend)
            assert value == approx(np.exp(-rate), rel=2e-8)


@pytest.mark.parametrize(
    ("probe", "noise"),
    [
        (qcn.Product({1: 2, 2: 1}), qcn.TrapLoss(0.3)),
        (qcn.Product({2: 2}), ()),
        (qcn.Product({2: 2}), qcn.TrapLoss(0.01)),
        (qcn.Ghz(3), ()),
        (qcn.Ghz(2), qcn.TrapLoss(0.3)),
    ],
)
@pytest.mark.parametrize("backend", BACKENDS)
def test_search_for_the_best_angle_does_not_find_rounding(
    probe: qcn.Probe, noise: qcn.Noise, backend: qcn.Backend
) -> None:
    """Parities of GHZ states under loss that is seen hold all the quantum information."""
    model = qcn.Ramsey(probe, noise, 1.0)
    quantum = qcn.qfi(model)
    assert qcn.cfi(model, qcn.Parity(), backend) == approx(quantum, rel=1e-7)
    assert qcn.cfi(model, qcn.CollectiveSpin(), backend) <= quantum * (1 + 1e-7)


@pytest.mark.parametrize("atoms", [10**6, 10**8, 10**9])
def test_weak_decoherence_of_many_atoms_is_no_rounding(atoms: int) -> None:
    model = qcn.Ramsey(qcn.Ghz(atoms), qcn.Dephasing(1e-4 / atoms), 1.0)
    assert qcn.cfi(model, qcn.Parity()) == approx(qcn.qfi(model), rel=1e-12)
    assert qcn.cfi(model, qcn.Parity(phase=0.0)) == 0.0


def test_improbable_outcomes_count() -> None:
    model = qcn.Ramsey(qcn.Ghz(20), qcn.TrapLoss(2.0), 1.0)
    assert qcn.qfi(model) == approx(400 * np.exp(-40), rel=1e-9)
    for readout in (qcn.Parity(), qcn.CollectiveSpin()):
        assert qcn.cfi(model, readout) == approx(qcn.qfi(model), rel=1e-7)


def test_best_angle_of_a_state_that_is_no_ghz_state() -> None:
    """The parity of a coherent spin has harmonics that only angles beyond one turn of the fringe reach."""
    import qutip

    plus = (qutip.basis(2, 0) + qutip.basis(2, 1)).unit()
    model = qcn.Ramsey(qcn.CustomState(qutip.tensor([plus] * 3)), qcn.Dephasing(0.02), 1.0)
    scan = max(qcn.cfi(model, qcn.Parity(phase=angle)) for angle in np.linspace(0, 6 * np.pi, 400))
    assert scan * (1 - 1e-9) <= qcn.cfi(model, qcn.Parity()) <= scan * 1.001
