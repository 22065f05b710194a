r"""What do unequal nodes cost: wrong weights in the feedback, shares of the blocks, and noisy links?

Three nodes with lasers of the same white noise, all in units of the linewidth :math:`\gamma_{LO}` of one of them.

``weights``
    Blocks of 12 atoms and more, of which node j holds the share :math:`w_j`, measure :math:`\sum_jw_j\Phi_j`. A centre
    that takes the mean of the lasers with equal weights sends every node the error :math:`u = \sum_j(w_j-1/K)\Phi_j`
    along. The servo sees it, so that it has no lasting effect:

    .. math:: u_{k+1} = (1-g)u_k + n_{k+1} - n_k, \qquad
              \langle n^2\rangle = \gamma_{LO}T\sum_j(w_j-1/K)^2,

    which averages as :math:`1/\tau` for :math:`\tau \gg T/g`, where the right weights leave white noise.
``shares``
    ``few`` nodes of 120, 60 and 20 atoms, ``many`` of ten times as many, ``noisy`` of equal numbers of which the last
    node's decohere. Large shares of the large nodes put more atoms into blocks, but then the smallest block is large
    and needs more uncorrelated atoms that tell its fringes apart; a node with the share 0 gives uncorrelated atoms
    only. The copies of the levels are the best of a family that grows towards the small blocks.
``links``
    Shares 2:1:1; the light of one node comes with a random phase, that of another late. To node j the centre sends the
    error :math:`\epsilon_j - \sum_kw_k\epsilon_k` along, see `Network.link_variances` and
    `Network.delay_variances`; that of a delay is the difference of one phase from cycle to cycle, and averages as
    :math:`1/\tau`.

``deviation_rad`` is the Allan deviation :math:`\omega_0\sigma_y(\tau)T` of a node's record over so many ``cycles``, in
``shares`` the RMS error of one measurement; ``theory_rad`` takes the error of a single measurement from samples without
a loop, and in ``shares`` from the Fisher information, which knows no rounding errors.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from qcn_open import (
    Cascade,
    GaussianPrior,
    Joint,
    Link,
    MultiAngle,
    Network,
    Node,
    Oscillator,
    Plan,
    overlapping_adev,
    run_nodes,
)
from qcn_open.bayes import expected_error
from qcn_open.figures import COLOURS, COLUMN_IN
from qcn_open.ledger import Claim

TIME, GAIN = 0.05, 0.1
LASER = Oscillator.from_linewidth(white=1.0)
COPIES, UNCORRELATED = (8, 5, 3), 300
ATOMS = {"few": (120, 60, 20), "many": (1200, 600, 200), "noisy": (67, 67, 66)}
# Coherence that an atom has left.
COHERENCES = {"few": (1.0, 1.0, 1.0), "many": (1.0, 1.0, 1.0), "noisy": (1.0, 1.0, 0.97)}
LINKS = {"centre": Link(), "noisy": Link(phase_noise=0.05), "late": Link(delay=0.005)}
LINK_SHARES = (6, 3, 3)


@dataclass(frozen=True)
class Config:
    shares: tuple[tuple[int, ...], ...] = ((4, 4, 4), (6, 3, 3), (8, 2, 2), (10, 1, 1))
    settings: tuple[str, ...] = ("few", "many", "noisy")
    block_shares: tuple[tuple[int, ...], ...] = (
        (1, 1, 0),
        (1, 1, 1),
        (2, 1, 0),
        (2, 1, 1),
        (2, 2, 1),
        (3, 2, 1),
        (4, 2, 1),
        (5, 1, 1),
        (6, 3, 1),
    )
    trials: int = 20_000
    cycles: int = 200_000
    seed: int = 20145


SMOKE = Config(shares=((10, 1, 1),), settings=("few",), block_shares=((2, 1, 0), (6, 3, 1)))
FULL = Config(trials=400_000, cycles=4_000_000)
KEY = ("part", "setting", "case", "cycles")
BACKENDS = (Joint(), MultiAngle())


def rows(config: Config) -> pd.DataFrame:
    """One row for each part, setting, case and averaging time."""
    parts = (_weights(config), _shares(config), _links(config))
    return pd.DataFrame([row for part in parts for row in part])


def _weights(config: Config) -> Iterator[dict[str, object]]:
    for shares in config.shares:
        right = np.array(shares) / sum(shares)
        plan, mse = _plan(right)
        for case, weights in (("right", right), ("equal", np.full(len(right), 1.0 / len(right)))):
            rng = np.random.default_rng([config.seed, *shares, int(case == "right")])
            record = run_nodes(plan, [LASER] * len(shares), shares, config.cycles, rng, weights=weights.tolist())
            missed = TIME * float(np.sum((right - weights) ** 2))
            yield from _deviations(
                record.errors[0], "weights", _colons(shares), case, partial(_variance, white=mse, served=missed)
            )


def _links(config: Config) -> Iterator[dict[str, object]]:
    plan, mse = _plan(np.array(LINK_SHARES) / sum(LINK_SHARES))
    rng = np.random.default_rng([config.seed, *LINK_SHARES])
    record = run_nodes(plan, [LASER] * 3, LINK_SHARES, config.cycles, rng, links=tuple(LINKS.values()))
    nodes = [Node(share, share=share, link=link) for share, link in zip(LINK_SHARES, LINKS.values(), strict=True)]
    network = Network(nodes, LASER, (), 1.0)
    white, differences = network.link_variances(TIME), network.delay_variances(TIME)
    for number, name in enumerate(LINKS):
        # Of the difference of independent phases from cycle to cycle the Allan variance is 3/2 of the variance.
        yield from _deviations(
            record.errors[number],
            "links",
            _colons(LINK_SHARES),
            name,
            partial(_variance, white=mse + white[number], differences=1.5 * differences[number]),
        )


def _shares(config: Config) -> Iterator[dict[str, object]]:
    for setting in config.settings:
        atoms, coherences = ATOMS[setting], COHERENCES[setting]
        for shares in config.block_shares:
            cascade = _best(atoms, shares, coherences)
            error, deviation = expected_error(cascade, config.trials, np.random.default_rng([config.seed, *shares]))
            blocks = sum(copies << level for level, copies in enumerate(cascade.copies)) * sum(shares)
            yield {
                "part": "shares",
                "setting": setting,
                "case": _colons(shares),
                "cycles": 1,
                "deviation_rad": error,
                "deviation_low_rad": error - 1.96 * deviation,
                "deviation_high_rad": error + 1.96 * deviation,
                "theory_rad": 1.0 / math.sqrt(sum(level.information for level in cascade.levels)),
                "atoms_in_blocks": blocks,
                "copies": _colons(cascade.copies),
            }


def _plan(shares: NDArray[np.float64]) -> tuple[Plan, float]:
    """What the clock does, with the prior that the loop leaves, and the mean square error of a measurement alone."""
    variance = 2.0 * TIME * float(np.sum(shares**2)) / (2.0 - GAIN)
    cascade = Cascade(COPIES, nodes=12, uncorrelated=UNCORRELATED, prior=GaussianPrior(variance))
    mse = cascade.rms_error(200_000, np.random.default_rng(1)) ** 2
    return Plan(TIME, cascade, gain=GAIN), mse


def _variance(cycles: int, white: float, served: float = 0.0, differences: float = 0.0) -> float:
    """Allan variance over so many cycles of white noise, of u for such an <n^2>, and of what averages as 1/tau."""
    # The sum of u up to now is that of n with the weights (1 - g)^l.
    left = (1.0 - GAIN) ** cycles
    lasting = served * (3.0 - 4.0 * left + left**2) / (GAIN * (2.0 - GAIN))
    return white / cycles + (lasting + differences) / cycles**2


def _deviations(
    errors: NDArray[np.float64], part: str, setting: str, case: str, variance: Callable[[int], float]
) -> Iterator[dict[str, object]]:
    averages = [4**octave for octave in range(1 + int(math.log(len(errors) / 20, 4)))]
    table = overlapping_adev(errors, 1.0, [float(average) for average in averages])
    for average, row in zip(averages, table.itertuples(), strict=True):
        yield {
            "part": part,
            "setting": setting,
            "case": case,
            "cycles": average,
            "deviation_rad": row.sigma_y,
            "deviation_low_rad": row.sigma_y_low,
            "deviation_high_rad": row.sigma_y_high,
            "theory_rad": math.sqrt(variance(average)),
            "atoms_in_blocks": 12 * sum(copies << level for level, copies in enumerate(COPIES)),
            "copies": _colons(COPIES),
        }


def _best(atoms: tuple[int, ...], shares: tuple[int, ...], coherences: tuple[float, ...]) -> Cascade:
    """The best of the cascades whose copies grow by a constant towards the small blocks."""
    smallest = sum(shares)
    most = min(number // share for number, share in zip(atoms, shares, strict=True) if share)
    coherence = math.prod(one**share for one, share in zip(coherences, shares, strict=True)) ** (1.0 / smallest)
    prior = GaussianPrior(2.0 * TIME / (2.0 - GAIN))
    cascades = []
    for levels, top, slope in itertools.product(range(1, 8), range(1, 13), range(4)):
        copies = tuple(top + slope * (levels - 1 - level) for level in range(levels))
        blocks = sum(number << level for level, number in enumerate(copies))
        if blocks <= most and (levels > 1 or slope == 0):
            uncorrelated = sum(atoms) - smallest * blocks
            cascades.append(Cascade(copies, smallest, uncorrelated, prior=prior, coherence=coherence))
    return min(cascades, key=lambda cascade: expected_error(cascade, 500, np.random.default_rng(1))[0])


def _colons(numbers: tuple[int, ...]) -> str:
    return ":".join(map(str, numbers))


def _at(
    part: str, setting: str, case: str, cycles: int = 1, column: str = "deviation_rad"
) -> Callable[[pd.DataFrame], float]:
    def value(table: pd.DataFrame) -> float:
        chosen = (table["part"] == part) & (table["setting"] == setting) & (table["case"] == case)
        return float(table[chosen & (table["cycles"] == cycles)][column].iloc[0])

    return value


def _over(
    one: Callable[[pd.DataFrame], float], other: Callable[[pd.DataFrame], float]
) -> Callable[[pd.DataFrame], float]:
    return lambda table: one(table) / other(table)


def _right_over_theory(table: pd.DataFrame) -> float:
    """Of a node's deviation from cycle to cycle with the right weights; root mean square over the shares."""
    right = table[(table["part"] == "weights") & (table["case"] == "right") & (table["cycles"] == 1)]
    return math.sqrt(float(((right["deviation_rad"] / right["theory_rad"]) ** 2).mean()))


