r"""When does compressing a tensor network delete the coherence that carries the phase?

A density operator as a matrix product is compressed by cutting, bond by bond, the smallest singular values of its
operator Schmidt decomposition (quimb's ``compress``; ``default`` is ``cutoff=1e-10, cutoff_mode="rsum2"``). They are
measured in the Hilbert-Schmidt norm. A GHZ state of N atoms is a sum of four operators that are products,

.. math:: \rho = \tfrac12\bigl(\rho_g^{\otimes N} + \rho_e^{\otimes N} + X^{\otimes N} + X^{\dagger\otimes N}\bigr)

with :math:`\rho_g, \rho_e` what has become of one atom in g and in e, and :math:`X` of :math:`|e\rangle\langle g|`; so
across the cut behind k atoms

.. math:: \sigma_{1,2}^2 = \tfrac14\,\mathrm{eig}\bigl(G^{\circ k}G^{\circ(N-k)}\bigr), \qquad
          \sigma_{3,4} = \tfrac12\|X\|^N, \qquad
          G = \begin{pmatrix}\langle\rho_g,\rho_g\rangle & \langle\rho_g,\rho_e\rangle \\
              \langle\rho_e,\rho_g\rangle & \langle\rho_e,\rho_e\rangle\end{pmatrix}

with elementwise powers; times :math:`\sqrt{\mathrm{Tr}\,\rho^2}` of every other block. Under dephasing they are
:math:`\frac12, \frac12, \frac12c, \frac12c` with :math:`c = e^{-N\gamma T/2}`, the contrast. The coherence goes where

==============================  ==========================================  ====================================
``abs`` :math:`\epsilon`        :math:`\frac12c \le \epsilon`               :math:`N \ge 2\ln(1/2\epsilon)/\gamma T`
``rel`` :math:`\epsilon`        :math:`c \le \epsilon`                      :math:`N \ge 2\ln(1/\epsilon)/\gamma T`
``rsum2`` :math:`\epsilon`      :math:`c^2 \le 2\epsilon/(1 - \epsilon)`      :math:`N \ge \ln(1/2\epsilon)/\gamma T`
``max_bond`` 2                  at any contrast < 1                         all N
==============================  ==========================================  ====================================

With ``rsum2``, the sum of squares discarded relative to that of all, one coherence of the pair goes at the first cut
and the other at the next. The trace is that of the populations: it stays 1, while the signal is exactly 0. Where
:math:`c < 10^{-5}` nothing is lost that was of use; with a bond limit, or a coarser cutoff, it is. Two more ways to go
wrong are not silent but as bad. *The norm is no probability*: :math:`\mathrm{Tr}\,\rho^2` of B dephased blocks is
between :math:`2^{-B}` and 1, so that an absolute cutoff deletes everything, populations included, from many blocks
of good contrast. *Under emission* g...g is pure and the population of e...e, spread over all ways to decay, has a
smaller norm than the coherence: it goes first, and with it half of the trace.

*To avoid it*: do not compress after noise on single atoms, which leaves the bonds as they are (`QuimbMPO`). Of what
quimb offers ``cutoff=0`` keeps all; but a coherence below the rounding error of the populations survives its
singular value decomposition only as long as the zeros between the levels g and e are exact. Atoms ``turned`` by any
rotation, or a gate, mix them. Compressing each order of coherence by itself, relative to its own norm, has no such
limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from qcn_open import (
    Dephasing,
    Ghz,
    Noise,
    Parity,
    Product,
    QuimbMPO,
    Ramsey,
    SpontaneousEmission,
    TrapLoss,
)
from qcn_open.figures import COLOURS, COLUMN_IN
from qcn_open.fisher.functionals import cfi_phase, qfi_phase
from qcn_open.ledger import Claim
from qcn_open.noise import channel
from qcn_open.noise.base import EXCITED, GROUND, LEVELS
from qcn_open.states import NetworkTangent

RATE = 1.0
NOISES: dict[str, tuple[Noise, ...]] = {
    "dephasing": (Dephasing(RATE),),
    "loss": (TrapLoss(RATE),),
    "emission": (SpontaneousEmission(RATE),),
}
# Options of quimb's compress; None leaves the network alone.
COMPRESSIONS: dict[str, Mapping[str, Any] | None] = {
    "none": None,
    "default": {},
    "rsum2 1e-6": {"cutoff": 1e-6, "cutoff_mode": "rsum2"},
    "abs 1e-10": {"cutoff": 1e-10, "cutoff_mode": "abs"},
    "abs 1e-4": {"cutoff": 1e-4, "cutoff_mode": "abs"},
    "rel 1e-10": {"cutoff": 1e-10, "cutoff_mode": "rel"},
    "rel 1e-2": {"cutoff": 1e-2, "cutoff_mode": "rel"},
    "cutoff 0": {"cutoff": 0.0},
    "cutoff 0, turned": {"cutoff": 0.0},
    "max_bond 2": {"max_bond": 2},
}
LIMIT_ATOMS = 1000
# For these the fewest atoms whose coherence is deleted are looked for.
_SEARCHED = ("default", "rsum2 1e-6", "abs 1e-10", "abs 1e-4", "rel 1e-2")
# The variational information takes 2 ms per atom.
_INFORMED_ATOMS = 100
BLOCK = 4


@dataclass(frozen=True)
class Config:
    atoms: tuple[int, ...] = (10, 100, 1000)
    dephased: tuple[float, ...] = (1e-3, 0.03, 0.1, 0.5)
    compressions: tuple[str, ...] = tuple(COMPRESSIONS)
    others: tuple[tuple[str, float], ...] = (("loss", 1e-3), ("loss", 0.5), ("emission", 1e-3), ("emission", 0.5))
    other_atoms: tuple[int, ...] = (100,)
    product_atoms: tuple[int, ...] = (100, 1000)


SMOKE = Config(
    atoms=(10, 100),
    dephased=(0.5,),
    compressions=("none", "default", "cutoff 0", "max_bond 2"),
    others=(("loss", 1e-3), ("emission", 0.5)),
    product_atoms=(100,),
)
FULL = Config(
    atoms=(10, 30, 100, 200, 300, 500, 700, 1000),
    dephased=(1e-3, 3e-3, 1e-2, 0.03, 0.1, 0.2, 0.5),
    other_atoms=(100, 300, 1000),
)
KEY = ("state", "noise", "rate_times_time", "atoms", "compression")
BACKENDS = (QuimbMPO(),)
# What is left of a sum of terms that cancel; and errors at the level of rounding.
TOLERANCE = {
    "trace": 1e-9,
    "contrast_over_exact": 1e-7,
    "cfi_over_exact": 1e-7,
    "qfi_over_exact": 1e-7,
    "singular_value_error": 1e-6,
}


def rows(config: Config) -> pd.DataFrame:
    """One row for each state and way of compressing it."""
    wanted = [("GHZ", "dephasing", x, atoms) for x in config.dephased for atoms in config.atoms]
    wanted += [("GHZ", noise, x, atoms) for noise, x in config.others for atoms in config.other_atoms]
    wanted += [(f"blocks of {BLOCK}", "dephasing", 1.0 / BLOCK, atoms) for atoms in config.product_atoms]
    found: list[dict[str, object]] = []
    for case in wanted:
        exact = _evolved(*case)
        error = _singular_value_error(*case)
        reference = _measured(exact, True)
        for compression in config.compressions:
            left = compressed(exact, compression)
            trace, contrast, parity, information = _measured(left, "turned" not in compression)
            predicted, threshold = math.nan, math.nan
            if case[0] == "GHZ":
                predicted = _predicted_contrast(*case[1:], compression)
                if case[1] == "dephasing":
                    threshold = _threshold(case[2], compression)
            populations, coherence = _singular_values(*case)
            found.append(
                {
                    **dict(zip(KEY, (*case, compression), strict=True)),
                    "contrast": reference[1],
                    "population_singular_value": populations[0],
                    "second_population_singular_value": populations[1],
                    "coherence_singular_value": coherence,
                    "singular_value_error": error,
                    "bond": max(left.bonds),
                    "trace": trace,
                    "contrast_over_exact": contrast / reference[1],
                    "contrast_over_exact_predicted": predicted,
                    "cfi_over_exact": parity / reference[2],
                    "qfi_over_exact": information / reference[3],
                    "threshold_atoms": threshold,
                    "threshold_atoms_predicted": _predicted_threshold(case[2], compression)
                    if threshold == threshold
                    else math.nan,
                }
            )
    return pd.DataFrame(found)


def compressed(state: NetworkTangent, compression: str) -> NetworkTangent:
    """The state after quimb has compressed its density operator."""
    options = COMPRESSIONS[compression]
    if options is None:
        return state
    turn = _turn(state.levels) if "turned" in compression else np.eye(state.levels, dtype=complex)
    network = _turned(state, turn).to_quimb()[0]
    network.compress(**options)
    network.permute_arrays("ludr")
    tensors = [np.array(tensor, dtype=complex) for tensor in network.arrays]
    tensors[0], tensors[-1] = tensors[0][None], tensors[-1][..., None]
    left = NetworkTangent(tuple(tensors), state.block_sizes, state.order)
    return _turned(_normalised(left), turn.conj().T)


def _normalised(state: NetworkTangent) -> NetworkTangent:
    """The same with the trace of every independent segment but the first equal to 1.

    Compression leaves factors in the tensors of independent blocks whose product alone has a meaning.
    """
    tensors = list(state.tensors)
    first, *others = state.segments()
    for start, stop in others:
        trace = np.ones(1)
        for tensor in tensors[start:stop]:
            trace = trace @ np.einsum("laar->lr", tensor)
        tensors[start], tensors[first[0]] = tensors[start] / trace, tensors[first[0]] * trace
    return NetworkTangent(tuple(tensors), state.block_sizes, state.order)


def _turned(state: NetworkTangent, turn: NDArray[np.complex128]) -> NetworkTangent:
    """Every atom turned by the same unitary."""
    if np.array_equal(turn, np.eye(state.levels)):
        return state
    tensors = tuple(np.einsum("ac,lcdr,bd->labr", turn, tensor, turn.conj()) for tensor in state.tensors)
    return NetworkTangent(tensors, state.block_sizes, state.order)


def _turn(levels: int) -> NDArray[np.complex128]:
    """A rotation of g and e by one radian about y; a lost atom stays lost."""
    turn = np.eye(levels, dtype=complex)
    turn[:2, :2] = [[math.cos(0.5), -math.sin(0.5)], [math.sin(0.5), math.cos(0.5)]]
    return turn


def _evolved(state: str, noise: str, rate_times_time: float, atoms: int) -> NetworkTangent:
    probe = Ghz(atoms) if state == "GHZ" else Product({BLOCK: atoms // BLOCK})
    return QuimbMPO().evolve(Ramsey(probe, NOISES[noise], rate_times_time / RATE))


def _measured(state: NetworkTangent, variational: bool) -> tuple[float, float, float, float]:
    """Trace, parity contrast of the block in the middle, and the classical and quantum information.

    Information is NaN for many atoms and for what is no state because its trace is not 1; the quantum one also unless
    it is asked for.
    """
    trace, contrast = _trace_and_contrast(state)
    if state.atoms > _INFORMED_ATOMS or abs(trace - 1.0) > 1e-6:
        return trace, contrast, math.nan, math.nan
    information = 0.0
    if contrast > 0.0:
        information = qfi_phase(state) if variational else math.nan
    return trace, contrast, cfi_phase(state, Parity()), information


def _trace_and_contrast(state: NetworkTangent) -> tuple[float, float]:
    raising = np.zeros((state.levels, state.levels), dtype=complex)
    raising[EXCITED, GROUND] = 1.0
    block = state.blocks[len(state.blocks) // 2]

    def mean(operator: NDArray[np.complex128]) -> complex:
        everywhere = [np.eye(state.levels, dtype=complex)] * state.atoms
        for site in block:
            everywhere[site] = operator
        return state.expectation(everywhere)[0]

    return mean(np.eye(state.levels, dtype=complex)).real, abs(mean(raising)) + abs(mean(raising.T))


def _one_atom(noise: str, rate_times_time: float) -> tuple[NDArray[np.float64], float]:
    """Gram matrix of rho_g and rho_e in the Hilbert-Schmidt norm, and the norm of X."""
    superoperator = channel(NOISES[noise], rate_times_time / RATE).reshape((LEVELS,) * 4)
    images = superoperator[:, :, GROUND, GROUND], superoperator[:, :, EXCITED, EXCITED]
    gram = np.array([[np.vdot(one, other).real for other in images] for one in images])
    return gram, float(np.linalg.norm(superoperator[:, :, EXCITED, GROUND]))


def _cut(noise: str, rate_times_time: float, atoms: int, left: int) -> tuple[list[float], float]:
    """Singular values of a GHZ block behind `left` of its atoms: the two populations, and the coherence (twice)."""
    gram, norm = _one_atom(noise, rate_times_time)
    squares = np.linalg.eigvals(gram**left @ gram ** (atoms - left)).real / 4.0
    return sorted(np.sqrt(np.maximum(squares, 0.0)).tolist(), reverse=True), 0.5 * norm**atoms


def _singular_values(state: str, noise: str, rate_times_time: float, atoms: int) -> tuple[list[float], float]:
    """The same in the middle of the network, with the norm of all other blocks."""
    size = atoms if state == "GHZ" else BLOCK
    populations, coherence = _cut(noise, rate_times_time, size, size // 2)
    purity = sum(value**2 for value in populations) + 2.0 * coherence**2
    others = math.sqrt(purity) ** (atoms // size - 1)
    return [value * others for value in populations], coherence * others


def _singular_value_error(state: str, noise: str, rate_times_time: float, atoms: int) -> float:
    """Largest relative error of the formula against those that quimb finds in the middle of the middle block."""
    network = _evolved(state, noise, rate_times_time, atoms).to_quimb()[0]
    size = atoms if state == "GHZ" else BLOCK
    found = np.asarray(network.singular_values((atoms // size // 2) * size + size // 2))[:4]
    populations, coherence = _singular_values(state, noise, rate_times_time, atoms)
    expected = np.array(sorted([*populations, coherence, coherence], reverse=True))
    # A population far below the other one has lost its digits to the rounding of the formula.
    clear = expected > 1e-7 * expected[0] if noise != "dephasing" else expected > 0.0
    return float(np.abs(found[clear] / expected[clear] - 1.0).max())


def _predicted_contrast(noise: str, rate_times_time: float, atoms: int, compression: str) -> float:
    """Share of the contrast left: 1 where all cuts keep both coherences, 0 where they keep none; else NaN."""
    options = COMPRESSIONS[compression]
    if options is None or options.get("cutoff") == 0.0:
        return 1.0
    kept = 2
    for left in (1, 2, atoms // 4, atoms // 2, atoms - 2, atoms - 1):
        populations, coherence = _cut(noise, rate_times_time, atoms, left)
        above = sum(value > coherence for value in populations)
        number = _kept(sorted([*populations, *[coherence] * kept], reverse=True), options)
        kept = max(0, min(kept, number - above))
    return {0: 0.0, 1: math.nan, 2: 1.0}[kept]


def _kept(values: list[float], options: Mapping[str, Any]) -> int:
    """How many singular values quimb keeps, largest first."""
    cutoff, mode = options.get("cutoff", 1e-10), options.get("cutoff_mode", "rsum2")
    if mode == "rsum2":
        squares = np.cumsum(np.square(values[::-1]))[::-1]
        number = int((squares > cutoff * squares[0]).sum())
    else:
        number = sum(value > cutoff * (values[0] if mode == "rel" else 1.0) for value in values)
    return int(min(max(number, 1), options.get("max_bond", number)))


def _predicted_threshold(rate_times_time: float, compression: str) -> float:
    """Fewest atoms of a dephased GHZ state whose coherence is deleted; NaN for none up to the limit."""
    options = COMPRESSIONS[compression]
    if options is None or compression not in _SEARCHED:
        return math.nan
    cutoff, mode = options.get("cutoff", 1e-10), options.get("cutoff_mode", "rsum2")
    half = {"abs": math.log(0.5 / cutoff), "rel": -math.log(cutoff), "rsum2": 0.5 * math.log(0.5 / cutoff - 0.5)}
    atoms = max(2, math.ceil(2.0 * half[mode] / rate_times_time))
    return float(atoms) if atoms <= LIMIT_ATOMS else math.nan


@cache
def _threshold(rate_times_time: float, compression: str) -> float:
    """The same found by compressing, by bisection."""
    if compression not in _SEARCHED:
        return math.nan

    def deleted(atoms: int) -> bool:
        left = compressed(_evolved("GHZ", "dephasing", rate_times_time, atoms), compression)
        return _trace_and_contrast(left)[1] == 0.0

    low, high = 1, LIMIT_ATOMS
    if not deleted(high):
        return math.nan
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if deleted(middle) else (middle, high)
    return float(high)


def _entry(
    column: str, compression: str, noise: str, rate_times_time: float, atoms: int, state: str = "GHZ"
) -> Callable[[pd.DataFrame], float]:
    """A function of the table: the entry of one row."""
    wanted = dict(zip(KEY, (state, noise, rate_times_time, atoms, compression), strict=True))

    def entry(table: pd.DataFrame) -> float:
        row = table
        for name, value in wanted.items():
            row = row[row[name] == value]
        return float(row[column].iloc[0])

    return entry


def _wrong_predictions(table: pd.DataFrame) -> float:
    """Number of GHZ states for which it was predicted wrongly whether the coherence is kept."""
    asked = table[table["contrast_over_exact_predicted"].notna() & (table["compression"] != "cutoff 0, turned")]
    return float(((asked["contrast_over_exact"] - asked["contrast_over_exact_predicted"]).abs() > 1e-6).sum())


def _wrong_thresholds(table: pd.DataFrame) -> float:
    """Largest difference between the predicted and the found fewest atoms of which the coherence is deleted."""
    return float((table["threshold_atoms"] - table["threshold_atoms_predicted"]).abs().max())


def thresholds(table: pd.DataFrame) -> pd.DataFrame:
    """Fewest atoms of a dephased GHZ state whose coherence quimb deletes."""
    ghz = table[(table["state"] == "GHZ") & (table["noise"] == "dephasing")]
    found = []
    for name in COMPRESSIONS:
        if name not in _SEARCHED:
            continue
        rows = ghz[ghz["compression"] == name].drop_duplicates("rate_times_time").set_index("rate_times_time")
        entries: dict[str, object] = {"compression": name}
        for x, atoms in rows["threshold_atoms"].items():
            entries[f"γT = {x:g}"] = f"> {LIMIT_ATOMS}" if math.isnan(atoms) else f"{atoms:.0f}"
        found.append(entries)
    return pd.DataFrame(found)


def damage(table: pd.DataFrame) -> pd.DataFrame:
    """What is left of some states after compression."""
    found = []
    for title, (state, noise, x, atoms) in _SHOWN.items():
        for compression in ("default", "abs 1e-10", "max_bond 2", "cutoff 0, turned"):
            case = (compression, noise, x, atoms, state)
            found.append(
                {
                    "state": title,
                    "contrast": f"{_entry('contrast', *case)(table):.2g}",
                    "compression": compression,
                    "bond": int(_entry("bond", *case)(table)),
                    "trace": f"{_entry('trace', *case)(table):.2g}",
                    "contrast left": f"{abs(_entry('contrast_over_exact', *case)(table)):.3g}",
                }
            )
    return pd.DataFrame(found)


_SHOWN = {
    "GHZ 1000, dephasing, γT = 0.001": ("GHZ", "dephasing", 1e-3, 1000),
    "GHZ 1000, dephasing, γT = 0.1": ("GHZ", "dephasing", 0.1, 1000),
    "GHZ 100, loss, γT = 0.5": ("GHZ", "loss", 0.5, 100),
    "GHZ 100, emission, γT = 0.5": ("GHZ", "emission", 0.5, 100),
    "250 blocks of 4, dephasing, γT = 1/4": (f"blocks of {BLOCK}", "dephasing", 1.0 / BLOCK, 1000),
}
TABLES = {"thresholds": thresholds, "damage": damage}
NUMBERS = {
    "wrong_predictions": _wrong_predictions,
    "largest_threshold_error_atoms": _wrong_thresholds,
    "threshold_default_0_1": _entry("threshold_atoms", "default", "dephasing", 0.1, 10),
    "threshold_abs_1e_10_0_1": _entry("threshold_atoms", "abs 1e-10", "dephasing", 0.1, 10),
    "max_bond_2_contrast": _entry("contrast", "max_bond 2", "dephasing", 1e-3, 1000),
    "max_bond_2_contrast_left": _entry("contrast_over_exact", "max_bond 2", "dephasing", 1e-3, 1000),
    "max_bond_2_trace": _entry("trace", "max_bond 2", "dephasing", 1e-3, 1000),
    "blocks_contrast": _entry("contrast", "abs 1e-10", "dephasing", 1.0 / BLOCK, 1000, f"blocks of {BLOCK}"),
    "blocks_abs_1e_10_trace": _entry("trace", "abs 1e-10", "dephasing", 1.0 / BLOCK, 1000, f"blocks of {BLOCK}"),
    "emission_default_trace": _entry("trace", "default", "emission", 0.5, 100),
}
CLAIMS: tuple[Claim, ...] = ()


def figure(table: pd.DataFrame) -> Figure:
    """Contrast of dephased GHZ states, and which compressions keep it, against N gamma T."""
    figure = Figure(figsize=(COLUMN_IN, 3.6))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1.0, 1.5))
    ghz = table[(table["state"] == "GHZ") & (table["noise"] == "dephasing")]
    strength = np.geomspace(5e-3, 1e3, 300)
    upper.plot(strength, np.exp(-0.5 * strength), color=COLOURS["black"], lw=1.3)
    for axes in (upper, lower):
        axes.axvspan(5e-3, 2.0, color="0.93", zorder=0)
    upper.text(6e-3, 3e-14, "more atoms, more\ninformation: $N\\gamma T < 2$", color="0.35", va="bottom")
    upper.text(14.0, 3e-2, r"contrast $e^{-N\gamma T/2}$", ha="left")
    upper.set(yscale="log", ylim=(1e-15, 10.0), ylabel="parity contrast")
    shown = [name for name in COMPRESSIONS if name in _STRIPS]
    for height, name in enumerate(reversed(shown)):
        strip = ghz[ghz["compression"] == name]
        x = strip["rate_times_time"] * strip["atoms"]
        kept = (strip["contrast_over_exact"] - 1.0).abs() < 1e-3
        lower.plot(x[kept], [height] * int(kept.sum()), "o", color=COLOURS["blue"], ms=3.5)
        lower.plot(x[~kept], [height] * int((~kept).sum()), "X", color=COLOURS["vermilion"], ms=3.8, mew=0)
        edge = _edge(name)
        if edge is not None:
            lower.plot([edge, edge], [height - 0.38, height + 0.38], color=COLOURS["black"], lw=0.9)
    lower.set_yticks(range(len(shown)), [_STRIPS[name] for name in reversed(shown)])
    lower.tick_params(axis="y", length=0)
    lower.set(xscale="log", xlim=(5e-3, 1e3), ylim=(-0.7, len(shown) - 0.3), xlabel=r"$N\gamma T$")
    return figure


def _edge(compression: str) -> float | None:
    """N gamma T from which the coherence is predicted to be deleted."""
    return 0.1 * _predicted_threshold(0.1, compression) if compression in _SEARCHED else None


_STRIPS = {
    "none": "none",
    "default": r"rsum2 $10^{-10}$",
    "rsum2 1e-6": r"rsum2 $10^{-6}$",
    "abs 1e-10": r"abs $10^{-10}$",
    "abs 1e-4": r"abs $10^{-4}$",
    "rel 1e-2": r"rel $10^{-2}$",
    "cutoff 0": "cutoff 0",
    "cutoff 0, turned": "cutoff 0, turned",
    "max_bond 2": "max_bond 2",
}
