"""A tensor network of atoms: the density operator as a matrix product in Liouville space."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qcn_open.states.base import Tangent, freeze
from qcn_open.states.dense import DenseTangent

if TYPE_CHECKING:
    from quimb.tensor import MatrixProductOperator

__all__ = ["NetworkTangent"]

_DENSE_DIMENSION = 4096
_EXCITED = 1


@dataclass(frozen=True, eq=False)
class NetworkTangent(Tangent):
    r"""Density operator of many atoms as a matrix product.

    .. math:: \rho_{ab} = T_1^{a_1b_1}T_2^{a_2b_2}\cdots T_N^{a_Nb_N}, \qquad
              \partial_\varphi\rho = i\Bigl[\sum_j |e_j\rangle\langle e_j|, \rho\Bigr]

    with one tensor for each site and, on each, the operators :math:`|a\rangle\langle b|` of one atom as its basis. The
    derivative is the same network with every tensor doubled, exactly. Nothing has been compressed: coherences far
    below the rounding error of the trace keep their digits, since they have bond indices of their own.

    Attributes
    ----------
    tensors : tuple of ndarray, shape (left, levels, levels, right)
        One for each site; the first left and the last right bond have dimension 1.
    block_sizes : tuple of int
        Sizes of the blocks that a readout treats as one unit, in the order of their atoms.
    order : tuple of int
        Which atom is at each site.
    phase_error : float
        Largest error of the factors by which a random phase common to all atoms damps the coherences; 0 when exact.
    max_sld_bond : int
        Largest bond of the logarithmic derivative in the variational quantum Fisher information.
    rtol : float
        Relative change of the information between sweeps below which it counts as converged.
    """

    tensors: tuple[NDArray[np.complex128], ...]
    block_sizes: tuple[int, ...]
    order: tuple[int, ...]
    phase_error: float = 0.0
    max_sld_bond: int = 64
    rtol: float = 1e-8

    def __post_init__(self) -> None:
        freeze(*self.tensors)

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return len(self.tensors)

    @property
    def levels(self) -> int:
        """2 for (g, e), 3 for (g, e, lost)."""
        return int(self.tensors[0].shape[1])

    @property
    def bonds(self) -> tuple[int, ...]:
        """Dimension of the bond behind each site but the last."""
        return tuple(tensor.shape[-1] for tensor in self.tensors[:-1])

    @cached_property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """Sites of every block."""
        site = np.argsort(self.order)
        return tuple(tuple(block.tolist()) for block in np.split(site, np.cumsum(self.block_sizes)[:-1]))

    def commutator_tensors(self) -> tuple[NDArray[np.complex128], ...]:
        r"""Matrix product of :math:`[\sum_j|e_j\rangle\langle e_j|, \rho]`: bonds twice as large, exact.

        The automaton that has, or has not yet, met the atom on which the generator acts.
        """
        return commutator(self.tensors)

    def derivative_tensors(self) -> tuple[NDArray[np.complex128], ...]:
        r"""Matrix product of :math:`\partial\rho/\partial\varphi = i[\sum_j|e_j\rangle\langle e_j|, \rho]`."""
        first, *rest = self.commutator_tensors()
        return (1j * first, *rest)

    def expectation(self, operators: Sequence[NDArray[np.complex128]]) -> tuple[complex, complex]:
        r"""Mean of a product of one-atom operators and its derivative with respect to the phase.

        Parameters
        ----------
        operators : sequence of ndarray, shape (levels, levels)
            One operator for each atom.

        Returns
        -------
        tuple of complex
            :math:`\mathrm{Tr}\,\rho X` and :math:`\mathrm{Tr}\,\partial_\varphi\rho\,X`.

        Raises
        ------
        ValueError
            If there is not one operator of the right shape for each atom.
        """
        shape = (self.levels, self.levels)
        if len(operators) != self.atoms or any(np.shape(operator) != shape for operator in operators):
            raise ValueError(f"expectation needs one operator of shape {shape} for each of the {self.atoms} atoms")
        jet = self.jet([np.asarray(operators[atom])[None] for atom in self.order], [0] * self.atoms)
        return complex(jet[0, 0]), complex(jet[1, 0])

    def jet(
        self, operators: Sequence[NDArray[np.complex128]], axes: Sequence[int], start: int = 0
    ) -> NDArray[np.complex128]:
        r"""Means of many products of one-atom operators, with their first two derivatives in the phase.

        Every group of atoms makes a choice of its own, and all its atoms follow it: a block whose sign is measured or
        not, say.

        Parameters
        ----------
        operators : sequence of ndarray, shape (choices, levels, levels)
            For each site from `start` on, its operator for each choice of its group. The sites are a state of their
            own: the bonds at their ends have dimension 1.
        axes : sequence of int
            Group of each of these sites, from 0 on.

        Returns
        -------
        ndarray, shape (3, choices of group 0, choices of group 1, ...)
            Value, derivative, second derivative.
        """
        charge = 1j * excitation_order(self.levels)
        vector = np.zeros((3, *[1] * (max(axes) + 1), 1), dtype=complex)
        vector[0] = 1.0
        for operator, axis, tensor in zip(operators, axes, self.tensors[start:], strict=False):
            left, _, _, right = tensor.shape
            matrix = tensor.transpose(1, 2, 0, 3).reshape(-1, left * right)
            by_choice = np.moveaxis(vector, axis + 1, 0)
            chosen = []
            for choice, local in enumerate(operator):
                # Tr(X |a><b|) = X_ba; each derivative brings one charge i(e_a - e_b), by the product rule.
                zeroth, first, second = (
                    ((local.T * charge**power).reshape(-1) @ matrix).reshape(left, right) for power in range(3)
                )
                value, slope, bend = by_choice[choice if len(by_choice) > 1 else 0]
                chosen.append(
                    np.stack(
                        [
                            value @ zeroth,
                            slope @ zeroth + value @ first,
                            bend @ zeroth + 2.0 * slope @ first + value @ second,
                        ]
                    )
                )
            vector = np.stack(chosen, axis=axis + 1)
        return np.asarray(vector[..., 0])

    def orders(
        self, operators: Sequence[NDArray[np.complex128]], counted: Sequence[bool], start: int = 0
    ) -> NDArray[np.complex128]:
        r"""Mean of a product of one-atom operators, split by the order of coherence that contributes.

        Parameters
        ----------
        operators : sequence of ndarray, shape (levels, levels)
            For each site from `start` on.
        counted : sequence of bool
            Whether the order of coherence of that site is counted.

        Returns
        -------
        ndarray, shape (2n + 1,)
            Contributions of the orders -n to n, for n counted sites.
        """
        order = excitation_order(self.levels)
        size = sum(counted)
        vector = np.zeros((2 * size + 1, 1), dtype=complex)
        vector[size] = 1.0
        for operator, is_counted, tensor in zip(operators, counted, self.tensors[start:], strict=False):
            weighted = operator.T[:, :, None] * tensor
            if not is_counted:
                vector = vector @ weighted.sum(axis=(1, 2))
                continue
            following = vector @ np.einsum("labr,ab->lr", weighted, order == 0.0)
            following[1:] += vector[:-1] @ np.einsum("labr,ab->lr", weighted, order == 1.0)
            following[:-1] += vector[1:] @ np.einsum("labr,ab->lr", weighted, order == -1.0)
            vector = following
        return np.asarray(vector[:, 0])

    def reduced(self, atoms: Sequence[int]) -> DenseTangent:
        """Density operator of a few atoms, in the order in which they are named.

        Raises
        ------
        ValueError
            If an atom is named twice or does not exist, or there are too many for a dense operator.
        """
        chosen = list(atoms)
        if len(set(chosen)) != len(chosen) or not chosen or not set(chosen) <= set(range(self.atoms)):
            raise ValueError(f"reduced needs different atoms out of 0 to {self.atoms - 1}, got {atoms!r}")
        dimension = self.levels ** len(chosen)
        if dimension > _DENSE_DIMENSION:
            raise ValueError(
                f"a dense operator is limited to dimension {_DENSE_DIMENSION}, {len(chosen)} atoms have {dimension}"
            )
        site_of = np.argsort(self.order)
        kept = sorted(site_of[atom] for atom in chosen)
        permutation = [kept.index(site_of[atom]) for atom in chosen]
        rho, derivative = (
            _permuted(_contracted(tensors, set(kept)), permutation, self.levels)
            for tensors in (self.tensors, self.derivative_tensors())
        )
        return DenseTangent(
            rho,
            derivative,
            self.levels,
            self.block_sizes if len(chosen) == self.atoms and chosen == sorted(chosen) else (len(chosen),),
        )

    def segments(self) -> Iterator[tuple[int, int]]:
        """Neighbouring sites (start, stop) that are independent of all others; see `segments`."""
        return segments(self.tensors)

    def to_quimb(self) -> tuple[MatrixProductOperator, MatrixProductOperator]:
        """State and derivative as quimb matrix product operators, site by site."""
        from quimb.tensor import MatrixProductOperator

        return tuple(
            MatrixProductOperator(_quimb_arrays(tensors), shape="lrud")
            for tensors in (self.tensors, self.derivative_tensors())
        )

    def _dense(self) -> tuple[NDArray[np.complex128], NDArray[np.complex128], tuple[int, ...]]:
        dense = self.reduced(range(self.atoms))
        return dense.rho, dense.derivative, (self.levels,) * self.atoms


def excitation_order(levels: int) -> NDArray[np.float64]:
    """Order of coherence of the one-atom operators on which the phase acts: +1 for (e, g), -1 for (g, e), else 0."""
    excited = (np.arange(levels) == _EXCITED).astype(float)
    return np.asarray(np.subtract.outer(excited, excited))


def commutator(tensors: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
    r"""Matrix product of :math:`[\sum_j|e_j\rangle\langle e_j|, \rho]`, for any part of a chain that stands alone."""
    order = excitation_order(tensors[0].shape[1])
    doubled = []
    for tensor in tensors:
        left, levels, _, right = tensor.shape
        both = np.zeros((2 * left, levels, levels, 2 * right), dtype=tensor.dtype)
        both[:left, ..., :right] = both[left:, ..., right:] = tensor
        both[:left, ..., right:] = order[:, :, None] * tensor
        doubled.append(both)
    doubled[0] = doubled[0][: tensors[0].shape[0]]
    doubled[-1] = doubled[-1][..., tensors[-1].shape[-1] :]
    return tuple(doubled)


def normalised(tensors: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
    """Every independent segment with trace 1: of a network as it comes, only the product of their traces need be.

    A tensor stays the same object where nothing has to be done.
    """
    scaled = list(tensors)
    for start, stop in segments(tensors):
        trace = np.ones(1)
        for tensor in tensors[start:stop]:
            trace = trace @ np.einsum("laar->lr", tensor)
        if abs(trace[0] - 1.0) > 1e-12:
            scaled[start] = scaled[start] / trace[0]
    return tuple(scaled)


def segments(tensors: Sequence[NDArray[Any]]) -> Iterator[tuple[int, int]]:
    """Neighbouring sites (start, stop) that are independent of all others: they lie between bonds of dimension 1.

    It is seen from the tensors alone. A readout that looks at one block in two segments joins them itself.
    """
    start = 0
    for site, tensor in enumerate(tensors):
        if tensor.shape[-1] == 1:
            yield start, site + 1
            start = site + 1


def _quimb_arrays(tensors: Sequence[NDArray[np.complex128]]) -> list[NDArray[np.complex128]]:
    arrays = [np.moveaxis(tensor, -1, 1) for tensor in tensors]
    arrays[-1] = arrays[-1][:, 0]
    arrays[0] = arrays[0][0]
    return arrays


def _contracted(tensors: Sequence[NDArray[np.complex128]], kept: set[int]) -> NDArray[np.complex128]:
    """Dense operator of the kept sites, the others traced out; shape (levels**k, levels**k)."""
    operator = np.ones((1, 1, 1), dtype=complex)
    for site, tensor in enumerate(tensors):
        if site in kept:
            size = operator.shape[0] * tensor.shape[1]
            operator = np.einsum("ijl,labr->iajbr", operator, tensor, optimize=True).reshape(size, size, -1)
        else:
            operator = operator @ np.einsum("laar->lr", tensor)
    return np.asarray(operator[..., 0])


def _permuted(matrix: NDArray[np.complex128], permutation: list[int], levels: int) -> NDArray[np.complex128]:
    """The same operator with its atoms in another order."""
    atoms = len(permutation)
    axes = [*permutation, *(atoms + axis for axis in permutation)]
    return np.ascontiguousarray(matrix.reshape((levels,) * (2 * atoms)).transpose(axes).reshape(matrix.shape))
