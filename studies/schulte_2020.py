r"""Up to how many atoms does squeezing help an optical clock with dead time? The question of Schulte et al. (2020).

A laser with flicker noise is locked to N atoms that are interrogated for T in every cycle of :math:`T_c = T + D`. Three
things limit its stability,

.. math:: \omega_0^2\sigma_y^2(\tau) = \frac1\tau\Bigl[\frac{T_c}{T^2}\,m + \tau\,\sigma_D^2\Bigr], \qquad
          \frac1m = \frac1{\mathrm{MSE}} - \frac1v :

- the measurement, of effective variance m: its linear estimate of a phase of variance v from the spin
  :math:`J_y\cos\Phi + J_x\sin\Phi` leaves

  .. math:: \mathrm{MSE} = v - \frac{v^2e^{-v}\langle J_x\rangle^2}
            {\tfrac12(1+e^{-2v})\langle J_y^2\rangle + \tfrac12(1-e^{-2v})\langle J_x^2\rangle} ;

- the coherence of the laser: v is the variance of the phase around what the servo, an integrator of gain g, predicts,
  that of the laser and :math:`g/(2-g)` of the measurement's, and may be so large that the loop slips to another fringe
  once in so many cycles;
- dead time: the Dick effect :math:`\sigma_D`.

One-axis twisted spins have a smaller :math:`\langle J_y^2\rangle`; T and the twist are the best ones. Where the Dick
effect prevails nothing is gained. Flicker noise knows no time but the dead time, and with :math:`\gamma D` fixed,
:math:`\gamma \propto` the flicker floor, the gain is the same function of N: a laser ten times better does what a dead
time ten times shorter does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qcn_open import Oscillator
from qcn_open.figures import COLOURS, COLUMN_IN
from qcn_open.ledger import Claim
from qcn_open.species import known_species
from qcn_open.study import read_published

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PUBLISHED = read_published(__file__)["value"]
FREQUENCY_HZ = known_species()["Sr"].frequency_hz
FLOORS = {
    "now": float(PUBLISHED["laser_flicker_floor"]),
    "ten times better": float(PUBLISHED["laser_flicker_floor"] / PUBLISHED["laser_improvement"]),
}
GAIN = 0.5
# Phases beyond pi, once in a million cycles: erfc(pi / sqrt(2v)) = 1e-6.
LARGEST_VARIANCE = 0.4124
# Ramsey times reach from this much of the inverse linewidth to where the phase is lost.
TIMES = np.geomspace(0.003, 3.0, 161)
TWISTS = np.geomspace(0.02, 1.3, 49)


@dataclass(frozen=True)
class Config:
    """Dead times in s and numbers of atoms."""

    dead_times: tuple[float, ...] = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
    atoms: tuple[int, ...] = tuple(
        sorted({10, 50, 200, 1000, 10**4, *np.geomspace(4, 10**7, 60).round().astype(int).tolist()})
    )
    lasers: tuple[str, ...] = tuple(FLOORS)


SMOKE = Config(dead_times=(0.5,), atoms=(10, 1000), lasers=("now",))
FULL = Config(atoms=tuple(sorted({*Config().atoms, *np.geomspace(4, 10**7, 240).round().astype(int).tolist()})))
KEY = ("laser", "dead_time_s", "atoms")
BACKENDS = ()


def rows(config: Config) -> pd.DataFrame:
    table = []
    for name in config.lasers:
        laser = Oscillator.from_flicker_floor(FLOORS[name], FREQUENCY_HZ)
        times = TIMES / math.sqrt(laser.flicker)
        for dead_time in config.dead_times:
            phase = np.array([laser.phase_variance(time, dead_time, gain=GAIN) for time in times])
            dick = np.array([laser.dick_deviation(1.0, time, dead_time) ** 2 for time in times])
            for atoms in config.atoms:
                twists = np.concatenate([[0.0], TWISTS * 24.0 ** (1.0 / 6.0) * (0.5 * atoms) ** (-2.0 / 3.0)])
                variance = _variance(atoms, twists[:, None], times, dead_time, phase, dick)
                coherent = int(variance[0].argmin())
                twist, squeezed = np.unravel_index(int(variance.argmin()), variance.shape)
                unit = 2.0 * math.pi * FREQUENCY_HZ
                table.append(
                    {
                        "laser": name,
                        "dead_time_s": dead_time,
                        "atoms": atoms,
                        "sigma_y_coherent": math.sqrt(variance[0, coherent]) / unit,
                        "sigma_y_squeezed": math.sqrt(variance[twist, squeezed]) / unit,
                        "gain_db": 10.0 * math.log10(variance[0, coherent] / variance[twist, squeezed]),
                        "time_coherent_s": times[coherent],
                        "time_squeezed_s": times[squeezed],
                        "twist_rad": twists[twist],
                        "dick_share": dick[coherent] / variance[0, coherent],
                    }
                )
    return pd.DataFrame(table)


def _variance(
    atoms: int,
    twist: NDArray[np.float64],
    time: NDArray[np.float64],
    dead_time: float,
    phase: NDArray[np.float64],
    dick: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Squared deviation of the frequency after 1 s, (rad/s)^2; infinite where the loop slips."""
    power = np.cos(twist) ** (atoms - 2)
    tilt = np.hypot(1.0 - power, 4.0 * np.sin(0.5 * twist) * np.cos(0.5 * twist) ** (atoms - 2))
    length = 0.5 * atoms * np.cos(0.5 * twist) ** (atoms - 1)
    along = 0.25 * atoms + 0.125 * atoms * (atoms - 1) * (1.0 + power)
    across = 0.25 * atoms * (1.0 + 0.25 * (atoms - 1) * (1.0 - power - tilt))
    v = phase + GAIN / (2.0 - GAIN) * across / length**2
    spread = np.exp(-2.0 * v)
    error = v - (v * length) ** 2 * np.exp(-v) / (0.5 * (1.0 + spread) * across + 0.5 * (1.0 - spread) * along)
    measured = 1.0 / (1.0 / error - 1.0 / v)
    return np.where(v <= LARGEST_VARIANCE, measured * (time + dead_time) / time**2 + dick, np.inf)


