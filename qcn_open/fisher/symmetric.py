"""Fisher information of a permutation-symmetric state."""

from __future__ import annotations

import numpy as np

from qcn_open.fisher.functionals import cfi_phase, qfi_phase
from qcn_open.readouts import Readout
from qcn_open.schur_weyl import Matrix, Sector
from qcn_open.states import SymmetricTangent, negligible

__all__: list[str] = []


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
        allowed = (
            0.5 * tangent.rtol * sum(_information(sector, tangent.spacing) for sector in tangent.sectors(likeliest))
        )
        kept = carrying & ~negligible(weights * np.arange(len(weights)) ** 2.0, allowed)
        share = allowed / max(1, int(np.count_nonzero(kept)))
        return float(sum(_information(sector, tangent.spacing, share) for sector in tangent.sectors(kept)))


@cfi_phase.register
def _(tangent: SymmetricTangent, readout: Readout) -> float:
    return readout.symmetric_information(tangent)


def _information(sector: Sector, spacing: int, allowed: float = 0.0) -> float:
    """Information of one sector, but for blocks that hold no more than what is allowed together."""
    bounds = np.array([_variance_bound(block) for block in sector.blocks])
    skipped = negligible(bounds, allowed)
    return sum(
        _block_information(block, spacing) for block, skip in zip(sector.blocks, skipped, strict=True) if not skip
    )


def _variance_bound(block: Matrix) -> float:
    """Four times the variance of J_z, weighted: what a block holds if it is pure."""
    population = np.diagonal(block).real
    weight = population.sum()
    if not weight > 0.0:
        return 0.0
    level = np.arange(len(block))
    return float(4.0 * population @ (level - population @ level / weight) ** 2)


def _block_information(block: Matrix, spacing: int) -> float:
    r"""The sum over pairs of eigenvectors of :math:`2|(\partial\rho)_{ab}|^2/(p_a + p_b)`.

    The derivative is taken element by element, so it keeps the accuracy of faint coherences, which the difference
    4 Tr rho J_z^2 - 8 sum p_a p_b |J_ab|^2/(p_a + p_b) would lose. Levels that no coherence connects are apart.
    """
    information = 0.0
    for first in range(min(spacing, len(block) - spacing)):
        part = block[first::spacing, first::spacing]
        weight = float(np.trace(part).real)
        if not weight > 0.0:
            continue
        # Normalised, so that the square of a faint coherence is still a number.
        part = part / weight
        level = spacing * np.arange(float(len(part)))
        derivative = np.subtract.outer(level, level) * part
        probability, basis = np.linalg.eigh(part)
        rotated = basis.conj().T @ derivative @ basis
        pair = np.add.outer(probability, probability)
        inverse = np.zeros_like(pair)
        np.divide(2.0, pair, out=inverse, where=pair > 4.0 * len(part) * np.finfo(float).eps * probability[-1])
        information += weight * float(np.vdot(rotated, inverse * rotated).real)
    return information
