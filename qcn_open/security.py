r"""Threats from inside and outside a network of clocks, and what they cost.

*Sabotage.* The centre may teleport :math:`(|g\rangle + e^{i\chi}|e\rangle)/\sqrt2` to a node instead of its part of a
shared state, with :math:`\chi` secret and uniform on the circle. The node cannot tell: whatever measurement it makes,
either state looks maximally mixed to it. Growth to n atoms copies the level, so the state becomes
:math:`(|g\ldots g\rangle + e^{i\chi}|e\ldots e\rangle)/\sqrt2`; every excited atom acquires the phase
:math:`\phi = \delta T`, and the parity p of n atoms measured along x has the probability

.. math:: P(p) = \tfrac12\bigl[1 + pV\cos(\chi + n\phi)\bigr].

The centre knows :math:`\chi` and, from the light of the node and the phase of the centre of mass, which
:math:`\phi` the node should have. A node that sends light which is off by :math:`\Delta` shifts the fringe by
:math:`\theta = -n\Delta T`, one that flips its parity with probability q has the contrast :math:`(1-2q)V`. An attack
that is active in a fraction a of the cycles, at random, multiplies :math:`Ve^{i(\chi+n\phi)}` by

.. math:: z = (1-a) + a(1-2q)\,e^{-in\Delta T}, \qquad |z| \le 1:

to a test every attack without memory is a shift :math:`\arg z` and a contrast :math:`V|z|`.
"""

from __future__ import annotations

import cmath
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qcn_open.validation import closed_interval, count, finite, open_interval, positive

__all__ = [
    "Attack",
    "Effect",
    "FalseFrequency",
    "FalseParity",
    "Intermittent",
    "RandomBits",
    "SequentialTest",
    "fringe_factor",
]


class Effect(NamedTuple):
    """What an attack does in a cycle: a row of the tables of a compiled loop.

    Attributes
    ----------
    phase : float
        Added to the phase (rad over the interrogation time) of the laser light that the node sends.
    flip : float
        Probability with which each of its parity bits is flipped before it is sent.
    activity : float
        Probability with which the attack is active in a cycle, independently of all others.
    """

    phase: float
    flip: float
    activity: float


class Attack(ABC):
    """What a saboteur does. Subclasses are frozen dataclasses."""

    @abstractmethod
    def effect(self, interrogation_time: float) -> Effect:
        """What it does in a cycle with this interrogation time, s."""


@dataclass(frozen=True)
class FalseFrequency(Attack):
    """The laser light that the node sends is off from that which it interrogates its atoms with.

    Parameters
    ----------
    offset : float
        Frequency sent less the true one, rad/s.

    Raises
    ------
    ValueError
        If the offset is not finite.

    Examples
    --------
    >>> FalseFrequency(0.2).effect(0.5)
    Effect(phase=0.1, flip=0.0, activity=1.0)
    """

    offset: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "offset", finite("FalseFrequency offset", self.offset, "rad/s"))

    def effect(self, interrogation_time: float) -> Effect:
        """The phase is off."""
        return Effect(self.offset * positive("interrogation_time", interrogation_time, "s"), 0.0, 1.0)


@dataclass(frozen=True)
class FalseParity(Attack):
    """The node flips each of its parity bits with some probability.

    Parameters
    ----------
    probability : float
        From 0 to 1; at 1/2 nothing is left of the bit, at 1 it is reversed.

    Raises
    ------
    ValueError
        If it is out of range.

    Examples
    --------
    >>> FalseParity(1.0).effect(0.5)
    Effect(phase=0.0, flip=1.0, activity=1.0)
    """

    probability: float

    def __post_init__(self) -> None:
        probability = closed_interval("FalseParity probability", self.probability, 0.0, 1.0)
        object.__setattr__(self, "probability", probability)

    def effect(self, interrogation_time: float) -> Effect:
        """The bits are flipped."""
        return Effect(0.0, self.probability, 1.0)


@dataclass(frozen=True)
class RandomBits(Attack):
    """The node sends random bits instead of its parities.

    Examples
    --------
    >>> RandomBits().effect(0.5)
    Effect(phase=0.0, flip=0.5, activity=1.0)
    """

    def effect(self, interrogation_time: float) -> Effect:
        """A bit that is flipped every other time is random."""
        return Effect(0.0, 0.5, 1.0)


@dataclass(frozen=True)
class Intermittent(Attack):
    """An attack in some cycles only, drawn at random.

    Parameters
    ----------
    attack : Attack
        What is done in these cycles.
    probability : float
        Their share, from 0 to 1.

    Raises
    ------
    TypeError
        If the attack is none.
    ValueError
        If the probability is out of range.

    Examples
    --------
    >>> Intermittent(RandomBits(), 0.1).effect(0.5)
    Effect(phase=0.0, flip=0.5, activity=0.1)
    """

    attack: Attack
    probability: float

    def __post_init__(self) -> None:
        if not isinstance(self.attack, Attack):
            raise TypeError(f"Intermittent attack must be an Attack such as RandomBits(), got {self.attack!r}")
        probability = closed_interval("Intermittent probability", self.probability, 0.0, 1.0)
        object.__setattr__(self, "probability", probability)

    def effect(self, interrogation_time: float) -> Effect:
        """That of the attack, more rarely."""
        inner = self.attack.effect(interrogation_time)
        return inner._replace(activity=inner.activity * self.probability)


