"""A design or a simulated record as one web page that refers to nothing outside itself.

The page is made to be sent: answer first, figures inside, every parameter at the end. Same input gives same bytes, and
nothing in it tells when, where or by whom it was made.
"""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from qcn_open import figures
from qcn_open.clock import SCHEMES, Plan
from qcn_open.designer import Design
from qcn_open.network import Network, Node
from qcn_open.provenance import sha256
from qcn_open.readouts.fringes import DualQuadrature, FedForward, Fringes, MultiAngle
from qcn_open.schemes import tracking_text
from qcn_open.species import transition

if TYPE_CHECKING:
    import pandas as pd
    from markupsafe import Markup
    from matplotlib.figure import Figure

__all__ = ["design_report", "simulation_report"]

_WORDS = {
    "quantum-cooperative": "one cascade of GHZ blocks over all nodes",
    "quantum-classical": "a cascade of GHZ blocks at each node, combined with weights inverse to their variances",
    "quantum-alone": "a cascade of GHZ blocks of the atoms of the first node alone",
    "classical-cooperative": "uncorrelated atoms of all nodes",
    "classical-alone": "uncorrelated atoms of the first node alone",
}
_ANGLES: Mapping[type[Fringes], str] = {
    MultiAngle: "parities at equally spaced fixed angles",
    DualQuadrature: "parities at two quadratures",
    FedForward: "parities at angles that are fed forward",
}
_LOST = {
    "seen": "lost atoms are seen",
    "random": "a lost atom reads as a random sign",
    "dark": "a lost atom reads as one in the ground state",
}
# Rows of the table of improvements.
_SHOWN = 12
_RECORDED = ("numpy", "scipy", "numba", "pandas", "matplotlib")


@dataclass(frozen=True)
class _Table:
    """Headings, each with whether numbers stand under it, and rows, each with whether it is the one that counts."""

    columns: Sequence[tuple[str, bool]]
    rows: Sequence[tuple[Sequence[object], bool]]


