"""Fisher information matrix for the detunings of several nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qcn_open.backends import Backend, select
from qcn_open.fisher.blocks import block_information
from qcn_open.fisher.sld import sectors, sld_product
from qcn_open.model import Ramsey
from qcn_open.states import BlockTangent, DenseTangent, NetworkTangent, SymmetricTangent, is_excited
from qcn_open.validation import count

__all__ = ["NodeInformation", "qfim"]


@dataclass(frozen=True, eq=False)
class NodeInformation:
    r"""Information about the detunings :math:`\delta_j` of K nodes.

    Attributes
    ----------
    roots : ndarray, shape (B, K)
        Rows whose sum of squares is the matrix, :math:`F = A^TA`, s: one for each kind of block. They keep the digits
        that F loses where a large block stands beside single atoms.
    """

    roots: NDArray[np.float64]

    def __post_init__(self) -> None:
        self.roots.setflags(write=False)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Quantum Fisher information matrix, shape (K, K), s^2."""
        return np.asarray(self.roots.T @ self.roots)

    @property
    def common(self) -> float:
        """Information about a detuning that all nodes share: the sum of all entries, s^2. Equals `qfi`."""
        return float(self.matrix.sum())

    @property
    def weights(self) -> NDArray[np.float64]:
        r"""Weights, of sum 1, with which an efficient estimate of a common detuning responds to those of the nodes.

        :math:`w = F1/1^TF1`. For GHZ blocks the atom numbers, so it reads the *weighted* centre of mass.

        Raises
        ------
        ValueError
            If there is no information at all.
        """
        if self.common == 0.0:
            raise ValueError("no information about the detunings is left: there are no weights")
        return np.asarray(self.matrix.sum(axis=1) / self.common)

    def of_combination(self, weights: Sequence[float] | NDArray[np.float64]) -> float:
        r"""Information about :math:`\sum_j w_j\delta_j` when nothing else is known of the detunings.

        .. math:: F_w = 1/(w^T F^{+} w),

        and 0 where w leaves the range of F, so that no unbiased estimate exists: a GHZ state alone tells nothing
        about a single node.

        Parameters
        ----------
        weights : array_like, shape (K,)
            w_j.

        Returns
        -------
        float
            s^2.

        Raises
        ------
        ValueError
            If there is not one weight for each node, or all are 0.
        """
        vector = np.asarray(weights, dtype=float)
        if vector.shape != self.roots.shape[1:] or not np.isfinite(vector).all() or not vector.any():
            raise ValueError(f"weights must be {self.roots.shape[1]} finite numbers, not all 0, got {weights!r}")
        # w^T F^+ w is the squared length of the shortest x with A^T x = w.
        shortest, *_ = np.linalg.lstsq(self.roots.T, vector, rcond=None)
        missed = np.abs(self.roots.T @ shortest - vector).max()
        return 0.0 if missed > 1e-8 * np.abs(vector).max() else float(1.0 / (shortest @ shortest))


