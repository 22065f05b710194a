"""Reports: pages that need nothing else, say the same twice, and can be read on a phone, on paper and in the dark."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from closeness import approx

from qcn_open import (
    Cascade,
    Dephasing,
    FedForward,
    Gates,
    GaussianPrior,
    Link,
    Network,
    Node,
    Oscillator,
    Plan,
    Tracking,
    figures,
)
from qcn_open.clock import SCHEMES
from qcn_open.designer import Design
from qcn_open.report import design_report, simulation_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[1]
HOSTILE = "<script>alert('a')</script> & \"b\" -->"
NETWORK = Network(
    (
        Node(90, name=HOSTILE, share=2, oscillator=Oscillator.from_linewidth(white=0.8, flicker=0.2)),
        Node(40, name="東京", oscillator=Oscillator.from_linewidth(white=1.0), link=Link(40.0, 0.995, 0.0265, 0.02)),
        Node(
            35,
            name="a$b$c_d",
            oscillator=Oscillator.from_linewidth(white=0.6, flicker=0.1, random_walk=0.05),
            gates=Gates(0.99),
            noise=Dephasing(1e-3),
            link=Link(delay=0.031),
        ),
    ),
    None,
    Dephasing(8.5e-3),
    4.29e14,
    name="Three <b>clocks</b>",
)
TAUS = (0.1, 1.0, 10.0)


def stability(scheme: str, factor: float) -> pd.DataFrame:
    sigma = factor * 4e-17 / np.array(TAUS)
    return pd.DataFrame(
        {
            "scheme": scheme,
            "readout": "fixed angles",
            "tau_s": TAUS,
            "sigma_y": sigma,
            "sigma_y_low": 0.98 * sigma,
            "sigma_y_high": 1.02 * sigma,
            "interrogation_time_s": TAUS,
            "uncorrelated_atoms": 45,
            "tracking": "16 for T/3",
            "cascade": "10 x 4 + 8 x 8",
            "slips_share": 0.03,
            "bound_sigma_y": 0.1 * sigma,
            "limited_by": "decoherence",
        }
    )


def design(network: Network = NETWORK, scheme: str = "quantum-cooperative") -> Design:
    """Numbers that nobody computed, of the shape of a design."""
    shared = Cascade((5, 4), 4, uncorrelated=93, prior=GaussianPrior(0.1), coherence=0.99, readout=FedForward())
    plans = (Plan(1.0, shared, Tracking((20,), (3,)), dead_time=0.05),)
    if scheme == "quantum-classical":
        plans = tuple(Plan(0.9, Cascade((6, 4, node.atoms // 8)), dead_time=0.1) for node in network.nodes)
    table = pd.concat([stability(scheme, 1.0 + 0.2 * place) for place, scheme in enumerate(SCHEMES)])
    bounds = [
        (name, holds_for, tau, factor * 4e-17 / tau)
        for name, holds_for, factor in (
            ("any state of these atoms", "every scheme", 0.5),
            ("no decoherence", "uncorrelated atoms", 1.5),
        )
        for tau in TAUS
    ]
    gain = [1.2, 1.05] + [1.001] * 20
    return Design(
        network=network,
        tau=1.0,
        scheme=scheme,
        plans=plans,
        limited_by="decoherence & <slips>",
        stability=table.reset_index(drop=True),
        bounds=pd.DataFrame(bounds, columns=["bound", "holds_for", "tau_s", "sigma_y"]),
        budget=pd.DataFrame({"part": ["Dick effect", "slips"], "sigma_y": [3.6e-17, 1.8e-17], "share": [0.8, 0.2]}),
        improvements=pd.DataFrame(
            {
                "parameter": "dead time",
                "node": [HOSTILE, *[""] * 21],
                "value": 0.05,
                "improved": 0.045,
                "unit": ["s", *[""] * 21],
                "sigma_y": [4e-17 / one for one in gain],
                "gain": gain,
            }
        ),
        epr_front=pd.DataFrame(
            {
                "epr_rate_hz": [0.0, 10.0, 100.0],
                "scheme": ["quantum-classical", "quantum-cooperative", "quantum-cooperative"],
                "sigma_y": [4.2e-17, 4e-17, 3e-17],
            }
        ),
    )


RECORD = pd.DataFrame(
    {
        "tau_s": [0.5, 1.0, 2.0],
        "sigma_y": [8e-17, 4e-17, 2.2e-17],
        "sigma_y_low": [7.9e-17, 3.8e-17, 2e-17],
        "sigma_y_high": [8.1e-17, 4.2e-17, 2.5e-17],
        "slips": [2, 2, 2],
    }
)


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    budget = stability("quantum-alone", 1.0)
    return {
        "cooperative": design_report(design()),
        "classical": design_report(design(scheme="quantum-classical")),
        "simulation": simulation_report(NETWORK, "quantum-alone", RECORD, budget),
    }


NAMES = ("cooperative", "classical", "simulation")
VOID = {"meta", "br", "link", "img", "hr", "input"}


class Structure(HTMLParser):
    """Elements in their order, with what surrounds them; every tag must be closed by its own."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str], tuple[str, ...]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute of {tag} is stated twice"
        self.elements.append((tag, {name: value or "" for name, value in attrs}, tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "svg" in self.open or tag in VOID, f"{tag} may not close itself"
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.append((self.open[-1], data))

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes, _ in self.elements if name == tag]


@pytest.mark.parametrize("name", NAMES)
def test_page_is_well_formed(pages: dict[str, str], name: str) -> None:
    page = Structure(pages[name])
    assert pages[name].startswith("<!DOCTYPE html>\n")
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids)) > 10
    assert page.of("html") == [{"lang": "en"}]
    headings = [int(tag[1]) for tag, _, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert headings.count(1) == 1
    assert headings[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(headings))


@pytest.mark.parametrize("name", NAMES)
def test_page_needs_nothing_else(pages: dict[str, str], name: str) -> None:
    page = Structure(pages[name])
    assert "://" not in pages[name]
    assert "@import" not in pages[name]
    assert not {tag for tag, _, _ in page.elements} & {"script", "link", "img", "iframe", "object", "audio", "video"}
    ids = {attributes["id"] for _, attributes, _ in page.elements if "id" in attributes}
    for _, attributes, _ in page.elements:
        assert not {key for key in attributes if key.startswith("on")} | ({"src"} & set(attributes))
        if "href" in attributes:
            assert attributes["href"][0] == "#"
            assert attributes["href"][1:] in ids
        for target in re.findall(r"url\(([^)]*)\)", " ".join(attributes.values())):
            assert target[0] == "#"
            assert target[1:] in ids


@pytest.mark.parametrize("name", NAMES)
def test_page_can_be_read_without_seeing_it(pages: dict[str, str], name: str) -> None:
    page = Structure(pages[name])
    ids = {attributes["id"] for _, attributes, _ in page.elements if "id" in attributes}
    for svg in page.of("svg"):
        assert svg["role"] == "img"
        assert set(svg["aria-labelledby"].split()) <= ids
    assert len(page.of("title")) == 1 + len(page.of("svg"))
    assert all(one["scope"] in ("row", "col") for one in page.of("th"))
    assert len(page.of("caption")) == len(page.of("table")) > 1


@pytest.mark.parametrize("name", NAMES)
def test_names_are_text(pages: dict[str, str], name: str) -> None:
    page = Structure(pages[name])
    assert HOSTILE in "".join(text for tag, text in page.texts if tag == "th")
    assert not page.of("script")
    assert (
        "Three <b>clocks</b>" in [text for tag, text in page.texts if tag == "h1"]
        or "<h1>Three &lt;b&gt;" in pages[name]
    )
    assert "東京" in [text for tag, text in page.texts if tag == "text"]


def test_what_helps_most_is_told_by_how_much_the_deviation_falls() -> None:
    # From 1.2 to 1 is 17 %, not 20.
    page = design_report(design())
    assert "σ<sub>y</sub> falls by 17\N{NO-BREAK SPACE}%" in page


def test_same_input_gives_same_bytes(pages: dict[str, str]) -> None:
    assert design_report(design()) == pages["cooperative"]


@pytest.mark.parametrize("name", NAMES)
def test_page_tells_no_place(pages: dict[str, str], name: str) -> None:
    assert str(ROOT) not in pages[name]
    assert str(Path.home()) not in pages[name].replace(":root", "")


def test_answer_comes_first(pages: dict[str, str]) -> None:
    text = " ".join("".join(text for tag, text in Structure(pages["cooperative"]).texts if tag != "style").split())
    answer = text[text.index("What to build") : text.index("What each clock does")]
    assert "quantum-cooperative" in answer
    # The bound for uncorrelated atoms is above it, and is not what it is compared with.
    assert "2 times the nearest bound, “any state of these atoms”" in answer
    assert "93 uncorrelated + 5 × 4 + 4 × 8" in text
    assert "fed forward" in answer
    assert "10 others help less" in text


def test_parameters_are_a_network_file(pages: dict[str, str], tmp_path: Path) -> None:
    content = "".join(text for tag, text in Structure(pages["cooperative"]).texts if tag == "pre")
    (tmp_path / "network.toml").write_text(content, encoding="utf-8")
    read = Network.from_toml(tmp_path / "network.toml")
    assert (read.name, read.frequency_hz, read.noise) == (NETWORK.name, NETWORK.frequency_hz, NETWORK.noise)
    for one, other in zip(read.nodes, NETWORK.nodes, strict=True):
        assert (one.name, one.atoms, one.share, one.gates) == (other.name, other.atoms, other.share, other.gates)
        assert (one.noise, one.link) == (other.noise, other.link)
        assert one.oscillator is not None
        assert other.oscillator is not None
        assert one.oscillator.linewidths == approx(other.oscillator.linewidths, rel=1e-12)


def test_examples_come_back_from_their_parameters(tmp_path: Path) -> None:
    for name in ("three_nodes", "ten_nodes"):
        network = Network.from_toml(ROOT / "examples" / f"{name}.toml")
        page = simulation_report(network, "classical-alone", RECORD)
        content = "".join(text for tag, text in Structure(page).texts if tag == "pre")
        (tmp_path / "network.toml").write_text(content, encoding="utf-8")
        read = Network.from_toml(tmp_path / "network.toml")
        assert (read.noise, read.dead_time, read.atoms) == (network.noise, network.dead_time, network.atoms)
        for one, other in zip(read.nodes, network.nodes, strict=True):
            assert (one.noise, one.gates, one.dead_time) == (other.noise, other.gates, other.dead_time)
            assert one.link.oscillator.white == approx(other.link.oscillator.white, rel=1e-12)


def test_every_atom_has_one_task() -> None:
    for scheme in ("quantum-cooperative", "quantum-classical"):
        figure = figures.allocation(NETWORK, scheme, design(scheme=scheme).plans)
        widths = np.array([[bar.get_width() for bar in bars] for bars in figure.axes[0].containers])
        assert widths.sum(axis=0).tolist() == approx([node.atoms for node in NETWORK.nodes], rel=1e-12)
        assert (widths >= 0.0).all()


def test_figures_of_a_design_are_files_too(tmp_path: Path) -> None:
    drawn = figures.design_figures(design())
    assert list(drawn) == ["network", "stability", "allocation", "budget", "front_tau", "front_epr"]
    (pdf, svg, png) = figures.save(drawn["budget"], tmp_path / "budget")
    assert pdf.read_bytes().startswith(b"%PDF")
    assert svg.read_bytes().startswith(b"<?xml")
    assert png.read_bytes().startswith(b"\x89PNG")


def test_bad_input_is_a_sentence() -> None:
    from dataclasses import replace

    with pytest.raises(TypeError, match="needs a Design"):
        design_report("x")
    with pytest.raises(ValueError, match="no row of 'quantum-cooperative' at its averaging time of 7 s"):
        design_report(replace(design(), tau=7.0))
    with pytest.raises(TypeError, match="network must be a Network"):
        simulation_report("x", "quantum-alone", RECORD)
    with pytest.raises(ValueError, match="scheme must be one of"):
        simulation_report(NETWORK, "quantum", RECORD)
    with pytest.raises(ValueError, match="lacks the column 'slips'"):
        simulation_report(NETWORK, "quantum-alone", RECORD.drop(columns="slips"))
    with pytest.raises(ValueError, match="is empty"):
        simulation_report(NETWORK, "quantum-alone", RECORD.head(0))


# --- In a browser ----------------------------------------------------------------------------------------

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Of every element with text of its own: what it says, its colour, and that of what is behind it.
CONTRASTS = """() => {
  const luminance = ([r, g, b]) => [r, g, b]
    .map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const own = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  return [...document.body.querySelectorAll("*")]
    .filter(element => own(element) && !["title", "desc", "STYLE"].includes(element.tagName))
    .map(element => {
      const style = getComputedStyle(element);
      const front = parse(element.closest("svg") ? style.fill : style.color);
      let back = [0, 0, 0, 0];
      for (let one = element; one && back[3] === 0; one = one.parentElement) {
        const colour = parse(getComputedStyle(one).backgroundColor);
        back = colour.length === 3 ? [...colour, 1] : colour;
      }
      const [high, low] = [luminance(front), luminance(back)].sort((a, b) => b - a);
      return [element.textContent.trim(), (high + 0.05) / (low + 0.05)];
    });
}"""
# Texts of each figure that lie upon one another or reach beyond it.
COLLISIONS = """() => [...document.querySelectorAll("svg")].flatMap(svg => {
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll("text")].map(text => [text.textContent.trim(), text.getBoundingClientRect()]);
  // Boxes are as high as a font, and letters are lower.
  const found = texts.filter(([, box]) => {
    const spare = 0.3 * Math.min(box.width, box.height);
    return box.left < frame.left - spare || box.right > frame.right + spare ||
      box.top < frame.top - spare || box.bottom > frame.bottom + spare;
  }).map(([text]) => [text, "beyond"]);
  texts.forEach(([one, a], k) => texts.slice(k + 1).forEach(([other, b]) => {
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const along = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (across > 0.5 && along > 0.3 * Math.min(a.height, b.height)) found.push([one, other]);
  }));
  return found;
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(PROGRAMS)} is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser, pages: dict[str, str], tmp_path: Path) -> Iterator[Any]:
    """Open a page in a window of some size and scheme; in the end nothing was asked for but the page."""
    windows: list[Page] = []
    asked: list[str] = []
    said: list[str] = []

    def open_page(content: str, size: tuple[int, int] = (1280, 900), scheme: Any = "light") -> Page:
        path = tmp_path / "report.html"
        path.write_text(content, encoding="utf-8")
        window = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        windows.append(window)
        window.on("request", lambda request: asked.append(request.url))
        window.on("console", lambda message: said.append(message.text))
        window.on("pageerror", lambda error: said.append(str(error)))
        window.goto(path.as_uri())
        return window

    yield open_page
    for window in windows:
        window.close()
    assert asked == [(tmp_path / "report.html").as_uri()] * len(windows)
    assert said == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(390, 844), (1280, 900)], ids=["phone", "desktop"])
def test_page_is_readable(pages: dict[str, str], opened: Any, name: str, scheme: str, size: tuple[int, int]) -> None:
    window = opened(pages[name], size, scheme)
    assert window.evaluate("document.documentElement.scrollWidth") <= size[0]
    contrasts = window.evaluate(CONTRASTS)
    assert len(contrasts) > 100
    assert [(text, ratio) for text, ratio in contrasts if ratio < 4.5] == []
    dark = window.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    assert window.evaluate(COLLISIONS) == []
    smallest = "Math.min(...[...document.querySelectorAll('svg text')].map(one => one.getBoundingClientRect().height))"
    assert window.evaluate(smallest) > 9.0


@pytest.mark.parametrize("name", NAMES)
def test_print_is_light_and_short(pages: dict[str, str], opened: Any, name: str) -> None:
    window = opened(pages[name], (1280, 900), "dark")
    for paper in ("A4", "Letter"):
        printed = window.pdf(format=paper)
        assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 8
    window.emulate_media(media="print")
    assert window.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert {ratio >= 4.5 for _, ratio in window.evaluate(CONTRASTS)} == {True}
    breaks = "[...document.querySelectorAll('figure')].map(one => getComputedStyle(one).breakInside)"
    assert set(window.evaluate(breaks)) == {"avoid"}
    # What does not fit on paper can't be scrolled there.
    window.set_viewport_size({"width": 690, "height": 1000})
    assert window.evaluate("document.documentElement.scrollWidth") <= 690


def test_drawings_of_small_and_large_networks_do_not_overlap(opened: Any) -> None:
    long = "A node whose name is much longer than its drawing has room for"
    networks = (
        Network(Node(100), Oscillator(white=2.0), (), 4.29e14),
        Network(
            (Node(100), Node(1, name=long, link=Link(1234.5, 0.98765, 0.123456, 0.0123456))), Oscillator(), (), 1e15
        ),
        Network.from_toml(ROOT / "examples" / "ten_nodes.toml"),
        NETWORK,
    )
    drawn = [
        figures.inline_svg(figures.map_of(network), f"map-{number}", "Map", "A network.")
        for number, network in enumerate(networks)
    ]
    style = (
        "svg { width: 358px; display: block; } :root { --figure-font: 'Liberation Serif', 'Times New Roman', serif; }"
    )
    window = opened(
        f"<!DOCTYPE html><html lang='en'><head><style>{style}</style></head><body>{''.join(drawn)}</body></html>"
    )
    assert window.evaluate("document.querySelectorAll('svg').length") == len(networks)
    assert window.evaluate(COLLISIONS) == []


def test_numbers_are_written_as_people_do() -> None:
    from qcn_open.report import _number

    space = "\N{NO-BREAK SPACE}"
    assert _number(4.166e-17) == f"4.17{space}×{space}10<sup>−17</sup>"
    assert _number(-0.25) == "−0.25"
    assert _number(12345.6) == "12346"
    assert (_number(0.0), _number(math.nan), _number(math.inf)) == ("0", "–", "∞")


def test_links_are_told_in_milliseconds() -> None:
    from qcn_open.report import _nodes

    table = _nodes(NETWORK)
    place = [name for name, _ in table.columns].index("delay (ms)")
    assert [str(cells[place]) for cells, _ in table.rows] == ["–", "26.5", "31"]