def design_report(design: Design) -> str:
    """The page about what a network should do at an averaging time, and why it is not better.

    Parameters
    ----------
    design : Design
        What `qcn_open.design` returns.

    Returns
    -------
    str
        One HTML document that needs no network and no script.

    Raises
    ------
    TypeError
        If it is no design.
    ValueError
        If its table has no row of its scheme at its averaging time.

    Examples
    --------
    >>> design_report("examples/three_nodes.toml")
    Traceback (most recent call last):
    TypeError: design_report needs a Design such as design(network) returns, got 'examples/three_nodes.toml'
    """
    if not isinstance(design, Design):
        raise TypeError(f"design_report needs a Design such as design(network) returns, got {design!r}")
    network, tau = design.network, f"{design.tau:g}"
    at_tau = _nearest(design.stability, design.tau)
    chosen = at_tau[at_tau["scheme"] == design.scheme].sort_values("sigma_y")
    if chosen.empty:
        raise ValueError(
            f"the design has no row of {design.scheme!r} at its averaging time of {tau} s: compute it anew"
        )
    best = chosen.iloc[0]
    bounds = _nearest(design.bounds, design.tau).sort_values("sigma_y", ascending=False)
    common = figures.of_every_scheme(bounds)
    answer: dict[str, object] = {
        "sigma_y": _number(best["sigma_y"], 3),
        "low": _number(best["sigma_y_low"], 3),
        "high": _number(best["sigma_y_high"], 3),
        "scheme": design.scheme,
        "words": _WORDS[design.scheme],
        "facts": _facts(design),
    }
    if len(common):
        bound = common.iloc[0]
        answer |= {
            "over_bound": _number(best["sigma_y"] / bound["sigma_y"], 3),
            "bound": bound["bound"],
            "bound_sigma_y": _number(bound["sigma_y"], 3),
        }
    drawn = figures.design_figures(design)
    captions = {
        "allocation": "The atoms of each node by what they do in a cycle. Where nodes share a plan, those outside"
        " blocks are divided in the same ratio at every node.",
        "network": _network_caption(network),
        "stability": "Allan deviation against averaging time, with its numerical uncertainty (95 %) as bands, and"
        f" bounds dashed; below, over the nearest bound. The vertical line is at {tau} s.",
        "budget": f"Shares of the variance at {tau} s.",
        "front_tau": "The most stable scheme at each averaging time.",
        "front_epr": f"Stability at {tau} s against entangled pairs that every link makes in a second.",
    }
    return _page(
        "design.html.j2",
        network,
        network.name
        or (f"A network of {len(network.nodes)} clocks" if len(network.nodes) > 1 else network.nodes[0].name)
        or "A clock",
        results={
            "tau_s": design.tau,
            "scheme": design.scheme,
            "limited_by": design.limited_by,
            "plans": repr(design.plans),
            **{
                name: getattr(design, name).to_csv(index=False)
                for name in ("stability", "bounds", "budget", "improvements", "epr_front")
            },
        },
        drawn=drawn,
        captions=captions,
        tau=tau,
        answer=answer,
        limited_by=design.limited_by,
        plans=_plans(design),
        nodes=_nodes(network),
        schemes=_schemes(at_tau, design.scheme),
        bounds=_Table(
            (("bound", False), ("holds for", False), ("σ_y", True), ("σ_y of the design / bound", True)),
            [
                (
                    (
                        row["bound"],
                        row["holds_for"],
                        _number(row["sigma_y"]),
                        _number(best["sigma_y"] / row["sigma_y"]),
                    ),
                    place == common.index[0],
                )
                for place, row in bounds.iterrows()
            ],
        ),
        budget=_Table(
            (("part", False), ("σ_y of it alone", True), ("share of the variance (%)", True)),
            [
                ((row["part"], _number(row["sigma_y"]), f"{100.0 * row['share']:.1f}"), False)
                for row in design.budget.to_dict("records")
            ],
        ),
        improvements=_improvements(design.improvements),
        left_out=max(len(design.improvements) - _SHOWN, 0),
        front=_front(design.front, "tau_s", "averaging time (s)"),
        epr_front=_front(design.epr_front, "epr_rate_hz", "pairs of each link (1/s)"),
    )


def simulation_report(network: Network, scheme: str, table: pd.DataFrame, budget: pd.DataFrame | None = None) -> str:
    """The page about a record of a simulated clock, with what was expected of it.

    Parameters
    ----------
    network : Network
        The clocks.
    scheme : str
        Their scheme.
    table : DataFrame
        What `qcn_open.simulate` returns: tau_s, sigma_y, sigma_y_low, sigma_y_high, slips.
    budget : DataFrame, optional
        What `qcn_open.stability` returns for the scheme: tau_s, sigma_y, bound_sigma_y and others.

    Returns
    -------
    str
        One HTML document that needs no network and no script.

    Raises
    ------
    TypeError
        If the network is none.
    ValueError
        If the scheme is unknown or the table is empty or lacks a column.

    Examples
    --------
    >>> import pandas as pd
    >>> from qcn_open import Node, Oscillator
    >>> simulation_report(Network(Node(9), Oscillator(white=2.0), (), 429e12), "quantum-alone", pd.DataFrame())
    Traceback (most recent call last):
    ValueError: the record lacks the column 'tau_s': give the table that simulate returns
    """
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network, got {network!r}")
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {', '.join(SCHEMES)}, got {scheme!r}")
    for column in ("tau_s", "sigma_y", "sigma_y_low", "sigma_y_high", "slips"):
        if column not in table:
            raise ValueError(f"the record lacks the column {column!r}: give the table that simulate returns")
    if table.empty:
        raise ValueError("the record is empty: simulate more cycles")
    last, expected = table.iloc[-1], _interpolated(table, budget)
    slips = int(last["slips"])
    answer: dict[str, object] = {
        "tau": _number(last["tau_s"]),
        "sigma_y": _number(last["sigma_y"], 3),
        "low": _number(last["sigma_y_low"], 3),
        "high": _number(last["sigma_y_high"], 3),
        "scheme": scheme,
        "words": _WORDS[scheme],
        "slips": f"Whole turns of the phase were lost {slips} times."
        if slips
        else "No whole turn of the phase was lost.",
    }
    if math.isfinite(expected[-1]):
        answer |= {"theory": _number(expected[-1], 3), "over_theory": _number(last["sigma_y"] / expected[-1])}
    rows = [
        (
            (
                *(_number(row[column], 4) for column in ("tau_s", "sigma_y", "sigma_y_low", "sigma_y_high")),
                _number(theory, 4),
                int(row["slips"]),
            ),
            False,
        )
        for row, theory in zip(table.to_dict("records"), expected, strict=True)
    ]
    headings = ("averaging time (s)", "σ_y", "from (95 %)", "to (95 %)", "budget", "slips")
    return _page(
        "simulation.html.j2",
        network,
        network.name or "A simulated clock",
        results={
            "scheme": scheme,
            "record": table.to_csv(index=False),
            "budget": "" if budget is None else budget.to_csv(index=False),
        },
        drawn={"record": figures.record(table, budget), "network": figures.map_of(network)},
        captions={
            "record": "Overlapping Allan deviation of the record with its 95 % intervals, and the budget.",
            "network": _network_caption(network),
        },
        answer=answer,
        record=_Table([(heading, True) for heading in headings], rows),
        nodes=_nodes(network),
    )


