"""Every study's figure: from its table alone, at publication size, in one style, with units on its axes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from matplotlib.axis import Axis
from matplotlib.collections import Collection
from matplotlib.colors import to_hex, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from qcn_open import study
from qcn_open.figures import COLOURS, COLUMN_IN, style

ROOT = Path(__file__).parents[1]
UNITS = {
    "s",
    "min",
    "fs",
    "1/s",
    "rad",
    "rad$^2$",
    "rad$^{-2}$",
    "s$^{1/2}$",
    "cycles",
    "$10^{-17}$",
    "%",
    "dB",
}
# Ratios, probabilities, numbers of things, and times and rates in units of others.
NUMBERS = {
    r"Cost of noise,  $N^2T^2/\mathrm{bound} - 1$",
    r"Information / bound,  $F/F_\mathrm{bound}$",
    "$NT/r$",
    "bound in units of eq. (4), $F/NTr$",
    "number of atoms $N$",
    "|deviation| from closed form",
    r"RMS error $\times\,N/\pi$",
    r"gain over $1/\sqrt{N}$",
    "$F$ / bound",
    "1 − $F$ / bound",
    r"uncertainty $\Delta\delta\,/\sqrt{\gamma/N\tau}$",
    r"$d\,\ln\Delta\delta\,/\,d\,\ln N$",
    r"$\omega_0\sigma_y\,/\,\gamma_{LO}$",
    r"gain in $\sigma_y$ over uncorrelated atoms",
    r"$\ln N$",
    r"tolerated errors $-K\ln F_\mathrm{th}$",
    r"averaging time $\gamma_{LO}\tau$",
    r"scaled deviation $\sqrt{\tau/\gamma_{LO}}\,\omega_0\sigma_y$",
    "Atoms in the GHZ state, $n$",
    "Relative difference",
    "atoms $N$, clocks $K$",
    "factor / power in the text",
    r"$F\,(1/F_0 + V)$",
    "atoms $n$ of each of three ensembles",
    r"slips a cycle, $r=5$, $T=4/\gamma_{LO}$",
    r"longest Ramsey time $\gamma_{LO}T$",
    "atoms that count the turns",
    "fidelity $F$",
    "information / uncorrelated",
    "cycles after the link is out",
    "cycles after the link is back",
    r"$\omega_0\sigma_y/\gamma_{LO}$ at $16\,T$",
    r"atoms $\tilde N$ of the largest block",
    "uncorrelated atoms",
    r"$\sigma_y$ over that of eq. (4)",
    "copies of each size",
    "Best Ramsey time, $nRT$",
    r"Information rate, $(F/T)\,/\,(n/eR)$",
    "tests for error rates $10^{-3}$",
    "false alarms",
    "random bits found",
    "nodes of 10 that cheat",
    "first alarm names a cheat",
    "number of nodes $K$",
    "contrast",
    "infidelity of a pair",
    "contrast that 9 links leave",
    r"$\sigma_y$",
    "parity contrast",
    r"$N\gamma T$",
    r"averaging time $\tau/T$",
    "clock, linewidth of the laser",
    r"$\sigma_y(\tau)$",
    "gain at the best dark time",
    r"dark time, $\gamma_{LO}T$",
    "atoms of a block",
    r"$\omega_0\sigma_y\sqrt{\tau/\gamma_{LO}}$",
    "gain over unentangled atoms",
    "infidelity of a gate",
    "Atoms",
    "Excited weight $p$",
    "Probe time / time to make a pair",
    "Gain in the same total time",
    "Critical number of atoms",
    r"best $F/F_\mathrm{bound}$ at $N$, $T$",
    "block size $nRT$",
    r"$F/F_\mathrm{bound}$",
    r"share of emission in the rates, $k = \kappa/R$",
}


@pytest.fixture(scope="module", params=study.names(ROOT))
def drawn(request: pytest.FixtureRequest) -> Figure:
    import matplotlib.pyplot as plt

    with style():
        figure = study.load(ROOT, request.param).figure(study.read(ROOT, request.param))
        figure.draw_without_rendering()
    plt.close(figure)
    return figure


@pytest.mark.slow
def test_width_is_one_column_or_two(drawn: Figure) -> None:
    assert any(abs(drawn.get_figwidth() - width) < 1e-9 for width in (COLUMN_IN, 2.0 * COLUMN_IN))


@pytest.mark.slow
def test_type_is_large_enough(drawn: Figure) -> None:
    small = {text.get_text() for text in drawn.findobj(Text) if text.get_text() and text.get_fontsize() < 6.0}
    assert small == set()


@pytest.mark.slow
def test_colours_are_those_of_the_style_and_greys(drawn: Figure) -> None:
    used: set[str] = set()
    for line in drawn.findobj(Line2D):
        used |= {to_hex(one) for one in to_rgba_array([line.get_color(), line.get_markeredgecolor()])}
    for text in drawn.findobj(Text):
        used.add(to_hex(text.get_color()))
    for patch in drawn.findobj(Patch):
        used |= {to_hex(patch.get_facecolor()), to_hex(patch.get_edgecolor())}
    for collection in drawn.findobj(Collection):
        for colours in (collection.get_facecolor(), collection.get_edgecolor()):
            used |= {to_hex(one) for one in to_rgba_array(colours)}
    known = {colour.lower() for colour in COLOURS.values()}
    assert {colour for colour in used if colour not in known and len({*re.findall("..", colour[1:])}) > 1} == set()


@pytest.mark.slow
def test_every_axis_says_what_it_shows(drawn: Figure) -> None:
    unnamed = [
        f"{name} of panel {number}"
        for number, axes in enumerate(drawn.axes)
        for name, axis in (("x", axes.xaxis), ("y", axes.yaxis))
        if not axis.get_label_text() and any(re.match(r"[−\d$]", label) for label in _tick_labels(axis))
    ]
    assert unnamed == []


@pytest.mark.slow
def test_every_quantity_has_its_unit(drawn: Figure) -> None:
    """A label ends with a unit in parentheses, or stands in the reviewed list of pure numbers."""
    labels = {axis.get_label_text() for axes in drawn.axes for axis in (axes.xaxis, axes.yaxis)} - {""}
    assert {label for label in labels if label.rpartition("(")[2].rstrip(")") not in UNITS} <= NUMBERS


def test_rule_of_units_can_fail() -> None:
    with style():
        figure = Figure()
        figure.subplots().set(xlabel="averaging time", ylabel="time, s")
    with pytest.raises(AssertionError, match="averaging time"):
        test_every_quantity_has_its_unit(figure)


def test_rule_of_names_can_fail() -> None:
    with style():
        figure = Figure()
        figure.subplots().set(xlabel="atoms")
        figure.draw_without_rendering()
    with pytest.raises(AssertionError, match="y of panel 0"):
        test_every_axis_says_what_it_shows(figure)


def _tick_labels(axis: Axis) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels() if label.get_visible()]
