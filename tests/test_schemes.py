"""Stability from budgets against a clock as a plain NumPy loop, bounds, published plateaus and limits."""

from __future__ import annotations

import math

import clock_loop
import numpy as np
import pandas as pd
import pytest
from closeness import approx

import qcn_open as qcn
from qcn_open.schemes import plateau

# Half a minute and more: left to `make test`.
pytestmark = pytest.mark.slow

OMEGA = 2.0 * math.pi * 429e12


def network(nodes: int, atoms: int, *, dephasing: float = 1e-3, dead_time: float = 0.0) -> qcn.Network:
    laser = qcn.Oscillator.from_linewidth(white=1.0)
    return qcn.Network((qcn.Node(atoms),) * nodes, laser, (qcn.Dephasing(dephasing),), 429e12, dead_time)


def scaled(table: pd.DataFrame) -> np.ndarray:
    """y = sqrt(tau/gamma) omega sigma, at gamma = 1/s."""
    return np.sqrt(table.tau_s.to_numpy()) * OMEGA * table.sigma_y.to_numpy()


def posterior_square(plan: qcn.Plan, variance: float, trials: int, seed: int) -> tuple[float, float]:
    """Mean square error (rad^2) of the mean direction of the posterior, sampled block by block, and its error."""
    rng, cascade = np.random.default_rng(seed), plan.cascade
    phase = rng.normal(0.0, math.sqrt(variance), trials)
    grid = np.linspace(-np.pi, np.pi, 1024, endpoint=False)
    log = np.repeat(-(grid**2)[:, None] / (2 * variance), trials, axis=1)
    blocks = [1] * cascade.uncorrelated + [1 << j for j, n in enumerate(cascade.copies) for _ in range(n)]
    numbers = [cascade.uncorrelated] * (cascade.uncorrelated > 0) + list(cascade.copies)
    angles = np.concatenate([np.pi * np.arange(n) / n for n in numbers])
    for size, angle in zip(blocks, angles, strict=True):
        mean = cascade.coherence**size * np.cos(size * phase - angle)
        sign = np.where(rng.random(trials) < 0.5 + 0.5 * mean, 1, -1)
        fringe = cascade.coherence**size * np.cos(size * grid - angle)
        log += np.log(np.maximum(1.0 + sign * fringe[:, None], 1e-300))
    weight = np.exp(log - log.max(axis=0))
    squares = np.angle(np.exp(1j * (np.angle(np.exp(1j * grid) @ weight) - phase))) ** 2
    return float(squares.mean()), float(squares.std() / math.sqrt(trials))


@pytest.mark.parametrize("scheme", ["classical-alone", "quantum-alone"])
def test_short_interrogations_are_as_good_as_samples(scheme: str) -> None:
    clock = network(1, 40, dephasing=0.1)
    plan = qcn.best_plan(clock, scheme, 0.2)
    assert (len(plan.cascade.copies) > 1) == scheme.startswith("quantum")
    assert plan.cascade.coherence == approx(math.exp(-0.1 * 0.2 / 2))
    # One interrogation a cycle at the gain 0.1: 2/1.9 of the laser's variance.
    variance = 2 / 1.9 * 0.2
    square, error = posterior_square(plan, variance, trials=4000, seed=5)
    # Without what the loop predicts: (1/square - 1/variance)^-1
    known = 1.0 - square / variance
    sigma = qcn.stability(clock, scheme, 0.2).sigma_y[0]
    assert abs((OMEGA * sigma * 0.2) ** 2 - square / known) < (4 * error + 0.02 * square) / known**2


def test_a_clock_that_tracks_windings_is_as_stable_as_its_loop() -> None:
    clock, tau = network(1, 300, dephasing=0.1), 2.0
    plan = qcn.best_plan(clock, "classical-alone", tau)
    assert plan.tracking.atoms
    assert plan.interrogation_time == tau
    assert 200 < plan.cascade.uncorrelated == 300 - sum(plan.tracking.atoms)
    run = clock_loop.run(
        [clock_loop.group(1, plan.cascade.uncorrelated, "multi")],
        phase_variance=tau,
        gain=plan.gain,
        cycles=120,
        chains=120,
        rng=np.random.default_rng(7),
        coherence=plan.cascade.coherence,
        ensembles=[clock_loop.group(1, atoms, "multi") for atoms in plan.tracking.atoms],
        ratios=plan.tracking.ratios,
        grid=320,
    )
    errors = (run.estimates - run.phases)[20:]
    row = qcn.stability(clock, "classical-alone", tau).iloc[0]
    # 12000 cycles give the mean square to 1.3 %; the loop's prior is flat, which costs 1 %.
    square = (np.angle(np.exp(1j * errors)) ** 2).mean() / tau**2
    assert (OMEGA * row.sigma_y) ** 2 * (1.0 - row.slips_share) == approx(square, rel=0.06)
    assert row.slips_share < 0.1
    assert np.abs(errors).max() < np.pi


