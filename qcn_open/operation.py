r"""A network of clocks in operation, node by node: members share a cascade, the others run on their own.

In every cycle of interrogation time T the members' blocks measure the phase of their centre of mass,
:math:`\Phi = \sum_jw_j\Phi_j` with :math:`w_j` the share of member j in a block. The centre compares the lasers, whose
light says that they are at :math:`\tilde\Phi_j = \Phi_j + \epsilon_j` with the noise :math:`\epsilon_j` of the link
(and whatever a saboteur adds), and sends member j

.. math:: \hat\phi_j = r_j\hat\Phi + \tilde\Phi_j - r_j\sum_kw_k\tilde\Phi_k, \qquad
          \hat\phi_j - \Phi_j = r_j(\hat\Phi - \Phi) + \epsilon_j - r_j\sum_kw_k\epsilon_k,

with :math:`r_j = \omega_j/\sum_kw_k\omega_k`, 1 if all have one species: what members share is the fractional
frequency. A reference common to all comparisons drops out, as the light of all nodes meets at the place of the first
one. Who the centre is does not matter to the clock; the role takes turns, so that everybody is tested by somebody else,
and goes on without the atoms of the first node as long as the light still meets. Uncorrelated atoms are read at angles
turned by the known distance of their laser from the centre of mass, so that they measure its phase, too; that false
light would turn them wrongly, by its share of the offset, is left out. Lasers are compared in the dead time, too, so
that it hides what their centre of mass does there, and no more. The first node has no link of its own: where it is
tested, and where members share blocks without it, the pairs of one node are taken as perfect.

*Delays.* A node begins its interrogations earlier by the delay of its link, so that light and parities of one
interrogation arrive together. Its correction comes back after twice the delay, when the next one may have begun.

*Tests.* What the phase of a tested node should be follows from its light and the phase of the centre of mass that the
uncorrelated atoms show. The blocks know it better, but one node that flips its parities spoils them all, and then tests
accuse whoever comes next; of the single atoms it spoils its own. An error of variance v of the reference takes the
factor :math:`e^{-n^2v/2}` from the contrast of an honest node with n atoms, which the centre counts with, as well as
with what link, gates and decoherence leave of it. A node is asked for as many atoms as it gives to some block, or the
order would tell that it is a test; a cheat that spares blocks of that size is not found.

*Who leaves.* A node whose link is out, or that a test accuses, leaves; the members that remain share smaller blocks, as
many as before, and what they then have left of atoms is uncorrelated. Who is not a member interrogates its own atoms.
When a link goes out, the parities of the blocks are incomplete, and members get no estimate for the `notice` cycles
that it takes to find out. When it comes back everybody carries on as before for so long.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qcn_open.allocation import best_cascade
from qcn_open.cascade import Cascade
from qcn_open.clock import Assembly, deviations
from qcn_open.network import Network, Node
from qcn_open.oscillator import Oscillator
from qcn_open.preparation import Preparation
from qcn_open.priors import GaussianPrior
from qcn_open.security import Attack, SequentialTest
from qcn_open.states.base import freeze
from qcn_open.teleportation import Local, Teleported
from qcn_open.validation import closed_interval, count, open_interval, positive

if TYPE_CHECKING:
    import pandas as pd

    from qcn_open.kernels.operation import Tests

__all__ = ["Accusation", "NetworkRecord", "Operation", "Outage", "run_network"]


@dataclass(frozen=True)
class Outage:
    """A link that is out from one cycle to another; that of the first node takes away its atoms only.

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
        How members are tested, as if test qubits were ideal (see `tested`); None is not at all. Its qubits are taken
        from the uncorrelated atoms.
    test_rate : float, optional
        Probability with which each member but the centre is tested in a cycle.
    turn : int, optional
        Cycles for which a node is the centre before the next one is.
    notice : int, optional
        Cycles that it takes to find out that a link is out, or back.

    Raises
    ------
    TypeError
        If the network or the test is none.
    ValueError
        If a node has no name or no laser, a block holds more atoms of a node than it has, messages take longer than an
        interrogation, or a number is out of range.

    Examples
    --------
    >>> from qcn_open import Dephasing, Node, Oscillator
    >>> laser = Oscillator.from_linewidth(white=1.0)
    >>> nodes = [Node(60, name, share, laser) for name, share in (("A", 1), ("B", 1), ("C", 2))]
    >>> operation = Operation(Network(nodes, None, (Dephasing(1e-3),), 429e12), 0.05, copies=(8, 5))
    >>> operation.shared().copies, operation.shared().nodes, operation.shared().uncorrelated
    ((8, 5), 4, 108)
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
            # Tests rely on uncorrelated atoms, too.
            missing = int(self._tested_atoms > 0) - self.spare(node)
            if missing > 0:
                raise ValueError(
                    f"Node {node.name!r} has {node.atoms} atoms, and the blocks and tests ask for "
                    f"{node.atoms + missing}: take fewer copies or a smaller share"
                )
        if (self.test is None) != (self.test_rate == 0.0):
            raise ValueError(
                f"Operation takes a test and a test_rate > 0, or neither, got {self.test!r} and {self.test_rate:g}"
            )
        if self._tested_atoms > 0:
            self._check_size()
        if max(self.lags()) >= 1.0:
            raise ValueError(
                f"messages take longer ({max(self.lags()):.3g} times) than the interrogation of {time:g} s: a "
                "correction would come a cycle late; take a longer time"
            )

    def _check_size(self) -> None:
        """Refuse tests of a size that tells a node that it is one."""
        levels = [level for level, number in enumerate(self.copies) if number > 0]
        sizes = [{node.share << level for level in levels} for node in self.network.nodes]
        common = sorted(set.intersection(*sizes))
        for node, own in zip(self.network.nodes, sizes, strict=True):
            if self._tested_atoms not in own:
                choice = f"take {' or '.join(map(str, common))}" if common else "none is one of all, take other copies"
                raise ValueError(
                    f"a test of {self._tested_atoms} atoms tells node {node.name!r} that it is one, as it gives "
                    f"{', '.join(map(str, sorted(own))) or 'none'} to blocks: {choice}"
                )

    @property
    def dead_time(self) -> float:
        """Time from one interrogation to the next, s: what the slowest node needs, and what it takes to make pairs."""
        needed = self.network.joint().dead_time
        # Pairs for the next cycle are made during this one, too, and one more for a node that may be tested.
        pairs = sum(self.copies) + int(self._tested_atoms > 0)
        return max(needed, Assembly(self.network.nodes).time(pairs) - self.interrogation_time)

    def spare(self, node: Node) -> int:
        """Atoms of a node that are in no block and no test: the uncorrelated ones."""
        blocks = node.share * sum(number << level for level, number in enumerate(self.copies))
        return node.atoms - blocks - self._tested_atoms

    @property
    def _tested_atoms(self) -> int:
        return 0 if self.test is None or self.test_rate == 0.0 else self.test.atoms

    def lags(self) -> list[float]:
        """Part of the next interrogation, for each node, that is over when its correction arrives.

        Its parities reach the centre after its delay, together with those of all others, and the answer as much later.
        """
        delays = [0.0, *(node.link.delay for node in self.network.nodes[1:])]
        return [max(0.0, 2.0 * delay - self.dead_time) / self.interrogation_time for delay in delays]

    def shared(self, *members: int) -> Cascade:
        """The cascade that these nodes share: the copies, and their spare atoms uncorrelated.

        Parameters
        ----------
        members : int
            Their numbers; all nodes if left out.
        """
        nodes = [self.network.nodes[number] for number in members] or list(self.network.nodes)
        joint = self.network.joint(*members)
        cascade = Cascade(
            self.copies,
            nodes=joint.smallest_block,
            uncorrelated=sum(self.spare(node) for node in nodes),
            prior=self._prior(joint),
            preparation=Assembly(tuple(nodes)).preparation(sum(self.copies)),
        )
        return cascade.decohered(joint.noise, self.interrogation_time)

    def reference(self, *members: int) -> Cascade:
        """The uncorrelated atoms of these nodes, which tests rely on; of all nodes if left out."""
        return replace(self.shared(*members), copies=())

    def qubit(self, number: int) -> tuple[float, float]:
        """Contrast of the test qubit of a node after the interrogation, and probability that no atom of it is lost."""
        if self.test is None:
            raise ValueError("no tests are agreed upon: Operation(test=SequentialTest(...))")
        node, centre = self.network.nodes[number], self.network.nodes[0]
        # The centre sends a single atom, and has nothing to grow.
        sender = replace(centre.gates, entangling_fidelity=1.0, phase_flip=0.0)
        fidelity = node.link.epr_fidelity if number > 0 else 1.0
        waiting = 0.5 * Assembly(self.network.nodes).time(sum(self.copies) + 1)
        made = Teleported((sender, node.gates), (1, self.test.atoms), (fidelity,), waiting)
        left = Cascade(uncorrelated=1).decohered(self.network.joint(number).noise, self.interrogation_time)
        contrast = self.test.contrast * made.contrast(1 + self.test.atoms) * left.coherence**self.test.atoms
        return contrast, left.survival**self.test.atoms

    def tested(self, number: int, *members: int) -> SequentialTest:
        """The test of a node with the contrast that it has if it is honest, and these are the members.

        Parameters
        ----------
        number : int
            Of the node.
        members : int
            Their numbers; all nodes if left out.
        """
        contrast, _ = self.qubit(number)
        assert self.test is not None
        members = members or tuple(range(len(self.network.nodes)))
        if number not in members:
            raise ValueError(f"node number {number} is none of the members {members}: only members are tested")
        reference, joint = self.reference(*members), self.network.joint(*members)
        assert isinstance(reference.prior, GaussianPrior)
        own = self.network.nodes[number].frequency_hz or self.network.frequency_hz
        ratio = own / joint.frequency_hz
        known = sum(level.information for level in reference.levels) + 1.0 / reference.prior.variance
        # What links add to the phase that is expected of the node, as in `Network.link_variances`.
        lean = np.where(np.array(members) == number, 1.0, 0.0) - ratio * joint.shares
        links = [0.0] + [
            node.link.phase_noise**2 + 0.5 * node.link.oscillator.white * self.interrogation_time
            for node in self.network.nodes[1:]
        ]
        variance = ratio**2 / known + float(lean**2 @ np.array(links)[list(members)])
        contrast *= math.exp(-0.5 * self.test.atoms**2 * variance)
        factor = contrast / self.test.contrast
        alternatives = tuple((shift, factor * shown) for shift, shown in self.test.alternatives)
        return replace(self.test, alternatives=alternatives, contrast=contrast)

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
        Estimated phase of the members' centre of mass over the interrogation, less the true one, rad; NaN without one.
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
        time = self.operation.interrogation_time
        cycle = time + self.operation.dead_time
        own = self.operation.network.nodes[number].frequency_hz or self.operation.network.frequency_hz
        taus = None if averages is None else [cycle * average for average in averages]
        return deviations(self.errors[number, first:last] / time, last - first, cycle, own, taus)


