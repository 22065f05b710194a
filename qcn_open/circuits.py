"""The protocol of `qcn_open.teleportation` gate by gate: on density operators, and on tensor networks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from qutip import Qobj
    from quimb.tensor import MatrixProductState

    from qcn_open.preparation import Gates, GrownGhz
    from qcn_open.teleportation import TeleportedGhz

__all__ = ["density_circuit", "network_circuit"]

_MOST_ENTRIES = 2**24
_CUTOFF = 1e-13
_FIRST = np.array([1.0, 1.0j]) / math.sqrt(2.0)
_HADAMARD = np.array([[1.0, 1.0], [1.0, -1.0]]) / math.sqrt(2.0)
_FLIP, _SIGN = np.array([[0.0, 1.0], [1.0, 0.0]]), np.diag([1.0, -1.0])
_CNOT = np.kron(np.diag([1.0, 0.0]), np.eye(2)) + np.kron(np.diag([0.0, 1.0]), _FLIP)

Label = tuple[str, int, int]


def density_circuit(probe: TeleportedGhz, bits: Sequence[Sequence[int]]) -> tuple[float, Qobj]:
    """What `TeleportedGhz.circuit` returns."""
    import qutip

    if probe.levels ** (2 * probe.atoms) > _MOST_ENTRIES * (1 if probe.levels == 2 else 4):
        raise ValueError(
            f"a circuit on density operators is limited to 12 atoms, 8 where some may be lost, {probe!r} has "
            f"{probe.atoms}: take circuit_network"
        )
    with qutip.CoreOptions(auto_tidyup=False, default_dtype="CSR"):
        register = _Register(probe.levels)
        others = range(1, len(probe.sizes))
        first = [_atom(node) for node in range(len(probe.sizes))]
        ancillas = [("b", node, 0) for node in range(len(probe.sizes))]
        centre = probe.gates[0]
        register.add(np.outer(_FIRST, _FIRST.conj()), [first[0]])
        if probe.route != "parked":
            for node in reversed(others):
                register.add(np.diag([1.0, 0.0]), [ancillas[node]])
                register.cnot(first[0], ancillas[node], centre)
        for node in reversed(others):
            half = ("a", node, 0)
            held = ("photon", node, 0) if probe.route == "photonic" else first[node]
            register.add(_pair(probe, node), [half, held])
            for atom, gates in ((half, centre), (held, probe.gates[node])):
                register.dephase(atom, math.exp(-0.5 * gates.memory_dephasing * probe.waiting))
            if held != first[node]:
                register.add(np.diag([1.0, 0.0]), [first[node]])
                register.swap(held, first[node])
                register.discard(held)
                register.depolarize(first[node], (4.0 * probe.conversion_fidelity - 1.0) / 3.0)
            if probe.route == "parked":
                register.cnot(first[0], half, centre)
            else:
                register.cnot(ancillas[node], half, centre)
                register.apply({ancillas[node]: _HADAMARD})
            corrections = zip((half, ancillas[node]), (_FLIP, _SIGN), bits[node - 1], strict=False)
            for measured, correction, bit in corrections:
                register.read(measured, bit, centre.measurement_error)
                if bit:
                    register.apply({first[node]: correction})
        if probe.route == "parked" and others:
            register.dephase(first[0], _collective(centre))
        for node, (size, gates) in enumerate(zip(probe.sizes, probe.gates, strict=True)):
            for atom in range(1, size):
                register.add(np.diag([1.0, 0.0]), [_atom(node, atom)])
            for control, target in _gates(probe.grown(node)):
                register.cnot(_atom(node, control), _atom(node, target), gates)
            register.dephase(first[node], _collective(gates))
        state = register.ordered()
        probability = float(state.tr().real)
        return probability, state / probability if probability > 0.0 else state


def network_circuit(probe: TeleportedGhz, bits: Sequence[Sequence[int]]) -> tuple[float, MatrixProductState]:
    """What `TeleportedGhz.circuit_network` returns."""
    from quimb.tensor import MatrixProductState

    from qcn_open.probes.base import open_ends

    nodes = len(probe.sizes)
    parked = probe.route == "parked"
    # The centre's first atom, then b, a and the first atom of every other node; without ancillas a and that atom.
    each = 2 if parked else 3
    tensors = [_FIRST.reshape(1, 2, 1).astype(complex)]
    for node in range(1, nodes):
        phase = probe.pair_phases[node - 1] if probe.pair_phases else 0.0
        half = np.diag(np.array([1.0, np.exp(1j * phase)]) / math.sqrt(2.0))
        tensors += [] if parked else [np.array([1.0, 0.0], dtype=complex).reshape(1, 2, 1)]
        tensors += [half.reshape(1, 2, 2), np.eye(2, dtype=complex).reshape(2, 2, 1)]
    state = MatrixProductState(open_ends(tensors), shape="lrp") if nodes > 1 else None

    def gate(state: MatrixProductState, operator: NDArray[np.number], *sites: int) -> None:
        state.gate_(operator, sites, contract="swap+split" if len(sites) == 2 else True, cutoff=_CUTOFF)

    sites = [0]
    probability = 1.0
    if state is not None:
        for node in reversed(range(1, nodes)):
            gate(state, _CNOT, 0, 1 + each * (node - 1))
        for node in range(1, nodes):
            # Those that were measured before are gone.
            begin = node
            last = begin + each - 1
            if not parked:
                gate(state, _CNOT, begin, begin + 1)
                gate(state, _HADAMARD, begin)
            z_bit = bits[node - 1][0]
            if z_bit:
                gate(state, _FLIP, last)
            if not parked and bits[node - 1][1]:
                gate(state, _SIGN, last)
            for site in range(last - 1, begin - 1, -1):
                bit = z_bit if site == last - 1 else bits[node - 1][1]
                before = float(abs(state.norm())) ** 2
                _, state = state.measure(site, outcome=bit, remove=True, renorm=False)
                after = float(abs(state.norm())) ** 2
                probability *= after / before
                state /= math.sqrt(after)
            sites.append(node)
        arrays = [_open(state, site) for site in range(nodes)]
    else:
        arrays = [tensors[0]]
    grown: list[NDArray[np.complex128]] = []
    for size, array in zip(probe.sizes, arrays, strict=True):
        right = array.shape[2]
        fresh = np.zeros((right, 2, right), dtype=complex)
        fresh[range(right), 0, range(right)] = 1.0
        grown += [array, *[fresh] * (size - 1)]
    if len(grown) == 1:
        return probability, MatrixProductState([grown[0][0, :, 0]], shape="p")
    state = MatrixProductState(open_ends(grown), shape="lrp")
    start = 0
    for node, size in enumerate(probe.sizes):
        for control, target in _gates(probe.grown(node)):
            gate(state, _CNOT, start + control, start + target)
        start += size
    return probability, state


class _Register:
    """Atoms and their common density operator, while gates change both."""

    def __init__(self, levels: int) -> None:
        self.levels = levels
        self.labels: list[Label] = []
        self.state: Qobj | None = None

    def add(self, state: NDArray[np.number], labels: Sequence[Label]) -> None:
        """Atoms in a state (g, e) of their own."""
        import qutip

        atoms = len(labels)
        full = np.zeros((self.levels**atoms,) * 2, dtype=complex)
        kept = [np.ravel_multi_index(index, (self.levels,) * atoms) for index in np.ndindex(*(2,) * atoms)]
        full[np.ix_(kept, kept)] = state
        added = qutip.Qobj(full, dims=[[self.levels] * atoms] * 2).to("CSR")
        self.state = added if self.state is None else qutip.tensor(self.state, added)
        self.labels += labels

    def embedded(self, operators: Mapping[Label, NDArray[np.number]]) -> Qobj:
        """A product of operators on (g, e), which leave lost atoms alone, or on all levels."""
        import qutip

        factors = []
        for label in self.labels:
            operator = np.eye(self.levels, dtype=complex)
            given = operators.get(label)
            if given is not None:
                operator[: len(given), : len(given)] = given
            factors.append(qutip.Qobj(operator).to("CSR"))
        return qutip.tensor(factors)

    def map(self, kraus: Iterable[Qobj]) -> Qobj:
        """State after a channel."""
        return sum(operator @ self.state @ operator.dag() for operator in kraus)

    def apply(self, operators: Mapping[Label, NDArray[np.number]]) -> None:
        """A product of unitary operators."""
        self.state = self.map([self.embedded(operators)])

    def dephase(self, label: Label, kept: float) -> None:
        """Leave the coherence of an atom the factor `kept`."""
        if kept != 1.0:
            flipped = self.map([self.embedded({label: _SIGN})])
            self.state = 0.5 * (1.0 + kept) * self.state + 0.5 * (1.0 - kept) * flipped

    def mixed(self, *labels: Label) -> Qobj:
        """State with these atoms maximally mixed, as far as they are there: all Pauli errors, equally likely."""
        before = self.state
        for label in labels:
            paulis = (np.eye(2), _FLIP, _FLIP @ _SIGN, _SIGN)
            self.state = 0.25 * self.map([self.embedded({label: pauli}) for pauli in paulis])
        mixed, self.state = self.state, before
        return mixed

    def depolarize(self, label: Label, kept: float) -> None:
        """Leave the Bloch vector of an atom the factor `kept`."""
        self.state = kept * self.state + (1.0 - kept) * self.mixed(label)

    def cnot(self, control: Label, target: Label, gates: Gates) -> None:
        """Flip the target if the control is in e, and what goes wrong then."""
        excited = np.zeros((self.levels, self.levels))
        excited[1, 1] = 1.0
        rest = np.eye(self.levels) - excited
        gate = self.embedded({control: rest}) + self.embedded({control: excited, target: _FLIP})
        self.state = self.map([gate])
        if gates.depolarizing:
            replaced = gates.depolarizing * 16.0 / 15.0
            self.state = (1.0 - replaced) * self.state + replaced * self.mixed(control, target)
        for label in (control, target):
            self.dephase(label, 1.0 - 2.0 * gates.dephasing)
            if gates.loss:
                leave = [np.zeros((3, 3)) for _ in range(2)]
                for level, jump in enumerate(leave):
                    jump[2, level] = math.sqrt(gates.loss)
                stay = np.diag([math.sqrt(1.0 - gates.loss)] * 2 + [1.0])
                self.state = self.map([self.embedded({label: operator}) for operator in (*leave, stay)])

    def swap(self, one: Label, other: Label) -> None:
        """Exchange the states of two atoms."""
        levels = range(self.levels)
        units = [[np.outer(np.eye(self.levels)[a], np.eye(self.levels)[b]) for b in levels] for a in levels]
        self.state = self.map([sum(self.embedded({one: units[a][b], other: units[b][a]}) for a in levels for b in levels)])

    def read(self, label: Label, bit: int, wrong: float) -> None:
        """Keep what goes with this bit, which is random where the atom is lost, and drop the atom."""
        found = []
        for level in range(self.levels):
            projector = np.zeros((self.levels, self.levels))
            projector[level, level] = 1.0
            found.append(self.map([self.embedded({label: projector})]))
        self.state = (1.0 - wrong) * found[bit] + wrong * found[1 - bit]
        if self.levels > len(_FIRST):
            self.state = self.state + 0.5 * found[-1]
        self.discard(label)

    def discard(self, label: Label) -> None:
        """Trace an atom out."""
        site = self.labels.index(label)
        self.state = self.state.ptrace([other for other in range(len(self.labels)) if other != site])
        self.labels.pop(site)

    def ordered(self) -> Qobj:
        """State of the atoms in the order of nodes and descent."""
        order = sorted(range(len(self.labels)), key=self.labels.__getitem__)
        return self.state.permute(order)


def _atom(node: int, atom: int = 0) -> Label:
    """A clock atom of a node."""
    return ("clock", node, atom)


def _pair(probe: TeleportedGhz, node: int) -> NDArray[np.complex128]:
    """Density matrix of a pair of the node and the centre."""
    phase = probe.pair_phases[node - 1] if probe.pair_phases else 0.0
    vector = np.array([1.0, 0.0, 0.0, np.exp(1j * phase)]) / math.sqrt(2.0)
    fidelity = probe.epr_fidelities[node - 1] if probe.epr_fidelities else 1.0
    pure = (4.0 * fidelity - 1.0) / 3.0
    return np.asarray(pure * np.outer(vector, vector.conj()) + (1.0 - pure) * np.eye(4) / 4.0)


def _collective(gates: Gates) -> float:
    """Coherence that a collective gate leaves."""
    return gates.entangling_fidelity * (1.0 - 2.0 * gates.phase_flip)


def _gates(grown: GrownGhz) -> Iterator[tuple[int, int]]:
    """Controls and targets of the gates that grow a node's atoms, in the order in which they are applied."""
    groups = [(0, grown.size)]
    while groups:
        start, size = groups.pop(0)
        if size > 1:
            control, target = grown.split(size)
            yield start, start + control
            groups += [(start, control), (start + control, target)]


def _open(state: MatrixProductState, site: int) -> NDArray[np.complex128]:
    """Site tensor (left, level, right), with outer bonds of dimension 1."""
    tensor = state[site]
    left = [state.bond(site - 1, site)] if site > 0 else []
    right = [state.bond(site, site + 1)] if site < state.L - 1 else []
    array = tensor.transpose(*left, state.site_ind(site), *right).data
    return np.asarray(array.reshape(array.shape[0] if left else 1, 2, array.shape[-1] if right else 1))