def test_schemes_compare_as_they_must() -> None:
    clocks, tau = network(4, 30), [0.1, 0.3, 3.0]
    tables = {scheme: qcn.stability(clocks, scheme, tau) for scheme in qcn.SCHEMES if scheme != "quantum-cooperative"}
    alone, together = tables["quantum-alone"], tables["quantum-classical"]
    assert together.sigma_y.to_numpy() == approx(alone.sigma_y.to_numpy() / 2.0)
    assert together.bound_sigma_y.to_numpy() == approx(alone.bound_sigma_y.to_numpy() / 2.0)
    single, all_nodes = tables["classical-alone"], tables["classical-cooperative"]
    # 1/sqrt(N x), to which thirty atoms add something of the order of 1/N
    for k in (0, 1):
        assert 1.0 < scaled(single)[k] * math.sqrt(30 * tau[k]) < 1.12
    assert scaled(all_nodes)[0] == approx(scaled(single)[0] / 2.0, rel=0.1)
    for table in tables.values():
        assert (table.sigma_y > table.bound_sigma_y).all()
        assert (table.sigma_y_low <= table.sigma_y).all()
        assert (table.sigma_y <= table.sigma_y_high).all()
        assert (table.slips_share < 0.1).all()
        assert (table.interrogation_time_s <= table.tau_s).all()


def test_unequal_nodes_count_by_their_variance() -> None:
    laser = qcn.Oscillator.from_linewidth(white=1.0)
    parts = [qcn.Node(20), qcn.Node(50)]
    noise = (qcn.Dephasing(1e-3),)
    each = [
        qcn.stability(qcn.Network((node,), laser, noise, 429e12), "quantum-alone", 0.1).sigma_y[0] for node in parts
    ]
    both = qcn.stability(qcn.Network(tuple(parts), laser, noise, 429e12), "quantum-classical", 0.1).sigma_y[0]
    assert both**-2 == approx(each[0] ** -2 + each[1] ** -2)


def test_decoherence_ends_a_classical_curve() -> None:
    """Fixed angles: 2.2 times eq. (4), and what the atoms that track windings cost."""
    clock = network(1, 500, dephasing=0.2)
    table = qcn.stability(clock, "classical-alone", [1.0, 30.0, 100.0])
    assert table.limited_by.tolist() == ["interrogation time = tau", "decoherence", "decoherence"]
    assert table.interrogation_time_s[1] == table.interrogation_time_s[2] < 20.0
    assert scaled(table)[1] == approx(scaled(table)[2])
    cascade = qcn.best_plan(clock, "classical-alone", 100.0).cascade
    assert scaled(table)[2] == approx(2.2 * math.sqrt(0.2 / cascade.uncorrelated), rel=0.05)


def test_few_atoms_are_used_up_by_windings() -> None:
    table = qcn.stability(network(1, 40, dephasing=1e-5), "classical-alone", [1.0, 1e3, 1e4])
    assert table.limited_by[2] == "atoms that track windings"
    assert scaled(table)[1] == approx(scaled(table)[2])
    assert table.interrogation_time_s[2] < 100.0


def test_dead_time_costs_cycles_and_the_dick_effect() -> None:
    running, stopped = (network(1, 60, dead_time=dead) for dead in (0.0, 0.1))
    plan = qcn.best_plan(stopped, "classical-alone", 0.3)
    assert (plan.interrogation_time, plan.dead_time) == (approx(0.2), 0.1)
    y = qcn.stability(stopped, "classical-alone", 0.3).sigma_y[0] * OMEGA
    shorter = qcn.stability(running, "classical-alone", 0.2).sigma_y[0] * OMEGA
    assert y**2 == approx(shorter**2 + 0.1 / 0.2 / 0.3, rel=0.03)


def test_plans_are_what_the_simulator_takes() -> None:
    clocks = network(2, 30)
    for scheme in ("quantum-alone", "classical-cooperative"):
        plan = qcn.best_plan(clocks, scheme, 0.3)
        table = qcn.run_scheme(clocks, scheme, plan=plan, cycles=2**15, rng=np.random.default_rng(3))
        row = qcn.stability(clocks, scheme, 0.3).iloc[0]
        # In a single cycle what the loop predicts helps.
        assert 0.9 * row.sigma_y < table.sigma_y[0] < 1.02 * row.sigma_y


