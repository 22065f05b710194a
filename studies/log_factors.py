r"""By which factors do the schemes of Fig. 3 differ, once logarithms, constants and rounding errors are counted?

The paper compares its schemes by powers of N and K (discussion of Fig. 3), at short averaging times, where
:math:`T = \tau`:

====================  ==========================  ======================  ================================
factor                between                     the paper               its own laws, logarithm kept
====================  ==========================  ======================  ================================
``cooperation``       (c) and (b)                 :math:`\sqrt K`         :math:`\sqrt K`
``entanglement``      (b) and (a)                 :math:`\sqrt K`         :math:`\sqrt{K\ln(N/K)/\ln N}`
``interrogation``     (d) and (a)                 :math:`\sqrt N`         :math:`\sqrt{N/\ln N}`
====================  ==========================  ======================  ================================

Here the same factors come out of the exact budgets of `stability` at :math:`\gamma_{LO}\tau = 0.3`, the longest time
without ensembles that count windings: best allocation, fixed readout angles, joint estimation, no decoherence.

*What to expect.* With the joint estimator a cascade errs by a constant times :math:`\pi/N`, the constant near 2, so
that no logarithm is left between (d) and (a) but the constant is: :math:`\sqrt N/2\pi`. Over K nodes the smallest
block has K atoms, and a coarse stage of uncorrelated atoms has to tell its fringe: 24 % of a thousand atoms at K = 10.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from qcn_open import Joint, MultiAngle, Network, Node, Oscillator
from qcn_open.figures import COLOURS, COLUMN_IN
from qcn_open.ledger import Claim
from qcn_open.stability import stability

TAU = 0.3
# omega_0 = 1 rad/s and gamma_LO = 1/s.
FREQUENCY_HZ = 0.5 / math.pi


@dataclass(frozen=True)
class Config:
    # Atoms in the network and nodes.
    networks: tuple[tuple[int, int], ...] = ((200, 2), (500, 5), (1000, 2), (1000, 5), (1000, 10), (2000, 10))


SMOKE = Config(networks=((200, 2),))
FULL = Config(
    networks=((200, 2), (500, 5), (1000, 2), (1000, 5), (1000, 10), (1000, 20), (2000, 10), (4000, 10), (4000, 20))
)
KEY = ("factor", "atoms", "nodes")
BACKENDS = (Joint(), MultiAngle())

SCHEMES = {
    "cooperation": ("quantum-alone", "quantum-classical"),
    "entanglement": ("quantum-classical", "quantum-cooperative"),
    "interrogation": ("classical-cooperative", "quantum-cooperative"),
}


def rows(config: Config) -> pd.DataFrame:
    """One row for each factor and network."""
    found: list[dict[str, object]] = []
    for atoms, nodes in config.networks:
        network = Network((Node(atoms // nodes),) * nodes, Oscillator.from_linewidth(white=1.0), (), FREQUENCY_HZ)
        used = sorted({scheme for pair in SCHEMES.values() for scheme in pair})
        deviation = {scheme: float(stability(network, scheme, [TAU])["sigma_y"].iloc[0]) for scheme in used}
        powers = {
            "cooperation": (math.sqrt(nodes), math.sqrt(nodes)),
            "entanglement": (math.sqrt(nodes), math.sqrt(nodes * math.log(atoms / nodes) / math.log(atoms))),
            "interrogation": (math.sqrt(atoms), math.sqrt(atoms / math.log(atoms))),
        }
        for factor, (worse, better) in SCHEMES.items():
            found.append(
                {
                    "factor": factor,
                    "atoms": atoms,
                    "nodes": nodes,
                    "power": powers[factor][0],
                    "with_logarithm": powers[factor][1],
                    "exact": deviation[worse] / deviation[better],
                }
            )
    return pd.DataFrame(found)


def _exact(factor: str, atoms: int = 1000, nodes: int = 10, column: str = "exact") -> Callable[[pd.DataFrame], float]:
    """One entry of the table."""

    def entry(table: pd.DataFrame) -> float:
        row = table[(table["factor"] == factor) & (table["atoms"] == atoms) & (table["nodes"] == nodes)]
        return float(row[column].iloc[0])

    return entry


def factors(table: pd.DataFrame) -> pd.DataFrame:
    """The factors, network by network."""
    wide = table.pivot(index=["atoms", "nodes"], columns="factor", values=["exact", "with_logarithm", "power"])
    return pd.DataFrame(
        {
            "N": [atoms for atoms, _ in wide.index],
            "K": [nodes for _, nodes in wide.index],
            "b/a, √K": [f"{value:.2f}" for value in wide["power", "entanglement"]],
            "logarithm kept": [f"{value:.2f}" for value in wide["with_logarithm", "entanglement"]],
            "b/a": [f"{value:.2f}" for value in wide["exact", "entanglement"]],
            "d/a, √N": [f"{value:.1f}" for value in wide["power", "interrogation"]],
            "log. kept": [f"{value:.1f}" for value in wide["with_logarithm", "interrogation"]],
            "d/a": [f"{value:.2f}" for value in wide["exact", "interrogation"]],
        }
    )


TABLES = {"factors": factors}
NUMBERS = {
    f"{factor}_{column}": _exact(factor, column=column)
    for factor in SCHEMES
    for column in ("exact", "with_logarithm", "power")
}
