r"""How many entangled pairs a second does a network of clocks need?

The paper (*Discussion*) asks for an "EPR sharing rate higher than :math:`R_\mathrm{EPR}\sim(\log N)^2\gamma_i`", which
for its examples is about 1 Hz. Every block over all nodes takes one pair of every link; pairs of one cycle are made
during the one before.

*What to expect.* The paper's budget has :math:`n_0=(16/\pi^2)\ln N` copies of :math:`M=\log_2(N/2n_0K)+1` sizes: of the
order of :math:`(\ln N)^2` pairs a cycle, with the constant :math:`16/(\pi^2\ln2)=2.34` for the largest N. Its rate
follows if a cycle lasts :math:`1/\gamma_i`. But blocks of n atoms decohere in :math:`1/n\gamma_i`, and a cycle can't be
longer than the averaging time: at 1 s, or at :math:`0.3/\gamma_{LO}`, the same pairs are needed in that time.

*A threshold?* A clock whose links are too slow for all the blocks it wants does with fewer. One block of n atoms takes
off the variance 1/N of uncorrelated atoms a share of the order of :math:`n^2/N\,e^{-n^2/N}`, a third of it at best: the
advantage over uncorrelated atoms starts with the first pair, at :math:`R=1/\tau`, and with less in those cycles that
have a pair. It vanishes in proportion to R, and nowhere before. What does have a threshold is the advantage over clocks
that entangle the atoms of one node only, which need no pairs.

Allocations are those of `best_plan` with at most so many pairs, at the interrogation time tau. A fixed rate gives
pairs at equal intervals. If they come at random, the slowest of K-1 links needs longer, on average by the factor
``random_arrivals``. To wait for pairs does not pay: a dead time t adds :math:`\gamma_{LO}t` to the variance of a cycle,
which is of the order of :math:`10^{-5}` rad^2, where one cycle is already :math:`0.3/\gamma_{LO}` long or more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from qcn_open import Dephasing, Joint, Link, MultiAngle, Network, Node, Oscillator, Plan, best_plan, waiting_time
from qcn_open.bayes import error_over_cycles, expected_error
from qcn_open.clock import run_clock
from qcn_open.figures import COLOURS, COLUMN_IN
from qcn_open.ledger import Claim

TRIALS = 4000
# Pairs at which clocks are simulated.
SIMULATED = (1, 16)


@dataclass(frozen=True)
class Example:
    """Atoms of the network and nodes, transition and its linewidth, linewidth of the laser (Hz), and tau = T (s)."""

    atoms: int
    nodes: int
    frequency_hz: float
    linewidth_hz: float
    laser_linewidth_hz: float
    time_s: float

    def network(self, rate_hz: float | None) -> Network:
        return Network(
            (Node(self.atoms // self.nodes, link=Link(epr_rate_hz=rate_hz)),) * self.nodes,
            Oscillator.from_linewidth(white=2.0 * math.pi * self.laser_linewidth_hz),
            (Dephasing(2.0 * math.pi * self.linewidth_hz),),
            self.frequency_hz,
        )


# As in the study `fidelity_threshold`; and an averaging time in which the paper's rate makes two pairs.
EXAMPLES = {
    "Sr, 0.3/gamma_LO": Example(10_000, 10, 429e12, 1e-3, 10.0, 0.3 / (2.0 * math.pi * 10.0)),
    "Sr, 1 s": Example(10_000, 10, 429e12, 1e-3, 10.0, 1.0),
    "Sr, 4 s": Example(10_000, 10, 429e12, 1e-3, 1.0, 4.0),
    "Al+, K = 4": Example(100, 4, 1121e12, 8e-3, 80.0, 0.3 / (2.0 * math.pi * 80.0)),
    "Al+, K = 10, narrow laser": Example(100, 10, 1121e12, 8e-3, 2e-3, 1.0),
}
UNLIMITED = 10**6
# Where the paper's rate makes two pairs.
AT_PAPER_RATE = "Sr, 4 s"


@dataclass(frozen=True)
class Config:
    examples: tuple[str, ...] = tuple(EXAMPLES)
    pairs: tuple[int, ...] = (1, 16, 32, 64)
    nodes: tuple[int, ...] = (2, 4, 8, 16, 32)
    log10_atoms: tuple[float, ...] = (3.0, 4.0, 6.0, 10.0, 15.0, 20.0, 30.0)
    cycles: int = 20_000
    seed: int = 11


SMOKE = Config(examples=("Al+, K = 4",), pairs=(1, 16), nodes=(2,), log10_atoms=(3.0, 4.0))
FULL = Config(pairs=tuple(round(2.0 ** (k / 2)) for k in range(17)), cycles=200_000)
KEY = ("case", "nodes", "log10_atoms", "pairs_allowed")
BACKENDS = (Joint(), MultiAngle())


def rows(config: Config) -> pd.DataFrame:
    """One row for each example and number of pairs, and for each size of the paper's budget."""
    found: list[dict[str, object]] = []
    for name in config.examples:
        found += _example(name, config)
    points = [(nodes, 4.0) for nodes in config.nodes] + [(10, log10) for log10 in config.log10_atoms]
    found += [_budget(nodes, log10) for nodes, log10 in sorted(set(points))]
    return pd.DataFrame(found)


