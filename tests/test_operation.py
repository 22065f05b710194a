"""Networks in operation: links, delays, cheats and outages, against the recursion of the loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from closeness import approx
from scipy.linalg import solve_discrete_lyapunov

from qcn_open import (
    Cascade,
    Dephasing,
    Gates,
    GaussianPrior,
    Link,
    Network,
    Node,
    Oscillator,
    Plan,
    TrapLoss,
    run_nodes,
)
from qcn_open.operation import NetworkRecord, Operation, Outage, run_network
from qcn_open.security import Attack, FalseFrequency, FalseParity, RandomBits, SequentialTest

TIME = 0.1
LINEWIDTH = 0.5
IDEAL = Gates()
LASER = Oscillator.from_linewidth(white=LINEWIDTH)
CYCLES = 20_000
COPIES = (8, 5)
SHARES = (1, 1, 2)


def network(links: tuple[Link, ...] = (Link(),) * 3, gates: Gates = IDEAL) -> Network:
    nodes = [
        Node(60, name, share, LASER, gates=gates, link=link)
        for name, share, link in zip("ABC", SHARES, links, strict=True)
    ]
    return Network(nodes, None, (Dephasing(1e-3),), 429e12)


def operation(links: tuple[Link, ...] = (Link(),) * 3, **keywords: Any) -> Operation:
    return Operation(network(links), TIME, COPIES, **keywords)


def mean_square(values: np.ndarray) -> tuple[float, float]:
    """And its standard error."""
    squares = np.square(values)
    return float(squares.mean()), float(squares.std() / math.sqrt(squares.size))


def agree(values: np.ndarray, expected: float, spread: float = 0.0) -> None:
    """That their mean square is the expected one, itself uncertain by a spread, within 4.5 standard deviations."""
    found, error = mean_square(values)
    assert abs(found - expected) < 4.5 * math.hypot(error, spread)


def single_shot(one: Operation) -> tuple[float, float]:
    """Mean square error of the shared cascade at the phases the steered lasers have, drawn anew."""
    cascade = one.shared()
    shares = np.array(SHARES) / sum(SHARES)
    variance = (2.0 * LINEWIDTH * TIME * (shares**2).sum()) / (2.0 - one.gain)
    rng = np.random.default_rng(20)
    phases = rng.normal(0.0, math.sqrt(variance), 200_000)
    return mean_square(cascade.estimate(cascade.sample(phases, rng)) - phases)


def test_the_members_are_one_clock_of_their_weighted_centre_of_mass() -> None:
    one = operation()
    record = run_network(one, CYCLES, np.random.default_rng(1))
    agree(record.common, *single_shot(one))
    # Ideal links: every node gets the phase of its own laser as well as the centre knows the common one.
    assert np.allclose(record.errors, record.common, rtol=0.0, atol=1e-12)
    weights = np.array(SHARES) / sum(SHARES)
    expected = run_nodes(
        Plan(TIME, one.shared()),
        [LASER] * 3,
        SHARES,
        CYCLES,
        np.random.default_rng(2),
    )
    ours, theirs = weights @ record.phases, weights @ expected.phases
    assert ours.var() == approx(theirs.var(), rel=0.05)
    assert record.status.min() == record.status.max() == 1


def test_link_noise_adds_that_of_a_node_less_the_mean_of_all() -> None:
    rms = (0.01, 0.02, 0.05)
    noisy = operation(tuple(Link(phase_noise=value) for value in rms))
    record = run_network(noisy, CYCLES, np.random.default_rng(3))
    weights = np.array(SHARES) / sum(SHARES)
    square, spread = single_shot(noisy)
    for node, sent in enumerate(record.errors):
        lean = -weights
        lean[node] += 1.0
        agree(sent, square + float(lean**2 @ np.square(rms)), spread)
    # White frequency noise of a link of linewidth x has the variance x T.
    slow = operation(tuple(Link(oscillator=Oscillator.from_linewidth(white=value**2 / TIME)) for value in rms))
    record = run_network(slow, CYCLES, np.random.default_rng(3))
    lean = -weights
    lean[2] += 1.0
    agree(record.errors[2], square + float(lean**2 @ np.square(rms)), spread)


def test_the_shared_clock_knows_how_its_blocks_are_made_and_decohere() -> None:
    plain = operation().shared()
    made = Operation(network(gates=Gates(entangling_fidelity=0.97)), TIME, COPIES)
    cascade = made.shared()
    assert cascade.levels[-1].contrast == approx(0.97**3 * plain.levels[-1].contrast, rel=1e-12)
    noisier = Operation(
        Network(
            [
                Node(60, name, share, LASER, (Dephasing(rate),))
                for name, share, rate in zip("ABC", SHARES, (0.1, 0.0, 0.4), strict=True)
            ],
            None,
            (Dephasing(1e-3),),
            429e12,
        ),
        TIME,
        COPIES,
    )
    # Of the smallest block one atom at A, one at B, two at C.
    expected = math.exp(-0.5 * TIME * (4 * 1e-3 + 0.1 + 2 * 0.4))
    assert noisier.shared().coherence ** 4 == approx(expected, rel=1e-12)
    assert plain.uncorrelated + sum(SHARES) * (8 + 2 * 5) == plain.atoms == 180


def test_a_false_frequency_leads_all_others_astray() -> None:
    record = run_network(operation(), CYCLES, np.random.default_rng(4), attacks={"C": (FalseFrequency(0.3), 10_000)})
    before, after = record.errors[:, :10_000].mean(axis=1), record.errors[:, 10_000:].mean(axis=1)
    error = 5.0 * record.common.std() / math.sqrt(10_000)
    assert abs(before).max() < error
    # Node C holds half of every block: others are off by half of 0.3 rad/s times 0.1 s, C by the other half.
    assert after == approx(np.array([-0.015, -0.015, 0.015]), rel=error / 0.015)


def test_random_bits_leave_the_uncorrelated_atoms_of_the_others() -> None:
    one = operation()
    record = run_network(one, CYCLES, np.random.default_rng(5), attacks={"C": (RandomBits(), 0)})
    cascade = one.shared()
    # Blocks without contrast, single atoms with half of it: C's share is one half.
    assert mean_square(record.common)[0] > 4.0 * single_shot(one)[0]
    flipped = run_network(one, CYCLES, np.random.default_rng(5), attacks={"C": (FalseParity(1.0), 0)})
    assert mean_square(flipped.common)[0] > 2.0 * mean_square(record.common)[0]
    assert cascade.uncorrelated > 100


def test_a_correction_that_is_late_follows_the_recursion() -> None:
    gain, delay = 1.2, 0.03
    one = operation(tuple(Link(delay=value) for value in (0.0, delay, 0.0)), gain=gain)
    assert one.lags() == approx([0.0, 0.6, 0.0], rel=1e-12)
    record = run_network(one, CYCLES, np.random.default_rng(6))
    # phi = x - l c' - (1 - l) c, and c', c <- c, c + g (phi + e), for node B with l = 0.6.
    late = 0.6
    step = np.array([[0.0, 1.0], [-gain * late, 1.0 - gain * (1.0 - late)]])
    drive = LINEWIDTH * TIME
    covariance = solve_discrete_lyapunov(step, np.diag([0.0, gain**2 * (drive + record.errors[1].var())]))
    lean = np.array([late, 1.0 - late])
    assert record.phases[1].var() == approx(drive + lean @ covariance @ lean, rel=0.05)
    # A loop of high gain would do better than that without a delay, and worse than that with one of a cycle.
    assert abs(record.phases[1].var() / ((2.0 * drive + gain * record.errors[1].var()) / (2.0 - gain)) - 1.0) > 0.15


def test_who_has_no_link_runs_alone_and_comes_back() -> None:
    one = operation(notice=3)
    outages = [Outage("B", 5_000, 15_000), Outage("A", 18_000, 19_000), Outage("C", 18_000, 19_000)]
    record = run_network(one, CYCLES, np.random.default_rng(7), outages=outages)
    status = record.status[:, [4_999, 5_000, 5_002, 5_003, 14_999, 15_002, 15_003, 18_003, 19_003]]
    # Silent while nobody knows, as before while nobody knows that it is over; a single member left is alone, too.
    assert status.tolist() == [
        [1, 0, 0, 1, 1, 1, 1, 2, 1],
        [1, 0, 0, 2, 2, 2, 1, 2, 1],
        [1, 0, 0, 1, 1, 1, 1, 2, 1],
    ]
    assert (record.errors[:, 5_001] == -record.phases[:, 5_001]).all()
    assert (record.centre[6_000:6_004] % 2 == 0).all()
    assert record.centre[18_500] == -1
    middle = slice(5_003, 15_000)
    alone = one.alone(1)
    assert alone.atoms <= 60
    rng = np.random.default_rng(8)
    steered = record.phases[1, middle].var()
    phases = rng.normal(0.0, math.sqrt(steered), 100_000)
    agree(record.errors[1, middle], *mean_square(alone.estimate(alone.sample(phases, rng)) - phases))
    # Two members of shares 1 and 2 know their own centre of mass better than B knows its laser.
    assert record.common[middle].std() < 0.9 * record.errors[1, middle].std()
    assert record.stability("A", (0, 4_000), [1]).sigma_y[0] == approx(
        record.errors[0, :4_000].std() / (2.0 * math.pi * 429e12 * TIME), rel=0.05
    )


def test_the_cheat_is_found_when_it_should_be_and_excluded() -> None:
    test = SequentialTest(((0.0, 0.0),), false_alarm_rate=1e-6, atoms=2)
    one = operation(test=test, test_rate=0.3, turn=1)
    delays = []
    for seed in range(40):
        record = run_network(one, 600, np.random.default_rng(seed), attacks={"B": (RandomBits(), 50)})
        (accusation,) = record.accusations
        assert accusation.node == "B"
        assert (record.status[1, accusation.cycle + 1 :] == 2).all()
        assert (record.status[1, : accusation.cycle + 1] == 1).all()
        delays.append(accusation.cycle - 49)
    # Tested in three of ten cycles when it is not the centre, which it is in one of three.
    expected = test.mean_tests((0.0, 0.0)) / (0.3 * 2.0 / 3.0)
    assert abs(np.mean(delays) - expected) < 4.0 * np.std(delays) / math.sqrt(len(delays))


IMPERFECT = [
    Node(80, name, share, LASER, gates=Gates(entangling_fidelity=0.97), link=Link(epr_fidelity=0.97))
    for name, share in zip("ABC", SHARES, strict=True)
]
# Of these every node gives four atoms to some block.
LONGER = (8, 3, 1)
SUSPECTED = SequentialTest(((0.6, 1.0), (-0.6, 1.0), (0.0, 0.0)), false_alarm_rate=2e-3, atoms=4)


def test_a_test_knows_what_its_qubit_and_its_reference_show() -> None:
    one = Operation(Network(IMPERFECT, None, (Dephasing(0.1),), 429e12), TIME, LONGER, test=SUSPECTED, test_rate=1.0)
    # Werner pair, growth to 4 atoms, decoherence; the first node is where the light meets.
    made = 0.97 * math.exp(-0.5 * 0.1 * TIME * 4)
    assert [one.qubit(number)[0] for number in range(3)] == approx(
        [made, (4 * 0.97 - 1) / 3 * made, (4 * 0.97 - 1) / 3 * made]
    )
    reference = one.reference()
    assert (reference.copies, reference.atoms) == ((), 240 - 4 * (8 + 2 * 5) - 12)
    rng = np.random.default_rng(10)
    phases = reference.prior.sample(100_000, rng)
    square, _ = mean_square(reference.estimate(reference.sample(phases, rng)) - phases)
    assert one.tested(1).contrast == approx(one.qubit(1)[0] * math.exp(-8.0 * square), rel=0.005)
    assert one.tested(1).alternatives[0] == approx((0.6, one.tested(1).contrast), rel=1e-12)


def test_honest_nodes_are_accused_less_often_than_agreed() -> None:
    """Whose qubits are taken for ideal ones are accused more often than that."""
    one = Operation(Network(IMPERFECT, None, (Dephasing(0.1),), 429e12), TIME, LONGER, test=SUSPECTED, test_rate=1.0)
    tests, alarms = 0, 0
    for seed in range(30):
        record = run_network(one, 2_000, np.random.default_rng(seed))
        last = record.accusations[0].cycle + 1 if record.accusations else 2_000
        tests, alarms = tests + 2 * last, alarms + int(record.accusations != ())
    assert 5 < alarms < SUSPECTED.false_alarm_rate * tests
    ideal = SUSPECTED.sample((0.0, one.tested(1).contrast), 300, np.random.default_rng(11))
    assert 1.0 / ideal.mean() > 2.0 * SUSPECTED.false_alarm_rate


@pytest.mark.parametrize("attack", [RandomBits(), FalseParity(1.0)], ids=["random", "reversed"])
def test_who_spoils_the_blocks_leads_no_test_astray(attack: Attack) -> None:
    test = SequentialTest(((0.0, 0.0),), false_alarm_rate=1e-6, atoms=4)
    one = Operation(Network(IMPERFECT, None, (Dephasing(0.1),), 429e12), TIME, LONGER, test=test, test_rate=0.3)
    for seed in range(20):
        record = run_network(one, 500, np.random.default_rng(seed), attacks={"B": (attack, 50)})
        assert [accusation.node for accusation in record.accusations] == ["B"]


def test_members_of_several_species_share_the_fractional_frequency() -> None:
    nodes = [Node(60, "A", 1, LASER), Node(60, "B", 2, LASER, frequency_hz=1121e12)]
    one = Operation(Network(nodes, None, (Dephasing(1e-3),), 429e12), TIME, COPIES)
    record = run_network(one, CYCLES, np.random.default_rng(12))
    fractional = record.errors / np.array([[429.0], [1121.0]])
    assert np.allclose(fractional, record.common / ((429.0 + 2.0 * 1121.0) / 3.0), rtol=0.0, atol=1e-15)


def test_who_is_alone_does_not_miss_the_links_of_others() -> None:
    one = operation(notice=3)
    outages = [Outage("A", 10, 50), Outage("B", 20, 30), Outage("C", 60, 62)]
    record = run_network(one, 80, np.random.default_rng(13), outages=outages)
    assert record.status[:, 9:14].tolist() == [[1, 0, 0, 0, 2], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1]]
    assert (record.status[0, 13:53] == 2).all()
    assert record.status[1, 19:34].tolist() == [1, 0, 0, 0, *[2] * 10, 1]
    # Over before anybody knew.
    assert record.status[2, 59:64].tolist() == [1, 0, 0, 1, 1]
    assert (np.isnan(record.common) == (record.centre < 0)).all()


def test_equal_seeds_give_equal_records() -> None:
    first, second = (run_network(operation(), 50, np.random.default_rng(3)) for _ in range(2))
    assert (first.errors == second.errors).all()
    with pytest.raises(ValueError, match="read-only"):
        first.errors[0, 0] = 0.0


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: Operation(network(), TIME, (40, 20)), "blocks and tests ask for 80: take fewer copies"),
        (
            lambda: operation((Link(), Link(delay=0.06), Link())),
            r"messages take longer \(1.2 times\) than the interrogation of 0.1 s",
        ),
        (
            lambda: operation(test=SequentialTest(((0.0, 0.0),), 1e-6, atoms=8), test_rate=0.1),
            "a test of 8 atoms tells node 'A' that it is one, as it gives 1, 2 to blocks: take 2",
        ),
        (
            lambda: operation(test=SequentialTest(((0.0, 0.0),), 1e-6, atoms=2)),
            "a test and a test_rate > 0, or neither",
        ),
        (lambda: operation().tested(1), "no tests are agreed upon"),
        (lambda: Outage("A", 10, 10), "must stop after it starts, got 10 to 10"),
        (lambda: run_network(operation(), 10, RNG, outages=[Outage("D", 1, 2)]), "no node 'D'.*choose one of A, B, C"),
        (lambda: run_network(operation(), 10, RNG, attacks={"X": (RandomBits(), 0)}), "no node 'X'"),
        (lambda: run_network(operation(), 0, RNG), "cycles must be a whole number >= 1"),
        (lambda: run_network(operation(), 10, RNG).stability("A", (5, 20)), "cycles must lie between 0 and 10"),
        (
            lambda: Operation(Network([Node(60)] * 2, LASER, (), 429e12), TIME, COPIES),
            "need names",
        ),
        (
            lambda: Operation(Network([Node(60, "A"), Node(60, "B")], LASER, (), 429e12), TIME, COPIES),
            "need lasers of their own",
        ),
    ],
)
def test_one_sentence_says_what_is_wrong(attempt: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        attempt()


RNG = np.random.default_rng(0)


def test_epr_rate_sets_the_cycle() -> None:
    slow = operation((Link(), Link(epr_rate_hz=50.0), Link(epr_rate_hz=100.0)))
    # 13 pairs at 50 Hz, of which the interrogation of 0.1 s hides a part.
    assert slow.dead_time == approx(13 / 50.0 - TIME, rel=1e-12)
    record = run_network(slow, 4_000, np.random.default_rng(1))
    assert isinstance(record, NetworkRecord)
    assert record.stability("B", averages=[1]).tau_s[0] == approx(13 / 50.0, rel=1e-12)


def test_cascade_of_two_members_is_smaller() -> None:
    one = operation()
    cascade = one.shared(0, 2)
    assert isinstance(cascade, Cascade)
    assert (cascade.nodes, cascade.copies, cascade.atoms) == (3, COPIES, 120)


DEAD = 0.04


def with_dead_time(links: tuple[Link, ...]) -> Operation:
    plain = network(links)
    return Operation(Network(plain.nodes, None, plain.noise, 429e12, dead_time=DEAD), TIME, COPIES)


def white_link(variance: float) -> Link:
    """A link whose frequency noise makes this variance of the phase over an interrogation."""
    return Link(oscillator=Oscillator.from_linewidth(white=variance / TIME))


def test_dead_time_hides_the_centre_of_mass_and_nothing_else() -> None:
    drift = 0.01
    one = with_dead_time((Link(), Link(), white_link(drift)))
    record = run_network(one, CYCLES, np.random.default_rng(11))
    weights = np.array(SHARES) / sum(SHARES)
    cascade = one.shared()
    ratio = DEAD / TIME
    common = LINEWIDTH * TIME * float(weights @ weights)
    # Phases of the centre of mass over an interrogation, over the dead time, and taken off before.
    steered = (weights @ record.phases).var() - common / (1.0 + ratio)
    seen, unseen, taken = np.random.default_rng(12).normal(
        0.0, np.sqrt([[common], [ratio * common], [steered]]), (3, 200_000)
    )
    found = cascade.estimate(cascade.sample(seen - taken, np.random.default_rng(13)))
    square, spread = mean_square(found - (seen + unseen) / (1.0 + ratio) + taken)
    agree(record.errors[0], square + weights[2] ** 2 * drift / (1.0 + ratio), spread)
    agree(record.errors[2], square + (1.0 - weights[2]) ** 2 * drift / (1.0 + ratio), spread)
    # The mean phase of a laser over the cycle, less that of its corrections.
    free = LINEWIDTH * TIME / (1.0 + ratio)
    assert record.phases[1].var() == approx((2.0 * free + 0.1 * record.errors[1].var()) / 1.9, rel=0.06)


def test_run_nodes_hides_no_more_in_its_dead_time() -> None:
    drift, ratio = 0.01, DEAD / TIME
    one = with_dead_time((Link(),) * 3)
    plan = Plan(TIME, one.shared(), dead_time=DEAD)
    links = (Link(), Link(), white_link(drift))
    record = run_nodes(plan, [LASER] * 3, SHARES, CYCLES, np.random.default_rng(13), links=links)
    plain = run_network(one, CYCLES, np.random.default_rng(14))
    added = 0.25 * drift / (1.0 + ratio)
    expected, spread = mean_square(plain.errors[2])
    agree(record.errors[2], expected + added, spread)
    assert record.phases[1].var() == approx(plain.phases[1].var(), rel=0.06)


def test_unlike_species_share_the_noise_of_a_link_as_the_network_says() -> None:
    nodes = [
        Node(60, "A", 1, LASER, frequency_hz=4e14),
        Node(60, "B", 1, LASER, frequency_hz=12e14, link=Link(phase_noise=0.1)),
    ]
    noisy = Network(nodes, None, (), 4e14)
    one = Operation(noisy, TIME, COPIES)
    record = run_network(one, CYCLES, np.random.default_rng(15))
    variances = noisy.link_variances(TIME)
    for number, (ratio, frequency) in enumerate(((0.5, 4e14), (1.5, 12e14))):
        single, spread = mean_square(ratio * record.common)
        agree(record.errors[number], single + variances[number], spread)
        scaled = record.stability(nodes[number].name, averages=[1]).sigma_y[0] * 2.0 * math.pi * TIME
        assert scaled * frequency == approx(record.errors[number].std(), rel=0.05)


def test_a_test_counts_with_link_species_storage_and_loss() -> None:
    gates = Gates(memory_dephasing=0.8)
    link = Link(epr_rate_hz=200.0, phase_noise=0.03, oscillator=Oscillator.from_linewidth(white=0.02))
    nodes = [
        Node(80, "A", 1, LASER, gates=gates, frequency_hz=4e14),
        Node(80, "B", 1, LASER, gates=gates, frequency_hz=8e14, link=link),
    ]
    test = SequentialTest(((0.5, 1.0),), false_alarm_rate=1e-3, atoms=2)
    lossy = Network(nodes, None, (Dephasing(0.1), TrapLoss(0.5)), 4e14)
    one = Operation(lossy, TIME, COPIES, test=test, test_rate=0.5)
    # Pairs of the 13 blocks and of the test.
    slower = Operation(
        Network([nodes[0], replace(nodes[1], link=Link(epr_rate_hz=20.0))], None, (), 4e14),
        TIME,
        COPIES,
        test=test,
        test_rate=0.5,
    )
    assert slower.dead_time == approx(14 / 20.0 - TIME, rel=1e-12)
    stored = math.exp(-0.5 * (0.8 + 0.8) * 0.5 * 14 / 200.0)
    contrast, present = one.qubit(1)
    assert contrast == approx(stored * math.exp(-0.05 * TIME * 2), rel=1e-12)
    assert present == approx(math.exp(-0.5 * TIME * 2), rel=1e-12)
    reference = one.reference()
    assert isinstance(reference.prior, GaussianPrior)
    known = sum(level.information for level in reference.levels) + 1.0 / reference.prior.variance
    # B's light counts with 1 - r/2, r = 4/3, when its own phase is expected.
    variance = (4.0 / 3.0) ** 2 / known + (0.03**2 + 0.02 * TIME) / 9.0
    assert one.tested(1).contrast == approx(contrast * math.exp(-2.0 * variance), rel=1e-12)
