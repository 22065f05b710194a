r"""How many atoms does it take to track the windings of a laser's phase beyond 1/γ_LO, and how often does that slip?

Beyond :math:`T \sim 1/\gamma_{LO}` the phase of the laser covers many turns, of which no state that is interrogated for
T, cascade or not, knows the number. Ensembles of uncorrelated atoms that are read after shorter times
:math:`T_1 < T_2 < \dots < T` count them (`qcn_open.Tracking`). Here the laser's noise is white,
:math:`\langle\Phi^2(T)\rangle = \gamma_{LO}T`, nothing decoheres, and ensembles are read by arctan2. The last of them
is interrogated for T itself: it is the clock, or the coarse stage of its cascade.

*What to expect.* An ensemble knows its phase up to whole turns and takes these from the sum of the r estimates of the
ensemble before. If that sum is off by e turns, so is what comes of it, by exactly e: a phase known modulo a turn can't
tell. The same integer goes from sum to sum up to T, neither divided, as a wrong turn of n entangled atoms is, nor
multiplied. So a slip of any ensemble costs :math:`2\pi` at T, and the shorter ones, used more often, must slip the
less. It costs them in one cycle only: the steering spreads the false turn over all :math:`T/T_1` shortest times, far
from another fringe of theirs.

The sum and the own phase of n atoms differ by r + 1 errors of the variance 3/2n; as a Gaussian that leaves
:math:`\pm\pi` with the probability :math:`\mathrm{erfc}\,[\pi/\sqrt{3(r+1)/n}]`. For p slips a cycle the ensemble read
after t needs :math:`n \approx (3/\pi^2)(r+1)\ln(T/tp)` atoms. With :math:`L = \ln(T/T_1)` there are
:math:`L/\ln r` ensembles, of

.. math:: N_* \approx \frac{3}{\pi^2}\,\frac{r+1}{\ln r}\,\Bigl[L\ln\frac1p + \frac{L^2}2\Bigr]

atoms together: nearly logarithmic in T, and fewest for r = 3 to 4. Few signs err by a radian more often than that,
whence r = 5, with smaller errors to a slip, serves better. Before the first ensemble there is no other: the variance is
:math:`\gamma_{LO}T_1 + 3/2n`. The usual estimates are :math:`r/n`, as if atoms were read as well as a Gaussian can be,
or :math:`3r/2n`, which leaves out the own error.

A slip adds :math:`(2\pi)^2` to the squared error: to stay below a tenth of the projection noise of N uncorrelated atoms
it may occur :math:`0.1\cdot3/(8\pi^2N)` times a cycle, 4e-5 for N = 100.

*Enumeration and simulation.* The enumeration adds up the slips of all ensembles. A reading of few atoms that is far off
makes its own ensemble slip one way and the next one back, which doesn't show at the end of the cycle: simulated slips
are a tenth fewer, up to a third with 8 atoms. What is enumerated is an upper bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from qcn_open import Bitwise, Cascade, DualQuadrature, MultiAngle, Oscillator, Plan, Tracking
from qcn_open.budgets import Windings, gaussian_slip, windings
from qcn_open.clock import run_clock
from qcn_open.figures import COLOURS, COLUMN_IN
from qcn_open.ledger import Claim

GAIN = 0.1
# Slips a cycle that most designs allow, and as many as can be counted in a simulation.
ALLOWED, OFTEN = 1e-6, 1e-2
# So many slips are expected where they are.
COUNTED = 50.0
# gamma_LO T_1 where one ratio is looked at by itself.
SHORTEST = 0.16
# Atoms of the network and of a lone node in the paper's Fig. 3, and the times at which its curves meet their bounds.
NETWORK_ATOMS, NODE_ATOMS = 1000, 100
KNEES = {
    "a": math.log(NETWORK_ATOMS) / (NETWORK_ATOMS * 1e-4),
    "c": math.log(NODE_ATOMS) / (NODE_ATOMS * 1e-4),
    "e": 1e4,
}
# Ensembles that a design may be made of: none smaller than the next, nor larger by more than this.
SIZES = tuple(range(8, 109, 4))
LARGEST_DROP = 24
RATIOS = (2, 3, 4, 5, 6, 8)
# The most that the phase of a shortest time may vary, rad^2.
LONGEST_STEP = 1.0


@dataclass(frozen=True)
class Config:
    readouts: tuple[str, ...] = ("dual", "multi")
    ratios: tuple[int, ...] = (2, 3, 5, 8)
    atoms: tuple[int, ...] = (8, 12, 16, 20, 30, 40, 50, 60)
    times: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 3e4, 1e5)
    slips: tuple[float, ...] = (1e-2, 1e-4, 1e-6, 1e-8)
    looped_times: tuple[float, ...] = (1.0, 10.0, 100.0)
    # Shortest Ramsey times that are simulated for one row.
    steps: int = 5_000_000
    seed: int = 20142


SMOKE = Config(readouts=("multi",), ratios=(5,), atoms=(8, 20, 40), times=(10.0,), slips=(1e-6,), looped_times=())
FULL = Config(
    ratios=(2, 3, 4, 5, 6, 7, 8),
    atoms=(8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60),
    times=tuple(10.0 ** (k / 4) for k in range(21)),
    steps=100_000_000,
)
KEY = ("part", "readout", "ratio", "atoms", "gamma_lo_time", "allowed_slips")
BACKENDS = (DualQuadrature(), MultiAngle(), Bitwise())

READOUTS = {"dual": DualQuadrature(), "multi": MultiAngle()}
LASER = Oscillator.from_linewidth(white=1.0)


@dataclass(frozen=True)
class Design:
    """Ensembles from the shortest Ramsey time to T, of which each is used ratios[k] times while the next is once."""

    atoms: tuple[int, ...]
    ratios: tuple[int, ...]

    def counted(self, time: float, readout: str) -> Windings:
        """Its enumerated slips; what the steering adds to the phase of a shortest time included."""
        return windings(self.atoms, (*self.ratios, 1), _step(time, math.prod(self.ratios)), READOUTS[readout])

    def plan(self, time: float, readout: str) -> Plan:
        clock = Cascade(uncorrelated=self.atoms[-1], readout=READOUTS[readout], estimator=Bitwise())
        return Plan(time, clock, Tracking(self.atoms[:-1], self.ratios), GAIN)


def _step(time: float, steps: int) -> float:
    """Variance (rad^2) of the steered laser's phase over one of so many steps; the steering sees the whole cycle."""
    return time / steps * (1.0 + GAIN / ((2.0 - GAIN) * steps))


