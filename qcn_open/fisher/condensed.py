r"""Exact quantum Fisher information of a matrix product whose sites condense.

What a group of neighbouring atoms has to do with the phase is often little: of the :math:`2^n` states of a dephased GHZ
block two are ever occupied. A group is kept as a direct sum

.. math:: \rho = \bigoplus_c A_c, \qquad G = \bigoplus_c \mathrm{diag}(q_c),

of the blocks that no matrix element connects, whatever the other atoms do; each is a matrix of d states with a left
and a right bond. Two neighbours are merged into one such sum. States that are never occupied drop out of it, and blocks
that are proportional to one another are added up: which of them is found is a classical outcome that tells nothing
about the others or the phase. Both are exact, and both are read off the tensors; a GHZ block with loss becomes
(g..g, e..e) and one single state for all the rest.

The condensed chain is then diagonalised, block by block. Its cost is known beforehand: the sum of :math:`d^3` over the
blocks of the whole is the product of those of the sites.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Group", "condensed", "exact_information", "exact_work", "grouped"]

Array = NDArray[Any]

# Relative difference of two numbers that are one but for rounding.
_EQUAL = 1e-12
# Sum of d^2 over the blocks of a group, and entries of a product of two groups.
_STATES = 4096
_ENTRIES = 5 * 10**6
# Sites that are still so many are not going to be few.
_JOINED = 64
_NOTHING = 1e-290
_BATCH = 2**21


@dataclass(frozen=True, eq=False)
class Group:
    """Neighbouring sites as a direct sum of blocks, those of equal dimension d stacked.

    Attributes
    ----------
    blocks : dict of int to (ndarray, ndarray)
        For each d the blocks, shape (number, left, d, d, right), and the charges of their states, shape (number, d).
    """

    blocks: dict[int, tuple[Array, NDArray[np.float64]]]

    @property
    def work(self) -> int:
        """Sum of d^3 over the blocks."""
        return sum(len(stack) * size**3 for size, (stack, _) in self.blocks.items())

    @property
    def left(self) -> int:
        """Dimension of the bond on the left."""
        return int(next(iter(self.blocks.values()))[0].shape[1])

    @property
    def right(self) -> int:
        """Dimension of the bond on the right."""
        return int(next(iter(self.blocks.values()))[0].shape[-1])

    @property
    def states(self) -> int:
        """Sum of d^2 over the blocks."""
        return sum(len(stack) * size**2 for size, (stack, _) in self.blocks.items())


def grouped(tensor: Array, charge: NDArray[np.float64]) -> Group:
    """One site, shape (left, d, d, right), as a direct sum."""
    return _direct_sum([(tensor[None], charge[None])])


def condensed(sites: Sequence[Group]) -> list[Group]:
    """The chain with neighbours merged: first where that makes the whole smaller, then while they are small."""
    chain = list(sites)
    # Equal neighbours are one object, and so are their mergers.
    known: dict[tuple[int, int], tuple[Group, Group, Group | None]] = {}

    def merged(place: int) -> Group | None:
        first, second = chain[place : place + 2]
        key = (id(first), id(second))
        if key not in known:
            known[key] = (first, second, _merged(first, second))
        return known[key][2]

    while len(chain) > 1:
        shorter: list[Group] = []
        place = 0
        while place < len(chain):
            both = merged(place) if place + 1 < len(chain) else None
            if both is not None and both.states <= chain[place].states + chain[place + 1].states:
                shorter.append(both)
                place += 2
            else:
                shorter.append(chain[place])
                place += 1
        if len(shorter) == len(chain) > _JOINED:
            break
        if len(shorter) == len(chain):
            sizes = [first.states * second.states for first, second in pairwise(chain)]
            both = None
            for place in np.argsort(sizes, kind="stable").tolist():
                both = merged(place)
                if both is not None:
                    shorter[place : place + 2] = [both]
                    break
            if both is None:
                break
        chain = shorter
    return chain


def exact_work(chain: Sequence[Group]) -> int:
    """Sum of d^3 over the blocks of the whole chain."""
    return math.prod(group.work for group in chain)


def exact_information(chain: Sequence[Group]) -> float:
    r"""Quantum Fisher information of the direct sum that the chain is, block by block.

    .. math:: F = \sum_c\sum_{ab} \frac{2|\\langle a|[G, A_c]|b\\rangle|^2}{p_a + p_b}

    in the eigenbasis of each :math:`A_c`.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return sum(_block_information(blocks, charges) for blocks, charges in _blocks(chain))


def _block_information(blocks: Array, charges: NDArray[np.float64]) -> float:
    """Sum over a stack of blocks, shape (number, d, d)."""
    probability, basis = np.linalg.eigh(blocks)
    commutator = (charges[:, :, None] - charges[:, None, :]) * blocks
    rotated = basis.conj().swapaxes(1, 2) @ commutator @ basis
    pair = probability[:, :, None] + probability[:, None, :]
    # Pairs at the level of rounding are outside the support.
    floor = 4.0 * blocks.shape[1] * np.finfo(float).eps * np.abs(probability).max(axis=1)
    support = pair > floor[:, None, None]
    inverse = np.where(support, 2.0 / np.where(support, pair, 1.0), 0.0)
    return float(np.sum(np.abs(rotated) ** 2 * inverse))