def test_averages_gain_nothing_from_what_the_loop_predicts() -> None:
    """Twelve atoms: over 2000 cycles the record is worse than over one, by what the prior told."""
    clock = network(1, 12)
    table = qcn.stability(clock, "classical-alone", [0.02, 10.0])
    plan = qcn.best_plan(clock, "classical-alone", 10.0, interrogation_time=0.02)
    record = qcn.run_clock(plan, clock.oscillator, 2**20, np.random.default_rng(9)).stability(429e12)
    far = record[record.tau_s > 40.0].iloc[0]
    assert record.sigma_y[0] < 0.6 * table.sigma_y[0]
    assert far.sigma_y * math.sqrt(far.tau_s) == approx(table.sigma_y[0] * math.sqrt(0.02), rel=0.1)
    assert (table.sigma_y > table.bound_sigma_y).all()


@pytest.mark.parametrize(
    ("sizes", "mid_fringe", "factor"),
    [
        ([1], True, math.sqrt(math.e)),
        ([1], False, 2.1988),
        ([8], True, math.sqrt(math.e)),
        ([2**j for j in range(24)], True, 1.816),
        ([2**j for j in range(24)], False, 2.395),
    ],
)
def test_plateaus(sizes: list[int], mid_fringe: bool, factor: float) -> None:
    found, time = plateau([(size, 3) for size in sizes], mid_fringe=mid_fringe)
    assert found == approx(factor, rel=2e-4)
    rate = sum(3 * size**2 * information(size * time, mid_fringe) for size in sizes) / sum(3 * size for size in sizes)
    assert found == approx(1.0 / math.sqrt(rate * time))


def information(decay: float, mid_fringe: bool) -> float:
    """Of a parity of contrast exp(-decay/2), by numerical integration over equally spaced readout angles."""
    contrast = math.exp(-decay / 2)
    angles = np.array([np.pi / 2]) if mid_fringe else np.pi * (np.arange(4000) + 0.5) / 4000
    return float(np.mean((contrast * np.sin(angles)) ** 2 / (1 - (contrast * np.cos(angles)) ** 2)))


TEN = network(10, 10)
BAD = {
    "no coarse stage": (
        lambda: qcn.stability(TEN, "quantum-cooperative", [10.0]),
        "100 atoms are too few for a cascade",
    ),
    "unknown scheme": (lambda: qcn.stability(TEN, "quantum", [1.0]), "scheme must be one of quantum-cooperative, "),
    "falling tau": (lambda: qcn.stability(TEN, "classical-alone", [1.0, 0.5]), r"tau must increase .*\[1.0, 0.5\]"),
    "equal tau": (lambda: qcn.stability(TEN, "classical-alone", [1.0, 1.0]), "tau must increase"),
    "no tau": (lambda: qcn.stability(TEN, "classical-alone", []), "tau must increase"),
    "negative tau": (lambda: qcn.stability(TEN, "classical-alone", -1.0), r"tau must be finite and >= 0 \(s\), got -1"),
    "gain": (lambda: qcn.stability(TEN, "classical-alone", 1.0, gain=2.0), "gain must lie strictly between 0 and 2"),
    "only dead time": (
        lambda: qcn.stability(network(1, 10, dead_time=1.0), "classical-alone", 1.0),
        "longer than the dead time of 1 s",
    ),
    "beyond the slip limit": (
        lambda: qcn.best_plan(network(1, 40), "classical-alone", 1e4, interrogation_time=1e4),
        r"interrogation_time 10000 s is beyond the slip limit of \d+(\.\d+)? s: .* fit into 40 atoms",
    ),
    "longer than tau": (
        lambda: qcn.best_plan(TEN, "classical-alone", 1.0, interrogation_time=2.0),
        "must not exceed tau less the dead time, 1 s, got 2 s",
    ),
    "no blocks": (lambda: plateau([], mid_fringe=True), "plateau needs blocks"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name: str) -> None:
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()


def test_no_network() -> None:
    with pytest.raises(TypeError, match="network must be a Network"):
        qcn.stability(100, "classical-alone", [1.0])


@pytest.mark.slow
def test_the_network_of_the_paper() -> None:
    """N = 1000, K = 10: the gain of a single shot at 0.3/gamma, and net of the atoms that track windings."""
    clocks = network(10, 100, dephasing=1e-4)
    table = qcn.stability(clocks, "quantum-cooperative", [0.3, 10.0])
    gain = 1.0 / (scaled(table) * np.sqrt(1000 * table.interrogation_time_s))
    assert gain[0] > 4.3
    assert gain[1] > 3.0
    assert (table.slips_share < 0.1).all()
