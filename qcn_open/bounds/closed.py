r"""The gauges and dual states whose values are the closed forms, for phase-covariant noise.

With :math:`r_i = \sqrt{p_{ii}/\lambda^2 - 1}` and :math:`t_i = [r_{\bar i}(r_g + r_e)]^{-1}` (:math:`\bar i` the other
level) the best gauge :math:`h_0` with :math:`B_h = 0` has :math:`-t_g` at each jump from g, :math:`1 + t_e` at each
jump from e, and a real 2x2 matrix on the two diagonal operators; at finite N it is :math:`(1-s)h_0 + s/2`,
:math:`s = f/(N + f)`. The dual state is :math:`\rho = \mathrm{diag}(r_e, r_g)/(r_g + r_e)`, with the multiplier
:math:`Z = \mathrm{diag}(-y_g, y_e)`, :math:`y_i = (Ns/2 - s\rho_i)/2`. Derived in docs/physics.md.

In `kraus_of` only the first operator carries the phase, so h is less by 1 on all others that act on e. Everything is
written for channels in which no more atoms stay in e than in g. For the others g and e are exchanged, which reverses
the phase and with it h and Z.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qcn_open.bounds.families import (
    covariant_jumps,
    covariant_kraus,
    dephasing_excess,
    empties_ground,
    mirrored,
)
from qcn_open.noise import Noise, OneSite
from qcn_open.noise.base import EXCITED, GROUND

__all__ = ["Saddle", "decay_rates", "decay_ratios", "parallel_saddle", "rate_saddle"]


@dataclass(frozen=True, eq=False)
class Saddle:
    r"""A gauge and the dual point that goes with it.

    Attributes
    ----------
    gauge : ndarray, shape (k, k)
        h.
    state_root : ndarray, shape (2, 2)
        R of a state :math:`RR^\dagger` of the atom, up to normalisation.
    multiplier : ndarray, shape (2, 2)
        Z.
    """

    gauge: NDArray[np.complex128]
    state_root: NDArray[np.complex128]
    multiplier: NDArray[np.complex128]


def decay_ratios(site: OneSite) -> NDArray[np.float64]:
    r""":math:`(r_g, r_e)`, with :math:`r_e^2 = [(p_{gg}p_{ee}/\lambda^2 - 1) + (1 - p_{gg})]/p_{gg}`, and alike for g.

    That is :math:`p_{ee}/\lambda^2 - 1`, written as a sum of what is not negative.
    """
    log_levels = site.log_transfer[[EXCITED, GROUND], [EXCITED, GROUND]]
    with np.errstate(over="ignore"):
        hidden = np.expm1(dephasing_excess(site)) + _leaving(site)[::-1]
        return np.asarray(np.sqrt(hidden) * np.exp(-0.5 * log_levels))


def _leaving(site: OneSite) -> NDArray[np.float64]:
    """Probability that an atom that started in g, in e, is not there any more."""
    return np.asarray(np.exp(site.log_transfer[[EXCITED, GROUND], [GROUND, EXCITED]]) + site.loss)


def parallel_saddle(site: OneSite, uses: float) -> Saddle:
    """Of the channel-extension bound for N uses; for an infinite number of uses of the asymptotic bound.

    Raises
    ------
    ValueError
        If the coherence has decayed so far that its square nears the end of the range of floating-point numbers.
    """
    if empties_ground(site):
        mirror = parallel_saddle(mirrored(site), uses)
        return Saddle(-mirror.gauge, mirror.state_root[::-1, ::-1], -mirror.multiplier[::-1, ::-1])
    operators = covariant_kraus(site)
    log_g, log_e = (float(site.log_transfer[level, level]) for level in (GROUND, EXCITED))
    decay = 0.5 * (log_g + log_e - dephasing_excess(site))
    if decay < -300.0:
        raise ValueError(
            "one atom's coherence has decayed beyond e^-300, which has no certificate: take a shorter time"
        )
    ground, excited = decay_ratios(site)
    gauge = np.zeros((6, 6), dtype=complex)
    corner = abs(operators[1, EXCITED, EXCITED]) * math.exp(-0.5 * log_g)
    if uses == 1:
        root_g, root_e = math.exp(0.5 * log_g), math.exp(0.5 * log_e)
        scale = 1.0 / ((root_g + root_e) * root_e)
        gauge[0, 0] = scale * math.exp(2.0 * decay - log_g)
        gauge[1, 1] = -gauge[0, 0]
        gauge[0, 1] = gauge[1, 0] = scale * corner * math.exp(decay)
        return _kept(operators, gauge, np.array([root_e, root_g]), np.zeros(2))
    if ground + excited > 0.0:
        from_g = 1.0 / (excited * (ground + excited)) if excited > 0.0 else 0.0
        from_e = 1.0 / (ground * (ground + excited)) if ground > 0.0 else 0.0
        gauge[0, 0] = from_g * float(_leaving(site)[GROUND]) * math.exp(-log_g)
        gauge[0, 1] = gauge[1, 0] = from_g * corner * math.exp(-decay)
        gauge[1, 1] = from_e - from_g * math.exp(-log_g)
        for jump, source in ((2, GROUND), (3, EXCITED), (4, GROUND), (5, EXCITED)):
            gauge[jump, jump] = -from_g if source == GROUND else from_e
        information = 4.0 / (ground + excited) ** 2
        state = np.array([excited, ground]) / (ground + excited)
        share = information / (uses + information)
    else:
        information, state, share = math.inf, np.array([0.5, 0.5]), 1.0
    gauge = (1.0 - share) * gauge + share * (0.5 * np.eye(6) - np.diag([0.0, 1.0, 0.0, 1.0, 0.0, 1.0]))
    weight = 0.25 * information if math.isinf(uses) else 0.25 * uses * share
    return _kept(operators, gauge, state, weight - 0.5 * share * state)


def decay_rates(noises: Iterable[Noise], unit: float = 1.0) -> NDArray[np.float64]:
    r""":math:`(\sqrt{R_g}, \sqrt{R_e})`, with :math:`R_i` the rate at which :math:`p_{ii}/\lambda^2` grows from 1."""
    rates = (np.abs(covariant_jumps(noises, unit)[1:]) ** 2).sum(axis=1)
    return np.asarray(np.sqrt(rates[0, EXCITED] + rates[1:].sum(axis=0))[::-1])


def rate_saddle(noises: Iterable[Noise], unit: float = 1.0) -> Saddle:
    r"""Of the bound on the information gathered per time, on the operators of `covariant_jumps`.

    With :math:`\sqrt{R_i}` in place of :math:`r_i`.
    """
    operators = covariant_jumps(noises, unit)
    ground, excited = decay_rates(noises, unit)
    dephasing, up = abs(operators[1, EXCITED, EXCITED]) ** 2, float(np.sum(np.abs(operators[1:, :, GROUND]) ** 2))
    from_g = 1.0 / (excited * (ground + excited)) if excited > 0.0 else 0.0
    from_e = 1.0 / (ground * (ground + excited)) if ground > 0.0 else 0.0
    gauge = np.zeros((6, 6), dtype=complex)
    gauge[0, 0] = from_g * up
    gauge[0, 1] = gauge[1, 0] = from_g * math.sqrt(dephasing)
    gauge[1, 1] = from_e - from_g
    for jump, source in ((2, GROUND), (3, EXCITED), (4, GROUND), (5, EXCITED)):
        gauge[jump, jump] = -from_g if source == GROUND else from_e
    return _kept(operators, gauge, np.array([excited, ground]), np.full(2, (ground + excited) ** -2))


def _kept(
    operators: NDArray[np.complex128],
    gauge: NDArray[np.complex128],
    state: NDArray[np.float64],
    multiplier: NDArray[np.float64],
) -> Saddle:
    """Without the operators that are zero; the state and the multiplier, of opposite sign at g and e, are diagonal."""
    kept = operators.any(axis=(1, 2))
    root = np.diag(np.sqrt(state)).astype(complex)
    return Saddle(gauge[np.ix_(kept, kept)], root, np.diag(multiplier * np.array([-1.0, 1.0])).astype(complex))
