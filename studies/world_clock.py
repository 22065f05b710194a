r"""How good is a clock that everyone has at once, compared with a paper clock that is known later?

The paper (*Outlook*) has it that "all participants have access to the ultra-stable signal at any time", unlike those of
a paper clock, whose signals are averaged and communicated with a delay; that systematic errors can so be measured in
real time; and that the stability of the signal allows longer Ramsey times in the measurements that do so. Two worlds
of ``NODES`` strontium clocks with equal lasers and cycles are simulated in closed loop: in one of them the nodes share
a cascade, and each keeps ``CONTROL`` atoms for control measurements; in the other one every node uses as many atoms for
a clock of its own, and the mean of their records is the paper clock.

*The scale that a user has.* Let a reference have the white record noise :math:`\sigma_y^2 = a^2/\tau`, be known after
the delay D, and be extrapolated over the last D with an oscillator of noise :math:`b^2/\tau` that it contains with the
best weight. The time that the user reads is wrong by the reference's error and by a stationary one, of variance
:math:`v = (b^2-a^2)D` and correlated over D,

.. math:: \sigma_y^2 = \frac{a^2}{\tau} + \frac{3R_0 - 4R_\tau + R_{2\tau}}{\tau^2}, \qquad
          R_s = (b^2-a^2)\,(D-s)_+ ,

:math:`a^2/\tau + 3v/\tau^2` from :math:`\tau = D` on. In the network D is one cycle, and the steered laser of the node
is what extrapolates. For the paper clock D is what its formation takes, and the node's own record extrapolates.
A clock on its own is its own reference, and extrapolates with its laser.

*A shift of one node* by s rad a cycle. In the network, its control atoms are interrogated for m cycles by the light of
the network, and read at mid-fringe of what the network predicts: :math:`\sin ms` is measured with the variance
:math:`1/(n_cV^2) + m\langle e^2\rangle`, with e the error of the network's record and V the contrast left by the
atoms' linewidth. The ``difference`` is that of control atoms at two nodes, from which e cancels: variance
:math:`2/(n_cV^2)`. On the paper the record of the node is compared with the mean, which has 1/K of the shift and of the
noise: :math:`(1-1/K)s` with :math:`(1-1/K)\langle e_j^2\rangle` a cycle; the answer comes D later still. A test of
fixed size needs :math:`(z_\alpha+z_\beta)^2` times variance over signal squared measurements; a sequential
likelihood-ratio test fewer on average, by Wald's law a little less than what is simulated, for it charges nothing for
the last measurement. A shift of the atoms that are in the cascade, too, would move the network by 1/K of it.

*How long may control atoms be interrogated?* The phase of the light is known to :math:`m\langle e^2\rangle` after m
cycles: that of the network for longer than that of a clock of one node by the ratio of the variances of their records.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from qcn_open import Cascade, Dephasing, Oscillator, Plan, overlapping_adev, run_clock, run_nodes
from qcn_open.figures import COLOURS, COLUMN_IN
from qcn_open.ledger import Claim

NODES = 10
FREQUENCY_HZ = 429e12
LINEWIDTH = Dephasing(2.0 * math.pi * 1e-3)
LASER = Oscillator.from_linewidth(white=1.0)
TIME_S = 0.3
GAIN = 0.1
# In the network 98 atoms of each node are in the cascade and 20 are for control; on its own it has all 118 for a clock.
SHARED = Cascade((12, 9, 5, 3), nodes=NODES, uncorrelated=240)
OWN = Cascade((16, 9, 7, 7))
CONTROL = 20
# Fractional shifts that are simulated, small enough for m cycles, large enough for many tests; one that is spoken of.
SHIFTS = {"network": 3e-18, "difference": 3e-18, "paper": 1e-17}
SPOKEN_OF = 1e-18
# False alarms and misses.
ERROR_RATE = 0.01
PAPER_DELAY_S = 10.0 * 86400.0
# The phase of the light (rad rms) up to which control atoms are still read near mid-fringe.
READABLE = 0.5


@dataclass(frozen=True)
class Config:
    clocks: tuple[str, ...] = ("network", "local", "paper")
    delays_cycles: tuple[int, ...] = (100, 1000, 10_000)
    control_cycles: tuple[int, ...] = (3, 10, 30, 100)
    # Fresh control atoms for each of so many passes over the record of the network.
    passes: int = 50
    cycles: int = 200_000
    seed: int = 20145


SMOKE = Config(clocks=("network", "local"), control_cycles=(100,))
FULL = Config(control_cycles=(3, 5, 10, 20, 30, 50, 100), cycles=4_000_000)
KEY = ("quantity", "clock", "delay_s", "ramsey_s", "tau_s")
BACKENDS = (SHARED.estimator, OWN.estimator)


def rows(config: Config) -> pd.DataFrame:
    """One row for each quantity, clock, delay, Ramsey time and averaging time or duration of the test."""
    found: list[dict[str, object]] = []
    if "network" in config.clocks:
        plan = Plan(TIME_S, SHARED.decohered(LINEWIDTH, TIME_S), gain=GAIN)
        run = run_nodes(plan, [LASER] * NODES, [1] * NODES, config.cycles, np.random.default_rng([config.seed, 0]))
        # Without link noise the errors of all nodes are equal.
        errors = run.errors[0]
        found += _variance("network", errors)
        found += _scale("network", 1, errors, errors, run.phases[0])
        for cycles in config.control_cycles:
            found += _control("network", cycles, errors, config)
            found += _control("difference", cycles, errors, config)
            found += _light("network", cycles, errors)
    own = _own(config, NODES if "paper" in config.clocks else 1)
    if "local" in config.clocks:
        errors, phases = own[0]
        found += _variance("local", errors)
        found += _scale("local", 1, errors, errors, phases)
        for cycles in config.control_cycles:
            found += _light("local", cycles, errors)
    if "paper" in config.clocks:
        mean = np.mean([errors for errors, _ in own], axis=0)
        found += _variance("paper", mean)
        for delay in config.delays_cycles:
            found += _scale("paper", delay, mean, *own[0])
        found += _comparison(np.array([errors - mean for errors, _ in own]))
    return pd.DataFrame(found)


def _own(config: Config, nodes: int) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Errors of the records of clocks on their own, and phases of their steered lasers, rad."""
    plan = Plan(TIME_S, OWN.decohered(LINEWIDTH, TIME_S), gain=GAIN)
    records = [
        run_clock(plan, LASER, config.cycles, np.random.default_rng([config.seed, 1, node])) for node in range(nodes)
    ]
    return [(record.errors[0], record.phases[0]) for record in records]


