r"""A cascade of GHZ blocks of doubling size, which together tell a phase without ambiguity."""

from __future__ import annotations

from dataclasses import dataclass

from qcn_open.estimators import Estimator, Joint
from qcn_open.priors import FlatPrior, Prior
from qcn_open.readouts.fringes import Fringes, MultiAngle

__all__ = ["Cascade"]


@dataclass(frozen=True)
class Cascade:
    r"""Copies of GHZ blocks of :math:`2^jK` atoms, and uncorrelated atoms, all interrogated for the same time.

    Parameters
    ----------
    copies : tuple of int
        copies[j] blocks of 2**j * nodes atoms; empty for uncorrelated atoms only.
    nodes : int, optional
        Number K of nodes.
    uncorrelated : int, optional
        Number of uncorrelated atoms.
    readout : Fringes, optional
        Readout angles, and how a lost atom reads.
    estimator : Estimator, optional
        How outcomes become a phase.
    prior : Prior, optional
        What is known of the phase before, relative to its predicted value.
    coherence : float, optional
        Coherence left to an atom that is not lost, in (0, 1]: the fringe of n atoms has the contrast coherence**n.
    survival : float, optional
        Probability that an atom is not lost, in (0, 1]: what a lost atom does to its block says the readout.
    """

    copies: tuple[int, ...] = ()
    nodes: int = 1
    uncorrelated: int = 0
    readout: Fringes = MultiAngle()
    estimator: Estimator = Joint()
    prior: Prior = FlatPrior()
    coherence: float = 1.0
    survival: float = 1.0

    @property
    def atoms(self) -> int:
        """Number of atoms, the uncorrelated ones included."""
        return self.uncorrelated + self.nodes * sum(copies << level for level, copies in enumerate(self.copies))
