r"""The channel-extension bound for every phase-covariant noise, in closed form.

The bound is :math:`F_\varphi \le \min_h 4[N\|\alpha_h\| + N(N-1)\|\beta_h\|^2]` with
:math:`\alpha_h = \sum\dot{\tilde K}^\dagger\dot{\tilde K}`, :math:`\beta_h = \sum\dot{\tilde K}^\dagger\tilde K` over
Hermitian gauges h of the Kraus operators of one atom. Both norms are convex and phase-covariant noise is invariant
under phase rotations, so h need not mix Kraus operators of different charge: it is a real symmetric 2x2 matrix on the
two that keep g and e apart, with Gram matrix :math:`((p_{gg}, \lambda), (\lambda, p_{ee}))`, and one number for each
jump; :math:`\alpha` and :math:`\beta` are diagonal in (g, e).

*At* :math:`\beta_h = 0`. Minimising over the jumps, and then over the direction of what remains, leaves
:math:`\alpha_g = \rho^2` and
:math:`\alpha_e = (\lambda - \rho\sqrt{p_{ee}-\lambda^2})^2/(p_{gg}-\lambda^2)` with one number :math:`\rho`; the larger
is smallest where they are equal, so

.. math:: f = 4\min_{\beta_h=0}\|\alpha_h\| = \frac{4\lambda^2}{(\sqrt{p_{gg}-\lambda^2} + \sqrt{p_{ee}-\lambda^2})^2}.

*At finite N*. The gauge :math:`(1-s)h_\infty + s/2` has :math:`\|\alpha\| = (1-s)^2f/4 + s^2/4`, because the cross
terms are the constraints themselves, and :math:`\|\beta\| = s/2`. The best s gives
:math:`F_\varphi \le (1/N^2 + 1/(Nf))^{-1}`: a bound at every N. For N >= 2 it is the minimum over all gauges (proof
in docs/physics.md and the manuscript); a single atom has its own. So the form known for single kinds of noise holds
for all of them and their combinations.
"""

from __future__ import annotations

import math

import numpy as np

from qcn_open.bounds.closed import decay_ratios
from qcn_open.bounds.families import dephasing_excess
from qcn_open.model import Ramsey, experiment
from qcn_open.noise import one_site
from qcn_open.noise.base import EXCITED, GROUND

__all__ = ["asymptotic_information", "channel_extension"]


def channel_extension(model: Ramsey) -> float:
    r"""Upper bound on the Fisher information of N atoms in any state, for any phase-covariant noise.

    .. math:: F_\delta \le T^2\left[\frac1{N^2} + \frac1{Nf} + vT\right]^{-1}

    with f from `asymptotic_information`; a single atom has
    :math:`F_\varphi \le 4\lambda^2/(\sqrt{p_{gg}} + \sqrt{p_{ee}})^2` instead of the first two terms. Where `escher`
    has a literature form they agree. It holds with noiseless ancillas too, and some of it needs them: under emission
    no single atom on its own reaches the bound for one.

    Parameters
    ----------
    model : Ramsey
        The experiment. Atoms enter in {g, e}; v is the rate of a random phase common to all of them, rad^2/s.

    Returns
    -------
    float
        s^2.

    Raises
    ------
    ValueError
        If the noise is not phase-covariant.

    Notes
    -----
    The bound is that of Fujiwara and Imai, J. Phys. A 41, 255304 (2008), and Demkowicz-Dobrzański, Kołodyński, Guţă,
    Nature Commun. 3, 1063 (2012); its closed form is derived at the head of this module.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ghz, SpontaneousEmission
    >>> model = Ramsey(Ghz(10), (Dephasing(0.1), SpontaneousEmission(0.1)), time=1.0)
    >>> round(channel_extension(model), 6)
    38.768593
    """
    if experiment(model).time == 0.0:
        return 0.0
    if model.atoms == 1:
        site = one_site(model.local_noise, model.time)
        log_levels = site.log_transfer[[GROUND, EXCITED], [GROUND, EXCITED]]
        log_coherence = 0.5 * (log_levels.sum() - dephasing_excess(site))
        with np.errstate(over="ignore"):
            inverse = float(np.sum(np.exp(0.5 * log_levels - log_coherence)) ** 2) / 4.0
    else:
        f = asymptotic_information(model)
        inverse = 1.0 / model.atoms**2 + (1.0 / (model.atoms * f) if f > 0.0 else math.inf)
    return model.time**2 / (inverse + model.common_phase_variance)


def asymptotic_information(model: Ramsey) -> float:
    r"""Fisher information per atom that many atoms can reach at most, for the phase of one atom.

    .. math:: f = \frac{4\lambda^2}{(\sqrt{p_{gg}-\lambda^2} + \sqrt{p_{ee}-\lambda^2})^2}, \qquad
              F_\varphi \to Nf

    with :math:`\lambda` the factor of one atom's coherence and :math:`p_{gg}, p_{ee}` the probabilities to stay in a
    level.

    Parameters
    ----------
    model : Ramsey
        The experiment; only its local noise and time are used.

    Returns
    -------
    float
        f; infinite without noise.

    Raises
    ------
    ValueError
        If the noise is not phase-covariant.

    Examples
    --------
    >>> from qcn_open import Ghz, TrapLoss
    >>> round(asymptotic_information(Ramsey(Ghz(2), TrapLoss(1.0), time=1.0)), 6)
    0.581977
    """
    root = float(decay_ratios(one_site(model.local_noise, model.time)).sum())
    return (2.0 / root) ** 2 if root > 0.0 else math.inf