# --- Rows ------------------------------------------------------------------------------------------------------------


def rows(config: Config) -> pd.DataFrame:
    """Equal ensembles at one ratio (`use`), fewest atoms (`fewest`; ratio 0: any), and closed loops (`loop`)."""
    longest = max(config.times)
    found: list[dict[str, object]] = []
    for readout in config.readouts:
        found += [_use(readout, ratio, atoms, config) for ratio in config.ratios for atoms in config.atoms]
        for time in config.times:
            for allowed in config.slips if readout == "multi" else (ALLOWED,):
                design = fewest(readout, RATIOS, time, allowed, longest)
                found.append(_row("fewest", readout, time, allowed, design))
            for ratio in RATIOS if readout == "multi" else ():
                design = fewest(readout, (ratio,), time, ALLOWED, longest)
                found.append(_row("fewest", readout, time, ALLOWED, design, ratio=ratio))
        for time in config.looped_times:
            found += [
                _loop(fewest(readout, RATIOS, time, allowed, longest), readout, time, allowed, config)
                for allowed in (OFTEN, ALLOWED)
            ]
    return pd.DataFrame(found)


def _row(
    part: str, readout: str, time: float, allowed: float, design: Design, *, ratio: int = 0, atoms: int = 0
) -> dict[str, object]:
    counted = design.counted(time, readout)
    return {
        "part": part,
        "readout": readout,
        "ratio": ratio,
        "atoms": atoms,
        "gamma_lo_time": time,
        "allowed_slips": allowed,
        "all_atoms": sum(design.atoms),
        "ensembles": "+".join(map(str, design.atoms)),
        "ratios": " ".join(map(str, design.ratios)),
        "gamma_lo_shortest_time": time / math.prod(design.ratios),
        "last_slips_per_use": counted.slips[-2],
        "slips_per_cycle": counted.slips_per_cycle,
        "rms_error_rad": math.sqrt(counted.residual_variance),
        "cycles": 0,
        "simulated_slips_per_cycle": math.nan,
        "simulated_rms_error_rad": math.nan,
        "detuning_deviation_over_gamma_lo": math.nan,
    }


