r"""The clock in the time domain: interrogate, estimate, steer."""

from __future__ import annotations

from dataclasses import dataclass

from qcn_open.cascade import Cascade

__all__ = ["Plan", "Tracking"]


@dataclass(frozen=True)
class Tracking:
    r"""Uncorrelated ensembles with nested Ramsey times, which count the windings of the phase of a longer one.

    Parameters
    ----------
    atoms : tuple of int
        Atoms of each ensemble, from the shortest Ramsey time to the longest.
    ratios : tuple of int
        ratios[k] Ramsey times of ensemble k fit into one of the next; the last one into the interrogation time.
    """

    atoms: tuple[int, ...] = ()
    ratios: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    r"""What a clock does in every cycle.

    Parameters
    ----------
    interrogation_time : float
        T, s.
    cascade : Cascade
        What is interrogated for T; uncorrelated atoms only for a classical clock.
    tracking : Tracking, optional
        Ensembles that count the windings.
    gain : float, optional
        Servo gain g of the integrator: the fraction of the estimated detuning that is taken off the laser.
    dead_time : float, optional
        Time between two interrogations, s.
    """

    interrogation_time: float
    cascade: Cascade
    tracking: Tracking = Tracking()
    gain: float = 0.1
    dead_time: float = 0.0

    @property
    def atoms(self) -> int:
        """Number of atoms, those that track windings included."""
        return self.cascade.atoms + sum(self.tracking.atoms)