# --- What the table says ---------------------------------------------------------------------------------------------


def _gains(table: pd.DataFrame, laser: str, dead_time: float) -> pd.Series:
    chosen = table[(table["laser"] == laser) & (table["dead_time_s"] == dead_time)]
    return chosen.set_index("atoms")["gain_db"]


def _critical(table: pd.DataFrame, laser: str, dead_time: float, gain_db: float = 1.0) -> float:
    """Number of atoms above the most useful one at which squeezing still gains so much."""
    gains = _gains(table, laser, dead_time)
    falling = gains.loc[gains.idxmax() :]
    return math.exp(float(np.interp(-gain_db, -falling.to_numpy(), np.log(falling.index.to_numpy(dtype=float)))))


def _two_digits(number: float) -> float:
    """A number of atoms as well as it is known."""
    return float(f"{number:.2g}")


def _critical_number(laser: str, dead_time: float, gain_db: float = 1.0) -> Callable[[pd.DataFrame], float]:
    return lambda table: _two_digits(_critical(table, laser, dead_time, gain_db))


def _exponent(table: pd.DataFrame) -> float:
    """Exponent of the critical number of atoms in the dead time, about half a second."""
    return math.log(_critical(table, "now", 1.0) / _critical(table, "now", 0.2)) / math.log(5.0)


def _dead_time_for_published(table: pd.DataFrame, gain_db: float = 1.0) -> float:
    """Dead time (s) at which the critical number is the published one for lasers of now."""
    dead_times = np.sort(table["dead_time_s"].unique())
    numbers = [math.log(_critical(table, "now", float(dead_time), gain_db)) for dead_time in dead_times]
    wanted = -math.log(float(PUBLISHED["critical_atoms_now"]))
    return math.exp(float(np.interp(wanted, -np.array(numbers), np.log(dead_times))))


def _future_from_published(gain_db: float = 1.0) -> Callable[[pd.DataFrame], float]:
    """Critical number with the better laser if it is the published one with lasers of now, whatever the dead time."""

    def value(table: pd.DataFrame) -> float:
        dead_times = np.sort(table["dead_time_s"].unique())
        numbers = [math.log(_critical(table, "ten times better", float(time), gain_db)) for time in dead_times]
        at = math.log(_dead_time_for_published(table, gain_db))
        return _two_digits(math.exp(float(np.interp(at, np.log(dead_times), numbers))))

    return value


def _entry(laser: str, dead_time: float, atoms: int) -> Callable[[pd.DataFrame], float]:
    return lambda table: float(_gains(table, laser, dead_time)[atoms])


