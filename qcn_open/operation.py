r"""A network of clocks in operation, node by node: members share a cascade, the others run on their own.

In every cycle of interrogation time T the members' blocks measure the phase of their centre of mass,
:math:`\Phi = \sum_jw_j\Phi_j` with :math:`w_j` the share of member j in a block. The centre compares the lasers, whose
light says that they are at :math:`\tilde\Phi_j = \Phi_j + \epsilon_j` with the noise :math:`\epsilon_j` of the link
(and whatever a saboteur adds), and sends member j

.. math:: \hat\phi_j = \hat\Phi + \tilde\Phi_j - \sum_kw_k\tilde\Phi_k, \qquad
          \hat\phi_j - \Phi_j = (\hat\Phi - \Phi) + \epsilon_j - \sum_kw_k\epsilon_k .

A reference common to all comparisons drops out: who the centre is does not matter to the clock. It takes turns, so that
everybody is tested by somebody else. Uncorrelated atoms are read at angles turned by the known distance of their laser
from the centre of mass, so that they measure its phase, too.

*Who leaves.* A node whose link is out, or that a test accuses, leaves; the members that remain share smaller blocks, as
many as before, and what they then have left of atoms is uncorrelated. Who is not a member interrogates its own atoms.
When a link goes out or comes back, nobody gets an estimate for `notice` cycles.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qcn_open.allan import overlapping_adev
from qcn_open.allocation import best_cascade
from qcn_open.cascade import Cascade
from qcn_open.network import Network, Node
from qcn_open.preparation import Preparation
from qcn_open.priors import GaussianPrior
from qcn_open.security import Attack, SequentialTest
from qcn_open.states.base import freeze
from qcn_open.teleportation import Local, Teleported
from qcn_open.validation import closed_interval, count, open_interval, positive

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Accusation", "NetworkRecord", "Operation", "Outage", "run_network"]


@dataclass(frozen=True)
class Outage:
    """A link that is out from one cycle to another; of the first node, the centre's own, which takes the node away.

    Parameters
    ----------
    node : str
        Name of the node.
    start, stop : int
        First cycle without the link, and first one with it again.

    Raises
    ------
    ValueError
        If a number is not a whole number >= 0, or the outage ends before it begins.

    Examples
    --------
    >>> Outage("Boulder", 100, 200).stop
    200
    """

    node: str
    start: int
    stop: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", count("Outage start", self.start, 0))
        object.__setattr__(self, "stop", count("Outage stop", self.stop, 0))
        if self.stop <= self.start:
            raise ValueError(f"Outage of {self.node!r} must stop after it starts, got {self.start} to {self.stop}")


class Accusation(NamedTuple):
    """An alarm of a test: the cycle, and the name of the node that is excluded from then on."""

    cycle: int
    node: str


@dataclass(frozen=True)
class Operation:
    r"""What the nodes of a network have agreed to do.

    Parameters
    ----------
    network : Network
        Nodes with different names, each with a laser of its own.
    interrogation_time : float
        T, s.
    copies : tuple of int
        Blocks of each size that the members share: the smallest holds the share of each member, the next twice that.
    gain : float, optional
        Servo gain.
    test : SequentialTest, optional
        How members are tested; None is not at all. Its qubits are taken from the uncorrelated atoms.
    test_rate : float, optional
        Probability with which each member but the centre is tested in a cycle.
    turn : int, optional
        Cycles for which a node is the centre before the next one is.
    notice : int, optional
        Cycles that pass before a link that goes out or comes back is taken note of.

    Raises
    ------
    TypeError
        If the network or the test is none.
    ValueError
        If a node has no name or no laser, a block holds more atoms of a node than it has, messages take longer than an
        interrogation, or a number is out of range.
    """

    network: Network
    interrogation_time: float
    copies: tuple[int, ...]
    gain: float = 0.1
    test: SequentialTest | None = None
    test_rate: float = 0.0
    turn: int = 1
    notice: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.network, Network):
            raise TypeError(f"Operation network must be a Network, got {self.network!r}")
        if self.test is not None and not isinstance(self.test, SequentialTest):
            raise TypeError(f"Operation test must be a SequentialTest or None, got {self.test!r}")
        time = positive("Operation interrogation_time", self.interrogation_time, "s")
        object.__setattr__(self, "interrogation_time", time)
        copies = tuple(count(f"Operation copies[{level}]", number, 0) for level, number in enumerate(self.copies))
        object.__setattr__(self, "copies", copies)
        object.__setattr__(self, "gain", open_interval("Operation gain", self.gain, 0.0, 2.0))
        rate = closed_interval("Operation test_rate", self.test_rate, 0.0, 1.0)
        object.__setattr__(self, "test_rate", rate)
        object.__setattr__(self, "turn", count("Operation turn", self.turn))
        object.__setattr__(self, "notice", count("Operation notice", self.notice, 0))
        names = [node.name for node in self.network.nodes]
        if "" in names:
            raise ValueError(f"the nodes of a network in operation need names, got {names}")
        if any(node.oscillator is None for node in self.network.nodes):
            raise ValueError("the nodes of a network in operation need lasers of their own: Node(oscillator=...)")
        for node in self.network.nodes:
            if self.spare(node) < 0:
                raise ValueError(
                    f"Node {node.name!r} has {node.atoms} atoms, and the blocks and tests ask for "
                    f"{node.atoms - self.spare(node)}: take fewer copies or a smaller share"
                )
        if max(self.lags()) >= 1.0:
            raise ValueError(
                f"messages take longer ({max(self.lags()):.3g} times) than the interrogation of {time:g} s: a "
                "correction would come a cycle late; take a longer time"
            )

    @property
    def dead_time(self) -> float:
        """Time from one interrogation to the next, s: what the slowest node needs, and what it takes to make pairs."""
        needed = max([self.network.dead_time, *(node.dead_time for node in self.network.nodes)])
        rates = [node.link.epr_rate_hz for node in self.network.nodes[1:] if node.link.epr_rate_hz is not None]
        # Pairs for the next cycle are made during this one, too.
        return max([needed, *(sum(self.copies) / rate - self.interrogation_time for rate in rates)])

    def spare(self, node: Node) -> int:
        """Atoms of a node that are in no block and no test: the uncorrelated ones."""
        tested = 0 if self.test is None or self.test_rate == 0.0 else self.test.atoms
        return node.atoms - node.share * sum(number << level for level, number in enumerate(self.copies)) - tested

    def lags(self) -> list[float]:
        """Part of the next interrogation, for each node, that is over when its correction arrives.

        The last parity reaches the centre after the longest delay, and the answer the node after its own.
        """
        delays = [0.0, *(node.link.delay for node in self.network.nodes[1:])]
        return [max(0.0, max(delays) + delay - self.dead_time) / self.interrogation_time for delay in delays]

    def shared(self, *members: int) -> Cascade:
        """The cascade that these nodes share: the copies, and their spare atoms uncorrelated.

        Parameters
        ----------
        members : int
            Their numbers; all nodes if left out.
        """
        nodes = [self.network.nodes[number] for number in members] or list(self.network.nodes)
        joint = self.network.joint(*members)
        preparation = Teleported(
            gates=tuple(node.gates for node in nodes),
            shares=tuple(node.share for node in nodes),
            epr_fidelities=tuple(node.link.epr_fidelity for node in nodes[1:]),
        )
        cascade = Cascade(
            self.copies,
            nodes=joint.smallest_block,
            uncorrelated=sum(self.spare(node) for node in nodes),
            prior=self._prior(joint),
            preparation=preparation,
        )
        return cascade.decohered(joint.noise, self.interrogation_time)

    def alone(self, number: int) -> Cascade:
        """The best cascade of the atoms of one node."""
        joint, node = self.network.joint(number), self.network.nodes[number]
        left = Cascade(uncorrelated=1).decohered(joint.noise, self.interrogation_time)
        return _best_cascade(node.atoms, self._prior(joint), left.coherence, left.survival, Local(node.gates))

    def _prior(self, joint: Network) -> GaussianPrior:
        """What the loop leaves of the phase, and a tenth for what measurement adds."""
        variance = joint.oscillator.phase_variance(self.interrogation_time, self.dead_time, gain=self.gain)
        return GaussianPrior(1.1 * variance)


@lru_cache(maxsize=64)
def _best_cascade(
    atoms: int, prior: GaussianPrior, coherence: float, survival: float, preparation: Preparation
) -> Cascade:
    return best_cascade(atoms, prior=prior, coherence=coherence, survival=survival, preparation=preparation)


@dataclass(frozen=True, eq=False)
class NetworkRecord:
    r"""What the clocks of a network have shown, one row a node where there are rows.

    Phases are those over one interrogation time at the mean detuning of a whole cycle, dead time included.

    Attributes
    ----------
    operation : Operation
        What they did.
    errors : ndarray, shape (nodes, cycles)
        Phase that each node was sent, or estimated itself, less that of its laser, rad.
    phases : ndarray, shape (nodes, cycles)
        Of the steered lasers, rad.
    common : ndarray, shape (cycles,)
        Estimated phase of the members' centre of mass over the interrogation, less the true one, rad.
    status : ndarray of int, shape (nodes, cycles)
        0: no estimate came; 1: member; 2: alone.
    centre : ndarray of int, shape (cycles,)
        Number of the node that was the centre, -1 without members.
    accusations : tuple of Accusation
        Alarms, in order.
    """

    operation: Operation
    errors: NDArray[np.float64]
    phases: NDArray[np.float64]
    common: NDArray[np.float64]
    status: NDArray[np.int64]
    centre: NDArray[np.int64]
    accusations: tuple[Accusation, ...]

    def __post_init__(self) -> None:
        freeze(self.errors, self.phases, self.common, self.status, self.centre)

    def stability(
        self, node: str, cycles: tuple[int, int] | None = None, averages: Sequence[int] | None = None
    ) -> pd.DataFrame:
        r"""Overlapping Allan deviation of the record of one node.

        Parameters
        ----------
        node : str
            Its name.
        cycles : (int, int), optional
            First cycle, and the one after the last; all if left out.
        averages : sequence of int, optional
            Averaging times in cycles, increasing; octaves up to a quarter of the cycles if left out.

        Returns
        -------
        DataFrame
            tau_s, sigma_y, and the 95 % interval sigma_y_low, sigma_y_high.

        Raises
        ------
        ValueError
            If there is no such node, or there are no such cycles.
        """
        number = _number(self.operation.network, node)
        first, last = (0, self.errors.shape[1]) if cycles is None else cycles
        if not 0 <= first < last <= self.errors.shape[1]:
            raise ValueError(f"cycles must lie between 0 and {self.errors.shape[1]}, got {first} to {last}")
        if averages is None:
            averages = [2**octave for octave in range(max(1, ((last - first) // 4).bit_length()))]
        time = self.operation.interrogation_time
        cycle = time + self.operation.dead_time
        own = self.operation.network.nodes[number].frequency_hz or self.operation.network.frequency_hz
        y = self.errors[number, first:last] / (2.0 * math.pi * own * time)
        table = overlapping_adev(y, 1.0 / cycle, [cycle * average for average in averages])
        return table[["tau_s", "sigma_y", "sigma_y_low", "sigma_y_high"]]


def run_network(
    operation: Operation,
    cycles: int,
    rng: np.random.Generator,
    *,
    attacks: Mapping[str, tuple[Attack, int]] | None = None,
    outages: Sequence[Outage] = (),
) -> NetworkRecord:
    """Simulate a network of clocks whose nodes have lasers of their own, cheat, and lose their links.

    Parameters
    ----------
    operation : Operation
        What they have agreed to do.
    cycles : int
        Number of cycles.
    rng : numpy.random.Generator
        Source of randomness.
    attacks : mapping of str to (Attack, int), optional
        Which nodes cheat, how, and from which cycle on.
    outages : sequence of Outage, optional
        Links that are out for a while.

    Raises
    ------
    TypeError
        If something is of another type.
    ValueError
        If a node is unknown, or a number is out of range.

    Examples
    --------
    >>> from qcn_open import Dephasing, Oscillator
    >>> laser = Oscillator.from_linewidth(white=1.0)
    >>> nodes = [Node(60, name, share, laser) for name, share in (("A", 1), ("B", 1), ("C", 2))]
    >>> network = Network(nodes, None, (Dephasing(1e-3),), 429e12)
    >>> operation = Operation(network, interrogation_time=0.05, copies=(8, 5))
    >>> record = run_network(operation, 400, np.random.default_rng(1), outages=[Outage("B", 100, 300)])
    >>> record.status[1, [99, 100, 101, 299, 300, 301]].tolist()
    [1, 0, 2, 2, 0, 1]
    """
    if not isinstance(operation, Operation):
        raise TypeError(f"operation must be an Operation, got {operation!r}")
    cycles, network = count("cycles", cycles), operation.network
    nodes = network.nodes
    time = operation.interrogation_time
    begins, effects = np.full(len(nodes), cycles), np.tile([0.0, 0.0, 0.0], (len(nodes), 1))
    for name, (attack, begin) in (attacks or {}).items():
        if not isinstance(attack, Attack):
            raise TypeError(f"attack of {name!r} must be an Attack such as RandomBits(), got {attack!r}")
        number = _number(network, name)
        begins[number], effects[number] = count(f"first cycle of the attack of {name!r}", begin, 0), attack.effect(time)
    for outage in outages:
        if not isinstance(outage, Outage):
            raise TypeError(f"outages must be Outages, got {outage!r}")
        _number(network, outage.node)
    from qcn_open.kernels import operation as kernel
    from qcn_open.kernels.oscillator import begin as start_laser
    from qcn_open.kernels.random import state_from

    random = state_from(rng)
    oscillators = [node.oscillator for node in nodes if node.oscillator is not None]
    lasers = tuple(oscillator.tables(time, operation.dead_time) for oscillator in oscillators)
    links = tuple(node.link.oscillator.tables(time, operation.dead_time) for node in nodes)
    firsts = np.cumsum([0, *(tables.start.size for tables in (*lasers, *links))])
    memory = np.zeros(firsts[-1])
    for number, noisy in enumerate((*lasers, *links)):
        start_laser(random, noisy, memory[firsts[number] : firsts[number + 1]])
    tests = kernel.Tests(np.zeros((0, 2)), 1.0, 1, math.inf, 0.0)
    if operation.test is not None:
        test = operation.test
        tests = kernel.Tests(test.table(), test.contrast, test.atoms, test.threshold, operation.test_rate)
    excluded: set[int] = set()
    accusations: list[Accusation] = []
    errors, phases = np.empty((2, len(nodes), cycles))
    common, centre = np.empty(cycles), np.empty(cycles, dtype=np.int64)
    status = np.empty((len(nodes), cycles), dtype=np.int64)
    corrections = np.zeros((2, len(nodes)))
    statistics = np.zeros((len(nodes), len(tests.alternatives)))
    link_noise = np.array([node.link.phase_noise for node in nodes])
    lags = np.array(operation.lags())
    changes = sorted(
        {cycles, *(min(b, cycles) for b in begins)}
        | {min(edge + after, cycles) for o in outages for edge in (o.start, o.stop) for after in (0, operation.notice)}
    )
    cycle = 0
    while cycle < cycles:
        until = next(change for change in changes if change > cycle)
        present, silent = _presence(operation, outages, excluded, cycle)
        members = [number for number, there in enumerate(present) if there]
        # A cascade of one is a clock alone.
        states = np.array([kernel.MEMBER if there and len(members) > 1 else kernel.ALONE for there in present])
        if silent:
            states[[number for number in range(len(nodes)) if number not in excluded]] = kernel.SILENT
        sharing = [number for number in range(len(nodes)) if states[number] == kernel.MEMBER]
        shares = np.zeros(len(nodes))
        shares[sharing] = [nodes[number].share for number in sharing]
        shares /= max(shares.sum(), 1.0)
        cascade = operation.shared(*sharing)
        tables = cascade.tables()
        own = [
            operation.alone(number).tables() if state == kernel.ALONE else tables for number, state in enumerate(states)
        ]
        turns = np.arange(cycle, until) // operation.turn
        duties = np.full(cycles, -1, dtype=np.int64)
        if sharing:
            duties[cycle:until] = np.array(sharing)[turns % len(sharing)]
        stopped, accused = kernel.run(
            random,
            lasers,
            links,
            link_noise,
            lags,
            np.where(cycle >= begins[:, None], effects, 0.0),
            tables,
            _channels_of_single_atoms(cascade),
            tuple(own),
            shares,
            states,
            duties,
            tests,
            operation.gain,
            memory,
            firsts,
            corrections,
            statistics,
            cycle,
            until,
            errors,
            phases,
            common,
        )
        status[:, cycle:stopped] = states[:, None]
        centre[cycle:stopped] = duties[cycle:stopped]
        if accused >= 0:
            excluded.add(accused)
            accusations.append(Accusation(stopped - 1, nodes[accused].name))
            # What it sent has led others astray, too.
            statistics[:] = 0.0
        cycle = stopped
    return NetworkRecord(operation, errors, phases, common, status, centre, tuple(accusations))


def _number(network: Network, name: str) -> int:
    names = [node.name for node in network.nodes]
    if name not in names:
        raise ValueError(f"there is no node {name!r} in the network: choose one of {', '.join(names)}")
    return names.index(name)


def _presence(
    operation: Operation, outages: Sequence[Outage], excluded: set[int], cycle: int
) -> tuple[list[bool], bool]:
    """Which nodes are members as far as anybody has noticed, and whether nobody gets an estimate in this cycle."""
    away, silent = set(excluded), False
    for outage in outages:
        number = _number(operation.network, outage.node)
        if number in excluded:
            continue
        noticed = cycle - operation.notice
        if outage.start <= cycle < outage.stop:
            away.add(number)
        silent |= noticed < outage.start <= cycle or noticed < outage.stop <= cycle
    return [number not in away for number in range(len(operation.network.nodes))], silent


def _channels_of_single_atoms(cascade: Cascade) -> int:
    first = cascade.levels[0]
    return len(first.angles) if cascade.uncorrelated > 0 else 0
