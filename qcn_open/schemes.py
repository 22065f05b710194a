r"""How stable a network of clocks is: the best interrogation time, allocation and deviation at every averaging time.

A clock of interrogation time T and cycle time :math:`T_c` makes an error of mean square :math:`\langle e^2\rangle` a
cycle, and slips by a whole turn with the small probability p. Both are white over cycles, so that its record has

.. math:: \omega_0^2\sigma_y^2(\tau) = \frac{\langle e^2\rangle + 4\pi^2p}{T^2}\,\frac{T_c}{\tau},

to which dead time adds the Dick effect. Each block over several nodes takes an entangled pair of every link. Pairs of
the next cycle are made during the present one; where they are too few, blocks are given up. To wait for more of them
does not pay: a dead time t adds the variance :math:`vt/2T` to a cycle, where the laser's noise is white and gives the
phase the variance v, and v is more than what any interrogation worth it leaves open.

What is known before an interrogation makes its error smaller, but where that is the loop's own prediction, of variance
v, it does not help an average over many cycles: the loop brings the estimates to zero, so that their errors are those
without the prior, of mean square :math:`\langle e^2\rangle/(1 - \langle e^2\rangle/v)`. That is what is meant here for
a single cycle, too: the stability of the atoms and not of a good laser between two looks at them. Nothing is sampled in
the time domain: that is what the simulated clock is for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qcn_open.allocation import best_cascade
from qcn_open.bayes import expected_error
from qcn_open.budgets import Windings, gaussian_slip, windings
from qcn_open.cascade import Cascade
from qcn_open.clock import Assembly, Plan, Tracking, clocks, run_scheme
from qcn_open.limits import largest_information
from qcn_open.network import Network
from qcn_open.noise import Noise
from qcn_open.oscillator import Oscillator
from qcn_open.preparation import Perfect
from qcn_open.priors import GaussianPrior
from qcn_open.readouts.fringes import Fringes, MultiAngle
from qcn_open.validation import open_interval, positive

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["best_plan", "plateau", "simulate", "stability"]

_SLIP_FREE = 0.1
# Of the square of the deviation, slips get less than this where ensembles are chosen.
_SLIP_SHARE = 0.05
_TRIALS = 4000
# What decoheres a block of all atoms by less than this does not change the allocation.
_FAINT = 0.1
# About what ensembles leave open of the phase, rad^2.
_TRACKED_VARIANCE = 0.4
# Atoms that ensembles must leave to the cascade.
_FEWEST = 4
# Interrogation times are tried in steps of at most this factor.
_STEP = 3.0
_RATIOS = (2, 3, 4, 5, 6, 8)
_ENSEMBLES = tuple(range(6, 65, 2))
# Shares of the atoms in blocks, for a first look at cascades of imperfect or of few blocks.
_BLOCK_SHARES = (0.1, 0.3, 0.6, 0.85)
_FEW_BLOCKS = (1.0, 4.0)


@dataclass(frozen=True)
class SingleClock:
    """One clock: its atoms, the atoms of its smallest block, and how blocks are made, if it has any."""

    atoms: int
    nodes: int
    assembly: Assembly | None
    oscillator: Oscillator
    noise: tuple[Noise, ...]
    dead_time: float
    frequency_hz: float
    gain: float
    readout: Fringes = MultiAngle()

    @property
    def entangled(self) -> bool:
        return self.assembly is not None

    @property
    def perfect(self) -> bool:
        """Whether blocks are made without a flaw, and as many as one likes."""
        return self.assembly is None or (self.assembly.slowest is None and self.assembly.preparation(1) == Perfect())

    @property
    def omega(self) -> float:
        """Angular frequency, rad/s."""
        return 2.0 * math.pi * self.frequency_hz

    def phase_variance(self, time: float) -> float:
        """Of the phase of an interrogation around the predicted one, rad^2, but for what measurement adds."""
        return self.oscillator.phase_variance(time, self.dead_time, gain=self.gain)

    def step_variance(self, time: float, steps: int) -> float:
        """Of the phase over one of so many shortest Ramsey times, rad^2; the laser is steered once a cycle."""
        step, lags = time / steps, np.arange(1.0, steps)
        changes = self.oscillator.mean_square_change(step, lags * step) if steps > 1 else np.zeros(0)
        within = float((steps - lags) @ changes) / steps**2
        return step**2 * (self.phase_variance(time) / time**2 + within)

    def remaining(self, time: float) -> tuple[float, float]:
        """Coherence and survival of one atom."""
        return _remaining(self.noise, time)

    def expected_square(self, tracking: int = 0) -> float:
        """About what a cycle errs by, rad^2, with so many atoms less: how few slips there must be."""
        atoms = self.atoms - tracking
        if not self.entangled:
            return 1.0 / atoms
        return max((6.0 / atoms) ** 2, 1.0 / (20.0 * atoms) if self.nodes > 1 else 0.0)

    def allowed_slips(self, tracking: int = 0, square: float | None = None) -> float:
        """Slips a cycle, if it errs by this mean square (rad^2), or by the expected one."""
        square = self.expected_square(tracking) if square is None else square
        return _SLIP_SHARE * square / (4.0 * math.pi**2)


@lru_cache(maxsize=4096)
def _remaining(noise: tuple[Noise, ...], time: float) -> tuple[float, float]:
    left = Cascade(uncorrelated=1).decohered(noise, time)
    return left.coherence, left.survival


@dataclass(frozen=True)
class OperatingPoint:
    """A plan, the mean square error of a cycle (rad^2), the relative uncertainty of its root, and its slips a cycle.

    predicted_variance is that of the phase around what was known before, rad^2.
    """

    plan: Plan
    square: float
    uncertainty: float
    slips: float
    predicted_variance: float

    @property
    def rate(self) -> float:
        r"""Variance of the detuning times the averaging time, (rad/s)^2 s, over many cycles."""
        square = self.square
        if not self.plan.tracking.atoms:
            square /= max(1.0 - square / self.predicted_variance, 1e-3)
        return (square + 4.0 * math.pi**2 * self.slips) * self.plan.cycle_time / self.plan.interrogation_time**2

    def variance(self, tau: float, clock: SingleClock) -> float:
        """Of the detuning over an averaging time (s), with the Dick effect, (rad/s)^2."""
        dick = 0.0
        if clock.dead_time > 0.0:
            dick = clock.oscillator.dick_deviation(tau, self.plan.interrogation_time, clock.dead_time)
        return self.rate / tau + dick**2

    @property
    def slips_share(self) -> float:
        return 1.0 - self.square / (self.square + 4.0 * math.pi**2 * self.slips)


@cache
def _slips_between(atoms: int, ratio: int, readout: Fringes) -> float:
    """Slips a use between two ensembles of so many atoms, before they decohere."""
    return windings((atoms, atoms), (ratio, 1), 0.3, readout).slips[1]


@cache
def tracked(clock: SingleClock, time: float, square: float | None) -> tuple[Tracking, Windings] | None:
    """The fewest atoms that count windings with few enough slips, or None if they don't fit."""
    allowed = clock.allowed_slips(0, square)
    direct = clock.phase_variance(time)
    if gaussian_slip(direct) <= allowed:
        return Tracking(), windings((), (), direct, clock.readout.fixed)
    best: tuple[int, Tracking] | None = None
    for ratio in _RATIOS:
        # The shortest Ramsey time is short enough by itself; fewer steps a level where they do.
        levels, steps = 1, ratio
        while steps * gaussian_slip(clock.step_variance(time, steps)) > 0.2 * allowed:
            levels, steps = levels + 1, steps * ratio
            if steps > 10**7:
                return None
        uses = sum(ratio**level for level in range(levels))
        for number in _ENSEMBLES:
            if levels * number > clock.atoms - _FEWEST or (best is not None and levels * number >= best[0]):
                break
            if uses * _slips_between(number, ratio, clock.readout.fixed) <= 0.6 * clock.allowed_slips(
                levels * number, square
            ):
                best = levels * number, Tracking((number,) * levels, (ratio,) * levels)
                break
    if best is None:
        return None
    tracking = best[1]
    while sum(tracking.atoms) <= clock.atoms - _FEWEST:
        counted = count_windings(clock, time, tracking)
        if counted.slips_per_cycle <= clock.allowed_slips(sum(tracking.atoms), square):
            return tracking, counted
        # Decohered ensembles are the last ones.
        atoms = list(tracking.atoms)
        worst = int(np.argmax(np.array(counted.slips[1:]) * np.cumprod(tracking.ratios[::-1])[::-1] / tracking.ratios))
        for level in {worst, min(worst + 1, len(atoms) - 1)}:
            atoms[level] += max(2, atoms[level] // 6)
        tracking = replace(tracking, atoms=tuple(atoms))
    return None


@cache
def _operation(clock: SingleClock, time: float) -> OperatingPoint | None:
    """The best plan of this interrogation time, or None if no atoms are left to count its windings."""
    operation = _operation_for(clock, time, None)
    if operation is not None and operation.square > 1.2 * clock.expected_square(sum(operation.plan.tracking.atoms)):
        # Decohered cascades err more, and may slip more often for it.
        relaxed = _operation_for(clock, time, _digits(operation.square, 1))
        if relaxed is not None and relaxed.rate < operation.rate:
            return relaxed
    return operation


def _operation_for(clock: SingleClock, time: float, square: float | None) -> OperatingPoint | None:
    """The plan whose slips are few as against an error of this mean square (rad^2), or as against the expected one."""
    found = tracked(clock, time, square)
    if found is None:
        return None
    plan = unallocated(clock, time, *found)
    if clock.entangled:
        plan = replace(plan, cascade=_allocated(plan.cascade, clock, plan.cycle_time))
    return budgeted(plan, found[1])


def count_windings(clock: SingleClock, time: float, tracking: Tracking) -> Windings:
    """What given ensembles get wrong."""
    if not tracking.atoms:
        return windings((), (), clock.phase_variance(time), clock.readout.fixed)
    coherence, survival = clock.remaining(time)
    # Lost atoms that are seen do less harm than those that read as a random sign, whose enumeration is exact.
    readout = replace(clock.readout.fixed, loss="seen" if survival == 1.0 else "random")
    step = clock.step_variance(time, tracking.steps)
    return windings(tracking.atoms, tracking.ratios, step, readout, coherence, survival)


def unallocated(clock: SingleClock, time: float, tracking: Tracking, counted: Windings) -> Plan:
    """The plan whose atoms are uncorrelated but for those that track windings, with what is known of the phase."""
    atoms = clock.atoms - sum(tracking.atoms)
    variance = counted.residual_variance
    if not tracking.atoms:
        # An estimate that leans on the prior steers by less: errors of mean square M about a phase of variance v are
        # weighted by v/(v + M).
        error = clock.expected_square()
        gain = clock.gain * variance / (variance + error)
        variance = clock.oscillator.phase_variance(time, clock.dead_time, gain=gain) + gain * error / (2.0 - gain)
    coherence, survival = clock.remaining(time)
    prior = GaussianPrior(variance)
    cascade = Cascade((), 1, atoms, clock.readout, prior=prior, coherence=coherence, survival=survival)
    return Plan(time, cascade, tracking, clock.gain, clock.dead_time)


def budgeted(plan: Plan, counted: Windings) -> OperatingPoint:
    """A plan with what it errs by and how often its ensembles slip."""
    rms, error = expected_error(plan.cascade, _TRIALS, np.random.default_rng(20140615))
    assert isinstance(plan.cascade.prior, GaussianPrior)
    return OperatingPoint(plan, rms**2, error / rms, counted.slips_per_cycle, plan.cascade.prior.variance)


def _digits(number: float, digits: int) -> float:
    return float(f"{number:.{digits - 1}e}")


def _allocated(uncorrelated: Cascade, clock: SingleClock, cycle_time: float) -> Cascade:
    """The best cascade of as many atoms under the same prior and decoherence, or the uncorrelated atoms."""
    if clock.assembly is not None and not clock.perfect:
        return _assembled(uncorrelated, clock.nodes, clock.assembly, cycle_time)
    assert isinstance(uncorrelated.prior, GaussianPrior)
    atoms, variance = uncorrelated.atoms, _rounded(uncorrelated.prior.variance, 1.25, math.ceil)
    decay = -math.log(uncorrelated.coherence * uncorrelated.survival)
    fourfold = math.floor(0.5 * math.log2(max(atoms * decay, _FAINT) / _FAINT))
    if atoms < clock.atoms or fourfold > 0:
        # One start for all times at which ensembles track windings or atoms decohere.
        atoms, variance = math.ceil(0.8 * clock.atoms), _TRACKED_VARIANCE
    start = _copies(atoms, clock.nodes, variance, uncorrelated.coherence, uncorrelated.survival, fourfold)
    if not start:
        # What is known of the phase may be enough where it is not for ensembles that track it.
        start = _lossless(uncorrelated.atoms, clock.nodes, _rounded(uncorrelated.prior.variance, 1.25, math.ceil))
    return _descended(start, uncorrelated, clock.nodes, clock.assembly.sets if clock.assembly else clock.atoms)


def _few_or_imperfect(atoms: int, nodes: int) -> list[tuple[int, ...]]:
    """Copies that grow towards the smaller of neighbouring levels; levels below them may be left out."""
    starts = set()
    largest = max(1, int(math.log2(max(atoms / nodes, 2.0))))
    for first in range(largest if nodes > 1 else 1):
        for levels in range(1, largest - first + 1):
            shape = 1.0 + 0.15 * np.arange(levels)[::-1]
            size = float(shape @ (nodes << (first + np.arange(levels))))
            for number in (*(share * atoms / size for share in _BLOCK_SHARES), *_FEW_BLOCKS):
                copies = tuple(int(copies) for copies in np.rint(number * shape))
                if min(copies) >= 1:
                    starts.add((0,) * first + copies)
    return sorted(starts)


def _rounded(number: float, factor: float, whole: Callable[[float], int]) -> float:
    return float(factor ** whole(math.log(number) / math.log(factor)))


@cache
def _lossless(atoms: int, nodes: int, variance: float) -> tuple[int, ...]:
    try:
        return best_cascade(atoms, nodes, prior=GaussianPrior(variance)).copies
    except ValueError:
        # Blocks over all nodes don't pay.
        return ()


@cache
def _copies(
    atoms: int, nodes: int, variance: float, coherence: float, survival: float, fourfold: int
) -> tuple[int, ...]:
    """Copies that are best at a decoherence that was made four times as fast so often from where it does not matter.

    Each is found from the one before, as decoherence takes the largest blocks away.
    """
    if fourfold == 0:
        return _lossless(atoms, nodes, variance)
    before = _copies(atoms, nodes, variance, coherence**0.25, survival**0.25, fourfold - 1)
    alone = Cascade(uncorrelated=atoms, prior=GaussianPrior(variance), coherence=coherence, survival=survival)
    return _descended(before, alone, nodes, atoms).copies


def _descended(copies: tuple[int, ...], alone: Cascade, nodes: int, sets: int) -> Cascade:
    """From the given copies to better ones, a block at a time; `alone` holds the atoms and what is known of them."""

    def filled(copies: Sequence[int]) -> Cascade | None:
        found = with_blocks(alone, copies, nodes, sets)
        return None if found is None or 0 in found.copies else found

    # From a start with more atoms in blocks than there are, the largest blocks go first.
    while filled(copies) is None:
        copies = copies[:-1] if copies[-1] <= 1 else (*copies[:-1], copies[-1] - 1)
    return _improved(filled(copies) or alone, alone, filled)


def _assembled(alone: Cascade, nodes: int, assembly: Assembly, cycle_time: float) -> Cascade:
    """The same for blocks that are imperfect or few, from the best of many starts."""
    most = assembly.most(cycle_time)

    def filled(copies: Sequence[int]) -> Cascade | None:
        found = with_blocks(alone, copies, nodes, assembly.sets)
        blocks = sum(found.copies) if found is not None else 0
        if found is None or (blocks > most and nodes > 1):
            return None
        return replace(found, preparation=assembly.preparation(blocks))

    def best(cascades: Sequence[Cascade], number: int, trials: int) -> list[Cascade]:
        return sorted(cascades, key=lambda one: expected_error(one, trials, np.random.default_rng(1582))[0])[:number]

    starts = _few_or_imperfect(alone.atoms, nodes)
    found = [cascade for copies in starts if (cascade := filled(copies)) is not None]
    if not found:
        return alone
    start = best(best(found, 10, _TRIALS // 64), 1, _TRIALS // 8)[0]
    return best([alone, _improved(start, alone, filled)], 1, _TRIALS)[0]


def with_blocks(alone: Cascade, copies: Sequence[int], nodes: int, sets: int) -> Cascade | None:
    """So many blocks of the atoms of `alone`, or None if there are not enough; `sets` is as in `Assembly`."""
    while copies and copies[-1] == 0:
        copies = copies[:-1]
    shares = sum(number << level for level, number in enumerate(copies))
    if nodes > 1 and shares > sets:
        return None
    left = alone.atoms - nodes * shares
    if nodes == 1 and copies:
        copies, left = (copies[0] + left, *copies[1:]), 0
    if left < 0 or any(number < 0 for number in copies):
        return None
    return replace(alone, copies=tuple(copies), nodes=nodes, uncorrelated=left)


def _improved(best: Cascade, alone: Cascade, filled: Callable[[Sequence[int]], Cascade | None]) -> Cascade:
    """A block more or less at a time, as long as that helps; `alone` if no blocks are better."""

    @cache
    def error(cascade: Cascade, trials: int, seed: int) -> float:
        return expected_error(cascade, trials, np.random.default_rng(seed))[0]

    def better(one: Cascade, other: Cascade) -> bool:
        """Whether one errs less, on outcomes that may have been lucky and on others."""
        return all(error(one, *drawn) < error(other, *drawn) for drawn in ((_TRIALS // 8, 1582), (_TRIALS // 2, 1752)))

    improved = bool(best.copies)
    while improved:
        improved = False
        for level in reversed(range(0 if best.nodes > 1 else 1, len(best.copies))):
            for step in (1, -1):
                # A block more or less, for uncorrelated atoms or for two blocks of half its size.
                for exchange in (0, 2) if level > 0 else (0,):
                    moved = list(best.copies)
                    if level >= len(moved):
                        continue
                    moved[level] += step
                    if level > 0:
                        moved[level - 1] -= step * exchange
                    found = filled(moved)
                    if found is not None and better(found, best):
                        best, improved = found, True
    return alone if better(alone, best) else best


def direct_time(clock: SingleClock, longest: float) -> float:
    """The longest interrogation time, s, without ensembles that count windings."""
    allowed = clock.allowed_slips()

    def fits(time: float) -> bool:
        return gaussian_slip(clock.phase_variance(time)) <= allowed

    if fits(longest):
        return longest
    low, high = longest * 1e-12, longest
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _operations(clock: SingleClock, taus: Sequence[float]) -> tuple[dict[float, OperatingPoint], str]:
    """Plans of all interrogation times worth it, and what keeps longer ones from being so."""
    durations = [tau - clock.dead_time for tau in taus]
    direct = direct_time(clock, durations[-1])
    wanted = sorted({*durations, *([direct] if direct >= durations[0] else [])})
    times = [wanted[0]]
    for time in wanted[1:]:
        between = math.ceil(math.log(time / times[-1]) / math.log(_STEP) - 1e-9)
        times += [times[-1] * (time / times[-1]) ** ((i + 1) / between) for i in range(between)]
    if durations[0] > direct:
        times.insert(0, direct)
    found: dict[float, OperatingPoint] = {}
    reason = "interrogation time = tau"
    for time in times:
        operation = _operation(clock, time)
        if operation is None:
            reason = "atoms that track windings"
            break
        found[time] = operation
        if operation.rate > 3.0 * min(other.rate for other in found.values()):
            break
    best = min(found, key=lambda time: found[time].rate)
    ordered = sorted(found)
    place = ordered.index(best)
    longer = ordered[place + 1] if place + 1 < len(ordered) else None
    if longer is None and reason.startswith("atoms"):
        # The last time that still fits lies between the last that did and the first that did not.
        low, high = best, next(time for time in times if time > best)
        while high / low > 1.1:
            middle = math.sqrt(low * high)
            operation = _operation(clock, middle)
            if operation is None:
                high = middle
            else:
                low, found[middle] = middle, operation
    elif longer is not None:
        reason = _reason(found[best], found[longer])
        for neighbour in ordered[max(0, place - 1) : place + 2]:
            if neighbour != best:
                middle = math.sqrt(best * neighbour)
                operation = _operation(clock, middle)
                if operation is not None:
                    found[middle] = operation
    return found, reason


def _reason(best: OperatingPoint, longer: OperatingPoint) -> str:
    """Why a longer interrogation time is worse."""
    if longer.slips_share > _SLIP_FREE:
        return "slips"
    before, after = best.plan, longer.plan
    decohered = replace(after.cascade, coherence=before.cascade.coherence, survival=before.cascade.survival)
    rms = expected_error(decohered, _TRIALS // 4, np.random.default_rng(20140615))[0]
    if rms**2 < longer.square - 0.5 * (longer.square - best.square):
        return "decoherence"
    return "atoms that track windings"


def single_clocks(
    network: Network, scheme: str, gain: float = 0.1, readout: Fringes = MultiAngle()
) -> list[SingleClock]:
    """The clocks of a scheme."""
    gain = open_interval("gain", gain, 0.0, 2.0)
    found = []
    for one in clocks(network, scheme):
        assembly = Assembly.of(one, scheme)
        smallest = assembly.smallest if assembly is not None else 1
        found.append(
            SingleClock(
                one.atoms,
                smallest,
                assembly,
                one.oscillator,
                one.noise,
                one.dead_time,
                one.frequency_hz,
                gain,
                readout,
            )
        )
    return found


def _times(tau: NDArray[np.float64] | Sequence[float] | float, dead_time: float) -> list[float]:
    values = [positive("tau", value, "s") for value in np.atleast_1d(np.asarray(tau, dtype=float)).tolist()]
    if any(after <= before for before, after in pairwise(values)) or not values:
        raise ValueError(f"tau must increase from each averaging time to the next (s), got {values}: sort them")
    if values[0] <= dead_time:
        raise ValueError(f"tau must be longer than the dead time of {dead_time:g} s, got {values[0]:g} s")
    return values


def stability(
    network: Network,
    scheme: str,
    tau: NDArray[np.float64] | Sequence[float] | float,
    *,
    gain: float = 0.1,
    readout: Fringes = MultiAngle(),
) -> pd.DataFrame:
    r"""The best stability of a network of clocks at each averaging time, from budgets.

    At every tau the interrogation time is tau itself, as long as that pays, and then the best one, repeated. Atoms are
    split between ensembles that count windings and a cascade (uncorrelated atoms in classical schemes), read at fixed,
    equally spaced angles unless told otherwise, and estimated jointly. Blocks have what gates and links leave of their
    contrast, and there are no more of them than entangled pairs.

    Parameters
    ----------
    network : Network
        The clocks.
    scheme : str
        `quantum-cooperative`: one cascade over all nodes. `quantum-alone`: one of the atoms of the first node.
        `quantum-classical`: such a clock at each node, combined with weights inverse to their variances.
        `classical-cooperative` and `classical-alone`: uncorrelated atoms of all nodes, of the first.
    tau : array_like
        Averaging times, s, increasing.
    gain : float, optional
        Servo gain.
    readout : Fringes, optional
        Readout angles of all atoms; ensembles that track windings keep to fixed ones.

    Returns
    -------
    DataFrame
        tau_s, sigma_y, sigma_y_low, sigma_y_high (95 %, of the numerical average over outcomes);
        interrogation_time_s, uncorrelated_atoms, tracking, cascade as text; slips_share, the part of sigma_y^2 that is
        due to slips; bound_sigma_y, below which no probe of these atoms gets; limited_by, what keeps the interrogation
        time from being longer. For `quantum-classical` the columns of the plan are those of the first node.

    Raises
    ------
    TypeError
        If the network is none.
    ValueError
        If the scheme is unknown, tau does not increase, the atoms are too few for any cascade over all nodes, or a link
        makes no entangled pair within the longest tau.

    Examples
    --------
    >>> from qcn_open import Dephasing, Network, Node, Oscillator
    >>> network = Network((Node(100),) * 2, Oscillator.from_linewidth(white=1.0), (Dephasing(1e-2),), 429e12)
    >>> table = stability(network, "classical-cooperative", [0.1])
    >>> round(float(table.sigma_y[0]) * 2 * math.pi * 429e12 * 0.1 * math.sqrt(200), 2)
    1.04
    """
    import pandas as pd

    single = single_clocks(network, scheme, gain, readout)
    taus = _times(tau, max(clock.dead_time for clock in single))
    _check_pairs(single[0], taus[-1])
    curves = {clock: _operations(clock, taus) for clock in set(single)}
    operations, reason = curves[single[0]]
    _check_coarse_stage(single[0], [_chosen(operations, value - single[0].dead_time) for value in taus])
    rows = []
    for value in taus:
        chosen = [_chosen(curves[clock][0], value - clock.dead_time) for clock in single]
        inverse = sum(clock.omega**2 / one.variance(value, clock) for one, clock in zip(chosen, single, strict=True))
        sigma = 1.0 / math.sqrt(inverse)
        information = sum(clock.omega**2 * bound(clock, value) for clock in single)
        one = chosen[0]
        spread = 1.96 * one.uncertainty * (1.0 - one.slips_share) / math.sqrt(len(single))
        rows.append(
            {
                "tau_s": value,
                "sigma_y": sigma,
                "sigma_y_low": sigma * (1.0 - spread),
                "sigma_y_high": sigma * (1.0 + spread),
                **plan_columns(one.plan),
                "slips_share": one.slips_share,
                "bound_sigma_y": 1.0 / math.sqrt(information),
                "limited_by": reason if _repeats(one, value) else "interrogation time = tau",
            }
        )
    return pd.DataFrame(rows)


def best_plan(
    network: Network,
    scheme: str,
    tau: float,
    *,
    gain: float = 0.1,
    interrogation_time: float | None = None,
    readout: Fringes = MultiAngle(),
) -> Plan:
    """The plan behind one point of `stability`, which `run_scheme` can run.

    Parameters
    ----------
    network : Network
        The clocks.
    scheme : str
        As for `stability`; for `quantum-classical` the plan of the first node.
    tau : float
        Averaging time, s.
    gain : float, optional
        Servo gain.
    interrogation_time : float, optional
        T, s, instead of the best one.
    readout : Fringes, optional
        As for `stability`.

    Returns
    -------
    Plan
        Interrogation time, cascade and tracking ensembles.

    Raises
    ------
    TypeError, ValueError
        As for `stability`; or if the interrogation time is beyond the slip limit: no atoms are left to count windings.

    Examples
    --------
    >>> from qcn_open import Dephasing, Network, Node, Oscillator
    >>> network = Network((Node(100),), Oscillator.from_linewidth(white=1.0), (Dephasing(1e-2),), 429e12)
    >>> best_plan(network, "classical-alone", 0.1).cascade.uncorrelated
    100
    """
    clock = single_clocks(network, scheme, gain, readout)[0]
    value = _times(tau, clock.dead_time)[-1]
    _check_pairs(clock, value)
    if interrogation_time is not None:
        time = positive("interrogation_time", interrogation_time, "s")
        if time + clock.dead_time > value:
            raise ValueError(
                f"interrogation_time must not exceed tau less the dead time, {value - clock.dead_time:g} s, "
                f"got {time:g} s"
            )
        operation = _operation(clock, time)
        if operation is None:
            limit = max(_operations(clock, [value])[0])
            raise ValueError(
                f"interrogation_time {time:g} s is beyond the slip limit of {limit:g} s: no ensembles that count so "
                f"many windings fit into {clock.atoms} atoms; take at most that, or more atoms"
            )
        return operation.plan
    operations, _ = _operations(clock, [value])
    chosen = _chosen(operations, value - clock.dead_time)
    _check_coarse_stage(clock, [chosen])
    return chosen.plan


def _chosen(operations: dict[float, OperatingPoint], longest: float) -> OperatingPoint:
    """The best of those that are not too long."""
    fitting = [one for time, one in operations.items() if time <= longest * (1.0 + 1e-9)]
    return min(fitting, key=lambda one: one.rate)


def _check_pairs(clock: SingleClock, tau: float) -> None:
    """Refuse a clock of entangled nodes that get no pair within the longest averaging time (s)."""
    if clock.assembly is None or clock.assembly.most(tau) >= 1 or clock.assembly.slowest is None:
        return
    node = clock.assembly.slowest
    raise ValueError(
        f"link epr_rate_hz of node {node.name!r} is {node.link.epr_rate_hz:g} Hz, not one entangled pair within "
        f"tau = {tau:g} s, so that no block reaches over all nodes: take at least {1.0 / tau:.3g} Hz, a longer tau or "
        "'quantum-classical'"
    )


def _repeats(operation: OperatingPoint, tau: float) -> bool:
    """Whether an averaging time (s) holds more than one cycle."""
    return operation.plan.cycle_time < tau * (1.0 - 1e-9)


def bound(clock: SingleClock, tau: float) -> float:
    """Largest Fisher information (s^2) of so many atoms in any state within tau."""
    return largest_information(clock.atoms, clock.noise, tau)


def plan_columns(plan: Plan) -> dict[str, object]:
    """What tables say of a plan."""
    cascade = plan.cascade
    blocks = [(number, cascade.nodes << level) for level, number in enumerate(cascade.copies) if number > 0]
    return {
        "interrogation_time_s": plan.interrogation_time,
        "uncorrelated_atoms": cascade.uncorrelated,
        "tracking": tracking_text(plan.tracking),
        "cascade": " + ".join(f"{number} x {size}" for number, size in blocks),
    }


def tracking_text(tracking: Tracking) -> str:
    """Atoms of the ensembles that count windings, and their Ramsey times as parts of the interrogation time T."""
    return " + ".join(f"{atoms} for T/{part}" for atoms, part in zip(tracking.atoms, tracking.fractions, strict=True))


def _check_coarse_stage(clock: SingleClock, chosen: Sequence[OperatingPoint]) -> None:
    """Refuse a cascade over all nodes of which only uncorrelated atoms are left, for want of a coarse stage."""
    atoms, nodes = clock.atoms, clock.nodes
    # (4/pi^2) K^2 ln N, as the Gaussian budget has it.
    coarse = 4.0 / math.pi**2 * nodes**2 * math.log(atoms)
    if nodes == 1 or atoms > coarse + 2 * nodes or any(one.plan.cascade.copies for one in chosen):
        return
    fewer = max(1, int(math.pi * math.sqrt(atoms / (8.0 * math.log(atoms)))))
    raise ValueError(
        f"{atoms} atoms are too few for a cascade over {nodes} nodes: to tell the fringes of blocks of {nodes} atoms "
        f"apart takes about {coarse:.0f} uncorrelated atoms. Take at most {fewer} nodes, about {2.0 * coarse:.0f} "
        "atoms, or 'quantum-classical', where every node has a cascade of its own"
    )


def plateau(levels: Sequence[tuple[int, int]], *, mid_fringe: bool) -> tuple[float, float]:
    r"""How far above eq. (4) of Kómár et al. the stability of GHZ blocks ends up under dephasing.

    At an equally spaced set of fixed angles a parity of contrast V has the Fisher information
    :math:`n^2(1 - \sqrt{1 - V^2})`, at mid-fringe, to where angles fed forward bring it, :math:`n^2V^2`; with
    :math:`V = e^{-n\gamma_iT/2}`. Eq. (4) is the information :math:`NT/\gamma_i` in the time T.

    Parameters
    ----------
    levels : sequence of (int, int)
        Atoms of a block, and copies of it.
    mid_fringe : bool
        Whether angles follow the phase.

    Returns
    -------
    factor, time : float
        :math:`\sigma_y` over that of eq. (4) at the best T, and that :math:`\gamma_iT`.

    Raises
    ------
    ValueError
        If there is no block.

    Examples
    --------
    >>> round(plateau([(1, 1000)], mid_fringe=True)[0], 4), round(math.sqrt(math.e), 4)
    (1.6487, 1.6487)
    """
    from scipy.optimize import minimize_scalar

    sizes, copies = (
        (np.array(part, dtype=float) for part in zip(*levels, strict=True)) if levels else (np.zeros(0),) * 2
    )
    if sizes.size == 0 or (sizes < 1.0).any() or (copies < 1.0).any():
        raise ValueError(f"plateau needs blocks, as (atoms, copies), got {levels!r}")

    def lost(log_time: float) -> float:
        time = math.exp(log_time)
        square = np.exp(-sizes * time)
        each = square if mid_fringe else square / (1.0 + np.sqrt(-np.expm1(-sizes * time)))
        return -math.log(time * float(copies @ (sizes**2 * each)) / float(copies @ sizes))

    # The information of each level has one maximum, at a time inversely proportional to its size.
    edges = -np.log(sizes.max()) - 3.0, -np.log(sizes.min()) + 2.0
    grid = np.linspace(*edges, 400)
    start = int(np.argmin([lost(x) for x in grid]))
    found = minimize_scalar(lost, bounds=(grid[max(start - 1, 0)], grid[min(start + 1, 399)]), method="bounded")
    return math.exp(0.5 * float(found.fun)), math.exp(float(found.x))


def simulate(
    network: Network,
    scheme: str,
    *,
    cycles: int,
    rng: np.random.Generator,
    tau: float | None = None,
    gain: float = 0.1,
    threads: int = 1,
) -> pd.DataFrame:
    """Stability of a network of clocks, each following its best plan, from a simulation in the time domain.

    Records of unlike clocks are averaged cycle by cycle: all keep the cycle of the shortest interrogation and the
    longest dead time, and who needs less dead time interrogates for longer. In budgets each keeps its own.

    Parameters
    ----------
    network : Network
        The clocks.
    scheme : str
        As for `stability`.
    cycles : int
        Cycles of each clock.
    rng : numpy.random.Generator
        Source of randomness.
    tau : float, optional
        Averaging time (s) whose plan is run, as `best_plan` finds it; if left out 1000 times the decay time of an
        atom's coherence, or without decoherence what the windings allow.
    gain : float, optional
        Servo gain.
    threads : int, optional
        How many clocks are simulated at a time; the result is the same.

    Returns
    -------
    DataFrame
        As `run_scheme`: tau_s, sigma_y, sigma_y_low, sigma_y_high (95 %), slips.

    Raises
    ------
    TypeError, ValueError
        As for `stability` and `run_scheme`.

    Examples
    --------
    >>> import numpy as np
    >>> from qcn_open import Dephasing, Network, Node, Oscillator
    >>> network = Network((Node(100),) * 2, Oscillator.from_linewidth(white=1.0), (Dephasing(1e-2),), 429e12)
    >>> table = simulate(network, "classical-cooperative", tau=0.1, cycles=1000, rng=np.random.default_rng(1))
    >>> list(table.columns)
    ['tau_s', 'sigma_y', 'sigma_y_low', 'sigma_y_high', 'slips']
    """
    single = single_clocks(network, scheme, gain)
    if tau is None:
        coherence, survival = single[0].remaining(1.0)
        decay = -math.log(coherence * survival)
        tau = 1e3 / decay if decay > 0.0 else 1e3 * direct_time(single[0], 1e6)
    plans = [best_plan(network, scheme, tau, gain=gain)]
    if len(set(single)) > 1:
        # Records are averaged cycle by cycle: all nodes keep to the cycle of the shortest interrogation and the longest
        # dead time. Who needs less dead time interrogates for longer, up to its own best time.
        slowest = max(clock.dead_time for clock in single)
        values = _times(tau, slowest)
        best = [_chosen(_operations(clock, values)[0], values[-1]).plan.interrogation_time for clock in single]
        shortest = min(best)
        plans = []
        for clock, longest in zip(single, best, strict=True):
            spare = slowest - clock.dead_time
            time = min(longest, shortest + spare)
            operation = _operation(clock, time)
            if operation is not None:
                plans.append(replace(operation.plan, dead_time=clock.dead_time + max(0.0, shortest + spare - time)))
    return run_scheme(network, scheme, plans, cycles, rng, threads=threads)
