"""What a probe is: the state of all atoms before the interrogation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qcn_open.validation import count, open_interval

if TYPE_CHECKING:
    from quimb.tensor import MatrixProductOperator, MatrixProductState
    from qutip import Qobj

__all__ = ["GhzBlocks", "Probe"]

DENSE_ATOMS = 14
NETWORK_ATOMS = 10_000


@dataclass(frozen=True)
class GhzBlocks:
    r"""`copies` independent GHZ blocks of `size` atoms.

    Each is in :math:`\sqrt{1-p}\,|g\ldots g\rangle + i\sqrt p\,|e\ldots e\rangle` with p = `excited_weight`.

    Raises
    ------
    ValueError
        If size or copies is not a whole number >= 1, or the weight does not lie strictly between 0 and 1.

    Examples
    --------
    >>> GhzBlocks(2, copies=3).atoms
    6
    """

    size: int
    copies: int = 1
    excited_weight: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", count("GHZ block size", self.size))
        object.__setattr__(self, "copies", count("number of copies of a GHZ block", self.copies))
        weight = open_interval("excited_weight of a GHZ block", self.excited_weight, 0.0, 1.0)
        object.__setattr__(self, "excited_weight", weight)

    @property
    def atoms(self) -> int:
        """Number of atoms in all copies."""
        return self.size * self.copies

    def vector(self) -> NDArray[np.complex128]:
        """Amplitudes of one block, shape (2**size,); the first atom is the most significant bit, e = 1."""
        amplitudes = np.zeros(2**self.size, dtype=complex)
        amplitudes[0] = np.sqrt(1.0 - self.excited_weight)
        amplitudes[-1] = 1j * np.sqrt(self.excited_weight)
        return amplitudes

    def tensors(self) -> list[NDArray[np.complex128]]:
        """The same as a matrix product, one tensor (left, level, right) for each atom; its bonds have dimension 2."""
        amplitudes = np.array([np.sqrt(1.0 - self.excited_weight), 1j * np.sqrt(self.excited_weight)])
        if self.size == 1:
            return [amplitudes.reshape(1, 2, 1)]
        copy = np.zeros((2, 2, 2), dtype=complex)
        copy[0, 0, 0] = copy[1, 1, 1] = 1.0
        first = np.diag(amplitudes).reshape(1, 2, 2)
        return [first, *[copy] * (self.size - 2), np.eye(2, dtype=complex).reshape(2, 2, 1)]


class Probe(ABC):
    """The state of all atoms at the start of a Ramsey interrogation."""

    @property
    @abstractmethod
    def atoms(self) -> int:
        """Total number of atoms."""

    @property
    def levels(self) -> int:
        """Levels of an atom before the interrogation: 2, (g, e), or 3, (g, e, lost), where some may be lost already."""
        return 2

    def ghz_blocks(self) -> tuple[GhzBlocks, ...] | None:
        """The GHZ blocks whose product the probe is; None when it is no such product."""
        return None

    def copies_by_size(self) -> dict[int, int]:
        """Block size -> number of blocks of that size."""
        copies: dict[int, int] = {}
        for block in self.ghz_blocks() or (GhzBlocks(self.atoms),):
            copies[block.size] = copies.get(block.size, 0) + block.copies
        return copies

    def block_sizes(self) -> tuple[int, ...]:
        """Sizes of the independent blocks, in the order of their atoms: what a readout treats as one unit."""
        blocks = self.ghz_blocks()
        if blocks is None:
            return (self.atoms,)
        return tuple(block.size for block in blocks for _ in range(block.copies))

    def symmetric_state(self) -> NDArray[np.complex128] | None:
        r"""State on the Dicke states :math:`|D_k\rangle`, k = 0...N the number of excited atoms.

        :math:`|D_k\rangle` is the normalised equal superposition of all strings with k times e. Uncorrelated atoms
        in :math:`\sqrt{1-p}|g\rangle + i\sqrt p|e\rangle` have the amplitudes
        :math:`i^k\sqrt{\tbinom Nk p^k(1-p)^{N-k}}`.

        Returns
        -------
        ndarray or None
            Amplitudes of shape (N+1,), or a density matrix when the state is mixed; None when the probe is not
            symmetric under permutations of its atoms.
        """
        blocks = self.ghz_blocks()
        if blocks is None:
            return None
        if len(blocks) == 1 and blocks[0].copies == 1:
            amplitudes = np.zeros(self.atoms + 1, dtype=complex)
            amplitudes[0] = np.sqrt(1.0 - blocks[0].excited_weight)
            amplitudes[-1] = 1j * np.sqrt(blocks[0].excited_weight)
            return amplitudes
        weight = blocks[0].excited_weight
        if any(block.size > 1 or block.excited_weight != weight for block in blocks):
            return None
        return quarter_turns(self.atoms) * np.sqrt(binomial(self.atoms, weight))

    def vector(self) -> NDArray[np.complex128]:
        """State of all atoms: amplitudes of shape (levels**atoms,), or a density matrix when it is mixed.

        Raises
        ------
        ValueError
            If there are too many atoms for a dense state.
        """
        if self.atoms > DENSE_ATOMS:
            raise ValueError(f"a dense state is limited to {DENSE_ATOMS} atoms, {self!r} has {self.atoms}")
        blocks = self.ghz_blocks()
        if blocks is None:
            symmetric = self.symmetric_state()
            if symmetric is None:
                raise TypeError(f"{type(self).__name__} must define ghz_blocks(), symmetric_state() or vector()")
            embedding = dicke_states(self.atoms)
            return embedding @ symmetric if symmetric.ndim == 1 else embedding @ symmetric @ embedding.T
        state = np.ones(1, dtype=complex)
        for block in blocks:
            for _ in range(block.copies):
                state = np.kron(state, block.vector())
        return state

    def network(self) -> MatrixProductState | MatrixProductOperator:
        r"""State as a quimb tensor network with open ends, one site for each atom in their order.

        A pure state is a `MatrixProductState` whose physical dimension is 2, the levels (g, e). A mixed one is a
        density `MatrixProductOperator` :math:`\rho_{kb} = \langle k|\rho|b\rangle`; where atoms may be lost already,
        its physical dimension is 3, the levels (g, e, lost). A product of GHZ blocks is exact: its bonds have
        dimension 2 inside a block and 1 between blocks.

        Raises
        ------
        ValueError
            If there are more than 10 000 atoms, or too many to reach the network through a dense state.
        """
        from quimb.tensor import MatrixProductOperator, MatrixProductState

        blocks = self.ghz_blocks()
        if self.atoms > NETWORK_ATOMS:
            raise ValueError(f"a tensor network is limited to {NETWORK_ATOMS} atoms, {self!r} has {self.atoms}")
        if blocks is not None:
            tensors = [tensor for block in blocks for tensor in block.tensors() * block.copies]
            return MatrixProductState(open_ends(tensors), shape="lrp")
        state = self.vector()
        form = MatrixProductState if state.ndim == 1 else MatrixProductOperator
        # The cutoff is the rounding error of the entries themselves.
        return form.from_dense(state, dims=[self.levels] * self.atoms, cutoff=1e-15, cutoff_mode="rel")

    def to_qutip(self) -> Qobj:
        r"""State as a QuTiP ket of the levels (g, e), or density operator where it is mixed, one factor for each atom.

        Raises
        ------
        ValueError
            If there are too many atoms for a dense state.
        """
        from qutip import Qobj

        state, levels = self.vector(), [self.levels] * self.atoms
        return Qobj(state, dims=[levels, [1] if state.ndim == 1 else levels])

    def to_quimb(self) -> MatrixProductState | MatrixProductOperator:
        """State as a quimb tensor network, one site for each atom: `network`."""
        return self.network()


def open_ends(tensors: list[NDArray[np.complex128]]) -> list[NDArray[np.complex128]]:
    """Site tensors (left, level, ..., right) in quimb's order (left, right, level, ...), outer bonds removed."""
    arrays = [np.moveaxis(tensor, -1, 1) for tensor in tensors]
    arrays[-1] = arrays[-1][:, 0]
    arrays[0] = arrays[0][0]
    return arrays


def binomial(number: int, probability: float) -> NDArray[np.float64]:
    """Probabilities of 0...number successes, each of relative accuracy: products outwards from the most likely one."""
    tries = np.arange(number)
    ratio = (number - tries) / (tries + 1.0) * (probability / (1.0 - probability))
    mode = int(np.count_nonzero(ratio > 1.0))
    weights = np.concatenate([np.cumprod(1.0 / ratio[:mode][::-1])[::-1], [1.0], np.cumprod(ratio[mode:])])
    return np.asarray(weights / weights.sum())


def quarter_turns(atoms: int) -> NDArray[np.complex128]:
    """i^k for k = 0...atoms: what the prepared i of every atom gives the Dicke states."""
    return np.array([1.0, 1.0j, -1.0, -1.0j])[np.arange(atoms + 1) % 4]


def dicke_states(atoms: int) -> NDArray[np.float64]:
    """The Dicke states of 0...atoms excited atoms as columns, shape (2**atoms, atoms + 1)."""
    excited = np.indices((2,) * atoms).reshape(atoms, -1).sum(axis=0)
    states = (excited[:, None] == np.arange(atoms + 1)).astype(float)
    return np.asarray(states / np.sqrt(states.sum(axis=0)))