def _best_shares(setting: str) -> Callable[[pd.DataFrame], str]:
    def best(table: pd.DataFrame) -> str:
        chosen = table[(table["part"] == "shares") & (table["setting"] == setting)]
        return str(chosen.sort_values("deviation_rad")["case"].iloc[0])

    return best


def _best_error(setting: str) -> Callable[[pd.DataFrame], float]:
    return lambda table: _at("shares", setting, _best_shares(setting)(table))(table)


def allocations(table: pd.DataFrame) -> pd.DataFrame:
    """Error of one measurement for shares of the blocks, in mrad."""
    chosen = table[table["part"] == "shares"].assign(error=lambda part: 1e3 * part["deviation_rad"])
    columns = {"few": "(120, 60, 20)", "many": "(1200, 600, 200)", "noisy": "(67, 67, 66), last noisy"}
    wide = chosen.pivot(index="case", columns="setting", values="error").rename(columns=columns)
    return wide[list(columns.values())].map(lambda error: f"{error:.2f}").rename_axis("shares").reset_index()


TABLES = {"allocations": allocations}
NUMBERS = {
    "wrong_weights_6_3_3": _over(_at("weights", "6:3:3", "equal"), _at("weights", "6:3:3", "right")),
    "wrong_weights_10_1_1": _over(_at("weights", "10:1:1", "equal"), _at("weights", "10:1:1", "right")),
    "wrong_weights_10_1_1_later": _over(
        _at("weights", "10:1:1", "equal", 1024), _at("weights", "10:1:1", "right", 1024)
    ),
    "late_link_first": _over(_at("links", "6:3:3", "late"), _at("weights", "6:3:3", "right")),
    "late_link_later": _over(_at("links", "6:3:3", "late", 1024), _at("weights", "6:3:3", "right", 1024)),
    "noisy_link": _over(_at("links", "6:3:3", "noisy", 64), _at("weights", "6:3:3", "right", 64)),
    "noisy_link_at_the_centre": _over(_at("links", "6:3:3", "centre", 64), _at("weights", "6:3:3", "right", 64)),
    "best_shares_few": _best_shares("few"),
    "equal_over_best_few": _over(_at("shares", "few", "1:1:1"), _best_error("few")),
    "equal_over_best_many": _over(_at("shares", "many", "1:1:1"), _best_error("many")),
    "proportional_over_best_few": _over(_at("shares", "few", "6:3:1"), _best_error("few")),
}
CLAIMS = (
    Claim(
        id="equal-weights",
        where="Feedback",
        claim="The centre synthesises ν_COM by averaging the ν_j with equal weights.",
        paper_value="equal",
        compute=_over(_at("weights", "10:1:1", "equal"), _at("weights", "10:1:1", "right")),
        supports=(9.0, 14.0),
        verdict="holds for nodes with equal shares of the blocks; others need the weights of their atoms",
        reason="Deviation of a node's record from cycle to cycle with equal over right weights, for shares 10:1:1 of "
        "blocks; {wrong_weights_6_3_3:.1f} for 6:3:3. The servo takes the error off: after 1024 cycles the factor is "
        "{wrong_weights_10_1_1_later:.2f}.",
    ),
    Claim(
        id="error-signals",
        where="Feedback",
        claim="Error signals δ_j = δ_COM + (ν_j - ν_COM) give every node the stabilised signal of the centre of mass.",
        paper_value=1.0,
        compute=_right_over_theory,
        supports=(0.95, 1.05),
        verdict="holds, for weights of atoms and links without noise",
        reason="Deviation of a node's record over that of the measurement alone. A phase of 50 mrad rms of one link "
        "costs its node a factor {noisy_link:.1f}, the centre {noisy_link_at_the_centre:.2f}; a delay of T/10 "
        "{late_link_first:.1f} from cycle to cycle but {late_link_later:.2f} after 1024.",
    ),
)


