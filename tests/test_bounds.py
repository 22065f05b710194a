"""Bounds: against literature, against a solver that assumes no symmetry, and never exceeded."""

from __future__ import annotations

import math

import numpy as np
import pytest
import references
from closeness import approx
from grid import noise
from references import Rates

import qcn_open as qcn
from qcn_open import bounds

TIMES = (1e-6, 0.01, 0.3, 2.0, 20.0)
ATOMS = (2, 3, 10, 1000, 10**6)


def model(rates: Rates, atoms: int, time: float = 1.0) -> qcn.Ramsey:
    return qcn.Ramsey(qcn.Ghz(atoms), noise(rates), time)


SINGLE = {
    "dephasing": (Rates(dephasing=1.3), lambda t: references.coefficient_dephasing(math.exp(-0.65 * t))),
    "loss": (Rates(loss=1.3), lambda t: references.coefficient_loss(math.exp(-1.3 * t))),
    "emission": (Rates(emission=1.3), lambda t: references.coefficient_emission(math.exp(-1.3 * t))),
    "pumping": (Rates(pumping=1.3), lambda t: references.coefficient_emission(math.exp(-1.3 * t))),
    "depolarising": (Rates(depolarising=1.3), lambda t: references.coefficient_depolarising(math.exp(-1.3 * t))),
    "dephasing and loss": (
        Rates(dephasing=1.3, loss=0.4),
        lambda t: references.coefficient_dephasing_and_loss(math.exp(-0.65 * t), math.exp(-0.4 * t)),
    ),
}


@pytest.mark.parametrize("kind", SINGLE)
@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("atoms", ATOMS)
def test_closed_forms(kind: str, time: float, atoms: int) -> None:
    rates, coefficient = SINGLE[kind]
    expected = time**2 * references.finite_bound(atoms, coefficient(time))
    # The references take exp(-rate t) before 1 - exp: at 1e-6 s that costs them ten digits.
    tolerance = 1e-9 if time >= 0.01 else 1e-8
    assert bounds.escher(model(rates, atoms, time)) == approx(expected, rel=tolerance)
    assert bounds.channel_extension(model(rates, atoms, time)) == approx(
        bounds.escher(model(rates, atoms, time)), rel=1e-12
    )


@pytest.mark.parametrize(
    ("table", "rates"),
    [
        (references.BOUND_DEPHASING, Rates(dephasing=-2 * math.log(0.9))),
        (references.BOUND_LOSS, Rates(loss=-math.log(0.9))),
        (references.BOUND_EMISSION, Rates(emission=-math.log(0.9))),
    ],
)
def test_published_numbers(table: dict[int, float], rates: Rates) -> None:
    for atoms, value in table.items():
        assert bounds.escher(model(rates, atoms)) == approx(value, rel=2e-6)  # six digits are printed


@pytest.mark.parametrize("kind", ["emission", "pumping"])
def test_a_single_emitting_atom(kind: str) -> None:
    rates = Rates(**{kind: 0.4})
    expected = references.bound_emission_single(math.exp(-0.4))
    assert bounds.escher(model(rates, 1)) == approx(expected, rel=1e-12)
    assert bounds.channel_extension(model(rates, 1)) == approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("atoms", [1, 2, 3, 30])
def test_channel_extension_equals_a_solver_without_symmetry(seed: int, atoms: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.05, 0.8, 5) * (rng.random(5) < 0.7)
    values[0] += 0.1
    rates = Rates(*values)
    solved = references.channel_extension_bound(references.kraus_operators(0.5, rates), atoms)
    value = bounds.channel_extension(model(rates, atoms, 0.5)) / 0.25
    assert value >= solved.lower * (1 - 1e-9)
    assert value == approx(solved.upper, rel=2e-6)


def test_common_phase_adds_to_the_inverse() -> None:
    rates = Rates(dephasing=0.4)
    without = bounds.escher(model(rates, 7, 0.5)) / 0.25
    both = bounds.escher(model(Rates(dephasing=0.4, diffusion=0.2), 7, 0.5)) / 0.25
    assert both == approx(references.bound_with_phase_diffusion(without, 0.1), rel=1e-12)


def test_combination_without_closed_form_names_the_other_bound() -> None:
    with pytest.raises(ValueError, match=r"no closed form .*Dephasing.*SpontaneousEmission.*channel_extension"):
        bounds.escher(model(Rates(dephasing=1.0, emission=1.0), 4))


def test_a_rate_of_zero_is_no_noise() -> None:
    assert bounds.escher(qcn.Ramsey(qcn.Ghz(4), [qcn.Dephasing(1.0), qcn.TrapLoss(0.0)], 0.3)) == bounds.escher(
        qcn.Ramsey(qcn.Ghz(4), qcn.Dephasing(1.0), 0.3)
    )


def test_limits() -> None:
    lossless = qcn.Ramsey(qcn.Ghz(6), (), 0.5)
    assert bounds.heisenberg(lossless) == 9.0
    assert bounds.standard_quantum_limit(lossless) == 1.5
    assert bounds.escher(lossless) == bounds.channel_extension(lossless) == 9.0
    assert qcn.qfi(lossless) == approx(9.0, rel=1e-14)
    assert qcn.qfi(qcn.Ramsey(qcn.CoherentSpin(6), (), 0.5)) == approx(1.5, rel=1e-14)


def test_eq4_is_the_bound_with_constant_one() -> None:
    """N var(delta) tau / gamma at the bound's best time: 1 for many atoms (eq. (4)), and the known finite-N values."""
    for atoms, value in references.BOUND_RATE_DEPHASING.items():
        assert atoms / qcn.bound_optimal_time(atoms, qcn.Dephasing(1.0)).rate == approx(value, abs=6e-6)
    # 1/N costs sqrt(2/N): at 10^8 atoms what is left is 1.4e-4.
    for kind in (qcn.Dephasing, qcn.TrapLoss):
        assert 10**8 / (2.0 * qcn.bound_optimal_time(10**8, kind(2.0)).rate) == approx(1.0, abs=2e-4)


def test_best_symmetric_probes_of_the_literature_stay_below() -> None:
    for table, rates in (
        (references.BEST_SYMMETRIC_QFI_DEPHASING, Rates(dephasing=-2 * math.log(0.9))),
        (references.BEST_SYMMETRIC_QFI_EMISSION, Rates(emission=-math.log(0.9))),
    ):
        for atoms, value in table.items():
            assert 0.75 * bounds.escher(model(rates, atoms)) < value <= bounds.escher(model(rates, atoms))
