r"""A network of clocks: its nodes, what decoheres their atoms, and their lasers."""

from __future__ import annotations

from dataclasses import dataclass

from qcn_open.model import noises
from qcn_open.noise import CollectiveNoise, Noise
from qcn_open.oscillator import Oscillator
from qcn_open.preparation import Gates
from qcn_open.validation import closed_interval, count, nonnegative, positive

__all__ = ["Link", "Network", "Node"]


@dataclass(frozen=True)
class Link:
    r"""What connects a node to the centre: photons that entangle, light that compares lasers, messages.

    Parameters
    ----------
    epr_rate_hz : float, optional
        Entangled pairs a second that are heralded and stored; None is as many as are asked for.
    epr_fidelity : float, optional
        Fidelity of a pair with :math:`(|00\rangle+|11\rangle)/\sqrt2`, which is a Werner state, from 1/4 to 1.
    delay : float, optional
        Time that light takes from the node to the centre, s.
    phase_noise : float, optional
        Root mean square phase (rad), independent from one interrogation to the next, that the link adds to the
        comparison of the node's laser with that of the centre.
    oscillator : Oscillator, optional
        Frequency noise that it adds to that comparison.

    Raises
    ------
    TypeError
        If the oscillator is none.
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> Link(epr_rate_hz=20.0, epr_fidelity=0.98, delay=1e-3).epr_rate_hz
    20.0
    """

    epr_rate_hz: float | None = None
    epr_fidelity: float = 1.0
    delay: float = 0.0
    phase_noise: float = 0.0
    oscillator: Oscillator = Oscillator()

    def __post_init__(self) -> None:
        if self.epr_rate_hz is not None:
            object.__setattr__(self, "epr_rate_hz", positive("Link epr_rate_hz", self.epr_rate_hz, "Hz"))
        fidelity = closed_interval("Link epr_fidelity", self.epr_fidelity, 0.25, 1.0)
        object.__setattr__(self, "epr_fidelity", fidelity)
        object.__setattr__(self, "delay", nonnegative("Link delay", self.delay, "s"))
        object.__setattr__(self, "phase_noise", nonnegative("Link phase_noise", self.phase_noise, "rad"))
        if not isinstance(self.oscillator, Oscillator):
            raise TypeError(f"Link oscillator must be an Oscillator, got {self.oscillator!r}")


@dataclass(frozen=True)
class Node:
    """One clock of the network.

    Parameters
    ----------
    atoms : int
        Number of atoms.
    name : str, optional
        Name, for messages.
    share : int, optional
        Atoms that it gives to the smallest block that reaches over all nodes.
    oscillator : Oscillator, optional
        Noise of its own laser; None is that of the network.
    noise : Noise, or an iterable of them, optional
        What decoheres its atoms in addition to the noise of the network.
    frequency_hz : float, optional
        Frequency of its own clock transition, Hz; None is that of the network.
    dead_time : float, optional
        Time that it needs between two interrogations, s.
    gates : Gates, optional
        What goes wrong there when GHZ states are made.
    link : Link, optional
        What connects it to the centre.

    Raises
    ------
    ValueError
        If a number is out of range, or there are fewer atoms than its share of a block.
    TypeError
        If something is of another type.

    Examples
    --------
    >>> Node(100, name="Boulder").atoms
    100
    """

    atoms: int
    name: str = ""
    share: int = 1
    oscillator: Oscillator | None = None
    noise: tuple[Noise, ...] = ()
    frequency_hz: float | None = None
    dead_time: float = 0.0
    gates: Gates = Gates()
    link: Link = Link()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"Node name must be text, got {self.name!r}")
        label = f"Node {self.name!r}" if self.name else "Node"
        object.__setattr__(self, "atoms", count(f"{label} atoms", self.atoms))
        object.__setattr__(self, "share", count(f"{label} share", self.share))
        if self.share > self.atoms:
            raise ValueError(
                f"{label} has {self.atoms} atoms, fewer than its share of {self.share} in the smallest block"
            )
        object.__setattr__(self, "noise", noises(self.noise))
        object.__setattr__(self, "dead_time", nonnegative(f"{label} dead_time", self.dead_time, "s"))
        if self.frequency_hz is not None:
            frequency = positive(f"{label} frequency_hz", self.frequency_hz, "Hz")
            object.__setattr__(self, "frequency_hz", frequency)
        for part, kind in (("gates", Gates), ("link", Link)):
            if not isinstance(getattr(self, part), kind):
                raise TypeError(f"{label} {part} must be a {kind.__name__}, got {getattr(self, part)!r}")
        if self.oscillator is not None and not isinstance(self.oscillator, Oscillator):
            raise TypeError(f"{label} oscillator must be an Oscillator, got {self.oscillator!r}")


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
