"""Best interrogation times and the crossover from 1/N to 1/sqrt(N)."""

from __future__ import annotations

import math

import numpy as np
import pytest
import references
from closeness import approx
from references import Rates

import qcn_open as qcn


@pytest.mark.parametrize("atoms", [1, 7, 1000, 10**6])
@pytest.mark.parametrize("kind", [qcn.Dephasing, qcn.TrapLoss])
def test_decoherence_limited_ramsey_time(atoms: int, kind: type[qcn.Dephasing]) -> None:
    """T = 1/(gamma_i n) and F/T = n/(e gamma_i); loss takes the place of the linewidth (paper, below eq. (4))."""
    best = qcn.optimal_time(qcn.Ghz(atoms), kind(0.7))
    assert best.time == approx(1 / (0.7 * atoms), rel=1e-6)
    assert best.rate == approx(atoms / (math.e * 0.7), rel=1e-12)


@pytest.mark.parametrize("total_time", [1e-3, 0.05, 10.0])
def test_total_time_caps_the_interrogation(total_time: float) -> None:
    rates = Rates(dephasing=2.0)
    best = qcn.optimal_time(qcn.Ghz(20), qcn.Dephasing(2.0), total_time)
    assert best.time == approx(references.huelga_time(20, rates, total_time), rel=1e-6)
    assert best.rate == approx(references.huelga_rate(20, 20, rates, total_time), rel=1e-12)
    assert best.uncertainty(total_time) == approx(1 / math.sqrt(total_time * best.rate))


def test_noiseless_atoms_use_all_the_time_there_is() -> None:
    assert qcn.optimal_time(qcn.Ghz(4), (), 3.0) == qcn.OptimalTime(3.0, approx(16 * 3.0))
    for call in (lambda: qcn.optimal_time(qcn.Ghz(4), ()), lambda: qcn.bound_optimal_time(4, qcn.Dephasing(0.0))):
        with pytest.raises(ValueError, match="nothing limits the interrogation time"):
            call()


def test_maximum_is_global_among_several_humps() -> None:
    """A few atoms of a huge block and very many single ones: two humps at times 10^4 apart."""
    for singles in (10**3, 10**6):
        probe = qcn.Product({10**4: 1, 1: singles})
        best = qcn.optimal_time(probe, qcn.Dephasing(1.0))
        times = np.geomspace(1e-6, 20, 200_001)
        rate = 1e8 * times * np.exp(-1e4 * times) + singles * times * np.exp(-times)
        assert best.rate == approx(rate.max(), rel=1e-8)
        assert best.time == approx(times[rate.argmax()], rel=1e-3)


def test_common_phase_limits_the_time_too() -> None:
    """Coherence exp(-n^2 v t/2): F/T = n^2 T exp(-n^2 v T), so T = 1/(n^2 v)."""
    best = qcn.optimal_time(qcn.Ghz(5), qcn.PhaseDiffusion(0.2))
    assert best.time == approx(1 / (25 * 0.2), rel=1e-6)


def test_cascade_plateau() -> None:
    """Using all levels 2^j, the plateau is 1.816 times eq. (4) at (top block) gamma T = 1.334 (physics of sec. 5)."""
    copies, levels = 12, 16
    probe = qcn.Product({2**j: copies for j in range(levels)})
    best = qcn.optimal_time(probe, qcn.Dephasing(1.0))
    assert math.sqrt(probe.atoms / best.rate) == approx(1.816, abs=1e-3)
    assert 2 ** (levels - 1) * best.time == approx(1.334, abs=1e-3)


def test_crossover_of_the_local_exponent() -> None:
    """One GHZ state of N atoms in a time tau: exponent -1 + N gamma tau/2 up to N = 1/(gamma tau), then -1/2."""
    total_time = 1e-3
    atoms = [1, 2, 4, 10, 500, 501, 502, 10**4, 10**5]
    table = qcn.precision_curve(
        lambda n: qcn.optimal_time(qcn.Ghz(n), qcn.Dephasing(1.0), total_time), atoms, total_time
    )
    exponent = table.set_index("atoms")["exponent"]
    assert exponent[2] == approx(-1.0, abs=0.01)
    assert exponent[501] == approx(-1 + 0.501 / 2, abs=1e-4)
    assert exponent[10**5] == approx(-0.5, abs=1e-6)
    assert list(table.columns) == ["atoms", "time_s", "detuning_uncertainty_rad_per_s", "exponent"]


@pytest.mark.parametrize("atoms", [[1], [2, 2], [3, 1]])
def test_precision_curve_wants_increasing_numbers(atoms: list[int]) -> None:
    with pytest.raises(ValueError, match="increasing"):
        qcn.precision_curve(lambda n: qcn.OptimalTime(1.0, n), atoms, 1.0)


@pytest.mark.parametrize("total_time", [-1.0, 0.0, math.inf, math.nan])
def test_total_time_must_be_positive(total_time: float) -> None:
    with pytest.raises(ValueError, match="total_time must be finite"):
        qcn.optimal_time(qcn.Ghz(2), qcn.Dephasing(1.0), total_time)


@pytest.mark.parametrize("stretch", [0.97, 1.0, 1.01, 1.05, 1.2])
def test_a_cap_just_beyond_the_best_time_does_not_matter(stretch: float) -> None:
    best = qcn.optimal_time(qcn.Ghz(5), qcn.Dephasing(2.0), total_time=0.1 * stretch)
    assert best.time == approx(min(0.1, 0.1 * stretch), rel=1e-6)


def test_a_state_may_live_on_a_coherence_of_first_order() -> None:
    """(|g...g> + |eg...g>)/sqrt(2) of 7 atoms under a common phase decays as one atom: T = 1/v."""
    import qutip

    ground = [qutip.basis(2, 0)] * 6
    state = (qutip.tensor([qutip.basis(2, 0), *ground]) + qutip.tensor([qutip.basis(2, 1), *ground])).unit()
    best = qcn.optimal_time(qcn.CustomState(state), qcn.PhaseDiffusion(1.0))
    assert best.time == approx(1.0, rel=1e-5)
    assert best.rate == approx(1 / math.e, rel=1e-9)


def test_a_very_unbalanced_state_gains_until_its_weights_are_equal() -> None:
    """Pumping empties g...g: F/T = 4 p(1-p) n^2 T exp(-nT)/((1-p) exp(-nT) + p), the rate being 1/s."""
    weight, atoms = 1e-30, 1000
    best = qcn.optimal_time(qcn.Ghz(atoms, weight), qcn.Pumping(1.0))
    times = np.linspace(1e-6, 0.3, 300_001)
    left = np.exp(-atoms * times)
    rate = 4 * weight * atoms**2 * times * left / (left + weight)
    assert best.rate == approx(rate.max(), rel=1e-6)


def test_a_common_phase_alone_does_not_limit_the_bound() -> None:
    with pytest.raises(ValueError, match="nothing limits the interrogation time"):
        qcn.bound_optimal_time(10, qcn.PhaseDiffusion(1.0))
    assert qcn.bound_optimal_time(10, qcn.PhaseDiffusion(1.0), 50.0).rate == approx(50 / (0.01 + 50))


def test_no_information_is_infinite_uncertainty() -> None:
    assert qcn.OptimalTime(1.0, 0.0).uncertainty(1.0) == math.inf
