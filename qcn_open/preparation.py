r"""How a GHZ state is made, and what imperfect gates leave of it.

The first atom is put into :math:`(|g\rangle + i|e\rangle)/\sqrt2`; then every gate, a CNOT, copies the level of an
atom of the state to a fresh atom in g. Two geometries:

===========  ===============================  ===============================  =====================================
geometry     control of a gate                layers of simultaneous gates     atoms that wait, all layers together
===========  ===============================  ===============================  =====================================
``"chain"``  the atom that was added last     N - 1                            (N - 1)(N - 2)/2
``"tree"``   every atom, save at most one     :math:`d=\lceil\log_2N\rceil`    d minus the ones in the binary N - 1
===========  ===============================  ===============================  =====================================

A tree doubles in every layer or, where N is no power of two, nearly so: from :math:`\lceil N/2\rceil` atoms to N in
the last one, and so on backwards: in a layer with an odd number of atoms to come one waits, else none.

*What the errors do.* A bit flip spreads to all atoms that descend from its own, a phase flip is one of the whole state.
The Pauli errors of a depolarised pair that flip a level come with an even and an odd number of phase flips alike, and
a lost atom tells the level of all the others. Coherence is therefore left between g...g and e...e only,

.. math:: \rho = \sum_x P(x)\,|x\rangle\langle x| + \tfrac i2 C\,|e\ldots e\rangle\langle g\ldots g| + \mathrm{h.c.},

where the contrast C is a product over all gates, and the populations P are those of a Markov process in which each atom
hands its level on to those grown from it. Fidelity and Fisher information follow for any N without approximation.
"""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from qcn_open.noise.base import EXCITED, GROUND, LEVELS, LOST
from qcn_open.probes import Probe
from qcn_open.probes.base import NETWORK_ATOMS, open_ends
from qcn_open.validation import closed_interval, count, nonnegative

if TYPE_CHECKING:
    from quimb.tensor import MatrixProductOperator

__all__ = ["Gates", "Geometry", "Grown", "GrownGhz", "Perfect", "Preparation", "fidelity", "parity_contrast"]

Geometry = Literal["chain", "tree"]

_MOST_ATOMS = 10**6
_DENSE_DIMENSION = 2187
_MOST_ENTRIES = 3 * 10**7
_FULLY_DEPOLARIZING = 15.0 / 16.0


class Preparation(ABC):
    """How the blocks of a cascade are made: what contrast is left to them before they are interrogated.

    Subclasses are frozen dataclasses. They know over which nodes a block reaches.
    """

    @abstractmethod
    def contrast(self, size: int) -> float:
        """Of the parity fringe of a block of so many atoms, in (0, 1]; 1 for a single atom that no other shares."""


@dataclass(frozen=True)
class Perfect(Preparation):
    """GHZ states without a flaw.

    Examples
    --------
    >>> Perfect().contrast(1000)
    1.0
    """

    def contrast(self, size: int) -> float:
        """1."""
        return 1.0


@dataclass(frozen=True)
class Gates:
    r"""What goes wrong in one node when GHZ states are made and teleported.

    Parameters
    ----------
    entangling_fidelity : float, optional
        F of the local collective gate that grows one atom to all of the node's in a block: with probability 1 - F it
        leaves the block without coherence.
    phase_flip : float, optional
        Probability with which that gate flips the sign between g...g and e...e instead, from 0 to 1/2.
    depolarizing, dephasing, loss : float, optional
        Errors of a CNOT as in `GrownGhz`.
    measurement_error : float, optional
        Probability with which each of the two bits of a Bell measurement is read wrongly, from 0 to 1/2.
    memory_dephasing : float, optional
        Rate (1/s) at which the coherence of an atom that waits for another decays as :math:`e^{-rate\,t/2}`, as that of
        `Dephasing`.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> Gates(entangling_fidelity=0.99).entangling_fidelity
    0.99
    """

    entangling_fidelity: float = 1.0
    phase_flip: float = 0.0
    depolarizing: float = 0.0
    dephasing: float = 0.0
    loss: float = 0.0
    measurement_error: float = 0.0
    memory_dephasing: float = 0.0

    def __post_init__(self) -> None:
        largest = {
            "entangling_fidelity": 1.0,
            "phase_flip": 0.5,
            "depolarizing": _FULLY_DEPOLARIZING,
            "dephasing": 0.5,
            "loss": 1.0,
            "measurement_error": 0.5,
        }
        for name, high in largest.items():
            object.__setattr__(self, name, closed_interval(f"Gates {name}", getattr(self, name), 0.0, high))
        rate = nonnegative("Gates memory_dephasing", self.memory_dephasing, "1/s")
        object.__setattr__(self, "memory_dephasing", rate)

    @property
    def entangling_coherence(self) -> float:
        """Factor F(1 - 2q) of the coherence that the collective gate leaves."""
        return self.entangling_fidelity * (1.0 - 2.0 * self.phase_flip)


