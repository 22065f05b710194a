r"""How stable are the worked examples of the paper, and which of its laws holds at the times it quotes?

The clock species come from ``data/species.csv``. For each network of N atoms and averaging time :math:`\tau` the table
has (as ``..._sigma_y``)

=======================  =========================================================================
``eq3``                  the short-time law of the paper, prefactor 1
``eq3_8_over_pi``        the same with the prefactor of eq. (2)
``eq4``                  the long-time law of the paper
``paper_law``            the larger of ``eq3`` and ``eq4``
``unrooted_hz``          :math:`\ln N/(N\nu_0\tau)`: no law of the paper, but see below
``bound``                what nothing can beat with N atoms in the time :math:`\tau`, dephasing at the rate
                         :math:`\gamma_i` = :math:`2\pi` linewidth, one interrogation no longer than :math:`\tau`
``ghz``                  one GHZ state, or the best product of GHZ blocks, at its best interrogation time
``uncorrelated``         N independent atoms at theirs: the best classical cooperation
``quoted``               what the paper says
=======================  =========================================================================

Bound, ``ghz`` and ``uncorrelated`` are quantum Fisher information: they charge nothing for resolving the phase, for
dead time or for the noise of the laser.

The *inputs* are those of the ``paper`` or ``measured`` ones. Not printed, and so assumed: the frequency of the erbium
line, its 30 µHz (for "a few tens") and its 10 000 atoms; a linewidth of Yb+ (from the coherence time, taken as a
lifetime). ``8 MHz`` is the aluminium linewidth as printed. ``measured`` erbium is the upper limit for the line of the
proposal that fits (see the note in the table of species).

*An observation.* The two values quoted for aluminium and strontium both equal ``unrooted_hz`` to the digits given:
eq. (3) with :math:`\nu_0` for :math:`\omega_0` and with the root of the logarithm missing, as it is in the printed
eq. (2). For strontium eq. (4) with :math:`\nu_0` rounds to the same digit. This is a relation between numbers; nothing
in the paper says that they were obtained so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from qcn_open import Dephasing, Ghz, Logical, bound_optimal_time, optimal_time
from qcn_open.figures import COLOURS, COLUMN_IN
from qcn_open.ledger import Claim
from qcn_open.species import Species, decoherence_limited_stability, heisenberg_stability, read_species

SPECIES = Path(__file__).parents[1] / "data" / "species.csv"


def _times(per_decade: int) -> tuple[float, ...]:
    return tuple(float(f"{10 ** (k / per_decade - 3):.6g}") for k in range(7 * per_decade + 1))


@dataclass(frozen=True)
class Config:
    curve_species: tuple[str, ...] = ("Al+", "Sr", "Yb+", "Er")
    curve_atoms: int = 1000
    curve_times_s: tuple[float, ...] = _times(4)


SMOKE = Config(curve_times_s=(1.0,))
FULL = Config(curve_times_s=_times(24))
KEY = ("example", "inputs", "atoms", "tau_s")
BACKENDS = (Logical(),)

# The paper gives Yb+ this coherence time and no linewidth; a lifetime of it is this linewidth.
YB_COHERENCE_TIME_S = 2.2e4
YB_LINEWIDTH_HZ = 1.0 / (2.0 * math.pi * YB_COHERENCE_TIME_S)
PRINTED_AL_LINEWIDTH_HZ = 8e6
PREFACTOR = 8.0 / math.pi


@dataclass(frozen=True)
class _Network:
    example: str
    inputs: str
    frequency_hz: float
    linewidth_hz: float
    atoms: int
    tau_s: float
    quoted_sigma_y: float = math.nan

    def row(self) -> dict[str, object]:
        noise = Dephasing(2.0 * math.pi * self.linewidth_hz)
        one = optimal_time(Ghz(1), noise, self.tau_s)
        best = {
            "bound": bound_optimal_time(self.atoms, noise, self.tau_s).rate,
            "ghz": optimal_time(Ghz(self.atoms), noise, self.tau_s).rate,
            "uncorrelated": self.atoms * one.rate,
        }
        scale = 2.0 * math.pi * self.frequency_hz * math.sqrt(self.tau_s)
        eq3 = heisenberg_stability(self.frequency_hz, self.atoms, self.tau_s) if self.atoms > 1 else math.nan
        eq4 = decoherence_limited_stability(self.frequency_hz, self.atoms, self.linewidth_hz, self.tau_s)
        return {
            "example": self.example,
            "inputs": self.inputs,
            "frequency_hz": self.frequency_hz,
            "linewidth_hz": self.linewidth_hz,
            "atoms": self.atoms,
            "tau_s": self.tau_s,
            "knee_s": 1.0 / (self.atoms * noise.rate),
            "eq3_sigma_y": eq3,
            "eq3_8_over_pi_sigma_y": PREFACTOR * eq3,
            "eq4_sigma_y": eq4,
            "paper_law_sigma_y": max(eq3, eq4),
            "unrooted_hz_sigma_y": math.log(self.atoms) / (self.atoms * self.frequency_hz * self.tau_s),
            **{f"{name}_sigma_y": 1.0 / (scale * math.sqrt(rate)) for name, rate in best.items()},
            "quoted_sigma_y": self.quoted_sigma_y,
        }


def rows(config: Config) -> pd.DataFrame:
    """The worked examples with the inputs of the paper and with measured ones, then the curves."""
    species = read_species(SPECIES)
    curves = [
        _Network(name, "curve", species[name].frequency_hz, species[name].linewidth_hz, config.curve_atoms, time)
        for name in config.curve_species
        for time in config.curve_times_s
    ]
    return pd.DataFrame([network.row() for network in [*_worked_examples(species), *curves]])


def _worked_examples(species: dict[str, Species]) -> list[_Network]:
    """Name of the example, whose inputs, frequency, linewidth, atoms, time, and what the paper quotes."""
    al, sr, yb, er = (species[name] for name in ("Al+", "Sr", "Yb+", "Er"))
    return [
        _Network("Al+", "measured", *_measured(al), 1, 1.0, 2.8e-15),
        _Network("Al+", "paper", *_of_paper(al), 100, 1.0, 4e-17),
        _Network("Al+", "measured", *_measured(al), 100, 1.0, 4e-17),
        _Network("Al+", "8 MHz", _of_paper(al)[0], PRINTED_AL_LINEWIDTH_HZ, 100, 1.0, 4e-17),
        _Network("Yb+", "paper", yb.frequency_hz, YB_LINEWIDTH_HZ, 100, 1.0),
        _Network("Yb+", "measured", *_measured(yb), 100, 1.0),
        _Network("Sr", "paper", *_of_paper(sr), 10_000, 1.0, 2e-18),
        _Network("Sr", "measured", *_measured(sr), 10_000, 1.0, 2e-18),
        _Network("Er", "paper", *_of_paper(er), 10_000, 100.0, 1e-20),
        _Network("Er", "paper at 429 THz", _of_paper(sr)[0], _of_paper(er)[1], 10_000, 100.0, 1e-20),
        _Network("Er", "measured", *_measured(er), 10_000, 100.0, 1e-20),
    ]


def _measured(species: Species) -> tuple[float, float]:
    return species.frequency_hz, species.linewidth_hz


def _of_paper(species: Species) -> tuple[float, float]:
    """Frequency and linewidth of the paper, in Hz, measured ones where it gives none."""
    return (
        species.paper_frequency_hz or species.frequency_hz,
        species.paper_linewidth_hz or species.linewidth_hz,
    )


def _entry(
    column: str, example: str, inputs: str = "paper", atoms: int | None = None
) -> Callable[[pd.DataFrame], float]:
    """A function of the table: the entry of one worked example."""

    def entry(table: pd.DataFrame) -> float:
        chosen = (table["example"] == example) & (table["inputs"] == inputs)
        if atoms is not None:
            chosen &= table["atoms"] == atoms
        return float(table.loc[chosen, column].item())

    return entry


def _gain(example: str) -> Callable[[pd.DataFrame], float]:
    """How much better than uncorrelated atoms GHZ states are."""

    def gain(table: pd.DataFrame) -> float:
        return _entry("uncorrelated_sigma_y", example)(table) / _entry("ghz_sigma_y", example)(table)

    return gain


def examples(table: pd.DataFrame) -> pd.DataFrame:
    """The worked examples, as they stand in the manuscript."""
    shown = table[table["inputs"] != "curve"]
    titles = {
        "example": "clock",
        "inputs": "inputs",
        "atoms": "N",
        "tau_s": "τ (s)",
        "eq3_sigma_y": "eq. (3)",
        "eq3_8_over_pi_sigma_y": "eq. (3) × 8/π",
        "eq4_sigma_y": "eq. (4)",
        "bound_sigma_y": "bound",
        "ghz_sigma_y": "GHZ",
        "uncorrelated_sigma_y": "uncorrelated",
        "quoted_sigma_y": "quoted",
    }
    return shown[list(titles)].map(_shown).rename(columns=titles)


def _shown(cell: object) -> object:
    """Three digits; a dash for what there is not."""
    if not isinstance(cell, float):
        return cell
    return "–" if math.isnan(cell) else f"{cell:.3g}"


TABLES = {"examples": examples}
NUMBERS = {
    "al_eq3": _entry("eq3_sigma_y", "Al+"),
    "al_eq4": _entry("eq4_sigma_y", "Al+"),
    "al_bound": _entry("bound_sigma_y", "Al+"),
    "al_ghz": _entry("ghz_sigma_y", "Al+"),
    "al_uncorrelated": _entry("uncorrelated_sigma_y", "Al+"),
    "al_unrooted_hz": _entry("unrooted_hz_sigma_y", "Al+"),
    "al_knee_s": _entry("knee_s", "Al+"),
    "al_eq4_as_printed": _entry("eq4_sigma_y", "Al+", "8 MHz"),
    "sr_eq3": _entry("eq3_sigma_y", "Sr"),
    "sr_eq4": _entry("eq4_sigma_y", "Sr"),
    "sr_bound": _entry("bound_sigma_y", "Sr"),
    "sr_ghz": _entry("ghz_sigma_y", "Sr"),
    "sr_uncorrelated": _entry("uncorrelated_sigma_y", "Sr"),
    "sr_unrooted_hz": _entry("unrooted_hz_sigma_y", "Sr"),
    "sr_knee_s": _entry("knee_s", "Sr"),
    "er_ghz_30_uhz": _entry("ghz_sigma_y", "Er"),
    "er_ghz_30_uhz_429_thz": _entry("ghz_sigma_y", "Er", "paper at 429 THz"),
    "er_ghz_narrow": _entry("ghz_sigma_y", "Er", "measured"),
    "er_bound_30_uhz": _entry("bound_sigma_y", "Er"),
    "yb_bound": _entry("bound_sigma_y", "Yb+"),
    "yb_eq3": _entry("eq3_sigma_y", "Yb+"),
    "yb_ghz": _entry("ghz_sigma_y", "Yb+"),
    "yb_gain": _gain("Yb+"),
    "al_gain": _gain("Al+"),
    "yb_lifetime_over_coherence": lambda table: (
        1.0 / (2.0 * math.pi * _entry("linewidth_hz", "Yb+", "measured")(table) * YB_COHERENCE_TIME_S)
    ),
    "sr_uncorrelated_over_quoted": lambda table: (
        _entry("uncorrelated_sigma_y", "Sr")(table) / _entry("quoted_sigma_y", "Sr")(table)
    ),
    "sr_linewidth_over_paper": lambda table: (
        _entry("linewidth_hz", "Sr", "measured")(table) / _entry("linewidth_hz", "Sr")(table)
    ),
}
CLAIMS = (
    Claim(
        id="species-ion-clock-today",
        where="Examples, ion clocks",
        claim="Ion clocks reach 2.8e-15 after 1 s of averaging.",
        paper_value=2.8e-15,
        compute=_entry("uncorrelated_sigma_y", "Al+", "measured", atoms=1),
        supports=(1.4e-16, 1.5e-16),
        verdict="holds",
        reason="So published, for the comparison of two clocks of one ion each (Phys. Rev. Lett. 104, 070802). "
        "Computed is the projection noise of one ion interrogated for all of the second, which no such clock "
        "may beat.",
    ),
    Claim(
        id="species-al-linewidth",
        where="Examples, ion clocks",
        claim="Al⁺ has a linewidth of 8 MHz.",
        paper_value=8e6,
        compute=_entry("linewidth_hz", "Al+", "measured", atoms=100),
        supports=(7e-3, 8.5e-3),
        verdict="misprint",
        reason="8 mHz: that is the measured lifetime, 20.6(1.4) s. With 8 MHz eq. (4) would give "
        "{al_eq4_as_printed:.2g}. The "
        "frequency, 1121 THz, is right to the digits given.",
    ),
    Claim(
        id="species-al-network",
        where="Examples, ion clocks",
        claim="A network of 100 Al⁺ ions reaches 4e-17 after 1 s.",
        paper_value=4e-17,
        compute=_entry("paper_law_sigma_y", "Al+"),
        supports=(3.1e-18, 3.3e-18),
        verdict="does not hold as a value of eqs. (3) and (4)",
        reason="1 s is past 1/(N γ_i) = {al_knee_s:.2g} s, so eq. (4) is the law to use (eq. (3) gives {al_eq3:.2g}); "
        "GHZ states reach {al_ghz:.2g}. The quoted value is even above the {al_uncorrelated:.2g} of uncorrelated ions. "
        "It equals ln N/(N ν₀ τ) = {al_unrooted_hz:.2g}, with ν₀ for ω₀ and the logarithm un-rooted: an observation "
        "about two numbers, not a source.",
    ),
    Claim(
        id="species-yb-coherence",
        where="Examples, ion clocks",
        claim="The octupole transition of Yb⁺ has a coherence time of 2.2e4 s.",
        paper_value=2.2e4,
        compute=lambda table: 1.0 / (2.0 * math.pi * _entry("linewidth_hz", "Yb+", "measured")(table)),
        supports=(9e7, 1.1e8),
        verdict="does not hold as the natural limit",
        reason="The measured lifetime is 9.96(50)e7 s (arXiv:2107.11229v2; half of it in the journal abstract), "
        "{yb_lifetime_over_coherence:.0f} "
        "times longer. The paper cites no source and we found none. No example depends on it.",
    ),
    Claim(
        id="species-yb-improvement",
        where="Examples, ion clocks",
        claim="Yb⁺, for its long coherence time, gains more than Al⁺.",
        paper_value="larger",
        compute=lambda table: _gain("Yb+")(table) / _gain("Al+")(table),
        supports=(3.4, 3.8),
        verdict="holds",
        reason="Ratio of the gains of GHZ states over uncorrelated atoms for 100 ions and 1 s: {yb_gain:.3g} "
        "(Yb⁺, all of "
        "√N) over {al_gain:.2g} (Al⁺, past its knee). GHZ states of Yb⁺ also reach {yb_ghz:.2g} against "
        "{al_ghz:.2g}. By "
        "the larger of eqs. (3) and (4) Al⁺ leads at 1 s, {al_eq4:.2g} against {yb_eq3:.2g}.",
    ),
    Claim(
        id="species-sr-linewidth",
        where="Examples, neutral atoms",
        claim="Sr has a linewidth of 1 mHz.",
        paper_value=1e-3,
        compute=_entry("linewidth_hz", "Sr", "measured"),
        supports=(0.9e-3, 1.4e-3),
        verdict="holds up to a factor {sr_linewidth_over_paper:.3g}",
        reason="Measured lifetimes disagree, 118(3) s to 167 s: 1.35 to 0.95 mHz. Eq. (4) goes with the root: at "
        "most 16 %. The frequency, 429 THz, is right to the digits given.",
    ),
    Claim(
        id="species-sr-network",
        where="Examples, neutral atoms",
        claim="A network of 10⁴ Sr atoms reaches about 2e-18 after 1 s.",
        paper_value=2e-18,
        compute=_entry("paper_law_sigma_y", "Sr"),
        supports=(2.8e-19, 3.1e-19),
        verdict="does not hold as a value of eqs. (3) and (4)",
        reason="1 s is far past 1/(N γ_i) = {sr_knee_s:.2g} s, so eq. (4) is the law to use (eq. (3) gives "
        "{sr_eq3:.2g}); "
        "GHZ states reach {sr_ghz:.2g}, so the network does better than quoted. ln N/(N ν₀ τ) = {sr_unrooted_hz:.2g}, "
        "eq. (4) with ν₀ for ω₀ and eq. (3) with ν₀ and 8/π all round to the quoted value: it can't tell which formula "
        "was used.",
    ),
    Claim(
        id="species-sr-gain",
        where="Examples, neutral atoms",
        claim="That is an order of magnitude better than the best classical cooperation.",
        paper_value=10.0,
        compute=_gain("Sr"),
        supports=(7.0, 13.0),
        verdict="holds",
        reason="Uncorrelated atoms, {sr_uncorrelated:.2g}, over GHZ states, {sr_ghz:.2g}; the bound is {sr_bound:.2g}. "
        "The quoted 2e-18 itself is only {sr_uncorrelated_over_quoted:.2g} times better than uncorrelated atoms.",
    ),
    Claim(
        id="species-er-linewidth",
        where="Examples, neutral atoms",
        claim="Erbium has a clock transition of a few tens of µHz.",
        paper_value="a few 1e-5 Hz",
        compute=_entry("linewidth_hz", "Er", "measured"),
        supports=(0.0, 5e-6),
        verdict="does not hold for the line we could identify",
        reason="The paper names neither line nor source. The line that fits, ³H₆–³F₄ of Er I (Phys. Rev. A 88, "
        "032509), is below 1e-20 of its frequency, 1.5 µHz; a single-configuration estimate gives 2.9 µHz. "
        "The level energy was not checked against the printed table.",
    ),
    Claim(
        id="species-er-network",
        where="Examples, neutral atoms",
        claim="With such a line the network gets below 1e-20 at τ ~ 100 s.",
        paper_value=1e-20,
        compute=_entry("ghz_sigma_y", "Er", "measured"),
        supports=(0.0, 1e-20),
        verdict="holds up to the choice of the line",
        reason="GHZ states, 10⁴ atoms (not printed, assumed): {er_ghz_narrow:.2g} at 151 THz and 1.5 µHz. With 30 µHz "
        "they reach {er_ghz_30_uhz_429_thz:.2g} at 429 THz, but {er_ghz_30_uhz:.2g} at 151 THz, where the bound itself "
        "is {er_bound_30_uhz:.2g}.",
    ),
)

# Colour, name and height of the label on the right.
_DRAWN = {
    "Sr": ("blue", "Sr", 1.7e-18),
    "Al+": ("black", "Al$^+$", 0.75e-18),
    "Er": ("vermilion", "Er", 1.05e-19),
    "Yb+": ("green", "Yb$^+$", 2.6e-21),
}
# Width, dashes and name of what each species has a line of.
_LINES = {
    "uncorrelated_sigma_y": (0.8, (0, (5, 2)), "uncorrelated atoms"),
    "ghz_sigma_y": (0.9, (0, (1, 1)), "GHZ states"),
    "bound_sigma_y": (1.3, "-", "bound"),
}


def figure(table: pd.DataFrame) -> Figure:
    """What N atoms of each species reach, against averaging time; a horizontal line falls as its square root."""
    figure = Figure(figsize=(COLUMN_IN, 2.9))
    axes = figure.subplots()
    for name, (colour, label, height) in _DRAWN.items():
        curve = table[(table["inputs"] == "curve") & (table["example"] == name)]
        for column, (width, dashes, _) in _LINES.items():
            stability = curve[column] * np.sqrt(curve["tau_s"])
            axes.plot(curve["tau_s"], stability, color=COLOURS[colour], lw=width, ls=dashes)
        axes.text(1.4e4, height, label, color=COLOURS[colour], va="center")
    for width, dashes, label in _LINES.values():
        axes.plot([], [], color="0.3", lw=width, ls=dashes, label=label)
    axes.legend(loc="lower left")
    axes.set(xscale="log", yscale="log", xlim=(1e-3, 1e4), xlabel=r"averaging time $\tau$ (s)")
    axes.set_ylabel(r"$\sigma_y\sqrt{\tau}$ (s$^{1/2}$)")
    axes.text(0.97, 0.96, "$N = 1000$", transform=axes.transAxes, ha="right", va="top")
    return figure
