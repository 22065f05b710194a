r"""What does a pair of entangled ions gain in a comparison of two clocks? The experiment of Nichol et al. (2022).

Two :math:`^{88}\mathrm{Sr}^+` ions 2 m apart, in :math:`(|ge\rangle + e^{i\chi}|eg\rangle)/\sqrt2`, acquire the
difference :math:`\phi = \phi_1 - \phi_2` of their phases; the phase of the laser that they share drops out. With the
second ion's levels renamed the state is a GHZ state of two atoms with the phase :math:`\varphi = \phi/2` each, so that
:math:`F_\phi = F_\varphi/4`. The phase of the laser, of variance v, then turns the two atoms against each other; as it
commutes with the precession, it is a part of the probe state.

- A pair of contrast C has :math:`\Delta\phi = 1/C` in one shot. A fidelity F leaves :math:`2F - 1 \le C \le F`: the
  coherence is at most the population P of the two levels, :math:`F = (P + C)/2`, and :math:`P \le 1`. White errors
  have :math:`C = (4F - 1)/3`.
- Two ions that are prepared and read on their own have :math:`\Delta\phi = \sqrt2` if the laser is quiet. If its phase
  is random, only the product of their readings tells something, with half the contrast: :math:`\Delta\phi = 2`
  (correlation spectroscopy).
- Their state holds more: with the weight 1/2 it is in the levels ge and eg, whose coherence the laser does not touch:
  a joint measurement has :math:`\Delta\phi = \sqrt2` whatever the laser does.

A pair has to be made first. If that takes the time t, a probe time T leaves :math:`T/(T + t)` of the shots.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qcn_open import CollectiveSpin, CustomState, Parity, Ramsey, cfi, qfi
from qcn_open.figures import COLOURS, COLUMN_IN
from qcn_open.ledger import Claim
from qcn_open.study import read_published

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PUBLISHED = read_published(__file__)["value"]
ERRORS = ("phase flips", "white", "level flips")


@dataclass(frozen=True)
class Config:
    """Variances of the laser's phase in rad^2, fidelities, and probe times in units of the time that a pair takes."""

    variances: tuple[float, ...] = (*(0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 100.0),)
    fidelities: tuple[float, ...] = (0.75, 0.8, 0.85, 0.9, 0.92, 0.94, float(PUBLISHED["pair_fidelity"]), 0.98, 1.0)
    probe_times: tuple[float, ...] = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0)


SMOKE = Config(variances=(0.0, 1.0, 100.0), fidelities=(float(PUBLISHED["pair_fidelity"]),), probe_times=(1.0,))
FULL = Config(variances=tuple(np.geomspace(1e-3, 100.0, 51)) + Config().variances)
KEY = ("part", "scheme", "at")
BACKENDS = ()
TOLERANCE = {"uncertainty_rad": 1e-7, "gain_over_independent": 1e-7, "gain_over_correlation": 1e-7}


def pair(fidelity: float, error: str) -> CustomState:
    """A pair of this fidelity whose errors are phase flips, flips of one ion's level, or white."""
    import qutip

    gg, ge, eg, ee = (qutip.tensor(qutip.basis(2, a), qutip.basis(2, b)) for a in (0, 1) for b in (0, 1))
    wanted, flipped = ((gg + sign * 1j * ee).unit().proj() for sign in (1, -1))
    others = 0.5 * (ge.proj() + eg.proj())
    wrong = {"phase flips": flipped, "level flips": others, "white": (flipped + 2.0 * others) / 3.0}[error]
    return CustomState(fidelity * wanted + (1.0 - fidelity) * wrong)


def ions(variance: float) -> CustomState:
    """Two ions on their own, after a laser phase of this variance (rad^2) has turned them against each other."""
    import qutip

    one = (qutip.basis(2, 0) + 1j * qutip.basis(2, 1)).unit()
    difference = np.array([0.0, -1.0, 1.0, 0.0])
    orders = difference[:, None] - difference[None, :]
    state = qutip.tensor(one, one).proj()
    return CustomState(qutip.Qobj(state.full() * np.exp(-0.5 * variance * orders**2), dims=state.dims))