def _use(readout: str, ratio: int, atoms: int, config: Config) -> dict[str, object]:
    """Three equal ensembles; simulated where that shows enough slips."""
    time = SHORTEST * ratio**2
    design = Design((atoms,) * 3, (ratio,) * 2)
    row = _row("use", readout, time, 0.0, design, ratio=ratio, atoms=atoms)
    cycles = config.steps // ratio**2
    if design.counted(time, readout).slips_per_cycle * cycles >= COUNTED:
        row |= _simulated(design, time, readout, cycles, config.seed)
    return row


def _loop(design: Design, readout: str, time: float, allowed: float, config: Config) -> dict[str, object]:
    """The same with NODE_ATOMS atoms that are interrogated for T."""
    design = Design((*design.atoms[:-1], NODE_ATOMS), design.ratios)
    cycles = min(config.steps // math.prod(design.ratios), 100_000)
    row = _row("loop", readout, time, allowed, design, atoms=NODE_ATOMS)
    return row | _simulated(design, time, readout, cycles, config.seed)


def _simulated(design: Design, time: float, readout: str, cycles: int, seed: int) -> dict[str, object]:
    rng = np.random.default_rng([seed, sum(design.atoms), math.prod(design.ratios), round(time), len(readout)])
    record = run_clock(design.plan(time, readout), LASER, cycles, rng)
    errors = record.errors[0]
    within = errors - 2.0 * math.pi * np.rint(errors / (2.0 * math.pi))
    deviation = record.stability(1.0 / (2.0 * math.pi), [time])["sigma_y"].iloc[0]
    return {
        "cycles": cycles,
        "simulated_slips_per_cycle": int(record.slipped_cycles[0]) / cycles,
        "simulated_rms_error_rad": float(np.sqrt(np.mean(within**2))),
        "detuning_deviation_over_gamma_lo": float(deviation),
    }


# --- The fewest atoms ------------------------------------------------------------------------------------------------


@cache
def fewest(readout: str, ratios: tuple[int, ...], time: float, allowed: float, longest: float) -> Design:
    """The fewest atoms whose enumerated slips a cycle are allowed, at one of several times up to the longest."""
    for design in _candidates(readout, ratios, time, allowed, longest):
        if design.counted(time, readout).slips_per_cycle <= allowed:
            return design
    raise ValueError(f"no ensembles of {SIZES[0]} ... {SIZES[-1]} atoms track windings for {time:g}/gamma_LO")


def _candidates(readout: str, ratios: tuple[int, ...], time: float, allowed: float, longest: float) -> Iterator[Design]:
    """Designs by the number of their atoms, the likelier first, that should do by the slips of every pair."""
    shortest = SHORTEST / max(ratios)
    best = _least_slips(readout, ratios, longest / shortest)
    found: list[tuple[int, float, int, int]] = []
    for uses, (slips, _) in best.items():
        step = _step(time, uses)
        if not shortest <= step < LONGEST_STEP:
            continue
        first = np.array([gaussian_slip(step + 1.5 / size) for size in SIZES])
        total = slips + uses * first[:, None]
        for size, enough in enumerate(total <= allowed):
            for slot in np.flatnonzero(enough)[:6].tolist():
                found.append((slot, float(total[size, slot]), uses, size))
    for slot, _, uses, size in sorted(found):
        yield _traced(best, uses, size, slot)


@cache
def _least_slips(
    readout: str, ratios: tuple[int, ...], most: float
) -> dict[int, tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Least slips a cycle of ensembles whose shortest is used so often, by its size and by all atoms (in units of 4).

    A use slips as often as between two ensembles whose phases may be anywhere. Beside them the ratio and the size of
    the next ensemble that gave it.
    """
    slots = 1 + 720 // 4
    start = np.full((len(SIZES), slots), np.inf)
    for number, size in enumerate(SIZES):
        start[number, size // 4] = 0.0
    best = {1: (start, np.zeros((2, *start.shape), dtype=np.int64))}
    for uses in sorted(_products(ratios, most)):
        slips, _ = best[uses]
        for ratio in ratios:
            if uses * ratio > most:
                continue
            if uses * ratio not in best:
                best[uses * ratio] = (np.full_like(start, np.inf), np.zeros((2, *start.shape), dtype=np.int64))
            new, origin = best[uses * ratio]
            for number, size in enumerate(SIZES):
                nexts = [j for j in range(number + 1) if size - SIZES[j] <= LARGEST_DROP]
                costs = np.array([_pair(readout, size, ratio, SIZES[j]) for j in nexts])
                added = slips[nexts, : slots - size // 4] + uses * costs[:, None]
                least = added.min(axis=0)
                better = np.flatnonzero(least < new[number, size // 4 :])
                new[number, size // 4 + better] = least[better]
                origin[0, number, size // 4 + better] = ratio
                origin[1, number, size // 4 + better] = nexts[0] + added[:, better].argmin(axis=0)
    return best


def _products(ratios: tuple[int, ...], most: float) -> set[int]:
    found, new = {1}, {1}
    while new:
        new = {uses * ratio for uses in new for ratio in ratios if uses * ratio <= most} - found
        found |= new
    return found


@cache
def _pair(readout: str, size: int, ratio: int, following: int) -> float:
    """Slips a use of `following` atoms unwrapped with `ratio` estimates of `size` atoms."""
    return windings((size, following), (ratio, 1), 200.0, READOUTS[readout]).slips[1]


def _traced(best: dict[int, tuple[NDArray[np.float64], NDArray[np.int64]]], uses: int, size: int, slot: int) -> Design:
    atoms, ratios = [SIZES[size]], []
    while uses > 1:
        ratio, following = (int(value) for value in best[uses][1][:, size, slot])
        slot -= SIZES[size] // 4
        uses, size = uses // ratio, following
        ratios.append(ratio)
        atoms.append(SIZES[size])
    return Design(tuple(atoms), tuple(ratios))


# --- What the table says ---------------------------------------------------------------------------------------------


def _fewest(table: pd.DataFrame, readout: str, allowed: float = ALLOWED, ratio: int = 0) -> pd.DataFrame:
    rows = table[(table["part"] == "fewest") & (table["readout"] == readout) & (table["ratio"] == ratio)]
    return rows[rows["allowed_slips"] == allowed]


def _atoms_at(time: float, readout: str = "multi", allowed: float = ALLOWED) -> Callable[[pd.DataFrame], float]:
    """Fewest atoms for a time between those of the table, linear in its logarithm."""

    def atoms(table: pd.DataFrame) -> float:
        curve = _fewest(table, readout, allowed)
        return float(np.interp(math.log(time), np.log(curve["gamma_lo_time"]), curve["all_atoms"]))

    return atoms


def _time_of_node(allowed: float) -> Callable[[pd.DataFrame], float]:
    """Longest time (1/gamma_LO) whose windings the atoms of one node can count."""

    def time(table: pd.DataFrame) -> float:
        curve = _fewest(table, "multi", allowed)
        return math.exp(np.interp(NODE_ATOMS, curve["all_atoms"], np.log(curve["gamma_lo_time"])))

    return time


def _loops(table: pd.DataFrame) -> pd.DataFrame:
    """Closed loops with hardly any slips, read at many angles."""
    return table[(table["part"] == "loop") & (table["readout"] == "multi") & (table["allowed_slips"] == ALLOWED)]


def _exponent(table: pd.DataFrame) -> float:
    """d ln sigma/d ln T of the closed loops, each at the averaging time T."""
    loops = _loops(table)
    return float(np.polyfit(np.log(loops["gamma_lo_time"]), np.log(loops["detuning_deviation_over_gamma_lo"]), 1)[0])


NUMBERS: dict[str, Callable[[pd.DataFrame], float | str]] = {
    **{f"atoms_multi_{time:.0f}": _atoms_at(time) for time in (10.0, 1e3, 1e4, 1e5)},
    **{f"atoms_at_knee_{curve}": _atoms_at(KNEES[curve]) for curve in ("c", "e")},
    "node_time_one_slip_in_1e6": _time_of_node(1e-6),
    "longest_time_simulated": lambda table: float(_loops(table)["gamma_lo_time"].max()),
}
CLAIMS = (
    Claim(
        id="time-extended-to-tau",
        where="Stability analysis, below eq. (3)",
        claim="Uncorrelated interrogations with varying Ramsey times let the cycle time be extended to the whole "
        "averaging time τ, so that σ_y falls as 1/τ.",
        paper_value=-1.0,
        compute=_exponent,
        supports=(-1.02, -0.98),
        verdict="holds as far as the atoms last",
        reason="Exponent of the simulated σ_y of 100 atoms at τ = T up to {longest_time_simulated:.0f}/γ_LO, white "
        "noise. With one slip in 10⁶ cycles it takes {atoms_multi_10:.0f} atoms to know the turns at T = 10/γ_LO, "
        "{atoms_multi_1000:.0f} at 10³ and {atoms_multi_100000:.0f} at 10⁵.",
    ),
    Claim(
        id="few-uncorrelated-atoms",
        where="Interrogation, before eq. (2)",
        claim="The uncorrelated atoms that go with the cascade are few.",
        paper_value="small",
        compute=lambda table: _atoms_at(KNEES["a"])(table) / NETWORK_ATOMS,
        supports=(0.08, 0.2),
        verdict="holds for the whole network",
        reason="Share of N = 1000 atoms that count windings up to the end of the Heisenberg scaling of Fig. 3 a, "
        "T = 69/γ_LO, white noise. A lone node has fewer in all.",
    ),
    Claim(
        id="lone-node-reaches-knee",
        where="Fig. 3, curve c",
        claim="A lone clock of N/K = 100 atoms extends its Ramsey time to where decoherence limits it, 460/γ_LO.",
        paper_value=KNEES["c"],
        compute=_time_of_node(1e-4),
        supports=(50.0, 300.0),
        verdict="does not hold",
        reason="T (1/γ_LO) at which all 100 atoms are needed to count windings with one slip in 10⁴ cycles, white "
        "noise, equally spaced readout angles; {node_time_one_slip_in_1e6:.0f} with one in 10⁶. The knee of curve c "
        "would take {atoms_at_knee_c:.0f} atoms and that of curve e, at 10⁴, {atoms_at_knee_e:.0f}.",
    ),
)


# --- The figure ------------------------------------------------------------------------------------------------------


def figure(table: pd.DataFrame) -> Figure:
    """Slips a cycle against the atoms of an ensemble, and atoms needed against the Ramsey time."""
    figure = Figure(figsize=(COLUMN_IN, 4.6))
    upper, lower = figure.subplots(2, 1)
    _draw_slips(upper, table)
    _draw_atoms(lower, table)
    return figure


def _draw_slips(axes: Axes, table: pd.DataFrame) -> None:
    ratio = 5
    size = np.linspace(6.0, 62.0, 200)
    step = _step(SHORTEST * ratio**2, ratio**2)
    for errors, own, dashes in ((ratio, 0.0, (1, 1.5)), (1.5 * ratio, 0.0, (4, 2)), (1.5 * (ratio + 1), 1.5, ())):
        law = [(ratio + 1) * gaussian_slip(errors / n) + ratio**2 * gaussian_slip(step + own / n) for n in size]
        axes.plot(size, law, color="0.45", lw=0.8, dashes=dashes or (1, 0))
    for readout, colour in _COLOURS.items():
        rows = table[(table["part"] == "use") & (table["readout"] == readout) & (table["ratio"] == ratio)]
        axes.plot(rows["atoms"], rows["slips_per_cycle"], "o", color=colour)
        shown = rows[rows["cycles"] > 0]
        axes.plot(shown["atoms"], shown["simulated_slips_per_cycle"], "s", mfc="none", mec=colour, ms=6, mew=0.7)
    axes.set(yscale="log", xlim=(5, 62), ylim=(2e-14, 0.5))
    axes.set(xlabel=r"atoms $n$ of each of three ensembles", ylabel=r"slips a cycle, $r=5$, $T=4/\gamma_{LO}$")
    axes.text(42.0, 2e-8, "two quadratures", color=_COLOURS["dual"])
    axes.text(43.6, 1.1e-12, "equally spaced angles", color=_COLOURS["multi"], va="center", fontsize=7)
    axes.text(60.5, 2e-2, "points: enumerated\nsquares: simulated", ha="right", va="center")
    for x, y, label in ((16.5, 1e-11, "$r/n$"), (28.3, 1e-11, "$3r/2n$")):
        axes.text(x, y, label, color="0.35")
    line = {"arrowstyle": "-", "lw": 0.5, "color": "0.35"}
    axes.annotate("$3(r+1)/2n$", (34.3, 8e-9), (35.0, 2e-5), color="0.35", arrowprops=line)


def _draw_atoms(axes: Axes, table: pd.DataFrame) -> None:
    for allowed in sorted(set(table["allowed_slips"]) - {0.0}):
        curve = _fewest(table, "multi", allowed)
        width = 1.6 if allowed == ALLOWED else 0.8
        axes.plot(curve["gamma_lo_time"], curve["all_atoms"], color=_COLOURS["multi"], lw=width)
        label = f"$10^{{{round(math.log10(allowed))}}}$"
        axes.text(1.3e5, curve["all_atoms"].iloc[-1], label, color=_COLOURS["multi"], va="center")
    curve = _fewest(table, "dual")
    axes.plot(curve["gamma_lo_time"], curve["all_atoms"], color=_COLOURS["dual"], lw=1.6)
    axes.text(1.3e5, curve["all_atoms"].iloc[-1] - 4.0, "$10^{-6}$", color=_COLOURS["dual"], va="center")
    axes.axhline(NODE_ATOMS, color="0.6", lw=0.6, ls=(0, (4, 3)), zorder=0)
    for name in ("c", "e"):
        axes.plot(KNEES[name], NODE_ATOMS, "x", color="black", ms=5)
        axes.annotate(name, (KNEES[name], NODE_ATOMS), (4, 3), textcoords="offset points")
    axes.text(4.3e5, 94.0, "one node", ha="right", va="top")
    axes.text(1.2, 410.0, "at most so many\nslips a cycle", va="center")
    axes.set(xscale="log", xlim=(0.8, 5e5), ylim=(0, 470))
    axes.set(xlabel=r"longest Ramsey time $\gamma_{LO}T$", ylabel="atoms that count the turns")


_COLOURS = {"dual": COLOURS["vermilion"], "multi": COLOURS["blue"]}
