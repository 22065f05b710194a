"""Tests of nodes and what eavesdroppers read, against states in matrices, enumeration and closed laws."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from closeness import approx
from numpy.typing import NDArray
from scipy import stats

import qcn_open as qcn
from qcn_open.security import (
    FixedTest,
    WaldTest,
    divergence,
    fringe_factor,
    key_demand,
    least_tests,
    parity_information,
    run_attacked,
)

RANDOM, HONEST = (0.0, 0.0), (0.0, 1.0)
X = np.array([[0.0, 1.0], [1.0, 0.0]])
# Probability that a test fails by chance: five standard deviations.
SIGMAS = 5.0


def on_atom(operator: NDArray[np.complex128], atom: int, atoms: int) -> NDArray[np.complex128]:
    return np.kron(np.kron(np.eye(2**atom), operator), np.eye(2 ** (atoms - atom - 1)))


def cnot(control: int, target: int, atoms: int) -> NDArray[np.complex128]:
    ground, excited = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
    return on_atom(ground, control, atoms) + on_atom(excited, control, atoms) @ on_atom(X, target, atoms)


def parity_of_test(secret: float, phase: float, atoms: int) -> float:
    """P(+) of a teleported qubit that is grown atom by atom, interrogated and read along x, from state vectors."""
    state = np.zeros(2**atoms, dtype=complex)
    state[0], state[2 ** (atoms - 1)] = 1.0 / math.sqrt(2.0), np.exp(1j * secret) / math.sqrt(2.0)
    for target in range(1, atoms):
        state = cnot(target - 1, target, atoms) @ state
    turn = np.diag([1.0, np.exp(1j * phase)])
    for atom in range(atoms):
        state = on_atom(turn, atom, atoms) @ state
    flipped = state
    for atom in range(atoms):
        flipped = on_atom(X, atom, atoms) @ flipped
    return 0.5 * (1.0 + np.vdot(state, flipped).real)


@pytest.mark.parametrize(
    "attack",
    [
        qcn.FalseFrequency(0.7),
        qcn.FalseParity(0.2),
        qcn.RandomBits(),
        qcn.Intermittent(qcn.FalseFrequency(-0.4), 0.3),
        qcn.Intermittent(qcn.Intermittent(qcn.FalseParity(0.9), 0.5), 0.5),
    ],
)
def test_what_a_test_sees_of_an_attack(attack: qcn.Attack) -> None:
    """The fringe that the centre expects from the light of the node, times z, against growing and reading the state."""
    atoms, time, phase, contrast = 4, 0.5, 0.3, 1.0
    light, flip, activity = attack.effect(time)
    factor = fringe_factor(attack, atoms, time)
    for secret in np.linspace(0.0, 6.0, 7):
        honest = parity_of_test(secret, phase, atoms)
        cheating = (1.0 - flip) * honest + flip * (1.0 - honest)
        plus = (1.0 - activity) * parity_of_test(secret, phase, atoms) + activity * cheating
        # Where the attack is active the centre believes another phase: averaged, it sees the active cycles shifted.
        believed = secret + atoms * (phase + light)
        active = 0.5 * (1.0 + (1.0 - 2.0 * flip) * contrast * math.cos(believed - atoms * light))
        assert cheating == approx(active, rel=1e-12)
        if light == 0.0:
            assert plus == approx(0.5 * (1.0 + (factor * np.exp(1j * believed)).real), rel=1e-12)
        if activity == 1.0:
            assert cheating == approx(0.5 * (1.0 + (factor * np.exp(1j * believed)).real), rel=1e-12)
    mixture = (1.0 - activity) + activity * (1.0 - 2.0 * flip) * np.exp(-1j * atoms * light)
    assert abs(factor - mixture) < 1e-14


@pytest.mark.parametrize("node", [(0.4, 1.0), (0.4, 0.7), (-2.0, -0.5), RANDOM])
@pytest.mark.parametrize("other", [(0.0, 1.0), (0.1, 0.9), (1.0, -0.6)])
def test_divergence(node: tuple[float, float], other: tuple[float, float]) -> None:
    psi = 2.0 * math.pi * (np.arange(2**20) + 0.5) / 2**20
    total = 0.0
    for parity in (1.0, -1.0):
        first, second = (0.5 * (1.0 + parity * contrast * np.cos(psi + shift)) for shift, contrast in (node, other))
        total += np.mean(np.where(first > 0.0, first * np.log(np.maximum(first, 1e-300) / second), 0.0))
    assert divergence(node, other) == approx(float(total), rel=1e-5)


def test_divergences_in_closed_form() -> None:
    assert divergence((0.3, 1.0), HONEST) == approx(1.0 - math.cos(0.3))
    assert divergence(RANDOM, HONEST) == approx(math.log(2.0))
    assert divergence(HONEST, RANDOM) == approx(1.0 - math.log(2.0))


def test_one_linear_test_in_closed_form() -> None:
    """P(-p cos psi >= c) is arccos(c)/pi of random bits, (arccos c - sqrt(1 - c^2))/pi of an honest node."""
    curve = FixedTest(1, RANDOM, "linear").roc()
    for threshold in (-0.9, -0.3, 0.2, 0.7):
        found = [float(np.interp(threshold, curve.threshold, y)) for y in (curve.false_alarm, curve.detection)]
        arc = math.acos(threshold)
        assert found[0] == approx((arc - math.sqrt(1.0 - threshold**2)) / math.pi, rel=2e-4)
        assert found[1] == approx(arc / math.pi, rel=2e-4)


def test_numbers_of_tests() -> None:
    """Random bits at error rates of 10^-3 each: 58, and 45, at 44 of which both are 1.02e-3."""
    assert least_tests(RANDOM, "linear") == 58
    assert least_tests(RANDOM) == 45
    assert (
        FixedTest(44, RANDOM).roc().miss(1.025e-3) < 1.025e-3 < 1.04e-3 < 1e-3 + FixedTest(43, RANDOM).roc().miss(1e-3)
    )
    square = (2.0 * stats.norm.isf(1e-3)) ** 2
    assert least_tests((0.1, 1.0), "linear") == approx(2.0 * square / 0.01, rel=1e-3)
    # At a finite shift the means differ by V sin(theta/2), the variance is 1/2 less the square of half of it.
    apart = 0.6 * math.sin(0.1)
    expected = square * (0.5 - 0.25 * apart**2) / apart**2
    assert least_tests((0.2, 0.6), "linear", contrast=0.6) == approx(expected, rel=2e-3)
    # The likelihood ratio at V = 1 approaches its law linearly in the shift.
    wide, narrow = (least_tests((shift, 1.0)) * shift**2 for shift in (0.2, 0.1))
    assert 2.0 * narrow - wide == approx(square, rel=3e-3)
    assert least_tests((0.1, 0.9), contrast=0.9) == approx(square / ((1.0 - math.sqrt(0.19)) * 0.01), rel=3e-3)


def test_error_rates_match_an_independent_simulation() -> None:
    """Parities drawn here, against the enumeration, at a number of tests where errors are frequent."""
    rng, trials, tests = np.random.default_rng(1), 40_000, 12
    for alternative, contrast in ((RANDOM, 1.0), ((0.8, 0.9), 0.9)):
        psi = rng.uniform(0.0, 2.0 * math.pi, (trials, tests))
        shift, other = alternative
        parity = np.where(rng.random(psi.shape) < 0.5 * (1.0 + other * np.cos(psi + shift)), 1.0, -1.0)
        ratio = np.log((1.0 + parity * other * np.cos(psi + shift)) / (1.0 + parity * contrast * np.cos(psi)))
        test = FixedTest(tests, alternative, contrast=contrast)
        curve = test.roc()
        for threshold in (-1.0, 0.0, 2.0):
            expected = float(np.interp(threshold, curve.threshold, curve.detection))
            width = SIGMAS * math.sqrt(expected * (1.0 - expected) / trials)
            assert abs(np.mean(ratio.sum(axis=1) >= threshold) - expected) < width
            assert abs(np.mean(test.sample(alternative, trials, rng) >= threshold) - expected) < width


@pytest.mark.parametrize(("alternative", "contrast"), [((0.4, 1.0), 1.0), (RANDOM, 1.0), ((0.5, 0.8), 0.8)])
def test_sequential_tests(alternative: tuple[float, float], contrast: float) -> None:
    """Enumeration against simulation, Wald's identity with Spitzer's overshoot, and the bounds on the error rates."""
    test, rng, trials = WaldTest(alternative, 0.01, 0.002, contrast), np.random.default_rng(2), 20_000
    found = {}
    for cheats, node in ((True, alternative), (False, (0.0, contrast))):
        chance, mean = test.exact(node)
        accused, lengths = test.sample(node, trials, rng)
        assert abs(accused.mean() - chance) < SIGMAS * math.sqrt(chance * (1.0 - chance) / trials)
        assert abs(lengths.mean() - mean) < SIGMAS * lengths.std() / math.sqrt(trials)
        found[cheats] = chance
        assert test.wald_mean(cheats) < mean
        # The sum seldom ends at the other boundary, where the overshoot is another one.
        assert test.wald_mean(cheats, test.overshoot(cheats)) == approx(mean, rel=0.01)
    assert found[False] + 1.0 - found[True] < 0.012
    assert found[False] < 0.01
    assert 1.0 - found[True] < 0.002
    fixed = least_tests(alternative, false_alarm=0.01, miss=0.002, contrast=contrast)
    assert max(test.exact(node)[1] for node in (alternative, (0.0, contrast))) < 0.8 * fixed


def test_overshoot_of_gaussian_steps() -> None:
    """At low contrast many small steps of bounded size add up; the excess is near, not at, Siegmund's 0.5826 s."""
    alternative, contrast = (0.1, 0.9), 0.9
    spread = math.sqrt(2.0 * divergence(alternative, (0.0, contrast)))
    assert 0.45 < WaldTest(alternative, contrast=contrast).overshoot(True) / spread < 0.75
    # At V = 1 the third moment diverges with the logarithm of the shift.
    ratios = [WaldTest((shift, 1.0)).overshoot(True) / shift for shift in (0.2, 0.1, 0.05, 0.025)]
    assert np.diff(ratios) == approx(np.full(3, np.diff(ratios).mean()), rel=0.25)
    assert np.diff(ratios).min() > 0.1


