"""The protocol of `qcn_open.teleportation` gate by gate: on density operators, and on tensor networks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qcn_open.probes.base import open_ends

if TYPE_CHECKING:
    from quimb.tensor import MatrixProductState
    from qutip import Qobj

    from qcn_open.preparation import Gates, GrownGhz
    from qcn_open.teleportation import TeleportedGhz

__all__ = ["density_circuit", "network_circuit"]

_LARGEST_DIMENSION = {2: 2**12, 3: 3**8}
# Singular values below this are rounding errors of a GHZ state's, of which there are two.
_CUTOFF = 1e-13
_FIRST = np.array([1.0, 1.0j]) / math.sqrt(2.0)
_GROUND = np.array([1.0, 0.0])
_IN_GROUND, _IN_EXCITED = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
_FLIP, _SIGN = np.array([[0.0, 1.0], [1.0, 0.0]]), np.diag([1.0, -1.0])
_HADAMARD = (_FLIP + _SIGN) / math.sqrt(2.0)
_CNOT = np.kron(_IN_GROUND, np.eye(2)) + np.kron(_IN_EXCITED, _FLIP)

Label = tuple[str, int, int]


def density_circuit(probe: TeleportedGhz, bits: Sequence[Sequence[int]]) -> tuple[float, Qobj]:
    """What `TeleportedGhz.circuit` returns."""
    import qutip

    if probe.levels**probe.atoms > _LARGEST_DIMENSION[probe.levels]:
        raise ValueError(
            f"a circuit on density operators is limited to 12 atoms, or 8 where gates lose them, {probe!r} has "
            f"{probe.atoms}: take circuit_network"
        )
    centre, others = probe.gates[0], range(1, len(probe.sizes))
    first = [_atom(node) for node in range(len(probe.sizes))]
    # Faint coherences are no rounding errors.
    with qutip.CoreOptions(auto_tidyup=False):
        register = _Register(probe.levels, first[0])
        if probe.route != "parked":
            for node in reversed(others):
                register.add(_IN_GROUND, ("b", node, 0))
                register.cnot(first[0], ("b", node, 0), centre)
        for node in reversed(others):
            ancilla, half = ("b", node, 0), ("a", node, 0)
            held = ("photon", node, 0) if probe.route == "photonic" else first[node]
            register.add(_pair(probe, node), half, held)
            for stored, gates in ((half, centre), (held, probe.gates[node])):
                register.dephase(stored, math.exp(-0.5 * gates.memory_dephasing * probe.waiting))
            if probe.route == "photonic":
                register.add(_IN_GROUND, first[node])
                register.swap(held, first[node])
                register.discard(held)
                register.depolarize(first[node], (4.0 * probe.conversion_fidelity - 1.0) / 3.0)
            if probe.route == "parked":
                register.cnot(first[0], half, centre)
            else:
                register.cnot(ancilla, half, centre)
                register.apply({ancilla: _HADAMARD})
            for measured, bit, correction in zip((half, ancilla), bits[node - 1], (_FLIP, _SIGN), strict=False):
                register.read(measured, bit, centre.measurement_error)
                if bit:
                    register.apply({first[node]: correction})
        if probe.route == "parked" and others:
            register.dephase(first[0], centre.entangling_coherence)
        for node, (size, gates) in enumerate(zip(probe.sizes, probe.gates, strict=True)):
            for atom in range(1, size):
                register.add(_IN_GROUND, _atom(node, atom))
            for control, target in _gates(probe.grown(node)):
                register.cnot(_atom(node, control), _atom(node, target), gates)
            register.dephase(first[node], gates.entangling_coherence)
        state = register.ordered()
        probability = float(state.tr().real)
        return probability, state / probability if probability > 0.0 else state


def network_circuit(probe: TeleportedGhz, bits: Sequence[Sequence[int]]) -> tuple[float, MatrixProductState]:
    """What `TeleportedGhz.circuit_network` returns."""
    nodes, parked = len(probe.sizes), probe.route == "parked"
    # The centre's first atom, then b, a and the first atom of every other node; b only where there are ancillas.
    tensors: list[NDArray[np.number]] = [_FIRST.reshape(1, 2, 1)]
    for node in range(1, nodes):
        phase = probe.pair_phases[node - 1] if probe.pair_phases else 0.0
        pair = np.diag([1.0, np.exp(1j * phase)]) / math.sqrt(2.0)
        tensors += [] if parked else [_GROUND.reshape(1, 2, 1)]
        tensors += [pair.reshape(1, 2, 2), np.eye(2).reshape(2, 2, 1)]
    state = _product(tensors)
    each = 2 if parked else 3
    for node in reversed(range(1, nodes)):
        _on(state, _CNOT, 0, 1 + each * (node - 1))
    probability = 1.0
    for node in range(1, nodes):
        # What was measured before is gone: the nodes before this one have one site each.
        half = node + each - 2
        if not parked:
            _on(state, _CNOT, node, half)
            _on(state, _HADAMARD, node)
        measured: tuple[int, ...] = (half, node)
        for site, bit, correction in zip(measured, bits[node - 1], (_FLIP, _SIGN), strict=False):
            _, state = state.measure(site, outcome=bit, remove=True, renorm=False)
            weight = float(abs(state.norm())) ** 2
            probability *= weight
            state /= math.sqrt(weight)
            if bit:
                _on(state, correction, site)
    grown: list[NDArray[np.number]] = []
    for node, size in enumerate(probe.sizes):
        tensor = _site(state, node)
        fresh = np.multiply.outer(np.eye(tensor.shape[2]), _GROUND).swapaxes(1, 2)
        grown += [tensor, *[fresh] * (size - 1)]
    state = _product(grown)
    orthogonality: dict[str, object] = {"cur_orthog": "calc"}
    for node, start in enumerate(itertools.accumulate(probe.sizes[:-1], initial=0)):
        for control, target in _gates(probe.grown(node)):
            _on(state, _CNOT, start + control, start + target, centre=orthogonality)
    return probability, state


class _Register:
    """Atoms and their common density operator, while gates change both."""

    def __init__(self, levels: int, label: Label) -> None:
        """One atom, in the superposition of g and e with which the protocol begins."""
        self.levels = levels
        self.labels = [label]
        self.state = self.prepared(np.outer(_FIRST, _FIRST.conj()), 1)

    def prepared(self, state: NDArray[np.number], atoms: int) -> Qobj:
        """A state of atoms on (g, e), among all their levels."""
        import qutip

        full = np.zeros((self.levels**atoms,) * 2, dtype=complex)
        kept = [np.ravel_multi_index(index, (self.levels,) * atoms) for index in np.ndindex(*(2,) * atoms)]
        full[np.ix_(kept, kept)] = state
        return qutip.Qobj(full, dims=[[self.levels] * atoms] * 2).to("CSR")

    def embedded(self, operators: Mapping[Label, NDArray[np.number]]) -> Qobj:
        """A product of operators on all levels, or on (g, e), which leave lost atoms alone."""
        import qutip

        factors = []
        for label in self.labels:
            operator = np.eye(self.levels, dtype=complex)
            if label in operators:
                given = operators[label]
                operator[: len(given), : len(given)] = given
            factors.append(qutip.Qobj(operator).to("CSR"))
        return qutip.tensor(factors)

    def mapped(self, *kraus: Qobj) -> Qobj:
        """State after a channel."""
        return sum(operator @ self.state @ operator.dag() for operator in kraus)

    def mixed(self, *labels: Label) -> Qobj:
        """State with these atoms maximally mixed, as far as they are there: all Pauli errors, equally likely."""
        paulis = (np.eye(2), _FLIP, _FLIP @ _SIGN, _SIGN)
        errors = itertools.product(paulis, repeat=len(labels))
        products = [self.embedded(dict(zip(labels, error, strict=True))) for error in errors]
        return self.mapped(*products) / len(products)

    def add(self, state: NDArray[np.number], *labels: Label) -> None:
        """Atoms in a state of their own."""
        import qutip

        self.state = qutip.tensor(self.state, self.prepared(state, len(labels)))
        self.labels += labels

    def apply(self, operators: Mapping[Label, NDArray[np.number]]) -> None:
        """A product of unitary operators."""
        self.state = self.mapped(self.embedded(operators))

    def dephase(self, label: Label, kept: float) -> None:
        """Leave the coherence of an atom the factor `kept`."""
        if kept != 1.0:
            flipped = self.mapped(self.embedded({label: _SIGN}))
            self.state = 0.5 * (1.0 + kept) * self.state + 0.5 * (1.0 - kept) * flipped

    def depolarize(self, label: Label, kept: float) -> None:
        """Leave the Bloch vector of an atom the factor `kept`."""
        self.state = kept * self.state + (1.0 - kept) * self.mixed(label)

    def cnot(self, control: Label, target: Label, gates: Gates) -> None:
        """Flip the target if the control is in e, and what goes wrong then."""
        excited = self.level(1)
        rest = np.eye(self.levels) - excited
        gate = self.embedded({control: rest}) + self.embedded({control: excited, target: _FLIP})
        self.state = self.mapped(gate)
        if gates.depolarizing:
            # All Pauli operators of two atoms, of which one in 16 is no error.
            replaced = gates.depolarizing * 16.0 / 15.0
            self.state = (1.0 - replaced) * self.state + replaced * self.mixed(control, target)
        for label in (control, target):
            self.dephase(label, 1.0 - 2.0 * gates.dephasing)
            if gates.loss:
                leave = [math.sqrt(gates.loss) * np.eye(3)[:, [2]] * np.eye(3)[level] for level in (0, 1)]
                stay = np.diag([math.sqrt(1.0 - gates.loss)] * 2 + [1.0])
                self.state = self.mapped(*(self.embedded({label: operator}) for operator in (*leave, stay)))

    def swap(self, one: Label, other: Label) -> None:
        """Exchange the states of two atoms."""
        units = np.einsum("ai,bj->abij", np.eye(self.levels), np.eye(self.levels))
        pairs = itertools.product(range(self.levels), repeat=2)
        self.state = self.mapped(sum(self.embedded({one: units[a, b], other: units[b, a]}) for a, b in pairs))

    def read(self, label: Label, bit: int, wrong: float) -> None:
        """Keep what goes with this bit, which is random where the atom is lost, and drop the atom."""
        found = [self.mapped(self.embedded({label: self.level(level)})) for level in range(self.levels)]
        self.state = (1.0 - wrong) * found[bit] + wrong * found[1 - bit] + sum(0.5 * lost for lost in found[2:])
        self.discard(label)

    def discard(self, label: Label) -> None:
        """Trace an atom out."""
        site = self.labels.index(label)
        self.state = self.state.ptrace([other for other in range(len(self.labels)) if other != site])
        self.labels.pop(site)

    def level(self, level: int) -> NDArray[np.float64]:
        """Projector on a level."""
        return np.diag(np.eye(self.levels)[level])

    def ordered(self) -> Qobj:
        """State of the atoms in the order of nodes and of descent."""
        return self.state.permute(sorted(range(len(self.labels)), key=self.labels.__getitem__))


def _atom(node: int, atom: int = 0) -> Label:
    """A clock atom of a node."""
    return ("clock", node, atom)


def _pair(probe: TeleportedGhz, node: int) -> NDArray[np.complex128]:
    """Density matrix of a pair of the centre and the node."""
    phase = probe.pair_phases[node - 1] if probe.pair_phases else 0.0
    vector = np.array([1.0, 0.0, 0.0, np.exp(1j * phase)]) / math.sqrt(2.0)
    fidelity = probe.epr_fidelities[node - 1] if probe.epr_fidelities else 1.0
    pure = (4.0 * fidelity - 1.0) / 3.0
    return np.asarray(pure * np.outer(vector, vector.conj()) + (1.0 - pure) * np.eye(4) / 4.0)


def _gates(grown: GrownGhz) -> Iterator[tuple[int, int]]:
    """Controls and targets of the gates that grow a node's atoms, each before those of the atoms that it entangles."""
    groups = [(0, grown.size)]
    while groups:
        start, size = groups.pop()
        if size > 1:
            control, target = grown.split(size)
            yield start, start + control
            groups += [(start + control, target), (start, control)]


def _product(tensors: list[NDArray[np.number]]) -> MatrixProductState:
    """Matrix product state of site tensors (left, level, right), the first bond and the last of dimension 1."""
    from quimb.tensor import MatrixProductState

    return MatrixProductState(open_ends([tensor.astype(complex) for tensor in tensors]), shape="lrp")


def _on(
    state: MatrixProductState,
    operator: NDArray[np.number],
    *sites: int,
    centre: dict[str, object] | None = None,
) -> None:
    """Apply a gate to one atom or two.

    quimb notes in `centre` where the state's orthogonality centre is, and then looks no further for it.
    """
    contract = "swap+split" if len(sites) == 2 else True
    state.gate_(operator, sites, contract=contract, cutoff=_CUTOFF, info=centre)


def _site(state: MatrixProductState, site: int) -> NDArray[np.complex128]:
    """Site tensor (left, level, right), with outer bonds of dimension 1."""
    left = [state.bond(site - 1, site)] if site > 0 else []
    right = [state.bond(site, site + 1)] if site < state.L - 1 else []
    array = state[site].transpose(*left, state.site_ind(site), *right).data
    return np.asarray(array.reshape(array.shape[0] if left else 1, 2, array.shape[-1] if right else 1))
