r"""What no choice of states, times and readouts gets below, for a network of clocks.

Where nodes differ, atoms that cooperate may weigh them as they like. What bounds every such choice is that of as many
atoms of the highest frequency, which only what decoheres *all* of them decoheres: the common noise, and of each kind
the least that a node has. The information of uncorrelated atoms is the sum of theirs, that of clocks of their own, too.
Lasers, dead time, gates and links are perfect here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qcn_open.clock import SCHEMES, clocks
from qcn_open.network import Network
from qcn_open.noise import Noise, one_site
from qcn_open.ramsey import bound_optimal_time
from qcn_open.validation import positive

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["common_noise", "largest_information", "limits"]


def limits(
    network: Network, tau: NDArray[np.float64] | Sequence[float] | float, schemes: Sequence[str] = SCHEMES
) -> pd.DataFrame:
    r"""The deviation that no clock of a scheme gets below at each averaging time.

    Parameters
    ----------
    network : Network
        The clocks.
    tau : array_like
        Averaging times, s.
    schemes : sequence of str, optional
        As for `qcn_open.stability`. In classical ones atoms are uncorrelated, in the others in any state.

    Returns
    -------
    DataFrame
        tau_s, scheme, atoms, bound_sigma_y.

    Raises
    ------
    TypeError
        If the network is none.
    ValueError
        If a scheme is unknown, or an averaging time not > 0.

    Notes
    -----
    From `qcn_open.bounds.channel_extension`, at the best interrogation time up to tau.

    Examples
    --------
    >>> from qcn_open import Dephasing, Network, Node, Oscillator
    >>> network = Network((Node(100),) * 2, Oscillator(white=2.0), (Dephasing(1.0),), 429e12)
    >>> table = limits(network, 1e3).set_index("scheme")
    >>> float((table.bound_sigma_y["classical-alone"] / table.bound_sigma_y["quantum-alone"]) ** 2).__round__(2)
    2.37
    """
    import pandas as pd

    members = {scheme: clocks(network, scheme) for scheme in schemes}
    rows = []
    for value in np.atleast_1d(np.asarray(tau, dtype=float)).tolist():
        time = positive("tau", value, "s")
        for scheme in schemes:
            information = sum(_information(network, scheme, time))
            atoms = sum(clock.atoms for clock in members[scheme])
            bound = 1.0 / math.sqrt(information)
            rows.append({"tau_s": time, "scheme": scheme, "atoms": atoms, "bound_sigma_y": bound})
    return pd.DataFrame(rows)


def _information(network: Network, scheme: str, tau: float) -> list[float]:
    """Largest information about the fractional frequency from each clock, or the uncorrelated atoms of each node."""
    single = [network.joint(number) for number in range(1 if scheme.endswith("alone") else len(network.nodes))]
    omegas = [2.0 * math.pi * node.frequency_hz for node in single]
    if scheme.startswith("classical"):
        return [
            node.atoms * w**2 * largest_information(1, node.noise, tau) for node, w in zip(single, omegas, strict=True)
        ]
    if scheme == "quantum-cooperative":
        return [max(omegas) ** 2 * largest_information(network.atoms, common_noise(network), tau)]
    return [w**2 * largest_information(node.atoms, node.noise, tau) for node, w in zip(single, omegas, strict=True)]


def common_noise(network: Network) -> tuple[Noise, ...]:
    """Return what decoheres every atom at the least: the common noise, and of each kind the least that a node has."""
    kinds = dict.fromkeys(type(noise) for noise in network.nodes[0].noise)
    least = {
        kind: min(sum(noise.rate for noise in node.noise if type(noise) is kind) for node in network.nodes)
        for kind in kinds
    }
    return (*network.noise, *(kind(rate) for kind, rate in least.items() if rate > 0.0))


@cache
def largest_information(atoms: int, noise: tuple[Noise, ...], tau: float) -> float:
    """Return the largest Fisher information (s^2) about the detuning of so many atoms in any state within tau (s)."""
    if not noise or one_site(noise, 1.0).log_coherence.real == 0.0:
        return (atoms * tau) ** 2
    return bound_optimal_time(atoms, noise, tau).rate * tau
