"""Imperfect gates, and too few entangled pairs, in the stability of a network: samples, limits, closed loops."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from closeness import approx

import qcn_open as qcn
from qcn_open.bayes import expected_error
from qcn_open.clock import Assembly, run_scheme
from qcn_open.preparation import Gates
from qcn_open.schemes import best_plan, stability

OMEGA = 2.0 * math.pi * 429e12


def network(
    nodes: int = 2,
    atoms: int = 24,
    rate_hz: float | None = None,
    *,
    white: float = 1.0,
    fidelity: float = 1.0,
    **gates: float,
) -> qcn.Network:
    made = Gates(entangling_fidelity=fidelity, **gates)
    parts = [qcn.Node(atoms, name=f"node {j}", gates=made, link=qcn.Link(epr_rate_hz=rate_hz)) for j in range(nodes)]
    return qcn.Network(parts, qcn.Oscillator.from_linewidth(white=white), (qcn.Dephasing(0.01),), 429e12)


def sampled_square(plan: qcn.Plan, contrast: float, variance: float, trials: int) -> tuple[float, float]:
    """Mean square error (rad^2) of the mean direction of the posterior, block by block, and its standard error."""
    rng, cascade = np.random.default_rng(4), plan.cascade
    phase = rng.normal(0.0, math.sqrt(variance), trials)
    grid = np.linspace(-np.pi, np.pi, 1024, endpoint=False)
    log = np.repeat(-(grid**2)[:, None] / (2 * variance), trials, axis=1)
    groups = [(1, cascade.uncorrelated), *((cascade.nodes << j, n) for j, n in enumerate(cascade.copies))]
    for size, number in groups:
        for angle in np.pi * np.arange(number) / max(number, 1):
            visible = cascade.coherence**size * (contrast if size > 1 else 1.0)
            sign = np.where(rng.random(trials) < 0.5 + 0.5 * visible * np.cos(size * phase - angle), 1, -1)
            log += np.log(1.0 + sign * (visible * np.cos(size * grid - angle))[:, None])
    weight = np.exp(log - log.max(axis=0))
    squares = np.angle(np.exp(1j * (np.angle(np.exp(1j * grid) @ weight) - phase))) ** 2
    return float(squares.mean()), float(squares.std() / math.sqrt(trials))


@pytest.mark.parametrize(
    ("scheme", "gates", "contrast"),
    [
        ("quantum-alone", {"fidelity": 0.9}, 0.9),
        ("quantum-cooperative", {"fidelity": 0.9}, 0.81),
        ("quantum-cooperative", {"phase_flip": 0.05}, 0.81),
    ],
)
def test_errors_of_gates_reach_the_stability(scheme: str, gates: dict[str, float], contrast: float) -> None:
    clocks, tau = network(**gates), 0.2
    plan = best_plan(clocks, scheme, tau)
    assert plan.cascade.copies
    assert plan.cascade.preparation.contrast(4) == approx(contrast)
    variance = 2 / 1.9 * tau
    square, error = sampled_square(plan, contrast, variance, 4000)
    known = 1.0 - square / variance
    sigma = stability(clocks, scheme, tau).sigma_y[0]
    assert abs((OMEGA * sigma * tau) ** 2 - square / known) < (4 * error + 0.02 * square) / known**2


def test_perfect_and_useless_gates_are_limits() -> None:
    tau = 0.2
    perfect = stability(network(), "quantum-cooperative", tau).sigma_y[0]
    nearly = stability(network(fidelity=1.0 - 1e-9), "quantum-cooperative", tau).sigma_y[0]
    useless = stability(network(fidelity=0.3), "quantum-cooperative", tau).sigma_y[0]
    classical = stability(network(fidelity=0.3), "classical-cooperative", tau).sigma_y[0]
    assert nearly == approx(perfect, rel=0.05)
    assert useless == approx(classical, rel=0.02)
    assert perfect < 0.7 * classical


def test_better_gates_never_harm() -> None:
    sigmas = [stability(network(fidelity=f), "quantum-cooperative", 0.2).sigma_y[0] for f in (0.7, 0.85, 0.95, 1.0)]
    # Of useless gates no blocks are made.
    assert all(after <= before for before, after in pairwise(sigmas))
    assert sigmas[-1] < 0.9 * sigmas[-2] < 0.9 * sigmas[0]


def test_blocks_are_no_more_than_entangled_pairs() -> None:
    tau, sigmas = 0.2, []
    for pairs in (1, 4, 8):
        clocks = network(rate_hz=pairs / tau)
        plan = best_plan(clocks, "quantum-cooperative", tau)
        assert 1 <= sum(plan.cascade.copies) <= pairs
        assert plan.cycle_time <= tau * (1.0 + 1e-9)
        sigmas.append(stability(clocks, "quantum-cooperative", tau).sigma_y[0])
    assert sigmas[0] > sigmas[1] > sigmas[2]
    plenty = stability(network(rate_hz=1e6), "quantum-cooperative", tau).sigma_y[0]
    assert plenty == approx(stability(network(), "quantum-cooperative", tau).sigma_y[0], rel=0.05)
    assert stability(network(rate_hz=5.0), "quantum-alone", tau).equals(stability(network(), "quantum-alone", tau))


def test_one_pair_takes_off_what_one_block_knows() -> None:
    """The share n^2 s (1 - sqrt(1 - exp(-n^2 s))) of a Gaussian of variance s, averaged over the phase."""
    atoms, size = 2000, 32
    base = qcn.Cascade(uncorrelated=atoms, prior=qcn.GaussianPrior(0.2))
    more = replace(base, copies=(0, 0, 0, 0, 1), nodes=2)
    squares = [expected_error(one, 20_000, np.random.default_rng(3))[0] ** 2 for one in (base, more)]
    fringe = size**2 / atoms
    assert 1.0 - squares[1] / squares[0] == approx(fringe * (1.0 - math.sqrt(1.0 - math.exp(-fringe))), rel=0.08)


def test_dead_time_makes_pairs_and_costs_the_dick_effect() -> None:
    tau, rate = 0.2, 30.0
    clocks = network(rate_hz=rate)
    prompt = best_plan(clocks, "quantum-cooperative", tau)
    later = best_plan(replace(clocks, dead_time=tau), "quantum-cooperative", 2 * tau, interrogation_time=tau)
    assert sum(prompt.cascade.copies) <= rate * tau < sum(later.cascade.copies) <= rate * 2 * tau
    assert later.cycle_time == approx(2 * tau)
    table = run_scheme(clocks, "quantum-cooperative", later, 2**17, np.random.default_rng(5), averages=[256])
    error = expected_error(later.cascade, 4000, np.random.default_rng(1))[0]
    # White noise of 2/s: as much as the laser does in the dead time, divided by the interrogation time.
    square = (2 * (error / tau) ** 2 * tau + tau / tau) / table.tau_s[0]
    assert (OMEGA * table.sigma_y[0]) ** 2 == approx(square, rel=0.15)


def test_memories_dephase_while_pairs_wait() -> None:
    assembly = Assembly(network(rate_hz=10.0, memory_dephasing=0.5).nodes)
    assert assembly.preparation(4).contrast(4) > assembly.preparation(8).contrast(4) > 0.5
    # Half of 8/10 s, two halves of a pair, exp(-rate t/2) each.
    assert assembly.preparation(8).contrast(4) == approx(math.exp(-0.5 * 0.4))


def test_plans_of_imperfect_networks_are_what_the_simulator_takes() -> None:
    clocks, tau = network(fidelity=0.9, rate_hz=60.0), 0.2
    plan = best_plan(clocks, "quantum-cooperative", tau)
    table = run_scheme(clocks, "quantum-cooperative", plan, 2**15, np.random.default_rng(3))
    sigma = stability(clocks, "quantum-cooperative", tau).sigma_y[0]
    assert 0.9 * sigma < table.sigma_y[0] < 1.02 * sigma


def run(clocks: qcn.Network, plan: qcn.Plan) -> object:
    return run_scheme(clocks, "quantum-cooperative", plan, 10, np.random.default_rng(1))


def plan_for(clocks: qcn.Network, **changed: object) -> qcn.Plan:
    plan = best_plan(clocks, "quantum-cooperative", 0.2)
    return replace(plan, cascade=replace(plan.cascade, **changed)) if changed else plan


BAD: dict[str, tuple[Callable[[], object], str]] = {
    "no pair": (
        lambda: stability(network(rate_hz=4.0), "quantum-cooperative", 0.2),
        r"^link epr_rate_hz of node 'node 1' is 4 Hz, not one entangled pair within tau = 0.2 s.*: take at least 5 Hz",
    ),
    "no pair for a plan": (lambda: best_plan(network(rate_hz=4.0), "quantum-cooperative", 0.2), "not one entangled"),
    "no pair to simulate": (
        lambda: qcn.simulate(
            network(rate_hz=4.0), "quantum-cooperative", tau=0.2, cycles=9, rng=np.random.default_rng(1)
        ),
        "not one entangled pair",
    ),
    "more blocks than pairs": (
        lambda: run(network(rate_hz=6.0), plan_for(network())),
        r"blocks over all nodes take .* s at the epr_rate_hz of 6 Hz of node 'node 1', but a cycle takes 0.2 s",
    ),
    "another preparation": (
        lambda: run(network(fidelity=0.9), plan_for(network())),
        r"preparation gives 2 atoms the contrast 1, but the network's gates and links leave 0\.81: use preparation=",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name: str) -> None:
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()
