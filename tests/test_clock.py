"""The simulated clock against a NumPy loop, closed forms of its servo, and numbers enumerated elsewhere.

Seeds are fixed. A tolerance is 4 standard errors (a false alarm in 16000), those of Poisson counts the quantiles of the
same rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import clock_loop
import numpy as np
import pytest
from closeness import approx
from scipy import stats

import qcn_open as qcn
from qcn_open.clock import SCHEMES, NodeRecord, Plan, Record, Tracking, run_clock, run_nodes, run_scheme

SIGMAS = 4.0
FALSE_ALARM = 2.0 * stats.norm.sf(SIGMAS)
WHITE = qcn.Oscillator.from_linewidth(white=1.0)
FREQUENCY_HZ = 1.0 / (2.0 * math.pi)


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def atoms(number: int, **options: object) -> qcn.Cascade:
    """Uncorrelated ones, level by level, at equally spaced angles: no phase is preferred, the estimate not biased."""
    given = {"estimator": qcn.Bitwise(), **options}
    return qcn.Cascade(uncorrelated=number, **given)


def agree(per_chain: np.ndarray, exact: float) -> None:
    """The mean over independent chains is `exact`."""
    assert abs(per_chain.mean() - exact) < SIGMAS * stats.sem(per_chain)


def equal(first: np.ndarray, second: np.ndarray) -> None:
    """Two sets of independent chains have one mean."""
    assert abs(first.mean() - second.mean()) <= SIGMAS * math.hypot(stats.sem(first), stats.sem(second))


def wrapped(errors: np.ndarray) -> np.ndarray:
    return errors - 2.0 * np.pi * np.round(errors / (2.0 * np.pi))


# --- against the NumPy loop ------------------------------------------------------------------------------------------

COPIES, NODES, UNCORRELATED = (6, 4, 3), 3, 40
LOOPS = {
    "bitwise, dual": {"readout": "dual"},
    "bitwise, multi-angle, loss": {"readout": "multi", "survival": 0.97},
    "joint, multi-angle": {"readout": "multi", "grid": 128},
    "joint, dual, loss": {"readout": "dual", "survival": 0.97, "grid": 128},
    "bitwise, dual, nested": {"readout": "dual", "ensembles": (12, 16), "ratios": (3, 2)},
    "bitwise, multi-angle, nested, loss": {
        "readout": "multi",
        "ensembles": (12, 16),
        "ratios": (2, 3),
        "survival": 0.9,
    },
}


@pytest.mark.parametrize("case", LOOPS)
def test_a_numpy_loop_has_the_same_statistics(case: str) -> None:
    options = dict(LOOPS[case])
    readout, grid, survival = options["readout"], options.get("grid", 0), options.get("survival", 1.0)
    ensembles, ratios = options.get("ensembles", ()), options.get("ratios", ())
    time, gain, coherence, chains, cycles = (1.5 if ensembles else 0.4), 0.4, 0.97, 500, 30
    expected = clock_loop.run(
        clock_loop.cascade(COPIES, NODES, UNCORRELATED, readout),
        phase_variance=time,
        gain=gain,
        cycles=cycles,
        rng=rng(1),
        chains=chains,
        coherence=coherence,
        survival=survival,
        ensembles=[clock_loop.group(1, number, readout) for number in ensembles],
        ratios=ratios,
        grid=grid,
    )
    cascade = qcn.Cascade(
        COPIES,
        NODES,
        UNCORRELATED,
        readout={"dual": qcn.DualQuadrature(), "multi": qcn.MultiAngle()}[readout],
        estimator=qcn.Joint() if grid else qcn.Bitwise(),
        coherence=coherence,
        survival=survival,
    )
    record = run_clock(Plan(time, cascade, Tracking(ensembles, ratios), gain), WHITE, cycles, rng(2), chains=chains)
    errors = expected.estimates - expected.phases
    for statistic in (
        lambda phases, errors, axis: (phases**2).mean(axis),
        lambda phases, errors, axis: (wrapped(errors) ** 2).mean(axis),
        lambda phases, errors, axis: (np.abs(wrapped(errors)) > np.pi / 12.0).mean(axis),
        lambda phases, errors, axis: (np.abs(errors) > np.pi).mean(axis),
    ):
        equal(statistic(expected.phases, errors, 0), statistic(record.phases, record.errors, 1))
    # Blocks of 1, 3, 6 and 12 atoms; an error of more than half a turn can't be told from one of less.
    far = [int((np.abs(wrapped(record.errors)) > np.pi / size).sum()) for size in (1, 3, 6, 12)]
    assert record.rounding_errors.sum(axis=0).tolist() == far
    assert far[3] > 100
    assert (record.slipped_cycles == (np.round(record.errors / (2.0 * np.pi)) != 0).sum(axis=1)).all()


@pytest.mark.parametrize(("ensembles", "ratios"), [((), ()), ((24, 24), (3, 2))], ids=["one interrogation", "nested"])
def test_a_numpy_loop_at_angles_fed_forward_has_the_same_statistics(
    ensembles: tuple[int, ...], ratios: tuple[int, ...]
) -> None:
    """The angles of every cycle follow from its own predicted phase, which the ensembles make differ from 0.

    At contrasts far from 1 a wrong angle costs much, and the last two statistics show biased estimates: a prior with
    the wrong sign of the prediction would have them.
    """
    time, variance, gain, coherence, chains, cycles = (1.5 if ensembles else 0.3), 0.3, 0.4, 0.85, 300, 20
    expected = clock_loop.run(
        [
            clock_loop.Group(size, np.zeros(copies), np.ones(copies, dtype=int))
            for size, copies in ((1, 9), (2, 4), (4, 3))
        ],
        phase_variance=time,
        gain=gain,
        cycles=cycles,
        rng=rng(18),
        chains=chains,
        coherence=coherence,
        ensembles=[clock_loop.group(1, number, "multi") for number in ensembles],
        ratios=ratios,
        grid=240,
        prior_variance=variance,
    )
    prior = qcn.GaussianPrior(variance)
    cascade = qcn.Cascade((9, 4, 3), readout=qcn.FedForward(), coherence=coherence, prior=prior)
    plan = Plan(time, cascade, Tracking(ensembles, ratios), gain)
    record = run_clock(plan, WHITE, cycles, rng(19), chains=3 * chains)
    errors = wrapped(expected.estimates - expected.phases)
    found = wrapped(record.errors)
    for power in (2, 4):
        equal((errors**power).mean(0), (found**power).mean(1))
    equal((errors * expected.phases).mean(0), (found * record.phases).mean(1))
    equal((expected.phases**2).mean(0), (record.phases**2).mean(1))


def test_a_clock_reads_at_mid_fringe() -> None:
    """Dephasing for T = 1/gamma_i: the record of uncorrelated atoms is sqrt(e) times eq. (4), at fixed angles 2.2.

    A posterior mean shrinks towards the prediction, by s = <e^2>/v; over many cycles the loop takes that back.
    """
    number, variance, cycles = 400, 0.1, 20_000
    factors = {}
    for readout in (qcn.FedForward(), qcn.MultiAngle()):
        prior = qcn.GaussianPrior(variance)
        cascade = atoms(number, readout=readout, estimator=qcn.Joint(), prior=prior, coherence=math.exp(-0.5))
        record = run_clock(Plan(0.5 * variance, cascade, gain=1.0), WHITE, cycles, rng(20))
        assert record.slips.sum() == 0
        square, phases = float((record.errors**2).mean()), float((record.phases**2).mean())
        factors[readout] = math.sqrt(number * square / (1.0 - square / phases))
    # 1/(1 - sqrt(1 - V^2)) at V^2 = 1/e for fixed angles; 95 % of the intervals of 2e4 cycles are within 1 %.
    assert factors[qcn.FedForward()] == approx(math.sqrt(math.e), rel=0.015)
    assert factors[qcn.MultiAngle()] == approx(1.0 / math.sqrt(1.0 - math.sqrt(1.0 - math.exp(-1.0))), rel=0.015)


# --- the servo -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", [0.1, 0.5, 1.0, 1.5])
def test_variance_of_the_steered_phase(gain: float) -> None:
    """(2 gamma T + g MSE)/(2 - g), with MSE as large as gamma T."""
    time = 0.04
    record = run_clock(Plan(time, atoms(50), gain=gain), WHITE, 5000, rng(3), chains=60)
    phases, errors = record.phases[:, 300:], record.errors[:, 300:]
    law = (2.0 * time + gain * (errors**2).mean(axis=1)) / (2.0 - gain)
    agree((phases**2).mean(axis=1) - law, 0.0)
    assert float((errors**2).mean()) == approx(1.5 / 50, rel=0.05)


@pytest.mark.parametrize(
    "oscillator",
    [qcn.Oscillator.from_linewidth(flicker=0.7), qcn.Oscillator(white=0.1, random_walk=0.2)],
    ids=["flicker", "random walk"],
)
def test_variance_of_the_steered_phase_under_coloured_noise(oscillator: qcn.Oscillator) -> None:
    """The closed form of `Oscillator.phase_variance` knows neither the recursion nor the loop."""
    time, dead, gain = 0.3, 0.2, 0.5
    record = run_clock(Plan(time, atoms(400), gain=gain), oscillator, 4000, rng(4), chains=50)
    tracked = Plan(time, atoms(400), Tracking((60,), (4,)), gain)
    nested = run_clock(tracked, oscillator, 4000, rng(5), chains=50)
    for one in (record, nested):
        agree((one.phases[:, 200:] ** 2).mean(axis=1), _variance(oscillator, time, 0.0, gain, one))
    # With dead time the phase is that of the mean detuning of the whole cycle: interrogated ones are checked alone.
    with_dead = run_clock(Plan(time, atoms(400), gain=gain, dead_time=dead), oscillator, 4000, rng(6), chains=50)
    estimates = with_dead.phases + with_dead.errors
    mse = float((record.errors**2).mean())
    agree((estimates[:, 200:] ** 2).mean(axis=1), _variance(oscillator, time, dead, gain, record) + mse)


def _variance(oscillator: qcn.Oscillator, time: float, dead: float, gain: float, record: Record) -> float:
    mse = float((record.errors**2).mean())
    return oscillator.phase_variance(time, dead, gain=gain) + gain * mse / (2.0 - gain)


def test_slips_at_full_gain_follow_the_gaussian_tail() -> None:
    """erfc(pi/sqrt(2 beta)) a cycle, beta = 2 gamma T/(2 - g): events, each of which moves the laser for good."""
    time, cycles = 0.5, 10**6
    record = run_clock(Plan(time, atoms(1000), gain=1.0), WHITE, cycles, rng(7))
    beta = 2.0 * time + 2.0 * float((wrapped(record.errors) ** 2).mean())
    expected = cycles * math.erfc(math.pi / math.sqrt(2.0 * beta))
    low, high = stats.poisson.ppf([FALSE_ALARM / 2.0, 1.0 - FALSE_ALARM / 2.0], expected)
    assert 1500 < low <= record.slips[0] <= high
    # A random walk over the fringes: most of the time on a wrong one.
    assert record.slipped_cycles[0] > cycles / 2


def test_excursions_at_small_gain_follow_the_gaussian_tail() -> None:
    """The laser returns after a cycle: cycles on a wrong fringe count once, the way out and back twice."""
    time, cycles, gain = 0.6, 3 * 10**6, 0.1
    record = run_clock(Plan(time, atoms(200), gain=gain), WHITE, cycles, rng(8))
    beta = 2.0 * time / (2.0 - gain) + float((wrapped(record.errors) ** 2).mean()) * (1.0 + gain / (2.0 - gain))
    expected = cycles * math.erfc(math.pi / math.sqrt(2.0 * beta))
    low, high = stats.poisson.ppf([FALSE_ALARM / 2.0, 1.0 - FALSE_ALARM / 2.0], expected)
    assert 150 < low <= record.slipped_cycles[0] <= high
    assert record.slips[0] == approx(2.0 * record.slipped_cycles[0], rel=0.05)


# --- stability -------------------------------------------------------------------------------------------------------


def test_deviation_of_the_steered_laser() -> None:
    """Record: MSE/(T tau). Laser: 3 (gamma T - (1 - g) MSE)/(g (2 - g) tau^2) more in the square."""
    time, gain, number = 0.3, 0.2, 50
    record = run_clock(Plan(time, atoms(number), gain=gain), WHITE, 10**6, rng(9))
    mse = float((record.errors**2).mean())
    factors = np.array([30, 60, 120])
    tau = time * factors
    shown = record.stability(FREQUENCY_HZ, tau)["sigma_y"].to_numpy() ** 2
    steered = record.stability(FREQUENCY_HZ, tau, steered=True)["sigma_y"].to_numpy() ** 2
    more = 3.0 * (time - (1.0 - gain) * mse) / (gain * (2.0 - gain) * tau**2)
    # 1.5/edf is the square of the relative error of a variance of white noise.
    error = SIGMAS * np.sqrt(1.4 * factors / 10**6)
    assert (abs(shown / (mse / (time * tau)) - 1.0) < error).all()
    assert (abs(steered / (mse / (time * tau) + more) - 1.0) < error).all()
    assert (more / (mse / (time * tau)) > 5.0 * error).all()


MID_FRINGE = qcn.DualQuadrature(phase=math.pi / 4)


@pytest.mark.parametrize(
    ("readout", "estimator", "excess"),
    [
        (MID_FRINGE, qcn.Joint(), 1.0),
        (MID_FRINGE, qcn.Bitwise(qcn.MaximumLikelihood()), 1.0),
        (MID_FRINGE, qcn.Bitwise(), 1.0),
        (qcn.DualQuadrature(), qcn.Bitwise(), math.sqrt(2.0)),
        (qcn.MultiAngle(), qcn.Bitwise(), math.sqrt(1.5)),
    ],
)
def test_quantum_projection_noise(readout: qcn.Fringes, estimator: qcn.Estimator, excess: float) -> None:
    """Uncorrelated atoms at short T: 1/sqrt(N T tau), as every angle tells as much; for arctan2 at 0 and a right angle
    sqrt(2) more where the laser is held, sqrt(3/2) on average over phases or angles."""
    time, number = 1e-3, 400
    record = run_clock(Plan(time, atoms(number, readout=readout, estimator=estimator)), WHITE, 10**5, rng(10))
    tau = time * np.array([1, 10, 100])
    table = record.stability(FREQUENCY_HZ, tau)
    scaled = table["sigma_y"] * np.sqrt(number * time * tau) / excess
    assert scaled.tolist() == approx([1.0, 1.0, 1.0], rel=0.05)
    assert scaled[0] == approx(1.0, rel=0.01)
    assert (table["sigma_y_low"] < table["sigma_y"]).all()
    assert (table["sigma_y"] < table["sigma_y_high"]).all()


def test_a_fringe_top_flatters_short_averaging_times() -> None:
    """Atoms read at the top of their fringe hardly ever change: the likelihood takes that for knowledge of the phase.

    They pull the estimate to the top, by 0.7 here, and with it the error of one cycle below that of N atoms. Over many
    cycles the servo makes the true phase as wrong as the estimate, and the record shows what was pulled.
    """
    time, number = 1e-4, 200
    cascade = atoms(number, readout=qcn.DualQuadrature(), estimator=qcn.Joint())
    record = run_clock(Plan(time, cascade), WHITE, 10**5, rng(10))
    tau = time * np.array([1, 500])
    first, last = record.stability(FREQUENCY_HZ, tau)["sigma_y"] * np.sqrt(number * time * tau)
    assert first == approx(0.95, rel=0.02)
    assert last == approx(0.95 / 0.7, rel=0.2)


def test_dead_time_lets_white_noise_through() -> None:
    """The frequency over T is no measure of that over T + d: the record gets gamma T d/(T + d) more."""
    time, dead = 0.1, 0.3
    record = run_clock(Plan(time, atoms(400), gain=0.3, dead_time=dead), WHITE, 3000, rng(11), chains=50)
    without = run_clock(Plan(time, atoms(400), gain=0.3), WHITE, 3000, rng(12), chains=50)
    more = time * dead / (time + dead)
    agree((record.errors**2).mean(axis=1) - float((without.errors**2).mean()), more)


def test_dead_time_lets_flicker_noise_through() -> None:
    """The Dick effect, from the spectrum at multiples of the rate of cycles."""
    oscillator = qcn.Oscillator.from_linewidth(flicker=0.3)
    time, dead = 0.5, 0.5
    record = run_clock(Plan(time, atoms(10**4), gain=0.3, dead_time=dead), oscillator, 2 * 10**5, rng(13))
    tau = 50.0
    shown = float(record.stability(FREQUENCY_HZ, [tau])["sigma_y"][0])
    projection = 1.5 / 10**4 / (time**2 * tau / (time + dead))
    exact = math.hypot(oscillator.dick_deviation(tau, time, dead), math.sqrt(projection))
    assert shown == approx(exact, rel=SIGMAS * math.sqrt(0.5 * 1.4 * 50 / (2 * 10**5)))


# --- nested Ramsey times ---------------------------------------------------------------------------------------------


def test_nested_slips_are_those_enumerated() -> None:
    """1.0e-5 a use of 20 atoms at five times 0.16/gamma_LO, found by enumeration, far above the Gaussian tail."""
    plan = Plan(0.8, atoms(20, readout=qcn.DualQuadrature()), Tracking((20,), (5,)))
    uses = 2 * 10**6
    record = run_clock(plan, WHITE, uses, rng(14))
    low, high = stats.poisson.ppf([FALSE_ALARM / 2.0, 1.0 - FALSE_ALARM / 2.0], 1.0e-5 * uses)
    assert low <= record.slipped_cycles[0] <= high


def test_nested_ensembles_carry_the_phase_over_many_turns() -> None:
    """T = 10/gamma_LO: one interrogation would not know the fringe, three ensembles never lose it."""
    plan = Plan(10.24, atoms(200), Tracking((60, 60, 60), (4, 4, 4)), gain=0.5)
    record = run_clock(plan, WHITE, 3000, rng(15))
    assert record.slips.sum() == record.slipped_cycles.sum() == 0
    assert float(np.abs(record.phases).max()) > 3.0 * np.pi
    assert float(record.errors.std()) == approx(math.sqrt(1.5 / 200), rel=0.06)
    assert [ensemble.coherence for ensemble in Plan(1.0, atoms(9, coherence=0.5), plan.tracking).ensembles()] == approx(
        [0.5 ** (1 / 64), 0.5 ** (1 / 16), 0.5 ** (1 / 4)]
    )
    forward = qcn.Cascade(uncorrelated=9, readout=qcn.FedForward("random", None, 0.01))
    ensembles = Plan(1.0, forward, plan.tracking).ensembles()
    assert {ensemble.readout for ensemble in ensembles} == {qcn.MultiAngle("random", None, 0.01)}
    assert {ensemble.estimator for ensemble in ensembles} == {qcn.Bitwise()}
    alone = run_clock(Plan(10.24, atoms(200), gain=0.5), WHITE, 3000, rng(15))
    assert alone.slipped_cycles[0] > 1000


# --- chains ----------------------------------------------------------------------------------------------------------


def test_chains_are_the_same_whatever_the_number_of_threads() -> None:
    plan = Plan(0.3, atoms(40), gain=0.7)
    first, second = (run_clock(plan, WHITE, 500, rng(16), chains=4, threads=threads) for threads in (1, 3))
    assert (first.errors == second.errors).all()
    assert (first.slips == second.slips).all()
    assert all((one != other).all() for one, other in pairwise(first.errors))
    # A longer run of fewer chains begins alike.
    longer = run_clock(plan, WHITE, 700, rng(16), chains=2)
    assert (longer.errors[:, :500] == first.errors[:2]).all()


def test_chains_are_averaged_apart() -> None:
    """Records that lie 2 pi from one another have no deviation where each is constant."""
    errors = np.outer([0.0, 2.0 * np.pi], np.ones(64)) + 0.01 * rng(17).normal(size=(2, 64))
    none = np.zeros(2, dtype=np.int64)
    record = Record(Plan(0.5, atoms(10)), errors, errors.copy(), none, none.copy(), np.zeros((2, 1), dtype=np.int64))
    table = record.stability(FREQUENCY_HZ)
    assert table["tau_s"].tolist() == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert (table["sigma_y"] < 0.03).all()
    with pytest.raises(ValueError, match="read-only"):
        record.errors[0, 0] = 1.0


# --- nodes -----------------------------------------------------------------------------------------------------------

NODE_ATOMS = (3, 2, 1)
LASERS = tuple(qcn.Oscillator.from_linewidth(white=rate) for rate in (0.5, 1.0, 2.0))
SHARES = np.array(NODE_ATOMS) / 6.0


def of_nodes(seed: int, chains: int = 30, **options: object) -> list[NodeRecord]:
    plan = Plan(0.1, atoms(300), gain=0.4)
    return [run_nodes(plan, LASERS, NODE_ATOMS, 3000, child, **options) for child in rng(seed).spawn(chains)]


def mean_square(values: list[np.ndarray]) -> np.ndarray:
    return np.array([(rows**2).mean(axis=-1) for rows in values])


def test_weighted_centre_of_mass_leaves_the_error_of_the_measurement_only() -> None:
    records = of_nodes(18)
    centre = mean_square([record.shares @ record.phases for record in records])
    errors = mean_square([record.errors for record in records])
    noise = 0.1 * float(SHARES**2 @ [0.5, 1.0, 2.0])
    mse = float(errors.mean())
    agree(centre, (2.0 * noise + 0.4 * mse) / 1.6)
    assert mse == approx(1.5 / 300, rel=0.03)
    for node, rate in enumerate((0.5, 1.0, 2.0)):
        # Every node is steered as if it had been measured alone.
        agree(mean_square([record.phases[node] for record in records]), (0.2 * rate + 0.4 * mse) / 1.6)
        assert errors[:, node].tolist() == approx(errors[:, 0].tolist())


def test_equal_weights_on_unequal_nodes_leave_an_error() -> None:
    """u = sum (w - w') phi obeys the servo too, unmeasured: its variance is 2 T sum (w - w')^2 gamma/(2 - g)."""
    right, wrong = of_nodes(19), of_nodes(20, weights=(1.0, 1.0, 1.0))
    left = 2.0 * 0.1 * float((SHARES - 1.0 / 3.0) ** 2 @ [0.5, 1.0, 2.0]) / 1.6
    mse = float(mean_square([record.errors for record in right]).mean())
    agree(mean_square([record.errors[0] for record in wrong]), mse + left)
    assert left > mse


def test_a_common_correction_leaves_the_lasers_apart() -> None:
    records = of_nodes(21, feedback="common")
    noise = 0.1 * float(SHARES**2 @ [0.5, 1.0, 2.0])
    mse = float(mean_square([record.shares @ record.errors for record in records]).mean())
    for node, rate in enumerate((0.5, 1.0, 2.0)):
        steered = 0.1 * rate + 0.4 * (noise + mse) / 1.6
        agree(mean_square([record.phases[node] for record in records]), steered)
        apart = mse + noise + 0.1 * rate * (1.0 - 2.0 * SHARES[node])
        agree(mean_square([record.errors[node] for record in records]), apart)
    # Lasers that drift are lost, but not their centre of mass.
    lasers = [qcn.Oscillator(random_walk=0.1)] * 2
    drifting = run_nodes(Plan(0.1, atoms(300)), lasers, (1, 1), 20000, rng(22), feedback="common")
    assert float(np.abs(drifting.phases).max()) > 10.0 * float(np.abs(drifting.shares @ drifting.phases).max())


# --- schemes ---------------------------------------------------------------------------------------------------------

NETWORK = qcn.Network((qcn.Node(60),) * 4, WHITE, qcn.Dephasing(0.5), FREQUENCY_HZ)


def scheme_plan(cascade: qcn.Cascade, network: qcn.Network = NETWORK) -> Plan:
    return Plan(0.1, cascade.decohered(network.noise, 0.1), dead_time=network.dead_time)


def test_schemes() -> None:
    cooperative = qcn.Cascade((8, 5), nodes=4, uncorrelated=160)
    alone = qcn.Cascade((10, 6, 4), uncorrelated=20)
    plans = dict(zip(SCHEMES, [cooperative, alone, alone, atoms(240), atoms(60)], strict=True))
    found = {}
    for scheme, cascade in plans.items():
        table = run_scheme(NETWORK, scheme, plan=scheme_plan(cascade), cycles=10000, rng=rng(23))
        assert table.columns.tolist() == ["tau_s", "sigma_y", "sigma_y_low", "sigma_y_high", "slips"]
        assert (table["slips"] == 0).all()
        found[scheme] = table["sigma_y"][0]
    assert found["quantum-classical"] == approx(found["quantum-alone"] / 2.0, rel=0.03)
    assert found["classical-cooperative"] == approx(found["classical-alone"] / 2.0, rel=0.03)
    assert found["quantum-cooperative"] < 0.75 * found["classical-cooperative"]


def test_unequal_nodes_are_weighted_by_their_variances() -> None:
    network = qcn.Network((qcn.Node(30), qcn.Node(120)), WHITE, (), FREQUENCY_HZ)
    plans = [scheme_plan(atoms(number), network) for number in (30, 120)]
    table = run_scheme(network, "quantum-classical", plan=plans, cycles=40000, rng=rng(24))
    single = [math.sqrt(float((run_clock(plan, WHITE, 40000, rng(25)).errors ** 2).mean())) / 0.1 for plan in plans]
    best = 1.0 / math.sqrt(sum(sigma**-2 for sigma in single))
    assert table["sigma_y"][0] == approx(best, rel=0.02)
    assert best < 0.85 * 0.5 * math.hypot(*single)


# --- bad input -------------------------------------------------------------------------------------------------------

GOOD = Plan(0.1, atoms(20))
BAD: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "time of zero": (lambda: Plan(0.0, atoms(20)), ValueError, r"Plan interrogation_time must be finite and > 0 \(s\)"),
    "gain of zero": (lambda: Plan(1.0, atoms(20), gain=0.0), ValueError, "gain must lie strictly between 0 and 2"),
    "gain of two": (lambda: Plan(1.0, atoms(20), gain=2.0), ValueError, "gain must lie strictly between 0 and 2"),
    "dead time": (lambda: Plan(1.0, atoms(20), dead_time=-1.0), ValueError, r"dead_time must be finite and >= 0 \(s\)"),
    "no cascade": (lambda: Plan(1.0, 20), TypeError, "Plan cascade must be a Cascade"),
    "no tracking": (lambda: Plan(1.0, atoms(20), 5), TypeError, "Plan tracking must be a Tracking"),
    "ratio": (lambda: Tracking((10,), (2.5,)), ValueError, "Tracking ratios must be a whole number >= 1, got 2.5"),
    "atoms of a half": (lambda: Tracking((0.5,), (2,)), ValueError, "Tracking atoms must be a whole number >= 1"),
    "ratios": (lambda: Tracking((10, 10), (2,)), ValueError, "one ratio for every ensemble, got 2 ensembles and 1"),
    "no plan": (lambda: run_clock(0.1, WHITE, 10, rng(1)), TypeError, "plan must be a Plan"),
    "no oscillator": (lambda: run_clock(GOOD, 1.0, 10, rng(1)), TypeError, "oscillator must be an Oscillator"),
    "no cycles": (lambda: run_clock(GOOD, WHITE, 0, rng(1)), ValueError, "cycles must be a whole number >= 1"),
    "no chains": (lambda: run_clock(GOOD, WHITE, 9, rng(1), chains=0), ValueError, "chains must be a whole number"),
    "no threads": (lambda: run_clock(GOOD, WHITE, 9, rng(1), threads=0), ValueError, "threads must be a whole number"),
    "weights": (lambda: run_nodes(GOOD, LASERS, (1, 2), 9, rng(1)), ValueError, "got 3, 2 and 2"),
    "feedback": (
        lambda: run_nodes(GOOD, LASERS, (1, 1, 1), 9, rng(1), feedback="all"),
        ValueError,
        "feedback must be 'each' or 'common', got 'all'",
    ),
    "nodes that track": (
        lambda: run_nodes(Plan(1.0, atoms(9), Tracking((9,), (2,))), LASERS, (1, 1, 1), 9, rng(1)),
        ValueError,
        "run_nodes tracks no windings",
    ),
    "too many atoms": (
        lambda: run_scheme(NETWORK, "classical-alone", plan=scheme_plan(atoms(61)), cycles=9, rng=rng(1)),
        ValueError,
        "asks for 61 atoms, but there are 60 for classical-alone",
    ),
    "too many atoms that track": (
        lambda: run_scheme(
            NETWORK, "classical-alone", plan=Plan(0.1, atoms(50), Tracking((11,), (2,))), cycles=9, rng=rng(1)
        ),
        ValueError,
        "asks for 61 atoms",
    ),
    "scheme": (
        lambda: run_scheme(NETWORK, "quantum", plan=GOOD, cycles=9, rng=rng(1)),
        ValueError,
        "scheme must be one of quantum-cooperative, .*, got 'quantum'",
    ),
    "network": (lambda: run_scheme(4, SCHEMES[0], plan=GOOD, cycles=9, rng=rng(1)), TypeError, "must be a Network"),
    "blocks of a classical clock": (
        lambda: run_scheme(NETWORK, "classical-alone", plan=scheme_plan(qcn.Cascade((4,))), cycles=9, rng=rng(1)),
        ValueError,
        r"classical-alone has uncorrelated atoms only, got blocks \(4,\)",
    ),
    "nodes of a cascade": (
        lambda: run_scheme(NETWORK, SCHEMES[0], plan=scheme_plan(qcn.Cascade((4,))), cycles=9, rng=rng(1)),
        ValueError,
        "quantum-cooperative needs a cascade over 4 nodes, got nodes=1",
    ),
    "coherence": (
        lambda: run_scheme(NETWORK, "classical-alone", plan=GOOD, cycles=9, rng=rng(1)),
        ValueError,
        "cascade has coherence 1, but the network's noise leaves 0.97530991 after 0.1 s",
    ),
    "other dead time": (
        lambda: run_scheme(
            replace(NETWORK, dead_time=1.0), "classical-alone", plan=Plan(0.1, atoms(9)), cycles=9, rng=rng(1)
        ),
        ValueError,
        "dead time of 0 s, the network of 1 s: take at least that",
    ),
    "plans": (
        lambda: run_scheme(NETWORK, "quantum-classical", plan=[GOOD, GOOD], cycles=9, rng=rng(1)),
        ValueError,
        "one plan, or one for each of 4 clocks, got 2",
    ),
    "cycle times": (
        lambda: run_scheme(
            qcn.Network((qcn.Node(60),) * 2, WHITE, (), 1.0),
            "quantum-classical",
            plan=[GOOD, Plan(0.2, atoms(20))],
            cycles=9,
            rng=rng(1),
        ),
        ValueError,
        "need equal cycle times, got 0.1, 0.2 s",
    ),
    "node of no atoms": (lambda: qcn.Node(0), ValueError, "Node atoms must be a whole number >= 1"),
    "named node of no atoms": (lambda: qcn.Node(0, "A"), ValueError, "Node 'A' atoms must be a whole number >= 1"),
    "name": (lambda: qcn.Node(1, 2), TypeError, "Node name must be text, got 2"),
    "no nodes": (lambda: qcn.Network((), WHITE, (), 1.0), ValueError, "at least one Node"),
    "nodes of numbers": (lambda: qcn.Network((60, 60), WHITE, (), 1.0), TypeError, "must be Nodes such as Node"),
    "oscillator of a network": (lambda: qcn.Network(qcn.Node(1), 1.0, (), 1.0), TypeError, "must be an Oscillator"),
    "noise of the laser": (
        lambda: qcn.Network(qcn.Node(1), WHITE, qcn.PhaseDiffusion(1.0), 1.0),
        TypeError,
        "must hit every atom alone",
    ),
    "frequency": (lambda: qcn.Network(qcn.Node(1), WHITE, (), 0.0), ValueError, r"frequency_hz .* > 0 \(Hz\)"),
    "dead time of a network": (
        lambda: qcn.Network(qcn.Node(1), WHITE, (), 1.0, -1.0),
        ValueError,
        r"dead_time .* \(s\)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_one_sentence(name: str) -> None:
    call, kind, sentence = BAD[name]
    with pytest.raises(kind, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)