NUMBERS: dict[str, Callable[[pd.DataFrame], float]] = {
    "critical_now": _critical_number("now", 0.5),
    "critical_now_half_db": _critical_number("now", 0.5, 0.5),
    "critical_now_two_db": _critical_number("now", 0.5, 2.0),
    "critical_now_fast": _critical_number("now", 0.1),
    "critical_now_slow": _critical_number("now", 1.0),
    "critical_future": _future_from_published(),
    "critical_future_half_db": _future_from_published(0.5),
    "critical_future_two_db": _future_from_published(2.0),
    "dead_time_for_published": _dead_time_for_published,
    "exponent": _exponent,
    "gain_10": _entry("now", 0.5, 10),
    "gain_10000": _entry("now", 0.5, 10**4),
}
CLAIMS = (
    Claim(
        id="schulte-critical-now",
        where="Schulte et al., Nature Communications 11, 5955 (2020), abstract",
        claim="With the most stable lasers of 2020 squeezing improves a strontium lattice clock with dead time only "
        "below about one thousand atoms.",
        paper_value=float(PUBLISHED["critical_atoms_now"]),
        compute=NUMBERS["critical_now"],
        supports=(500.0, 2000.0),
        verdict="holds for a dead time of about half a second",
        reason="Number of atoms above which the best one-axis twisted spins gain less than 1 dB (0.5 dB: "
        "{critical_now_half_db:.0f}, 2 dB: {critical_now_two_db:.0f}), for a flicker floor of 4e-17 and 0.5 s of dead "
        "time. It falls from {critical_now_fast:.0f} at 0.1 s to {critical_now_slow:.0f} at 1 s. Floor, dead time and "
        "the 1 dB are ours, those of the publication not being at hand, and of usual dead times this is the "
        "one that fits: consistency, no test of the number.",
    ),
    Claim(
        id="schulte-critical-future",
        where="Schulte et al., Nature Communications 11, 5955 (2020), abstract",
        claim="With a laser ten times better the critical number of atoms stays below 100 000.",
        paper_value=float(PUBLISHED["critical_atoms_future_below"]),
        compute=NUMBERS["critical_future"],
        supports=(1e4, 1e5),
        verdict="holds",
        reason="From the published thousand, at the dead time at which it comes out, so that neither floor nor dead "
        "time is chosen; {critical_future_half_db:.0f} if what counts as a gain is 0.5 dB, "
        "{critical_future_two_db:.0f} if 2 dB.",
    ),
    Claim(
        id="schulte-ions",
        where="Schulte et al., Nature Communications 11, 5955 (2020), abstract",
        claim="Clocks of few ions already gain from squeezing with lasers of 2020.",
        paper_value="possible",
        compute=NUMBERS["gain_10"],
        supports=(1.0, 4.0),
        verdict="holds",
        reason="Gain in dB in the variance for 10 atoms, at the frequency of strontium and 0.5 s of dead time.",
    ),
)


def figure(table: pd.DataFrame) -> Figure:
    """Gain against the number of atoms, and critical numbers against the dead time."""
    import matplotlib.pyplot as plt

    drawn = plt.figure(figsize=(COLUMN_IN, 1.2 * COLUMN_IN))
    above, below = drawn.subplots(2, 1)
    for dead_time, colour in ((0.1, "sky"), (0.5, "blue"), (1.0, "purple")):
        gains = _gains(table, "now", dead_time)
        above.plot(gains.index, gains, color=COLOURS[colour], label=f"{dead_time:g} s")
    future = _gains(table, "ten times better", 0.5)
    above.plot(future.index, future, "--", color=COLOURS["vermilion"], label="0.5 s, better laser")
    above.axhline(1.0, color="0.6", lw=0.7)
    above.set(xscale="log", xlabel="Atoms", ylabel="Gain by squeezing (dB)", ylim=(0.0, 10.5))
    above.legend(loc="upper right", title="dead time", title_fontsize=7)
    dead_times = np.sort(table["dead_time_s"].unique())
    for laser, colour, published in (
        ("now", "blue", "critical_atoms_now"),
        ("ten times better", "vermilion", "critical_atoms_future_below"),
    ):
        curves = {
            gain: np.array([_critical(table, laser, float(dead_time), gain) for dead_time in dead_times])
            for gain in (0.5, 1.0, 2.0)
        }
        below.fill_between(dead_times, curves[2.0], curves[0.5], color=COLOURS[colour], alpha=0.2, lw=0.0)
        below.plot(dead_times, curves[1.0], color=COLOURS[colour])
        below.axhline(float(PUBLISHED[published]), color=COLOURS[colour], ls="--", lw=0.7)
    below.text(0.055, 310.0, "published: about 1000", color=COLOURS["blue"], fontsize=7)
    below.text(1.9, 1.25e5, "published: below 100 000", color=COLOURS["vermilion"], fontsize=7, ha="right")
    below.set(xscale="log", yscale="log", xlim=(dead_times[0], dead_times[-1]), xlabel="Dead time (s)")
    below.set(ylabel="Critical number of atoms")
    return drawn
