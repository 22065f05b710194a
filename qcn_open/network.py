r"""A network of clocks: its nodes, what decoheres their atoms, and their lasers."""

from __future__ import annotations

from dataclasses import dataclass

from qcn_open.model import noises
from qcn_open.noise import CollectiveNoise, Noise
from qcn_open.oscillator import Oscillator
from qcn_open.validation import count, nonnegative, positive

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

    Raises
    ------
    ValueError
        If the number of atoms is not a whole number from 1 to 10^15.
    TypeError
        If the name is no text.

    Examples
    --------
    >>> Node(100, name="Boulder")
    Node(atoms=100, name='Boulder')
    """

    atoms: int
    name: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"Node name must be text, got {self.name!r}")
        label = f"Node {self.name!r} atoms" if self.name else "Node atoms"
        object.__setattr__(self, "atoms", count(label, self.atoms))


@dataclass(frozen=True)
class Network:
    r"""Clocks that may cooperate.

    Parameters
    ----------
    nodes : Node, or an iterable of them
        The clocks.
    oscillator : Oscillator
        Noise of the laser that is interrogated: the centre of mass of the nodes' lasers, or, of a node alone, its own;
        the paper takes the same linewidth for both.
    noise : Noise, or an iterable of them
        What decoheres every atom. Noises of equal kind add.
    frequency_hz : float
        Frequency of the clock transition, Hz.
    dead_time : float, optional
        Time between two interrogations, s.

    Raises
    ------
    TypeError
        If a node, the oscillator or a noise is of another type, or a noise is common to all atoms.
    ValueError
        If there is no node, the frequency is not > 0, or the dead time not >= 0.

    Examples
    --------
    >>> from qcn_open import Dephasing, Oscillator
    >>> network = Network((Node(100),) * 10, Oscillator(white=2.0), (Dephasing(1e-4),), 429e12)
    >>> network.atoms, len(network.nodes)
    (1000, 10)
    """

    nodes: tuple[Node, ...]
    oscillator: Oscillator
    noise: tuple[Noise, ...]
    frequency_hz: float
    dead_time: float = 0.0

    def __post_init__(self) -> None:
        nodes = (self.nodes,) if isinstance(self.nodes, Node) else tuple(self.nodes)
        for node in nodes:
            if not isinstance(node, Node):
                raise TypeError(f"Network nodes must be Nodes such as Node(100), got {node!r}")
        if not nodes:
            raise ValueError("Network nodes must hold at least one Node, got none")
        if not isinstance(self.oscillator, Oscillator):
            raise TypeError(f"Network oscillator must be an Oscillator, got {self.oscillator!r}")
        noise = noises(self.noise)
        for part in noise:
            if isinstance(part, CollectiveNoise):
                raise TypeError(f"Network noise must hit every atom alone, got {part!r}: the laser is the oscillator")
        object.__setattr__(self, "nodes", nodes)
        object.__setattr__(self, "noise", noise)
        object.__setattr__(self, "frequency_hz", positive("Network frequency_hz", self.frequency_hz, "Hz"))
        object.__setattr__(self, "dead_time", nonnegative("Network dead_time", self.dead_time, "s"))

    @property
    def atoms(self) -> int:
        """Number of atoms in all nodes."""
        return sum(node.atoms for node in self.nodes)
