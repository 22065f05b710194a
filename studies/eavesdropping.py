r"""What does an eavesdropper learn of the time, by what he can read, and how much key keeps it from him?

``K = 10`` nodes run one clock in closed loop, with lasers of white frequency noise of equal strength and the cascade
``CASCADE``. The eavesdropper has all laser light, and what else the case says. Parts of the table:

===============  =====================================================================================================
part             what
===============  =====================================================================================================
``information``  largest mutual information (bits) of a uniform phase and `x` of the parities of one block, from the
                 density matrix, every subset, every outcome; `expected` from `qcn_open.security.parity_information`
``stability``    ω₀σ_y (rad/s) of his record at `x` cycles; `expected` that of the free centre of mass in theory
``correlation``  of the phase of a cycle with what he makes of the parities, with its 95 % interval
``key``          bits of key that one-time pads use up in a cycle
===============  =====================================================================================================

*What to expect.* Without one parity of every block the outcomes are uniform whatever the phase is: he has the light,
whose centre of mass, of linewidth :math:`\gamma_{LO}`, runs free with :math:`\omega_0\sigma_y =
\sqrt{\gamma_{LO}/\tau}`, and nothing to correct it with.
The centre need not send its own parities, so those of the others may be read by anyone. What must be hidden: the
feedback, which is the clock, and the results of *uncorrelated* atoms, each of which tells a phase by itself. With these
he follows the steering for a while, :math:`\hat c_{k+1} = \hat c_k + g\hat\phi_k`, until his errors add up to a random
walk. If the nodes mixed the feedback in before they sent their light, the light itself would be the steered one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from qcn_open import (
    Cascade,
    Dephasing,
    Depolarizing,
    Ghz,
    Joint,
    MultiAngle,
    Noise,
    Oscillator,
    QutipDense,
    Ramsey,
    SequentialTest,
    SpontaneousEmission,
    overlapping_adev,
)
from qcn_open.figures import COLOURS, COLUMN_IN
from qcn_open.ledger import Claim
from qcn_open.security import AttackedRecord, key_demand, parity_information, run_attacked

NODES = 10
TIME_S = 0.3
GAIN = 0.1
CASCADE = Cascade((12, 9, 5, 3), nodes=NODES, uncorrelated=240)
# White noise of each laser such that their centre of mass has gamma_LO = 1/s.
LINEWIDTH_S = 1.0
LASERS = (Oscillator.from_linewidth(white=NODES * LINEWIDTH_S),) * NODES
PHASES = 512
NOISES: dict[str, tuple[Noise, ...]] = {
    "no noise": (),
    "dephasing": (Dephasing(1.0),),
    "depolarising": (Depolarizing(0.3),),
    "emission": (SpontaneousEmission(0.5),),
}


@dataclass(frozen=True)
class Config:
    nodes: tuple[int, ...] = (2, 3, 4, 5, 6)
    cycles: int = 2**17
    seed: int = 20146


SMOKE = Config(nodes=(2, 4))
FULL = Config(cycles=2**21)
KEY = ("part", "case", "x")
BACKENDS = (QutipDense(), Joint(), MultiAngle())

Row = dict[str, object]


def rows(config: Config) -> pd.DataFrame:
    """One row for each part, case and value of x; intervals hold 95 %."""
    return pd.DataFrame([*_information(config), *_clocks(config)])


def _row(part: str, case: str, x: float, value: float, expected: float, low: float, high: float) -> Row:
    return {"part": part, "case": case, "x": x, "value": value, "low": low, "high": high, "expected": expected}


def _information(config: Config) -> Iterator[Row]:
    for name, noise in NOISES.items():
        for nodes in config.nodes:
            law = _parities(nodes, noise)
            # The first harmonic of one outcome.
            harmonic = np.exp(2j * math.pi * (np.arange(PHASES) + 0.5) / PHASES)
            contrast = min(1.0, 2.0 ** (nodes + 1) * abs(complex(np.mean(law[:, 0] * harmonic))))
            for known in range(1, nodes + 1):
                found = [
                    _mutual_information(law, nodes, subset) for subset in itertools.combinations(range(nodes), known)
                ]
                expected = parity_information(nodes, known, contrast)
                case = f"{name}, {nodes} nodes"
                yield _row("information", case, float(known), max(found), expected, min(found), max(found))


def _parities(nodes: int, noise: tuple[Noise, ...]) -> NDArray[np.float64]:
    """Probability of every string of parities of one atom a node, at phases on the circle, shape (phases, 2^K)."""
    from scipy.linalg import hadamard

    state = QutipDense().evolve(Ramsey(Ghz(nodes), noise, 0.4)).to_qutip()[0].full()
    excited = np.array([bin(level).count("1") for level in range(2**nodes)])
    readout = hadamard(2**nodes) / 2.0 ** (nodes / 2.0)
    law = []
    for phase in 2.0 * math.pi * (np.arange(PHASES) + 0.5) / (PHASES * nodes):
        turn = np.exp(1j * phase * excited)
        law.append(np.einsum("ij,jk,ik->i", readout, turn[:, None] * state * turn.conj(), readout).real)
    return np.array(law)


def _mutual_information(law: NDArray[np.float64], nodes: int, subset: tuple[int, ...]) -> float:
    """Bits, of the phase and some of the parities."""
    others = tuple(1 + node for node in range(nodes) if node not in subset)
    known = law.reshape((-1, *(2,) * nodes)).sum(axis=others).reshape(len(law), -1)
    mean = known.mean(axis=0)
    terms = np.where(known > 0.0, known * np.log2(np.maximum(known, 1e-300) / mean), 0.0)
    # Without the digits that rounding leaves of 0.
    return abs(round(float(terms.sum(axis=1).mean()), 12))


def _clocks(config: Config) -> Iterator[Row]:
    rng = np.random.default_rng([config.seed, config.cycles])
    idle = SequentialTest(((0.0, 0.0),), false_alarm_rate=1e-6)
    run = run_attacked(CASCADE, LASERS, TIME_S, config.cycles, rng, attacks={}, test=idle, test_rate=0.0, gain=GAIN)
    free = Oscillator.from_linewidth(white=LINEWIDTH_S)
    averages = [2**octave for octave in range(0, 15, 2)]
    for case, errors in _records(run).items():
        found = overlapping_adev(errors / TIME_S, 1.0 / TIME_S, [TIME_S * average for average in averages])
        for average, point in zip(averages, found.to_dict("records"), strict=True):
            expected = float(free.allan_deviation(TIME_S * average))
            deviation, low, high = (float(point[name]) for name in ("sigma_y", "sigma_y_low", "sigma_y_high"))
            yield _row("stability", case, float(average), deviation, expected, low, high)
    phases = run.phases.mean(axis=0)
    for case, estimate, expected in (
        ("all parities but one of every block", run.partial, 0.0),
        ("uncorrelated atoms", run.alone, math.nan),
        ("all parities", run.common, math.nan),
    ):
        value = float(np.corrcoef(estimate, phases)[0, 1])
        width = 1.96 / math.sqrt(config.cycles)
        # Fisher's transformation.
        low, high = (math.tanh(math.atanh(min(value, 1.0 - 1e-12)) + sign * width) for sign in (-1.0, 1.0))
        yield _row("correlation", case, 0.0, value, expected, low, high)
    spread, error = float(phases.std()), float((run.common - phases).std())
    demand = key_demand(CASCADE, spread, error)
    for case, bits in demand._asdict().items():
        yield _row("key", case, 0.0, float(bits), math.nan, float(bits), float(bits))


def _records(run: AttackedRecord) -> dict[str, NDArray[np.float64]]:
    """Phase of the light's centre of mass (rad) less what everyone makes of what he knows."""
    light, phases = run.light.mean(axis=0), run.phases.mean(axis=0)
    return {
        "light": light,
        "light, all parities but one of every block": light - _followed(run.partial),
        "light, uncorrelated atoms": light - _followed(run.alone),
        "light, all parities": light - _followed(run.common),
        "light sent after the feedback": phases,
        "member": phases - run.common,
    }


