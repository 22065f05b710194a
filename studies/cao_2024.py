r"""Does one size of GHZ states fail to improve an optical clock at its best dark time, as Cao et al. found?

A. Cao et al., Nature 634, 315 (2024): a clock of strontium atoms in tweezers, with GHZ states of up to 9 atoms. Those
of up to 4 had an instability below the standard quantum limit (SQL) at short dark times; at the optimal dark time,
states of one size were no better than unentangled atoms; a cascade of sizes estimated the phase over a longer interval.
``data/experiments/cao_2024.csv`` holds what could be read of the publication: its abstract, not its body. Contrasts,
dark times, copies, dead time and the noise of the laser are not in it, so that nothing here is fitted: what depends on
them is given for all that they may be. :math:`\gamma_{LO} = 1/\mathrm s` is the linewidth of the laser.

*Short dark times.* N atoms in blocks of n with the parity contrast :math:`V_n`, read at mid-fringe, have the variance
:math:`1/(nNV_n^2)` of the phase of an atom: below the SQL 1/N where :math:`V_n > 1/\sqrt n`. The contrast is that of
states grown by gates that depolarise, with a Bell state of the fidelity F that an earlier gate of the same laboratory
had in 2022: :math:`V_n = [(4F-1)/3]^{n-1}`.

*The optimal dark time.* The phase strays from what the loop predicts by :math:`\sqrt v`, and blocks of n atoms, whose
fringe repeats itself n times as often, lose it where :math:`n\sqrt v` is too large: half a radian is allowed here, for
which no hop is seen in closed loop. With :math:`v\propto T^k` the dark time shrinks as :math:`n^{-2/k}`, and with it

.. math:: \sigma_y \propto \frac1{nT}\sqrt{\frac{n(T+T_d)}{N\tau}} \propto
          \begin{cases} n^{1/k-1/2} & T_d = 0, \\ n^{2/k-1/2} & T_d\gg T, \end{cases}

k = 1 for white, 2 for flicker, 3 for random-walk noise of the laser's frequency (2 where the dead time :math:`T_d` is
long). So one size of blocks loses under white noise, gains nothing under flicker noise, and would gain
:math:`n^{1/6}` under a random walk if there were no dead time. Few blocks, and a loop that is driven by their noise,
change that somewhat: ``gain`` is from the Bayesian error over cycles (`qcn_open.bayes.error_over_cycles`), and
``simulated_gain`` from clocks in closed loop. With dead time there is the Dick effect in addition, ``gain_with_dick``.

*The cascade* has as many atoms in each of four sizes, 1, 2, 4 and 8 (the press release speaks of four kinds of clock;
the sizes are ours), interrogated for the best dark time of unentangled atoms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from qcn_open import (
    Cascade,
    DualQuadrature,
    FedForward,
    Fringes,
    Gates,
    GaussianPrior,
    Ghz,
    Joint,
    Local,
    MultiAngle,
    Oscillator,
    Parity,
    PhaseDiffusion,
    Plan,
    Ramsey,
    bayes,
    cfi,
    run_clock,
)
from qcn_open.figures import COLOURS, COLUMN_IN
from qcn_open.ledger import Claim

PUBLISHED = pd.read_csv(Path(__file__).parents[1] / "data" / "experiments" / "cao_2024.csv", index_col="parameter")
ATOMS = 32
LASERS = {
    "white": Oscillator.from_linewidth(white=1.0),
    "flicker": Oscillator.from_linewidth(flicker=1.0),
    "random walk": Oscillator.from_linewidth(random_walk=1.0),
}
LONG_DEAD_TIME_S = 10.0
GAINS = (0.1, 0.3, 1.0)
# What n times the phase may stray by, rad rms, and the shares of the dark time at which it does that are tried.
STRAY = 0.5
SHARES = (0.5, 0.7, 0.85, 1.0)
TRIALS = 1000
# Averaging time at which records are compared, cycles.
AVERAGED = 64
EQUAL_ATOMS = (8, 4, 2, 1)


@dataclass(frozen=True)
class OneQuadrature(Fringes):
    """All blocks at mid-fringe of the predicted phase: ordinary Ramsey spectroscopy."""

    def angles(self, copies: int) -> NDArray[np.float64]:
        """A right angle."""
        return np.full(copies, self.offset + 0.5 * np.pi)


READOUTS = {
    "one quadrature": OneQuadrature(),
    "two quadratures": DualQuadrature(),
    "equally spaced": MultiAngle(),
    "fed forward": FedForward(),
}


@dataclass(frozen=True)
class Config:
    noises: tuple[str, ...] = ("white", "flicker", "random walk")
    blocks: tuple[int, ...] = (1, 2, 4, 8)
    # Also for a few atoms less and more than `ATOMS`.
    atoms: tuple[int, ...] = (24, 32, 48)
    simulated: tuple[str, ...] = ("white", "flicker", "random walk")
    curve_points: int = 12
    cycles: int = 50_000
    chains: int = 4
    trials: int = 4000


SMOKE = Config(noises=("flicker",), blocks=(1, 4), atoms=(32,), simulated=())
FULL = Config(cycles=500_000, chains=8, trials=100_000)
KEY = ("quantity", "noise", "dead_time_s", "atoms", "block_atoms", "gates", "readout", "dark_time_s")
BACKENDS = (Joint(), *READOUTS.values())


def rows(config: Config) -> pd.DataFrame:
    """One row for each quantity, laser, dead time, size of blocks, gates, readout and dark time."""
    found = [*_short(config)]
    for noise in config.noises:
        for dead_time in (0.0, LONG_DEAD_TIME_S):
            for size in config.blocks[1:]:
                for atoms in config.atoms if size == 4 and dead_time == 0.0 else (ATOMS,):
                    found += _optimal(noise, dead_time, atoms, size, "perfect")
                if dead_time == 0.0:
                    found += _optimal(noise, dead_time, ATOMS, size, "as in 2022")
    if "flicker" in config.noises:
        found += _fringes(config)
        found += _curves(config)
        found += _cascade(config)
    for noise in config.simulated:
        found += _closed_loop(noise, 0.0, config)
    if "flicker" in config.simulated:
        found += _closed_loop("flicker", LONG_DEAD_TIME_S, config)
    return pd.DataFrame(found)


def _row(
    quantity: str,
    predicted: float,
    interval: tuple[float, float] = (math.nan, math.nan),
    *,
    published: float = math.nan,
    noise: str = "none",
    dead_time_s: float = 0.0,
    atoms: int = ATOMS,
    block_atoms: int = 1,
    gates: str = "perfect",
    readout: str = "one quadrature",
    dark_time_s: float = 0.0,
) -> dict[str, object]:
    return {
        "quantity": quantity,
        "noise": noise,
        "dead_time_s": dead_time_s,
        "atoms": atoms,
        "block_atoms": block_atoms,
        "gates": gates,
        "readout": readout,
        "dark_time_s": dark_time_s,
        "published": published,
        "predicted": predicted,
        "predicted_low": interval[0],
        "predicted_high": interval[1],
    }


def _bell_fidelity(deviations: float = 0.0) -> float:
    entry = PUBLISHED.loc["bell_fidelity_2022"]
    return float(entry["value"]) + deviations * float(entry["uncertainty"])


def _local(fidelity: float) -> Local:
    """Gates that depolarise two atoms with the probability 5 (1 - F)/4 make a Bell state of the fidelity F."""
    return Local(Gates(depolarizing=1.25 * (1.0 - fidelity)))


GATES = {"perfect": _local(1.0), "as in 2022": _local(_bell_fidelity())}


def _short(config: Config) -> Iterator[dict[str, object]]:
    """By how much blocks are better than the SQL at short dark times; published: more than 1, up to 4 atoms."""
    below = int(PUBLISHED.loc["largest_ghz_below_sql"]["value"])
    for size in sorted({*config.blocks[1:], int(PUBLISHED.loc["largest_ghz_prepared"]["value"])}):
        published = 1.0 if size <= below else math.nan
        yield _row("short_gain", math.sqrt(size), block_atoms=size, published=published)
        gained, low, high = (
            math.sqrt(size) * _local(_bell_fidelity(deviations)).contrast(size) for deviations in (0.0, -1.0, 1.0)
        )
        yield _row(
            "short_gain", gained, (low, high), block_atoms=size, gates="as in 2022", published=published
        )


@dataclass(frozen=True)
class _Operation:
    """A clock of equal blocks: dark time (s), servo gain, cascade, and white noise of its record, rad^2/s."""

    time: float
    gain: float
    cascade: Cascade
    noise: float


def _blocks(size: int, atoms: int, variance: float, gates: str, readout: Fringes) -> Cascade:
    copies = (0,) * int(math.log2(size)) + (atoms // size,)
    return Cascade(copies, readout=readout, prior=GaussianPrior(variance), preparation=GATES[gates])


def _phase_variance(noise: str, time: float, dead_time: float, gain: float, square: float) -> float:
    """Of the phase around what the loop predicts (rad^2), if errors of measurement have the given mean square.

    An estimate that leans on the prior steers by less.
    """
    laser = LASERS[noise]
    own = laser.phase_variance(time, dead_time, gain=gain)
    steered = max(gain * own / (own + square), 1e-3)
    return laser.phase_variance(time, dead_time, gain=steered) + steered * square / (2.0 - steered)


def _operation(noise: str, dead_time: float, atoms: int, size: int, gates: str, gain: float, time: float) -> _Operation:
    square = 1.0 / (size * atoms * GATES[gates].contrast(size) ** 2)
    variance = _phase_variance(noise, time, dead_time, gain, square)
    cascade = _blocks(size, atoms, variance, gates, OneQuadrature())
    rms, _ = bayes.error_over_cycles(cascade, TRIALS, np.random.default_rng(20_249))
    return _Operation(time, gain, cascade, rms**2 * (time + dead_time) / time**2)


@lru_cache(maxsize=256)
def _best(noise: str, dead_time: float, atoms: int, size: int, gates: str) -> _Operation:
    """The best dark time and servo gain among those for which the fringe is not lost."""
    from scipy.optimize import brentq

    square = 1.0 / (size * atoms * GATES[gates].contrast(size) ** 2)
    found = []
    for gain in GAINS:

        def excess(log_time: float, gain: float = gain) -> float:
            variance = _phase_variance(noise, math.exp(log_time), dead_time, gain, square)
            return size * math.sqrt(variance) - STRAY

        low, high = math.log(1e-5), math.log(10.0)
        if excess(low) < 0.0:
            longest = math.exp(brentq(excess, low, high))
            found += [_operation(noise, dead_time, atoms, size, gates, gain, share * longest) for share in SHARES]
    return min(found, key=lambda one: one.noise)


def _optimal(noise: str, dead_time: float, atoms: int, size: int, gates: str) -> Iterator[dict[str, object]]:
    """Gain over unentangled atoms, each at its best dark time; published: at most 1."""
    alone, blocks = (_best(noise, dead_time, atoms, one, gates) for one in (1, size))
    where = {"noise": noise, "dead_time_s": dead_time, "atoms": atoms, "block_atoms": size, "gates": gates}
    published = float(PUBLISHED.loc["gain_at_optimal_dark_time"]["value"])
    yield _row("gain", math.sqrt(alone.noise / blocks.noise), published=published, **where)
    yield _row("dark_time_ratio", blocks.time / alone.time, **where)
    if dead_time > 0.0:
        total = [one.noise + LASERS[noise].dick_deviation(1.0, one.time, dead_time) ** 2 for one in (alone, blocks)]
        yield _row("gain_with_dick", math.sqrt(total[0] / total[1]), published=published, **where)


def _fringes(config: Config) -> Iterator[dict[str, object]]:
    """Contrast of the fringe over many cycles at the best dark time of unentangled atoms, from laser noise alone."""
    alone = _best("flicker", 0.0, ATOMS, 1, "perfect")
    assert isinstance(alone.cascade.prior, GaussianPrior)
    diffusion = PhaseDiffusion(alone.cascade.prior.variance / alone.time)
    for size in config.blocks:
        information = cfi(Ramsey(Ghz(size), diffusion, time=alone.time), Parity())
        contrast = math.sqrt(information) / (size * alone.time)
        yield _row("fringe_contrast", contrast, noise="flicker", block_atoms=size, dark_time_s=alone.time)


def _curves(config: Config) -> Iterator[dict[str, object]]:
    """Noise of the record against the dark time, up to a phase that strays by twice the allowed."""
    longest = _best("flicker", 0.0, ATOMS, 1, "perfect").time
    for size in config.blocks:
        for time in np.geomspace(0.02, 2.0, config.curve_points) * longest / size:
            best = min(_operation("flicker", 0.0, ATOMS, size, "perfect", gain, float(time)).noise for gain in GAINS)
            deviation = math.sqrt(best)
            yield _row("deviation", deviation, noise="flicker", block_atoms=size, dark_time_s=float(time))


def _cascade(config: Config) -> Iterator[dict[str, object]]:
    """Error of the cascade for one phase: what it gains at the best dark time of unentangled atoms, and a whole turn."""
    alone = _best("flicker", 0.0, ATOMS, 1, "perfect")

    def error(cascade: Cascade) -> tuple[float, float]:
        return bayes.expected_error(cascade, config.trials, np.random.default_rng(20_250))

    reference, _ = error(alone.cascade)
    for name in ("two quadratures", "equally spaced", "fed forward"):
        cascade = Cascade(EQUAL_ATOMS, readout=READOUTS[name], prior=alone.cascade.prior)
        rms, margin = error(cascade)
        interval = (reference / (rms + 1.96 * margin), reference / (rms - 1.96 * margin))
        where = {"noise": "flicker", "block_atoms": 8, "readout": name, "dark_time_s": alone.time}
        yield _row("cascade_gain", reference / rms, interval, **where)
        for quantity, copies in (("whole_turn_rms_rad", EQUAL_ATOMS), ("whole_turn_one_size_rms_rad", (0, 0, 0, 4))):
            # So wide a prior is flat, but for what a prior must tell of fringes that repeat themselves.
            rms, margin = error(Cascade(copies, readout=READOUTS[name], prior=GaussianPrior(100.0)))
            yield _row(quantity, rms, (rms - 1.96 * margin, rms + 1.96 * margin), block_atoms=8, readout=name)


def _closed_loop(noise: str, dead_time: float, config: Config) -> Iterator[dict[str, object]]:
    """Gain of blocks of four atoms in closed loop, hops of the fringe, and the record's noise over that expected."""
    measured, chances = {}, {}
    for size in (1, 4):
        operation = _best(noise, dead_time, ATOMS, size, "perfect")
        plan = Plan(operation.time, operation.cascade, gain=operation.gain, dead_time=dead_time)
        seed = [20_251, size, list(LASERS).index(noise), int(dead_time)]
        record = run_clock(plan, LASERS[noise], config.cycles, np.random.default_rng(seed), chains=config.chains)
        cycle = operation.time + dead_time
        point = record.stability(0.5 / math.pi, [AVERAGED * cycle]).iloc[0]
        measured[size] = [float(point[name]) * math.sqrt(AVERAGED * cycle) for name in _INTERVAL]
        dick = LASERS[noise].dick_deviation(1.0, operation.time, dead_time) if dead_time > 0.0 else 0.0
        chances[size] = math.hypot(math.sqrt(operation.noise), dick)
        where = {"noise": noise, "dead_time_s": dead_time, "block_atoms": size}
        over = [value / chances[size] for value in measured[size]]
        yield _row("simulated_over_budget", over[0], (over[1], over[2]), **where)
        # Errors beyond half a period of the block.
        off = np.abs(size * record.errors) > math.pi
        yield _row("cycles_off_the_fringe", float(np.count_nonzero(off)), **where)
    gain = measured[1][0] / measured[4][0]
    spread = math.hypot(*(0.5 * (values[2] - values[1]) / values[0] for values in measured.values()))
    published = float(PUBLISHED.loc["gain_at_optimal_dark_time"]["value"])
    yield _row(
        "simulated_gain",
        gain,
        (gain * (1.0 - spread), gain * (1.0 + spread)),
        noise=noise,
        dead_time_s=dead_time,
        block_atoms=4,
        published=published,
    )


