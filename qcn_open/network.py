r"""A network of clocks: its nodes, what decoheres their atoms, and their lasers."""

from __future__ import annotations

from dataclasses import dataclass

from qcn_open.noise import Noise
from qcn_open.oscillator import Oscillator

__all__ = ["Network", "Node"]


@dataclass(frozen=True)
class Node:
    """One clock of the network.

    Parameters
    ----------
    atoms : int
        Number of atoms.
    name : str, optional
        Name, for messages.
    """

    atoms: int
    name: str = ""


@dataclass(frozen=True)
class Network:
    r"""Clocks that may cooperate.

    Parameters
    ----------
    nodes : tuple of Node
        The clocks.
    oscillator : Oscillator
        Noise of the laser that is interrogated: the centre of mass of the nodes' lasers, or, of a node alone, its own;
        the paper takes the same linewidth for both.
    noise : tuple of Noise
        What decoheres every atom.
    frequency_hz : float
        Frequency of the clock transition, Hz.
    dead_time : float, optional
        Time between two interrogations, s.
    """

    nodes: tuple[Node, ...]
    oscillator: Oscillator
    noise: tuple[Noise, ...]
    frequency_hz: float
    dead_time: float = 0.0

    @property
    def atoms(self) -> int:
        """Number of atoms in all nodes."""
        return sum(node.atoms for node in self.nodes)