class Grown(Probe):
    """GHZ states that gates grew: populations as means over the atoms, and one contrast."""

    @property
    @abstractmethod
    def contrast(self) -> float:
        """Twice the coherence between g...g and e...e, whose phase is that of the GHZ state, or turned by pi if < 0."""

    @property
    @abstractmethod
    def log_contrast(self) -> float:
        """Natural logarithm of its size."""

    @property
    @abstractmethod
    def is_one_fringe(self) -> bool:
        """Whether there is no coherence but this one."""

    @abstractmethod
    def log_mean_product(self, factors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithm of the mean of a product over the atoms, of factors >= 0 on their levels (g, e, lost)."""


@dataclass(frozen=True)
class GrownGhz(Grown):
    r"""GHZ state of N atoms, grown atom by atom with imperfect gates.

    Errors follow every gate, on its control and its target:

    - with probability p one of the 15 Pauli operators of two atoms other than the identity, all equally likely;
      the gate has the entanglement fidelity 1 - p and the average fidelity 1 - 4p/5;
    - with probability q a phase flip :math:`\sigma_z`, on each of the two independently;
    - with probability l the loss of an atom, of each of the two independently.

    A gate whose control is lost leaves its target in g; its errors hit those atoms that are there. In each layer
    of gates, an atom of the state that takes part in none waits, and has its phase flipped with probability w.

    .. math::

       C = \left[(1 - \tfrac{16}{15}p)(1-2q)^2(1-l)^2\right]^{N-1}(1-2w)^W

    with W the sum over the layers of the number of atoms that wait (see `qcn_open.preparation`). The atoms are in
    the order of descent: each is followed by those grown from it.

    Parameters
    ----------
    size : int
        Number N of atoms, at most 10^6.
    geometry : {"chain", "tree"}, optional
        Which atoms control the gates.
    depolarizing : float, optional
        p, from 0 to 15/16, where a gate leaves its two atoms maximally mixed.
    dephasing : float, optional
        q, from 0 to 1/2.
    loss : float, optional
        l, from 0 to 1.
    waiting_dephasing : float, optional
        w, from 0 to 1/2.

    Raises
    ------
    ValueError
        If the size is not a whole number from 1 to 10^6, the geometry is unknown or a probability out of range.

    Examples
    --------
    >>> probe = GrownGhz(100, "tree", depolarizing=1e-3)
    >>> round(fidelity(probe), 6), round(parity_contrast(probe), 6)
    (0.911906, 0.899734)
    """

    size: int
    geometry: Geometry = "tree"
    depolarizing: float = 0.0
    dephasing: float = 0.0
    loss: float = 0.0
    waiting_dephasing: float = 0.0

    def __post_init__(self) -> None:
        size = count("GrownGhz size", self.size)
        if size > _MOST_ATOMS:
            raise ValueError(
                f"GrownGhz size must be at most {_MOST_ATOMS}, where rounding adds up to 1e-10, got {size}"
            )
        object.__setattr__(self, "size", size)
        if self.geometry not in get_args(Geometry):
            raise ValueError(f'GrownGhz geometry must be "chain" or "tree", got {self.geometry!r}')
        largest = {"depolarizing": _FULLY_DEPOLARIZING, "dephasing": 0.5, "loss": 1.0, "waiting_dephasing": 0.5}
        for name, high in largest.items():
            probability = closed_interval(f"GrownGhz {name} probability", getattr(self, name), 0.0, high)
            object.__setattr__(self, name, probability)

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return self.size

    @property
    def levels(self) -> int:
        """3, (g, e, lost), where gates lose atoms; else 2."""
        return LEVELS if self.loss > 0.0 else LEVELS - 1

    @property
    def layers(self) -> int:
        """Number of layers of simultaneous gates."""
        return self.size - 1 if self.geometry == "chain" else (self.size - 1).bit_length()

    @property
    def contrast(self) -> float:
        """C; 0 where it is no floating-point number any more."""
        return math.exp(self.log_contrast)

    @property
    def is_one_fringe(self) -> bool:
        """True: no other coherence outlives its growth."""
        return True

    @property
    def log_contrast(self) -> float:
        r"""Natural logarithm of the contrast C."""
        gates = self.size - 1
        waiting = gates * (gates - 1) // 2 if self.geometry == "chain" else self.layers - gates.bit_count()
        return (
            _log_power(self.depolarizing / _FULLY_DEPOLARIZING, gates)
            + _log_power(2.0 * self.dephasing, 2 * gates)
            + _log_power(self.loss, 2 * gates)
            + _log_power(2.0 * self.waiting_dephasing, waiting)
        )

    def log_mean_product(self, factors: NDArray[np.float64]) -> NDArray[np.float64]:
        r"""Logarithm of :math:`\sum_x P(x)\prod_j f(x_j)`, the mean of a product over the atoms.

        Parameters
        ----------
        factors : ndarray, shape (..., 3)
            f >= 0 on the levels (g, e, lost).

        Returns
        -------
        ndarray, shape (...)
            (1, 0, 0) gives the population of g...g; (1, 1, 0) the probability that no atom is lost.

        Notes
        -----
        With :math:`M_n(a)` the mean over the n atoms grown from one at level a, itself included, and G(a; a', b') the
        probability that a gate leaves control and target at a' and b',

        .. math:: M_1 = f, \qquad M_n(a) = \sum_{a'b'} G(a; a', b')\,M_{n'}(a')\,M_{n-n'}(b').

        In a chain n' = 1, and this is the power of a matrix. All terms are >= 0, so nothing cancels.
        """
        mean, logarithm = self.log_means(factors)
        with np.errstate(divide="ignore"):
            return np.asarray(logarithm + np.log(0.5 * (mean[..., GROUND] + mean[..., EXCITED])))

    def log_means(self, factors: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The same for each level of the first atom, shape (..., 3), and the logarithm of a factor of them all."""
        gate = self.gate(LEVELS)
        single = np.asarray(factors, dtype=float)
        if self.geometry == "chain":
            step = np.einsum("iab,...a->...ib", gate, single)
            return _power_on(step, self.size - 1, single)
        groups = {1: (single, np.zeros(single.shape[:-1]))}
        for size in self._group_sizes():
            (control, log_control), (target, log_target) = (groups[part] for part in self.split(size))
            mean, log_scale = _scaled(np.einsum("iab,...a,...b->...i", gate, control, target), 1)
            groups[size] = mean, log_control + log_target + log_scale
        return groups[self.size]

    def vector(self) -> NDArray[np.complex128]:
        """Density matrix of a few atoms, shape (levels**N, levels**N); the first atom is the most significant digit.

        Raises
        ------
        ValueError
            If there are more than 11 atoms, or 7 where atoms may be lost.
        """
        levels = self.levels
        dimension = levels**self.size
        if dimension > _DENSE_DIMENSION:
            raise ValueError(
                f"a dense state is limited to dimension {_DENSE_DIMENSION}, {self!r} has {levels}^{self.size}"
            )
        gate = self.gate(levels)
        populations = {1: np.eye(levels)}
        for size in self._group_sizes():
            control, target = (populations[part] for part in self.split(size))
            populations[size] = np.einsum("iab,ax,by->ixy", gate, control, target).reshape(levels, -1)
        rho = np.diag(0.5 * (populations[self.size][GROUND] + populations[self.size][EXCITED])).astype(complex)
        top = _all_excited(self)
        rho[top, 0] = 0.5j * self.contrast
        rho[0, top] = -rho[top, 0]
        return rho

    def network(self) -> MatrixProductOperator:
        r"""Density operator as a quimb matrix product operator, exact: nothing is compressed.

        A bond carries the levels of the atoms (L = 2 of them, 3 with loss) through which the populations to its left
        and right depend on one another, and the two coherences in addition. In a chain that is one atom: dimension
        L + 2. In a tree of d layers it is at most :math:`\lfloor d/2\rfloor + 1` atoms, dimension 66 (L = 2) for
        N = 1000: subtrees hang on both sides of a cut, wherever it is.

        Raises
        ------
        ValueError
            If there are more than 10 000 atoms, or a tree needs too large tensors.
        """
        from quimb.tensor import MatrixProductOperator

        if self.size > NETWORK_ATOMS:
            raise ValueError(f"a tensor network is limited to {NETWORK_ATOMS} atoms, {self!r} has {self.size}")
        # Spread over the atoms, so that no tensor holds a number that underflows.
        factor = math.exp(self.log_contrast / self.size)
        tensors = []
        for classical in self.population_tensors(np.array([[0.5, 0.5, 0.0][: self.levels]])):
            left, levels, right = classical.shape
            tensor = np.zeros((left + 2, levels, levels, right + 2), dtype=complex)
            tensor[:left, range(levels), range(levels), :right] = classical
            tensor[left, EXCITED, GROUND, right] = tensor[left + 1, GROUND, EXCITED, right + 1] = factor
            tensors.append(tensor)
        start, end = np.array([1.0, 0.5j, -0.5j]), np.ones(3)
        tensors[0] = np.tensordot(start, tensors[0], axes=(0, 0))[None]
        tensors[-1] = np.tensordot(tensors[-1], end, axes=(3, 0))[..., None]
        return MatrixProductOperator(open_ends(tensors), shape="lrud")

    def split(self, size: int) -> tuple[int, int]:
        """How many atoms are grown from control and target after the first gate of an atom from which `size` are."""
        control = 1 if self.geometry == "chain" else 1 << ((size - 1).bit_length() - 1)
        return control, size - control

    def _group_sizes(self) -> list[int]:
        """The numbers of atoms > 1 that are grown from some atom, ascending."""
        if self.geometry == "chain":
            return list(range(2, self.size + 1))
        # Full doublings, and the rest of the atoms that is left over from them.
        remainders = {((self.size - 1) % (1 << layer)) + 1 for layer in range(self.layers + 1)}
        return sorted((remainders | {1 << layer for layer in range(self.layers)}) - {1})

    def gate(self, levels: int) -> NDArray[np.float64]:
        """Probability G[a, a', b'] that a gate whose control is at level a leaves control and target at a' and b'."""
        ideal = np.zeros((LEVELS, LEVELS, LEVELS))
        ideal[GROUND, GROUND, GROUND] = ideal[EXCITED, EXCITED, EXCITED] = ideal[LOST, LOST, GROUND] = 1.0
        mixed = np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
        stay = 1.0 - self.loss
        loss = np.array([[stay, 0.0, self.loss], [0.0, stay, self.loss], [0.0, 0.0, 1.0]])
        replaced = self.depolarizing / _FULLY_DEPOLARIZING
        gate = (1.0 - replaced) * ideal + replaced * np.einsum("iab,ax,by->ixy", ideal, mixed, mixed)
        return np.asarray(np.einsum("iab,ax,by->ixy", gate, loss, loss)[:levels, :levels, :levels])

    def population_tensors(self, start: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Site tensors (left, level, right) of the populations P, the last bond of dimension 1.

        Gates and atoms are absorbed one after the other; the open edges in between are the bond.

        Parameters
        ----------
        start : ndarray, shape (left, levels)
            Populations of the first atom before the first gate.
        """
        levels = start.shape[1]
        gate = self.gate(levels)
        edges = [0]
        block = start
        tensors: list[NDArray[np.float64]] = []
        entries = 0
        for node in _layout(self):
            if len(node) == 3:
                joined = [edge for edge in node if edge in edges]
                axes = [1 + edges.index(edge) for edge in joined], [node.index(edge) for edge in joined]
                block = np.tensordot(block, gate, axes=axes)
                edges = [edge for edge in edges if edge not in joined] + [edge for edge in node if edge not in joined]
                continue
            (edge,) = node
            if edge in edges:
                block = np.moveaxis(block, 1 + edges.index(edge), 1)
                edges.remove(edge)
            else:
                block = np.moveaxis(np.multiply.outer(block, np.eye(levels)), -2, 1)
                edges = [*edges, edge]
            tensor = block.reshape(block.shape[0], levels, -1)
            tensors.append(tensor)
            entries += levels * tensor.size
            if entries > _MOST_ENTRIES:
                raise ValueError(
                    f"the tensor network of {self!r} has more than the allowed {_MOST_ENTRIES:.0e} entries: take fewer "
                    'atoms, or geometry="chain"'
                )
            block = np.eye(tensor.shape[-1]).reshape(-1, *[levels] * len(edges))
        return tensors


def fidelity(probe: Probe) -> float:
    r"""State fidelity :math:`\langle\mathrm{GHZ}|\rho|\mathrm{GHZ}\rangle`, not its root.

    Without a phase error it is half the sum of the population of {g...g, e...e} and of the parity contrast, which is
    how it is measured.

    Parameters
    ----------
    probe : Probe
        A `GrownGhz` or `TeleportedGhz` of any size, or another probe of a few atoms.

    Examples
    --------
    >>> round(fidelity(GrownGhz(5, "chain", depolarizing=0.01)), 6)
    0.964512
    """
    population, coherence = _extremes(probe)
    return 0.5 * population + coherence.imag


def parity_contrast(probe: Probe) -> float:
    r"""Contrast :math:`2|\rho_{e\ldots e,g\ldots g}|` of the parity fringe of period :math:`2\pi/N`.

    Parameters
    ----------
    probe : Probe
        A `GrownGhz` or `TeleportedGhz` of any size, or another probe of a few atoms.

    Examples
    --------
    >>> from qcn_open import Ghz
    >>> round(parity_contrast(Ghz(4, excited_weight=0.2)), 6)
    0.8
    """
    return 2.0 * abs(_extremes(probe)[1])


def _extremes(probe: Probe) -> tuple[float, complex]:
    """Population of g...g and e...e together, and the coherence between them."""
    if isinstance(probe, Grown):
        log_populations = probe.log_mean_product(np.eye(LEVELS)[[GROUND, EXCITED]])
        return float(np.exp(log_populations).sum()), 0.5j * probe.contrast
    state, top = probe.vector(), _all_excited(probe)
    if state.ndim == 1:
        return float(abs(state[0]) ** 2 + abs(state[top]) ** 2), complex(state[top] * state[0].conj())
    return float((state[0, 0] + state[top, top]).real), complex(state[top, 0])


def _all_excited(probe: Probe) -> int:
    """Index of e...e in the vector of a probe."""
    return int((probe.levels**probe.atoms - 1) // (probe.levels - 1))


def _layout(probe: GrownGhz) -> Iterator[tuple[int, ...]]:
    """Gates (edge in, control out, target out) and atoms (edge in) from left to right; atoms in order of descent.

    A gate may stand anywhere among its atoms, and each edge that passes over an atom multiplies a bond there. Two
    generations of gates at once, with the four groups of atoms to both sides of them, add one edge.
    """
    labels = itertools.count(1)

    def gate(edge: int, size: int) -> tuple[tuple[int, int, int], tuple[int, int], tuple[int, int]]:
        control, target = ((next(labels), part) for part in probe.split(size))
        return (edge, control[0], target[0]), control, target

    def after(edge: int, size: int) -> Iterator[tuple[int, ...]]:
        """Atoms grown from an edge that comes from the left."""
        while size > 1:
            first, control, target = gate(edge, size)
            if control[1] == 1:
                yield from (first, control[:1])
            else:
                second, inner, outer = gate(*control)
                yield from before(*inner)
                yield from (first, second)
                yield from after(*outer)
            edge, size = target
        yield (edge,)

    def before(edge: int, size: int) -> Iterator[tuple[int, ...]]:
        """The same for an edge that comes from the right."""
        if size == 1:
            yield (edge,)
            return
        first, control, target = gate(edge, size)
        yield from before(*control)
        if target[1] == 1:
            yield from (first, target[:1])
        else:
            second, inner, outer = gate(*target)
            yield from before(*inner)
            yield from (second, first)
            yield from after(*outer)

    return after(0, probe.size)


def _scaled(array: NDArray[np.float64], axes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Divide by the largest entry along the last `axes` axes; that entry's logarithm. Zeros stay zeros."""
    scale = array.max(axis=tuple(range(-axes, 0)), keepdims=True)
    scale = np.where(scale > 0.0, scale, 1.0)
    return array / scale, np.log(scale).reshape(array.shape[:-axes])


def _power_on(
    matrix: NDArray[np.float64], exponent: int, vector: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Power of a matrix applied to a vector, by squaring, and the logarithm of a factor taken out of it."""
    vector, log_vector = _scaled(vector, 1)
    matrix, log_matrix = _scaled(matrix, 2)
    while exponent:
        if exponent & 1:
            vector, log_scale = _scaled(np.einsum("...ij,...j->...i", matrix, vector), 1)
            log_vector = log_vector + log_matrix + log_scale
        matrix, log_scale = _scaled(matrix @ matrix, 2)
        log_matrix = 2.0 * log_matrix + log_scale
        exponent >>= 1
    return vector, log_vector


def _log_power(missing: float, times: int) -> float:
    """Logarithm of (1 - missing) to the power of `times`."""
    if times == 0:
        return 0.0
    return times * math.log1p(-missing) if missing < 1.0 else -math.inf