def _page(
    template: str,
    network: Network,
    title: str,
    *,
    results: Mapping[str, object],
    drawn: Mapping[str, Figure],
    captions: Mapping[str, str],
    **given: object,
) -> str:
    """Fill a template; what is no `Markup` is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    parameters = network.to_toml()
    content = json.dumps({"parameters": parameters, **results}, sort_keys=True)
    environment = Environment(
        loader=PackageLoader("qcn_open"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["sigma"] = _sigma
    shown: dict[str, Markup | None] = dict.fromkeys(("front_epr",))
    for name, figure in drawn.items():
        heading = _TITLES[name]
        shown[name] = Markup(figures.inline_svg(figure, name.replace("_", "-"), heading, captions[name]))
    return (
        environment.get_template(template).render(
            title=title,
            figures=shown,
            captions=captions,
            provenance={
                "digest": sha256(content.encode()),
                "versions": {
                    "qcn_open": metadata.version("qcn_open"),
                    "Python": platform.python_version(),
                    **{name: metadata.version(name) for name in _RECORDED},
                },
                "parameters": parameters,
            },
            **given,
        )
        + "\n"
    )


_TITLES = {
    "network": "The network",
    "stability": "Stability of every scheme",
    "allocation": "What the atoms do",
    "budget": "What the variance is made of",
    "front_tau": "Best stability at each averaging time",
    "front_epr": "Best stability at each rate of entangled pairs",
    "record": "The record",
}


def _number(value: float, digits: int = 3) -> Markup:
    """A number as a person writes it, with a true minus and powers of ten."""
    from markupsafe import Markup

    if not math.isfinite(value):
        return Markup("–" if math.isnan(value) else "∞" if value > 0 else "−∞")
    if value == 0.0 or 1e-3 <= abs(value) < 1e5:
        return Markup(f"{value:.{digits}g}" if abs(value) < 10**digits else f"{value:.0f}").replace("-", "−")
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    return Markup("{}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10<sup>{}</sup>").format(
        mantissa.replace("-", "−"), str(int(exponent)).replace("-", "−")
    )


def _sigma(text: object) -> Markup:
    """The same text with the index of the Allan deviation below the line."""
    from markupsafe import Markup, escape

    return Markup("σ<sub>y</sub>").join(escape(part) for part in str(text).split("σ_y"))


def _nearest(table: pd.DataFrame, tau: float) -> pd.DataFrame:
    """The rows at an averaging time (s)."""
    return table[(table["tau_s"] / tau - 1.0).abs() < 1e-9]


def _interpolated(table: pd.DataFrame, budget: pd.DataFrame | None) -> list[float]:
    """What the budget expects at the record's averaging times: straight lines between logarithms, nan outside."""
    import numpy as np

    if budget is None or budget.empty:
        return [math.nan] * len(table)
    # To the last digit: a record's averaging times are multiples of the cycle, those of a budget are typed.
    inside = table["tau_s"].between(budget["tau_s"].min() * (1.0 - 1e-9), budget["tau_s"].max() * (1.0 + 1e-9))
    values = np.exp(np.interp(np.log(table["tau_s"]), np.log(budget["tau_s"]), np.log(budget["sigma_y"])))
    return [float(value) for value in np.where(inside, values, np.nan)]