def _followed(estimates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Phase of the free laser for someone who believes these estimates of the steered one."""
    corrections = GAIN * np.concatenate([[0.0], np.cumsum(estimates)[:-1]])
    return corrections + estimates


def _entry(part: str, case: str, x: float, column: str = "value") -> Callable[[pd.DataFrame], float]:
    """A function of the table: one entry."""

    def entry(table: pd.DataFrame) -> float:
        return float(_curve(table, part, case).set_index("x")[column].loc[x])

    return entry


def _curve(table: pd.DataFrame, part: str, case: str) -> pd.DataFrame:
    return table[(table["part"] == part) & (table["case"] == case)]


def _largest_of_subsets(table: pd.DataFrame) -> float:
    """Largest information that fewer than all parities give, bits."""
    information = table[table["part"] == "information"]
    nodes = information["case"].str.extract(r"(\d+) nodes")[0].astype(int)
    return float(information[information["x"] < nodes]["value"].max())


def _gain(x: float) -> Callable[[pd.DataFrame], float]:
    """Stability of the eavesdropper's light over that of the free centre of mass in theory."""
    return lambda table: _entry("stability", "light", x)(table) / _entry("stability", "light", x, "expected")(table)


def _over_member(case: str, x: float) -> Callable[[pd.DataFrame], float]:
    return lambda table: _entry("stability", case, x)(table) / _entry("stability", "member", x)(table)


def _wrong_order(table: pd.DataFrame) -> float:
    """Deviation of light that is sent after the feedback over that of the free light, at 1024 cycles."""
    after = _entry("stability", "light sent after the feedback", 1024.0)(table)
    return after / _entry("stability", "light", 1024.0)(table)


_MISSING = "all parities but one of every block"
NUMBERS = {
    "largest_information_of_subsets": _largest_of_subsets,
    "information_of_all": _entry("information", "no noise, 4 nodes", 4.0),
    "light_over_free": _gain(64.0),
    "light_over_free_low": lambda table: (
        _entry("stability", "light", 64.0, "low")(table) / _entry("stability", "light", 64.0, "expected")(table)
    ),
    "light_over_free_high": lambda table: (
        _entry("stability", "light", 64.0, "high")(table) / _entry("stability", "light", 64.0, "expected")(table)
    ),
    "light_over_member": _over_member("light", 64.0),
    "single_atoms_over_light": lambda table: (
        _entry("stability", "light, uncorrelated atoms", 1.0)(table) / _entry("stability", "light", 1.0)(table)
    ),
    "wrong_order_over_member_1024": _over_member("light sent after the feedback", 1024.0),
    "correlation_high": lambda table: max(
        abs(_entry("correlation", _MISSING, 0.0, side)(table)) for side in ("low", "high")
    ),
    "key_feedback_bits": _entry("key", "feedback", 0.0),
    "key_uncorrelated_bits": _entry("key", "uncorrelated", 0.0),
    "key_bits_per_s": lambda table: (
        (_entry("key", "feedback", 0.0)(table) + _entry("key", "uncorrelated", 0.0)(table)) / TIME_S
    ),
}
CLAIMS = (
    Claim(
        id="only-all-parities-inform",
        where="Interrogation, before eq. (1)",
        claim="Only the full set of the parities p_j contains information.",
        paper_value=0.0,
        compute=_largest_of_subsets,
        supports=(-1e-12, 1e-12),
        verdict="holds, with noise too; but not for the uncorrelated atoms that the protocol needs besides",
        reason="Largest information (bits) in fewer than all parities of GHZ states of 2 to 6 nodes, noiseless or "
        "decohered; all of them give {information_of_all:.3f} at V = 1. The results of uncorrelated atoms tell a "
        "phase each: with them an eavesdropper's record at one cycle has {single_atoms_over_light:.2f} times the "
        "deviation of the free light.",
    ),
    Claim(
        id="eavesdropper-free-running",
        where="Security, eavesdropping",
        claim="Who intercepts all laser light can only access the centre of mass that is not stabilised.",
        paper_value=1.0,
        compute=_gain(64.0),
        supports=(0.97, 1.03),
        verdict="holds",
        reason="Deviation of his record over that of the free centre of mass in theory, 64 cycles; 95 % interval "
        "{light_over_free_low:.3f} to {light_over_free_high:.3f}. It is {light_over_member:.0f} times that of a "
        "member. What all parities but one of every block show has a correlation with the phase of at most "
        "{correlation_high:.4f} (95 %).",
    ),
    Claim(
        id="feedback-after-sending",
        where="Security, eavesdropping",
        claim="The feedback has to be mixed in after the laser light has been sent.",
        paper_value="after",
        compute=lambda table: 1.0 / _wrong_order(table),
        supports=(5.0, 1e4),
        verdict="holds",
        reason="Deviation of the free light over that of light sent after the feedback, 1024 cycles: it would give the "
        "clock away up to a factor of {wrong_order_over_member_1024:.1f}.",
    ),
    Claim(
        id="centre-alone-decodes",
        where="Security, eavesdropping",
        claim="The centre alone can decode the results that the nodes send, by its own.",
        paper_value=0.0,
        compute=_entry("correlation", _MISSING, 0.0),
        supports=(-0.01, 0.01),
        verdict="holds for shared blocks",
        reason="Correlation of the phase with the parities of all nodes but one, which then need no key: the feedback "
        "takes {key_feedback_bits:.0f} bits a cycle, the uncorrelated atoms {key_uncorrelated_bits:.0f}, together "
        "{key_bits_per_s:.0f} bits/s for cycles of 0.3 s.",
    ),
)


def figure(table: pd.DataFrame) -> Figure:
    """Allan deviation of what the eavesdropper makes of what he has, against the averaging time."""
    figure = Figure(figsize=(COLUMN_IN, 3.3))
    axes = figure.subplots()
    for case, (colour, marker) in _STYLE.items():
        curve = _curve(table, "stability", case)
        error = [curve["value"] - curve["low"], curve["high"] - curve["value"]]
        axes.errorbar(curve["x"], curve["value"], error, color=COLOURS[colour], fmt=marker, mfc="white", lw=0.8, ms=3.5)
    light = _curve(table, "stability", "light")
    axes.plot(light["x"], light["expected"], color=COLOURS["vermilion"], lw=1.0)
    axes.set(xscale="log", yscale="log", xlim=(0.7, 3e4), ylim=(1e-4, 5.0), xlabel="averaging time (cycles)")
    axes.set_ylabel(r"$\omega_0\sigma_y\,/\,\gamma_{LO}$")
    axes.text(30.0, 0.55, "light alone", color=COLOURS["vermilion"])
    axes.text(400.0, 1.2, "and uncorrelated\natoms", color=COLOURS["orange"], va="center")
    axes.text(1500.0, 0.012, "light sent\nafter feedback", color=COLOURS["purple"], va="center")
    axes.text(1.0, 0.0028, "and all parities,\nor a member", color=COLOURS["blue"], va="center")
    return figure


_STYLE = {
    "light": ("vermilion", "o"),
    "light, uncorrelated atoms": ("orange", "^"),
    "light, all parities": ("blue", "D"),
    "light sent after the feedback": ("purple", "v"),
    "member": ("black", "+"),
}