def _blocks(
    chain: Sequence[Group], left: Array | None = None, charges: NDArray[np.float64] | None = None
) -> Iterator[tuple[Array, NDArray[np.float64]]]:
    """All blocks of the whole with more than one state, in stacks that are not too large."""
    if left is None or charges is None:
        left, charges = np.ones((1, 1, 1, 1, 1)), np.zeros((1, 1))
    if not chain:
        if left.shape[2] > 1:
            yield left[:, 0, :, :, 0], charges
        return
    for right, more in chain[0].blocks.values():
        step = max(1, _BATCH // max(left[0].size * right[0, 0].size // left.shape[-1], 1))
        # Neighbours at the end of the chain are many: they are taken one after the other, the first ones in pieces.
        for start in range(0, len(left), step):
            pieces = max(1, step // len(left))
            for begin in range(0, len(right), pieces):
                yield from _blocks(
                    chain[1:],
                    _products(left[start : start + step], right[begin : begin + pieces]),
                    _sums(charges[start : start + step], more[begin : begin + pieces]),
                )


def _products(first: Array, second: Array) -> Array:
    """All products of two stacks of blocks."""
    number, left, d, _, _ = first.shape
    more, _, e, _, right = second.shape
    product = np.tensordot(first, second, (4, 1)).transpose(0, 4, 1, 2, 5, 3, 6, 7)
    # Far below the smallest normal number there are no digits left to compare.
    product[np.abs(product) < _NOTHING] = 0.0
    return np.asarray(product.reshape(number * more, left, d * e, d * e, right))


def _sums(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Charges of the products."""
    return (first[:, None, :, None] + second[:, None, :]).reshape(len(first) * len(second), -1)


def _merged(first: Group, second: Group) -> Group | None:
    """Two neighbours as one group; None where it would be too large."""
    if first.states * first.left * second.states * second.right > _ENTRIES:
        return None
    group = _direct_sum(
        [
            (_products(stack, other), _sums(charges, more))
            for stack, charges in first.blocks.values()
            for other, more in second.blocks.values()
        ]
    )
    return group if group.states <= _STATES else None


def _direct_sum(stacks: Sequence[tuple[Array, NDArray[np.float64]]]) -> Group:
    """Matrices of any dimensions as a direct sum of blocks without proportional ones."""
    parts: dict[int, list[tuple[Array, NDArray[np.float64]]]] = {}
    for stack, charges in stacks:
        for members, states in _connected(stack):
            part = stack[members][:, :, states][:, :, :, states]
            parts.setdefault(len(states), []).append((part, charges[np.ix_(members, states)]))
    return Group({size: _lumped(*map(np.concatenate, zip(*parts[size], strict=True))) for size in sorted(parts)})


def _connected(stack: Array) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(members of the stack, states) that are connected with one another and with no others, from the exact zeros."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    present = (stack != 0.0).any(axis=(1, 4))
    packed = np.packbits(present.reshape(len(stack), -1), axis=1)
    keys = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, examples, which = np.unique(keys, return_index=True, return_inverse=True)
    for number, pattern in enumerate(present[examples]):
        members = np.flatnonzero(which == number)
        _, label = connected_components(csr_array(pattern), directed=False)
        for component in range(label.max() + 1):
            states = np.flatnonzero(label == component)
            if pattern[np.ix_(states, states)].any():
                yield members, states


def _lumped(stack: Array, charges: NDArray[np.float64]) -> tuple[Array, NDArray[np.float64]]:
    """A stack of blocks with those added up that are proportional to one another, entry by entry.

    What is compared does not depend on the scales of the bonds, which may be far apart.
    """
    charges = charges - charges[:, :1]
    flat = stack.reshape(len(stack), -1)
    support = flat != 0.0
    flat, support = flat[:, support.any(axis=0)], support[:, support.any(axis=0)]
    first = support.argmax(axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        shape = flat / flat[np.arange(len(flat)), first, None]
    # A number that proportional blocks have in common, to rounding.
    weights = np.sqrt(np.arange(1.0, flat.shape[1] + 1.0))
    with np.errstate(divide="ignore"):
        size = np.where(support, np.log(np.abs(shape)), weights.sum()) @ weights / weights.sum()
    size = size + charges @ np.sqrt(np.arange(2.0, charges.shape[1] + 2.0))
    order = np.argsort(size, kind="stable")
    starts, kept = [0], order[0]
    for place, member in enumerate(order[1:], 1):
        same = (
            abs(size[member] - size[kept]) <= _EQUAL * max(1.0, abs(size[kept]))
            and (charges[member] == charges[kept]).all()
            and (np.abs(shape[member] - shape[kept]) <= _EQUAL * np.abs(shape[kept])).all()
        )
        if not same:
            starts.append(place)
            kept = member
    return np.add.reduceat(stack[order], starts, axis=0), charges[order[starts]]