def fringe_factor(attack: Attack, atoms: int, interrogation_time: float) -> complex:
    r"""Factor z by which an attack multiplies the fringe of a test qubit: its contrast by \|z\|, its phase by arg z.

    .. math:: z = (1-a) + a(1-2q)\,e^{-in\Delta T}

    Parameters
    ----------
    attack : Attack
        Offset :math:`\Delta`, flip probability q and activity a.
    atoms : int
        Number n to which the test qubit is grown.
    interrogation_time : float
        T, s.

    Raises
    ------
    TypeError
        If the attack is none.
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> fringe_factor(Intermittent(RandomBits(), 0.25), atoms=10, interrogation_time=1.0)
    (0.75+0j)
    """
    if not isinstance(attack, Attack):
        raise TypeError(f"attack must be an Attack such as RandomBits(), got {attack!r}")
    phase, flip, activity = attack.effect(interrogation_time)
    factor = cmath.exp(-1j * count("atoms of a test", atoms) * phase) if phase else 1.0
    return complex(1.0 - activity + activity * (1.0 - 2.0 * flip) * factor)


@dataclass(frozen=True)
class SequentialTest:
    r"""Page's test, repeated for as long as a network runs: did a node stop to be honest, whenever that was?

    For every alternative (shift :math:`\theta`, contrast :math:`V_a`) the logarithm of the likelihood ratio adds up from
    the time that suits the alternative best, and an alarm is given when the largest sum exceeds a threshold h,

    .. math:: S_a \to \max\Bigl(0,\; S_a + \ln\frac{1 + pV_a\cos(\psi + \theta)}{1 + pV\cos\psi}\Bigr),
              \qquad h = \ln\frac Ar,

    with A alternatives and the false-alarm rate r. *Proof that r is not exceeded.* :math:`\sum_aR_a - Am`, where
    :math:`R_a \to (1 + R_a)P_a/P` and m counts the tests, has no drift while the node is honest, and
    :math:`\max_aS_a \le \ln\sum_aR_a`: when the alarm comes :math:`Am` has the mean of a quantity that is at least
    :math:`e^h`, so that there are at least :math:`e^h/A` tests between false alarms on the average.

    Parameters
    ----------
    alternatives : sequence of (float, float)
        What the node may do: shift (rad) of the fringe and contrast from -1 to 1.
    false_alarm_rate : float
        r, false alarms a test at most, in (0, 1).
    contrast : float, optional
        V of the test qubit of an honest node, in (0, 1].
    atoms : int, optional
        Number n to which the test qubit is grown.

    Raises
    ------
    ValueError
        If there is no alternative, one is what an honest node does, or a number is out of range.

    References
    ----------
    .. [1] E. S. Page, Biometrika 41, 100 (1954).
    .. [2] M. Pollak, Ann. Stat. 15, 749 (1987): the martingale.

    Examples
    --------
    >>> test = SequentialTest(((0.3, 1.0), (-0.3, 1.0), (0.0, 0.0)), false_alarm_rate=1e-6)
    >>> round(test.threshold, 3)
    14.914
    """

    alternatives: tuple[tuple[float, float], ...]
    false_alarm_rate: float
    contrast: float = 1.0
    atoms: int = 1

    def __post_init__(self) -> None:
        contrast = closed_interval("SequentialTest contrast", self.contrast, 0.0, 1.0)
        object.__setattr__(self, "contrast", positive("SequentialTest contrast", contrast))
        object.__setattr__(self, "atoms", count("SequentialTest atoms", self.atoms))
        rate = open_interval("SequentialTest false_alarm_rate", self.false_alarm_rate, 0.0, 1.0)
        object.__setattr__(self, "false_alarm_rate", rate)
        alternatives = tuple(
            (
                finite("SequentialTest shift", shift, "rad"),
                closed_interval("SequentialTest contrast of an alternative", other, -1.0, 1.0),
            )
            for shift, other in self.alternatives
        )
        if not alternatives:
            raise ValueError("SequentialTest needs at least one alternative such as (0.0, 0.0), random bits, got none")
        for shift, other in alternatives:
            if abs(other * cmath.exp(1j * shift) - self.contrast) < 1e-9:
                raise ValueError(
                    f"a SequentialTest alternative must differ from an honest node, got shift {shift:g} rad and "
                    f"contrast {other:g}, which an honest node shows"
                )
        object.__setattr__(self, "alternatives", alternatives)

    @classmethod
    def against(
        cls,
        attacks: Sequence[Attack],
        false_alarm_rate: float,
        *,
        interrogation_time: float,
        contrast: float = 1.0,
        atoms: int = 1,
    ) -> SequentialTest:
        """The test whose alternatives are these attacks.

        Examples
        --------
        >>> test = SequentialTest.against([FalseFrequency(0.1), RandomBits()], 1e-6, interrogation_time=1.0, atoms=10)
        >>> [(round(shift, 3), round(contrast, 3)) for shift, contrast in test.alternatives]
        [(-1.0, 1.0), (0.0, 0.0)]
        """
        factors = [fringe_factor(attack, atoms, interrogation_time) for attack in attacks]
        shown = tuple((cmath.phase(factor), min(1.0, abs(factor)) * contrast) for factor in factors)
        return cls(shown, false_alarm_rate, contrast, atoms)

    @property
    def threshold(self) -> float:
        """h = ln(number of alternatives/false-alarm rate)."""
        return math.log(len(self.alternatives) / self.false_alarm_rate)

    def table(self) -> NDArray[np.float64]:
        """The alternatives for `qcn_open.kernels.security`, shape (alternatives, 2)."""
        return np.array(self.alternatives)
