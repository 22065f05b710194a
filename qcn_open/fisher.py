r"""Fisher information about the detuning: quantum, classical for a readout, and its matrix for several nodes.

A backend gives :math:`(\rho, \partial\rho/\partial\varphi)`; the functionals here are dispatched on its type. They
compute information about :math:`\varphi = \delta T`, and multiply by :math:`T^2`: :math:`F_\delta = T^2 F_\varphi`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from itertools import product
from math import comb
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qcn_open.backends import Backend, select
from qcn_open.model import Ramsey
from qcn_open.readouts import Readout
from qcn_open.states import BlockTangent, DenseTangent, Tangent, is_excited
from qcn_open.validation import count

__all__ = ["NodeInformation", "cfi", "qfi", "qfim"]


def qfi(model: Ramsey, backend: Backend | Literal["auto"] = "auto") -> float:
    r"""Quantum Fisher information about the detuning :math:`\delta`.

    .. math:: F_\delta = T^2\,\mathrm{Tr}\,\rho L^2, \qquad
              \partial_\varphi\rho = \tfrac12(L\rho + \rho L), \qquad \mathrm{Var}(\hat\delta) \ge 1/F_\delta

    For a product of GHZ blocks it is :math:`T^2\sum 4n^2|c|^2/(G + E)` over the blocks (see `BlockTangent`).

    Parameters
    ----------
    model : Ramsey
        The experiment.
    backend : Backend or "auto", optional
        "auto" takes the cheapest exact one; `explain` says which.

    Returns
    -------
    float
        s^2. 0 at T = 0.

    Raises
    ------
    ValueError
        If the backend, or every backend, refuses the model.

    Notes
    -----
    Braunstein and Caves, PRL 72, 3439 (1994). Nothing is differentiated numerically.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ghz, TrapLoss
    >>> round(qfi(Ramsey(Ghz(8), (Dephasing(1.0), TrapLoss(0.1)), time=0.3)), 9)
    0.411040913
    """
    information = _qfi_phase(select(model, backend).evolve(model))
    return model.time**2 * information


def cfi(model: Ramsey, readout: Readout, backend: Backend | Literal["auto"] = "auto") -> float:
    r"""Classical Fisher information about the detuning that a readout extracts.

    .. math:: F_\delta = T^2\sum_o \frac{(\partial_\varphi p(o))^2}{p(o)} \le F^\mathrm{quantum}_\delta

    Parameters
    ----------
    model : Ramsey
        The experiment; its `phase` matters when the readout has a fixed angle.
    readout : Readout
        What is measured, `Parity` or `CollectiveSpin`.
    backend : Backend or "auto", optional
        "auto" takes the cheapest exact one.

    Returns
    -------
    float
        s^2.

    Raises
    ------
    TypeError
        If `readout` is no Readout.
    ValueError
        If the backend refuses the model or the readout can't be evaluated exactly for so many atoms.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ghz, Parity
    >>> round(cfi(Ramsey(Ghz(4), Dephasing(1.0), time=0.25), Parity()), 9)
    0.367879441
    """
    if not isinstance(readout, Readout):
        raise TypeError(f"readout must be a Readout such as Parity(), got {readout!r}")
    information = _cfi_phase(select(model, backend).evolve(model), readout)
    return model.time**2 * information


@singledispatch
def _qfi_phase(tangent: Tangent) -> float:
    raise TypeError(f"no quantum Fisher information for a {type(tangent).__name__}")


@_qfi_phase.register
def _(tangent: DenseTangent) -> float:
    sectors = _sectors(tangent.rho, [tangent.derivative])
    return float(sum(_sld_product(rho, derivatives)[0, 0] for rho, derivatives in sectors))


@_qfi_phase.register
def _(tangent: BlockTangent) -> float:
    if tangent.common_phase_variance > 0.0:
        if tangent.blocks > 1:
            return _correlated_qfi(tangent)
        tangent = tangent.with_common_phase_as_contrast()
    return float(tangent.copies @ _block_information(tangent))


@singledispatch
def _cfi_phase(tangent: Tangent, readout: Readout) -> float:
    raise TypeError(f"no readout of a {type(tangent).__name__}")


@_cfi_phase.register
def _(tangent: DenseTangent, readout: Readout) -> float:
    return readout.dense_information(tangent)


@_cfi_phase.register
def _(tangent: BlockTangent, readout: Readout) -> float:
    return readout.block_information(tangent)


def _block_information(tangent: BlockTangent) -> NDArray[np.float64]:
    """4 n^2 c^2/(G + E) of one block of each kind."""
    log_weight = np.logaddexp(tangent.log_ground, tangent.log_excited)
    return 4.0 * tangent.sizes.astype(float) ** 2 * np.exp(2.0 * tangent.log_coherence - log_weight)


def _correlated_qfi(tangent: BlockTangent) -> float:
    """Blocks that share a random phase, in the space of the logical qubits of those that kept their coherence.

    Which blocks left {g...g, e...e} is known without a phase, so the information is the average over that.
    """
    weight = np.exp(np.logaddexp(tangent.log_ground, tangent.log_excited))
    information = 0.0
    for kept in product(*(range(copies + 1) for copies in tangent.copies)):
        chance = float(
            np.prod(
                [
                    comb(int(copies), k) * w**k * (1.0 - w) ** (copies - k)
                    for copies, k, w in zip(tangent.copies, kept, weight, strict=True)
                ]
            )
        )
        if chance == 0.0 or not any(kept):
            continue
        state, charge = np.ones((1, 1), dtype=complex), np.zeros(1)
        for kind in np.repeat(np.arange(len(kept)), kept):
            ground, excited = np.exp(tangent.log_ground[kind]), np.exp(tangent.log_excited[kind])
            coherence = np.exp(tangent.log_coherence[kind])
            block = np.array([[ground, coherence], [coherence, excited]]) / weight[kind]
            state = np.kron(state, block)
            charge = np.add.outer(charge, [0.0, tangent.sizes[kind]]).ravel()
        order = np.subtract.outer(charge, charge)
        state = state * np.exp(-0.5 * order**2 * tangent.common_phase_variance)
        information += chance * float(_sld_product(state, [1j * order * state])[0, 0])
    return information


def _sectors(
    rho: NDArray[np.complex128], derivatives: Sequence[NDArray[np.complex128]]
) -> list[tuple[NDArray[np.complex128], list[NDArray[np.complex128]]]]:
    """The blocks into which the state and its derivatives fall apart, found from their exact zeros.

    Noise leaves few coherences, so this saves most of the diagonalisation, and each block keeps the relative
    accuracy of its own scale.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    pattern = rho != 0.0
    for derivative in derivatives:
        pattern |= derivative != 0.0
    number, label = connected_components(csr_matrix(pattern), directed=False)
    order = np.argsort(label, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(label, minlength=number))[:-1])
    return [
        (rho[np.ix_(member, member)], [derivative[np.ix_(member, member)] for derivative in derivatives])
        for member in members
        if any(derivative[np.ix_(member, member)].any() for derivative in derivatives)
    ]


