r"""What is a clock that all its members have at once worth, against a paper clock that they are told of later?

Ten nodes of 100 atoms, in units of the linewidth :math:`\gamma_{LO}` of a laser. Alone each of them is a classical
clock that measures the phase of its laser every T to the mean square m; together they are a quantum network. The
records of either have white errors, :math:`\omega_0^2\sigma_y^2 = m/T\tau`.

``scale``
    The time that a user has *now*. A paper clock is known up to D ago only; from then on the user has his own clock,

    .. math:: x(t) = x_{\mathrm{paper}}(t - D) + x_{\mathrm{own}}(t) - x_{\mathrm{own}}(t - D) .

    The paper clock is the mean of the ten clocks (``paper``), or as good as the network (``delayed``). For
    :math:`\tau \ll D` the user does worse than with his clock alone, by :math:`\sqrt{2 - 1/K}`; the error of the last D
    stays, as :math:`3mD/T\tau^2` in the variance, until :math:`\tau = 3KD`.
``difference``
    Of two nodes: what the network measures is common to both, and only the link leaves a difference.
``detection``
    The atoms of one node are shifted by :math:`\Delta`, the mean of all by :math:`\Delta/K`. It is found from the paper
    clock, D too late, or by control measurements in which the network's signal interrogates 100 more atoms: for as
    long as T, or for :math:`1/\gamma_i`, over which its phase stays within a fringe where that of a laser alone does
    not. The error rates are :math:`10^{-3}` and :math:`10^{-3}`: a test of fixed size takes

    .. math:: \tau = (z_\alpha + z_\beta)^2\,\frac{V}{\Delta^2(1-1/K)^2}

    with V the variance of the measured frequency times the time, and Wald's sequential tests less, on average.

Their theory of false alarms is a bound, and that of their mean time leaves out that they end after whole measurements
only. In ``detection`` what a record of a clock adds in a control measurement, or in a block of cycles that is averaged,
is taken as white and Gaussian, which ``scale`` confirms. Intervals of deviations take rounding errors for Gaussian too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from qcn_open import (
    Cascade,
    GaussianPrior,
    Joint,
    Link,
    MultiAngle,
    Oscillator,
    Plan,
    overlapping_adev,
    run_clock,
    run_nodes,
)
from qcn_open.figures import COLOURS, COLUMN_IN
from qcn_open.ledger import Claim

NODES, ATOMS = 10, 100
TIME, GAIN = 0.1, 0.1
GAMMA_I = 0.01
LASER = Oscillator.from_linewidth(white=1.0)
JITTER = 0.02
DETECTION_DELAY = 100.0
# Quantile of the standard normal distribution that 10^-3 exceed, and the rate.
RATE, QUANTILE = 1e-3, 3.090232306167813
_PRIOR = GaussianPrior(LASER.phase_variance(TIME, gain=GAIN))
# An estimate that leans on a prior has errors that are less than white at first: this one does not.
ALONE = Cascade(uncorrelated=ATOMS)
NETWORK = Cascade((12, 9, 5, 3), nodes=NODES, uncorrelated=240, prior=_PRIOR)
PAIR = Cascade((10, 6, 3), nodes=2, uncorrelated=ATOMS, prior=_PRIOR)


@dataclass(frozen=True)
class Config:
    delays_cycles: tuple[int, ...] = (100, 1000)
    shifts_over_gamma_lo: tuple[float, ...] = (2e-3, 3e-3, 5e-3)
    cycles: int = 2**18
    trials: int = 20_000
    seed: int = 20146


SMOKE = Config(delays_cycles=(100,), shifts_over_gamma_lo=(3e-3,))
FULL = Config(delays_cycles=(30, 100, 300, 1000, 3000), cycles=2**22, trials=2_000_000)
KEY = ("part", "case", "quantity", "gamma_lo_delay", "gamma_lo_tau", "shift_over_gamma_lo")
BACKENDS = (Joint(), MultiAngle())


def rows(config: Config) -> pd.DataFrame:
    """One row for each part, case, quantity, delay, averaging time and shift."""
    parts = (_scale(config), _difference(config), _detection(config))
    return pd.DataFrame([row for part in parts for row in part])


@cache
def _mean_square(cascade: Cascade) -> float:
    """Of the error of a measurement, rad^2, from samples without a loop."""
    return cascade.rms_error(400_000, np.random.default_rng(1)) ** 2


def _row(
    part: str, case: str, quantity: str, value: tuple[float, float, float], theory: float, **place: float
) -> dict[str, object]:
    """A value with its 95 % interval, at a delay, an averaging time and a shift, 0 where there is none."""
    unit = {"deviation": "gamma_lo", "time": "1/gamma_lo", "mean_time": "1/gamma_lo"}.get(quantity, "1")
    row: dict[str, object] = {"part": part, "case": case, "quantity": quantity, "unit": unit}
    for name in ("gamma_lo_delay", "gamma_lo_tau", "shift_over_gamma_lo"):
        row[name] = place.get(name, 0.0)
    return row | {"value": value[0], "value_low": value[1], "value_high": value[2], "theory": theory}


def _scale(config: Config) -> Iterator[dict[str, object]]:
    rng = np.random.default_rng(config.seed)
    network = run_clock(Plan(TIME, NETWORK, gain=GAIN), LASER, config.cycles, rng).errors[0]
    clocks = run_clock(Plan(TIME, ALONE, gain=GAIN), LASER, config.cycles, rng, chains=NODES).errors
    own, mean = clocks[0], clocks.mean(axis=0)
    alone, together = _mean_square(ALONE), _mean_square(NETWORK)
    yield from _deviations("scale", "network", network, 0, [(together, 1.0, 1.0)])
    yield from _deviations("scale", "alone", own, 0, [(alone, 1.0, 1.0)])
    for delay in config.delays_cycles:
        last = own[delay:] - own[:-delay]
        # What an error adds to the time that a user has, younger and older than the delay.
        others = ((NODES - 1) * alone, 0.0, 1.0 / NODES)
        yield from _deviations("scale", "paper", mean[:-delay] + last, delay, [(alone, 1.0, 1.0 / NODES), others])
        parts = [(alone, 1.0, 0.0), (together, 0.0, 1.0)]
        yield from _deviations("scale", "delayed", network[:-delay] + last, delay, parts)


def _difference(config: Config) -> Iterator[dict[str, object]]:
    rng = np.random.default_rng([config.seed, 2])
    clocks = run_clock(Plan(TIME, ALONE, gain=GAIN), LASER, config.cycles, rng, chains=2).errors
    yield from _deviations("difference", "alone", clocks[0] - clocks[1], 0, [(2.0 * _mean_square(ALONE), 1.0, 1.0)])
    links = (Link(), Link(phase_noise=JITTER))
    nodes = run_nodes(Plan(TIME, PAIR, gain=GAIN), (LASER, LASER), (1, 1), config.cycles, rng, links=links).errors
    yield from _deviations("difference", "network", nodes[0] - nodes[1], 0, [(JITTER**2, 1.0, 1.0)])


def _deviations(
    part: str, case: str, errors: NDArray[np.float64], delay: int, sources: Sequence[tuple[float, float, float]]
) -> Iterator[dict[str, object]]:
    """Allan deviation (gamma_LO) of the rate of a time whose errors (rad) from cycle to cycle are given."""
    averages = [4**octave for octave in range(9) if 4**octave <= len(errors) / 16]
    table = overlapping_adev(errors / TIME, 1.0 / TIME, [TIME * average for average in averages])
    found = table[["sigma_y", "sigma_y_low", "sigma_y_high"]].to_numpy().tolist()
    for average, value in zip(averages, found, strict=True):
        theory = math.sqrt(_allan_variance(average, delay, sources))
        yield _row(part, case, "deviation", value, theory, gamma_lo_delay=TIME * delay, gamma_lo_tau=TIME * average)


def _allan_variance(average: int, delay: int, sources: Sequence[tuple[float, float, float]]) -> float:
    """Of independent white errors (rad^2) that count with one weight up to an age and with another one from then on."""
    total = 0.0
    for mean_square, young, old in sources:
        weights = np.full(2 * average + delay + 2 * average, old)
        weights[: 2 * average] = 0.0
        weights[2 * average : 2 * average + delay] = young
        change = weights[2 * average :] - 2.0 * weights[average:-average] + weights[: -2 * average]
        total += mean_square * float(change @ change)
    return 0.5 * total / (average * TIME) ** 2


@dataclass(frozen=True)
class Measurement:
    """A measurement of the shift that is repeated: its duration (1/gamma_LO), atoms, contrast and the clock's part.

    The clock's part is the variance rate of its record, gamma_LO; without atoms the measurement is that of a record.
    """

    duration: float
    clock: float
    atoms: int = 0
    contrast: float = 1.0
    delay: float = 0.0

    def variance(self) -> float:
        """Of the measured phase of one measurement, rad^2."""
        if not self.atoms:
            return self.clock * self.duration
        spread = self.clock * self.duration
        slope = self.contrast * math.exp(-0.5 * spread)
        mean_sine = 0.5 * (1.0 - math.exp(-2.0 * spread)) * self.contrast**2
        return ((1.0 - mean_sine) / self.atoms + mean_sine) / slope**2

    def sample(self, shift: float, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
        """Measured phases, rad."""
        phase = shift * self.duration + math.sqrt(self.clock * self.duration) * rng.normal(size=shape)
        if not self.atoms:
            return phase
        excited = rng.binomial(self.atoms, 0.5 * (1.0 + self.contrast * np.sin(phase)))
        slope = self.contrast * math.exp(-0.5 * self.clock * self.duration)
        return np.asarray((2.0 * excited / self.atoms - 1.0) / slope)


def _tests() -> dict[str, Measurement]:
    alone, together = _mean_square(ALONE) / TIME, _mean_square(NETWORK) / TIME
    longest = 1.0 / GAMMA_I
    # A record less the mean of ten has 1 - 1/K of the variance of its own, in blocks that are averaged.
    difference = (1.0 - 1.0 / NODES) * alone
    return {
        "paper": Measurement(40.0 * longest, difference, delay=DETECTION_DELAY),
        # A thousand short measurements in a row are as good as Gaussian.
        "short": Measurement(longest, together + 1.0 / (ATOMS * TIME)),
        "long": Measurement(longest, together, ATOMS, math.exp(-0.5)),
    }


def _detection(config: Config) -> Iterator[dict[str, object]]:
    for case, test in _tests().items():
        for shift in config.shifts_over_gamma_lo:
            seen = (1.0 - 1.0 / NODES) * shift
            rng = np.random.default_rng([config.seed, round(1e6 * shift), len(case)])
            variance = test.variance()
            size = math.ceil((2.0 * QUANTILE) ** 2 * variance / (seen * test.duration) ** 2)
            threshold = QUANTILE * math.sqrt(size * variance)
            place = {"gamma_lo_delay": test.delay, "shift_over_gamma_lo": shift}
            for quantity, present in (("false_alarms", 0.0), ("missed", seen)):
                sums = _sums(test, present, size, config.trials, rng)
                alarms = float(np.mean(sums > threshold))
                rate = alarms if quantity == "false_alarms" else 1.0 - alarms
                distance = threshold / math.sqrt(size * variance)
                if present:
                    distance = (present * test.duration * size - threshold) / math.sqrt(size * variance)
                theory = 0.5 * math.erfc(distance / math.sqrt(2.0))
                yield _row("detection", case, quantity, _wilson(rate, config.trials), theory, **place)
            time = size * test.duration + test.delay
            continuous = (2.0 * QUANTILE) ** 2 * variance / (seen**2 * test.duration) + test.delay
            yield _row("detection", case, "time", (time, time, time), continuous, **place)
            yield from _sequential(case, test, seen, config.trials // 4, rng, place)


def _sums(test: Measurement, shift: float, size: int, trials: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Sums of so many measured phases, a few trials at a time."""
    step = max(1, 2**22 // size)
    starts = range(0, trials, step)
    return np.concatenate([test.sample(shift, (min(step, trials - n), size), rng).sum(axis=1) for n in starts])


def _sequential(
    case: str, test: Measurement, shift: float, trials: int, rng: np.random.Generator, place: dict[str, float]
) -> Iterator[dict[str, object]]:
    """Wald's test between no shift and this one, both equally bad to mistake."""
    bound = math.log((1.0 - RATE) / RATE)
    phase, variance = shift * test.duration, test.variance()
    step = phase**2 / variance
    longest = math.ceil(8.0 * bound / step) + 10
    for quantity, present in (("sequential_false_alarms", 0.0), ("mean_time", shift)):
        ratio = (test.sample(present, (trials, longest), rng) - 0.5 * phase) * phase / variance
        path = np.cumsum(ratio, axis=1)
        ends = np.argmax(np.abs(path) >= bound, axis=1)
        alarms = path[np.arange(trials), ends] > 0.0
        if quantity == "mean_time":
            times = (ends + 1.0) * test.duration + test.delay
            error = 1.96 * float(times.std()) / math.sqrt(trials)
            mean = float(times.mean())
            # Siegmund: a sum passes the bound by 0.583 of the deviation of a step.
            needed = (bound * (1.0 - 2.0 * RATE) + 0.583 * math.sqrt(step)) / (0.5 * step)
            theory = needed * test.duration + test.delay
            yield _row("detection", case, quantity, (mean, mean - error, mean + error), theory, **place)
        else:
            yield _row("detection", case, quantity, _wilson(float(alarms.mean()), trials), RATE, **place)


def _wilson(rate: float, trials: int) -> tuple[float, float, float]:
    """A rate that was found, and its 95 % interval."""
    z = 1.959963984540054
    middle = (rate + z**2 / (2 * trials)) / (1.0 + z**2 / trials)
    half = z * math.sqrt(rate * (1.0 - rate) / trials + z**2 / (4 * trials**2)) / (1.0 + z**2 / trials)
    return rate, middle - half, middle + half


def _at(part: str, case: str, quantity: str = "deviation", **place: float) -> Callable[[pd.DataFrame], float]:
    def value(table: pd.DataFrame) -> float:
        chosen = (table["part"] == part) & (table["case"] == case) & (table["quantity"] == quantity)
        for name, number in place.items():
            chosen &= np.isclose(table[name], number)
        return float(table[chosen]["value"].iloc[0])

    return value


def _over(
    one: Callable[[pd.DataFrame], float], other: Callable[[pd.DataFrame], float]
) -> Callable[[pd.DataFrame], float]:
    return lambda table: one(table) / other(table)


def _ramsey_times(table: pd.DataFrame) -> float:
    """Ramsey times in which the phases of the network's signal and of a laser alone become equally uncertain."""
    return 1.0 / (_at("scale", "network", gamma_lo_tau=25.6)(table) ** 2 * 25.6)


def _worst(quantity: str) -> Callable[[pd.DataFrame], float]:
    """Largest rate of all tests, times 1000."""
    return lambda table: 1e3 * float(table[table["quantity"] == quantity]["value"].to_numpy().max())


_SHIFT = 3e-3
_TIMES = {case: _at("detection", case, "time", shift_over_gamma_lo=_SHIFT) for case in ("paper", "short", "long")}
_MEAN_TIMES = {case: _at("detection", case, "mean_time", shift_over_gamma_lo=_SHIFT) for case in _TIMES}
NUMBERS = {
    "paper_over_alone_first": _over(
        _at("scale", "paper", gamma_lo_delay=10.0, gamma_lo_tau=0.1), _at("scale", "alone", gamma_lo_tau=0.1)
    ),
    "paper_over_network_late": _over(
        _at("scale", "paper", gamma_lo_delay=10.0, gamma_lo_tau=409.6), _at("scale", "network", gamma_lo_tau=409.6)
    ),
    "delayed_over_network_late": _over(
        _at("scale", "delayed", gamma_lo_delay=10.0, gamma_lo_tau=409.6), _at("scale", "network", gamma_lo_tau=409.6)
    ),
    "difference_alone_over_network": _over(
        _at("difference", "alone", gamma_lo_tau=25.6), _at("difference", "network", gamma_lo_tau=25.6)
    ),
    "ramsey_times": _ramsey_times,
    "time_paper": _TIMES["paper"],
    "time_short": _TIMES["short"],
    "time_long": _TIMES["long"],
    "mean_time_paper": _MEAN_TIMES["paper"],
    "mean_time_long": _MEAN_TIMES["long"],
    "worst_false_alarms_per_1000": _worst("false_alarms"),
    "worst_missed_per_1000": _worst("missed"),
}
CLAIMS = (
    Claim(
        id="world-clock-at-any-time",
        where="Discussion, real-time world clock",
        claim="All participants have access to the ultra-stable signal at any time, unlike with a paper clock.",
        paper_value="at any time",
        compute=_over(
            _at("scale", "delayed", gamma_lo_delay=10.0, gamma_lo_tau=6.4), _at("scale", "network", gamma_lo_tau=6.4)
        ),
        supports=(15.0, 30.0),
        verdict="holds",
        reason="Deviation of the time a user has now, a paper clock as stable as the network being known D = 10/γ_LO "
        "later, over that of the network, at 6.4/γ_LO; {delayed_over_network_late:.1f} at 410/γ_LO. Of the mean of ten "
        "clocks he has at first {paper_over_alone_first:.2f} times the deviation of his own clock.",
    ),
    Claim(
        id="systematic-errors-at-once",
        where="Discussion, real-time world clock",
        claim="The network makes it possible to measure systematic errors of different clocks in real time.",
        paper_value="in real time",
        compute=_over(_TIMES["paper"], _TIMES["long"]),
        supports=(80.0, 140.0),
        verdict="holds; what is gained beyond the delay are the longer Ramsey times",
        reason="Time until a shift of 0.003 γ_LO of one of ten nodes is found, error rates 1/1000, from a paper clock "
        "({time_paper:.3g}/γ_LO with the delay 100/γ_LO) over that with the network's signal ({time_long:.3g}/γ_LO; on "
        "average {mean_time_long:.3g}/γ_LO if sequential). Without longer Ramsey times it is {time_short:.3g}/γ_LO.",
    ),
    Claim(
        id="longer-control-measurements",
        where="Discussion, real-time world clock",
        claim="The stability of the network's signal allows longer Ramsey times in control measurements.",
        paper_value="longer",
        compute=_ramsey_times,
        supports=(1500.0, 2500.0),
        verdict="holds, up to the coherence time of the atoms",
        reason="Ramsey time in which the phase of the network's signal becomes as uncertain as that of a laser alone, "
        "over that of the laser (980 of 1000 atoms, T = 0.1/γ_LO).",
    ),
)


def figure(table: pd.DataFrame) -> Figure:
    """Stability of the time that a user has now, and how long a shift of his clock takes to be found."""
    figure = Figure(figsize=(COLUMN_IN, 4.4))
    top, bottom = figure.subplots(2, 1)
    for case, delay, colour, label, place in (
        ("alone", 0.0, "black", "own clock", (250.0, 0.03)),
        ("paper", 10.0, "vermilion", "paper clock", (1.0, 0.75)),
        ("delayed", 10.0, "orange", "network, told later", (1.0, 0.03)),
        ("network", 0.0, "blue", "network", (0.12, 0.013)),
    ):
        chosen = (table["part"] == "scale") & (table["case"] == case) & (table["gamma_lo_delay"] == delay)
        curve = table[chosen].sort_values("gamma_lo_tau")
        _points(top, curve, "gamma_lo_tau", colour)
        top.text(*place, label, color=COLOURS[colour])
    top.axvline(10.0, color="0.7", lw=0.6, zorder=0)
    top.text(11.0, 1.2, "$D$", color="0.5")
    top.set(xscale="log", yscale="log", ylim=(4e-4, 2.5), xlim=(0.07, 2500))
    top.set(xlabel=r"averaging time $\gamma_{LO}\tau$", ylabel=r"$\omega_0\sigma_y/\gamma_{LO}$")
    for case, colour, label, place in (
        ("paper", "vermilion", "paper clock", (2.05e-3, 1.2e5)),
        ("long", "blue", "network, long Ramsey times", (2.05e-3, 6e2)),
    ):
        for quantity, filled in (("time", True), ("mean_time", False)):
            chosen = (table["part"] == "detection") & (table["case"] == case) & (table["quantity"] == quantity)
            curve = table[chosen].sort_values("shift_over_gamma_lo")
            _points(bottom, curve, "shift_over_gamma_lo", colour, filled)
        bottom.text(*place, label, color=COLOURS[colour])
    bottom.set(xscale="log", yscale="log", xlim=(1.9e-3, 5.3e-3), ylim=(3e2, 2e6))
    bottom.set_xticks([2e-3, 3e-3, 5e-3], ["0.002", "0.003", "0.005"])
    bottom.minorticks_off()
    bottom.set(xlabel=r"shift of a node $\Delta/\gamma_{LO}$", ylabel=r"time to find it, $\gamma_{LO}t$")
    bottom.text(
        0.97, 0.55, "filled: fixed size\nopen: sequential, mean", transform=bottom.transAxes, ha="right", va="top"
    )
    return figure


def _points(axes: Axes, curve: pd.DataFrame, along: str, colour: str, filled: bool = True) -> None:
    bars = np.array([curve["value"] - curve["value_low"], curve["value_high"] - curve["value"]])
    face = COLOURS[colour] if filled else "white"
    axes.plot(curve[along], curve["theory"], color=COLOURS[colour], lw=0.8)
    axes.errorbar(curve[along], curve["value"], bars, fmt="o", ms=3, color=COLOURS[colour], mfc=face, lw=0.8)
