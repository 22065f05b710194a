"""Designs against brute force over allocations, the simulated clock, bounds, and designs of better networks."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from closeness import approx

import qcn_open as qcn
from qcn_open import designer
from qcn_open.allocation import promising
from qcn_open.bayes import common_squares, expected_error
from qcn_open.clock import Assembly, clocks, run_clock
from qcn_open.designer import Design, design
from qcn_open.preparation import Gates, Perfect
from qcn_open.schemes import single_clocks

TAU = 0.3
OMEGA = 2.0 * math.pi * 429e12
LASER = qcn.Oscillator.from_linewidth(white=1.0)
PAIR = qcn.Network(
    (
        qcn.Node(20, name="A", gates=Gates(entangling_fidelity=0.995)),
        qcn.Node(16, name="B", link=qcn.Link(epr_rate_hz=40.0, epr_fidelity=0.99), dead_time=0.01),
    ),
    LASER,
    (qcn.Dephasing(0.05), qcn.TrapLoss(0.02)),
    429e12,
)


@pytest.fixture(scope="module")
def found() -> Design:
    return design(PAIR, TAU, taus=[0.1])


def test_nothing_beats_a_bound_or_has_atoms_or_pairs_that_are_not_there(found: Design) -> None:
    table, bounds = found.stability, found.bounds
    assert set(table["tau_s"]) == set(bounds["tau_s"]) == {0.1, TAU}
    assert set(table["scheme"]) == set(qcn.SCHEMES)
    assert (table["sigma_y"] >= table["bound_sigma_y"]).all()
    # Uncorrelated atoms are a choice of states, not a limit of entangled ones.
    assert set(bounds["holds_for"]) == {"every scheme", "uncorrelated atoms"}
    for (name, holds_for), ours in bounds.groupby(["bound", "holds_for"]):
        classical = table["scheme"].str.startswith("classical")
        schemes = table if holds_for == "every scheme" else table[classical]
        best = schemes.groupby("tau_s")["sigma_y"].min()
        assert (best.to_numpy() >= ours.sort_values("tau_s")["sigma_y"].to_numpy()).all(), name
    single = clocks(PAIR, found.scheme)
    assert len(found.plans) == len(single)
    for plan, clock in zip(found.plans, single, strict=True):
        assert plan.cycle_time <= TAU * (1.0 + 1e-9)
        assert plan.dead_time >= clock.dead_time
        assert plan.atoms <= clock.atoms
        copies, assembly = plan.cascade.copies, Assembly.of(clock, found.scheme)
        if copies and assembly is not None:
            assert sum(number << level for level, number in enumerate(copies)) <= max(assembly.sets, clock.atoms)
            assert sum(copies) <= assembly.most(plan.cycle_time)


def test_tables_hold_together(found: Design) -> None:
    assert found.budget["share"].sum() == approx(1.0)
    assert (found.budget["share"] > 0.0).all()
    table = found.stability
    assert (table["sigma_y_low"] < table["sigma_y"]).all()
    assert (table["sigma_y_high"] > table["sigma_y"]).all()
    at_tau = table[table["tau_s"] == TAU]
    sigma = float(at_tau["sigma_y"].min())
    assert float((found.budget["sigma_y"] ** 2).sum()) == approx(sigma**2)
    assert found.front.loc[found.front["tau_s"] == TAU, "scheme"].tolist() == [found.scheme]
    improvements = found.improvements
    assert (improvements["gain"] >= 1.0).all()
    assert improvements["gain"].is_monotonic_decreasing
    assert (improvements["sigma_y"] * improvements["gain"]).to_numpy() == approx(sigma)
    names = set(zip(improvements["parameter"], improvements["node"], strict=True))
    assert {("atoms", "A"), ("atoms", "B"), ("pair rate", "B"), ("pair fidelity", "B"), ("dead time", "B")} <= names
    assert {("dephasing rate", ""), ("trap loss rate", ""), ("entangling fidelity", "A")} <= names


def test_a_step_is_ten_percent_of_what_it_names() -> None:
    laser = qcn.Oscillator.from_linewidth(white=1.0, flicker=0.3, random_walk=0.1)
    network = replace(PAIR, oscillator=laser, dead_time=0.02)
    steps = {(step.parameter, step.node): step for step in designer._steps(network)}
    for place, kind in enumerate(("white", "flicker", "random-walk")):
        step = steps[f"{kind} linewidth of the laser", ""]
        assert (step.value, step.improved) == approx((laser.linewidths[place], 0.9 * laser.linewidths[place]))
        better = [0.9 * width if number == place else width for number, width in enumerate(laser.linewidths)]
        assert step.network.oscillator.linewidths == approx(better)
    fidelity = steps["pair fidelity", "B"]
    assert fidelity.improved == fidelity.network.nodes[1].link.epr_fidelity == approx(0.991)
    assert steps["pair rate", "B"].network.nodes[1].link.epr_rate_hz == approx(44.0)
    assert steps["entangling fidelity", "A"].network.nodes[0].gates.entangling_fidelity == approx(0.9955)
    assert steps["atoms", "A"].network.nodes[0].atoms == 21
    assert steps["dead time", ""].network.dead_time == approx(0.018)
    assert ("pair rate", "A") not in steps


def test_the_phase_of_a_dead_time_is_hidden() -> None:
    """White noise of the linewidth gamma gives the phase the variance gamma d in a dead time d."""
    nodes = (qcn.Node(9, oscillator=LASER), qcn.Node(5, oscillator=LASER))
    network = qcn.Network(nodes, None, (), 429e12, dead_time=0.03)
    for scheme, lasers in (("quantum-alone", 1), ("quantum-classical", 2), ("quantum-cooperative", 2)):
        hidden = designer._hidden(single_clocks(network, scheme))
        assert hidden == approx(0.03 * LASER.linewidths[0] / lasers / OMEGA**2)


def test_a_quieter_laser_is_worth_what_dimensions_say() -> None:
    # The linewidth is the only rate there is, so that sigma_y goes as its root over many cycles.
    improvements = design(qcn.Network(qcn.Node(20), LASER, (), 429e12), 100.0, taus=[100.0]).improvements
    laser = improvements[improvements["parameter"] == "white linewidth of the laser"]
    assert laser["gain"].tolist() == [approx(0.9**-0.5, rel=1e-3)]


@pytest.mark.slow
def test_the_front_of_pair_rates_is_not_dominated() -> None:
    four = qcn.Network((qcn.Node(16, link=qcn.Link(epr_rate_hz=10.0)),) * 4, LASER, qcn.Dephasing(1e-3), 429e12)
    front = design(four, 0.1, taus=[0.1]).epr_front
    assert len(front) > 2
    assert front["epr_rate_hz"].is_monotonic_increasing
    assert front["epr_rate_hz"].iloc[0] == 0.0
    assert front["sigma_y"].diff().iloc[1:].lt(0.0).all()
    assert front["scheme"].iloc[0] != "quantum-cooperative"
    assert (front["scheme"].iloc[1:] == "quantum-cooperative").all()


def test_progress_ends_at_the_last_step() -> None:
    calls: list[tuple[int, int, str]] = []
    lone = qcn.Network(qcn.Node(6), LASER, qcn.Dephasing(0.1), 429e12)
    one = design(lone, 0.1, taus=[0.1], progress=lambda *call: calls.append(call))
    assert [done for done, _, _ in calls] == list(range(calls[0][1] + 1))
    assert one.epr_front["epr_rate_hz"].tolist() == [0.0]
    assert len(one.plans) == 1
    # All schemes of one node whose atoms are not entangled are the same, and the simplest is recommended.
    if not one.plans[0].cascade.copies:
        assert one.scheme == "classical-alone"


@pytest.mark.parametrize(("atoms", "variance", "coherence"), [(12, 0.1, 0.99), (12, 0.02, 0.999), (20, 0.3, 0.97)])
def test_first_looks_find_what_brute_force_does(atoms: int, variance: float, coherence: float) -> None:
    alone = qcn.Cascade(uncorrelated=atoms, prior=qcn.GaussianPrior(variance), coherence=coherence)
    looks = promising(alone, 1, atoms, math.inf, lambda _: Perfect(), 3)

    def error(copies: tuple[int, ...], trials: int) -> float:
        sizes = sum(number << level for level, number in enumerate(copies) if level)
        cascade = replace(alone, copies=(atoms - sizes, *copies[1:]), uncorrelated=0)
        return expected_error(cascade, trials, np.random.default_rng(3))[0]

    every = [
        (0, twos, fours, eights)
        for twos, fours, eights in itertools.product(
            range(atoms // 2 + 1), range(atoms // 4 + 1), range(atoms // 8 + 1)
        )
        if 2 * twos + 4 * fours + 8 * eights <= atoms
    ]
    least = min(error(copies, 1000) for copies in sorted(every, key=lambda copies: error(copies, 200))[:12])
    assert min(error(copies, 1000) for _, copies in looks) < 1.05 * least
    assert math.sqrt(looks[0][0]) == approx(error(looks[0][1], 1000), rel=0.15)


def test_trials_with_numbers_of_their_own_have_the_same_mean() -> None:
    for readout in (qcn.MultiAngle(), qcn.FedForward()):
        cascade = qcn.Cascade((6, 3), readout=readout, prior=qcn.GaussianPrior(0.2), coherence=0.95, survival=0.9)
        rms, error = expected_error(cascade, 4000, np.random.default_rng(5))
        squares = common_squares(cascade, 4000, 7)
        assert abs(math.sqrt(squares.mean()) - rms) < 5.0 * error
        worse = common_squares(replace(cascade, survival=0.899), 4000, 7)
        # What they share makes the difference better known than either.
        assert (worse - squares).std() < 0.5 * squares.std()


@pytest.mark.slow
def test_the_simulated_clock_is_as_stable_as_its_design() -> None:
    clock = qcn.Network(qcn.Node(40), LASER, qcn.Dephasing(0.2), 429e12, dead_time=0.02)
    found = design(clock, 30.0, taus=[30.0])
    (plan,) = found.plans
    record = run_clock(plan, LASER, 40_000, np.random.default_rng(2)).stability(429e12, None)
    # Where the record is white and has many averages.
    row = record[record["tau_s"] > 30.0 * plan.cycle_time].iloc[0]
    expected = float(found.stability["sigma_y"].min()) * math.sqrt(30.0 / row["tau_s"])
    assert row["sigma_y"] == approx(expected, rel=0.08)


@pytest.mark.slow
def test_improvements_are_those_of_new_designs(found: Design) -> None:
    """An atom more at the margin of what the outcomes of the search tell; what decoheres less is seen."""
    sigma = float(found.front.loc[found.front["tau_s"] == TAU, "sigma_y"].iloc[0])
    table = found.improvements.set_index(["parameter", "node"])
    quieter = replace(PAIR, oscillator=qcn.Oscillator.from_linewidth(white=0.9))
    larger = replace(PAIR, nodes=(replace(PAIR.nodes[0], atoms=21), PAIR.nodes[1]))
    for network, key in ((quieter, ("white linewidth of the laser", "")), (larger, ("atoms", "A"))):
        again = design(network, TAU, taus=[0.1])
        better = float(again.front.loc[again.front["tau_s"] == TAU, "sigma_y"].iloc[0])
        assert better < 1.02 * sigma
        assert sigma / better == approx(float(table.loc[key, "gain"]), rel=0.04)


BAD = {
    "within dead time": (lambda: design(PAIR, 0.01), ValueError, "longer than the dead time of 0.01 s, got 0.01 s"),
    "negative tau": (lambda: design(PAIR, -1.0), ValueError, "tau must be finite and >= 0"),
    "no network": (lambda: design(100), TypeError, "network must be a Network"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name: str) -> None:
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call()