def _sld_product(rho: NDArray[np.complex128], derivatives: Sequence[NDArray[np.complex128]]) -> NDArray[np.float64]:
    r"""Matrix :math:`\mathrm{Re}\,\mathrm{Tr}\,\rho L_jL_k` of the symmetric logarithmic derivatives.

    In the eigenbasis :math:`L_{ab} = 2(\partial\rho)_{ab}/(p_a + p_b)`, from `eigh`: an `eig` that returns
    non-orthogonal vectors of a degenerate eigenvalue gives too much. Pairs with p_a + p_b at the level of rounding
    are outside the support.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        probability, basis = np.linalg.eigh(rho)
        rotated = [basis.conj().T @ derivative @ basis for derivative in derivatives]
    pair = np.add.outer(probability, probability)
    support = pair > 4.0 * len(rho) * np.finfo(float).eps * np.abs(probability).max()
    inverse = np.where(support, 2.0 / np.where(support, pair, 1.0), 0.0)
    return np.array([[np.sum((first * second.conj()).real * inverse) for second in rotated] for first in rotated])


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
    if isinstance(tangent, BlockTangent) and tangent.blocks == 1:
        tangent = tangent.with_common_phase_as_contrast()
    if isinstance(tangent, BlockTangent) and tangent.common_phase_variance == 0.0:
        per_atom = dict(zip(tangent.sizes.tolist(), np.sqrt(_block_information(tangent)) / tangent.sizes, strict=True))
        roots = [np.sqrt(copies) * per_atom[sum(share)] * np.array(share) for share, copies in blocks]
        return NodeInformation(model.time * np.array(roots))
    if isinstance(tangent, DenseTangent):
        derivatives = [
            1j * np.subtract.outer(excited, excited) * tangent.rho for excited in _excited_at_nodes(tangent, blocks)
        ]
        matrix = sum(_sld_product(rho, parts) for rho, parts in _sectors(tangent.rho, derivatives))
        values, vectors = np.linalg.eigh(np.asarray(matrix).reshape(len(derivatives), len(derivatives)))
        kept = values > 1e-13 * max(values[-1], 0.0)
        return NodeInformation(model.time * (np.sqrt(values[kept]) * vectors[:, kept]).T)
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
