r"""How soon does a network find a node that cheats, what has it done by then, and when is the wrong one accused?

Test qubits with a secret phase show what a node does as a shift :math:`\theta` of a fringe and a contrast
(`qcn_open.security`). Parts of the table:

==============  ======================================================================================================
part            what
==============  ======================================================================================================
``tests``       tests needed at 10⁻³ false alarms and 10⁻³ misses: `computed` by enumeration, `theory` for small shifts
``rates``       share of wrong verdicts: `computed` by enumeration, `measured` in simulated tests
``roc``         share of detected nodes that send random bits, against that of false alarms, `x`, after 10 or 20 tests
``page``        tests until Page's test gives the alarm, for several attacks and for an honest node
``bias``        frequency error (over one atom's phase, rad) of everyone else's clock from false light off by `x` rad
``harm``        that error over the clock's own instability at the averaging time after which it is found
``variance``    mean square error of the record (rad²) when one node sends random bits in a share `x` of the cycles
``several``     share of runs where the first alarm names a cheat, against the number `x` of nodes that cheat alike
``recognise``   two cheats measure together, with strength `x`, whether their qubits are correlated; chance that a block
                of level `x` is a test, at one test a cycle, as the number of its atoms tells the node
==============  ======================================================================================================

*What to expect.* With the linear statistic :math:`2(z_\alpha+z_\beta)^2/(V\theta)^2` tests, with the likelihood ratio
:math:`(z_\alpha+z_\beta)^2/\theta^2` at V = 1; sequentially :math:`\ln(1/\alpha)` over the relative entropy
:math:`1-\cos\theta`, plus what the overshoot adds. False light :math:`\Delta` of one of K nodes puts all others off by
:math:`-\Delta/K`. It is found after about :math:`h/[r(1-\cos\theta)]` cycles, :math:`\theta = n(1-1/K)\Delta T`, at r
tests a cycle: the error then is

.. math:: \sqrt{\frac{2h}{r}}\,\frac1{n(K-1)\,\epsilon}

times the instability of a clock with the root mean square error :math:`\epsilon` a cycle, however small
:math:`\Delta` is.

*Several at once.* The centre compares what a test shows with the phase that the light of the node has *relative to the
centre of mass*, which is an average over all nodes. W K nodes that send light off by the same :math:`\Delta` shift
their own tests by :math:`-n(1-W)\Delta T`, but those of the honest ones by :math:`+nW\Delta T`: from half of the nodes
on the honest are accused first. The reference is what breaks. Compared with the centre's own atoms, every node stands
alone.

*Who recognises tests.* One node cannot. Two can ask whether their levels agree, which they do in a shared block: with
the strength s of that measurement the outcomes in operation and in tests have the distance s/2, but the contrast of a
test is left at :math:`\sqrt{1-s^2}`, and that is what tests see. Sizes must tell nothing either: if tests have the size
of the largest blocks only, a node may lie about all others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from qcn_open import (
    Attack,
    Cascade,
    FalseFrequency,
    FalseParity,
    Intermittent,
    Joint,
    MultiAngle,
    Oscillator,
    RandomBits,
    SequentialTest,
)
from qcn_open.figures import COLOURS, COLUMN_IN
from qcn_open.ledger import Claim
from qcn_open.security import FixedTest, WaldTest, divergence, fringe_factor, least_tests, run_attacked

RATE = 1e-3
FALSE_ALARM_RATE = 1e-6
NODES = 10
TIME_S = 0.3
CASCADE = Cascade((12, 9, 5, 3), nodes=NODES, uncorrelated=240)
LASERS = (Oscillator.from_linewidth(white=1.0),) * NODES
# Twice the quantile of the normal law at RATE.
QUANTILES = 2.0 * 3.0902323061678132
REFERENCES = ("centre of mass", "centre's atoms")


@dataclass(frozen=True)
class Config:
    parts: tuple[str, ...] = ("tests", "rates", "roc", "page", "bias", "harm", "variance", "several", "recognise")
    shifts: tuple[float, ...] = (0.1, 0.2, 0.4, 0.8)
    cheats: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 8)
    trials: int = 200_000
    runs: int = 100
    seed: int = 20145


SMOKE = Config(parts=("tests", "bias", "harm", "several", "recognise"), shifts=(0.8,), cheats=(6,))
FULL = Config(shifts=(0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8), cheats=(1, 2, 3, 4, 5, 6, 7, 8), runs=1000)
KEY = ("part", "case", "x")
BACKENDS = (Joint(), MultiAngle())

Row = dict[str, object]
# Attacks in the order of the documentation; shifts are those of the false frequency.
RANDOM, REVERSED, HONEST = (0.0, 0.0), (math.pi, 1.0), (0.0, 1.0)
PAGE: dict[str, Attack] = {
    "false frequency": FalseFrequency(0.1),
    "false parity, one in ten": FalseParity(0.1),
    "random bits": RandomBits(),
    "reversed bits": FalseParity(1.0),
    "random bits, one cycle in ten": Intermittent(RandomBits(), 0.1),
    "random bits, one cycle in 100": Intermittent(RandomBits(), 0.01),
}
TEST_ATOMS, TEST_CONTRAST = 8, 0.95


def rows(config: Config) -> pd.DataFrame:
    """One row for each part, case and value of x; intervals hold 95 %."""
    return pd.DataFrame([row for part in config.parts for row in PARTS[part](config)])


class Measured(NamedTuple):
    value: float
    low: float
    high: float


_NOT = Measured(math.nan, math.nan, math.nan)


def _row(
    part: str, case: str, x: float, computed: float = math.nan, *, theory: float = math.nan, measured: Measured = _NOT
) -> Row:
    return {
        "part": part,
        "case": case,
        "x": float(x),
        "theory": float(theory),
        "computed": float(computed),
        "measured": measured.value,
        "measured_low": measured.low,
        "measured_high": measured.high,
    }


def _rng(config: Config, part: str, *key: int) -> np.random.Generator:
    return np.random.default_rng([config.seed, *part.encode(), *key])


def _binomial(successes: float, trials: int) -> Measured:
    """Share of successes with the Clopper-Pearson interval."""
    from scipy.stats import beta

    low = beta.ppf(0.025, successes, trials - successes + 1) if successes else 0.0
    high = beta.ppf(0.975, successes + 1, trials - successes) if successes < trials else 1.0
    return Measured(successes / trials, float(low), float(high))


def _around(values: NDArray[np.float64] | NDArray[np.int64]) -> Measured:
    """Mean of independent values."""
    mean, width = float(np.mean(values)), 1.96 * float(np.std(values)) / math.sqrt(len(values))
    return Measured(mean, mean - width, mean + width)


def _tests(config: Config) -> Iterator[Row]:
    designs = [("shift", shift, (shift, 1.0)) for shift in config.shifts]
    designs += [("random bits", 0.0, RANDOM), ("reversed bits", 0.0, REVERSED)]
    for name, x, alternative in designs:
        small = QUANTILES**2 / x**2 if x else math.nan
        yield _row("tests", f"{name}, linear", x, least_tests(alternative, "linear"), theory=2.0 * small)
        yield _row("tests", f"{name}, likelihood", x, least_tests(alternative), theory=small)
        test = WaldTest(alternative, RATE, RATE)
        for cheats, node in ((True, alternative), (False, HONEST)):
            case = f"{name}, sequential, {'cheat' if cheats else 'honest'}"
            theory = test.wald_mean(cheats, test.overshoot(cheats))
            mean = test.exact(node)[1]
            # Equal work for every mean.
            trials = min(config.trials // 4, round(20 * config.trials / mean))
            _, lengths = test.sample(node, trials, _rng(config, case, round(100 * x)))
            yield _row("tests", case, x, mean, theory=theory, measured=_around(lengths))
            yield _row("tests", f"{case}, without overshoot", x, mean, theory=test.wald_mean(cheats))


def _rates(config: Config) -> Iterator[Row]:
    for name, alternative in (("shift 0.8", (0.8, 1.0)), ("random bits", RANDOM)):
        for statistic in ("linear", "likelihood"):
            fixed = FixedTest(least_tests(alternative, statistic), alternative, statistic)
            curve = fixed.roc()
            threshold = float(np.interp(-RATE, -curve.false_alarm, curve.threshold))
            for kind, node in (("false alarm", HONEST), ("miss", alternative)):
                case = f"{name}, {statistic}, {kind}"
                drawn = fixed.sample(node, config.trials, _rng(config, case))
                wrong = int(np.count_nonzero((drawn >= threshold) == (kind == "false alarm")))
                expected = RATE if kind == "false alarm" else curve.miss(RATE)
                yield _row("rates", case, fixed.tests, expected, measured=_binomial(wrong, config.trials))
        test = WaldTest(alternative, RATE, RATE)
        for kind, node in (("false alarm", HONEST), ("miss", alternative)):
            case = f"{name}, sequential, {kind}"
            accused, _ = test.sample(node, config.trials, _rng(config, case))
            wrong = int(np.count_nonzero(accused == (kind == "false alarm")))
            chance = test.exact(node)[0]
            computed = chance if kind == "false alarm" else 1.0 - chance
            yield _row("rates", case, 0.0, computed, theory=RATE, measured=_binomial(wrong, config.trials))


def _roc(config: Config) -> Iterator[Row]:
    for tests in (10, 20):
        for statistic in ("linear", "likelihood"):
            fixed = FixedTest(tests, RANDOM, statistic)
            curve = fixed.roc()
            case = f"{statistic}, {tests} tests"
            drawn = fixed.sample(RANDOM, config.trials, _rng(config, case))
            for false_alarm in 10.0 ** np.linspace(-4.0, 0.0, 17)[:-1]:
                threshold = float(np.interp(-false_alarm, -curve.false_alarm, curve.threshold))
                found = int(np.count_nonzero(drawn >= threshold))
                computed = 1.0 - curve.miss(float(false_alarm))
                yield _row("roc", case, false_alarm, computed, measured=_binomial(found, config.trials))


def _shown(attack: Attack, contrast: float) -> tuple[float, float]:
    factor = fringe_factor(attack, TEST_ATOMS, 1.0)
    return float(np.angle(factor)), contrast * abs(factor)


def _page(config: Config) -> Iterator[Row]:
    honest = (0.0, TEST_CONTRAST)
    for number, (name, attack) in enumerate(PAGE.items()):
        shown = _shown(attack, TEST_CONTRAST)
        test = SequentialTest((shown,), FALSE_ALARM_RATE, TEST_CONTRAST)
        drift = divergence(shown, honest)
        # Faint attacks take too long to be simulated.
        found = drift > 1e-3
        drawn = _around(test.sample(shown, config.trials // 20, _rng(config, "page", number))) if found else _NOT
        theory = test.threshold / drift
        yield _row("page", name, TEST_ATOMS, test.mean_tests(shown), theory=theory, measured=drawn)
    # How far the bound on the false alarms is on the safe side, where they are frequent enough to be counted.
    test = SequentialTest((_shown(RandomBits(), TEST_CONTRAST),), RATE, TEST_CONTRAST)
    drawn = _around(test.sample(honest, 1000, _rng(config, "page", 99)))
    mean = test.mean_tests(honest)
    yield _row("page", "honest, false alarms 1/1000", TEST_ATOMS, mean, theory=1.0 / RATE, measured=drawn)


def _idle() -> SequentialTest:
    """A test for runs in which nobody looks at the alarms."""
    return SequentialTest((RANDOM,), FALSE_ALARM_RATE)


def _bias(config: Config) -> Iterator[Row]:
    for number, offset in enumerate((0.05, 0.2)):
        attacks = {3: FalseFrequency(offset / TIME_S)}
        rng = _rng(config, "bias", number)
        means = []
        for child in rng.spawn(20):
            record = run_attacked(CASCADE, LASERS, TIME_S, 2200, child, attacks=attacks, test=_idle(), test_rate=0.0)
            honest = np.delete(record.phases, 3, axis=0).mean(axis=0)
            means.append(honest[200:].mean())
        yield _row("bias", "honest nodes", offset, theory=offset / NODES, measured=_around(np.array(means)))


def _own_error(config: Config) -> float:
    """Root mean square error (rad) of the estimate of the centre of mass."""
    record = run_attacked(CASCADE, LASERS, TIME_S, 20_000, _rng(config, "own"), attacks={}, test=_idle(), test_rate=0.0)
    return float(np.sqrt(np.mean((record.common - record.phases.mean(axis=0)) ** 2)))


def _harm(config: Config) -> Iterator[Row]:
    error = _own_error(config)
    for rate in (1.0, 0.1):
        for offset in (0.02, 0.05, 0.1):
            shift = -TEST_ATOMS * (1.0 - 1.0 / NODES) * offset
            alternatives = ((shift, TEST_CONTRAST), (-shift, TEST_CONTRAST), RANDOM)
            test = SequentialTest(alternatives, FALSE_ALARM_RATE, TEST_CONTRAST)
            tests = test.sample((shift, TEST_CONTRAST), 2000, _rng(config, "harm", round(1000 * offset)))
            scale = offset / NODES / error
            cycles = _around(np.sqrt(tests / rate) * scale)
            drift = divergence((shift, TEST_CONTRAST), (0.0, TEST_CONTRAST))
            theory = math.sqrt(test.threshold / drift / rate) * scale
            yield _row("harm", f"{rate:g} tests a cycle", offset, theory=theory, measured=cycles)


def _variance(config: Config) -> Iterator[Row]:
    for activity in (0.0, 0.01, 0.1, 1.0):
        attacks: dict[int, Attack] = {3: Intermittent(RandomBits(), activity)}
        rng = _rng(config, "variance", round(1000 * activity))
        record = run_attacked(CASCADE, LASERS, TIME_S, 40_000, rng, attacks=attacks, test=_idle(), test_rate=0.0)
        squares = ((record.common - record.phases.mean(axis=0)) ** 2).reshape(40, -1).mean(axis=1)
        yield _row("variance", "random bits", activity, measured=_around(squares))


SEVERAL: dict[str, Attack] = {
    "false frequency": FalseFrequency(0.2 / TIME_S),
    "random bits": RandomBits(),
    "reversed bits": FalseParity(1.0),
}


def _several(config: Config) -> Iterator[Row]:
    against = [FalseFrequency(0.1 / TIME_S), FalseFrequency(-0.1 / TIME_S), RandomBits(), FalseParity(1.0)]
    test = SequentialTest.against(against, 1e-5, interrogation_time=TIME_S, contrast=0.9, atoms=4)
    for number, (name, attack) in enumerate(SEVERAL.items()):
        for cheats in config.cheats:
            guilty = np.arange(1, cheats + 1)
            attacks = dict.fromkeys(guilty.tolist(), attack)
            right = np.zeros((len(REFERENCES), config.runs))
            for run, child in enumerate(_rng(config, "several", number, cheats).spawn(config.runs)):
                record = run_attacked(CASCADE, LASERS, TIME_S, 300, child, attacks=attacks, test=test, own_error=0.06)
                for compared, alarms in enumerate(record.alarms):
                    given = alarms[alarms >= 0]
                    first = np.flatnonzero(alarms == given.min()) if given.size else np.array([0])
                    right[compared, run] = np.isin(first, guilty).mean()
            for reference, shares in zip(REFERENCES, right, strict=True):
                found = _binomial(float(shares.sum()), config.runs)
                yield _row("several", f"{name}, {reference}", cheats, measured=found)


def _recognise(config: Config) -> Iterator[Row]:
    for strength in (0.0, 0.25, 0.5, 0.75, 1.0):
        distance, contrast = _gentle(strength)
        yield _row("recognise", "trace distance of outcomes", strength, distance, theory=0.5 * strength)
        yield _row("recognise", "contrast left to a test", strength, contrast, theory=math.sqrt(1.0 - strength**2))
    yield _row("recognise", "trace distance, one node", 0.0, _one_node_distance(), theory=0.0)
    blocks = np.array(CASCADE.copies)
    for case, tests in (
        ("as often as blocks", blocks / blocks.sum()),
        ("of the largest size", np.eye(len(blocks))[-1]),
    ):
        for level, chance in enumerate(tests / (tests + blocks)):
            yield _row("recognise", f"chance of a test, {case}", level, float(chance))


def _gentle(strength: float) -> tuple[float, float]:
    """What two nodes learn from measuring whether their levels agree, and what that leaves of a test, from matrices.

    In operation their qubits are two of a shared GHZ state of three, in a test two with secret phases of their own.
    """
    agree = np.diag([1.0, 0.0, 0.0, 1.0])
    better, worse = math.sqrt(0.5 * (1.0 + strength)), math.sqrt(0.5 * (1.0 - strength))
    kraus = [better * agree + worse * (np.eye(4) - agree), worse * agree + better * (np.eye(4) - agree)]
    shared = np.zeros(8)
    shared[[0, 7]] = math.sqrt(0.5)
    reduced = np.einsum("ax,bx->ab", shared.reshape(4, 2), shared.reshape(4, 2))
    tested = np.eye(4) / 4.0
    outcomes = np.array([[np.trace(k @ state @ k) for k in kraus] for state in (reduced, tested)])
    qubit = np.full(2, math.sqrt(0.5))
    known = np.kron(np.outer(qubit, qubit), np.outer(qubit, qubit))
    after = sum(k @ known @ k for k in kraus)
    first = np.kron(np.array([[0.0, 1.0], [1.0, 0.0]]), np.eye(2))
    distance = 0.5 * float(np.abs(outcomes[0] - outcomes[1]).sum())
    return distance, float(np.trace(first @ after))


def _one_node_distance() -> float:
    """Trace distance of one node's share of a GHZ state of three from a test qubit of unknown phase."""
    shared = np.zeros(8)
    shared[[0, 7]] = math.sqrt(0.5)
    reduced = np.einsum("ax,bx->ab", shared.reshape(2, 4), shared.reshape(2, 4))
    phases = np.exp(2j * math.pi * np.arange(16) / 16)
    tests = [np.outer(qubit, qubit.conj()) for qubit in np.stack([np.ones(16), phases], axis=1) / math.sqrt(2.0)]
    return 0.5 * float(np.abs(np.linalg.eigvalsh(np.mean(tests, axis=0) - reduced)).sum())


