"""The one plotting module: a common style, and figures whose bytes depend on nothing but the table.

Figures fit a column of the American Physical Society (3.375 in) with 8 pt type. Colours are those of Okabe
and Ito, told apart under every common colour-vision deficiency. The same figures stand in a web page as `inline_svg`,
whose colours follow the page.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from qcn_open import study
from qcn_open.storage import write_atomically

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from qcn_open.clock import Plan
    from qcn_open.designer import Design
    from qcn_open.network import Link, Network
    from qcn_open.oscillator import Oscillator

__all__ = [
    "COLOURS",
    "COLUMN_IN",
    "SCHEME_COLOURS",
    "allocation",
    "budget",
    "design_figures",
    "draw",
    "front",
    "inline_svg",
    "map_of",
    "of_every_scheme",
    "record",
    "save",
    "stability",
    "style",
]

COLUMN_IN = 3.375
COLOURS = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "black": "#000000",
}
# As in the paper's figure: what entangles all clocks, what entangles each, and what entangles nothing.
SCHEME_COLOURS = {
    "quantum-cooperative": "vermilion",
    "quantum-classical": "blue",
    "quantum-alone": "black",
    "classical-cooperative": "green",
    "classical-alone": "purple",
}

_METADATA: dict[str, dict[str, str | None]] = {
    "pdf": {"Creator": "qcn_open", "Producer": None, "CreationDate": None},
    "svg": {"Creator": "qcn_open", "Date": None},
    "png": {"Software": "qcn_open"},
}


@contextmanager
def style() -> Iterator[None]:
    """Draw and save what is inside with the common style, without a display.

    Examples
    --------
    >>> import matplotlib as mpl
    >>> with style():
    ...     mpl.rcParams["font.size"]
    8.0
    """
    import matplotlib as mpl
    from cycler import cycler

    mpl.use("Agg")
    with mpl.rc_context(
        {
            "figure.figsize": (COLUMN_IN, COLUMN_IN / 1.4),
            "figure.constrained_layout.use": True,
            "figure.dpi": 200,
            "savefig.dpi": 200,
            "font.family": "STIXGeneral",
            "font.size": 8,
            "mathtext.fontset": "stix",
            "axes.prop_cycle": cycler(color=list(COLOURS.values())),
            "axes.titlesize": 8,
            "axes.labelsize": 8,
            "axes.linewidth": 0.6,
            "xtick.labelsize": 7,
            "ytick.labelsize": 7,
            "xtick.direction": "in",
            "ytick.direction": "in",
            "xtick.top": True,
            "ytick.right": True,
            "xtick.major.width": 0.6,
            "ytick.major.width": 0.6,
            "xtick.minor.width": 0.4,
            "ytick.minor.width": 0.4,
            "lines.linewidth": 1.0,
            "lines.markersize": 3,
            "legend.fontsize": 7,
            "legend.frameon": False,
            "pdf.fonttype": 42,
            "svg.fonttype": "path",
            "svg.hashsalt": "qcn_open",
        }
    ):
        yield


def save(figure: Figure, stem: Path) -> tuple[Path, ...]:
    """Write a figure as PDF, SVG and PNG; two runs give the same bytes.

    Parameters
    ----------
    figure : Figure
        What to write.
    stem : Path
        The path without its ending.

    Returns
    -------
    tuple of Path
        The three files.
    """
    files: dict[Path, bytes] = {}
    with style():
        for kind, entries in _METADATA.items():
            stream = io.BytesIO()
            figure.savefig(stream, format=kind, metadata=entries)
            files[stem.with_name(f"{stem.name}.{kind}")] = stream.getvalue()
    write_atomically(files)
    return tuple(files)


def draw(root: Path, name: str) -> tuple[Path, ...]:
    """Draw the figure of a study from its table on disk, into ``paper/build/figures``.

    Raises
    ------
    ValueError
        If the study is unknown, or its table is missing or damaged.
    """
    import matplotlib.pyplot as plt

    with style():
        figure = study.load(root, name).figure(study.read(root, name))
    try:
        return save(figure, root / "paper" / "build" / "figures" / name)
    finally:
        plt.close(figure)


def inline_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """A figure as the SVG element of a web page, whose colours the page decides.

    Black is ``currentColor``, white ``var(--page)``, a grey ``var(--grey)`` and the others ``var(--blue)`` and so on.
    Text stays text, in ``var(--figure-font)``.

    Parameters
    ----------
    figure : Figure
        What to show.
    name : str
        Begins all identifiers inside, which must be those of no other figure of the page.
    title, description : str
        What it shows, for those who do not see it.

    Returns
    -------
    str
        An ``svg`` element that refers to nothing outside itself; two runs give the same.

    Examples
    --------
    >>> with style():
    ...     from matplotlib.figure import Figure
    ...     element = inline_svg(Figure(), "nothing", "Nothing", "An empty figure.")
    >>> element.startswith("<svg"), "http" in element
    (True, False)
    """
    import matplotlib as mpl

    stream = io.BytesIO()
    with style(), mpl.rc_context({"svg.fonttype": "none"}), _whatever_the_letters():
        figure.savefig(
            stream, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
        )
    root = ElementTree.fromstring(stream.getvalue())
    for metadata in root.findall("{*}metadata"):
        root.remove(metadata)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        # Line breaks between the letters of a formula would be spaces.
        element.text, element.tail = ((text or "").strip() and text for text in (element.text, element.tail))
        # A page tells names in an SVG by the element alone: no namespaces.
        plain = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
        element.attrib.clear()
        for key, value in plain.items():
            value = re.sub(r"#[0-9a-f]{6}\b", _page_colour, value)
            value = value.replace(f"'{_FONT}'", "var(--figure-font)")
            if key == "id":
                value = f"{name}-{value}"
            element.set(key, re.sub(r"^#|(?<=url\()#", f"#{name}-", value))
    for defs in root.findall("defs"):
        for sheet in defs.findall("style"):
            # It would hold for the whole page.
            defs.remove(sheet)
    width, height = (float(number) for number in root.attrib["viewBox"].split()[2:])
    root.attrib.clear()
    root.attrib |= {
        "viewBox": f"0 0 {width:g} {height:g}",
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-description",
        "class": "figure",
    }
    for tag, text in (("desc", description), ("title", title)):
        element = ElementTree.Element(tag, {"id": f"{name}-{'title' if tag == 'title' else 'description'}"})
        element.text = text
        root.insert(0, element)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def design_figures(design: Design) -> dict[str, Figure]:
    """The figures of a design, by name: what `save` writes one by one and a report shows.

    ``network``, ``stability``, ``allocation``, ``budget``, ``front_tau``, and ``front_epr`` where pairs help.
    """
    figures = {
        "network": map_of(design.network),
        "stability": stability(design.stability, design.bounds, design.tau),
        "allocation": allocation(design.network, design.scheme, design.plans),
        "budget": budget(design.budget),
        "front_tau": front(design.front, "tau_s", "averaging time τ (s)", r"$\sigma_y(\tau)$"),
    }
    if (design.epr_front["epr_rate_hz"] > 0.0).any():
        at = rf"$\sigma_y({design.tau:g}\,$s$)$"
        figures["front_epr"] = front(design.epr_front, "epr_rate_hz", "entangled pairs of each link (1/s)", at)
    return figures


def map_of(network: Network) -> Figure:
    """A network: its nodes with atoms and lasers, the first one the centre, and its links with what they carry."""
    with style():
        from matplotlib.figure import Figure

        rows = 22.0 + _ROW * np.arange(len(network.nodes))
        height = float(rows[-1]) + 20.0
        figure = Figure(figsize=(COLUMN_IN, height / 72.0))
        figure.set_layout_engine("none")
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        # In points, from the top.
        axes.set(xlim=(0.0, 72.0 * COLUMN_IN), ylim=(height, 0.0))
        axes.axis("off")
        most = max(node.atoms for node in network.nodes)
        for number, (node, y) in enumerate(zip(network.nodes, rows.tolist(), strict=True)):
            x = _CENTRE if number == 0 else _OUTER
            radius = 3.0 + 6.0 * math.sqrt(node.atoms / most)
            if number > 0:
                _draw_link(axes, node.link, rows[0], y)
            _circle(axes, x, y, radius, COLOURS["blue"] if number else COLOURS["vermilion"])
            name = _shortened(node.name or f"node {number + 1}", 22)
            atoms = f"{node.atoms} atoms, {_frequency(node.frequency_hz or network.frequency_hz)}"
            laser = _laser(node.oscillator or network.oscillator) if number == 0 or node.oscillator else ""
            for line, (text, weight) in enumerate(((name, "bold"), (atoms, "normal"), (laser, "normal"))):
                _text(axes, x + 14.0, y - 9.5 + 9.5 * line, text, weight=weight)
        return figure


def stability(table: pd.DataFrame, bounds: pd.DataFrame, tau: float) -> Figure:
    """Every scheme against the averaging time, what none gets below, and how many times the nearest of these.

    Parameters
    ----------
    table : DataFrame
        scheme, tau_s, sigma_y, sigma_y_low, sigma_y_high; the best of several readouts is drawn.
    bounds : DataFrame
        bound, holds_for, tau_s, sigma_y.
    tau : float
        Averaging time (s) that is marked.
    """
    with style():
        from matplotlib.figure import Figure
        from matplotlib.ticker import LogFormatter

        figure = Figure(figsize=(COLUMN_IN, 4.6))
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1.6, 1.0))
        nearest = of_every_scheme(bounds).groupby("tau_s")["sigma_y"].max()
        for scheme, colour in SCHEME_COLOURS.items():
            curve = table[table["scheme"] == scheme]
            if curve.empty:
                continue
            curve = curve.loc[curve.groupby("tau_s")["sigma_y"].idxmin()].set_index("tau_s")
            columns = ["sigma_y", "sigma_y_low", "sigma_y_high"]
            for axes, values in ((upper, curve[columns]), (lower, curve[columns].div(nearest, axis=0).dropna())):
                drawn = {"color": COLOURS[colour], "marker": _SCHEME_MARKERS[scheme], "mfc": "white"}
                axes.fill_between(
                    values.index, values["sigma_y_low"], values["sigma_y_high"], color=COLOURS[colour], alpha=0.25, lw=0
                )
                axes.plot(values.index, values["sigma_y"], label=scheme if axes is upper else None, **drawn)
        for place, (name, curve) in enumerate(bounds.groupby("bound", sort=False)):
            dashes = _DASHES[place % len(_DASHES)]
            upper.plot(curve["tau_s"], curve["sigma_y"], color="0.4", ls=dashes, label=_plain(str(name)))
        lower.axhline(1.0, color="0.4", lw=0.8)
        for axes in (upper, lower):
            axes.axvline(tau, color="0.6", lw=0.6, zorder=0)
            axes.set(xscale="log", yscale="log")
        upper.set(ylabel=r"$\sigma_y(\tau)$")
        lower.yaxis.set_major_formatter(LogFormatter())
        lower.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1.0, 0.4)))
        lower.set(xlabel="averaging time τ (s)", ylabel=r"$\sigma_y$ / nearest bound")
        figure.legend(loc="outside lower center", ncols=1 if len(bounds) else 2)
        return figure


def of_every_scheme(bounds: pd.DataFrame) -> pd.DataFrame:
    """The bounds of any state of the atoms, of those of a design: the others are of uncorrelated atoms."""
    return bounds[bounds["holds_for"] == "every scheme"]


def record(table: pd.DataFrame, theory: pd.DataFrame | None = None) -> Figure:
    """A simulated clock's deviation against the averaging time, and what a budget expects of it.

    Parameters
    ----------
    table : DataFrame
        tau_s, sigma_y, sigma_y_low, sigma_y_high of the record.
    theory : DataFrame, optional
        tau_s, sigma_y, bound_sigma_y.
    """
    with style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(COLUMN_IN, 3.0))
        axes = figure.subplots()
        bars = table["sigma_y"] - table["sigma_y_low"], table["sigma_y_high"] - table["sigma_y"]
        axes.errorbar(
            table["tau_s"], table["sigma_y"], bars, fmt="o", mfc="white", color=COLOURS["vermilion"], label="simulated"
        )
        if theory is not None:
            axes.plot(theory["tau_s"], theory["sigma_y"], color=COLOURS["blue"], label="budget")
            axes.plot(theory["tau_s"], theory["bound_sigma_y"], color="0.4", ls=_DASHES[0], label="bound")
        axes.set(xscale="log", yscale="log", xlabel="averaging time τ (s)", ylabel=r"$\sigma_y(\tau)$")
        axes.legend()
        return figure


def allocation(network: Network, scheme: str, plans: Sequence[Plan]) -> Figure:
    """What the atoms of each node do: count the windings, belong to a block of some size, or stay uncorrelated.

    Of a plan for all nodes, atoms outside blocks track and stay uncorrelated in the same ratio at every node.
    """
    with style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(COLUMN_IN, 1.1 + 0.2 * len(network.nodes)))
        axes = figure.subplots()
        tasks = _tasks(network, scheme, plans)
        sizes = sorted({task for node in tasks for task in node if isinstance(task, int)})
        shades = dict(zip(sizes, np.linspace(0.3, 1.0, len(sizes)).tolist(), strict=True))
        names = [_shortened(node.name or f"node {number}", 14) for number, node in enumerate(network.nodes, start=1)]
        kinds: tuple[str | int, ...] = ("track the windings", "uncorrelated", *sizes, "not used")
        for task in kinds:
            atoms = np.array([node.get(task, 0.0) for node in tasks])
            if not atoms.any():
                continue
            before = np.array(
                [sum(list(node.values())[: list(node).index(task)]) if task in node else 0 for node in tasks]
            )
            colour = {"track the windings": "0.55", "uncorrelated": COLOURS["orange"], "not used": "0.85"}.get(
                str(task), COLOURS["blue"]
            )
            axes.barh(
                range(len(tasks)),
                atoms,
                left=before,
                height=0.7,
                color=colour,
                edgecolor="white",
                lw=0.5,
                alpha=shades[task] if isinstance(task, int) else 1.0,
                label=f"blocks of {task}" if isinstance(task, int) else task,
            )
        axes.set(xlabel="atoms", ylim=(len(tasks) - 0.4, -0.6))
        axes.set_yticks(range(len(tasks)), names)
        for label in axes.get_yticklabels():
            label.set_parse_math(False)
        axes.tick_params(axis="y", length=0)
        figure.legend(loc="outside lower center", ncols=3, handlelength=1.0)
        return figure


def budget(table: pd.DataFrame) -> Figure:
    """What the variance is made of: part, share."""
    with style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(COLUMN_IN, 0.45 + 0.3 * len(table)))
        axes = figure.subplots()
        for row, (part, share) in enumerate(zip(table["part"], table["share"], strict=True)):
            axes.barh(row + 0.28, 100.0 * share, height=0.34, color=COLOURS["blue"])
            axes.text(0.6, row - 0.08, f"{part}, {100.0 * share:.1f} %", fontsize=7, va="center", parse_math=False)
        axes.set(xlim=(min(0.0, 105.0 * float(table["share"].min())), 100.0), ylim=(len(table) - 0.3, -0.45))
        axes.set(xlabel=r"share of $\sigma_y^2$ (%)", yticks=[])
        return figure


def front(table: pd.DataFrame, column: str, label: str, value: str) -> Figure:
    """A Pareto front: the best stability, and the scheme that has it, against what it costs; dashed where that is 0.

    Parameters
    ----------
    table : DataFrame
        scheme, sigma_y and the column.
    column : str
        What stability costs.
    label, value : str
        Of the two axes.
    """
    with style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(COLUMN_IN, 2.6))
        axes = figure.subplots()
        costly = table[table[column] > 0.0]
        axes.plot(costly[column], costly["sigma_y"], color="0.6", lw=0.8, zorder=1)
        for row in table[table[column] == 0.0].to_dict("records"):
            colour = COLOURS[SCHEME_COLOURS[row["scheme"]]]
            axes.axhline(row["sigma_y"], color=colour, ls=_DASHES[0], label=f"{row['scheme']}, at 0")
        for scheme, colour in SCHEME_COLOURS.items():
            best = costly[costly["scheme"] == scheme]
            if len(best):
                marker = _SCHEME_MARKERS[scheme]
                axes.plot(best[column], best["sigma_y"], marker, color=COLOURS[colour], mfc="white", ms=4, label=scheme)
        axes.set(xscale="log", yscale="log", xlabel=label, ylabel=value)
        figure.legend(loc="outside lower center", ncols=2, handletextpad=0.2)
        return figure


_FONT = "STIXGeneral"
_PAGE_COLOURS: Mapping[str, str] = {
    **{code.lower(): f"var(--{name})" for name, code in COLOURS.items()},
    "#000000": "currentColor",
    "#ffffff": "var(--page)",
}
# Greys lighter than this are fills and no lines.
_FAINT = "#bf"
_SCHEME_MARKERS = dict(zip(SCHEME_COLOURS, "soDv^", strict=True))
_DASHES: Sequence[tuple[float, tuple[float, ...]]] = ((0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)), (0, (2, 2)))
# Of the drawing of a network, in points: the distance of its rows, and where the centre and the other nodes stand.
_ROW = 36.0
_CENTRE, _OUTER = 14.0, 112.0


@contextmanager
def _whatever_the_letters() -> Iterator[None]:
    """Let names have letters that the figures' font lacks; a page shows them in a font that has them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
        yield