_INTERVAL = ("sigma_y", "sigma_y_low", "sigma_y_high")


def _value(quantity: str, column: str = "predicted", **where: object) -> Callable[[pd.DataFrame], float]:
    defaults: dict[str, object] = {"atoms": ATOMS, "gates": "perfect"}

    def value(table: pd.DataFrame) -> float:
        rows = table[table["quantity"] == quantity]
        for name, entry in {**defaults, **where}.items():
            rows = rows[rows[name] == entry]
        (found,) = rows[column].tolist()
        return float(found)

    return value


def _extreme(
    pick: Callable[[pd.Series[float]], float], quantity: str, **where: object
) -> Callable[[pd.DataFrame], float]:
    def value(table: pd.DataFrame) -> float:
        rows = table[table["quantity"] == quantity]
        for name, entry in where.items():
            rows = rows[rows[name].isin(entry) if isinstance(entry, tuple) else rows[name] == entry]
        return float(pick(rows["predicted"]))

    return value


def _largest_gain(table: pd.DataFrame) -> float:
    """Of blocks of up to four perfect atoms, under white and flicker noise, with and without dead time."""
    return max(
        _extreme(max, quantity, noise=("white", "flicker"), block_atoms=(2, 4), gates="perfect", atoms=ATOMS)(table)
        for quantity in ("gain", "gain_with_dick")
    )