PARTS: dict[str, Callable[[Config], Iterator[Row]]] = {
    "tests": _tests,
    "rates": _rates,
    "roc": _roc,
    "page": _page,
    "bias": _bias,
    "harm": _harm,
    "variance": _variance,
    "several": _several,
    "recognise": _recognise,
}


def _entry(part: str, case: str, x: float, column: str = "computed") -> Callable[[pd.DataFrame], float]:
    """A function of the table: one entry."""

    def entry(table: pd.DataFrame) -> float:
        found = table[(table["part"] == part) & (table["case"] == case) & np.isclose(table["x"], x)]
        return float(found[column].iloc[0])

    return entry


def _times_square(case: str) -> Callable[[pd.DataFrame], float]:
    """Tests times the square of the shift, at the smallest shift of the table."""

    def scaled(table: pd.DataFrame) -> float:
        row = table[(table["part"] == "tests") & (table["case"] == case)].iloc[0]
        return float(row["computed"] * row["x"] ** 2)

    return scaled


def _outside(table: pd.DataFrame) -> float:
    """Share of measured error rates and points of ROC curves whose 95 % interval misses the enumeration."""
    rates = table[table["part"].isin(["rates", "roc"])]
    inside = (rates["measured_low"] <= rates["computed"]) & (rates["computed"] <= rates["measured_high"])
    return 1.0 - float(inside.mean())