def figure(table: pd.DataFrame) -> Figure:
    """Deviation of a node's record with right and wrong weights, and behind noisy links."""
    figure = Figure(figsize=(COLUMN_IN, 4.0))
    panels = figure.subplots(2, 1, sharex=True)
    curves = (
        (0, "weights", "10:1:1", "right", "blue", "right weights", (1.2, 0.0035)),
        (0, "weights", "10:1:1", "equal", "vermilion", "equal weights", (4.5, 0.1)),
        (1, "links", "6:3:3", "centre", "blue", "centre", (1.1, 0.009)),
        (1, "links", "6:3:3", "noisy", "green", "noisy link", (14.0, 0.016)),
        (1, "links", "6:3:3", "late", "vermilion", "late link", (1.7, 0.09)),
    )
    for panel, part, setting, case, colour, label, place in curves:
        chosen = (table["part"] == part) & (table["setting"] == setting) & (table["case"] == case)
        curve, axes = table[chosen].sort_values("cycles"), panels[panel]
        middle = curve["deviation_rad"]
        bars = np.array([middle - curve["deviation_low_rad"], curve["deviation_high_rad"] - middle])
        axes.plot(curve["cycles"], curve["theory_rad"], color=COLOURS[colour])
        axes.errorbar(curve["cycles"], middle, bars, fmt="o", color=COLOURS[colour], ms=3, lw=0.8)
        axes.text(*place, label, color=COLOURS[colour])
    for axes, name in zip(panels, "ab", strict=True):
        axes.set(xscale="log", yscale="log", xlim=(0.8, 6000), ylim=(1.3e-4, 0.3), ylabel=r"$\omega_0\sigma_y T$ (rad)")
        axes.text(0.96, 0.9, name, transform=axes.transAxes, weight="bold", ha="right")
    panels[1].set_xlabel(r"averaging time $\tau/T$")
    return figure