def _deviation(plan: Plan) -> tuple[float, float]:
    """Of the detuning over a fixed averaging time, up to a constant, and its relative standard error."""
    # What ensembles find out is not the loop's prediction.
    over_cycles = expected_error if plan.tracking.atoms else error_over_cycles
    rms, error = over_cycles(plan.cascade, TRIALS, np.random.default_rng(2014))
    return rms * math.sqrt(plan.cycle_time) / plan.interrogation_time, error / rms


def _example(name: str, config: Config) -> list[dict[str, object]]:
    example = EXAMPLES[name]
    tau, perfect = example.time_s, example.network(None)
    rival = best_plan(perfect, "classical-cooperative", tau)
    plain, spread = _deviation(rival)
    own = _deviation(best_plan(perfect, "quantum-alone", tau, interrogation_time=tau))[0] / math.sqrt(example.nodes)
    paper = math.log(example.atoms) ** 2 * 2.0 * math.pi * example.linewidth_hz
    unlimited = best_plan(example.network(UNLIMITED / tau), "quantum-cooperative", tau, interrogation_time=tau)
    found = []
    for pairs in (2,) if name == AT_PAPER_RATE else (*config.pairs, UNLIMITED):
        network = example.network(pairs / tau)
        plan = unlimited
        if sum(unlimited.cascade.copies) > pairs:
            plan = best_plan(network, "quantum-cooperative", tau, interrogation_time=tau)
        deviation, error = _deviation(plan)
        half = 1.96 * math.hypot(error, spread)
        blocks = sum(plan.cascade.copies)
        simulated = (math.nan,) * 3
        if pairs in SIMULATED:
            simulated = _simulated(example, network, plan, rival, config, pairs)
        found.append(
            {
                "case": name,
                "nodes": example.nodes,
                "log10_atoms": math.log10(example.atoms),
                "pairs_allowed": pairs,
                "pairs": float(blocks),
                "tau_s": tau,
                "rate_hz": blocks / tau,
                "paper_rate_hz": paper,
                "gain": plain / deviation,
                "gain_low": plain / deviation * math.exp(-half),
                "gain_high": plain / deviation * math.exp(half),
                "gain_of_nodes_alone": plain / own,
                "simulated_gain": simulated[0],
                "simulated_gain_low": simulated[1],
                "simulated_gain_high": simulated[2],
                "random_arrivals": waiting_time((1.0,) * (example.nodes - 1), blocks) / blocks if blocks else 1.0,
                "cascade": f"{plan.cascade.uncorrelated} x 1"
                + "".join(f" + {n} x {plan.cascade.nodes << j}" for j, n in enumerate(plan.cascade.copies) if n),
            }
        )
    return found