NUMBERS = {
    "linear_times_square": _times_square("shift, linear"),
    "likelihood_times_square": _times_square("shift, likelihood"),
    "sequential_times_square": _times_square("shift, sequential, cheat"),
    "random_linear": _entry("tests", "random bits, linear", 0.0),
    "random_likelihood": _entry("tests", "random bits, likelihood", 0.0),
    "random_sequential": _entry("tests", "random bits, sequential, cheat", 0.0),
    "random_wald": _entry("tests", "random bits, sequential, cheat, without overshoot", 0.0, "theory"),
    "outside_share": _outside,
    "page_rare": _entry("page", "random bits, one cycle in 100", TEST_ATOMS),
    "harm_each_cycle": _entry("harm", "1 tests a cycle", 0.05, "measured"),
    "harm_tenth": _entry("harm", "0.1 tests a cycle", 0.05, "measured"),
    "variance_honest_rad2": _entry("variance", "random bits", 0.0, "measured"),
    "variance_rare_rad2": _entry("variance", "random bits", 0.01, "measured"),
    "right_one": _entry("several", "false frequency, centre of mass", 1, "measured"),
    "right_six": _entry("several", "false frequency, centre of mass", 6, "measured"),
    "right_six_centre": _entry("several", "false frequency, centre's atoms", 6, "measured"),
}
CLAIMS = (
    Claim(
        id="sabotage-found-rapidly",
        where="Security, sabotage",
        claim="Test qubits with a secret phase let the centre rapidly and reliably find out whether a node operates "
        "properly.",
        paper_value="rapidly and reliably",
        compute=_entry("tests", "random bits, linear", 0.0),
        supports=(58.0, 58.0),
        verdict="holds for gross attacks; not for faint or rare ones",
        reason="Tests that find random bits at error rates of 10⁻³ and V = 1; {random_likelihood:.0f} with the "
        "likelihood ratio, {random_sequential:.1f} on average with a sequential test. A shift θ "
        "takes {linear_times_square:.1f}/θ², {likelihood_times_square:.1f}/θ² and {sequential_times_square:.1f}/θ². "
        "Random bits in one cycle of 100 take {page_rare:.2g} tests.",
    ),
    Claim(
        id="sabotage-several-break-down",
        where="Security, sabotage",
        claim="The tests break down if several attacks happen within a short time.",
        paper_value="breaks down",
        compute=_entry("several", "false frequency, centre of mass", 6, "measured"),
        supports=(0.0, 0.2),
        verdict="holds for comparison with the centre of mass; not for comparison with the centre's own atoms",
        reason="Share of runs in which the first alarm names a cheat if 6 of 10 nodes send light that is off alike; "
        "one alone {right_one:.2f}. Compared with atoms of its own, the centre names a cheat in "
        "{right_six_centre:.2f} of the runs.",
    ),
)


