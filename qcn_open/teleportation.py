r"""GHZ states over the nodes of a network, made by teleportation, and the entangled pairs that this takes.

The protocol of Kómár et al., Nature Physics 10, 582 (2014), Fig. 2. The centre, node 1, entangles its first atom
:math:`1_1` with the ancillas :math:`b_2\ldots b_K`, one CNOT each. Each other node j holds the half :math:`1_j` of a
pair :math:`(|00\rangle+|11\rangle)/\sqrt2`, whose other half :math:`a_j` is at the centre. A Bell measurement on
:math:`(b_j, a_j)`, a CNOT from b to a and a readout of b along x and of a along z, tells two bits: :math:`\sigma_x` on
:math:`1_j` if a was found excited, then :math:`\sigma_z` if b was. Every node then grows its first atom to all that it
has in the block.

==============  ==================================================================================  ===================
route           how an atom of node j comes to share the state of :math:`1_1`                       gates, bits a node
==============  ==================================================================================  ===================
``ancillas``    as above                                                                            2, 2
``parked``      :math:`a_j` is kept on a clock atom of the centre: a CNOT from :math:`1_1` to it,   1, 1
                a readout along z, :math:`\sigma_x` on :math:`1_j` if it was excited; the centre
                then grows its atoms afresh
``photonic``    as ``ancillas``, with the half of the pair at node j on a qubit that emits or       2, 2, and a
                absorbs photons, which is then converted into the clock atom                        conversion
==============  ==================================================================================  ===================

*What the errors do.* Each link is a channel of Pauli errors for the level that it hands over, and at the end there is
coherence between g...g and e...e,

.. math::

   C = \prod_{i=1}^K F_i(1-2q_i)\,G_i^{\,n_i-1}\;\prod_{j=2}^K L_j, \qquad
   G_i = \bigl(1-\tfrac{16}{15}p_i\bigr)(1-2d_i)^2(1-l_i)^2,

with the `Gates` of node i: fidelity F and phase flip q of the collective gate, and the errors p, d, l of a CNOT; the
gates and readouts of a link are those of the centre,

.. math::

   L_j &= w_j\,s_j\,(1-2m)(1-m)\,G_1\bigl(1-\tfrac{16}{15}p\bigr)(1-2d)(1-l)\bigl(1-\tfrac l2\bigr)
       &&\text{with ancillas, times}\ \tfrac{4f-1}{3}\ \text{if photonic,} \\
   L_j &= w_j\,s_j\,(1-m)\bigl(1-\tfrac{16}{15}p\bigr)(1-2d)(1-l)\bigl(1-\tfrac l2\bigr) &&\text{parked.}

:math:`w_j = (4F_{EPR}-1)/3` is what the Werner pair leaves, :math:`s_j = e^{-(r_1+r_j)t/2}` what its two halves keep
over the time t that they wait, m the probability of a wrong bit and f the fidelity of the conversion. A half that is
lost before its readout gives a random bit, and as its level alone says nothing of the others, only the node is flipped
at random, hence :math:`1-l/2`. A wrong bit along z leaves a state that is coherent as before, but has node j upside
down: its phase is :math:`(N-2n_j)\phi`, another fringe than that of :math:`N\phi`, of which C is the contrast.

One collective gate of the centre serves the ancillas and its own atoms alike, and every node applies it once a block,
also where it has one atom there only, so that K nodes leave :math:`F^K` and :math:`(1-2q)^K`; the parked route takes
one more at the centre.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from qcn_open.noise.base import EXCITED, GROUND, LEVELS, LOST
from qcn_open.preparation import Gates, Geometry, Grown, GrownGhz, Preparation
from qcn_open.probes.base import NETWORK_ATOMS, open_ends
from qcn_open.validation import closed_interval, count, finite, nonnegative

if TYPE_CHECKING:
    from quimb.tensor import MatrixProductOperator, MatrixProductState
    from qutip import Qobj

__all__ = ["Local", "Route", "Teleported", "TeleportedGhz"]

Route = Literal["ancillas", "parked", "photonic"]

_FULLY_DEPOLARIZING = 15.0 / 16.0
_DENSE_DIMENSION = 2187


@dataclass(frozen=True)
class Local(Preparation):
    """GHZ states of one node, grown from one atom by its gates.

    Parameters
    ----------
    gates : Gates, optional
        What goes wrong there.

    Raises
    ------
    TypeError
        If the gates are none.

    Examples
    --------
    >>> local = Local(Gates(entangling_fidelity=0.99, depolarizing=1e-3))
    >>> local.contrast(1), round(local.contrast(10), 6)
    (1.0, 0.980536)
    """

    gates: Gates = Gates()

    def __post_init__(self) -> None:
        _require_gates("Local gates", self.gates)

    def contrast(self, size: int) -> float:
        r""":math:`F(1-2q)G^{n-1}` of n > 1 atoms (`qcn_open.teleportation`): a chain and a tree leave the same."""
        size = count("Local block size", size)
        return _grown(self.gates, size) if size > 1 else 1.0


@dataclass(frozen=True)
class Teleported(Preparation):
    """GHZ states over several nodes, the first of which is the centre that teleports.

    Parameters
    ----------
    gates : tuple of Gates
        What goes wrong in each node.
    shares : tuple of int
        Atoms that each node gives to the smallest block; a block of m times its size has m times these.
    epr_fidelities : tuple of float, optional
        Fidelity of the Werner pairs, from 1/4 to 1, of each node but the centre; none is perfect pairs.
    waiting : float, optional
        Time that a pair is stored before the centre uses it, s.
    route : {"ancillas", "parked", "photonic"}, optional
        See `qcn_open.teleportation`. Parked halves stay on atoms of the centre that go to other blocks later.
    conversion_fidelity : float, optional
        Fidelity, from 1/4 to 1, with which the photonic route converts a qubit; its errors are those of a Werner state.

    Raises
    ------
    TypeError
        If the gates are none.
    ValueError
        If there are not as many gates as shares, or not one fidelity less, or a number is out of range.

    Examples
    --------
    >>> preparation = Teleported((Gates(entangling_fidelity=0.99),) * 10, (1,) * 10)
    >>> preparation.contrast(1), round(preparation.contrast(80), 6)
    (1.0, 0.904382)
    """

    gates: tuple[Gates, ...]
    shares: tuple[int, ...]
    epr_fidelities: tuple[float, ...] = ()
    waiting: float = 0.0
    route: Route = "ancillas"
    conversion_fidelity: float = 1.0

    def __post_init__(self) -> None:
        _check_protocol(self, "shares")

    def contrast(self, size: int) -> float:
        """C of a block that reaches over all nodes (`qcn_open.teleportation`), and 1 of a single atom.

        Raises
        ------
        ValueError
            If the size is neither 1 nor a multiple of the smallest block.
        """
        size = count("Teleported block size", size)
        if size == 1:
            return 1.0
        smallest = sum(self.shares)
        if size % smallest:
            raise ValueError(
                f"a teleported block of {size} atoms cannot be shared as {self.shares}: take a multiple of {smallest}"
            )
        sizes = [size // smallest * share for share in self.shares]
        return math.prod(_node_factors(self, sizes)) * math.prod(_link(self, node)[0] for node in range(1, len(sizes)))


@dataclass(frozen=True)
class TeleportedGhz(Grown):
    r"""GHZ state over the atoms of several nodes, made by imperfect gates from imperfect pairs.

    The state is the average over all outcomes of the measurements, after the corrections that they ask for: populations
    that each gate and each link hands on with its errors, and coherences between levels that are opposite in every node
    (`qcn_open.teleportation`). It is exact at any size. `circuit` is the same protocol gate by gate. The centre's gate
    with the last node's ancilla is the first, and that with the second node's the last. Atoms are in the order of the
    nodes and, within one, of descent.

    Parameters
    ----------
    gates : tuple of Gates
        What goes wrong in each node, the centre first.
    sizes : tuple of int
        Atoms of each node.
    epr_fidelities : tuple of float, optional
        Fidelity of the Werner pairs, from 1/4 to 1, of each node but the centre; none is perfect pairs.
    waiting : float, optional
        Time that a pair is stored before the centre uses it, s.
    route : {"ancillas", "parked", "photonic"}, optional
        How the nodes are linked. Parked halves need as many atoms at the centre as there are nodes.
    conversion_fidelity : float, optional
        Fidelity, from 1/4 to 1, with which the photonic route converts a qubit; its errors are those of a Werner state.
    pair_phases : tuple of float, optional
        Phase (rad) of each pair, :math:`(|00\rangle+e^{i\theta}|11\rangle)/\sqrt2`, that is left in it, such as that
        of photons of two frequencies: it turns the state by :math:`+\theta` where :math:`a_j` is found in g, by
        :math:`-\theta` where in e, which leaves :math:`\cos\theta` on average. Who knows it takes it off before the
        corrections, or afterwards with the sign of the outcome. None is 0.
    geometry : {"chain", "tree"}, optional
        How a node grows its atoms, as in `GrownGhz`.

    Raises
    ------
    TypeError
        If the gates are none.
    ValueError
        If there are not as many gates as sizes, or not one fidelity or phase less, a number is out of range, or the
        centre has too few atoms to park the halves of pairs.

    Examples
    --------
    >>> from qcn_open.preparation import fidelity
    >>> probe = TeleportedGhz((Gates(depolarizing=1e-4),) * 10, (100,) * 10, epr_fidelities=(0.99,) * 9)
    >>> round(fidelity(probe), 6), round(probe.contrast, 6)
    (0.832361, 0.795859)
    """

    gates: tuple[Gates, ...]
    sizes: tuple[int, ...]
    epr_fidelities: tuple[float, ...] = ()
    waiting: float = 0.0
    route: Route = "ancillas"
    conversion_fidelity: float = 1.0
    pair_phases: tuple[float, ...] = ()
    geometry: Geometry = "tree"

    def __post_init__(self) -> None:
        _check_protocol(self, "sizes")
        nodes = len(self.sizes)
        if self.route == "parked" and self.sizes[0] < nodes:
            raise ValueError(
                f'TeleportedGhz route="parked" keeps {nodes - 1} halves of pairs on atoms of the centre beside its '
                f'first, which has {self.sizes[0]} atoms: give it {nodes}, or take route="ancillas"'
            )
        phases = tuple(finite(f"TeleportedGhz pair_phases[{j}]", p, "rad") for j, p in enumerate(self.pair_phases))
        if phases and len(phases) != nodes - 1:
            raise ValueError(f"TeleportedGhz pair_phases must hold {nodes - 1}, one for each pair, got {len(phases)}")
        object.__setattr__(self, "pair_phases", phases)
        # Checks the geometry and the sizes.
        object.__setattr__(self, "geometry", self.grown(0).geometry)

    @property
    def atoms(self) -> int:
        """Number of atoms in all nodes."""
        return sum(self.sizes)

    @property
    def levels(self) -> int:
        """3, (g, e, lost), where gates lose atoms; else 2."""
        return LEVELS if any(gates.loss > 0.0 for gates in self.gates) else LEVELS - 1

    @property
    def contrast(self) -> float:
        """C of the parity fringe of the period 2 pi/N."""
        return math.prod(_node_factors(self, self.sizes)) * math.prod(self._link(node)[0] for node in self._others)

    @property
    def log_contrast(self) -> float:
        """Natural logarithm of the size of C."""
        contrast = abs(self.contrast)
        return math.log(contrast) if contrast > 0.0 else -math.inf

    @property
    def is_one_fringe(self) -> bool:
        """Whether no node may be upside down and coherent: no wrong bits, and no half lost before its readout."""
        return all(self._link(node)[1] == 0.0 for node in self._others)

    @property
    def outcomes(self) -> Iterator[tuple[int, ...]]:
        """Every outcome of the measurements: for nodes 2 to K the bit along z, and along x where b is measured too."""
        bits = 1 if self.route == "parked" else 2
        return itertools.product((0, 1), repeat=bits * (len(self.sizes) - 1))

    def log_mean_product(self, factors: NDArray[np.float64]) -> NDArray[np.float64]:
        r"""Logarithm of :math:`\sum_x P(x)\prod_j f(x_j)`, as of a `GrownGhz`, shape (...) of factors (..., 3)."""
        mean = np.ones(1)
        logarithm: NDArray[np.float64] | float = 0.0
        for node in reversed(range(len(self.sizes))):
            below, log_below = self.grown(node).log_means(factors)
            mean = np.einsum("irj,...r,...j->...i", self._hand_over(node, LEVELS), below, mean)
            scale = mean.max(axis=-1, keepdims=True)
            scale = np.where(scale > 0.0, scale, 1.0)
            mean, logarithm = mean / scale, logarithm + log_below + np.log(scale[..., 0])
        with np.errstate(divide="ignore"):
            return np.asarray(logarithm + np.log(mean[..., 0]))

    def vector(self) -> NDArray[np.complex128]:
        """Density matrix of a few atoms, shape (levels**N, levels**N); the first atom is the most significant digit.

        Raises
        ------
        ValueError
            If there are more than 11 atoms, or 7 where atoms may be lost.
        """
        if self.levels**self.atoms > _DENSE_DIMENSION:
            raise ValueError(
                f"a dense state is limited to dimension {_DENSE_DIMENSION}, {self!r} has {self.levels}^{self.atoms}"
            )
        rows = np.ones((1, 1, 1), dtype=complex)
        for tensor in self._tensors():
            rows = np.einsum("kbl,lxyr->kxbyr", rows, tensor)
            rows = rows.reshape(rows.shape[0] * rows.shape[1], -1, rows.shape[-1])
        return np.asarray(rows[..., 0])

    def network(self) -> MatrixProductOperator:
        """Density operator as a quimb matrix product operator, exact: nothing is compressed.

        A bond carries what one of `GrownGhz` does, times the level, or the side of a coherence, at which the centre's
        first atom was before its gate with the node.

        Raises
        ------
        ValueError
            If there are more than 10 000 atoms, or a tree needs too large tensors.
        """
        from quimb.tensor import MatrixProductOperator

        if self.atoms > NETWORK_ATOMS:
            raise ValueError(f"a tensor network is limited to {NETWORK_ATOMS} atoms, {self!r} has {self.atoms}")
        return MatrixProductOperator(open_ends(self._tensors()), shape="lrud")

    def circuit(self, outcome: Sequence[int]) -> tuple[float, Qobj]:
        """The protocol gate by gate, if the measurements show this outcome.

        Parameters
        ----------
        outcome : sequence of int
            One of `outcomes`: bits as they are read, some of them wrongly.

        Returns
        -------
        probability : float
            Of this outcome.
        state : qutip.Qobj
            Density operator of the atoms then, after the corrections, each of dimension `levels`.

        Raises
        ------
        ValueError
            If it is no outcome, or there are too many atoms for dense states (about 12 without loss).

        Examples
        --------
        >>> import qutip
        >>> probe = TeleportedGhz((Gates(),) * 2, (2, 1))
        >>> probability, state = probe.circuit((1, 0))
        >>> probability, round(float(abs(state.full()[7, 0])), 9)
        (0.25, 0.5)
        """
        from qcn_open.circuits import density_circuit

        return density_circuit(self, self._bits(outcome))

    def circuit_network(self, outcome: Sequence[int]) -> tuple[float, MatrixProductState]:
        """The protocol without its errors on a quimb tensor network, one site for each atom.

        Phases of the pairs are kept; the errors of gates, pairs and readouts are those of `network`.

        Parameters
        ----------
        outcome : sequence of int
            One of `outcomes`.

        Returns
        -------
        probability : float
            Of this outcome.
        state : quimb.tensor.MatrixProductState
            The atoms then, normalised.

        Raises
        ------
        ValueError
            If it is no outcome.
        """
        from qcn_open.circuits import network_circuit

        return network_circuit(self, self._bits(outcome))

    def _bits(self, outcome: Sequence[int]) -> list[tuple[int, ...]]:
        """The bits of the nodes 2 to K."""
        bits = 1 if self.route == "parked" else 2
        expected = bits * len(self._others)
        if len(outcome) != expected or any(bit not in (0, 1) for bit in outcome):
            raise ValueError(f"an outcome of {self.route!r} holds {expected} bits, each 0 or 1, got {outcome!r}")
        return [tuple(outcome[bits * j : bits * (j + 1)]) for j in range(len(self._others))]

    @property
    def _others(self) -> range:
        """Nodes that are not the centre."""
        return range(1, len(self.sizes))

    def grown(self, node: int) -> GrownGhz:
        """How a node grows its atoms: the state that its gates would make of one of its own."""
        gates = self.gates[node]
        return GrownGhz(self.sizes[node], self.geometry, gates.depolarizing, gates.dephasing, gates.loss)

    def _link(self, node: int) -> tuple[float, float]:
        """Factors of the coherence that reaches the node the right way up, and upside down."""
        right, flipped = _link(self, node)
        phase = math.cos(self.pair_phases[node - 1]) if self.pair_phases else 1.0
        return phase * right, phase * flipped

    def _tensors(self) -> list[NDArray[np.complex128]]:
        """Site tensors (left, level, level, right), outer bonds of dimension 1."""
        levels = self.levels
        populations = _chained(
            [self._hand_over(node, levels) for node in range(len(self.sizes))],
            [self.grown(node).population_tensors(np.eye(levels)) for node in range(len(self.sizes))],
        )
        # Sides of a coherence, |e><g| and |g><e| of the first atom of a node, which all of its atoms share.
        sides = [np.eye(2)[None]]
        for node in self._others:
            right, flipped = self._link(node)
            sides.append(np.einsum("ij,ir->irj", np.eye(2), np.array([[right, flipped], [flipped, right]])))
        sides = [side.astype(complex) for side in sides]
        sides[-1] = sides[-1] @ np.array([[0.5j], [-0.5j]])
        copies = []
        for size, factor in zip(self.sizes, _node_factors(self, self.sizes), strict=True):
            copy = np.zeros((2, 2, 2))
            # Spread over the atoms, so that no tensor holds a number that underflows.
            copy[[0, 1], [0, 1], [0, 1]] = factor ** (1.0 / size)
            copies.append([*[copy] * (size - 1), copy.sum(axis=2, keepdims=True)])
        coherences = _chained(sides, copies)
        tensors = []
        for classical, coherent in zip(populations, coherences, strict=True):
            left, right = (np.add(classical.shape[end], coherent.shape[end]) for end in (0, 2))
            tensor = np.zeros((left, levels, levels, right), dtype=complex)
            tensor[: classical.shape[0], range(levels), range(levels), : classical.shape[2]] = classical
            for side, (ket, bra) in enumerate(((EXCITED, GROUND), (GROUND, EXCITED))):
                tensor[classical.shape[0] :, ket, bra, classical.shape[2] :] = coherent[:, side]
            tensors.append(tensor)
        tensors[0] = tensors[0].sum(axis=0, keepdims=True)
        tensors[-1] = tensors[-1].sum(axis=3, keepdims=True)
        return tensors

    def _hand_over(self, node: int, levels: int) -> NDArray[np.float64]:
        """Probability H[i, r, j]: level j of the centre's atom before its gate with the node becomes i, and r there.

        For the centre, i has one value and r is j; behind the last node, j is summed over the first state.
        """
        if node == 0:
            table = np.eye(levels)[None]
        else:
            gate = self.grown(0).gate(levels)
            handed = np.eye(levels)
            if self.route != "parked":
                handed = gate.sum(axis=1)
            if levels == LEVELS:
                # The bit of a lost half is random, and so is the level of the other then.
                handed = handed @ np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.5, 0.0]])
            kept = 1.0 - 2.0 * self.gates[0].measurement_error
            if self.epr_fidelities:
                kept *= _werner(self.epr_fidelities[node - 1])
            if self.route == "photonic":
                kept *= _werner(self.conversion_fidelity)
            flip = np.eye(levels)
            flip[:LOST, :LOST] = 0.5 * np.array([[1.0 + kept, 1.0 - kept], [1.0 - kept, 1.0 + kept]])
            table = np.einsum("jib,bt,tr->irj", gate, handed, flip)
        first = np.array([[0.5], [0.5], [0.0]])[:levels]
        return table @ first if node == len(self.sizes) - 1 else table


_Protocol = Teleported | TeleportedGhz


def _grown(gates: Gates, size: int) -> float:
    """Factor of the coherence that growing to so many atoms leaves."""
    return gates.entangling_coherence * _cnot(gates) ** (size - 1)


def _cnot(gates: Gates) -> float:
    """Factor of the coherence that one CNOT leaves whose control and target both stay in the state."""
    pair = (1.0 - 2.0 * gates.dephasing) * (1.0 - gates.loss)
    return (1.0 - gates.depolarizing / _FULLY_DEPOLARIZING) * pair**2


def _node_factors(protocol: _Protocol, sizes: Sequence[int]) -> list[float]:
    """Factor of the coherence that the gates of each node leave, those of the links apart."""
    factors = [_grown(gates, size) for gates, size in zip(protocol.gates, sizes, strict=True)]
    if protocol.route == "parked" and len(sizes) > 1:
        factors[0] *= protocol.gates[0].entangling_coherence
    return factors


def _link(protocol: _Protocol, node: int) -> tuple[float, float]:
    """Factors of the coherence that reaches the node the right way up, and upside down."""
    centre, gates = protocol.gates[0], protocol.gates[node]
    wrong, loss = centre.measurement_error, centre.loss
    # The gate whose target is read out along z: of two phase flips only that of its control matters.
    factor = (1.0 - centre.depolarizing / _FULLY_DEPOLARIZING) * (1.0 - 2.0 * centre.dephasing) * (1.0 - loss)
    factor *= math.exp(-0.5 * (centre.memory_dephasing + gates.memory_dephasing) * protocol.waiting)
    if protocol.epr_fidelities:
        factor *= _werner(protocol.epr_fidelities[node - 1])
    if protocol.route != "parked":
        factor *= _cnot(centre) * (1.0 - 2.0 * wrong)
    if protocol.route == "photonic":
        factor *= _werner(protocol.conversion_fidelity)
    flipped = 0.5 * loss * (1.0 - wrong) + (1.0 - 0.5 * loss) * wrong
    return factor * (1.0 - flipped), factor * flipped


def _werner(fidelity: float) -> float:
    """(4F - 1)/3: what is left of a coherence that a Werner pair of the fidelity F teleports."""
    return (4.0 * fidelity - 1.0) / 3.0


def _require_gates(name: str, gates: object) -> None:
    if not isinstance(gates, Gates):
        raise TypeError(f"{name} must be Gates such as Gates(entangling_fidelity=0.99), got {gates!r}")


def _check_protocol(protocol: _Protocol, atoms: str) -> None:
    """Validate what a teleported state and the preparation of such states have in common, and keep it as tuples."""
    name = type(protocol).__name__
    for field in ("gates", atoms, "epr_fidelities"):
        given = getattr(protocol, field)
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise TypeError(f"{name} {field} must hold one entry for each node, got {given!r}")
        object.__setattr__(protocol, field, tuple(given))
    for node, gates in enumerate(protocol.gates):
        _require_gates(f"{name} gates[{node}]", gates)
    sizes = tuple(count(f"{name} {atoms}[{node}]", size) for node, size in enumerate(getattr(protocol, atoms)))
    object.__setattr__(protocol, atoms, sizes)
    if not sizes or len(sizes) != len(protocol.gates):
        raise ValueError(f"{name} needs gates and {atoms} of every node, got {len(protocol.gates)} and {len(sizes)}")
    if protocol.epr_fidelities and len(protocol.epr_fidelities) != len(sizes) - 1:
        raise ValueError(
            f"{name} epr_fidelities must hold one for each of the {len(sizes) - 1} nodes other than the centre, got "
            f"{len(protocol.epr_fidelities)}"
        )
    fidelities = tuple(
        closed_interval(f"{name} epr_fidelities[{link}]", fidelity, 0.25, 1.0)
        for link, fidelity in enumerate(protocol.epr_fidelities)
    )
    object.__setattr__(protocol, "epr_fidelities", fidelities)
    object.__setattr__(protocol, "waiting", nonnegative(f"{name} waiting", protocol.waiting, "s"))
    if protocol.route not in get_args(Route):
        raise ValueError(f'{name} route must be "ancillas", "parked" or "photonic", got {protocol.route!r}')
    conversion = closed_interval(f"{name} conversion_fidelity", protocol.conversion_fidelity, 0.25, 1.0)
    object.__setattr__(protocol, "conversion_fidelity", conversion)


def _chained(
    hand_over: Sequence[NDArray[np.number]], nodes: Sequence[Sequence[NDArray[np.float64]]]
) -> list[NDArray[np.number]]:
    """Site tensors (left, level, right) of nodes in a row.

    Parameters
    ----------
    hand_over : sequence of ndarray, shape (left, first, right)
        What a node takes from the bond on its left and on its right to its first atom.
    nodes : sequence of sequences of ndarray
        Site tensors of a node, whose first bond is the first atom's level and whose last has dimension 1.
    """
    tensors: list[NDArray[np.number]] = []
    for table, (first, *rest) in zip(hand_over, nodes, strict=True):
        passing = np.eye(table.shape[2])
        start = np.einsum("lfr,fxb->lxbr", table, first)
        tensors.append(start.reshape(*start.shape[:2], -1))
        tensors.extend(np.kron(tensor.swapaxes(0, 1), passing).swapaxes(0, 1) for tensor in rest)
    return tensors