def qfim(
    model: Ramsey,
    placement: Mapping[tuple[int, ...], int],
    backend: Backend | Literal["auto"] = "auto",
) -> NodeInformation:
    r"""Quantum Fisher information matrix for the detunings of K nodes.

    A block with :math:`n_j` atoms at node j picks up the phase :math:`\sum_j n_j\delta_jT` (paper, eq. (1)), so

    .. math:: F_{jk} = \sum_\mathrm{blocks} n_jn_k\,F^\mathrm{block}_\delta/n^2 .

    Parameters
    ----------
    model : Ramsey
        The experiment. Its probe says what blocks there are.
    placement : mapping of tuple of int to int
        Where they are: (atoms at node 1, ..., atoms at node K) -> number of such blocks. For three blocks of 8
        atoms shared by two nodes and ten uncorrelated atoms at each: ``{(4, 4): 3, (1, 0): 10, (0, 1): 10}``.
    backend : Backend or "auto", optional
        "auto" takes the cheapest exact one.

    Returns
    -------
    NodeInformation
        The matrix in s^2, and the centre-of-mass mode.

    Raises
    ------
    ValueError
        If the placement does not hold exactly the blocks of the probe, blocks of equal size differ, or the backend
        refuses the model.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ghz
    >>> information = qfim(Ramsey(Ghz(6), Dephasing(0.1), time=1.0), {(4, 2): 1})
    >>> information.weights.round(6)
    array([0.666667, 0.333333])
    >>> information.of_combination([1.0, 0.0])
    0.0
    """
    blocks = _placed_blocks(model, placement)
    tangent = select(model, backend).evolve(model)
    if isinstance(tangent, SymmetricTangent):
        tangent = tangent.dense()
    if isinstance(tangent, BlockTangent) and tangent.blocks == 1:
        tangent = tangent.with_common_phase_as_contrast()
    if isinstance(tangent, BlockTangent) and tangent.common_phase_variance == 0.0:
        per_atom = dict(zip(tangent.sizes.tolist(), np.sqrt(block_information(tangent)) / tangent.sizes, strict=True))
        roots = [np.sqrt(copies) * per_atom[sum(share)] * np.array(share) for share, copies in blocks]
        return NodeInformation(model.time * np.array(roots))
    if isinstance(tangent, DenseTangent):
        derivatives = [
            1j * np.subtract.outer(excited, excited) * tangent.rho for excited in _excited_at_nodes(tangent, blocks)
        ]
        matrix = sum(sld_product(rho, parts) for rho, parts in sectors(tangent.rho, derivatives))
        values, vectors = np.linalg.eigh(np.asarray(matrix).reshape(len(derivatives), len(derivatives)))
        kept = values > 1e-13 * max(values[-1], 0.0)
        return NodeInformation(model.time * (np.sqrt(values[kept]) * vectors[:, kept]).T)
    if isinstance(tangent, NetworkTangent):
        raise ValueError("qfim does not read tensor networks: take backend=Logical(), or QutipDense() for few atoms")
    raise ValueError("qfim under a common random phase needs backend=QutipDense(): the blocks are correlated")


def _placed_blocks(model: Ramsey, placement: Mapping[tuple[int, ...], int]) -> list[tuple[tuple[int, ...], int]]:
    """(atoms at each node, copies), checked to hold the blocks of the probe."""
    if len(model.probe.ghz_blocks() or ()) > len(model.probe.copies_by_size()):
        raise ValueError("qfim needs blocks of equal size to be alike: a placement names blocks by their atoms only")
    blocks = []
    placed: Counter[int] = Counter()
    for atoms, copies in placement.items():
        share = np.asarray(atoms)
        if share.ndim != 1 or share.dtype.kind not in "iu" or share.min(initial=0) < 0:
            raise ValueError(f"placement keys must be tuples of atom numbers, one for each node, got {atoms!r}")
        blocks.append((tuple(share.tolist()), count(f"placement number of blocks {atoms!r}", copies)))
        placed[int(share.sum())] += blocks[-1][1]
    if len({len(share) for share, _ in blocks}) != 1:
        raise ValueError(f"placement must name the same number of nodes for every block, got {dict(placement)!r}")
    wanted = model.probe.copies_by_size()
    if placed != wanted:
        raise ValueError(
            f"placement holds (block size: copies) {dict(placed)}, the probe has {wanted}: they must be equal"
        )
    return blocks


def _excited_at_nodes(
    tangent: DenseTangent, blocks: Sequence[tuple[tuple[int, ...], int]]
) -> list[NDArray[np.float64]]:
    """Diagonal of the number of excited atoms at each node; the atoms of a block are handed out node by node."""
    waiting = [share for share, copies in blocks for _ in range(copies)]
    nodes: list[int] = []
    for size in tangent.block_sizes:
        share = waiting.pop(next(i for i, share in enumerate(waiting) if sum(share) == size))
        nodes += [node for node, atoms in enumerate(share) for _ in range(atoms)]
    excited = is_excited(tangent.levels, tangent.atoms)
    return [excited[np.array(nodes) == node].sum(axis=0).astype(float) for node in range(len(blocks[0][0]))]
