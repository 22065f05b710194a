r"""The bound for every protocol within {g, e}: fast control, error correction, ancillas, entanglement during T.

*What is assumed.* Atoms enter in {g, e} and are steered within {g, e}; a lost atom is flagged (seen) and at most
replaced by a fresh one; ancillas are noiseless. The norms are those on {g, e}. An atom in a superposition of e and the
lost level would be another system: `TrapLoss` acts on that pair as emission does on {g, e}, with r four times larger.

Let the noise act all the time, and let anything else be done arbitrarily fast in between. To first order in a short
time dt, N atoms have :math:`\|\alpha_h\| = N\|X_h^\dagger X_h\|dt` and :math:`\|\beta_h\| = N\|B_h\|dt`, with the
gauges h of the jump operators. A state of information F has a purification whose derivative has the squared norm F/4;
hence

.. math:: \frac{dF}{dt} \le 4N\min_h\left[\|X_h^\dagger X_h\| + \|B_h\|\sqrt F\right].

With r the least :math:`4\|X_h^\dagger X_h\|` at :math:`B_h = 0`, the gauge :math:`(1-s)h_0` with 1/2 of the rest on the
identity has :math:`4\|X^\dagger X\| = (1-s)^2r` and :math:`\|B\| = s/2`. The best :math:`1 - s = \sqrt F/r`, as long as
that is below 1, leads to :math:`d\sqrt F/dt = N(1 - \sqrt F/2r)`, and then F grows at the rate Nr.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from qcn_open.bounds.closed import decay_rates
from qcn_open.model import Ramsey, experiment, noises
from qcn_open.noise import CollectiveNoise, Noise, generator, is_covariant

__all__ = ["asymptotic_rate", "sequential"]


def asymptotic_rate(noise: Noise | CollectiveNoise | Iterable[Noise | CollectiveNoise]) -> float:
    r"""Fisher information about the detuning that each atom can gather per time at most, however it is steered.

    .. math:: r = \frac4{(\sqrt{R_g} + \sqrt{R_e})^2}, \qquad R_i = 2\Lambda - u_i, \qquad F_\delta \le NTr

    with :math:`\Lambda` the decay rate of one atom's coherence and :math:`u_i` the rate of its jumps out of level i. It
    is also the limit of :math:`Tf` (`asymptotic_information`) for T -> 0, and its largest value: many atoms that are
    interrogated briefly need no control in between. Control is assumed to act within {g, e}, see `sequential`.

    Parameters
    ----------
    noise : noise or iterable of noises
        Rates in 1/s. A phase common to all atoms, of which `sequential` takes care, is left out.

    Returns
    -------
    float
        r in s; infinite without noise.

    Raises
    ------
    ValueError
        If the noise is not phase-covariant: use `rate_certificate` with ``by="semidefinite"``.

    Notes
    -----
    Dephasing :math:`1/\gamma_i`, trap loss :math:`1/\Gamma`, emission or pumping :math:`4/\kappa`, depolarising
    :math:`2/(3r)`. So eq. (4) of the paper bounds every protocol within {g, e} under dephasing, error correction
    included, with a constant of exactly 1. Demkowicz-Dobrzański and Maccone, PRL 113, 250801 (2014); Sekatski,
    Skotiniotis, Kołodyński, Dür, Quantum 1, 27 (2017); Demkowicz-Dobrzański, Czajkowski, Sekatski, Phys. Rev. X 7,
    041009 (2017); Zhou, Zhang, Preskill, Jiang, Nature Commun. 9, 78 (2018); derivation in docs/physics.md.

    Examples
    --------
    >>> from qcn_open import Dephasing, Depolarizing, SpontaneousEmission
    >>> asymptotic_rate(Dephasing(2.0)), asymptotic_rate(SpontaneousEmission(2.0))
    (0.5, 2.0)
    >>> round(asymptotic_rate(Depolarizing(1.0)), 6)
    0.666667
    """
    local = tuple(part for part in noises(noise) if isinstance(part, Noise))
    if not is_covariant(generator(local)):
        raise ValueError(f'noise {local} is not phase-covariant: use rate_certificate with by="semidefinite"')
    root = float(decay_rates(local).sum())
    return (2.0 / root) ** 2 if root > 0.0 else math.inf


def sequential(model: Ramsey) -> float:
    r"""Upper bound on the Fisher information of N atoms under any protocol within {g, e} and the interrogation time.

    .. math:: F_0 = \begin{cases} 4r^2(1 - e^{-NT/2r})^2 & NT \le 2r\ln2 \\
                                  NTr - (2\ln2 - 1)r^2 & \text{else}\end{cases}, \qquad
              \frac1{F_\delta} \ge \frac1{F_0} + \frac vT

    with r from `asymptotic_rate` and v the rate of a random phase common to all atoms. Atoms enter in {g, e}, and
    control, error correction and entangling gates, arbitrarily fast, steer them within {g, e}; a lost atom is flagged
    (seen) and at most replaced by a fresh one; ancillas are noiseless. Control that superposes e with the lost level
    is not covered.

    Parameters
    ----------
    model : Ramsey
        The experiment; of its probe only the number of atoms is used.

    Returns
    -------
    float
        s^2, at most :math:`N^2T^2` and :math:`NTr`, and never less than `channel_extension`.

    Raises
    ------
    ValueError
        If the noise is not phase-covariant.

    Notes
    -----
    The step from one use to the next is that of Kurdziałek, Górecki, Albarelli, Demkowicz-Dobrzański, PRL 131, 090801
    (2023). The common phase: white frequency noise is its mean over T, of variance v/T, and an independent rest; for
    every rest the bound holds, and the mean adds as in `channel_extension`.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ghz
    >>> round(sequential(Ramsey(Ghz(100), Dephasing(1.0), time=1.0)), 6)
    99.613706
    """
    time, rate = experiment(model).time, asymptotic_rate(model.noise)
    if time == 0.0:
        return 0.0
    atom_time = model.atoms * time
    if math.isinf(rate):
        information = atom_time**2
    elif atom_time <= 2.0 * math.log(2.0) * rate:
        information = (2.0 * rate * math.expm1(-atom_time / (2.0 * rate))) ** 2
    else:
        information = atom_time * rate - (2.0 * math.log(2.0) - 1.0) * rate**2
    return 1.0 / (1.0 / information + model.common_phase_variance / time**2)