@pytest.mark.parametrize("alternative", [RANDOM, (0.5, 1.0), (math.pi, 1.0)])
def test_page(alternative: tuple[float, float]) -> None:
    test, rng = qcn.SequentialTest((alternative,), 1e-3), np.random.default_rng(3)
    for node, trials in ((alternative, 20_000), (HONEST, 1000)):
        lengths = test.sample(node, trials, rng)
        assert abs(lengths.mean() - test.mean_tests(node)) < SIGMAS * lengths.std() / math.sqrt(trials)
    assert test.mean_tests(HONEST) > 1e3


def test_false_alarms_of_several_alternatives_stay_below_the_stated_rate() -> None:
    test = qcn.SequentialTest(((0.5, 0.9), (-0.5, 0.9), RANDOM), 0.02, contrast=0.9)
    lengths = test.sample((0.0, 0.9), 4000, np.random.default_rng(4))
    assert lengths.mean() - SIGMAS * lengths.std() / math.sqrt(4000) > 1.0 / 0.02
    # Not absurdly: an alternative one has not thought of is found nevertheless.
    assert test.sample((math.pi, 0.9), 100, np.random.default_rng(5), most=10**4).max() < 200


CASCADE = qcn.Cascade((12, 9), nodes=4, uncorrelated=100)
LASERS = (qcn.Oscillator.from_linewidth(white=0.2),) * 4
TEST = qcn.SequentialTest(((0.8, 1.0), (-0.8, 1.0), RANDOM), 1e-7, atoms=4)


