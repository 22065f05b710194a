r"""Do tensor networks of a thousand atoms agree with the closed form, and what does the laser's phase cost a cascade?

*The network* (`QuimbMPO`) is given a density operator as a matrix product and finds the quantum Fisher information from
it and its derivative alone; *the closed form* (`Logical`) knows the blocks. ``sites`` is how the atoms stand in the
network, block after block or ``interleaved``; the information of interleaved blocks is what a search one site at a
time gets wrong. Every probe is interrogated for the best time of its largest block, :math:`T = 1/(n\gamma)`, under
``noise`` whose rates sum to :math:`\gamma = 1/\mathrm s`. The phase is :math:`\varphi = \delta T`: information is
in :math:`\mathrm{rad}^{-2}`.

*A common phase.* A laser of white frequency noise adds to the phase of all atoms the same :math:`\epsilon` of variance
:math:`V = vT` (`PhaseDiffusion`). Blocks are then correlated and their information does not add:

* No probe and no measurement beats :math:`1/F \ge 1/F_0 + V`, with :math:`F_0` the information at V = 0. The score of
  an outcome is the mean, given that outcome, of :math:`a\,\partial\ln p(o|\varphi+\epsilon)` plus :math:`1-a` times the
  score of :math:`\epsilon`, for any a; so :math:`F \le a^2F_0 + (1-a)^2/V`, and the best a gives the bound.
* The single blocks' information, :math:`\sum_k F_k` with :math:`F_k = n_k^2C_k^2e^{-n_k^2V}`, is *no* bound. For
  small V the joint information is smaller: all blocks report the same :math:`\epsilon`, so it is not averaged down. For
  large V it is larger: a block of :math:`n > V^{-1/2}` atoms has no fringe of its own, but has one given what the
  smaller blocks say about :math:`\epsilon`. All that equal blocks can say is the phase modulo :math:`2\pi/n`, and that
  is gone.

``parity_cfi_per_rad2`` is that of the joint signs of the blocks, each read at its own mid-fringe: one such angle is
ambiguous between the two slopes of a fringe, so that a random phase costs it more. It is not searched for over the
readout angles of all blocks.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from qcn_open import (
    CoherentSpin,
    CollectiveNoise,
    Dephasing,
    Ghz,
    Logical,
    Noise,
    Parity,
    PhaseDiffusion,
    Probe,
    Product,
    QuimbMPO,
    Ramsey,
    SpontaneousEmission,
    TrapLoss,
    cfi,
    interleaved,
    qfi,
)
from qcn_open.figures import COLOURS, COLUMN_IN
from qcn_open.ledger import Claim

RATE = 1.0
NOISES: dict[str, tuple[Noise, ...]] = {
    "none": (),
    "dephasing": (Dephasing(RATE),),
    "loss": (TrapLoss(RATE),),
    "all three": (Dephasing(0.5 * RATE), TrapLoss(0.3 * RATE), SpontaneousEmission(0.2 * RATE)),
}
PROBES: dict[str, Probe] = {
    "GHZ 1000": Ghz(1000),
    "GHZ 100": Ghz(100),
    "coherent spin 1000": CoherentSpin(1000),
    "1,2,4,...,256,489": Product({2**level: 1 for level in range(9)} | {489: 1}),
    "32 x (1,2,4,8,16)": Product({2**level: 32 for level in range(5)}),
    "1,2": Product({1: 1, 2: 1}),
    "1,2,4": Product({1: 1, 2: 1, 4: 1}),
    "2,2": Product({2: 2}),
    "1,1,1": Product({1: 3}),
    "1,2,4,8": Product({2**level: 1 for level in range(4)}),
    "1,2,4,8,16": Product({2**level: 1 for level in range(5)}),
    "10 x 10": Product({10: 10}),
    "1,2,4,...,128": Product({2**level: 1 for level in range(8)}),
    "1,2,4,...,512": Product({2**level: 1 for level in range(10)}),
    "8 x 32": Product({32: 8}),
}
# (probe, how many neighbouring blocks alternate): (1, ...) stands block after block.
_NETWORKS = (
    ("GHZ 100", 1),
    ("GHZ 1000", 1),
    ("coherent spin 1000", 1),
    ("1,2,4,...,256,489", 1),
    ("32 x (1,2,4,8,16)", 1),
    ("2,2", 2),
    ("1,1,1", 3),
    ("1,2,4", 3),
    ("1,2,4,8,16", 3),
    ("10 x 10", 2),
)
CASCADE, LARGE_CASCADE, EQUAL = "1,2,4,...,128", "1,2,4,...,512", "8 x 32"
# The joint signs of correlated blocks take long where there are many, and interleaved ones are limited to 8.
_UNSIGNED = (LARGE_CASCADE, EQUAL, "10 x 10")


def _variances(per_decade: int) -> tuple[float, ...]:
    """1e-6 to 1 rad^2, evenly on a logarithmic scale."""
    return tuple(float(f"{10 ** (k / per_decade):.6g}") for k in range(-6 * per_decade, 1))


@dataclass(frozen=True)
class Config:
    noises: tuple[str, ...] = ("dephasing", "loss", "all three")
    networks: tuple[tuple[str, int], ...] = _NETWORKS
    phase_networks: tuple[str, ...] = ("1,2", "1,2,4")
    phase_noises: tuple[str, ...] = ("none", "dephasing")
    variances_rad2: tuple[float, ...] = _variances(3)
    large_variances_rad2: tuple[float, ...] = (1e-5, 1e-3, 1e-1)


SMOKE = Config(
    noises=("dephasing",),
    networks=(("GHZ 100", 1), ("2,2", 2), ("1,2,4", 3)),
    phase_networks=("1,2",),
    variances_rad2=(1e-3, 0.1),
    large_variances_rad2=(),
)
FULL = Config(variances_rad2=_variances(12), large_variances_rad2=_variances(2))
KEY = ("probe", "sites", "noise", "common_phase_variance_rad2")
BACKENDS = (Logical(), QuimbMPO())
# Errors at the level of rounding, and of the search where sites are interleaved.
TOLERANCE = {"qfi_relative_error": 1e-7, "cfi_relative_error": 1e-9}


def rows(config: Config) -> pd.DataFrame:
    """One row for each probe, order of its sites, noise and variance of the common phase."""
    found = [
        _row(name, together, noise, 0.0, network=True) for name, together in config.networks for noise in config.noises
    ]
    for noise in config.phase_noises:
        for name in config.phase_networks:
            found += [_row(name, 1, noise, variance, network=True) for variance in (1e-3, 0.1)]
        for name in (CASCADE, EQUAL):
            found += [_row(name, 1, noise, variance, network=False) for variance in config.variances_rad2]
        found += [_row(LARGE_CASCADE, 1, noise, variance, network=False) for variance in config.large_variances_rad2]
    return pd.DataFrame(found)


def _row(name: str, together: int, noise: str, variance: float, network: bool) -> dict[str, object]:
    """Information by the closed form, and how far the network is from it; NaN where it is not asked."""
    probe = PROBES[name]
    sizes = probe.block_sizes()
    time = 1.0 / (RATE * max(sizes))
    common = (PhaseDiffusion(variance / time),) if variance > 0.0 else ()

    def information(state: Probe, noises: tuple[Noise | CollectiveNoise, ...]) -> float:
        return qfi(Ramsey(state, noises, time), Logical()) / time**2

    model = Ramsey(probe, (*NOISES[noise], *common), time)
    exact, alone = information(probe, model.noise), information(probe, NOISES[noise])
    single = sum(copies * information(Ghz(size), model.noise) for size, copies in Counter(sizes).items())
    parity = math.nan if name in _UNSIGNED else cfi(model, Parity(), Logical()) / time**2
    bond, qfi_error, cfi_error = math.nan, math.nan, math.nan
    if network:
        backend = QuimbMPO(order=interleaved(sizes, together) if together > 1 else None)
        bond = float(max(backend.evolve(model).bonds))
        qfi_error = qfi(model, backend) / time**2 / exact - 1.0
        if name not in _UNSIGNED:
            cfi_error = cfi(model, Parity(), backend) / time**2 / parity - 1.0
    return {
        "probe": name,
        "sites": f"{together} interleaved" if together > 1 else "by block",
        "noise": noise,
        "common_phase_variance_rad2": variance,
        "atoms": probe.atoms,
        "blocks": len(sizes),
        "time_s": time,
        "qfi_per_rad2": exact,
        "parity_cfi_per_rad2": parity,
        "qfi_without_common_phase_per_rad2": alone,
        "qfi_sum_of_single_blocks_per_rad2": single,
        "bound_per_rad2": 1.0 / (1.0 / alone + variance),
        "bond": bond,
        "qfi_relative_error": qfi_error,
        "cfi_relative_error": cfi_error,
    }


def _curve(table: pd.DataFrame, probe: str, noise: str = "none") -> pd.DataFrame:
    return table[(table["probe"] == probe) & (table["noise"] == noise)].sort_values("common_phase_variance_rad2")


def _over_bound(
    column: str, variance: float | None, probe: str = CASCADE, noise: str = "none"
) -> Callable[[pd.DataFrame], float]:
    """A function of the table: information over the bound, at this variance or where it is smallest."""

    def entry(table: pd.DataFrame) -> float:
        curve = _curve(table, probe, noise)
        if variance is not None:
            curve = curve[curve["common_phase_variance_rad2"] == variance]
        return float((curve[column] / curve["bound_per_rad2"]).min())

    return entry


def _joint_over_sum(largest: bool) -> Callable[[pd.DataFrame], float]:
    """Joint information of the cascade over that of its single blocks, where it is largest or smallest."""

    def entry(table: pd.DataFrame) -> float:
        curve = _curve(table, CASCADE)
        ratio = curve["qfi_per_rad2"] / curve["qfi_sum_of_single_blocks_per_rad2"]
        return float(ratio.max() if largest else ratio.min())

    return entry


def _largest_error(column: str, sites: str | None = None) -> Callable[[pd.DataFrame], str]:
    """Order of magnitude of the largest error of the network: its digits differ between machines."""

    def entry(table: pd.DataFrame) -> str:
        chosen = table if sites is None else table[(table["sites"] == "by block") == (sites == "by block")]
        return _magnitude(float(chosen[column].abs().max()))

    return entry


def _magnitude(error: float) -> str:
    """The power of ten above, from 1e-12 up."""
    return f"1e{max(-12, math.ceil(math.log10(error)) if error > 0.0 else -12):d}"


def agreement(table: pd.DataFrame) -> pd.DataFrame:
    """Networks and their largest error over all noises, rounded up to a power of ten."""
    networks = table[table["bond"].notna()]
    found = []
    for (probe, sites, shared), group in networks.groupby(
        ["probe", "sites", networks["common_phase_variance_rad2"] > 0.0], sort=False
    ):
        signs = group["cfi_relative_error"].abs().max()
        found.append(
            {
                "blocks": probe,
                "atoms": int(group["atoms"].iloc[0]),
                "sites": f"{sites}, common phase" if bool(shared) else sites,
                "bond": int(group["bond"].max()),
                "QFI": f"< {_magnitude(float(group['qfi_relative_error'].abs().max()))}",
                "parity": "–" if math.isnan(signs) else f"< {_magnitude(float(signs))}",
            }
        )
    return pd.DataFrame(found)


def common_phase(table: pd.DataFrame) -> pd.DataFrame:
    """Information over the bound at a few variances."""
    found = []
    for probe in (CASCADE, LARGE_CASCADE, EQUAL):
        for noise in ("none", "dephasing"):
            entries: dict[str, object] = {"blocks": probe, "local noise": noise}
            for variance in (1e-5, 1e-3, 0.1):
                entries[f"V = {variance:g} rad²"] = f"{_over_bound('qfi_per_rad2', variance, probe, noise)(table):.3f}"
            found.append(entries)
    return pd.DataFrame(found)


TABLES = {"agreement": agreement, "common_phase": common_phase}
NUMBERS: dict[str, Callable[[pd.DataFrame], float | str]] = {
    "largest_qfi_error_by_block": _largest_error("qfi_relative_error", "by block"),
    "largest_qfi_error_interleaved": _largest_error("qfi_relative_error", "interleaved"),
    "largest_parity_error": _largest_error("cfi_relative_error"),
    "cascade_over_bound_worst": _over_bound("qfi_per_rad2", None),
    "cascade_over_bound_0_1_rad2": _over_bound("qfi_per_rad2", 0.1),
    "dephased_cascade_over_bound_worst": _over_bound("qfi_per_rad2", None, noise="dephasing"),
    "large_cascade_over_bound_0_1_rad2": _over_bound("qfi_per_rad2", 0.1, LARGE_CASCADE),
    "cascade_parity_over_bound_0_1_rad2": _over_bound("parity_cfi_per_rad2", 0.1),
    "cascade_sum_over_bound_0_1_rad2": _over_bound("qfi_sum_of_single_blocks_per_rad2", 0.1),
    "equal_blocks_over_bound_1e_3_rad2": _over_bound("qfi_per_rad2", 1e-3, EQUAL),
    "equal_blocks_over_bound_0_1_rad2": _over_bound("qfi_per_rad2", 0.1, EQUAL),
    "joint_over_sum_smallest": _joint_over_sum(largest=False),
    "joint_over_sum_largest": _joint_over_sum(largest=True),
}
CLAIMS: tuple[Claim, ...] = ()


def figure(table: pd.DataFrame) -> Figure:
    """Information of a cascade against the variance of the common phase, and the same over its bound."""
    figure = Figure(figsize=(COLUMN_IN, 3.9))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1.2, 1.0))
    cascade, equal, dephased = _curve(table, CASCADE), _curve(table, EQUAL), _curve(table, CASCADE, "dephasing")
    variance = cascade["common_phase_variance_rad2"]
    drawn = (
        (cascade, "qfi_per_rad2", COLOURS["blue"], "-"),
        (cascade, "qfi_sum_of_single_blocks_per_rad2", COLOURS["orange"], (0, (5, 2))),
        (cascade, "parity_cfi_per_rad2", COLOURS["vermilion"], "-."),
        (equal, "qfi_per_rad2", COLOURS["green"], (0, (1, 1.2))),
    )
    for curve, column, colour, dashes in drawn:
        upper.plot(curve["common_phase_variance_rad2"], curve[column], color=colour, ls=dashes, lw=1.3)
        ratio = curve[column] / curve["bound_per_rad2"]
        lower.plot(curve["common_phase_variance_rad2"], ratio, color=colour, ls=dashes, lw=1.3)
    upper.plot(variance, cascade["bound_per_rad2"], color="0.5", lw=0.7, zorder=0)
    ratio = dephased["qfi_per_rad2"] / dephased["bound_per_rad2"]
    lower.plot(dephased["common_phase_variance_rad2"], ratio, "o", mfc="white", mec=COLOURS["blue"], ms=2.5, mew=0.7)
    lower.axhline(1.0, color="0.5", lw=0.7, zorder=0)
    upper.set(xscale="log", yscale="log", xlim=(1e-6, 1.0), ylim=(0.3, 1e5))
    upper.set_ylabel(r"information $F$ (rad$^{-2}$)")
    upper.text(1.5e-3, 2e3, r"bound $1/(1/F_0 + V)$", color="0.4")
    upper.text(2.5e-6, 3.2, "cascade 1, 2, 4, ... 128", color=COLOURS["blue"])
    upper.text(2.5e-6, 1.1, "8 blocks of 32", color=COLOURS["green"])
    lower.set(xlabel=r"variance $V = vT$ of the common phase (rad$^2$)", ylabel=r"$F\,(1/F_0 + V)$", ylim=(0.0, 1.25))
    lower.text(1.3e-6, 0.82, "joint; circles:\nlocal dephasing", color=COLOURS["blue"], va="top", fontsize=7)
    lower.text(3e-4, 1.13, "single blocks, added", color=COLOURS["orange"], va="center")
    lower.text(6e-3, 0.42, "signs of the blocks", color=COLOURS["vermilion"], va="center")
    lower.text(6e-3, 0.14, "8 blocks of 32", color=COLOURS["green"], va="center")
    return figure
