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
lost before its readout says nothing of whether node j must be flipped, hence :math:`1 - l/2`, and is taken for g.
A wrong bit along z leaves the state that has node j upside down, coherent as before: its phase is
:math:`(N-2n_j)\phi`, not :math:`N\phi`, and all of its parity that the fringe of N atoms does not have is left out of
C.

One collective gate of the centre serves the ancillas and its own atoms alike, and every node applies it once a block,
also where it has one atom there only, so that :math:`F^K` and :math:`(1-2q)^K` are left by K nodes; the parked route
takes one more at the centre, :math:`F^{K+1}`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from qcn_open.preparation import Gates, Preparation
from qcn_open.validation import closed_interval, count, nonnegative

__all__ = ["Local", "Route", "Teleported"]

Route = Literal["ancillas", "parked", "photonic"]

_FULLY_DEPOLARIZING = 15.0 / 16.0


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
        shares = (size // smallest * share for share in self.shares)
        nodes = math.prod(_grown(gates, share) for gates, share in zip(self.gates, shares, strict=True))
        return nodes * _centre_again(self) * math.prod(_link(self, node)[0] for node in range(1, len(self.gates)))


def _grown(gates: Gates, size: int) -> float:
    """Factor of the coherence that growing to so many atoms leaves."""
    return gates.entangling_fidelity * (1.0 - 2.0 * gates.phase_flip) * _cnot(gates) ** (size - 1)


def _cnot(gates: Gates) -> float:
    """Factor of the coherence that one CNOT leaves whose control and target both stay in the state."""
    pair = (1.0 - 2.0 * gates.dephasing) * (1.0 - gates.loss)
    return (1.0 - gates.depolarizing / _FULLY_DEPOLARIZING) * pair**2


def _centre_again(protocol: Teleported) -> float:
    """Factor of the collective gate that the centre needs a second time where it has parked halves of pairs."""
    centre = protocol.gates[0]
    again = protocol.route == "parked" and len(protocol.gates) > 1
    return centre.entangling_fidelity * (1.0 - 2.0 * centre.phase_flip) if again else 1.0


def _link(protocol: Teleported, node: int) -> tuple[float, float]:
    """Factors of the coherence that reaches the node the right way up, and upside down."""
    centre, gates = protocol.gates[0], protocol.gates[node]
    wrong, loss = centre.measurement_error, centre.loss
    # The gate whose target is read out along z: of two phase flips only that of its control matters.
    factor = (1.0 - centre.depolarizing / _FULLY_DEPOLARIZING) * (1.0 - 2.0 * centre.dephasing) * (1.0 - loss)
    factor *= math.exp(-0.5 * (centre.memory_dephasing + gates.memory_dephasing) * protocol.waiting)
    if protocol.epr_fidelities:
        factor *= werner_coherence(protocol.epr_fidelities[node - 1])
    if protocol.route != "parked":
        factor *= _cnot(centre) * (1.0 - 2.0 * wrong)
    if protocol.route == "photonic":
        factor *= werner_coherence(protocol.conversion_fidelity)
    flipped = 0.5 * loss * (1.0 - wrong) + (1.0 - 0.5 * loss) * wrong
    return factor * (1.0 - flipped), factor * flipped


def werner_coherence(fidelity: float) -> float:
    """(4F - 1)/3: what is left of a coherence that a Werner pair of the fidelity F teleports."""
    return (4.0 * fidelity - 1.0) / 3.0


def _require_gates(name: str, gates: object) -> None:
    if not isinstance(gates, Gates):
        raise TypeError(f"{name} must be Gates such as Gates(entangling_fidelity=0.99), got {gates!r}")


def _check_protocol(protocol: Teleported, atoms: str) -> None:
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