def run(attacks: dict[int, qcn.Attack], seed: int, cycles: int = 4000, **given: float) -> qcn.security.AttackedRecord:
    rng = np.random.default_rng(seed)
    return run_attacked(CASCADE, LASERS, 1.0, cycles, rng, attacks=attacks, test=TEST, **given)


def test_an_honest_network() -> None:
    record = run({}, 1)
    assert (record.alarms == -1).all()
    errors = record.common - record.phases.mean(axis=0)
    assert errors.std() == approx(CASCADE.rms_error(20_000, np.random.default_rng(1)), rel=0.15)
    # The light is that of the free lasers, of variance gamma T.
    assert record.light.var() == approx(0.2, rel=0.06)


def test_false_light_shifts_all_others() -> None:
    """All others settle at +w Delta T, the cheat that obeys at -(1 - w) Delta T; only the cheat is accused first."""
    record = run({2: qcn.FalseFrequency(0.4)}, 2)
    means = record.phases[:, 500:].mean(axis=1)
    np.testing.assert_allclose(np.delete(means, 2), 0.1, atol=0.01)
    assert abs(means[2] + 0.3) < 0.01
    for alarms in record.alarms:
        given = np.where(alarms < 0, 10**9, alarms)
        assert given.argmin() == 2
    # Compared with the centre's own atoms no honest node ever is.
    assert (np.delete(record.alarms[1], 2) == -1).all()