def _facts(design: Design) -> list[tuple[str, object]]:
    """Name and value of what a reader asks first."""
    times = [plan.interrogation_time for plan in design.plans]
    spread = (
        f"{min(times):.3g} s"
        if len({f"{time:.3g}" for time in times}) == 1
        else (f"{min(times):.3g} to {max(times):.3g} s, by node")
    )
    facts: list[tuple[str, object]] = [("Ramsey time", spread)]
    if len(design.plans) == 1:
        facts += [("Blocks", _blocks(design.plans[0])), ("Atoms that track windings", _tracking(design.plans[0]))]
    else:
        facts += [("Blocks", f"{_blocks(design.plans[0])} at {_name(design.network.nodes[0], 1)}; all below")]
    facts += [
        ("Readout", " / ".join(dict.fromkeys(_readout(plan.cascade.readout) for plan in design.plans))),
        ("Ramsey time limited by", design.limited_by),
    ]
    if len(design.budget):
        largest = design.budget.sort_values("share", kind="stable").iloc[-1]
        facts.append(
            ("Largest part of the variance", f"{largest['part']}, {100.0 * largest['share']:.0f}\N{NO-BREAK SPACE}%")
        )
    if len(design.improvements):
        first = design.improvements.iloc[0]
        place = f" of {first['node']}" if first["node"] else ""
        unit = f" {first['unit']}" if first["unit"] else ""
        facts.append(
            (
                "Helps most",
                f"{first['parameter']}{place} from {first['value']:.4g} to {first['improved']:.4g}{unit}: "
                f"σ_y falls by {_fall(first['gain'])}\N{NO-BREAK SPACE}%",
            )
        )
    return facts


def _blocks(plan: Plan) -> str:
    """Copies times atoms of the blocks of a plan."""
    return " + ".join(
        f"{copies} uncorrelated" if size == 1 else f"{copies}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}{size}"
        for size, copies in sorted(plan.cascade.probe().copies_by_size().items())
    )


def _tracking(plan: Plan) -> str:
    """Atoms of the ensembles that count the windings, and their Ramsey times."""
    return tracking_text(plan.tracking) or "no ensembles needed"


def _readout(readout: Fringes) -> str:
    angles = _ANGLES.get(type(readout), type(readout).__name__)
    error = f", signs read wrongly with probability {readout.detection_error:g}" if readout.detection_error else ""
    return f"{angles}, {_LOST[readout.loss]}{error}"


def _plans(design: Design) -> _Table:
    names = [_name(node, number) for number, node in enumerate(design.network.nodes, start=1)]
    if design.scheme.endswith("cooperative"):
        names = ["all nodes"] if len(names) > 1 else names
    columns = (
        ("clock", False),
        ("atoms", True),
        ("Ramsey time T (s)", True),
        ("cycle (s)", True),
        ("copies × atoms of a block", False),
        ("atoms that track the windings", False),
        ("contrast of the largest blocks", True),
    )
    rows = [
        (
            (
                name,
                plan.atoms,
                _number(plan.interrogation_time),
                _number(plan.cycle_time),
                _blocks(plan),
                _tracking(plan),
                _number(plan.cascade.levels[-1].contrast),
            ),
            False,
        )
        for name, plan in zip(names, design.plans, strict=False)
    ]
    return _Table(columns, rows)


