r"""Closed forms of the bound of Escher et al. and Demkowicz-Dobrzański et al. for single kinds of noise."""

from __future__ import annotations

import math

from qcn_open.model import Ramsey, experiment
from qcn_open.noise import Dephasing, Depolarizing, Noise, PhaseDiffusion, Pumping, SpontaneousEmission, TrapLoss

__all__ = ["escher"]


def escher(model: Ramsey) -> float:
    r"""Upper bound on the Fisher information of N atoms in any state, in closed form.

    .. math:: F_\delta \le T^2\left[\frac1{N^2} + \frac1{Nf} + vT\right]^{-1}

    with, for one atom,

    ==================================  =====================================================
    noise                               f
    ==================================  =====================================================
    dephasing                           :math:`1/(e^{\gamma_iT} - 1)`
    trap loss                           :math:`1/(e^{\Gamma T} - 1)`
    dephasing and trap loss             :math:`1/(e^{(\gamma_i+\Gamma)T} - 1)`
    spontaneous emission, or pumping    :math:`4/(e^{\kappa T} - 1)`; a single atom has
                                        :math:`F_\varphi \le 4\eta/(1+\sqrt\eta)^2`, :math:`\eta = e^{-\kappa T}`
    depolarising                        :math:`2\eta^2/((1-\eta)(1+2\eta))`, :math:`\eta = e^{-rT}`
    ==================================  =====================================================

    and v the rate of a random phase common to all atoms, if there is one. It holds for every input state, with
    ancillas and any measurement, and depends on the model through N, the noise and T only.

    Parameters
    ----------
    model : Ramsey
        The experiment.

    Returns
    -------
    float
        s^2. Without noise the Heisenberg limit.

    Raises
    ------
    ValueError
        For a combination of noises without a closed form: use `channel_extension`.

    Notes
    -----
    Escher, de Matos Filho, Davidovich, Nature Phys. 7, 406 (2011); Demkowicz-Dobrzański, Kołodyński, Guţă, Nature
    Commun. 3, 1063 (2012); Kołodyński, Demkowicz-Dobrzański, New J. Phys. 15, 073043 (2013). The term vT adds because
    the score of the phase-averaged likelihood is the conditional mean of the score of the random phase and of that
    of the measurement, which are uncorrelated (Stam's argument). For T -> 0 at fixed large N the first forms give
    F/T -> N/rate: eq. (4) of the paper with a constant of exactly 1.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ghz
    >>> import math
    >>> round(escher(Ramsey(Ghz(10), Dephasing(-2 * math.log(0.9)), time=1.0)), 5)
    29.8893
    """
    time, atoms = experiment(model).time, model.atoms
    if time == 0.0:
        return 0.0
    active = [noise for noise in model.local_noise if _rate(noise) != 0.0]
    kinds = frozenset(type(noise) for noise in active)
    total = sum(_rate(noise) for noise in active) * time
    unknown = [noise for noise in model.noise if not isinstance(noise, Noise | PhaseDiffusion)]
    if unknown or kinds not in _CLOSED_FORMS:
        raise ValueError(
            f"no closed form for the combination {', '.join(repr(noise) for noise in model.noise)}: "
            "use bounds.channel_extension, which holds for every phase-covariant noise"
        )
    if kinds <= {SpontaneousEmission, Pumping} and kinds and atoms == 1:
        inverse = (1.0 + math.exp(-0.5 * total)) ** 2 / 4.0 * _exp(total)
    else:
        inverse = 1.0 / atoms**2 + _CLOSED_FORMS[kinds](total) / atoms
    return time**2 / (inverse + model.common_phase_variance)


def _rate(noise: Noise) -> float:
    """The rate of a noise that has one; NaN, which matches no closed form, for a noise of the user's own."""
    return noise.rate if isinstance(noise, _SINGLE) else math.nan


def _exp(x: float) -> float:
    """e^x, infinite instead of an overflow."""
    return math.exp(x) if x < 709.0 else math.inf


def _expm1(x: float) -> float:
    return math.expm1(x) if x < 709.0 else math.inf


def _depolarizing(x: float) -> float:
    """1/f = (1 - eta)(1 + 2 eta)/(2 eta^2) with eta = e^-x."""
    return -math.expm1(-x) * (1.0 + 2.0 * math.exp(-x)) / 2.0 * _exp(2.0 * x)


_SINGLE = (Dephasing, TrapLoss, SpontaneousEmission, Pumping, Depolarizing)
# 1/f as a function of the summed rates times T, for each set of kinds of noise that has a closed form.
_CLOSED_FORMS = {
    frozenset[type[Noise]](): lambda x: 0.0,
    frozenset({Dephasing}): _expm1,
    frozenset({TrapLoss}): _expm1,
    frozenset({Dephasing, TrapLoss}): _expm1,
    frozenset({SpontaneousEmission}): lambda x: _expm1(x) / 4.0,
    frozenset({Pumping}): lambda x: _expm1(x) / 4.0,
    frozenset({Depolarizing}): _depolarizing,
}