def run_network(
    operation: Operation,
    cycles: int,
    rng: np.random.Generator,
    *,
    attacks: Mapping[str, tuple[Attack, int]] | None = None,
    outages: Outage | Sequence[Outage] = (),
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
    outages : Outage, or a sequence of them, optional
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
    [1, 0, 2, 2, 2, 1]
    """
    if not isinstance(operation, Operation):
        raise TypeError(f"operation must be an Operation, got {operation!r}")
    cycles, network = count("cycles", cycles), operation.network
    nodes = network.nodes
    time = operation.interrogation_time
    begins, effects = np.full(len(nodes), cycles), np.zeros((len(nodes), 3))
    given: Any = attacks or {}
    if not isinstance(given, Mapping):
        raise TypeError(f"attacks must map names to (attack, first cycle), got {attacks!r}")
    for name, pair in given.items():
        if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], Attack)):
            raise TypeError(f"attack of {name!r} must be such as (RandomBits(), first cycle), got {pair!r}")
        attack, begin = pair
        number = _number(network, name)
        begins[number], effects[number] = count(f"first cycle of the attack of {name!r}", begin, 0), attack.effect(time)
    if isinstance(outages, Outage):
        outages = (outages,)
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
    paths = (Oscillator(), *(node.link.oscillator for node in nodes[1:]))
    links = tuple(path.tables(time, operation.dead_time) for path in paths)
    firsts = np.cumsum([0, *(tables.start.size for tables in (*lasers, *links))])
    memory = np.zeros(firsts[-1])
    for number, noisy in enumerate((*lasers, *links)):
        start_laser(random, noisy, memory[firsts[number] : firsts[number + 1]])
    excluded: set[int] = set()
    accusations: list[Accusation] = []
    errors, phases = np.empty((2, len(nodes), cycles))
    common, centre = np.empty(cycles), np.empty(cycles, dtype=np.int64)
    status = np.empty((len(nodes), cycles), dtype=np.int64)
    corrections = np.zeros((2, len(nodes)))
    statistics = np.zeros((len(nodes), len(operation.test.alternatives) if operation.test else 0))
    link_noise = np.array([0.0, *(node.link.phase_noise for node in nodes[1:])])
    lags = np.array(operation.lags())
    frequencies = np.array([node.frequency_hz or network.frequency_hz for node in nodes])
    changes = sorted(
        {cycles, *(min(b, cycles) for b in begins)}
        | {min(edge + after, cycles) for o in outages for edge in (o.start, o.stop) for after in (0, operation.notice)}
    )
    cycle = 0
    while cycle < cycles:
        until = next(change for change in changes if change > cycle)
        away, silent = _away(operation, outages, excluded, cycle)
        members = [number for number in range(len(nodes)) if number not in away]
        states = np.full(len(nodes), kernel.ALONE)
        # A cascade of one is a clock alone.
        if len(members) > 1:
            states[members] = kernel.SILENT if silent else kernel.MEMBER
        sharing = [number for number in members if states[number] == kernel.MEMBER]
        shares = np.zeros(len(nodes))
        shares[sharing] = [nodes[number].share for number in sharing]
        shares /= max(shares.sum(), 1.0)
        singles = np.where(shares > 0.0, [float(operation.spare(node)) for node in nodes], 0.0)
        singles /= max(singles.sum(), 1.0)
        ratios = frequencies / (shares @ frequencies if sharing else 1.0)
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
            (operation.reference(*sharing) if operation.test and sharing else cascade).tables(),
            shares,
            singles,
            ratios,
            states,
            duties,
            _tests(operation, sharing),
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


def _away(operation: Operation, outages: Sequence[Outage], excluded: set[int], cycle: int) -> tuple[set[int], bool]:
    """Who is no member as far as anybody has found out, and whether somebody else has no link: a cycle for nothing."""
    away, out = set(excluded), set()
    for outage in outages:
        number = _number(operation.network, outage.node)
        if outage.start + operation.notice <= cycle < outage.stop + operation.notice and (
            outage.stop - outage.start > operation.notice
        ):
            away.add(number)
        elif outage.start <= cycle < outage.stop:
            out.add(number)
    return away, bool(out - away)


def _tests(operation: Operation, members: Sequence[int]) -> Tests:
    """Those of all nodes for the compiled loop, while these are members."""
    from qcn_open.kernels.operation import Tests

    test, nodes = operation.test, len(operation.network.nodes)
    if test is None or not members:
        alternatives = len(test.alternatives) if test else 0
        return Tests(np.zeros((nodes, alternatives, 2)), np.ones(nodes), np.ones((nodes, 2)), 1, math.inf, 0.0)
    # Who is no member is not tested.
    each = [operation.tested(number if number in members else members[0], *members) for number in range(nodes)]
    return Tests(
        np.array([one.table() for one in each]),
        np.array([one.contrast for one in each]),
        np.array([operation.qubit(number) for number in range(nodes)]),
        test.atoms,
        test.threshold,
        operation.test_rate,
    )


def _channels_of_single_atoms(cascade: Cascade) -> int:
    first = cascade.levels[0]
    return len(first.angles) if cascade.uncorrelated > 0 else 0
