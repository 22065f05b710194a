r"""What would the clocks of the paper's examples reach, laser, windings, rounding errors and decoherence included?

The paper quotes 4e-17 after 1 s for ten clocks of ten Al⁺ ions, about 2e-18 after 1 s for ten clocks of a thousand Sr
atoms, and "beyond" 1e-20 after 100 s for lines of a few tens of µHz (429 THz and :math:`10^4` atoms assumed). It names
no laser. The study `species_stability` has what the laws, the bound and ideal readouts give; here are the exact budgets
of `stability` for white lasers of several linewidths: ensembles that track windings, a coarse stage, the best cascade
at fixed readout angles with joint estimation, the best :math:`T \le \tau`; and the same for uncorrelated atoms.

*What to expect.* With T ≤ 1 s the better the laser, the fewer atoms are needed to know the fringe. Ten nodes of ten ions
share blocks of ten atoms and more. A prior phase of :math:`\sqrt{2\gamma_{LO}T}` has to fit into the fringe of the
smallest block, :math:`\pm\pi/10`, or a coarse stage of :math:`(4/\pi^2)K^2\ln N \approx 187` uncorrelated ions, of which
there are 100, has to find it: with a laser that is not good enough for the former the shared cascade is no option.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from qcn_open import Dephasing, Joint, MultiAngle, Network, Node, Oscillator
from qcn_open.figures import COLOURS, COLUMN_IN
from qcn_open.ledger import Claim
from qcn_open.species import decoherence_limited_stability, heisenberg_stability
from qcn_open.stability import stability

NODES = 10


@dataclass(frozen=True)
class Example:
    """One of the paper's examples: atoms of a node, transition (Hz), linewidth (Hz), averaging time (s), and its value."""

    atoms: int
    frequency_hz: float
    linewidth_hz: float
    tau_s: float
    quoted: float


EXAMPLES = {
    "Al+": Example(10, 1121e12, 8e-3, 1.0, 4e-17),
    "Sr": Example(1000, 429e12, 1e-3, 1.0, 2e-18),
    "30 uHz": Example(1000, 429e12, 30e-6, 100.0, 1e-20),
}


@dataclass(frozen=True)
class Config:
    examples: tuple[str, ...] = tuple(EXAMPLES)
    # gamma_LO/2 pi
    laser_linewidths_hz: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


SMOKE = Config(examples=("Al+",), laser_linewidths_hz=(1e-3, 1.0))
FULL = Config(laser_linewidths_hz=tuple(10.0 ** (k / 4.0) for k in range(-16, 5)))
KEY = ("example", "scheme", "laser_linewidth_hz")
BACKENDS = (Joint(), MultiAngle())


def rows(config: Config) -> pd.DataFrame:
    """One row for each example, scheme and linewidth of the laser."""
    found: list[dict[str, object]] = []
    for name in config.examples:
        example = EXAMPLES[name]
        atoms = NODES * example.atoms
        for linewidth in config.laser_linewidths_hz:
            network = Network(
                (Node(example.atoms),) * NODES,
                Oscillator.from_linewidth(white=2.0 * math.pi * linewidth),
                (Dephasing(2.0 * math.pi * example.linewidth_hz),),
                example.frequency_hz,
            )
            for scheme in ("quantum-cooperative", "quantum-classical", "classical-cooperative"):
                point = stability(network, scheme, [example.tau_s]).iloc[0]
                found.append(
                    {
                        "example": name,
                        "scheme": scheme,
                        "laser_linewidth_hz": linewidth,
                        "tau_s": example.tau_s,
                        "sigma_y": float(point["sigma_y"]),
                        "bound_sigma_y": float(point["bound_sigma_y"]),
                        "eq3": heisenberg_stability(example.frequency_hz, atoms, example.tau_s),
                        "eq4": decoherence_limited_stability(
                            example.frequency_hz, atoms, example.linewidth_hz, example.tau_s
                        ),
                        "quoted": example.quoted,
                        "interrogation_time_s": float(point["interrogation_time_s"]),
                        "uncorrelated_atoms": int(point["uncorrelated_atoms"]),
                        "tracking": point["tracking"],
                        "cascade": point["cascade"],
                        "limited_by": point["limited_by"],
                    }
                )
    return pd.DataFrame(found)
