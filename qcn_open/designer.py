"""What to build: the best scheme, allocation, readout and time of a network, and what would improve it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qcn_open.clock import Plan
from qcn_open.network import Network

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Design"]


@dataclass(frozen=True)
class Design:
    r"""What a network should do at an averaging time, how good it is then, and why not better.

    Attributes
    ----------
    network : Network
        The clocks.
    tau : float
        Averaging time (s) that it is designed for.
    scheme : str
        The most stable scheme at tau.
    plans : tuple of Plan
        One for each clock of the scheme: interrogation time, cascade with its readout, tracking ensembles.
    limited_by : str
        What keeps it from being more stable.
    stability : DataFrame
        Every scheme at every averaging time: scheme, readout and the columns of `qcn_open.stability`.
    bounds : DataFrame
        bound (its name), tau_s, sigma_y: what no choice gets below.
    budget : DataFrame
        part, sigma_y, share: what the variance at tau is made of; shares add to 1.
    improvements : DataFrame
        parameter, node, value, improved, unit, sigma_y, gain: what each parameter is, what it would be one step better,
        and sigma_y at tau then; gain is the factor by which sigma_y falls. Sorted, the best first.
    epr_front : DataFrame
        epr_rate_hz, scheme, sigma_y: the Pareto front of stability at tau against the rate of every link.
    """

    network: Network
    tau: float
    scheme: str
    plans: tuple[Plan, ...]
    limited_by: str
    stability: pd.DataFrame
    bounds: pd.DataFrame
    budget: pd.DataFrame
    improvements: pd.DataFrame
    epr_front: pd.DataFrame

    @property
    def front(self) -> pd.DataFrame:
        """The Pareto front of stability against averaging time: the best row of `stability` at each tau."""
        best = self.stability.groupby("tau_s")["sigma_y"].idxmin()
        return self.stability.loc[best].reset_index(drop=True)