def test_equal_false_light_of_most_nodes_accuses_the_honest() -> None:
    record = run({number: qcn.FalseFrequency(0.4) for number in (1, 2, 3)}, 3)
    first = [int(np.where(alarms < 0, 10**9, alarms).argmin()) for alarms in record.alarms]
    assert first[0] == 0
    assert first[1] != 0
    # Opposite shifts leave the centre of mass where it is.
    record = run({1: qcn.FalseFrequency(0.4), 2: qcn.FalseFrequency(-0.4)}, 4)
    assert abs(record.phases[[0, 3], 500:].mean()) < 0.01
    assert (record.alarms[:, 1:3] >= 0).all()


def test_flipped_bits() -> None:
    """One node that reverses its bits, or sends random ones, spoils shared blocks; two that reverse them do not."""

    cascade = qcn.Cascade((12, 9), nodes=4, uncorrelated=1, prior=qcn.GaussianPrior(0.04))
    lasers = (qcn.Oscillator.from_linewidth(white=0.04),) * 4

    def spread(attacks: dict[int, qcn.Attack]) -> float:
        rng = np.random.default_rng(5)
        record = run_attacked(cascade, lasers, 1.0, 2000, rng, attacks=attacks, test=TEST, test_rate=0.0)
        return float(np.std(record.common - record.phases.mean(axis=0)))

    honest, reverse = spread({}), qcn.FalseParity(1.0)
    assert spread({1: reverse, 2: reverse}) < 1.2 * honest
    several = {1: reverse, 2: qcn.RandomBits()}, dict.fromkeys((1, 2, 3), reverse)
    for attacks in ({1: reverse}, {1: qcn.RandomBits()}, *several):
        assert spread(attacks) > 2.5 * honest


def test_what_an_eavesdropper_makes_of_some_parities() -> None:
    record = run({}, 6, cycles=20_000)
    phases = record.phases.mean(axis=0)
    assert abs(np.corrcoef(record.partial, phases)[0, 1]) < SIGMAS / math.sqrt(20_000)
    assert np.corrcoef(record.common, phases)[0, 1] > 0.98
    ones, blocks = (np.std(estimate - phases) for estimate in (record.alone, record.common))
    assert ones == approx(0.1, rel=0.15)
    assert blocks < 0.5 * ones


@pytest.mark.parametrize("nodes", [2, 3, 5])
def test_information_in_parities(nodes: int) -> None:
    """From the state of one atom a node, every subset, at contrast e^{-K/4}, against the closed form."""
    factor, grid = math.exp(-0.25), 256
    state = np.zeros((2**nodes, 2**nodes), dtype=complex)
    state[0, 0] = state[-1, -1] = 0.5
    rotate = np.ones((1, 1))
    for _ in range(nodes):
        rotate = np.kron(rotate, np.array([[1.0, 1.0], [1.0, -1.0]]) / math.sqrt(2.0))
    law = []
    for phase in 2.0 * math.pi * np.arange(grid) / grid:
        state[0, -1] = 0.5 * factor**nodes * np.exp(-1j * phase)
        state[-1, 0] = state[0, -1].conj()
        law.append(np.diag(rotate @ state @ rotate.T).real)
    table = np.array(law).reshape((grid, *(2,) * nodes))
    for known in range(nodes + 1):
        for subset in itertools.combinations(range(nodes), known):
            hidden = tuple(1 + node for node in range(nodes) if node not in subset)
            seen = table.sum(axis=hidden).reshape(grid, -1)
            information = np.sum(seen * np.log2(seen / seen.mean(axis=0))) / grid
            expected = parity_information(nodes, known, factor**nodes)
            np.testing.assert_allclose(information, expected, rtol=1e-9, atol=1e-14)


