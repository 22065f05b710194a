r"""Symmetric logarithmic derivatives of dense operators."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["sectors", "sld_product"]


def sectors(
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


def sld_product(rho: NDArray[np.complex128], derivatives: Sequence[NDArray[np.complex128]]) -> NDArray[np.float64]:
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
