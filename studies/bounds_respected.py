r"""Does any state or readout beat a proven bound, in thousands of random models under all noises together?

Each row draws a probe, a random combination of noises with rates over three decades, a Ramsey time over three and a
half, and a readout, and computes

.. math:: F_\mathrm{readout} \le F \le T^2\left[\frac1{N^2} + \frac1{Nf} + vT\right]^{-1},

readout information, quantum Fisher information and channel-extension bound. The bound is computed from the channel of
one atom and the first two from the state, so that the inequalities are a test of both. Some families can come close:

- a single atom saturates the bound under dephasing and under seen loss;
- weak noise, :math:`N\Lambda T \ll 1`: a GHZ state has :math:`F/F_\mathrm{bound} = 1 - (N\Lambda T)^2/2 + \dots`;
- *optimised* states of 2 to 4 atoms: an ascent alternates between the best observable for a state (the symmetric
  logarithmic derivative L) and the best state for an observable (the top eigenvector of
  :math:`\mathcal E^\dagger(2i[L, J_z] - L^2)`), for the very noise and time of the row.

Where the bound leaves nearly all of the lossless :math:`N^2T^2`, or hardly more than uncorrelated atoms gather anyway,
being close to it means little. The tightest models are listed among those that must lose half of the one and could
gain a quarter over the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qcn_open import (
    CoherentSpin,
    CollectiveNoise,
    CollectiveSpin,
    CustomState,
    Dephasing,
    Depolarizing,
    Evolved,
    Ghz,
    Logical,
    Noise,
    Parity,
    PhaseDiffusion,
    Probe,
    Product,
    Pumping,
    QutipDense,
    Ramsey,
    Readout,
    SpontaneousEmission,
    TrapLoss,
    bounds,
    cfi,
    qfi,
)
from qcn_open.figures import COLOURS, COLUMN_IN
from qcn_open.ledger import Claim
from qcn_open.noise import channel
from qcn_open.readouts import Loss

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from qutip import Qobj


@dataclass(frozen=True)
class Config:
    """Number of random models; the n-th is the same in every profile."""

    models: int = 2400
    seed: int = 20140520


SMOKE = Config(models=48)
FULL = Config(models=30_000)
KEY = ("index",)
# Information far below the bound is a small difference of large numbers.
TOLERANCE = {"cfi_s2": 1e-9, "cfi_over_qfi": 1e-6}
LOGICAL, LINDBLAD = Logical(), QutipDense()
BACKENDS = (LOGICAL, LINDBLAD)
ROUNDING = 1e-9

LOCAL: Mapping[str, Callable[[float], Noise]] = {
    "dephasing": Dephasing,
    "emission": SpontaneousEmission,
    "pumping": Pumping,
    "loss": TrapLoss,
    "depolarising": Depolarizing,
}
RANDOM = ("random state", "random symmetric", "squeezed")
# One period of the families; every 24 models hold the same mixture.
FAMILIES = (
    *["product"] * 6,
    *["GHZ"] * 5,
    *["unbalanced GHZ"] * 4,
    *["uncorrelated"] * 4,
    *RANDOM,
    *["optimised"] * 2,
)
LARGEST = 100_000
ASCENT_STEPS = 30
LOST: tuple[Loss, ...] = ("seen", "random", "dark")


def rows(config: Config) -> pd.DataFrame:
    return pd.DataFrame(
        [
            _row(index, np.random.default_rng(np.random.SeedSequence([config.seed, index])))
            for index in range(config.models)
        ]
    )


def _row(index: int, rng: np.random.Generator) -> dict[str, object]:
    family = FAMILIES[index % len(FAMILIES)]
    few = family in (*RANDOM, "optimised")
    # A random phase common to several blocks is exact for few atoms only.
    diffuses = family != "optimised" and rng.random() < 0.15
    atoms = int(rng.integers(2, 5)) if few else _whole(rng, 40 if diffuses else LARGEST)
    rates = {name: _log_uniform(rng, 0.01, 10.0) for name in LOCAL if rng.random() < 0.35}
    if not rates:
        rates = {str(rng.choice(list(LOCAL))): _log_uniform(rng, 0.01, 10.0)}
    block, probe = _probe(family, atoms, diffuses, rng)
    # In units of the time in which one block loses its coherence.
    time = _log_uniform(rng, 3e-3, 10.0) / (block * sum(rates.values()))
    local = tuple(LOCAL[name](rate) for name, rate in rates.items())
    noise: tuple[Noise | CollectiveNoise, ...] = local
    if diffuses:
        rates["diffusion"] = _log_uniform(rng, 0.01, 1.0) * sum(rates.values()) / block
        noise = (*local, PhaseDiffusion(rates["diffusion"]))
    if probe is None:
        probe = _optimised(atoms, local, time, rng)
    model = Ramsey(probe, noise, time, phase=rng.uniform(-np.pi, np.pi))
    backend = Evolved(model, (LINDBLAD if few else LOGICAL).evolve(model))
    readout = _readout(model, few, rng)
    information, bound = qfi(model, backend), bounds.channel_extension(model)
    read = cfi(model, readout, backend)
    return {
        "index": index,
        "probe": family,
        "atoms": model.atoms,
        "noise": ", ".join(rates),
        **{f"{name}_per_s": rates.get(name, 0.0) for name in LOCAL},
        "diffusion_rad2_per_s": rates.get("diffusion", 0.0),
        "time_s": time,
        "readout": type(readout).__name__,
        "lost_atoms": readout.loss,
        "detection_error": readout.detection_error,
        "bound_s2": bound,
        "escher_s2": _escher(model),
        "uncorrelated_s2": model.atoms * qfi(Ramsey(Ghz(1), local, time), LOGICAL),
        "qfi_s2": information,
        "cfi_s2": read,
        "bound_over_lossless": bound / bounds.heisenberg(model),
        "qfi_over_bound": information / bound,
        "cfi_over_qfi": read / information,
    }


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _whole(rng: np.random.Generator, high: int) -> int:
    """A whole number from 1 to `high`, log-uniform."""
    return int(_log_uniform(rng, 1.0, high + 1.0))


def _probe(family: str, atoms: int, diffuses: bool, rng: np.random.Generator) -> tuple[int, Probe | None]:
    """Atoms of the largest block, and the probe; none where it depends on the noise."""
    if family == "product":
        sizes = {_whole(rng, max(1, atoms // 4)) for _ in range(int(rng.integers(2, 4 if diffuses else 7)))}
        copies = {size: 1 if diffuses else _whole(rng, max(1, atoms // (size * len(sizes)))) for size in sizes}
        if sum(copies.values()) == 1:
            copies = dict.fromkeys(copies, 2)
        return max(sizes), Product(copies)
    if family == "GHZ":
        return atoms, Ghz(atoms)
    if family == "unbalanced GHZ":
        return atoms, Ghz(atoms, excited_weight=rng.uniform(0.02, 0.98))
    if family == "uncorrelated":
        return 1, CoherentSpin(min(atoms, 5) if diffuses else atoms)
    if family == "optimised":
        return atoms, None
    return atoms, CustomState(_few_atoms(family, atoms, rng))


def _few_atoms(family: str, atoms: int, rng: np.random.Generator) -> Qobj:
    """A random pure or mixed state, a random symmetric one, or a spin-squeezed one."""
    import qutip

    dims = [[2] * atoms, [1] * atoms]
    if family == "random symmetric":
        return qutip.Qobj(_symmetric(atoms, rng), dims=dims)
    if family == "squeezed":
        level = _excited(atoms) - atoms / 2
        twisted = np.exp(-0.5j * rng.uniform(0.0, np.pi) * level**2) / np.sqrt(2.0**atoms)
        turn = (-0.5j * rng.uniform(-np.pi, np.pi) * qutip.sigmax()).expm()
        return qutip.tensor([turn] * atoms) * qutip.Qobj(twisted, dims=dims)
    vectors = rng.normal(size=(int(rng.integers(1, 4)), 2, 2**atoms))
    mixture = sum(qutip.ket2dm(qutip.Qobj(real + 1j * imaginary, dims=dims)) for real, imaginary in vectors)
    return mixture.unit()


def _excited(atoms: int, levels: int = 2) -> NDArray[np.int64]:
    """Number of excited atoms in every string of levels."""
    return np.asarray((np.indices((levels,) * atoms) == 1).sum(axis=0).ravel())


def _symmetric(atoms: int, rng: np.random.Generator) -> NDArray[np.complex128]:
    """Amplitudes of a random state that no exchange of atoms changes."""
    excited = _excited(atoms)
    real, imaginary = rng.normal(size=(2, atoms + 1)) / np.sqrt(np.bincount(excited))
    amplitudes = (real + 1j * imaginary)[excited]
    return np.asarray(amplitudes / np.linalg.norm(amplitudes))


def _optimised(atoms: int, noise: Sequence[Noise], time: float, rng: np.random.Generator) -> CustomState:
    """A state that the ascent of the head of this file has led to, from a random symmetric one."""
    import qutip

    levels = 3 if any(jump[2].any() for part in noise for jump in part.jumps()) else 2
    entering = np.flatnonzero((np.indices((levels,) * atoms) < 2).all(axis=0).ravel())
    among = np.add.outer(3 * np.arange(levels), np.arange(levels)).ravel()
    site = channel(noise, time)[np.ix_(among, among)]
    charge = np.subtract.outer(excited := _excited(atoms, levels), excited)
    state = _symmetric(atoms, rng)
    for _ in range(ASCENT_STEPS):
        prepared = np.zeros(charge.shape, dtype=complex)
        prepared[np.ix_(entering, entering)] = np.outer(state, state.conj())
        rho = _on_every_atom(site, prepared, atoms)
        probability, basis = np.linalg.eigh(rho)
        pair = np.add.outer(probability, probability)
        derivative = basis.conj().T @ (1j * charge * rho) @ basis
        inverse = np.where(pair > 1e-13, 2.0 / np.where(pair > 1e-13, pair, 1.0), 0.0)
        optimum = basis @ (derivative * inverse) @ basis.conj().T
        gain = _on_every_atom(site.conj().T, -2j * charge * optimum - optimum @ optimum, atoms)
        state = np.linalg.eigh(gain[np.ix_(entering, entering)])[1][:, -1]
    return CustomState(qutip.Qobj(state, dims=[[2] * atoms, [1] * atoms]))


def _on_every_atom(
    superoperator: NDArray[np.complex128], matrix: NDArray[np.complex128], atoms: int
) -> NDArray[np.complex128]:
    """The same one-atom superoperator, row-stacked, on all atoms."""
    levels = round(len(matrix) ** (1.0 / atoms))
    site, tensor = superoperator.reshape((levels,) * 4), matrix.reshape((levels,) * (2 * atoms))
    for atom in range(atoms):
        pair = (atom, atoms + atom)
        tensor = np.moveaxis(np.tensordot(site, tensor, axes=((2, 3), pair)), (0, 1), pair)
    return np.asarray(tensor.reshape(matrix.shape))


def _readout(model: Ramsey, few: bool, rng: np.random.Generator) -> Readout:
    """A random readout whose information can be had exactly."""
    lost: Loss = LOST[int(rng.integers(len(LOST)))]
    error = float(rng.uniform(0.0, 0.2)) if rng.random() < 0.5 else 0.0
    angle = float(rng.uniform(-np.pi, np.pi))
    alone = set(model.probe.block_sizes()) == {1} and model.common_phase_variance == 0.0
    if rng.random() < 0.5 and (few or alone or model.atoms <= 12):
        return CollectiveSpin(lost, angle, error)
    return Parity(lost, angle if few or rng.random() < 0.5 else None, error)


def _escher(model: Ramsey) -> float:
    """The closed form of the literature where there is one."""
    try:
        return bounds.escher(model)
    except ValueError:
        return float("nan")


def figure(table: pd.DataFrame) -> Figure:
    import matplotlib.pyplot as plt

    drawn = plt.figure(figsize=(COLUMN_IN, 0.85 * COLUMN_IN))
    axis = drawn.subplots()
    for probes, label, colour, marker, size in (
        (("product",), "GHZ products", "blue", ".", 2.0),
        (("uncorrelated",), "uncorrelated", "sky", "+", 2.5),
        (("unbalanced GHZ",), "unbalanced GHZ", "green", "1", 2.5),
        (RANDOM, "2–4 atoms, random", "purple", "x", 2.0),
        (("GHZ",), "GHZ", "black", "o", 2.0),
        (("optimised",), "2–4 atoms, optimised", "vermilion", "^", 2.5),
    ):
        part = table[table["probe"].isin(probes)]
        axis.plot(
            1.0 / part["bound_over_lossless"] - 1.0,
            part["qfi_over_bound"],
            marker,
            color=COLOURS[colour],
            label=label,
            markersize=size,
            markeredgewidth=0.5,
            fillstyle="none" if marker in "o^" else "full",
            alpha=0.8,
        )
    axis.axhline(1.0, color="0.4", linewidth=0.8, zorder=0)
    axis.set(
        xscale="log",
        xlim=(2e-3, 1e3),
        ylim=(0.0, 1.3),
        yticks=np.linspace(0.0, 1.0, 6),
        xlabel=r"Cost of noise,  $N^2T^2/\mathrm{bound} - 1$",
        ylabel=r"Information / bound,  $F/F_\mathrm{bound}$",
    )
    axis.legend(loc="upper left", ncols=3, columnspacing=0.8, handletextpad=0.1, fontsize=6.5)
    return drawn


def _violations(column: pd.Series) -> int:
    return int((column > 1.0 + ROUNDING).sum())


def _contested(table: pd.DataFrame) -> pd.DataFrame:
    """The models in which noise costs at least half, and entanglement could gain a quarter."""
    return table[(table["bound_over_lossless"] < 0.5) & (table["bound_s2"] > 1.25 * table["uncorrelated_s2"])]


def _tightest(table: pd.DataFrame) -> pd.DataFrame:
    part = _contested(table).nlargest(10, "qfi_over_bound")
    return pd.DataFrame(
        {
            "probe": part["probe"],
            "N": part["atoms"],
            "noise": part["noise"],
            "bound / N²T²": part["bound_over_lossless"],
            "bound / uncorrelated": part["bound_s2"] / part["uncorrelated_s2"],
            "F / bound": part["qfi_over_bound"],
        }
    )


def _families(table: pd.DataFrame) -> pd.DataFrame:
    contested = _contested(table)
    return pd.DataFrame(
        [
            {
                "probe": probe,
                "models": len(part),
                "N up to": int(part["atoms"].max()),
                "violations": _violations(part["qfi_over_bound"]) + _violations(part["cfi_over_qfi"]),
                "largest F / bound": float(part["qfi_over_bound"].max()),
                "contested": float(contested.loc[contested["probe"] == probe, "qfi_over_bound"].max()),
                "largest readout / F": float(part["cfi_over_qfi"].max()),
            }
            for probe, part in table.groupby("probe", sort=False)
        ]
    )


def _over_eq4(table: pd.DataFrame) -> float:
    """Largest F/T over N/(dephasing + loss rate), where there is no other noise."""
    others = ["emission_per_s", "pumping_per_s", "depolarising_per_s", "diffusion_rad2_per_s"]
    part = table[(table[others] == 0.0).all(axis=1)]
    rate = part["dephasing_per_s"] + part["loss_per_s"]
    return float((part["qfi_s2"] / part["time_s"] * rate / part["atoms"]).max())


CLAIMS = (
    Claim(
        id="eq4-never-beaten",
        where="eq. (4), text",
        claim="Eq. (4) is the best conceivable stability with decoherence of single atoms: F/T is at most N/γ_i.",
        paper_value="at most 1",
        compute=_over_eq4,
        supports=(0.3, 1.0),
        verdict="holds",
        reason="Largest γ_iF/(NT) among random states under dephasing and loss, rates added. In {models:.0f} models "
        "with all noises, the information is at most {largest_ratio:.6f} of the bound for N atoms, which becomes "
        "eq. (4) for many, and that of the readout at most {largest_readout_ratio:.6f} of the quantum one.",
    ),
)
TABLES = {"families": _families, "tightest": _tightest}
NUMBERS = {
    "models": lambda table: float(len(table)),
    "products": lambda table: float((table["probe"] == "product").sum()),
    "not_ghz": lambda table: float((~table["probe"].isin(["product", "GHZ"])).sum()),
    "few_atom_states": lambda table: float(table["probe"].isin((*RANDOM, "optimised")).sum()),
    "violations": lambda table: float(_violations(table["qfi_over_bound"])),
    "readout_violations": lambda table: float(_violations(table["cfi_over_qfi"])),
    "largest_ratio": lambda table: float(table["qfi_over_bound"].max()),
    "largest_contested_ratio": lambda table: float(_contested(table)["qfi_over_bound"].max()),
    "contested": lambda table: float(len(_contested(table))),
    "largest_readout_ratio": lambda table: float(table["cfi_over_qfi"].max()),
    "closed_forms": lambda table: float(table["escher_s2"].notna().sum()),
    "largest_closed_form_difference": lambda table: float((table["escher_s2"] / table["bound_s2"] - 1.0).abs().max()),
}
