r"""Does QuTiP's Lindblad equation confirm the closed forms for noisy GHZ states and the phase of eq. (1)?

*Evolution.* Dephasing, emission and loss, and all three together, take a GHZ state of n atoms to an extreme coherence
:math:`c = \tfrac12 e^{-n(\gamma_i/2+\kappa/2+\Gamma)T}` in a sector of weight
:math:`w = \tfrac12 e^{-n\Gamma T}[1 + (1-e^{-\kappa T})^n + e^{-n\kappa T}]`, so that :math:`F_\delta = 4n^2T^2c^2/w`
and a parity that can't see loss has the contrast :math:`V = 2c`. `Logical` computes this from the channel of one atom,
`QutipDense` integrates the master equation of all atoms, on three levels where atoms can be lost.

*Nodes.* A GHZ state is shared by nodes with detunings :math:`\delta_j`. Its phase after the Lindblad evolution is
compared with :math:`\sum_j n_j\delta_jT`; the information in the parities of all nodes with that of the whole state;
and that in any measurement of all nodes but one with zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qcn_open import (
    CustomState,
    Dephasing,
    Evolved,
    Ghz,
    Logical,
    Noise,
    Parity,
    QutipDense,
    Ramsey,
    SpontaneousEmission,
    TrapLoss,
    cfi,
    qfi,
    qfim,
)
from qcn_open.figures import COLUMN_IN
from qcn_open.ledger import Claim
from qcn_open.states import DenseTangent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MID_FRINGE = np.pi / 2


@dataclass(frozen=True)
class Config:
    """Rates in 1/s; placements are the atoms of the GHZ state at each node."""

    dephasing_rate: float = 1.0
    emission_rate: float = 0.7
    loss_rate: float = 0.4
    two_level_times_s: tuple[float, ...] = (0.3, 1.0)
    three_level_times_s: tuple[float, ...] = (0.3,)
    two_level_atoms: int = 7
    three_level_atoms: int = 6
    placements: tuple[tuple[int, ...], ...] = (
        (1, 1),
        (2, 1),
        (2, 2),
        (1, 1, 1),
        (3, 2),
        (2, 1, 1),
        (1, 1, 1, 1),
    )
    node_time_s: float = 0.3
    seed: int = 20140615


SMOKE = Config(two_level_times_s=(0.3,), two_level_atoms=3, three_level_atoms=2, placements=((1, 1), (2, 1)))
FULL = Config(two_level_times_s=(0.3, 1.0, 3.0), three_level_times_s=(0.3, 1.0), three_level_atoms=7)
KEY = ("check", "noise", "nodes", "time_s")
LOGICAL, LINDBLAD = Logical(), QutipDense()
BACKENDS = (LOGICAL, LINDBLAD)
TOLERANCE = dict.fromkeys(
    (
        "qfi_relative_error",
        "coherence_relative_error",
        "contrast_relative_error",
        "phase_rad",
        "phase_error_rad",
        "weight_error",
        "all_nodes_fraction",
        "all_but_one_fraction",
    ),
    1e-9,
)


def rows(config: Config) -> pd.DataFrame:
    noises: dict[str, tuple[Noise, ...]] = {
        "dephasing": (Dephasing(config.dephasing_rate),),
        "emission": (SpontaneousEmission(config.emission_rate),),
        "loss": (TrapLoss(config.loss_rate),),
    }
    noises["all three"] = tuple(noise for part in noises.values() for noise in part)
    table = []
    for name, noise in noises.items():
        lossy = any(isinstance(part, TrapLoss) for part in noise)
        table += [
            _evolution(name, Ramsey(Ghz(atoms), noise, time))
            for time in (config.three_level_times_s if lossy else config.two_level_times_s)
            for atoms in range(1, (config.three_level_atoms if lossy else config.two_level_atoms) + 1)
        ]
    for name in ("dephasing", "loss"):
        for index, placement in enumerate(config.placements):
            rng = np.random.default_rng(np.random.SeedSequence([config.seed, index]))
            detunings = rng.normal(size=len(placement))
            table.append(_shared(name, noises[name], config.node_time_s, placement, detunings))
    return pd.DataFrame(table)


def _evolution(name: str, model: Ramsey) -> dict[str, object]:
    """Both ways of computing one GHZ state under one noise."""
    tangent = LINDBLAD.evolve(model)
    evolved = Evolved(model, tangent)
    unseen = Parity(loss="random", phase=MID_FRINGE)
    levels = tangent.levels
    all_excited = sum(levels**atom for atom in range(model.atoms))
    closed_coherence = float(np.exp(LOGICAL.evolve(model).log_coherence[0]))
    lindblad_coherence = float(abs(tangent.rho[all_excited, 0]))
    closed_qfi, lindblad_qfi = qfi(model, LOGICAL), qfi(model, evolved)
    # At mid-fringe the information in a parity of contrast V is (n T V)^2.
    scale = model.atoms * model.time
    closed_contrast, lindblad_contrast = (
        np.sqrt(cfi(model, unseen, backend)) / scale for backend in (LOGICAL, evolved)
    )
    return {
        "check": "evolution",
        "noise": name,
        "nodes": str(model.atoms),
        "atoms": model.atoms,
        "levels": levels,
        "time_s": model.time,
        "qfi_closed_s2": closed_qfi,
        "qfi_lindblad_s2": lindblad_qfi,
        "qfi_relative_error": lindblad_qfi / closed_qfi - 1.0,
        "coherence_closed": closed_coherence,
        "coherence_lindblad": lindblad_coherence,
        "coherence_relative_error": lindblad_coherence / closed_coherence - 1.0,
        "parity_contrast_closed": closed_contrast,
        "parity_contrast_lindblad": lindblad_contrast,
        "contrast_relative_error": lindblad_contrast / closed_contrast - 1.0,
    }


def _shared(
    name: str, noise: tuple[Noise, ...], time: float, placement: tuple[int, ...], detunings: NDArray[np.float64]
) -> dict[str, object]:
    """Phase, weights and information of a GHZ state shared by nodes."""
    model = Ramsey(Ghz(sum(placement)), noise, time)
    tangent = LINDBLAD.evolve(model)
    whole, levels, nodes = qfi(model, Evolved(model, tangent)), tangent.levels, len(placement)
    # Each node reads the parity of its own atoms; their angles, with the quarter turn of the i in the prepared
    # state, add up to mid-fringe of the total parity.
    by_node = DenseTangent(tangent.rho, tangent.derivative, levels, placement)
    angles = np.full(nodes, np.pi / nodes - np.pi / 2)
    parities = time**2 * Parity().dense_probabilities(by_node, angles).information(model.atoms)
    subset = max(_without(model, placement, absent) for absent in range(nodes))
    expected = float(np.dot(placement, detunings)) * time
    phase = _lindblad_phase(model, levels, np.repeat(detunings, placement))
    weights = qfim(model, {placement: 1}, Evolved(model, tangent)).weights
    return {
        "check": "nodes",
        "noise": name,
        "nodes": "+".join(map(str, placement)),
        "atoms": model.atoms,
        "levels": levels,
        "time_s": time,
        "qfi_closed_s2": qfi(model, LOGICAL),
        "qfi_lindblad_s2": whole,
        "qfi_relative_error": whole / qfi(model, LOGICAL) - 1.0,
        "phase_rad": expected,
        "phase_error_rad": abs(np.angle(np.exp(1j * (phase - expected)))),
        "weight_error": float(np.abs(weights - np.array(placement) / model.atoms).max()),
        "all_nodes_fraction": parities / whole,
        "all_but_one_fraction": subset / whole,
    }


def _without(model: Ramsey, placement: tuple[int, ...], absent: int) -> float:
    """Information (s^2) in any joint measurement of all nodes but one."""
    import qutip

    owner = np.repeat(np.arange(len(placement)), placement)
    state = qutip.Qobj(model.probe.vector(), dims=[[2] * model.atoms, [1] * model.atoms])
    rest = state.ptrace(np.flatnonzero(owner != absent).tolist())
    return qfi(Ramsey(CustomState(rest), model.noise, model.time), LINDBLAD)


def _lindblad_phase(model: Ramsey, levels: int, detunings: NDArray[np.float64]) -> float:
    """Phase (rad) of the GHZ coherence after a Lindblad evolution in which every atom has its own detuning."""
    import qutip

    ground, excited = qutip.basis(levels, 0), qutip.basis(levels, 1)
    low, high = qutip.tensor([ground] * model.atoms), qutip.tensor([excited] * model.atoms)
    jumps = [qutip.Qobj(jump[:levels, :levels]) for part in model.local_noise for jump in part.jumps()]

    def on(operator: qutip.Qobj, atom: int) -> qutip.Qobj:
        return qutip.tensor([operator if k == atom else qutip.qeye(levels) for k in range(model.atoms)])

    with qutip.CoreOptions(auto_tidyup=False):
        final = qutip.mesolve(
            -sum(detuning * on(excited.proj(), atom) for atom, detuning in enumerate(detunings)),
            qutip.ket2dm((low + 1j * high).unit()),
            [0.0, model.time],
            c_ops=[on(jump, atom) for jump in jumps for atom in range(model.atoms)],
            options={"method": "vern9", "rtol": 1e-12, "atol": 1e-18, "progress_bar": ""},
        ).states[-1]
    return float(np.angle(-1j * (high.dag() * final * low)))


def figure(table: pd.DataFrame) -> Figure:
    import matplotlib.pyplot as plt

    evolution = table[table["check"] == "evolution"]
    time = evolution["time_s"].min()
    drawn = plt.figure(figsize=(COLUMN_IN, 1.15 * COLUMN_IN))
    above, below = drawn.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    for marker, (name, part) in zip(
        "os^D", evolution[evolution["time_s"] == time].groupby("noise", sort=False), strict=True
    ):
        (line,) = above.plot(part["atoms"], part["qfi_closed_s2"] / time**2)
        style = {"linestyle": "none", "marker": marker, "color": line.get_color()}
        above.plot(part["atoms"], part["qfi_lindblad_s2"] / time**2, fillstyle="none", label=name, **style)
        below.plot(part["atoms"], part["qfi_relative_error"].abs().clip(lower=1e-16), fillstyle="none", **style)
    atoms = np.arange(1, evolution["atoms"].max() + 1)
    above.plot(atoms, atoms**2, color="0.6", linestyle="--", linewidth=0.8, zorder=0, label="no noise, $n^2$")
    above.set(yscale="log", ylim=(0.3, 300), ylabel=r"Information  $F_\varphi = F_\delta/T^2$  (rad$^{-2}$)")
    above.legend(loc="upper left", ncols=2, columnspacing=1.5)
    above.set_title(f"Lindblad equation (points), closed form (lines), $T$ = {time:g} s")
    below.set(yscale="log", ylim=(5e-17, 1e-8), xlabel="Atoms in the GHZ state, $n$", ylabel="Relative difference")
    below.axhline(1e-9, color="0.6", linewidth=0.8, linestyle=":")
    below.annotate("required", (1, 1e-9), xytext=(0, -8), textcoords="offset points", fontsize=7, color="0.4")
    below.set_yticks([1e-16, 1e-14, 1e-12, 1e-10, 1e-8])
    return drawn


def _evolved(table: pd.DataFrame, noise: str | None = None) -> pd.DataFrame:
    part = table[table["check"] == "evolution"]
    return part if noise is None else part[part["noise"] == noise]


def _nodes(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["check"] == "nodes"]


def _largest(column: pd.Series) -> float:
    return float(column.abs().max())


def _decoherence_speedup(table: pd.DataFrame) -> float:
    """Decay rate of the coherence of n atoms over n times that of one atom: the value farthest from 1."""
    part = _evolved(table, "dephasing")
    decay = -np.log(2.0 * part["coherence_lindblad"]) / part["time_s"]
    one = decay[part["atoms"] == 1].mean()
    return _farthest_from_one(decay / (part["atoms"] * one))


def _farthest_from_one(column: pd.Series) -> float:
    return float(column.iloc[int(np.argmax((column - 1.0).abs()))])


def _agreement(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "noise": noise,
                "levels": int(part["levels"].iloc[0]),
                "atoms n": f"1–{part['atoms'].max()}",
                "states": len(part),
                "QFI": _largest(part["qfi_relative_error"]),
                "coherence": _largest(part["coherence_relative_error"]),
                "parity contrast": _largest(part["contrast_relative_error"]),
            }
            for noise, part in _evolved(table).groupby("noise", sort=False)
        ]
    )


def _shared_states(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "atoms at nodes": nodes,
                "Φ (rad)": part["phase_rad"].iloc[0],
                "error of Φ (rad)": _largest(part["phase_error_rad"]),
                "all parities / QFI": _farthest_from_one(part["all_nodes_fraction"]),
                "one node missing / QFI": _largest(part["all_but_one_fraction"]),
            }
            for nodes, part in _nodes(table).groupby("nodes", sort=False)
        ]
    )


CLAIMS = (
    Claim(
        id="decoherence-n-times-faster",
        where="Stability analysis, before eq. (3)",
        claim="An entangled state of N atoms decoheres N times faster than one atom.",
        paper_value=1.0,
        compute=_decoherence_speedup,
        supports=(1.0 - 1e-9, 1.0 + 1e-9),
        verdict="holds",
        reason="The decay rate of the extreme coherence over N times that of one atom, from the Lindblad "
        "equation with single-atom dephasing; the value farthest from 1.",
    ),
    Claim(
        id="ghz-phase-adds-up",
        where="eq. (1)",
        claim="The phase of a shared GHZ state is the sum of the phases of its atoms: that of the mean detuning "
        "times the number of atoms.",
        paper_value="error 0 rad",
        compute=lambda table: _largest(_nodes(table)["phase_error_rad"]),
        supports=(0.0, 1e-9),
        verdict="holds",
        reason="Largest error of Σ n_j δ_j T against the phase of the Lindblad state with a detuning for each "
        "node, noise included. Nodes of unequal size give the mean weighted with their atoms n_j, "
        "and the quantum Fisher information matrix has these weights to {largest_weight_error:.1g}.",
    ),
    Claim(
        id="node-parities-all-needed",
        where="Interrogation, after eq. (1)",
        claim="The parities carry information only if those of all nodes are known.",
        paper_value="0 otherwise",
        compute=lambda table: _largest(_nodes(table)["all_but_one_fraction"]),
        supports=(0.0, 1e-9),
        verdict="holds",
        reason="Share of the quantum Fisher information left in any measurement, joint ones included, of all "
        "nodes but one; the largest over nodes, placements and noises.",
    ),
    Claim(
        id="node-parities-suffice",
        where="Interrogation, after eq. (1)",
        claim="The parities of all nodes, measured locally, give the phase information of the shared state.",
        paper_value=1.0,
        compute=lambda table: _farthest_from_one(_nodes(table)["all_nodes_fraction"]),
        supports=(1.0 - 1e-9, 1.0 + 1e-9),
        verdict="holds",
        reason="Fisher information of the node parities over the quantum Fisher information, under dephasing "
        "and under seen loss; the value farthest from 1.",
    ),
)
TABLES = {"agreement": _agreement, "shared": _shared_states}
NUMBERS = {
    "largest_qfi_error": lambda table: _largest(table["qfi_relative_error"]),
    "largest_contrast_error": lambda table: _largest(_evolved(table)["contrast_relative_error"]),
    "largest_phase_error_rad": lambda table: _largest(_nodes(table)["phase_error_rad"]),
    "largest_weight_error": lambda table: _largest(_nodes(table)["weight_error"]),
    "two_level_atoms": lambda table: float(table.loc[table["levels"] == 2, "atoms"].max()),
    "three_level_atoms": lambda table: float(table.loc[table["levels"] == 3, "atoms"].max()),
    "states": lambda table: float(len(table)),
}
