r"""What to build: the best scheme, allocation, readout and time of a network, and what would improve it.

Every clock of every scheme is looked at over interrogation times and readouts: first with the approximate error of
`qcn_open.allocation.promising`, by which allocations and times are chosen, then, where it is among the best, with the
expected error that `qcn_open.stability` has. A readout is fixed, equally spaced angles, two quadratures, or angles fed
forward; ensembles that track windings are never fed forward. Blocks over several nodes are worth their pairs or are
left out: then the clock is one of uncorrelated atoms, and called so.

What links add by noise and delay to the light that compares the lasers is in no part of a design: it moves the lasers
of single nodes, not their centre of mass, which is the clock (`Network.link_variances`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from qcn_open.allocation import promising
from qcn_open.bayes import common_squares, expected_error
from qcn_open.budgets import Windings
from qcn_open.clock import Plan
from qcn_open.limits import common_noise, largest_information
from qcn_open.network import Network, Node
from qcn_open.noise import Noise, RateNoise
from qcn_open.oscillator import Oscillator
from qcn_open.preparation import Perfect
from qcn_open.priors import GaussianPrior
from qcn_open.readouts.fringes import DualQuadrature, FedForward, Fringes, MultiAngle
from qcn_open.schemes import (
    OperatingPoint,
    SingleClock,
    bound,
    count_windings,
    direct_time,
    plan_columns,
    single_clocks,
    tracked,
    unallocated,
    with_blocks,
)
from qcn_open.validation import positive

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Design", "design"]


@dataclass(frozen=True)
class Design:
    r"""What a network should do at an averaging time, how good it is then, and why not better.

    Attributes
    ----------
    network : Network
        The clocks.
    tau : float
        Averaging time (s) that it is designed for.
    scheme : str
        The most stable scheme at tau.
    plans : tuple of Plan
        One for each clock of the scheme: interrogation time, cascade with its readout, tracking ensembles.
    limited_by : str
        What keeps it from being more stable.
    stability : DataFrame
        Every scheme at every averaging time: scheme, readout and the columns of `qcn_open.stability`.
    bounds : DataFrame
        bound (its name), holds_for, tau_s, sigma_y: what no plan gets below, of every scheme, or of uncorrelated atoms
        only, where those that are entangled may.
    budget : DataFrame
        part, sigma_y, share: what the variance at tau is made of; shares add to 1.
    improvements : DataFrame
        parameter, node, value, improved, unit, sigma_y, gain: what each parameter is, what it would be one step better,
        and sigma_y at tau then; gain is the factor by which sigma_y falls. Sorted, the best first.
    epr_front : DataFrame
        epr_rate_hz, scheme, sigma_y: the Pareto front of stability at tau against the rate of every link.
    """

    network: Network
    tau: float
    scheme: str
    plans: tuple[Plan, ...]
    limited_by: str
    stability: pd.DataFrame
    bounds: pd.DataFrame
    budget: pd.DataFrame
    improvements: pd.DataFrame
    epr_front: pd.DataFrame

    @property
    def front(self) -> pd.DataFrame:
        """The Pareto front of stability against averaging time: the best row of `stability` at each tau."""
        best = self.stability.groupby("tau_s")["sigma_y"].idxmin()
        return self.stability.loc[best].reset_index(drop=True)


# The simplest first: it is taken where others are no better.
_SCHEMES = (
    "classical-alone",
    "classical-cooperative",
    "quantum-alone",
    "quantum-classical",
    "quantum-cooperative",
)
_SEED = 20140615
# Outcomes for a first look at allocations, the most for what they err by, and those for comparisons of one plan.
_CHOICE, _TRIALS, _COMMON = 200, 4000, 3000
# To this relative error the root mean square is found.
_ACCURACY = 0.01
# Allocations that are compared by their expected errors.
_CLOSEST = 3
# Readouts that look worse than the best by this factor in the variance are not looked at more closely.
_WORSE = 1.3
# Interrogation times are tried in steps of at most the first factor, around the best ones of the second.
_STEP, _FINE = 2.5, 1.2
# What one step of improvement takes off a rate, a linewidth, a time or an error, and adds to the rate of pairs.
_BETTER = 0.1
_RATES = 6
# Results do not depend on them.
_THREADS = 2


def design(
    network: Network,
    tau: float = 1.0,
    *,
    taus: Sequence[float] | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Design:
    r"""What to build of a network of clocks: its best scheme, allocation, readout and Ramsey time.

    *Budget*: imperfections of the best plans are switched off one after the other, with plans kept, in the order of the
    table: the Dick effect, the cycles lost to dead time, slips, imperfect preparation, decoherence, fringes that are
    mistaken for others and whatever else makes an estimate err by more than its Fisher information, the atoms that
    track windings. What is left is the projection noise of perfect blocks. A part is the variance that goes with it.

    *Improvements*: one step is an atom more; a rate, a linewidth, a dead time, an error or an infidelity 10 % lower; a
    rate of entangled pairs 10 % higher. At the optimum a small change of the plan changes nothing to first order, so
    that plans are kept, but for interrogation times that slips end, which grow by steps of 10 %: an atom more is an
    uncorrelated one or, as pairs more may be, part of new blocks, whichever is better; time that is not dead any more
    is interrogation time where the plan fills tau. The changed clock is
    compared with the present one on the same random numbers.

    *Pairs*: the front is that of the best scheme at tau where every link makes pairs at the same rate; dominated points
    are left out. At rate 0 it is the best scheme without links.

    Parameters
    ----------
    network : Network
        The clocks.
    tau : float, optional
        Averaging time (s) that it is designed for.
    taus : sequence of float, optional
        More averaging times (s); up to seven from tau/10, or the longest dead time, to 1000 tau if left out.
    progress : callable, optional
        Called with the steps done, all steps, and what is done next.

    Returns
    -------
    Design
        The plans, and tables that say how good they are and why not better.

    Raises
    ------
    TypeError
        If the network is none.
    ValueError
        If an averaging time is not longer than every dead time.

    Examples
    --------
    >>> from qcn_open import Dephasing
    >>> pair = Network((Node(8),) * 2, Oscillator.from_linewidth(white=1.0), Dephasing(0.1), 429e12)
    >>> found = design(pair, 0.1, taus=[0.1])
    >>> found.plans[0].interrogation_time, found.limited_by
    (0.1, 'interrogation time = tau')
    >>> bool(found.front.sigma_y[0] > found.bounds.sigma_y.min())
    True
    """
    import pandas as pd

    tau = positive("tau", tau, "s")
    groups = {scheme: tuple(single_clocks(network, scheme)) for scheme in _SCHEMES}
    values = _averaging_times(network, tau, taus)
    distinct = list(dict.fromkeys(clock for clocks in groups.values() for clock in clocks))
    steps = [*(f"clock {number} of {len(distinct)}" for number in range(1, len(distinct) + 1))]
    steps += ["bounds", "budget", "improvements", "rates of entangled pairs"]
    done = 0

    def begin() -> None:
        nonlocal done
        if progress is not None:
            progress(done, len(steps), steps[min(done, len(steps) - 1)])
        done += 1

    def search(clock: SingleClock) -> None:
        for value in values:
            _best(clock, value, values)

    begin()
    with ThreadPoolExecutor(_THREADS) as pool:
        for _ in pool.map(search, distinct):
            begin()
    choices = {
        (scheme, value): _Choice(scheme, clocks, tuple(_best(clock, value, values) for clock in clocks))
        for scheme, clocks in groups.items()
        for value in values
    }
    best = min((choices[scheme, tau] for scheme in _SCHEMES), key=lambda choice: choice.sigma(tau))
    stability = pd.DataFrame([choices[scheme, value].row(value, values) for scheme in _SCHEMES for value in values])
    bounds = pd.DataFrame(_bounds(network, groups, values))
    begin()
    budget = pd.DataFrame(_budget(best, tau))
    begin()
    improvements = _improvements(network, best, tau)
    begin()
    front = _epr_front(network, [choices[scheme, tau] for scheme in _SCHEMES], values, tau)
    begin()
    at_tau = stability[(stability["scheme"] == best.scheme) & (stability["tau_s"] == tau)]
    plans = tuple(point.plan for point in best.points)
    limited_by = str(at_tau["limited_by"].iloc[0])
    return Design(network, tau, best.scheme, plans, limited_by, stability, bounds, budget, improvements, front)


def _averaging_times(network: Network, tau: float, taus: Sequence[float] | None) -> tuple[float, ...]:
    """All averaging times, s, increasing."""
    dead = max(network.dead_time, *(node.dead_time for node in network.nodes))
    if taus is None:
        taus = [value for value in (tau * 10.0 ** (k / 2) for k in (-2, -1, 0, 1, 2, 4, 6)) if value > 1.5 * dead]
    values = sorted({tau, *(positive("taus", value, "s") for value in taus)})
    if values[0] <= dead:
        raise ValueError(f"averaging times must be longer than the dead time of {dead:g} s, got {values[0]:g} s")
    return tuple(values)


# --- Plans -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Sketch:
    """A plan before its atoms are allocated, the allocations that look best, and the mean square error of the best."""

    plan: Plan
    counted: Windings
    allocations: tuple[tuple[int, ...], ...]
    square: float

    @property
    def point(self) -> OperatingPoint:
        """With the error as it looks."""
        prior = self.plan.cascade.prior
        assert isinstance(prior, GaussianPrior)
        return OperatingPoint(self.plan, self.square, 0.0, self.counted.slips_per_cycle, prior.variance)


@cache
def _sketch(clock: SingleClock, time: float) -> _Sketch | None:
    """Of an interrogation time (s), or None if no atoms are left to count its windings."""
    found = _sketched(clock, time, None)
    if found is not None and found.square > 1.2 * clock.expected_square(sum(found.plan.tracking.atoms)):
        # Decohered cascades err more, and may slip more often for it.
        relaxed = _sketched(clock, time, float(f"{found.square:.0e}"))
        if relaxed is not None and relaxed.point.rate < found.point.rate:
            return relaxed
    return found


def _sketched(clock: SingleClock, time: float, square: float | None) -> _Sketch | None:
    found = tracked(replace(clock, readout=clock.readout.fixed), time, square)
    if found is None:
        return None
    tracking, counted = found
    plan = unallocated(clock, time, tracking, counted)
    ranked = _ranked(clock, plan)
    return _Sketch(plan, counted, tuple(copies for _, copies in ranked), ranked[0][0])


def _ranked(clock: SingleClock, plan: Plan) -> list[tuple[float, tuple[int, ...]]]:
    """Mean square errors (rad^2) and blocks of the allocations that look best."""
    assembly = clock.assembly
    if assembly is None:
        return promising(plan.cascade, 1, clock.atoms, 0.0, lambda _: Perfect(), 1)
    most = assembly.most(plan.cycle_time) if clock.nodes > 1 else math.inf
    return promising(plan.cascade, clock.nodes, assembly.sets, most, assembly.preparation, _CLOSEST)


def _with(clock: SingleClock, plan: Plan, copies: tuple[int, ...]) -> Plan:
    """The plan with these blocks of its uncorrelated atoms."""
    if clock.assembly is None or not copies:
        return plan
    cascade = with_blocks(plan.cascade, copies, clock.nodes, clock.assembly.sets)
    assert cascade is not None
    return replace(plan, cascade=replace(cascade, preparation=clock.assembly.preparation(sum(cascade.copies))))


@cache
def _point(clock: SingleClock, time: float) -> OperatingPoint:
    """The best plan of an interrogation time (s) that has a sketch."""
    sketch = _sketch(clock, time)
    assert sketch is not None
    plans = [_with(clock, sketch.plan, copies) for copies in sketch.allocations]
    looks = [expected_error(plan.cascade, _CHOICE, np.random.default_rng(_SEED)) for plan in plans]
    rms, error = min(looks)
    plan = plans[looks.index((rms, error))]
    trials = math.ceil(_CHOICE * (error / rms / _ACCURACY) ** 2)
    if trials > _CHOICE:
        # On other outcomes than those by which it was chosen.
        rms, error = expected_error(plan.cascade, min(trials, _TRIALS), np.random.default_rng(_SEED + 1))
    return replace(sketch.point, plan=plan, square=rms**2, uncertainty=error / rms)


@cache
def _dick(oscillator: Oscillator, time: float, dead_time: float) -> float:
    """Variance of the detuning times the averaging time that the Dick effect adds, (rad/s)^2 s."""
    return oscillator.dick_deviation(1.0, time, dead_time) ** 2 if dead_time > 0.0 else 0.0


def _rate(clock: SingleClock, point: OperatingPoint) -> float:
    """Variance of the detuning times the averaging time, with the Dick effect, (rad/s)^2 s."""
    return point.rate + _dick(clock.oscillator, point.plan.interrogation_time, clock.dead_time)


@cache
def _curve(clock: SingleClock, taus: tuple[float, ...]) -> Mapping[float, _Sketch]:
    """Sketches of all interrogation times worth it, closer together where they are the best."""
    durations = [tau - clock.dead_time for tau in taus if tau > clock.dead_time]
    direct = direct_time(clock, durations[-1])
    wanted = sorted({*durations, direct})
    times = wanted[:1]
    for time in wanted[1:]:
        between = math.ceil(math.log(time / times[-1]) / math.log(_STEP) - 1e-9)
        times += [times[-1] * (time / times[-1]) ** ((i + 1) / between) for i in range(between)]
    found: dict[float, _Sketch] = {}

    def rate(time: float) -> float:
        return _rate(clock, found[time].point)

    for time in times:
        sketch = _sketch(clock, time)
        if sketch is None:
            break
        found[time] = sketch
        if rate(time) > 3.0 * min(map(rate, found)):
            break
    while True:
        ordered = sorted(found)
        place = ordered.index(min(found, key=rate))
        near = ordered[max(place - 1, 0) : place + 2]
        middles = [math.sqrt(a * b) for a, b in pairwise(near) if b > _FINE**2 * a]
        sketches = {middle: sketch for middle in middles if (sketch := _sketch(clock, middle)) is not None}
        if not sketches:
            return found
        found |= sketches


@cache
def _best(clock: SingleClock, tau: float, taus: tuple[float, ...]) -> OperatingPoint:
    """The best plan of a clock at one of the averaging times (s), by all readouts, blocks being left out if need be."""
    looks: list[tuple[float, SingleClock, float]] = []
    for readout in (MultiAngle(), FedForward()):
        read = replace(clock, readout=readout)
        longest = (tau - clock.dead_time) * (1.0 + 1e-9)
        rates = {time: _rate(read, sketch.point) for time, sketch in _curve(read, taus).items() if time <= longest}
        time = min(rates, key=rates.__getitem__)
        looks.append((rates[time], read, time))
    rate, read, time = looks[0]
    if direct_time(read, time) == time:
        # Two quadratures are fixed angles, too. Ensembles read at them slip more often than at more angles.
        looks.append((rate, replace(clock, readout=DualQuadrature()), time))
    least = min(rate for rate, _, _ in looks)
    points = [_point(read, time) for rate, read, time in looks if rate <= _WORSE * least]
    if clock.entangled:
        points.insert(0, _best(_plain(clock), tau, taus))
    return min(points, key=lambda point: _rate(clock, point))


@dataclass(frozen=True)
class _Choice:
    """A scheme with the best plan of each of its clocks."""

    scheme: str
    clocks: tuple[SingleClock, ...]
    points: tuple[OperatingPoint, ...]

    def weights(self) -> list[float]:
        """Inverse variances of the fractional frequency over the averaging time, 1/s."""
        pairs = zip(self.clocks, self.points, strict=True)
        return [clock.omega**2 / _rate(clock, point) for clock, point in pairs]

    def sigma(self, tau: float) -> float:
        return 1.0 / math.sqrt(sum(self.weights()) * tau)

    def row(self, tau: float, taus: tuple[float, ...]) -> dict[str, object]:
        """Of the table of stabilities."""
        weights, first, plan = self.weights(), self.points[0], self.points[0].plan
        sigma = self.sigma(tau)
        relative = 1.96 * math.sqrt(
            sum((w * point.uncertainty) ** 2 for w, point in zip(weights, self.points, strict=True))
        )
        relative /= sum(weights)
        return {
            "scheme": self.scheme,
            "readout": _name(plan.cascade.readout),
            "tau_s": tau,
            "sigma_y": sigma,
            "sigma_y_low": sigma * (1.0 - relative),
            "sigma_y_high": sigma * (1.0 + relative),
            **plan_columns(plan),
            "slips_share": first.slips_share,
            "bound_sigma_y": 1.0 / math.sqrt(sum(clock.omega**2 * bound(clock, tau) for clock in self.clocks)),
            "limited_by": _limited_by(self.clocks[0], first, tau, taus),
        }


def _plain(clock: SingleClock) -> SingleClock:
    """The same atoms and laser, with nothing entangled."""
    return replace(clock, assembly=None, nodes=1)


def _name(readout: Fringes) -> str:
    return {MultiAngle: "fixed angles", DualQuadrature: "two quadratures", FedForward: "fed forward"}[type(readout)]


def _limited_by(clock: SingleClock, point: OperatingPoint, tau: float, taus: tuple[float, ...]) -> str:
    """What keeps the interrogation time from being longer."""
    plan = point.plan
    if plan.cycle_time > tau / _FINE:
        return "interrogation time = tau"
    if not plan.cascade.copies:
        clock = _plain(clock)
    clock = replace(clock, readout=plan.cascade.readout)
    longer = _sketch(clock, plan.interrogation_time * _STEP)
    if longer is None:
        return "atoms that track windings"
    if longer.point.slips_share > 0.1:
        return "slips"
    shorter = _sketch(clock, plan.interrogation_time)
    assert shorter is not None
    before = shorter.plan.cascade
    fresh = replace(longer.plan.cascade, coherence=before.coherence, survival=before.survival)
    square = _ranked(clock, replace(longer.plan, cascade=fresh))[0][0]
    gained = square < longer.square - 0.5 * (longer.square - shorter.square)
    return "decoherence" if gained else "atoms that track windings"


# --- Bounds ----------------------------------------------------------------------------------------------


def _bounds(
    network: Network, groups: Mapping[str, tuple[SingleClock, ...]], taus: Sequence[float]
) -> Iterator[dict[str, object]]:
    """What no plan gets below, of every scheme or of uncorrelated atoms: with perfect gates, links and readout."""
    frequencies = [2.0 * math.pi * (node.frequency_hz or network.frequency_hz) for node in network.nodes]
    turns = sum(node.atoms * frequency for node, frequency in zip(network.nodes, frequencies, strict=True))
    atoms, fastest, common = network.atoms, max(frequencies), common_noise(network)
    decoheres = any(clock.noise and clock.remaining(1.0) != (1.0, 1.0) for clock in groups["quantum-cooperative"])
    for tau in taus:
        found = {"Heisenberg limit, no decoherence": 1.0 / (turns * tau)}
        if common and decoheres:
            information = largest_information(atoms, common, tau)
            found["any state of these atoms, with the decoherence of all of them"] = _deviation(information, fastest)
            single = largest_information(1, common, tau)
            found["uncorrelated atoms, with the decoherence of all of them"] = _deviation(atoms * single, fastest)
        else:
            found["uncorrelated atoms, no decoherence"] = _deviation(atoms * tau**2, fastest)
        hidden = min(map(_hidden, groups.values()))
        if hidden > 0.0:
            found["white noise of the lasers in dead times, any atoms"] = math.sqrt(hidden) / tau
        for name, sigma in found.items():
            holds_for = "uncorrelated atoms" if name.startswith("uncorrelated atoms") else "every scheme"
            yield {"bound": name, "holds_for": holds_for, "tau_s": tau, "sigma_y": sigma}


def _deviation(information: float, omega: float) -> float:
    return 1.0 / (omega * math.sqrt(information))


def _hidden(clocks: Sequence[SingleClock]) -> float:
    r"""Variance of the fractional frequency times tau^2 (s^2) of the white noise of one dead time in tau.

    White noise in a dead time, of the variance :math:`s_0d/2` of the phase, is independent of all that is ever
    measured, and every cycle that ends within tau has a dead time.
    """
    inverse = 0.0
    for clock in clocks:
        hidden = 0.5 * clock.oscillator.white * clock.dead_time
        if hidden == 0.0:
            return 0.0
        inverse += clock.omega**2 / hidden
    return 1.0 / inverse


# --- Budget ----------------------------------------------------------------------------------------------


def _budget(choice: _Choice, tau: float) -> list[dict[str, object]]:
    """Parts of the variance at tau, from switching imperfections off one after the other."""
    stages = zip(*map(_stages, choice.clocks, choice.points), strict=True)
    variances, names = [], []
    for stage in stages:
        names.append(stage[0][0])
        weight = sum(clock.omega**2 / rate for clock, (_, rate) in zip(choice.clocks, stage, strict=True))
        variances.append(1.0 / (weight * tau))
    # Without an imperfection nothing is worse, but for the numerical average over outcomes.
    least = np.minimum.accumulate(variances)
    rest = np.append(least[1:], 0.0)
    return [
        {"part": name, "sigma_y": math.sqrt(part), "share": part / variances[0]}
        for name, part in zip(names, (least - rest).tolist(), strict=True)
        if part > 0.0
    ]


def _stages(clock: SingleClock, point: OperatingPoint) -> list[tuple[str, float]]:
    """What is switched off next, and variance of the detuning times the averaging time before, (rad/s)^2 s."""
    plan, time = point.plan, point.plan.interrogation_time
    cascade = plan.cascade
    ideal = replace(plan, cascade=replace(cascade, preparation=Perfect()))
    calm = replace(clock, noise=())
    undisturbed = unallocated(calm, time, plan.tracking, count_windings(calm, time, plan.tracking)).cascade.prior
    still = replace(ideal, cascade=replace(ideal.cascade, coherence=1.0, survival=1.0, prior=undisturbed))
    error = _common(plan)
    ratio = point.square / error
    rate = _rate(clock, point)
    running = replace(plan, dead_time=0.0)
    slipless = replace(point, plan=running, slips=0.0)
    prepared = replace(slipless, square=ratio * _common(ideal))
    coherent = replace(slipless, square=ratio * _common(still), predicted_variance=_variance(still))
    known = sum(size**2 * number for size, number in cascade.blocks)
    tracking = sum(plan.tracking.atoms)
    return [
        ("Dick effect", rate),
        ("cycles lost to dead time", point.rate),
        ("slips", replace(point, plan=running).rate),
        ("imperfect preparation", slipless.rate),
        ("decoherence", prepared.rate),
        ("mistaken fringes and unknown phase", coherent.rate),
        ("atoms that track windings", 1.0 / (known * time)),
        ("projection noise of perfect blocks", 1.0 / ((known + tracking) * time)),
    ]


def _variance(plan: Plan) -> float:
    assert isinstance(plan.cascade.prior, GaussianPrior)
    return plan.cascade.prior.variance


@cache
def _common(plan: Plan) -> float:
    """Mean square error (rad^2) on the random numbers that all comparisons share."""
    # Outcomes of many atoms take long.
    trials = min(_COMMON, max(200, 300_000 // plan.atoms))
    return float(common_squares(plan.cascade, trials, _SEED).mean())


# --- Improvements ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Step:
    """A parameter of a network, and the network with it one step better."""

    parameter: str
    node: str
    value: float
    improved: float
    unit: str
    network: Network


def _improvements(network: Network, choice: _Choice, tau: float) -> pd.DataFrame:
    import pandas as pd

    sigma = choice.sigma(tau)

    def row(step: _Step) -> dict[str, object]:
        changed = single_clocks(step.network, choice.scheme)
        weights = choice.weights()
        for k, (clock, point) in enumerate(zip(choice.clocks, choice.points, strict=True)):
            if changed[k] != clock:
                weights[k] *= changed[k].omega ** 2 / clock.omega**2 * _gain(clock, changed[k], point, tau)
        better = 1.0 / math.sqrt(sum(weights) * tau)
        return {
            "parameter": step.parameter,
            "node": step.node,
            "value": step.value,
            "improved": step.improved,
            "unit": step.unit,
            "sigma_y": better,
            "gain": sigma / better,
        }

    with ThreadPoolExecutor(_THREADS) as pool:
        table = pd.DataFrame(list(pool.map(row, _steps(network))))
    return table.sort_values("gain", ascending=False, kind="stable").reset_index(drop=True)


def _gain(clock: SingleClock, better: SingleClock, point: OperatingPoint, tau: float) -> float:
    """Factor by which the variance of a clock falls when it gets better."""
    plan, time = point.plan, point.plan.interrogation_time
    # Atoms and pairs more are worth it in other blocks.
    moved = better.atoms != clock.atoms or better.nodes > 1
    before, time = _longer(clock, plan, time, moved, tau)
    if plan.cycle_time > tau * (1.0 - 1e-9):
        time = tau - better.dead_time
    # What is better can be used as if it were not.
    return max(before / _longer(better, plan, time, moved, tau)[0], 1.0)


def _longer(clock: SingleClock, plan: Plan, time: float, moved: bool, tau: float) -> tuple[float, float]:
    """What `_kept` is at this interrogation time (s), or at one that is longer by steps as long as that helps.

    Slips end the times worth it at an edge and not at a maximum: what moves the edge has an effect of first order.
    """
    rate = _kept(clock, plan, time, moved)
    while (longer := time / (1.0 - _BETTER)) + clock.dead_time <= tau:
        found = _kept(clock, plan, longer, moved)
        if found >= rate:
            break
        rate, time = found, longer
    return rate, time


def _kept(clock: SingleClock, plan: Plan, time: float, moved: bool) -> float:
    """What `_rate` is of a plan in the hands of this clock, with its blocks or also with those that look best."""
    clock = replace(clock, readout=plan.cascade.readout)
    counted = count_windings(clock, time, plan.tracking)
    bare = unallocated(clock, time, plan.tracking, counted)
    allocations = {(0, *plan.cascade.copies[1:]) if clock.nodes == 1 and plan.cascade.copies else plan.cascade.copies}
    if moved:
        allocations.add(_ranked(clock, bare)[0][1])
    rates = []
    for copies in sorted(allocations):
        kept = _with(clock, bare, copies)
        one = OperatingPoint(kept, _common(kept), 0.0, counted.slips_per_cycle, _variance(kept))
        rates.append(_rate(clock, one))
    return min(rates)


_GATE_STEPS = (
    ("phase_flip", "phase flip probability", ""),
    ("depolarizing", "depolarizing probability", ""),
    ("dephasing", "dephasing probability", ""),
    ("loss", "loss probability", ""),
    ("measurement_error", "measurement error probability", ""),
    ("memory_dephasing", "memory dephasing rate", "1/s"),
)
_LASER_STEPS = (("white", 1), ("flicker", 2), ("random_walk", 3))


def _steps(network: Network) -> Iterator[_Step]:
    """Every parameter that is not perfect yet, one step better."""
    less = 1.0 - _BETTER
    if network.dead_time > 0.0:
        time = network.dead_time
        yield _Step("dead time", "", time, less * time, "s", replace(network, dead_time=less * time))
    for name, value, noise in _noise_steps(network.noise):
        yield _Step(name, "", value, less * value, "1/s", replace(network, noise=noise))
    if not all(node.oscillator for node in network.nodes):
        for name, value, laser in _laser_steps(network.oscillator):
            yield _Step(name, "", value, less * value, "rad/s", replace(network, oscillator=laser))
    for k, node in enumerate(network.nodes):
        for name, value, improved, unit, changed_node in _node_steps(node, k > 0):
            nodes = (*network.nodes[:k], changed_node, *network.nodes[k + 1 :])
            yield _Step(name, node.name or str(k + 1), value, improved, unit, replace(network, nodes=nodes))


def _noise_steps(noises: Sequence[Noise]) -> Iterator[tuple[str, float, Any]]:
    for k, noise in enumerate(noises):
        if isinstance(noise, RateNoise) and noise.rate > 0.0:
            better = replace(noise, rate=(1.0 - _BETTER) * noise.rate)
            yield f"{_words(noise)} rate", noise.rate, (*noises[:k], better, *noises[k + 1 :])


def _words(noise: RateNoise) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type(noise).__name__).strip()


def _laser_steps(laser: Oscillator) -> Iterator[tuple[str, float, Oscillator]]:
    for (field, power), linewidth in zip(_LASER_STEPS, laser.linewidths, strict=True):
        if linewidth > 0.0:
            better = replace(laser, **{field: getattr(laser, field) * (1.0 - _BETTER) ** power})
            yield f"{field.replace('_', '-')} linewidth of the laser", linewidth, better


def _node_steps(node: Node, linked: bool) -> Iterator[tuple[str, float, float, str, Node]]:
    less = 1.0 - _BETTER
    yield "atoms", float(node.atoms), node.atoms + 1.0, "", replace(node, atoms=node.atoms + 1)
    if node.dead_time > 0.0:
        time = node.dead_time
        yield "dead time", time, less * time, "s", replace(node, dead_time=less * time)
    for name, value, noise in _noise_steps(node.noise):
        yield name, value, less * value, "1/s", replace(node, noise=noise)
    if node.oscillator is not None:
        for name, value, laser in _laser_steps(node.oscillator):
            yield name, value, less * value, "rad/s", replace(node, oscillator=laser)
    gates = node.gates
    if gates.entangling_fidelity < 1.0:
        better = 1.0 - less * (1.0 - gates.entangling_fidelity)
        changed_gates = replace(gates, entangling_fidelity=better)
        yield "entangling fidelity", gates.entangling_fidelity, better, "", replace(node, gates=changed_gates)
    for field, name, unit in _GATE_STEPS:
        value = getattr(gates, field)
        if value > 0.0:
            yield name, value, less * value, unit, replace(node, gates=replace(gates, **{field: less * value}))
    link = node.link
    if linked and link.epr_fidelity < 1.0:
        better = 1.0 - less * (1.0 - link.epr_fidelity)
        yield "pair fidelity", link.epr_fidelity, better, "", replace(node, link=replace(link, epr_fidelity=better))
    if linked and link.epr_rate_hz is not None:
        rate = link.epr_rate_hz * (1.0 + _BETTER)
        yield "pair rate", link.epr_rate_hz, rate, "Hz", replace(node, link=replace(link, epr_rate_hz=rate))


# --- Rates of entangled pairs ----------------------------------------------------------------------------


def _epr_front(network: Network, choices: Sequence[_Choice], taus: tuple[float, ...], tau: float) -> pd.DataFrame:
    """Which sigma_y at tau takes which rate of every link, without what others do better with less."""
    import pandas as pd

    without = min((one for one in choices if one.scheme != "quantum-cooperative"), key=lambda one: one.sigma(tau))
    rows = [(0.0, without.scheme, without.sigma(tau))]
    if len(network.nodes) > 1:
        (plenty,) = _cooperative(network, None, taus, tau).points
        blocks = sum(plenty.plan.cascade.copies) if plenty.plan.cascade.nodes > 1 else 0
        most = blocks / plenty.plan.cycle_time
        least = 1.0 / tau
        if blocks:
            for rate in np.geomspace(least, max(most, least), _RATES if most > least else 1).tolist():
                rounded = max(float(f"{rate:.3g}"), least)
                choice = _cooperative(network, rounded, taus, tau)
                rows.append((rounded, choice.scheme, choice.sigma(tau)))
    front: list[tuple[float, str, float]] = []
    for row in rows:
        if not front or row[2] < front[-1][2]:
            front.append(row)
    return pd.DataFrame(front, columns=["epr_rate_hz", "scheme", "sigma_y"])


def _cooperative(network: Network, rate: float | None, taus: tuple[float, ...], tau: float) -> _Choice:
    """The quantum-cooperative clock whose links all make pairs at this rate (Hz)."""
    nodes = tuple(replace(node, link=replace(node.link, epr_rate_hz=rate)) for node in network.nodes)
    clocks = tuple(single_clocks(replace(network, nodes=nodes), "quantum-cooperative"))
    near = tuple(value for value in taus if value <= tau)
    return _Choice("quantum-cooperative", clocks, tuple(_best(clock, tau, near) for clock in clocks))