def _text(axes: Axes, x: float, y: float, text: str, weight: str = "normal") -> None:
    axes.text(x, y, text, fontsize=7, va="center", parse_math=False, weight=weight)


def _page_colour(found: re.Match[str]) -> str:
    return _PAGE_COLOURS.get(found[0], "var(--faint)" if found[0] > _FAINT else "var(--grey)")


def _plain(text: str) -> str:
    """The same text where a dollar would begin a formula."""
    return text.replace("$", r"\$")


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _circle(axes: Axes, x: float, y: float, radius: float, colour: str) -> None:
    from matplotlib.patches import Circle

    axes.add_patch(Circle((x, y), radius, facecolor=colour, edgecolor="none", zorder=3))


def _draw_link(axes: Axes, link: Link, top: float, y: float) -> None:
    """From the centre down, around a corner, and to a node, with pairs above the line and light below."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Curve

    corner = 8.0
    points = [(_CENTRE, top), (_CENTRE, y - corner), (_CENTRE, y), (_CENTRE + corner, y), (_OUTER, y)]
    codes = [Curve.MOVETO, Curve.LINETO, Curve.CURVE3, Curve.CURVE3, Curve.LINETO]
    axes.add_patch(PathPatch(Curve(points, codes), facecolor="none", edgecolor="0.5", lw=0.8, zorder=1))
    rate = "any rate" if link.epr_rate_hz is None else f"{link.epr_rate_hz:.4g} pairs/s"
    delay = "no delay" if link.delay == 0.0 else f"{1e3 * link.delay:.3g} ms"
    _text(axes, _CENTRE + 9.0, y - 5.5, f"{rate}, F = {link.epr_fidelity:.4g}")
    _text(axes, _CENTRE + 9.0, y + 5.5, delay if link.phase_noise == 0.0 else f"{delay}, {link.phase_noise:.3g} rad")


def _frequency(frequency_hz: float) -> str:
    """The species of a transition, or else its frequency."""
    from qcn_open.species import species_at

    return species_at(frequency_hz) or f"{frequency_hz / 1e12:.4g} THz"


def _laser(oscillator: Oscillator) -> str:
    """The linewidths of a laser, rad/s."""
    widths = zip(("white", "flicker", "walk"), oscillator.linewidths, strict=True)
    parts = [f"{kind} {width:.2g}" for kind, width in widths if width > 0.0]
    return f"laser: {', '.join(parts[:2])}{', …' if len(parts) > 2 else ''} rad/s" if parts else "laser without noise"


def _tasks(network: Network, scheme: str, plans: Sequence[Plan]) -> list[dict[str | int, float]]:
    """Atoms of every node by what they do, a number being the size of their blocks."""
    tasks: list[dict[str | int, float]] = []
    for number, node in enumerate(network.nodes):
        if scheme.endswith("alone") and number > 0:
            tasks.append({"not used": float(node.atoms)})
            continue
        plan = plans[0] if scheme.endswith("cooperative") else plans[number]
        nodes, copies = plan.cascade.nodes, plan.cascade.probe().copies_by_size()
        single = copies.pop(1, 0)
        share = node.share if nodes > 1 else 1
        blocks: dict[str | int, float] = {size: float(share * size // nodes * copies[size]) for size in sorted(copies)}
        spare = node.atoms - sum(blocks.values())
        tracking = sum(plan.tracking.atoms)
        outside = tracking + single
        tracks = spare * tracking / outside if outside else 0.0
        tasks.append({"track the windings": tracks, "uncorrelated": spare - tracks, **blocks})
    return tasks