def test_key_demand() -> None:
    cascade = qcn.Cascade((12, 9, 5, 3), nodes=10, uncorrelated=240)
    demand = key_demand(cascade, spread=0.5, error=0.007)
    word = demand.feedback // 9
    assert demand == (9 * word, 216, 9 * 29)
    step = 12.0 * 0.5 / 2**word
    assert step**2 / 12.0 <= 0.01 * 0.007**2 < (2.0 * step) ** 2 / 12.0


def test_reproducible() -> None:
    attacks = {1: qcn.Intermittent(qcn.RandomBits(), 0.3)}
    first, again, other = (run(attacks, seed, cycles=50) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first.phases, again.phases)
    assert (first.phases != other.phases).any()
    with pytest.raises(ValueError, match="read-only"):
        first.phases[0, 0] = 0.0


BAD: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "offset": (lambda: qcn.FalseFrequency(math.inf), ValueError, r"offset must be finite \(rad/s\), got inf"),
    "parity": (lambda: qcn.FalseParity(1.5), ValueError, "between 0 and 1, got 1.5"),
    "attack": (lambda: qcn.Intermittent("random", 0.5), TypeError, "must be an Attack such as RandomBits"),
    "share": (lambda: qcn.Intermittent(qcn.RandomBits(), -0.1), ValueError, "between 0 and 1, got -0.1"),
    "time": (
        lambda: qcn.FalseFrequency(1.0).effect(0.0),
        ValueError,
        r"interrogation_time must be finite and > 0 \(s\)",
    ),
    "factor": (lambda: fringe_factor("random", 1, 1.0), TypeError, "must be an Attack"),
    "no alternative": (lambda: qcn.SequentialTest((), 1e-3), ValueError, "needs at least one alternative"),
    "honest": (lambda: qcn.SequentialTest((HONEST,), 1e-3), ValueError, "must differ from an honest node"),
    "turn": (lambda: WaldTest((2.0 * math.pi, 0.9), contrast=0.9), ValueError, "must differ from an honest node"),
    "rate": (lambda: qcn.SequentialTest((RANDOM,), 0.0), ValueError, "strictly between 0 and 1, got 0.0"),
    "contrast": (
        lambda: qcn.SequentialTest((RANDOM,), 0.1, 0.0),
        ValueError,
        "contrast must be finite and > 0, got 0.0",
    ),
    "atoms": (lambda: qcn.SequentialTest((RANDOM,), 0.1, atoms=0), ValueError, "atoms must be a whole number >= 1"),
    "several": (
        lambda: qcn.SequentialTest((RANDOM, (1.0, 1.0)), 0.1).mean_tests(HONEST),
        ValueError,
        "needs one alternative, got 2: use sample",
    ),
    "tests": (lambda: FixedTest(0, RANDOM), ValueError, "tests must be a whole number >= 1, got 0"),
    "statistic": (lambda: FixedTest(3, RANDOM, "best"), ValueError, '"likelihood" or "linear", got \'best\''),
    "miss": (lambda: WaldTest(RANDOM, miss=0.6), ValueError, "miss must lie strictly between 0 and 0.5, got 0.6"),
    "known": (lambda: parity_information(3, 4), ValueError, "at most those of the 3 nodes, got 4"),
    "angles fed forward": (
        lambda: run_attacked(
            replace(CASCADE, readout=qcn.FedForward()), LASERS, 1.0, 9, np.random.default_rng(1), attacks={}, test=TEST
        ),
        ValueError,
        r"angles that must not follow from them: use MultiAngle\(\)",
    ),
    "nodes": (
        lambda: run_attacked(CASCADE, LASERS[:3], 1.0, 9, np.random.default_rng(1), attacks={}, test=TEST),
        ValueError,
        "over the 3 nodes that have lasers, with uncorrelated atoms, got nodes=4, uncorrelated=100",
    ),
    "who": (lambda: run({4: qcn.RandomBits()}, 1), ValueError, "numbered 0 to 3, got an attack of node 4"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_ends_in_a_sentence(name: str) -> None:
    call, kind, sentence = BAD[name]
    with pytest.raises(kind, match=sentence):
        call()