def _simulated(
    example: Example, network: Network, plan: Plan, rival: Plan, config: Config, pairs: int
) -> tuple[float, float, float]:
    """Gain in closed loop, and its 95 % interval."""
    found = []
    # Clocks of few atoms take little time.
    cycles = min(4, max(1, 10**4 // example.atoms)) * config.cycles
    for key, one in enumerate((rival, plan)):
        rng = np.random.default_rng([config.seed, example.nodes, pairs, key])
        rms, error = run_clock(one, network.oscillator, cycles, rng).error_over_cycles()
        found.append((math.log(rms * math.sqrt(one.cycle_time) / one.interrogation_time), 1.96 * error))
    gain, half = found[0][0] - found[1][0], math.hypot(found[0][1], found[1][1])
    return math.exp(gain), math.exp(gain - half), math.exp(gain + half)


def _budget(nodes: int, log10_atoms: float) -> dict[str, object]:
    """Pairs a cycle of the paper's budget: the best n0, times the number of sizes."""
    from scipy.optimize import minimize_scalar

    atoms = math.pow(10.0, log10_atoms)

    def square(log_copies: float) -> float:
        copies = math.exp(log_copies)
        rounding = math.erfc(0.5 * math.pi * math.sqrt(0.5 * copies))
        return math.log(4.0 * copies / atoms**2 + (2.0 * math.pi / nodes) ** 2 / 3.0 * rounding)

    copies = math.exp(minimize_scalar(square, bounds=(0.0, 8.0), method="bounded", options={"xatol": 1e-10}).x)
    pairs = copies * (math.log2(atoms / (2.0 * copies * nodes)) + 1.0)
    missing = (
        "tau_s", "rate_hz", "paper_rate_hz", "gain", "gain_low", "gain_high", "gain_of_nodes_alone", "simulated_gain",
        "simulated_gain_low", "simulated_gain_high", "random_arrivals",
    )  # fmt: skip
    return {
        "case": "Gaussian budget",
        "nodes": nodes,
        "log10_atoms": log10_atoms,
        "pairs_allowed": UNLIMITED,
        "pairs": pairs,
        **dict.fromkeys(missing, math.nan),
        "cascade": "",
    }


def _curve(table: pd.DataFrame, case: str) -> pd.DataFrame:
    return table[table["case"] == case].sort_values("pairs_allowed")


def _rate_at(case: str, goal: Callable[[pd.DataFrame], float]) -> Callable[[pd.DataFrame], float]:
    """Rate (Hz) at which the gain reaches a goal, from the logarithms of both between two rows."""

    def rate(table: pd.DataFrame) -> float:
        curve = _curve(table, case)
        logs = np.log(np.maximum.accumulate(curve["gain"].to_numpy()))
        wanted = math.log(goal(curve))
        if not logs[0] <= wanted <= logs[-1]:
            return math.nan
        place = int(np.argmax(logs >= wanted))
        allowed = np.log(curve["pairs"].to_numpy())
        if place == 0:
            return float(curve["rate_hz"].iloc[0])
        share = (wanted - logs[place - 1]) / (logs[place] - logs[place - 1])
        return math.exp(allowed[place - 1] + share * (allowed[place] - allowed[place - 1])) / float(
            curve["tau_s"].iloc[0]
        )

    return rate


def _local(curve: pd.DataFrame) -> float:
    return float(curve["gain_of_nodes_alone"].iloc[0])


def _within_root_two(curve: pd.DataFrame) -> float:
    return float(curve["gain"].max()) / math.sqrt(2.0)


def _entry(case: str, pairs: int, column: str = "gain") -> Callable[[pd.DataFrame], float]:
    def entry(table: pd.DataFrame) -> float:
        curve = _curve(table, case)
        return float(curve[curve["pairs_allowed"] == pairs][column].iloc[0])

    return entry


def _exponent(against: str) -> Callable[[pd.DataFrame], float]:
    """Exponent of the pairs a cycle of the paper's budget in ln N at ten nodes, or in K at 10^4 atoms."""

    def exponent(table: pd.DataFrame) -> float:
        budget = table[table["case"] == "Gaussian budget"]
        budget = budget[budget["nodes"] == 10] if against == "log10_atoms" else budget[budget["log10_atoms"] == 4.0]
        return float(np.polyfit(np.log(budget[against]), np.log(budget["pairs"]), 1)[0])

    return exponent


def _constant(log10_atoms: float) -> Callable[[pd.DataFrame], float]:
    """Pairs a cycle over (ln N)^2 in the paper's budget."""

    def constant(table: pd.DataFrame) -> float:
        budget = table[(table["case"] == "Gaussian budget") & (table["nodes"] == 10)]
        pairs = budget[budget["log10_atoms"] == log10_atoms]["pairs"].iloc[0]
        return float(pairs) / (log10_atoms * math.log(10.0)) ** 2

    return constant


SR = "Sr, 1 s"
SR_SHORT = "Sr, 0.3/gamma_LO"
NUMBERS = {
    "sr_paper_rate_hz": _entry(SR, UNLIMITED, "paper_rate_hz"),
    "sr_pairs": _entry(SR, UNLIMITED, "pairs"),
    "sr_gain": _entry(SR, UNLIMITED),
    "sr_gain_one_pair": _entry(SR, 1),
    "sr_simulated_gain_one_pair": _entry(SR, 1, "simulated_gain"),
    "sr_gain_16_pairs": _entry(SR, 16),
    "sr_rate_local_hz": _rate_at(SR, _local),
    "sr_random_arrivals": _entry(SR, UNLIMITED, "random_arrivals"),
    "sr_short_pairs": _entry(SR_SHORT, UNLIMITED, "pairs"),
    "sr_short_rate_local_hz": _rate_at(SR_SHORT, _local),
    "sr_gain_at_paper_rate": _entry(AT_PAPER_RATE, 2),
    "al_4_rate_local_hz": _rate_at("Al+, K = 4", _local),
    "exponent_log_atoms": _exponent("log10_atoms"),
    "exponent_nodes": _exponent("nodes"),
    "pairs_over_log_squared_1e4": _constant(4.0),
    "pairs_over_log_squared_1e30": _constant(30.0),
}


def rates(table: pd.DataFrame) -> pd.DataFrame:
    """Rates that the examples need."""
    found = []
    shown = table["case"].isin(EXAMPLES) & (table["case"] != AT_PAPER_RATE)
    for name, curve in table[shown].groupby("case", sort=False):
        last = curve.sort_values("pairs_allowed").iloc[-1]
        found.append(
            {
                "example": name,
                "tau": f"{last['tau_s']:.2g} s",
                "paper": f"{last['paper_rate_hz']:.2g} Hz",
                "first gain": f"{1.0 / last['tau_s']:.3g} Hz",
                "overtakes nodes alone": _hertz(_rate_at(str(name), _local)(table)),
                "within √2 of all": _hertz(_rate_at(str(name), _within_root_two)(table)),
                "as many as it wants": _hertz(last["rate_hz"]),
                "gain": f"{last['gain']:.2f}",
            }
        )
    return pd.DataFrame(found)


def _hertz(rate: float) -> str:
    return "–" if math.isnan(rate) else f"{rate:.3g} Hz"


TABLES = {"rates": rates}
CLAIMS = (
    Claim(
        id="epr-pairs",
        where="Discussion after eq. (4), EPR sharing rate",
        claim="A cycle takes of the order of (log N)^2 entangled pairs a link.",
        paper_value=1.0,
        compute=lambda table: _entry(SR, UNLIMITED, "pairs")(table) / math.log(1e4) ** 2,
        supports=(0.5, 2.5),
        verdict="holds",
        reason="Pairs that the best allocation of Sr atoms takes at T = 1 s, {sr_pairs:.0f}, over (ln N)²; "
        "{sr_short_pairs:.0f} at 0.3/γ_LO. The paper's budget has {pairs_over_log_squared_1e4:.2f} (ln N)² at N = 10⁴ "
        "and {pairs_over_log_squared_1e30:.2f} at 10³⁰ for K = 10, with exponents {exponent_log_atoms:.2f} in ln N and "
        "{exponent_nodes:.2f} in K.",
    ),
    Claim(
        id="epr-rate",
        where="Discussion after eq. (4), EPR sharing rate",
        claim="The advantage needs a rate of (log N)^2 γ_i, about 1 Hz for the optical clocks of the examples.",
        paper_value=1.0,
        compute=_rate_at(SR, _local),
        supports=(40.0, 90.0),
        verdict="does not hold",
        reason="Rate (Hz) at which Sr clocks at 1 s overtake clocks that entangle within nodes only; at 0.3/γ_LO it is "
        "{sr_short_rate_local_hz:.0f} Hz. Those pairs have to be made within a cycle, which can't last 1/γ_i. Over "
        "uncorrelated atoms there is no threshold but a gain that grows from nothing: with one pair a second "
        "{sr_gain_one_pair:.2f}, and {sr_gain_at_paper_rate:.3f} at the paper's {sr_paper_rate_hz:.2f} Hz and τ = 4 s.",
    ),
)


def figure(table: pd.DataFrame) -> Figure:
    """Gain over uncorrelated atoms against the rate of pairs."""
    figure = Figure(figsize=(COLUMN_IN, 2.8))
    axes = figure.subplots()
    for name, (colour, text, place) in _DRAWN.items():
        curve = _curve(table, name)
        axes.plot(curve["rate_hz"], curve["gain"], "-o", color=colour, lw=1.2, ms=3)
        axes.axhline(_local(curve), color=colour, lw=0.8, ls=(0, (4, 3)))
        axes.plot(curve["rate_hz"], curve["simulated_gain"], "s", mfc="none", mec="k", ms=6, mew=0.7)
        axes.text(*place, text, color=colour)
    axes.axvline(_curve(table, SR)["paper_rate_hz"].iloc[0], color="0.6", lw=0.8, zorder=0)
    axes.text(0.47, 9.0, "paper, Sr", color="0.4", rotation=90, ha="right", va="center")
    axes.text(0.75, 10.5, "dashed: nodes alone\nsquares: closed loop", fontsize=7)
    axes.set(xscale="log", yscale="log", xlim=(0.2, 6e4), ylim=(0.95, 18.0))
    axes.set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    axes.minorticks_off()
    axes.set(xlabel="entangled pairs of a link (1/s)", ylabel=r"gain in $\sigma_y$ over uncorrelated atoms")
    return figure


_DRAWN = {
    "Sr, 1 s": (COLOURS["blue"], r"Sr, $\tau=1$ s", (1.5, 3.9)),
    "Sr, 0.3/gamma_LO": (COLOURS["vermilion"], r"Sr, $\tau=0.3/\gamma_{LO}$", (350.0, 13.5)),
    "Al+, K = 4": (COLOURS["green"], r"Al$^+$, $K=4$", (3500.0, 1.02)),
}
