r"""The Ramsey experiment: the one model that backends, bounds and studies share.

Atoms are prepared in a probe state, precess for a time T at the detuning :math:`\delta` of the laser while they
decohere, and are read out. The Hamiltonian is :math:`H = -\delta\sum_j |e_j\rangle\langle e_j|`, so one atom picks
up the phase :math:`\varphi = \delta T`; the parameter that everything estimates is :math:`\delta`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from qcn_open.noise import CollectiveNoise, Noise, together
from qcn_open.probes import Probe
from qcn_open.validation import finite, nonnegative

__all__ = ["Ramsey"]


@dataclass(frozen=True)
class Ramsey:
    r"""One Ramsey interrogation.

    Parameters
    ----------
    probe : Probe
        Input state of all atoms.
    noise : Noise or CollectiveNoise, or an iterable of them, optional
        What decoheres them, rates in 1/s. Empty: nothing does. Noises of equal kind add.
    time : float
        Interrogation time T, s. At T = 0 there is no phase and the Fisher information is 0.
    phase : float, optional
        Phase :math:`\varphi = \delta T` of one atom at which information is evaluated, rad. The quantum Fisher
        information does not depend on it, that of a readout at fixed angle does.

    Raises
    ------
    TypeError
        If the probe is no Probe or a noise no Noise.
    ValueError
        If the time is not finite, >= 0 and at most 1e100 s, or the phase not finite.

    Examples
    --------
    >>> from qcn_open import Dephasing, Ghz
    >>> Ramsey(Ghz(8), noise=(Dephasing(1.0), Dephasing(0.5)), time=0.3).noise
    (Dephasing(rate=1.5),)
    """

    probe: Probe
    noise: tuple[Noise | CollectiveNoise, ...] = ()
    # Not a usable value: a model without its time is refused with the sentence that names it.
    time: float = math.nan
    phase: float = 0.0

    def __init__(
        self,
        probe: Probe,
        noise: Noise | CollectiveNoise | Iterable[Noise | CollectiveNoise] = (),
        time: float = math.nan,
        phase: float = 0.0,
    ) -> None:
        if not isinstance(probe, Probe):
            raise TypeError(f"Ramsey probe must be a Probe such as Ghz(8), got {probe!r}")
        object.__setattr__(self, "probe", probe)
        object.__setattr__(self, "noise", noises(noise))
        object.__setattr__(self, "time", nonnegative("Ramsey time", time, "s"))
        object.__setattr__(self, "phase", finite("Ramsey phase", phase, "rad"))

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return self.probe.atoms

    @property
    def local_noise(self) -> tuple[Noise, ...]:
        """The noises that hit every atom independently."""
        return tuple(noise for noise in self.noise if isinstance(noise, Noise))

    @property
    def common_phase_variance(self) -> float:
        """Variance of the random phase common to all atoms after the interrogation, rad^2."""
        collective = (noise for noise in self.noise if isinstance(noise, CollectiveNoise))
        rates = [nonnegative(f"{noise!r} variance_rate()", noise.variance_rate(), "rad^2/s") for noise in collective]
        return self.time * sum(rates)

    def at_time(self, time: float) -> Ramsey:
        """The same experiment with another interrogation time (s)."""
        return replace(self, time=time)


def experiment(model: Ramsey) -> Ramsey:
    """The model itself, or a TypeError when it is none.

    Raises
    ------
    TypeError
        If it is not a Ramsey.
    """
    if not isinstance(model, Ramsey):
        raise TypeError(f"model must be a Ramsey(probe, noise, time), got {model!r}")
    return model


def noises(
    noise: Noise | CollectiveNoise | Iterable[Noise | CollectiveNoise],
) -> tuple[Noise | CollectiveNoise, ...]:
    """One noise or an iterable of them, checked, with equal kinds added up.

    Raises
    ------
    TypeError
        If something in it is no noise.
    """
    if isinstance(noise, Noise | CollectiveNoise):
        return (noise,)
    given: object = noise
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"noise must be a noise such as Dephasing(1.0), or several of them, got {noise!r}")
    parts = tuple(noise)
    for part in parts:
        if not isinstance(part, Noise | CollectiveNoise):
            raise TypeError(f"noise must consist of noises such as Dephasing(1.0), got {part!r}")
    return together(parts)
