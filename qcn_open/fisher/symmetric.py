"""Fisher information of a permutation-symmetric state."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qcn_open.fisher.functionals import cfi_phase, qfi_phase
from qcn_open.readouts import Readout
from qcn_open.schur_weyl import Matrix, Sector
from qcn_open.states import SymmetricTangent, negligible

__all__: list[str] = []

# From here on it pays to load LAPACK's Cholesky decomposition with pivots.
_MANY_ATOMS, _LARGE_BLOCK = 120, 24


@qfi_phase.register
def _(tangent: SymmetricTangent) -> float:
    from threadpoolctl import threadpool_limits

    weights = tangent.survivors()
    # Coherence of order q needs q survivors.
    carrying = (weights > 0.0) & (np.arange(tangent.atoms + 1) >= tangent.spacing)
    if tangent.spacing == 0 or not carrying.any():
        return 0.0
    with threadpool_limits(limits=1):
        # The likeliest sector alone is a lower bound on the information, and so a scale for what may be left out.
        likeliest = np.arange(len(weights)) == np.where(carrying, weights, 0.0).argmax()
        allowed = 0.5 * tangent.rtol * sum(_information(tangent, sector) for sector in tangent.sectors(likeliest))
        kept = carrying & ~negligible(weights * np.arange(len(weights)) ** 2.0, allowed)
        share = allowed / max(1, int(np.count_nonzero(kept)))
        return float(sum(_information(tangent, sector, share) for sector in tangent.sectors(kept)))


@cfi_phase.register
def _(tangent: SymmetricTangent, readout: Readout) -> float:
    return readout.symmetric_information(tangent)


def _information(tangent: SymmetricTangent, sector: Sector, allowed: float = 0.0) -> float:
    """Information of one sector, but for blocks that hold no more than what is allowed together."""
    bounds = np.array([_variance_bound(block) for block in sector.blocks])
    skipped = negligible(bounds, allowed)
    return sum(
        _block_information(block, tangent.spacing, tangent.atoms)
        for block, skip in zip(sector.blocks, skipped, strict=True)
        if not skip
    )


def _variance_bound(block: Matrix) -> float:
    """Four times the variance of J_z, weighted: what a block holds if it is pure."""
    population = np.diagonal(block).real
    weight = population.sum()
    if not weight > 0.0:
        return 0.0
    level = np.arange(len(block))
    return float(4.0 * population @ (level - population @ level / weight) ** 2)


def _block_information(block: Matrix, spacing: int, atoms: int) -> float:
    """Information of one block of a state of so many atoms; levels that no coherence connects are apart."""
    information = 0.0
    for first in range(min(spacing, len(block) - spacing)):
        part = block[first::spacing, first::spacing]
        weight = float(np.trace(part).real)
        if not weight > 0.0:
            continue
        # Normalised, so that the square of a faint coherence is still a number.
        part = part / weight
        level = spacing * np.arange(float(len(part)))
        value = _from_factor(part, level) if atoms >= _MANY_ATOMS and len(part) >= _LARGE_BLOCK else None
        information += weight * (_from_derivative(part, level) if value is None else value)
    return information


def _from_derivative(rho: Matrix, level: NDArray[np.float64]) -> float:
    r"""The sum over pairs of eigenvectors of :math:`2|(\partial\rho)_{ab}|^2/(p_a + p_b)`.

    The derivative is taken element by element, so that faint coherences keep their accuracy.
    """
    derivative = np.subtract.outer(level, level) * rho
    probability, basis = np.linalg.eigh(rho)
    rotated = basis.conj().T @ derivative @ basis
    pair = np.add.outer(probability, probability)
    inverse = np.zeros_like(pair)
    np.divide(2.0, pair, out=inverse, where=pair > 4.0 * len(rho) * np.finfo(float).eps * probability[-1])
    return float(np.vdot(rotated, inverse * rotated).real)


def _from_factor(rho: Matrix, level: NDArray[np.float64]) -> float | None:
    r"""The same from a factor of low rank, where the information is no small difference; else None.

    .. math:: F = 4\,\mathrm{Tr}\rho J^2 - 8\sum_{ab}\frac{|K_{ab}|^2}{p_a + p_b}, \qquad
              \rho = CC^\dagger, \quad C^\dagger C = VpV^\dagger, \quad K = V^\dagger C^\dagger JCV

    with C from Cholesky's method with pivots. Noise leaves large blocks with few eigenvalues above rounding.
    """
    from scipy.linalg.lapack import dpstrf, zpstrf

    population = np.diagonal(rho).real
    decompose = zpstrf if np.iscomplexobj(rho) else dpstrf
    lower, pivot, rank, _ = decompose(rho, tol=np.finfo(float).eps * population.max(), lower=1)
    factor = np.zeros((len(rho), rank), dtype=rho.dtype)
    factor[pivot - 1] = np.tril(lower)[:, :rank]
    centred = level - population @ level
    adjoint = factor.conj().T
    probability, basis = np.linalg.eigh(adjoint @ factor)
    overlap = basis.conj().T @ (adjoint @ (centred[:, None] * factor)) @ basis
    pair = np.maximum(np.add.outer(probability, probability), np.finfo(float).eps ** 2)
    pure = 4.0 * float(population @ centred**2)
    information = pure - 8.0 * float(np.sum(np.abs(overlap) ** 2 / pair))
    return information if information > 1e-3 * pure else None
