r"""How long should a GHZ state of n atoms be interrogated, under each kind of decoherence?

A GHZ state gathers :math:`F_\delta/T = 4n^2p(1-p)\,T e^{-n\Lambda T}/w` with
:math:`\Lambda = \gamma_i + \kappa + \Gamma + 2r` and w the weight of g...g and e...e among the atoms that are still
there. Its best T follows twice: from a numerical maximisation of the Fisher information of the package
(`optimal_time`), and from the root of

.. math:: \frac{d\ln(F/T)}{d\ln T} = 1 - n\Lambda T - T\,\frac{w'}{w} = 0 .

With R the sum of the rates and :math:`x = nRT`, in the limit of many atoms,

- dephasing, seen loss: :math:`F/T \propto x e^{-x}`, so :math:`x = 1` for every n, and F/T = n/(eR) is that of as many
  uncorrelated atoms (Huelga et al., PRL 79, 3865 (1997));
- emission: :math:`2x/(e^x + 1)`, so :math:`(x-1)e^x = 1`, x = 1 + W(1/e) = 1.278 and F/T = 2W(1/e) n/R, 1.514 times
  as much; a GHZ state with excited weight p has :math:`4x\,p(1-p)/[(1-p)e^x + p]`, best at p = 0.677, 1.679 times as
  much (2.25 dB, Kielinski et al., arXiv:2406.11639);
- depolarising: :math:`x e^{-3x/2}`, so x = 2/3, while one atom has x = 1/2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from qcn_open import (
    CoherentSpin,
    Dephasing,
    Depolarizing,
    Ghz,
    Logical,
    Noise,
    Probe,
    SpontaneousEmission,
    TrapLoss,
    optimal_time,
)
from qcn_open.figures import COLOURS, COLUMN_IN
from qcn_open.ledger import Claim

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Config:
    """R in 1/s, shared equally where several kinds of decoherence act; the weight is that of unbalanced states."""

    rate: float = 1.0
    excited_weight: float = 0.677
    atoms: tuple[int, ...] = (
        *(1, 2, 3, 4, 5, 6, 8, 10, 14, 20, 30, 50, 70),
        *(100, 200, 500, 1000, 3000, 10**4, 10**5, 10**6),
    )
    uncorrelated_atoms: tuple[int, ...] = (1, 1000, 10**6)


SMOKE = Config(atoms=(1, 10, 10**6))
FULL = Config(atoms=tuple(sorted({round(n) for n in np.geomspace(1, 10**6, 241).tolist()} | set(Config().atoms))))
KEY = ("probe", "noise", "atoms")
BACKENDS = (Logical(),)
# A maximum is flat: its position is known to half the digits of its value.
TOLERANCE = {"time_s": 1e-6, "reduced_time": 1e-6, "time_relative_error": 1e-6, "rate_relative_error": 1e-9}

KINDS: Mapping[str, Callable[[float], Noise]] = {
    "dephasing": Dephasing,
    "loss": TrapLoss,
    "emission": SpontaneousEmission,
    "depolarising": Depolarizing,
}
MIXTURES = {kind: (kind,) for kind in KINDS} | {"all three": ("dephasing", "loss", "emission")}


@dataclass(frozen=True)
class Block:
    """A GHZ state of n atoms under several kinds of decoherence, in closed form; rates in 1/s."""

    atoms: int
    excited_weight: float
    dephasing: float = 0.0
    emission: float = 0.0
    loss: float = 0.0
    depolarising: float = 0.0

    def _weight(self, time: float) -> tuple[float, float]:
        """Weight w of g...g and e...e without loss, and its derivative (1/s)."""
        up, down = 0.5 * self.depolarising, self.emission + 0.5 * self.depolarising
        total = up + down
        moved, speed = (-math.expm1(-total * time) / total, math.exp(-total * time)) if total else (time, 1.0)
        n, p = self.atoms, self.excited_weight
        stay_g, stay_e = math.log1p(-up * moved), math.log1p(-down * moved)
        weight = (1.0 - p) * (math.exp(n * stay_g) + (up * moved) ** n)
        weight += p * (math.exp(n * stay_e) + (down * moved) ** n)
        slope = (1.0 - p) * up * ((up * moved) ** (n - 1) - math.exp((n - 1) * stay_g))
        slope += p * down * ((down * moved) ** (n - 1) - math.exp((n - 1) * stay_e))
        return weight, n * speed * slope

    def _decay(self) -> float:
        """Decay rate (1/s) of the Fisher information, apart from w: n times the rate of one atom."""
        return self.atoms * (self.dephasing + self.emission + self.loss + 2.0 * self.depolarising)

    def information_rate(self, time: float) -> float:
        """F/T in s."""
        p, (weight, _) = self.excited_weight, self._weight(time)
        return 4.0 * self.atoms**2 * p * (1.0 - p) * time * math.exp(-self._decay() * time) / weight

    def best_time(self) -> float:
        """Interrogation time (s) at which F/T is stationary."""
        from scipy.optimize import brentq

        def slope(time: float) -> float:
            weight, derivative = self._weight(time)
            return 1.0 - time * (self._decay() + derivative / weight)

        scale = 1.0 / self._decay()
        return float(brentq(slope, 1e-3 * scale, 20.0 * scale, xtol=1e-16 * scale, rtol=1e-14))


def rows(config: Config) -> pd.DataFrame:
    table = []
    for name, kinds in MIXTURES.items():
        rates = {kind: config.rate / len(kinds) for kind in kinds}
        table += [
            _row("uncorrelated", name, rates, CoherentSpin(atoms), Block(1, 0.5, **rates))
            for atoms in config.uncorrelated_atoms
        ]
        for atoms in config.atoms:
            table.append(_row("GHZ", name, rates, Ghz(atoms), Block(atoms, 0.5, **rates)))
            if name == "emission":
                weight = config.excited_weight
                table.append(_row("unbalanced GHZ", name, rates, Ghz(atoms, weight), Block(atoms, weight, **rates)))
    return pd.DataFrame(table)


def _row(probe: str, name: str, rates: Mapping[str, float], state: Probe, block: Block) -> dict[str, object]:
    best = optimal_time(state, [KINDS[kind](rate) for kind, rate in rates.items()], backend=BACKENDS[0])
    closed_time = block.best_time()
    closed_rate = block.information_rate(closed_time) * (state.atoms // block.atoms)
    total = sum(rates.values())
    return {
        "probe": probe,
        "noise": name,
        "atoms": state.atoms,
        "excited_weight": block.excited_weight,
        "time_s": best.time,
        "time_closed_s": closed_time,
        "time_relative_error": best.time / closed_time - 1.0,
        "rate_s": best.rate,
        "rate_closed_s": closed_rate,
        "rate_relative_error": best.rate / closed_rate - 1.0,
        "reduced_time": block.atoms * total * best.time,
        "relative_rate": best.rate * math.e * total / state.atoms,
    }


def figure(table: pd.DataFrame) -> Figure:
    import matplotlib.pyplot as plt

    drawn = plt.figure(figsize=(COLUMN_IN, 1.25 * COLUMN_IN))
    above, below = drawn.subplots(2, 1, sharex=True)
    ghz = table[table["probe"] != "uncorrelated"]
    styles = {
        ("GHZ", "emission"): ("emission", "vermilion", "s"),
        ("unbalanced GHZ", "emission"): (f"emission, $p = {ghz['excited_weight'].max():.3g}$", "orange", "v"),
        ("GHZ", "all three"): ("all three", "purple", "D"),
        ("GHZ", "dephasing"): ("dephasing", "blue", "o"),
        ("GHZ", "loss"): ("loss (seen)", "sky", "x"),
        ("GHZ", "depolarising"): ("depolarising", "green", "^"),
    }
    for (probe, noise), (label, colour, marker) in styles.items():
        part = ghz[(ghz["probe"] == probe) & (ghz["noise"] == noise)]
        colour = COLOURS[colour]
        for axis, numerical, factor in (
            (above, part["reduced_time"], part["time_closed_s"] / part["time_s"]),
            (below, part["relative_rate"], part["rate_closed_s"] / part["rate_s"]),
        ):
            axis.plot(part["atoms"], numerical * factor, "--" if noise == "loss" else "-", color=colour)
            axis.plot(part["atoms"], numerical, marker, color=colour, fillstyle="none", label=label)
    above.set(xscale="log", ylabel=r"Best Ramsey time, $nRT$", ylim=(0.45, 1.85))
    above.legend(loc="upper center", ncols=3, columnspacing=1.0, handletextpad=0.2)
    below.set(xlabel="Atoms in the GHZ state, $n$", ylabel=r"Information rate, $(F/T)\,/\,(n/eR)$", ylim=(0.35, 1.8))
    below.axhline(1.0, color="0.6", linewidth=0.8, linestyle="--", zorder=0)
    below.annotate(
        "uncorrelated atoms (depolarising: 1/2)",
        (1e6, 1.0),
        xytext=(0, 3),
        textcoords="offset points",
        ha="right",
        fontsize=7,
    )
    return drawn


def _select(table: pd.DataFrame, probe: str, noise: str) -> pd.DataFrame:
    return table[(table["probe"] == probe) & (table["noise"] == noise)].set_index("atoms")


def _farthest_from_one(column: pd.Series) -> float:
    return float(column.iloc[int(np.argmax((column - 1.0).abs()))])


def _last(table: pd.DataFrame, probe: str, noise: str, column: str) -> float:
    """The value for the largest number of atoms."""
    values = _select(table, probe, noise)[column]
    return float(values[values.index.max()])


def _largest(column: pd.Series) -> float:
    return float(column.abs().max())


def _ghz_values(table: pd.DataFrame, column: str, numbers: tuple[int, ...]) -> pd.DataFrame:
    """A column of the balanced GHZ states, noises down and atom numbers across, with the formula of the limit."""
    limits = {
        "reduced_time": ("1", "1", "1 + W(1/e)", "2/3", "—"),
        "relative_rate": ("1", "1", "2e W(1/e)", "2/3", "—"),
    }
    entries = []
    for noise, limit in zip(MIXTURES, limits[column], strict=True):
        values = _select(table, "GHZ", noise)[column]
        entries.append({"noise": noise} | {f"n = {n}": values[n] for n in numbers} | {"n → ∞": limit})
    return pd.DataFrame(entries)


CLAIMS = (
    Claim(
        id="ramsey-time",
        where="Stability analysis, before eq. (4)",
        claim="Decoherence at the atomic linewidth γ_i limits the Ramsey time of N entangled atoms to 1/(γ_i N).",
        paper_value=1.0,
        compute=lambda table: _farthest_from_one(
            pd.concat([_select(table, "GHZ", noise)["reduced_time"] for noise in ("dephasing", "loss")])
        ),
        supports=(1.0 - 1e-6, 1.0 + 1e-6),
        verdict="holds",
        reason="Time that maximises F/T of one GHZ state of n = 1 … 10⁶ atoms, found numerically, times nγ_i for "
        "dephasing and nΓ for seen loss; the value farthest from 1. If the linewidth is spontaneous emission the time "
        "is {emission_time:.4g} times as long for many atoms, 1 + W(1/e): emission heals part of its own damage, "
        "because a decayed atom leaves the strings that carry the phase.",
    ),
    Claim(
        id="no-gain-at-best-time",
        where="eq. (4), text",
        claim="With decoherence the stability returns to the square root of the particle number: one GHZ state "
        "gathers at its best time what uncorrelated atoms do.",
        paper_value="up to constant factors",
        compute=lambda table: _farthest_from_one(_select(table, "GHZ", "emission")["relative_rate"]),
        supports=(1.51, 1.52),
        verdict="holds up to a constant",
        reason="F/T over that of uncorrelated atoms: exactly 1 under dephasing and under loss, at most this much "
        "under emission, for every n up to 10⁶.",
    ),
)
TABLES = {
    "times": lambda table: _ghz_values(table, "reduced_time", (1, 10, 10**6)),
    "rates": lambda table: _ghz_values(table, "relative_rate", (1, 10, 10**6)),
}
NUMBERS = {
    "largest_time_error": lambda table: _largest(table["time_relative_error"]),
    "largest_rate_error": lambda table: _largest(table["rate_relative_error"]),
    "largest_atoms": lambda table: float(table["atoms"].max()),
    "emission_time": lambda table: _last(table, "GHZ", "emission", "reduced_time"),
    "emission_gain": lambda table: _last(table, "GHZ", "emission", "relative_rate"),
    "emission_gain_unbalanced": lambda table: _last(table, "unbalanced GHZ", "emission", "relative_rate"),
    "emission_gain_unbalanced_db": lambda table: (
        10.0 * math.log10(_last(table, "unbalanced GHZ", "emission", "relative_rate"))
    ),
    "emission_excited_weight": lambda table: float(table["excited_weight"].max()),
    "all_three_time": lambda table: _last(table, "GHZ", "all three", "reduced_time"),
    "all_three_gain": lambda table: _last(table, "GHZ", "all three", "relative_rate"),
}