def _row(
    quantity: str,
    clock: str,
    value: float,
    interval: tuple[float, float],
    theory: float,
    *,
    delay_s: float = 0.0,
    ramsey_s: float = TIME_S,
    tau_s: float = TIME_S,
    shift: float = 0.0,
) -> dict[str, object]:
    return {
        "quantity": quantity,
        "clock": clock,
        "delay_s": delay_s,
        "ramsey_s": ramsey_s,
        "tau_s": tau_s,
        "shift": shift,
        "simulated": value,
        "simulated_low": interval[0],
        "simulated_high": interval[1],
        "theory": theory,
    }


def _variance(clock: str, errors: NDArray[np.float64]) -> Iterator[dict[str, object]]:
    """Mean square error of a record, rad^2 a cycle."""
    squares = errors**2
    mean, margin = float(squares.mean()), 1.96 * float(squares.std()) / math.sqrt(squares.size)
    yield _row("record_variance_rad2", clock, mean, (mean - margin, mean + margin), math.nan)


def _light(clock: str, cycles: int, errors: NDArray[np.float64]) -> Iterator[dict[str, object]]:
    """Variance of the phase of the light over so many cycles, once the records are taken off it."""
    sums = _sums(errors, cycles)
    variance, margin = float(sums.var()), 1.96 * math.sqrt(2.0 / sums.size)
    interval = variance * (1.0 - margin), variance * (1.0 + margin)
    expected = cycles * float(np.mean(errors**2))
    yield _row("light_variance_rad2", clock, variance, interval, expected, ramsey_s=cycles * TIME_S)