def rows(config: Config) -> pd.DataFrame:
    table = []
    for variance in config.variances:
        model = Ramsey(ions(variance), time=1.0)
        table.append(_row("laser", "two ions", variance, cfi(model, CollectiveSpin())))
        table.append(_row("laser", "two ions, joint measurement", variance, qfi(model)))
    for error in ERRORS:
        for fidelity in config.fidelities:
            table.append(_row("pair", error, fidelity, cfi(Ramsey(pair(fidelity, error), time=1.0), Parity())))
        best = cfi(Ramsey(pair(float(PUBLISHED["pair_fidelity"]), error), time=1.0), Parity())
        for time in config.probe_times:
            table.append(_row("probe time", error, time, best * time / (1.0 + time)))
    return pd.DataFrame(table)


def _row(part: str, scheme: str, at: float, information: float) -> dict[str, object]:
    """Uncertainty of the difference of phases from the information about the phase of each atom."""
    uncertainty = 2.0 / math.sqrt(information)
    return {
        "part": part,
        "scheme": scheme,
        "at": at,
        "uncertainty_rad": uncertainty,
        "gain_over_independent": math.sqrt(2.0) / uncertainty,
        "gain_over_correlation": 2.0 / uncertainty,
    }


# --- What the table says ---------------------------------------------------------------------------------------------


def _value(part: str, scheme: str, at: float, column: str) -> Callable[[pd.DataFrame], float]:
    def entry(table: pd.DataFrame) -> float:
        chosen = table[(table["part"] == part) & (table["scheme"] == scheme) & (table["at"] == at)]
        return float(chosen[column].iloc[0])

    return entry


def _paired(error: str, column: str) -> Callable[[pd.DataFrame], float]:
    return _value("pair", error, float(PUBLISHED["pair_fidelity"]), column)


def _break_even(column: str) -> Callable[[pd.DataFrame], float]:
    """Probe time, in units of the time that a pair takes, from which on pairs with white errors gain."""
    return lambda table: 1.0 / (_paired("white", column)(table) ** 2 - 1.0)


def _random(scheme: str) -> Callable[[pd.DataFrame], float]:
    return lambda table: _value(
        "laser", scheme, float(table.loc[table["part"] == "laser", "at"].max()), "uncertainty_rad"
    )(table)


NUMBERS: dict[str, Callable[[pd.DataFrame], float]] = {
    "fidelity": lambda table: float(PUBLISHED["pair_fidelity"]),
    "contrast": lambda table: 1.0 / _paired("white", "uncertainty_rad")(table),
    "gain_low": _paired("phase flips", "gain_over_independent"),
    "gain": _paired("white", "gain_over_independent"),
    "gain_high": _paired("level flips", "gain_over_independent"),
    "correlation_low": _paired("phase flips", "gain_over_correlation"),
    "correlation": _paired("white", "gain_over_correlation"),
    "correlation_high": _paired("level flips", "gain_over_correlation"),
    "measurements": lambda table: _paired("white", "gain_over_correlation")(table) ** 2,
    "local_uncertainty": _random("two ions"),
    "joint_uncertainty": _random("two ions, joint measurement"),
    "break_even": _break_even("gain_over_independent"),
    "break_even_correlation": _break_even("gain_over_correlation"),
}
CLAIMS = (
    Claim(
        id="nichol-independent",
        where="Nichol et al., Nature 609, 689 (2022), abstract",
        claim="Two entangled ions compare their frequencies with an uncertainty nearly √2 times smaller than two "
        "independent ones.",
        paper_value=float(PUBLISHED["gain_over_independent"]),
        compute=NUMBERS["gain"],
        supports=(1.30, 1.36),
        verdict="holds",
        reason="From the fidelity {fidelity:.3f} of such pairs alone, against two perfect ions and a quiet laser: "
        "{gain_low:.3f} if all errors are phase flips, {gain:.3f} if they are white, {gain_high:.3f} if they change a "
        "level. Nothing is fitted; the fidelity is taken from a later work.",
    ),
    Claim(
        id="nichol-correlation",
        where="Nichol et al., Nature 609, 689 (2022), abstract",
        claim="If the laser's phase is lost, entanglement halves the uncertainty against correlation spectroscopy.",
        paper_value=float(PUBLISHED["gain_over_correlation_spectroscopy"]),
        compute=NUMBERS["correlation"],
        supports=(1.83, 1.93),
        verdict="holds up to the infidelity of the pair",
        reason="Two for a perfect pair; {correlation_low:.2f} to {correlation_high:.2f} at the fidelity "
        "{fidelity:.3f} against perfect ions, {measurements:.2f} times fewer measurements (preprint: 4). A joint "
        "measurement of the two independent ions would leave a factor √2 only, but takes an entangling gate.",
    ),
)