def _tests_table(table: pd.DataFrame) -> pd.DataFrame:
    found = []
    for name, x in (("shift", 0.2), ("random bits", 0.0), ("reversed bits", 0.0)):
        number = {
            kind: _entry("tests", f"{name}, {kind}", x)(table)
            for kind in ("linear", "likelihood", "sequential, cheat", "sequential, honest")
        }
        found.append(
            {
                "attack": f"shift {x:g} rad" if x else name,
                "linear": f"{number['linear']:.0f}",
                "likelihood": f"{number['likelihood']:.0f}",
                "sequential: cheat": f"{number['sequential, cheat']:.1f}",
                "honest": f"{number['sequential, honest']:.1f}",
            }
        )
    return pd.DataFrame(found)


TABLES = {"tests": _tests_table}


def figure(table: pd.DataFrame) -> Figure:
    """Tests against the shift; receiver operating characteristics; right accusations against the number of cheats."""
    figure = Figure(figsize=(COLUMN_IN, 6.4))
    top, middle, bottom = figure.subplots(3, 1)
    shifts = np.geomspace(0.08, 1.0, 50)
    laws = {"linear": 2.0 * QUANTILES**2, "likelihood": QUANTILES**2, "sequential, cheat": 2.0 * math.log(1.0 / RATE)}
    for (kind, law), colour in zip(laws.items(), ("vermilion", "blue", "green"), strict=True):
        points = table[(table["part"] == "tests") & (table["case"] == f"shift, {kind}")]
        top.plot(shifts, law / shifts**2, color=COLOURS[colour], lw=0.9)
        top.plot(points["x"], points["computed"], "o", mfc="white", mec=COLOURS[colour], ms=3.5)
    top.set(xscale="log", yscale="log", xlim=(0.08, 1.0), ylim=(10, 2e4))
    top.set_xticks([0.1, 0.2, 0.5, 1.0], ["0.1", "0.2", "0.5", "1"])
    top.set(xlabel=r"shift $\theta$ (rad)", ylabel=r"tests for error rates $10^{-3}$")
    top.text(0.46, 8000, "linear", color=COLOURS["vermilion"])
    top.text(0.46, 4000, "likelihood ratio", color=COLOURS["blue"])
    top.text(0.46, 2000, "sequential, mean", color=COLOURS["green"])
    for statistic, colour in (("linear", "vermilion"), ("likelihood", "blue")):
        for tests, dash in ((10, (0, (4, 1.5))), (20, "-")):
            curve = table[(table["part"] == "roc") & (table["case"] == f"{statistic}, {tests} tests")]
            middle.plot(curve["x"], curve["computed"], color=COLOURS[colour], lw=0.9, ls=dash)
            middle.plot(curve["x"], curve["measured"], "o", mfc="white", mec=COLOURS[colour], ms=3)
    middle.set(xscale="log", xlim=(1e-4, 1.0), ylim=(0.0, 1.03))
    middle.set(xlabel="false alarms", ylabel="random bits found")
    middle.text(3e-2, 0.12, "solid: 20 tests\ndashed: 10 tests")
    middle.text(1.3e-4, 0.94, "likelihood ratio", color=COLOURS["blue"])
    middle.text(2.2e-3, 0.30, "linear", color=COLOURS["vermilion"])
    for name, colour in (("false frequency", "vermilion"), ("random bits", "blue"), ("reversed bits", "green")):
        curve = table[(table["part"] == "several") & (table["case"] == f"{name}, {REFERENCES[0]}")]
        bottom.plot(curve["x"], curve["measured"], "o-", lw=0.9, color=COLOURS[colour], mfc="white", ms=3.5)
    curve = table[(table["part"] == "several") & (table["case"] == f"false frequency, {REFERENCES[1]}")]
    bottom.plot(curve["x"], curve["measured"], "s--", lw=0.9, color=COLOURS["black"], ms=3)
    bottom.text(6.3, 0.12, "false frequency", color=COLOURS["vermilion"])
    bottom.text(6.4, 0.68, "reversed bits", color=COLOURS["green"])
    bottom.text(1.0, 0.84, "random bits", color=COLOURS["blue"])
    bottom.text(1.0, 1.04, "any, compared with the centre's own atoms")
    bottom.set(xlim=(0.5, 9.0), ylim=(-0.03, 1.15), xlabel="nodes of 10 that cheat", ylabel="first alarm names a cheat")
    return figure
