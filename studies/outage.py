r"""What happens to a network of clocks when a link, its centre or all of its links are lost?

Ten equal clocks of 100 atoms with white lasers share a cascade at T = 0.2/gamma_LO. For a third of the run a link is
out, that of an ordinary node or of the first one, or all of them; in the second case the light of the others still
meets. Who has no link carries on with its own atoms, the others with what is left of them. Blocks that lack a parity
say nothing: nobody gets an estimate in the one cycle that it takes to notice. That a link is back costs none. In a
second run the same link goes out and comes back 400 times, which shows how the errors change from cycle to cycle.

*Theory.* The mean square error of the cascade at hand, over many cycles (`qcn_open.bayes.error_over_cycles`):
:math:`\omega_0^2\sigma_y^2 = \langle e^2\rangle/T\tau`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from qcn_open import Cascade, Dephasing, Network, Node, Oscillator
from qcn_open.bayes import error_over_cycles
from qcn_open.figures import COLOURS, COLUMN_IN
from qcn_open.ledger import Claim
from qcn_open.operation import NetworkRecord, Operation, Outage, run_network

NODES, ATOMS = 10, 100
DEPHASING_RATE = 1e-4
TIME = 0.2
COPIES = (12, 9, 5, 3)
FREQUENCY_HZ = 429.228e12
NAMES = tuple(f"node {number}" for number in range(1, NODES + 1))
LOST = {"a link": (NAMES[3],), "the centre": (NAMES[0],), "all links": NAMES}
WATCHED = {"member": NAMES[7], "away": NAMES[3]}
AVERAGE = 16
PERIOD, OUT = 100, 50
SHOWN = range(-8, 9)
SEED = 2014


@dataclass(frozen=True)
class Config:
    """What is lost, the cycles of each third of a run, and how often the link goes out in the second one."""

    lost: tuple[str, ...] = tuple(LOST)
    cycles: int = 12_000
    times: int = 400


SMOKE = Config(lost=("a link",), times=0)
FULL = Config()
KEY = ("part", "lost", "node", "window", "cycle")
BACKENDS = ()


def operation() -> Operation:
    """What the nodes have agreed to do; rates in units of the linewidth of a laser."""
    laser = Oscillator.from_linewidth(white=1.0)
    nodes = [Node(ATOMS, name, oscillator=laser) for name in NAMES]
    return Operation(Network(nodes, None, (Dephasing(DEPHASING_RATE),), FREQUENCY_HZ), TIME, COPIES)


def rows(config: Config) -> pd.DataFrame:
    """Deviations before, during and after an outage; errors cycle by cycle after a link went out, or came back."""
    agreed = operation()
    found: list[dict[str, Any]] = []
    for lost in config.lost:
        outages = [Outage(name, config.cycles, 2 * config.cycles) for name in LOST[lost]]
        rng = np.random.default_rng([SEED, list(LOST).index(lost)])
        record = run_network(agreed, 3 * config.cycles, rng, outages=outages)
        for part, window in enumerate(("before", "during", "after")):
            first = part * config.cycles + agreed.notice
            for role, name in _watched(lost).items():
                found.append(_deviation(record, lost, role, name, window, (first, (part + 1) * config.cycles)))
    if config.times:
        found += _transients(agreed, config.times)
    return pd.DataFrame(found)


def _watched(lost: str) -> Mapping[str, str]:
    """A node that stays, if one does, and one that does not."""
    gone = LOST[lost]
    stays = {} if len(gone) == NODES else {"member": WATCHED["member"]}
    return stays | {"away": gone[min(3, len(gone) - 1)]}


def _deviation(
    record: NetworkRecord, lost: str, role: str, name: str, window: str, cycles: tuple[int, int]
) -> dict[str, Any]:
    table = record.stability(name, cycles, [AVERAGE])
    status = record.status[:, cycles[0]]
    number = NAMES.index(name)
    cascade = record.operation.alone(number)
    if status[number] == 1:
        cascade = record.operation.shared(*(int(member) for member in np.flatnonzero(status == 1)))
    unit = 2.0 * math.pi * FREQUENCY_HZ
    return {
        "part": "deviation",
        "lost": lost,
        "node": role,
        "window": window,
        "cycle": AVERAGE,
        "members": int((status == 1).sum()),
        "value": unit * float(table["sigma_y"].iloc[0]),
        "low": unit * float(table["sigma_y_low"].iloc[0]),
        "high": unit * float(table["sigma_y_high"].iloc[0]),
        "theory": _rms(cascade) / (TIME * math.sqrt(AVERAGE)),
    }


@cache
def _rms(cascade: Cascade) -> float:
    return error_over_cycles(cascade, 20_000, np.random.default_rng(SEED))[0]


def _transients(agreed: Operation, times: int) -> list[dict[str, Any]]:
    """RMS errors (rad) at so many cycles after a link went out, or came back, over many times that it did."""
    name = WATCHED["away"]
    outages = [Outage(name, PERIOD * number + OUT, PERIOD * (number + 1)) for number in range(times)]
    record = run_network(agreed, PERIOD * (times + 1), np.random.default_rng(SEED), outages=outages)
    found: list[dict[str, Any]] = []
    for window, first in (("out", OUT), ("back", PERIOD)):
        for role, watched in WATCHED.items():
            errors = record.errors[NAMES.index(watched)]
            for cycle in SHOWN:
                squares = errors[first + cycle + PERIOD * np.arange(times)] ** 2
                mean, spread = squares.mean(), 1.96 * squares.std() / math.sqrt(times)
                found.append(
                    {
                        "part": "transient",
                        "lost": "a link",
                        "node": role,
                        "window": window,
                        "cycle": cycle,
                        "members": int(record.status[:, first + cycle].tolist().count(1)),
                        "value": math.sqrt(mean),
                        "low": math.sqrt(max(mean - spread, 0.0)),
                        "high": math.sqrt(mean + spread),
                        "theory": math.nan,
                    }
                )
    return found


# --- What the table says ---------------------------------------------------------------------------------------------


def _value(lost: str, node: str, window: str) -> Callable[[pd.DataFrame], float]:
    def entry(table: pd.DataFrame) -> float:
        rows = table[(table["part"] == "deviation") & (table["lost"] == lost) & (table["node"] == node)]
        return float(rows.loc[rows["window"] == window, "value"].iloc[0])

    return entry


def _ratio(lost: str, node: str, window: str, other: str = "before") -> Callable[[pd.DataFrame], float]:
    return lambda table: _value(lost, node, window)(table) / _value(lost, node, other)(table)


def _cycles_to_fall_back(table: pd.DataFrame) -> float:
    """Cycles after the link went out in which the error exceeds that of a node alone by half or more."""
    rows = table[(table["part"] == "transient") & (table["node"] == "away") & (table["window"] == "out")]
    alone = _value("a link", "away", "during")(table) * TIME * math.sqrt(AVERAGE)
    return float((rows.loc[rows["cycle"] >= 0, "value"] > 1.5 * alone).sum())


NUMBERS: dict[str, Callable[[pd.DataFrame], float]] = {
    "away_over_member": _ratio("a link", "away", "during"),
    "others_over_before": _ratio("a link", "member", "during"),
    "others_without_centre": _ratio("the centre", "member", "during"),
    "after_over_before": _ratio("a link", "away", "after"),
    "all_over_before": _ratio("all links", "away", "during"),
    "average_over_before": lambda table: _ratio("all links", "away", "during")(table) / math.sqrt(NODES),
    "cycles_to_fall_back": _cycles_to_fall_back,
}
CLAIMS = (
    Claim(
        id="fall-back-on-links",
        where="The concept of a quantum clock network; Security",
        claim="If links fail, nodes fall back to local operation.",
        paper_value="possible",
        compute=NUMBERS["away_over_member"],
        supports=(5.0, 9.0),
        verdict="holds",
        reason="Cycles without an estimate when a link goes out, the one that it takes to notice: "
        "{cycles_to_fall_back:.0f}. From the next one on the node has the stability of its own atoms, "
        "{away_over_member:.1f} times that of the network; the nine others lose a factor {others_over_before:.2f}. "
        "Once the link is back, so is the network's stability (ratio {after_over_before:.2f}).",
    ),
    Claim(
        id="centre-disabled",
        where="Security, last paragraph",
        claim="If the centre is disabled, the clocks go on.",
        paper_value="possible",
        compute=NUMBERS["others_without_centre"],
        supports=(0.95, 1.4),
        verdict="holds; another node takes the role of the centre",
        reason="Deviation of the nine nodes that are left over that of all ten, if their light still meets. If all "
        "links are lost, each node has {all_over_before:.1f} times the network's deviation, and an average of "
        "their records later on would have {average_over_before:.1f} times.",
    ),
)


def figure(table: pd.DataFrame) -> Figure:
    """Errors cycle by cycle around an outage, and deviations before, during and after one."""
    figure = Figure(figsize=(COLUMN_IN, 3.6))
    panels = figure.subplot_mosaic([["out", "back"], ["deviations", "deviations"]], height_ratios=(1.0, 1.15))
    colours = {"member": COLOURS["blue"], "away": COLOURS["vermilion"]}
    transients = table[table["part"] == "transient"]
    for window in ("out", "back"):
        axes = panels[window]
        for role, colour in colours.items():
            rows = transients[(transients["window"] == window) & (transients["node"] == role)]
            spread = [rows["value"] - rows["low"], rows["high"] - rows["value"]]
            axes.errorbar(rows["cycle"], rows["value"], spread, fmt="o", ms=2.5, color=colour, lw=0.7)
        axes.set(yscale="log", ylim=(0.004, 0.8), xlabel=f"cycles after the link is {window}")
    panels["out"].set(ylabel="RMS error (rad)")
    panels["back"].tick_params(labelleft=False)
    panels["back"].text(8.0, 0.075, "node without link", color=colours["away"], ha="right", fontsize=7)
    panels["back"].text(-7.5, 0.0105, "others", color=colours["member"], va="bottom", fontsize=7)
    axes = panels["deviations"]
    windows = ("before", "during", "after")
    for place, lost in enumerate(LOST):
        for role, colour in colours.items():
            rows = table[(table["part"] == "deviation") & (table["lost"] == lost) & (table["node"] == role)]
            if rows.empty:
                continue
            rows = rows.set_index("window").loc[list(windows)]
            at = np.arange(3) + 4.0 * place + (0.12 if role == "away" else -0.12)
            for x, theory in zip(at, rows["theory"], strict=True):
                axes.plot([x - 0.3, x + 0.3], [theory, theory], color=colour, lw=1.0)
            spread = [rows["value"] - rows["low"], rows["high"] - rows["value"]]
            axes.errorbar(at, rows["value"], spread, fmt="o", ms=3.5, mfc="white", color=colour, lw=0.8)
        axes.text(4.0 * place + 1.0, 0.125, f"{lost} lost", ha="center", fontsize=7)
    axes.set(yscale="log", ylim=(0.006, 0.2), ylabel=r"$\omega_0\sigma_y/\gamma_{LO}$ at $16\,T$")
    axes.set_xticks(
        [x + 4.0 * place for place in range(3) for x in range(3)], list(windows) * 3, fontsize=6, rotation=30
    )
    axes.tick_params(axis="x", which="minor", bottom=False, top=False)
    return figure