def figure(table: pd.DataFrame) -> Figure:
    """Uncertainty against the laser's phase noise, and the gain against the probe time."""
    import matplotlib.pyplot as plt

    drawn = plt.figure(figsize=(COLUMN_IN, 1.2 * COLUMN_IN))
    above, below = drawn.subplots(2, 1)
    laser = table[(table["part"] == "laser") & (table["at"] > 0.0)]
    for scheme, colour in (("two ions", "blue"), ("two ions, joint measurement", "sky")):
        part = laser[laser["scheme"] == scheme]
        above.plot(part["at"], part["uncertainty_rad"], "o-", color=COLOURS[colour], fillstyle="none")
    low, middle, high = (_paired(error, "uncertainty_rad")(table) for error in ("level flips", "white", "phase flips"))
    above.axhspan(low, high, color=COLOURS["vermilion"], alpha=0.25, lw=0.0)
    above.axhline(middle, color=COLOURS["vermilion"])
    above.axhline(1.0, color=COLOURS["black"], ls="--", lw=0.7)
    above.set(
        xscale="log",
        xlim=(0.01, 10.0),
        ylim=(0.9, 2.15),
        xlabel=r"Variance of the laser's phase, $v$ (rad$^2$)",
        ylabel=r"$\Delta\phi$ of one shot (rad)",
    )
    above.text(0.012, 1.49, "two ions, each read on its own", color=COLOURS["blue"], fontsize=7)
    above.text(9.0, 1.33, "two ions, joint measurement", color=COLOURS["sky"], fontsize=7, ha="right")
    above.text(0.012, 1.115, "entangled pair, fidelity 0.96", color=COLOURS["vermilion"], fontsize=7)
    above.text(9.0, 0.935, "perfect pair", fontsize=7, ha="right")
    times = table[table["part"] == "probe time"]
    for column, colour, label, limit in (
        ("gain_over_correlation", "vermilion", "over correlation spectroscopy", 2.0),
        ("gain_over_independent", "blue", "over independent ions, quiet laser", math.sqrt(2.0)),
    ):
        curves: dict[str, NDArray[np.float64]] = {
            error: times.loc[times["scheme"] == error, column].to_numpy() for error in ERRORS
        }
        at = times.loc[times["scheme"] == "white", "at"]
        below.fill_between(at, curves["phase flips"], curves["level flips"], color=COLOURS[colour], alpha=0.25, lw=0.0)
        below.plot(at, curves["white"], color=COLOURS[colour], label=label)
        below.axhline(limit, color=COLOURS[colour], ls="--", lw=0.7)
    below.axhline(1.0, color="0.6", lw=0.7)
    below.set(
        xscale="log",
        ylim=(0.3, 2.15),
        xlabel="Probe time / time to make a pair",
        ylabel="Gain in the same total time",
    )
    below.legend(loc="lower right")
    return drawn