def _sums(errors: NDArray[np.float64], cycles: int) -> NDArray[np.float64]:
    return np.asarray(errors[: errors.size // cycles * cycles].reshape(-1, cycles).sum(axis=1))


def _scale(
    clock: str,
    delay: int,
    reference: NDArray[np.float64],
    errors: NDArray[np.float64],
    phases: NDArray[np.float64],
) -> Iterator[dict[str, object]]:
    """Stability of the scale that a user has: the reference until `delay` cycles ago, the own record, the laser."""
    cycles = errors.size
    known, own = (np.concatenate([np.zeros(1), -np.cumsum(values)]) for values in (reference, errors))
    at = np.arange(delay, cycles)
    # Phase of the scale at the end of cycle `at`, whose own estimate is still to come.
    phase = known[at + 1 - delay] + own[at] - own[at + 1 - delay] + phases[at]
    y = np.diff(phase) / (2.0 * math.pi * FREQUENCY_HZ * TIME_S)
    factors = 2 ** np.arange(int(math.log2(cycles // 8)) + 1)
    deviations = overlapping_adev(y, 1.0 / TIME_S, (TIME_S * factors).tolist())
    variances = [float(np.mean(values**2)) for values in (reference, errors)]
    for factor, (_, point) in zip(factors.tolist(), deviations.iterrows(), strict=True):
        tau = TIME_S * factor
        yield _row(
            "sigma_y",
            clock,
            float(point["sigma_y"]),
            (float(point["sigma_y_low"]), float(point["sigma_y_high"])),
            _law(tau, delay * TIME_S, *variances),
            delay_s=delay * TIME_S,
            tau_s=tau,
        )


def _law(tau_s: float, delay_s: float, reference_rad2: float, own_rad2: float) -> float:
    """The same from the mean square errors of the records."""
    slope = (own_rad2 - reference_rad2) / TIME_S

    def covariance(lag_s: float) -> float:
        return slope * max(delay_s - TIME_S - lag_s, 0.0) + _steered(lag_s)

    wander = 3.0 * covariance(0.0) - 4.0 * covariance(tau_s) + covariance(2.0 * tau_s)
    square = reference_rad2 / (TIME_S * tau_s) + wander / tau_s**2
    return math.sqrt(square) / (2.0 * math.pi * FREQUENCY_HZ)


def _steered(lag_s: float) -> float:
    """Covariance (rad^2) of the phases of a steered laser of white noise, its measurement errors left out."""
    if lag_s == 0.0:
        return LASER.phase_variance(TIME_S, gain=GAIN)
    left = math.exp((lag_s / TIME_S - 1.0) * math.log1p(-GAIN))
    return -0.5 * LASER.white * TIME_S * GAIN / (2.0 - GAIN) * left


def _control(way: str, cycles: int, errors: NDArray[np.float64], config: Config) -> list[dict[str, object]]:
    """Tests of a node with its control atoms on the light of the network."""
    rng = np.random.default_rng([config.seed, 2, cycles, int(way == "difference")])
    light = _sums(errors, cycles)
    contrast, phase = _contrast(cycles), cycles * _step(SHIFTS[way])

    def read(shift: float) -> NDArray[np.float64]:
        chance = 0.5 * (1.0 + contrast * np.sin(shift - np.tile(light, config.passes)))
        return np.asarray((2.0 * rng.binomial(CONTROL, chance) / CONTROL - 1.0) / contrast)

    shifted, unshifted = read(phase), read(0.0)
    if way == "difference":
        shifted, unshifted = shifted - read(0.0), unshifted - read(0.0)
    variance = _noise(way, cycles, float(np.mean(errors**2)))
    return _tested(way, shifted, unshifted, math.sin(phase), variance, cycles)


def _comparison(errors: NDArray[np.float64]) -> list[dict[str, object]]:
    """Tests of each node with its record less the mean of all, shape (nodes, cycles)."""
    signal = (1.0 - 1.0 / NODES) * _step(SHIFTS["paper"])
    noise = -errors.ravel()
    return _tested("paper", noise + signal, noise, signal, float(np.mean(errors**2)), 1)


def _step(shift: float) -> float:
    """Phase (rad) that a fractional shift makes in a cycle."""
    return 2.0 * math.pi * FREQUENCY_HZ * shift * TIME_S


def _contrast(cycles: float) -> float:
    """What the linewidth leaves to a control atom."""
    return math.exp(-0.5 * LINEWIDTH.rate * cycles * TIME_S)


def _noise(way: str, cycles: float, record_rad2: float) -> float:
    """Variance of one control measurement, rad^2."""
    atoms = 1.0 / (CONTROL * _contrast(cycles) ** 2)
    return 2.0 * atoms if way == "difference" else atoms + cycles * record_rad2


def _tested(
    clock: str,
    shifted: NDArray[np.float64],
    unshifted: NDArray[np.float64],
    signal: float,
    variance: float,
    cycles: int,
) -> list[dict[str, object]]:
    """Error rates of a test of fixed size and of a sequential one, and how long the latter takes with the shift."""
    normal = NormalDist()
    number = math.ceil((2.0 * normal.inv_cdf(1.0 - ERROR_RATE)) ** 2 * variance / signal**2)
    measurement_s = cycles * TIME_S
    key = {"ramsey_s": measurement_s, "tau_s": number * measurement_s, "shift": SHIFTS[clock]}
    expected = normal.cdf(-0.5 * signal * math.sqrt(number / variance))
    found = []
    for quantity, values, wrong_above in (("false_alarm_rate", unshifted, True), ("miss_rate", shifted, False)):
        means = values[: values.size // number * number].reshape(-1, number).mean(axis=1)
        wrong = int(np.count_nonzero((means > 0.5 * signal) == wrong_above))
        found.append(_row(quantity, clock, wrong / means.size, _interval(wrong, means.size), expected, **key))
    times, misses = _sequential(shifted, signal, variance)
    mean, margin = float(times.mean()), 1.96 * float(times.std(ddof=1)) / math.sqrt(times.size)
    limit = math.log((1.0 - ERROR_RATE) / ERROR_RATE)
    steps = (1.0 - 2.0 * ERROR_RATE) * limit * 2.0 * variance / signal**2
    interval = (measurement_s * (mean - margin), measurement_s * (mean + margin))
    found.append(_row("sequential_time_s", clock, measurement_s * mean, interval, measurement_s * steps, **key))
    missed = _interval(misses, times.size)
    found.append(_row("sequential_miss_rate", clock, misses / times.size, missed, ERROR_RATE, **key))
    return found


def _sequential(values: NDArray[np.float64], signal: float, variance: float) -> tuple[NDArray[np.int64], int]:
    """Measurements to the decision of one likelihood-ratio test after the other, and how many miss the shift."""
    limit = math.log((1.0 - ERROR_RATE) / ERROR_RATE)
    total, last, misses = 0.0, -1, 0
    times = []
    for number, gained in enumerate((signal / variance * (values - 0.5 * signal)).tolist()):
        total += gained
        if abs(total) >= limit:
            times.append(number - last)
            misses += int(total < 0.0)
            total, last = 0.0, number
    return np.array(times), misses


def _interval(successes: int, trials: int) -> tuple[float, float]:
    """Clopper and Pearson's, 95 %."""
    from scipy.stats import binomtest

    found = binomtest(successes, trials).proportion_ci(0.95, method="exact")
    return float(found.low), float(found.high)


def _record(table: pd.DataFrame, clock: str) -> float:
    rows = table[(table["quantity"] == "record_variance_rad2") & (table["clock"] == clock)]
    return float(rows["simulated"].iloc[0])


def _user(table: pd.DataFrame, clock: str, tau_s: float, delay_s: float = TIME_S) -> float:
    """sigma_y of the scale that a user has."""
    own = _record(table, "network" if clock == "network" else "local")
    return _law(tau_s, delay_s, own if clock in ("network", "local") else _record(table, clock), own)


def _catches_up(table: pd.DataFrame, clock: str, delay_s: float = TIME_S) -> float:
    """Averaging time (s) from which on the user's scale has half of its variance from the reference."""
    laser = LASER.phase_variance(TIME_S, gain=GAIN)
    reference = _record(table, clock) / TIME_S
    own = _record(table, "network" if clock == "network" else "local") / TIME_S
    return 3.0 * (laser + (own - reference) * (delay_s - TIME_S)) / reference


def _gain(tau_s: float) -> Callable[[pd.DataFrame], float]:
    """How much more stable the network's scale is than the better one of own clock and late paper clock."""

    def gain(table: pd.DataFrame) -> float:
        late = min(_user(table, "local", tau_s), _user(table, "paper", tau_s, PAPER_DELAY_S))
        return late / _user(table, "network", tau_s)

    return gain


def _duration(table: pd.DataFrame, way: str, cycles: float = 1.0, shift: float = SPOKEN_OF) -> float:
    """Time (s) over which the test of fixed size gathers its data."""
    factor, step = TIME_S * (2.0 * NormalDist().inv_cdf(1.0 - ERROR_RATE)) ** 2, _step(shift)
    if way == "paper":
        return factor * _record(table, "local") / ((1.0 - 1.0 / NODES) * step**2)
    return factor * cycles * _noise(way, cycles, _record(table, "network")) / math.sin(cycles * step) ** 2


def _best(way: str, shift: float = SPOKEN_OF) -> Callable[[pd.DataFrame], float]:
    """The same at the Ramsey time that is best for small shifts, the inverse linewidth of the atoms."""
    return lambda table: _duration(table, way, 1.0 / (LINEWIDTH.rate * TIME_S), shift)


def _longest_ramsey(clock: str) -> Callable[[pd.DataFrame], float]:
    """Ramsey time (s) over which the phase of the light stays readable."""
    return lambda table: READABLE**2 * TIME_S / _record(table, clock)


def _least_shift_day(table: pd.DataFrame) -> float:
    """Fractional shift that a test of fixed size finds within a day on the light of the network."""
    small = 1e-3 * SPOKEN_OF
    return small * math.sqrt(_best("network", small)(table) / 86400.0)


NUMBERS = {
    "readable_rad": lambda table: READABLE,
    "network_catches_up_s": lambda table: _catches_up(table, "network"),
    "paper_catches_up_days": lambda table: _catches_up(table, "paper", PAPER_DELAY_S) / 86400.0,
    "delay_days": lambda table: PAPER_DELAY_S / 86400.0,
    "network_test_s": _best("network"),
    "difference_test_s": _best("difference"),
    "short_test_s": lambda table: _duration(table, "network"),
    "paper_test_s": lambda table: _duration(table, "paper"),
    "linewidth_ramsey_s": lambda table: 1.0 / LINEWIDTH.rate,
    "network_ramsey_s": _longest_ramsey("network"),
    "local_ramsey_s": _longest_ramsey("local"),
    "record_gain": lambda table: math.sqrt(_record(table, "paper") / _record(table, "network")),
    "network_least_shift_day": _least_shift_day,
}
CLAIMS = (
    Claim(
        id="world-clock-at-once",
        where="Outlook, real time",
        claim="All participants have access to the ultra-stable signal at any time, unlike with a paper clock.",
        paper_value="at any time",
        compute=_gain(86400.0),
        supports=(5.0, 100.0),
        verdict="holds, up to the laser's noise of one cycle",
        reason="Gain in σ_y at τ = 1 day of the scale that a user has at once, over the better one of the own clock "
        "and a paper clock that comes {delay_days:.0f} days late. The signal at hand has in addition the noise of the "
        "node's laser in the current cycle, the larger part up to τ = {network_catches_up_s:.3g} s; with the paper "
        "clock the delay is the larger part up to {paper_catches_up_days:.0f} days.",
    ),
    Claim(
        id="systematics-in-real-time",
        where="Outlook, real time",
        claim="Systematic errors of single clocks can be measured in real time, unlike with a paper clock.",
        paper_value="in real time",
        compute=lambda table: PAPER_DELAY_S / _best("network")(table),
        supports=(50.0, 1000.0),
        verdict="holds",
        reason="Delay of the paper clock, {delay_days:.0f} days, over the time to tell a shift of 1e-18 with 1 % false "
        "alarms and misses, {network_test_s:.3g} s with 20 control atoms on the network's light; a comparison of two "
        "nodes on that light takes {difference_test_s:.3g} s. The records of the paper clock, from all atoms of the "
        "node, need {paper_test_s:.3g} s before they are delayed: less than control atoms at the Ramsey time 0.3/γ_LO, "
        "which need {short_test_s:.3g} s.",
    ),
    Claim(
        id="longer-control-ramsey",
        where="Outlook, real time",
        claim="The stability of the network's signal allows longer Ramsey times in the control measurements.",
        paper_value="longer",
        compute=lambda table: _record(table, "local") / _record(table, "network"),
        supports=(20.0, 60.0),
        verdict="holds up to the coherence time of the control atoms",
        reason="Ratio of the Ramsey times over which the light is known to {readable_rad:.1f} rad: "
        "{network_ramsey_s:.3g} s in the network, {local_ramsey_s:.3g} s with a clock of the node's own; control atoms "
        "of 1 mHz are best interrogated for {linewidth_ramsey_s:.3g} s.",
    ),
)


def figure(table: pd.DataFrame) -> Figure:
    """The scale that a user has against averaging time, and the time to find a shift against the Ramsey time."""
    figure = Figure(figsize=(COLUMN_IN, 4.4))
    scale, shift = figure.subplots(2, 1)
    points = table[table["quantity"] == "sigma_y"]
    ends = []
    for (clock, delay_s), curve in points.groupby(["clock", "delay_s"], sort=False):
        colour, tau, fs = COLOURS[_COLOURS[str(clock)]], curve["tau_s"], 1e15 * curve["tau_s"]
        scale.plot(tau, fs * curve["theory"], color=colour, lw=0.8)
        bars = [curve["simulated"] - curve["simulated_low"], curve["simulated_high"] - curve["simulated"]]
        scale.errorbar(tau, fs * curve["simulated"], [fs * bar for bar in bars], fmt="o", ms=2, lw=0.6, color=colour)
        label = f"paper, {delay_s:g} s late" if clock == "paper" else {"local": "own clock"}.get(str(clock), clock)
        ends.append((float((fs * curve["theory"]).iloc[-1]), str(label), colour))
    for height, label, colour in ends:
        scale.text(7e3, height, label, color=colour, va="center")
    scale.set(xscale="log", yscale="log", xlim=(0.2, 8e5), ylim=(0.28, 6.0))
    scale.set_xticks([1.0, 10.0, 100.0, 1000.0])
    scale.set_yticks([0.5, 1.0, 2.0, 5.0], ["0.5", "1", "2", "5"])
    scale.minorticks_off()
    scale.set(xlabel=r"averaging time $\tau$ (s)", ylabel=r"$\tau\,\sigma_y$ of the scale at hand (fs)")
    tests = table[table["quantity"] == "sequential_time_s"]
    times = np.geomspace(TIME_S, 400.0, 100)
    for way, label, at in (
        ("network", "network", (30.0, 1.7e3)),
        ("difference", "two nodes", (6.0, 7e4)),
        ("paper", "paper, and its delay", (20.0, 3.3e4)),
    ):
        colour, chosen = COLOURS[_COLOURS[way]], tests[tests["clock"] == way]
        expected = np.array([_duration(table, way, time / TIME_S) for time in times])
        shift.plot(times, expected, color=colour, ls="--" if way == "paper" else "-")
        scaled = (chosen["shift"] / SPOKEN_OF) ** 2 * chosen["simulated"]
        shift.plot(chosen["ramsey_s"], scaled, "o", ms=3, mfc="white", mec=colour)
        shift.text(*at, label, color=colour)
    shift.text(0.25, 1.4e3, "lines: fixed size\ncircles: sequential")
    shift.set(xscale="log", yscale="log", xlim=(0.2, 500.0), ylim=(1e3, 2e6))
    shift.set(xlabel="Ramsey time of the control atoms (s)", ylabel=r"time to find $10^{-18}$ (s)")
    return figure


_COLOURS = {"network": "blue", "difference": "green", "local": "black", "paper": "vermilion"}
