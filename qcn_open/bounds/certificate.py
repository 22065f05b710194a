r"""Certificates: a gauge that anyone can evaluate, and a dual state that shows that no gauge is much better.

Every Hermitian gauge h gives a valid bound, however it was found. `Certificate.check` evaluates it anew with NumPy
alone; `Certificate.lower` limits the minimum over all gauges from below. Both allow for every rounding.

*What is covered*: rounding in the evaluation, and that the rounded Kraus operators are no channel exactly (the result
is for the channel they are after normalisation). *What is not*: how the Kraus operators follow from rates and time.
They are functions of a few exponentials, each accurate to a relative :math:`10^{-15}` or so, and the bound depends on
them just as smoothly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qcn_open.bounds.closed import Saddle, parallel_saddle, rate_saddle
from qcn_open.bounds.families import GaugeFamily, KrausFamily, kraus_of, lindblad_of
from qcn_open.bounds.gauge import from_above, from_below
from qcn_open.bounds.program import solve
from qcn_open.model import Ramsey, experiment, noises
from qcn_open.noise import CollectiveNoise, Noise, generator, is_covariant, one_site
from qcn_open.validation import count, nonnegative, positive

__all__ = ["Certificate", "asymptotic_certificate", "certificate", "rate_certificate", "semidefinite"]

By = Literal["closed form", "semidefinite"]

_TOLERANCE = 1e-6
"""Largest gap of a certificate that is handed out."""


@dataclass(frozen=True, eq=False)
class Certificate:
    r"""A bound together with what proves it.

    .. math:: F \le U\left[\frac1{4N\left(\|X_h^\dagger X_h\| + (N-1)\|B_h\|^2\right)} + V\right]^{-1}

    Attributes
    ----------
    family : GaugeFamily
        Operators of one atom, which define :math:`X_h` and :math:`B_h`.
    gauge : ndarray, shape (k, k)
        Hermitian h.
    state_root : ndarray, shape (2, 2)
        R of the dual state :math:`\rho = RR^\dagger/\mathrm{tr}\,RR^\dagger`.
    multiplier : ndarray, shape (2, 2)
        Z, Hermitian: the dual variable of :math:`B_h`.
    uses : float
        N; infinite for the information per use when there are many, at a gauge with :math:`B_h = 0`.
    unit : float
        U: for an experiment :math:`T^2` in s^2.
    common_phase_variance : float
        V of a random phase common to all atoms, rad^2.
    solver_value : float
        The bound as a solver returned it, in the same unit: not rigorous. NaN where there was no solver.

    Raises
    ------
    ValueError
        If h or Z is not Hermitian, or a shape is wrong.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ghz
    >>> proof = certificate(Ramsey(Ghz(1000), Dephasing(0.2), time=1.0))
    >>> proof.gauge.shape, round(proof.check(), 4), proof.gap < 1e-9
    ((2, 2), 4496.3471, True)
    """

    family: GaugeFamily
    gauge: NDArray[np.complex128]
    state_root: NDArray[np.complex128]
    multiplier: NDArray[np.complex128]
    uses: float
    unit: float = 1.0
    common_phase_variance: float = 0.0
    solver_value: float = math.nan

    def __post_init__(self) -> None:
        if not isinstance(self.family, GaugeFamily):
            raise TypeError(
                f"Certificate family must be a KrausFamily or LindbladFamily, got {type(self.family).__name__}"
            )
        object.__setattr__(self, "gauge", _matrix("gauge h", self.gauge, len(self.family.operators), hermitian=True))
        object.__setattr__(self, "state_root", _matrix("state_root", self.state_root, 2, hermitian=False))
        object.__setattr__(self, "multiplier", _matrix("multiplier Z", self.multiplier, 2, hermitian=True))
        if not self.state_root.any():
            raise ValueError("Certificate state_root must not be zero")
        if self.uses != math.inf:
            object.__setattr__(self, "uses", count("Certificate uses", self.uses))  # type: ignore[arg-type]
        object.__setattr__(self, "unit", positive("Certificate unit", self.unit))
        variance = nonnegative("Certificate common_phase_variance", self.common_phase_variance, "rad^2")
        object.__setattr__(self, "common_phase_variance", variance)

    def check(self) -> float:
        """Evaluate the gauge anew: a rigorous upper bound on the information, in the unit U."""
        return self._information(from_above(self.family, self.gauge, self.uses - 1.0)) * (1.0 + 1e-15)

    @property
    def upper(self) -> float:
        """What `check` returns."""
        return self.check()

    @property
    def lower(self) -> float:
        """A rigorous lower limit on what `check` could return for any other gauge, in the unit U."""
        least = from_below(self.family, self.gauge, self.uses - 1.0, self.state_root, self.multiplier)
        return self._information(least) * (1.0 - 1e-15)

    @property
    def gap(self) -> float:
        """upper/lower - 1: by how much a better gauge could improve the bound at most."""
        upper, lower = self.check(), self.lower
        return upper / lower - 1.0 if lower > 0.0 else math.inf

    def _information(self, per_use: float) -> float:
        value = 4.0 * per_use * (1.0 if math.isinf(self.uses) else self.uses)
        inverse = (1.0 / value if value > 0.0 else math.inf) + self.common_phase_variance
        return self.unit / inverse if inverse > 0.0 else math.inf


def certificate(model: Ramsey, by: By = "closed form") -> Certificate:
    r"""Proof of the bound on the information of N atoms in any state, with ancillas and any measurement.

    Parameters
    ----------
    model : Ramsey
        The experiment.
    by : "closed form" or "semidefinite", optional
        How the gauge is found: as that of which `channel_extension` is the value, or by solving a semidefinite program
        (`semidefinite`), which also serves noise that is not phase-covariant.

    Returns
    -------
    Certificate
        In s^2.

    Raises
    ------
    ValueError
        If the time is zero; if the noise is not phase-covariant and the gauge is to be the closed one, or there is a
        common phase too; if one atom's coherence has decayed beyond e^-300; if rounding or the solver leaves a gap
        above 10^-6.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ghz, SpontaneousEmission
    >>> model = Ramsey(Ghz(10), (Dephasing(0.1), SpontaneousEmission(0.1)), time=1.0)
    >>> round(certificate(model).check(), 6)
    38.768593
    >>> round(certificate(model, by="semidefinite").check(), 4)
    38.7686
    """
    time = positive("Ramsey time of a certificate", experiment(model).time, "s")
    family, variance = kraus_of(model), model.common_phase_variance
    if _by(by) == "semidefinite":
        if variance > 0.0 and not is_covariant(generator(model.local_noise)):
            raise ValueError("no bound for a common phase together with noise that is not phase-covariant")
        return semidefinite(family, model.atoms, time**2, variance)
    saddle = parallel_saddle(one_site(model.local_noise, time), model.atoms)
    return _tight(_certificate(family, saddle, model.atoms, time**2, variance))


def asymptotic_certificate(model: Ramsey, by: By = "closed form") -> Certificate:
    """Proof of `asymptotic_information`: the information per atom for the phase of one atom, for any number of atoms.

    Parameters
    ----------
    model : Ramsey
        The experiment; only its local noise, time and phase are used.
    by : "closed form" or "semidefinite", optional
        As for `certificate`.

    Returns
    -------
    Certificate
        Of a number without unit.

    Raises
    ------
    ValueError
        As for `certificate`, or if nothing limits the information.

    Examples
    --------
    >>> from qcn_open import Ghz, TrapLoss
    >>> round(asymptotic_certificate(Ramsey(Ghz(2), TrapLoss(1.0), time=1.0)).check(), 6)
    0.581977
    """
    time = positive("Ramsey time of a certificate", experiment(model).time, "s")
    family = kraus_of(model)
    if _by(by) == "semidefinite":
        return semidefinite(family, math.inf)
    saddle = parallel_saddle(one_site(model.local_noise, time), math.inf)
    if not np.isfinite(saddle.multiplier).all():
        raise ValueError("nothing limits the information per atom: give a noise that dephases the atoms")
    return _tight(_certificate(family, saddle, math.inf, 1.0, 0.0))


def rate_certificate(
    noise: Noise | CollectiveNoise | Iterable[Noise | CollectiveNoise], by: By = "closed form"
) -> Certificate:
    """Proof of `asymptotic_rate`: the information per atom and time that any protocol within {g, e} gathers.

    Adaptive or not, with noiseless ancillas; for what is assumed of lost atoms see `sequential`.

    Parameters
    ----------
    noise : noise or iterable of noises
        Rates in 1/s; of a phase common to all atoms nothing is used.
    by : "closed form" or "semidefinite", optional
        As for `certificate`.

    Returns
    -------
    Certificate
        In s.

    Raises
    ------
    ValueError
        If nothing limits the information; as for `certificate`.

    Examples
    --------
    >>> from qcn_open import SpontaneousEmission
    >>> round(rate_certificate(SpontaneousEmission(2.0)).check(), 9)
    2.0
    """
    local = tuple(part for part in noises(noise) if isinstance(part, Noise))
    lindblad = generator(local)
    scale = float(np.abs(lindblad).max())
    if scale == 0.0:
        raise ValueError("nothing limits the information per time: give a noise that dephases the atoms")
    family = lindblad_of(local, scale)
    if _by(by) == "semidefinite":
        return semidefinite(family, math.inf, 1.0 / scale)
    if not is_covariant(lindblad):
        raise ValueError(f'noise {local} is not phase-covariant: use by="semidefinite"')
    return _tight(_certificate(family, rate_saddle(local, scale), math.inf, 1.0 / scale, 0.0))


def semidefinite(
    family: GaugeFamily,
    uses: float,
    unit: float = 1.0,
    common_phase_variance: float = 0.0,
    tolerance: float = _TOLERANCE,
) -> Certificate:
    r"""Minimum over gauges for any operators of one atom, by a semidefinite program (cvxpy and Clarabel).

    The solver's word is not taken for anything: what counts is the certificate of the gauge and dual state it found.

    Parameters
    ----------
    family : KrausFamily or LindbladFamily
        Operators of one atom; phase covariance is not needed.
    uses : int, or infinity
        Number N of uses; infinity for the information per use of many.
    unit : float, optional
        Factor of the result, such as T^2.
    common_phase_variance : float, optional
        Variance of a phase common to all uses, rad^2.
    tolerance : float, optional
        Largest gap of the certificate.

    Returns
    -------
    Certificate
        Its ``solver_value`` is what the solver claims.

    Raises
    ------
    ValueError
        If the program is infeasible (an infinite number of uses where the information may grow faster than N), or the
        gap remains larger than the tolerance.

    Examples
    --------
    >>> found = semidefinite(KrausFamily([0.8 * np.eye(2), np.diag([0.6, -0.6])]), uses=10)
    >>> round(found.check(), 6), found.gap < 1e-6
    (0.843519, True)
    """
    if not isinstance(family, GaugeFamily):
        raise TypeError(f"family must be a KrausFamily or LindbladFamily, got {type(family).__name__}")
    if isinstance(family, KrausFamily):
        family = family.independent()
    others = math.inf if uses == math.inf else count("uses", uses) - 1.0  # type: ignore[arg-type]
    saddle, value = solve(family, others)
    found = _certificate(family, saddle, uses, unit, common_phase_variance)
    found = replace(found, solver_value=found._information(value))
    if not found.gap <= tolerance:
        raise ValueError(
            f"the semidefinite program was solved too inaccurately: its certificate leaves a gap of {found.gap:.1g}, "
            f"more than the tolerance {tolerance:g}; allow a larger one, or rescale the problem"
        )
    return found


def _certificate(family: GaugeFamily, saddle: Saddle, uses: float, unit: float, variance: float) -> Certificate:
    return Certificate(family, saddle.gauge, saddle.state_root, saddle.multiplier, uses, unit, variance)


def _tight(found: Certificate) -> Certificate:
    if not found.gap <= _TOLERANCE:
        raise ValueError(
            f"rounding leaves the certificate of the closed form a gap of {found.gap:.1g}, more than {_TOLERANCE:g}: "
            "take a time in which one atom's coherence decays by more than rounding and by less than all"
        )
    return found


def _by(by: str) -> str:
    if by not in ("closed form", "semidefinite"):
        raise ValueError(f'by must be "closed form" or "semidefinite", got {by!r}')
    return by


def _matrix(name: str, given: object, size: int, hermitian: bool) -> NDArray[np.complex128]:
    matrix = np.array(given, dtype=complex)
    if matrix.shape != (size, size) or not np.isfinite(matrix).all():
        raise ValueError(f"Certificate {name} must be finite and of shape {(size, size)}, got shape {matrix.shape}")
    if hermitian:
        away = float(np.abs(matrix - matrix.conj().T).max())
        if away > 1e-12 * float(np.abs(matrix).max()):
            raise ValueError(f"Certificate {name} must be Hermitian, it differs from its adjoint by {away:.3g}")
        matrix = (matrix + matrix.conj().T) / 2.0
    matrix.setflags(write=False)
    return matrix
