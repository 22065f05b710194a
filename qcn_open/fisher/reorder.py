"""Sites of a matrix product brought into an order in which its bonds are small."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["correlations", "gathered"]

Array = NDArray[Any]

_RANK = 1e-13
# Sites less correlated than this, relative to the most correlated ones, count as unrelated.
_UNRELATED = 1e-2


def correlations(rho: list[Array]) -> NDArray[np.float64]:
    r"""Norm of :math:`\rho_{jk} - \rho_j\otimes\rho_k` for all pairs of sites."""
    sites, levels = len(rho), rho[0].shape[1]
    traced = [np.einsum("laar->lr", tensor) for tensor in rho]
    after = [np.ones(1)]
    for matrix in traced[::-1]:
        after.insert(0, matrix @ after[0])
    before = [np.ones(1)]
    for matrix in traced:
        before.append(before[-1] @ matrix)
    single = [np.einsum("l,labr,r->ab", before[j], rho[j], after[j + 1], optimize=True).ravel() for j in range(sites)]
    result = np.zeros((sites, sites))
    for j in range(sites - 1):
        vector = np.tensordot(before[j], rho[j], (0, 0)).reshape(levels**2, -1)
        for k in range(j + 1, sites):
            local = np.tensordot(rho[k], after[k + 1], (3, 0)).reshape(-1, levels**2)
            joint = vector @ local - np.multiply.outer(single[j], single[k])
            result[j, k] = result[k, j] = np.linalg.norm(joint)
            vector = vector @ traced[k]
    return result


def gathered(rho: list[Array]) -> list[Array]:
    """The network with correlated sites next to each other.

    The order is that of the leaves of a hierarchical clustering of the sites by their correlations. Neighbours change
    places one pair after the other; each new bond is as large as the rank of what it joins.
    """
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    strength = correlations(rho)
    related = strength[np.triu_indices(len(rho), 1)]
    if related.min() > _UNRELATED * related.max():
        return rho
    distance = 1.0 - strength / strength.max()
    np.fill_diagonal(distance, 0.0)
    clusters = [[site] for site in range(len(rho))]
    for one, two, *_ in linkage(squareform(distance, checks=False), method="average"):
        first, second = sorted((clusters[int(one)], clusters[int(two)]), key=np.mean)
        clusters.append(first + second)
    rank = np.argsort(clusters[-1]).tolist()
    better = _sorted(rho, rank)
    return rho if better is None else better


def _sorted(tensors: list[Array], rank: list[int]) -> list[Array] | None:
    """Insertion sort of the sites by their rank; None where a bond would grow beyond those that there are."""
    from scipy.sparse import csr_array

    levels, limit = tensors[0].shape[1], max(tensor.shape[-1] for tensor in tensors)
    sites = [csr_array(tensor.reshape(tensor.shape[0], -1)) for tensor in tensors]
    rank = list(rank)
    for end in range(1, len(sites)):
        for site in range(end, 0, -1):
            if rank[site - 1] < rank[site]:
                break
            sites[site - 1], sites[site] = _swapped(sites[site - 1], sites[site], levels**2)
            if sites[site].shape[0] > 4 * limit:
                return None
            rank[site - 1], rank[site] = rank[site], rank[site - 1]
    return [matrix.toarray().reshape(matrix.shape[0], levels, levels, -1) for matrix in sites]


def _swapped(first: Any, second: Any, pairs: int) -> tuple[Any, Any]:
    """Tensors, as sparse matrices (left, pair right), of two neighbours that have changed places."""
    from scipy.sparse import coo_array, csr_array
    from scipy.sparse.csgraph import connected_components

    left, middle, right = first.shape[0], second.shape[0], second.shape[1] // pairs
    joint = coo_array(first.reshape((left * pairs, middle)).tocsr() @ second)
    (outer, one), (two, last) = np.divmod(joint.row, pairs), np.divmod(joint.col, right)
    row, column, value = outer * pairs + two, one * right + last, joint.data
    # The matrix falls apart into small blocks; each keeps the relative accuracy of its own scale.
    rows, row = np.unique(row, return_inverse=True)
    columns, column = np.unique(column, return_inverse=True)
    size = len(rows) + len(columns)
    graph = csr_array((np.ones(len(row)), (row, column + len(rows))), shape=(size, size))
    number, label = connected_components(graph, directed=False)
    members = np.argsort(label, kind="stable")
    ends = np.cumsum(np.bincount(label, minlength=number))
    entry_label = label[row]
    entries = np.argsort(entry_label, kind="stable")
    entry_ends = np.cumsum(np.bincount(entry_label, minlength=number))
    place = np.empty(size, dtype=int)
    bond = 0
    parts: tuple[list[list[Array]], list[list[Array]]] = ([[], [], []], [[], [], []])
    for index in range(number):
        member = members[ends[index - 1] if index else 0 : ends[index]]
        entry = entries[entry_ends[index - 1] if index else 0 : entry_ends[index]]
        height = int((member < len(rows)).sum())
        place[member] = np.concatenate([np.arange(height), np.arange(len(member) - height)])
        block = np.zeros((height, len(member) - height), dtype=value.dtype)
        block[place[row[entry]], place[column[entry] + len(rows)]] = value[entry]
        u, s, v = np.linalg.svd(block, full_matrices=False)
        kept = int((s > _RANK * s[0]).sum())
        root = np.sqrt(s[:kept])
        for part, matrix, bonds_first, names in (
            (parts[0], u[:, :kept] * root, False, rows[member[:height]]),
            (parts[1], root[:, None] * v[:kept], True, columns[member[height:] - len(rows)]),
        ):
            bonds = bond + np.arange(kept)
            grid = np.meshgrid(bonds, names, indexing="ij") if bonds_first else np.meshgrid(names, bonds, indexing="ij")
            part[0].append(grid[0].ravel())
            part[1].append(grid[1].ravel())
            part[2].append(matrix.ravel())
        bond += kept
    before, after = (tuple(np.concatenate(piece) for piece in part) for part in parts)
    head = csr_array((before[2], (before[0], before[1])), shape=(left * pairs, bond))
    tail = csr_array((after[2], (after[0], after[1])), shape=(bond, pairs * right))
    head.eliminate_zeros()
    tail.eliminate_zeros()
    return coo_array(head).reshape((left, pairs * bond)).tocsr(), tail