def _schemes(at_tau: pd.DataFrame, scheme: str) -> _Table:
    columns = (
        ("scheme", False),
        ("σ_y", True),
        ("from (95 %)", True),
        ("to (95 %)", True),
        ("readout", False),
        ("Ramsey time (s)", True),
        ("copies × atoms of a block", False),
        ("tracking", False),
        ("slips (% of variance)", True),
        ("limited by", False),
    )
    rows = []
    for place, row in enumerate(at_tau.sort_values("sigma_y", kind="stable").to_dict("records")):
        single = f"{row['uncorrelated_atoms']} uncorrelated" if row["uncorrelated_atoms"] else ""
        blocks = str(row["cascade"]).replace(" x ", "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}")
        rows.append(
            (
                (
                    row["scheme"],
                    *(_number(row[column]) for column in ("sigma_y", "sigma_y_low", "sigma_y_high")),
                    row["readout"],
                    _number(row["interrogation_time_s"]),
                    " + ".join(part for part in (single, blocks) if part),
                    row["tracking"] or "–",
                    _number(100.0 * row["slips_share"], 2),
                    row["limited_by"],
                ),
                place == 0 and row["scheme"] == scheme,
            )
        )
    return _Table(columns, rows)


def _improvements(table: pd.DataFrame) -> _Table:
    columns = (
        ("parameter", False),
        ("node", False),
        ("now", True),
        ("then", True),
        ("unit", False),
        ("σ_y then", True),
        ("σ_y falls by (%)", True),
    )
    rows = [
        (
            (
                row["parameter"],
                row["node"] or "all",
                *(_number(row[column], 4) for column in ("value", "improved")),
                row["unit"] or "–",
                _number(row["sigma_y"]),
                _fall(row["gain"]),
            ),
            False,
        )
        for row in table.head(_SHOWN).to_dict("records")
    ]
    return _Table(columns, rows)


def _fall(gain: float) -> str:
    """By how much a deviation falls, in percent."""
    return f"{100.0 * (1.0 - 1.0 / gain):.2g}"


def _front(table: pd.DataFrame, column: str, heading: str) -> _Table:
    rows = [((_number(row[column]), row["scheme"], _number(row["sigma_y"])), False) for row in table.to_dict("records")]
    return _Table(((heading, True), ("scheme", False), ("σ_y", True)), rows)


def _nodes(network: Network) -> _Table:
    columns = (
        ("node", False),
        ("atoms", True),
        ("in the smallest block", True),
        ("transition", False),
        ("laser: white, flicker, random-walk linewidth (rad/s)", False),
        ("dead time (s)", True),
        ("pairs of its link (1/s)", True),
        ("their fidelity", True),
        ("delay (ms)", True),
        ("phase noise (rad)", True),
    )
    rows = []
    for number, node in enumerate(network.nodes, start=1):
        laser, link = node.oscillator or network.oscillator, node.link
        light: list[object] = ["centre", *"–––"]
        if number > 1:
            rate = "as asked" if link.epr_rate_hz is None else _number(link.epr_rate_hz, 4)
            light = [rate, _number(link.epr_fidelity, 4), _number(1e3 * link.delay), _number(link.phase_noise)]
        widths = ", ".join(f"{width:.3g}" for width in laser.linewidths)
        rows.append(
            (
                (
                    _name(node, number),
                    node.atoms,
                    node.share,
                    transition(node.frequency_hz or network.frequency_hz),
                    widths if node.oscillator else f"{widths} (of the network)",
                    _number(max(node.dead_time, network.dead_time)),
                    *light,
                ),
                False,
            )
        )
    return _Table(columns, rows)


def _network_caption(network: Network) -> str:
    several = (
        " Lines are links: above, the entangled pairs that they make and the fidelity F of these; below, the time that"
        " light takes and the phase noise that it gathers. The first node is the centre."
        if len(network.nodes) > 1
        else ""
    )
    return (
        f"{network.atoms} atoms in {len(network.nodes)} {'nodes' if len(network.nodes) > 1 else 'node'}; discs grow"
        f" with the number of atoms.{several}"
    )


def _name(node: Node, number: int) -> str:
    return node.name or f"node {number}"
