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

to a test every attack without memory is a shift :math:`\arg z` and a contrast :math:`V|z|`. A pair (shift, contrast)
is what stands for a node here.

*Eavesdropping.* Of a block in the state :math:`(|g\ldots g\rangle + e^{i\Phi}|e\ldots e\rangle)/\sqrt2` the parities
:math:`p_1\ldots p_K` of K nodes have the probability :math:`2^{-K}[1 + V\cos\Phi\prod_jp_j]`: any K - 1 of them are
independent and uniform whatever :math:`\Phi` is.
"""

from __future__ import annotations

import cmath
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from qcn_open.cascade import Cascade
from qcn_open.oscillator import Oscillator
from qcn_open.priors import FlatPrior
from qcn_open.readouts.fringes import FedForward
from qcn_open.states.base import freeze
from qcn_open.validation import closed_interval, count, finite, nonnegative, open_interval, positive

__all__ = [
    "Attack",
    "AttackedRecord",
    "Effect",
    "FalseFrequency",
    "FalseParity",
    "FixedTest",
    "Intermittent",
    "KeyDemand",
    "RandomBits",
    "RocCurve",
    "SequentialTest",
    "WaldTest",
    "divergence",
    "fringe_factor",
    "key_demand",
    "least_tests",
    "parity_information",
    "run_attacked",
]

Statistic = Literal["likelihood", "linear"]

# Points on the circle of secret phases over which a law is averaged.
_CIRCLE = 2**15
# Steps of the grid of a statistic to the standard deviation of one test: its variance is off by 1/(6 * 64^2).
_STEPS = 64
# A single outcome does not count for more, e^-50 being less than any error rate that is asked for.
_LARGEST_STEP = 50.0
# What is left undecided when the enumeration of a sequential test ends.
_UNDECIDED = 1e-12


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


def divergence(node: tuple[float, float], other: tuple[float, float]) -> float:
    r"""Relative entropy of what one node shows in a test to what another does, nats.

    For :math:`P = \tfrac12[1 + pV\cos\psi]` and :math:`P' = \tfrac12[1 + pV'\cos(\psi+\theta)]`, on average over
    :math:`\psi`,

    .. math:: \Bigl\langle\sum_pP\ln\frac P{P'}\Bigr\rangle = L(V) - L(V') + Vr - Vr'\cos\theta, \qquad
              L = \ln\frac{1+\sqrt{1-V^2}}2, \quad r = \frac{1-\sqrt{1-V^2}}V,

    from the Fourier series :math:`\ln(1+V\cos\psi) = L + 2\sum_k(-1)^{k+1}r^k\cos(k\psi)/k`. At V = V' = 1 it is
    :math:`1-\cos\theta`; of random bits to an honest node ln 2, of an honest node to random bits 1 - ln 2.

    Parameters
    ----------
    node, other : (float, float)
        Shift (rad) and contrast from -1 to 1.

    Examples
    --------
    >>> round(divergence((0.0, 0.0), (0.0, 1.0)), 6)
    0.693147
    """
    (shift, contrast), (other_shift, other_contrast) = _shown(node), _shown(other)
    level, ratio = _fourier(contrast)
    other_level, other_ratio = _fourier(other_contrast)
    return level - other_level + contrast * (ratio - other_ratio * math.cos(shift - other_shift))


@dataclass(frozen=True, eq=False)
class RocCurve:
    """How often a test accuses an honest node, and one that cheats, at every threshold of its statistic.

    Attributes
    ----------
    threshold, false_alarm, detection : ndarray, shape (points,)
        Probabilities that the statistic reaches the threshold.
    """

    threshold: NDArray[np.float64]
    false_alarm: NDArray[np.float64]
    detection: NDArray[np.float64]

    def __post_init__(self) -> None:
        freeze(self.threshold, self.false_alarm, self.detection)

    def miss(self, false_alarm: float) -> float:
        """Least probability to miss a cheat at no more false alarms than this."""
        return 1.0 - float(np.interp(false_alarm, self.false_alarm[::-1], self.detection[::-1]))


@dataclass(frozen=True)
class FixedTest:
    r"""A number of tests, then a verdict.

    Statistics are sums over the tests. ``"likelihood"`` adds the logarithms of the likelihood ratios, the best there
    is (Neyman and Pearson). ``"linear"`` adds :math:`p\cos(\psi+\eta)` with the angle :math:`\eta` from the honest
    fringe V to the other, :math:`V_ae^{i\theta} - V`, in the complex plane; small shifts are then estimated with the
    variance :math:`2/mV^2`.

    Parameters
    ----------
    tests : int
        Their number m.
    alternative : (float, float)
        What the node does if it cheats: shift :math:`\theta` (rad) and contrast :math:`V_a`.
    statistic : {"likelihood", "linear"}, optional
        What is made of the outcomes.
    contrast : float, optional
        V of an honest node.

    Raises
    ------
    ValueError
        If a number is out of range, or the alternative is what an honest node does.

    Examples
    --------
    >>> round(FixedTest(58, (0.0, 0.0), "linear").roc().miss(1e-3), 6)
    0.000954
    """

    tests: int
    alternative: tuple[float, float]
    statistic: Statistic = "likelihood"
    contrast: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "tests", count("FixedTest tests", self.tests))
        object.__setattr__(self, "contrast", _honest("FixedTest", self.contrast))
        object.__setattr__(self, "alternative", _alternative("FixedTest", self.alternative, self.contrast))
        if self.statistic not in get_args(Statistic):
            raise ValueError(f'FixedTest statistic must be "likelihood" or "linear", got {self.statistic!r}')

    def roc(self) -> RocCurve:
        """The receiver operating characteristic, exact: the law of one test, folded with itself on a grid."""
        steps, *laws = _steps(self.alternative, self.contrast, self.statistic, self.alternative)
        means = [float(law @ steps) for law in laws]
        spreads = [math.sqrt(max(float(law @ steps**2) - mean**2, 0.0)) for law, mean in zip(laws, means, strict=True)]
        step = min(spreads) / _STEPS
        reach = self.tests * max(map(abs, means)) + 9.0 * math.sqrt(self.tests) * max(spreads) + abs(steps).max()
        points = 1 << math.ceil(math.log2(2.0 * reach / step))
        found = []
        for law in laws:
            transform = np.fft.rfft(_on_grid(steps, law, step, points)) ** self.tests
            folded = np.roll(np.fft.irfft(transform, points), points // 2)
            found.append(np.asarray(np.clip(np.cumsum(folded[::-1])[::-1], 0.0, 1.0), dtype=np.float64))
        # Half a step below the lowest point that counts.
        threshold = (np.arange(points) - points // 2 - 0.5) * step
        return RocCurve(threshold.astype(np.float64), *found)

    def sample(self, node: tuple[float, float], trials: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Statistics of a node that shows a fringe (shift, contrast), shape (trials,)."""
        from qcn_open.kernels.random import state_from
        from qcn_open.kernels.security import sums

        statistics = np.empty(count("trials", trials))
        alternative, linear = np.array(self.alternative), self.statistic == "linear"
        shown = np.array(_shown(node))
        sums(state_from(rng), alternative, self.contrast, linear, shown, self.tests, statistics)
        return statistics


def least_tests(
    alternative: tuple[float, float],
    statistic: Statistic = "likelihood",
    *,
    false_alarm: float = 1e-3,
    miss: float = 1e-3,
    contrast: float = 1.0,
) -> int:
    r"""Fewest tests after which a verdict keeps both error rates, exact.

    For a small shift they are :math:`2(z_\alpha+z_\beta)^2/(V\theta)^2` with the linear statistic,
    :math:`(z_\alpha+z_\beta)^2/(1-\sqrt{1-V^2})\theta^2` with the likelihood ratio, z the quantiles of the normal law.

    Parameters
    ----------
    alternative, statistic, contrast
        As those of `FixedTest`.
    false_alarm, miss : float, optional
        Probabilities to accuse an honest node and to miss a cheat, at most.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> least_tests((0.0, 0.0), "linear"), least_tests((0.0, 0.0))
    (58, 45)
    """
    open_interval("false_alarm", false_alarm, 0.0, 0.5)
    open_interval("miss", miss, 0.0, 0.5)

    def enough(tests: int) -> bool:
        return FixedTest(tests, alternative, statistic, contrast).roc().miss(false_alarm) <= miss

    low, high = 0, 1
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


@dataclass(frozen=True)
class WaldTest:
    r"""Tests until the likelihood ratio decides: Wald's sequential probability ratio test.

    The logarithms add up until the sum leaves :math:`\bigl(\ln\frac\beta{1-\alpha}, \ln\frac{1-\beta}\alpha\bigr)`.
    Then the error rates add to no more than :math:`\alpha+\beta`, and no test of equal rates needs fewer on average.

    Parameters
    ----------
    alternative : (float, float)
        What the node does if it cheats: shift (rad) and contrast.
    false_alarm, miss : float, optional
        Probabilities :math:`\alpha` and :math:`\beta` to accuse an honest node and to miss a cheat.
    contrast : float, optional
        V of an honest node.

    Raises
    ------
    ValueError
        If a number is out of range, or the alternative is what an honest node does.

    References
    ----------
    .. [1] A. Wald, Ann. Math. Stat. 16, 117 (1945).
    .. [2] D. Siegmund, Sequential Analysis (Springer, 1985), ch. III: what overshoot adds.

    Examples
    --------
    >>> test = WaldTest((0.3, 1.0))
    >>> round(test.wald_mean(cheats=True), 1), round(test.exact((0.3, 1.0))[1], 1)
    (154.3, 165.8)
    """

    alternative: tuple[float, float]
    false_alarm: float = 1e-3
    miss: float = 1e-3
    contrast: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "contrast", _honest("WaldTest", self.contrast))
        object.__setattr__(self, "alternative", _alternative("WaldTest", self.alternative, self.contrast))
        for name in ("false_alarm", "miss"):
            rate = open_interval(f"WaldTest {name}", getattr(self, name), 0.0, 0.5)
            object.__setattr__(self, name, rate)

    @property
    def boundaries(self) -> tuple[float, float]:
        """Sums at which the node is acquitted and accused."""
        return math.log(self.miss / (1.0 - self.false_alarm)), math.log((1.0 - self.miss) / self.false_alarm)

    def wald_mean(self, cheats: bool, overshoot: float = 0.0) -> float:
        r"""Mean number of tests by Wald's identity: that of the sum at the end, over that of one test.

        Parameters
        ----------
        cheats : bool
            Whether the node does what the alternative says, or is honest.
        overshoot : float, optional
            By how much the sum exceeds either boundary on average, 0 in Wald's approximation. For small steps of
            standard deviation s it is 0.5826 s: then the error rates are smaller by :math:`e^{-0.5826s}`.
        """
        low, high = self.boundaries
        low, high = low - overshoot, high + overshoot
        chance = (1.0 - math.exp(low)) / (math.exp(high) - math.exp(low))
        honest = (0.0, self.contrast)
        if cheats:
            chance *= math.exp(high)
            return (chance * high + (1.0 - chance) * low) / divergence(self.alternative, honest)
        return -(chance * high + (1.0 - chance) * low) / divergence(honest, self.alternative)

    def overshoot(self, cheats: bool) -> float:
        r"""Mean excess of the sum over the boundary by which it ends, far from where it began.

        .. math:: \frac{\langle x^2\rangle}{2\langle x\rangle} - \sum_m\frac{\langle\max(0,-S_m)\rangle}m

        with one step x and the sum :math:`S_m` of m, counted towards the boundary (Spitzer; Siegmund, ch. VIII). For
        Gaussian steps of small standard deviation s it is 0.5826 s. At V = 1 it is more, because the steps, for small
        shifts :math:`\theta\tan(\psi/2)`, have a third moment that diverges.

        Parameters
        ----------
        cheats : bool
            Whether the node does what the alternative says and is accused, or is honest and acquitted.
        """
        steps, honest, law = _steps(self.alternative, self.contrast, "likelihood", self.alternative)
        if not cheats:
            steps, law = -steps, honest
        mean, square = float(law @ steps), float(law @ steps**2)
        step = math.sqrt(square) / _STEPS
        points = 1 << math.ceil(math.log2(4.0 * _LARGEST_STEP / step))
        # The sum over m of the law of S_m over m is a logarithm, which the factor e^{-x/2} keeps from being singular.
        factor = np.fft.rfft(_on_grid(steps, law * np.exp(-0.5 * steps), step, points))
        tilted = np.fft.irfft(-np.log1p(-factor), points)[points // 2 :]
        deficit = step * np.arange(points // 2, 0, -1)
        return square / (2.0 * mean) - float(tilted @ (deficit * np.exp(-0.5 * deficit)))

    def exact(self, node: tuple[float, float]) -> tuple[float, float]:
        """Probability that a node is accused, and the mean number of tests, by enumeration on a grid.

        Parameters
        ----------
        node : (float, float)
            What it shows: shift (rad) and contrast. Need be neither honest nor the alternative.
        """
        steps, _, law = _steps(self.alternative, self.contrast, "likelihood", node)
        low, high = self.boundaries
        spread = math.sqrt(float(law @ steps**2))
        inside = math.ceil(_STEPS * (high - low) / spread)
        # Boundaries half a step from the points, so that what is rounded across either way balances.
        step = (high - low) / inside
        points = 1 << math.ceil(math.log2(3 * inside))
        cut = np.clip(steps, low - high, high - low)
        transform = np.fft.rfft(_on_grid(cut, law, step, points))
        start = -low / step - 0.5
        state = np.zeros(points)
        state[int(start)] = 1.0 - start % 1.0
        state[int(start) + 1] = start % 1.0
        accused, mean, left = 0.0, 0.0, 1.0
        while left > _UNDECIDED:
            mean += left
            moved = np.fft.irfft(np.fft.rfft(state) * transform, points)
            accused += float(moved[inside : 2 * inside].sum())
            moved[inside:] = 0.0
            state, left = moved, float(moved.sum())
        return accused, mean

    def sample(
        self, node: tuple[float, float], trials: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Whether a node that shows a fringe is accused, and after how many tests; both of shape (trials,)."""
        from qcn_open.kernels.random import state_from
        from qcn_open.kernels.security import wald

        accused, lengths = np.empty(count("trials", trials), dtype=bool), np.empty(trials, dtype=np.int64)
        alternative, shown = np.array(self.alternative), np.array(_shown(node))
        wald(state_from(rng), alternative, self.contrast, *self.boundaries, shown, accused, lengths)
        return accused, lengths


@dataclass(frozen=True)
class SequentialTest:
    r"""Page's test, repeated for as long as a network runs: has a node stopped being honest, whenever that was?

    For every alternative (shift :math:`\theta`, contrast :math:`V_a`) the logarithm of the likelihood ratio adds up
    from the time that suits the alternative best, and an alarm is given when the largest sum exceeds a threshold h,

    .. math:: S_a \to \max\Bigl(0,\; S_a + \ln\frac{1 + pV_a\cos(\psi + \theta)}{1 + pV\cos\psi}\Bigr),
              \qquad h = \ln\frac Ar,

    with A alternatives and the false-alarm rate r. *Proof that r is not exceeded.* :math:`\sum_aR_a - Am`, where
    :math:`R_a \to (1 + R_a)P_a/P` and m counts the tests, has no drift while the node is honest, and
    :math:`\max_aS_a \le \ln\sum_aR_a`: when the alarm comes :math:`Am` has the mean of a quantity that is at least
    :math:`e^h`, so that there are at least :math:`e^h/A` tests between false alarms on the average. There are more, by
    a factor that grows as the steps get smaller: 10 for random bits at V = 0.95.

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
        object.__setattr__(self, "contrast", _honest("SequentialTest", self.contrast))
        object.__setattr__(self, "atoms", count("SequentialTest atoms", self.atoms))
        rate = open_interval("SequentialTest false_alarm_rate", self.false_alarm_rate, 0.0, 1.0)
        object.__setattr__(self, "false_alarm_rate", rate)
        alternatives = tuple(_alternative("SequentialTest", pair, self.contrast) for pair in self.alternatives)
        if not alternatives:
            raise ValueError("SequentialTest needs at least one alternative such as (0.0, 0.0), random bits, got none")
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
        """The threshold: h = ln(number of alternatives/false-alarm rate)."""
        return math.log(len(self.alternatives) / self.false_alarm_rate)

    def table(self) -> NDArray[np.float64]:
        """The alternatives for `qcn_open.kernels.security`, shape (alternatives, 2)."""
        return np.array(self.alternatives)

    def mean_tests(self, node: tuple[float, float]) -> float:
        """Mean number of tests until an alarm, exact: those of a Markov chain on a grid, for one alternative.

        Parameters
        ----------
        node : (float, float)
            What the node shows: shift (rad) and contrast.

        Raises
        ------
        ValueError
            If there are several alternatives, whose statistics are dependent: draw samples.

        Examples
        --------
        >>> test = SequentialTest(((0.0, 0.0),), false_alarm_rate=1e-6)
        >>> round(test.mean_tests((0.0, 0.0)), 1)
        21.7
        """
        if len(self.alternatives) > 1:
            raise ValueError(f"mean_tests needs one alternative, got {len(self.alternatives)}: use sample")
        steps, _, law = _steps(self.alternatives[0], self.contrast, "likelihood", node)
        inside = min(math.ceil(_STEPS * self.threshold / math.sqrt(float(law @ steps**2))), 3000)
        step = self.threshold / (inside - 0.5)
        points = 4 * inside
        moved = _on_grid(np.clip(steps, -self.threshold, self.threshold + step), law, step, points)
        state = np.arange(inside)
        chain = moved[(state[None, :] - state[:, None]) % points]
        # What falls below 0 starts anew there.
        chain[:, 0] += [moved[np.arange(-2 * inside, -k) % points].sum() for k in range(inside)]
        return float(np.linalg.solve(np.eye(inside) - chain, np.ones(inside))[0])

    def sample(
        self, node: tuple[float, float], trials: int, rng: np.random.Generator, *, most: int = 10**9
    ) -> NDArray[np.int64]:
        """Numbers of tests until an alarm, or `most` without one, shape (trials,), of a node that shows a fringe."""
        from qcn_open.kernels.random import state_from
        from qcn_open.kernels.security import page

        lengths = np.empty(count("trials", trials), dtype=np.int64)
        shown = np.array(_shown(node))
        page(state_from(rng), self.table(), self.contrast, self.threshold, shown, count("most", most), lengths)
        return lengths


@dataclass(frozen=True, eq=False)
class AttackedRecord:
    """What a clock of several nodes did while some of them cheated, one row a node where there are rows.

    Attributes
    ----------
    light : ndarray, shape (nodes, cycles)
        Phases of the lasers before the feedback is mixed in, rad.
    phases : ndarray, shape (nodes, cycles)
        After it: those that the atoms see.
    common : ndarray, shape (cycles,)
        Estimated phase of the centre of mass, rad.
    partial : ndarray, shape (cycles,)
        The same for someone who has all bits but one of every block and of every single atom.
    alone : ndarray, shape (cycles,)
        The same from the uncorrelated atoms alone.
    alarms : ndarray of int, shape (2, nodes)
        Cycle of the first alarm, -1 for none: of tests that compare a node with the centre of mass, and with the atoms
        of the centre.
    """

    light: NDArray[np.float64]
    phases: NDArray[np.float64]
    common: NDArray[np.float64]
    partial: NDArray[np.float64]
    alone: NDArray[np.float64]
    alarms: NDArray[np.int64]

    def __post_init__(self) -> None:
        freeze(self.light, self.phases, self.common, self.partial, self.alone, self.alarms)


def run_attacked(
    cascade: Cascade,
    oscillators: Sequence[Oscillator],
    interrogation_time: float,
    cycles: int,
    rng: np.random.Generator,
    *,
    attacks: Mapping[int, Attack],
    test: SequentialTest,
    test_rate: float = 1.0,
    own_error: float = 0.0,
    gain: float = 0.1,
) -> AttackedRecord:
    r"""Simulate one clock of equal nodes without excluding those that cheat, and what a listener makes of it.

    `qcn_open.operation.run_network` is for unequal nodes, and excludes them.

    The centre, node 0, believes the light that nodes send, :math:`\Phi_j + \Delta_jT`, and sends each of them

    .. math:: \hat\phi_j = \hat\phi_{COM} + (\Phi_j + \Delta_jT) - \frac1K\sum_k(\Phi_k + \Delta_kT).

    So the false light of node s puts all others off by :math:`-\Delta_sT/K`, and a test that takes
    :math:`\hat\phi_j` for the phase of node j sees the shift :math:`-n(\Delta_j - \frac1K\sum_k\Delta_k)T`.
    One that takes :math:`\hat\phi_0 + (\Phi_j + \Delta_jT) - \Phi_0` instead, with the phase :math:`\hat\phi_0` that
    the centre reads from atoms of its own, depends on no third node.

    Parameters
    ----------
    cascade : Cascade
        What is interrogated, uncorrelated atoms among it.
    oscillators : sequence of Oscillator
        Noise of the nodes' lasers.
    interrogation_time : float
        T, s; there is no dead time.
    cycles : int
        Number of cycles.
    rng : numpy.random.Generator
        Source of randomness.
    attacks : mapping of int to Attack
        What nodes do, by their number.
    test : SequentialTest
        How nodes are tested.
    test_rate : float, optional
        Probability with which each node is tested in a cycle.
    own_error : float, optional
        Standard deviation of :math:`\hat\phi_0`, rad.
    gain : float, optional
        Servo gain.

    Raises
    ------
    TypeError
        If something is of another type.
    ValueError
        If the cascade is read at angles fed forward, reaches over another number of nodes or has no uncorrelated atoms,
        a node that cheats is none of them, or a number is out of range.

    Examples
    --------
    >>> cascade = Cascade((12, 9), nodes=4, uncorrelated=100)
    >>> test = SequentialTest(((0.0, 0.0),), false_alarm_rate=1e-9)
    >>> lasers = [Oscillator.from_linewidth(white=0.1)] * 4
    >>> record = run_attacked(cascade, lasers, 1.0, 300, np.random.default_rng(1), attacks={2: RandomBits()}, test=test)
    >>> (record.alarms[1] >= 0).tolist()
    [False, False, True, False]
    """
    lasers = tuple(oscillators)
    nodes = len(lasers)
    if not isinstance(cascade, Cascade):
        raise TypeError(f"cascade must be a Cascade, got {cascade!r}")
    if isinstance(cascade.readout, FedForward):
        raise ValueError(
            "run_attacked falsifies signs after the blocks were read, at angles that must not follow from them: use "
            f"MultiAngle() instead of {cascade.readout!r}"
        )
    for laser in lasers:
        if not isinstance(laser, Oscillator):
            raise TypeError(f"a node's laser must be an Oscillator, got {laser!r}")
    if cascade.nodes != nodes or cascade.uncorrelated == 0:
        raise ValueError(
            f"run_attacked needs a cascade over the {nodes} nodes that have lasers, with uncorrelated atoms, got "
            f"nodes={cascade.nodes}, uncorrelated={cascade.uncorrelated}"
        )
    time = positive("interrogation_time", interrogation_time, "s")
    effects = np.tile([0.0, 0.0, 1.0], (nodes, 1))
    if not isinstance(test, SequentialTest):
        raise TypeError(f"test must be a SequentialTest, got {test!r}")
    for number, attack in attacks.items():
        if not isinstance(attack, Attack):
            raise TypeError(f"attack of node {number} must be an Attack such as RandomBits(), got {attack!r}")
        if not 0 <= number < nodes:
            raise ValueError(f"the nodes are numbered 0 to {nodes - 1}, got an attack of node {number}")
        effects[number] = attack.effect(time)
    from qcn_open.kernels import security as kernel
    from qcn_open.kernels.random import state_from

    tables, single = cascade.tables(), replace(cascade, copies=(), prior=FlatPrior()).tables()
    light, phases = np.empty((2, nodes, count("cycles", cycles)))
    common, partial, alone = np.empty((3, cycles))
    alarms = np.empty((2, nodes), dtype=np.int64)
    kernel.run_attacked(
        state_from(rng),
        tuple(laser.tables(time) for laser in lasers),
        tables,
        single,
        len(single.channels),
        np.full(nodes, 1.0 / nodes),
        effects,
        open_interval("gain", gain, 0.0, 2.0),
        (test.table(), test.contrast, test.atoms, test.threshold),
        closed_interval("test_rate", test_rate, 0.0, 1.0),
        nonnegative("own_error", own_error, "rad"),
        np.zeros((len(tables.channels), 2), dtype=np.int64),
        light,
        phases,
        common,
        partial,
        alone,
        alarms,
    )
    return AttackedRecord(light, phases, common, partial, alone, alarms)


def parity_information(nodes: int, known: int, contrast: float = 1.0) -> float:
    r"""Mutual information (bits) of some nodes' parities of one block and its phase, which is uniform on the circle.

    .. math:: I = \frac1{\ln2}\Bigl[\ln\frac{1+\sqrt{1-V^2}}2 + 1 - \sqrt{1-V^2}\Bigr]

    from all of them, 0.4427 at V = 1, and 0 from fewer.

    Parameters
    ----------
    nodes, known : int
        How many share the block, and the parities of how many are known.
    contrast : float, optional
        V, from 0 to 1.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> parity_information(10, 9), round(parity_information(10, 10), 4)
    (0.0, 0.4427)
    """
    if count("known parities", known, 0) > count("nodes", nodes):
        raise ValueError(f"known parities must be at most those of the {nodes} nodes, got {known}")
    shown = closed_interval("contrast", contrast, 0.0, 1.0)
    return divergence((0.0, shown), (0.0, 0.0)) / math.log(2.0) if known == nodes else 0.0


class KeyDemand(NamedTuple):
    """Bits of secret key that a cycle uses up, in all links together.

    Attributes
    ----------
    feedback : int
        To encrypt what the centre sends to the nodes.
    uncorrelated : int
        To encrypt the results of uncorrelated atoms of all nodes but the centre: each alone tells a phase.
    parities : int
        To encrypt the parities of shared blocks too, which is not needed as long as the centre keeps its own.
    """

    feedback: int
    uncorrelated: int
    parities: int


def key_demand(cascade: Cascade, spread: float, error: float, rounding: float = 0.01) -> KeyDemand:
    r"""Secret key that one-time pads need in a cycle.

    The centre sends :math:`\hat\phi_{COM}` only; the differences of the lasers anyone may know. A word of b bits covers
    12 standard deviations of the phase and rounds it to steps :math:`12\,\mathrm{spread}/2^b`, whose variance
    :math:`\mathrm{step}^2/12` is a small part of the clock's own mean square error.

    Parameters
    ----------
    cascade : Cascade
        What is interrogated in a cycle, over K nodes that give equal numbers of uncorrelated atoms.
    spread : float
        Standard deviation of the phase of the steered laser, rad.
    error : float
        Root mean square error of its estimate, rad.
    rounding : float, optional
        Variance of rounding over that of the estimate.

    Raises
    ------
    ValueError
        If a number is not > 0.

    Examples
    --------
    >>> key_demand(Cascade((12, 9, 5, 3), nodes=10, uncorrelated=240), spread=0.5, error=0.007)
    KeyDemand(feedback=108, uncorrelated=216, parities=261)
    """
    if not isinstance(cascade, Cascade):
        raise TypeError(f"cascade must be a Cascade, got {cascade!r}")
    step = math.sqrt(12.0 * positive("rounding", rounding)) * positive("error", error, "rad")
    word = max(1, math.ceil(math.log2(12.0 * positive("spread", spread, "rad") / step)))
    links = cascade.nodes - 1
    return KeyDemand(links * word, math.ceil(cascade.uncorrelated * links / cascade.nodes), links * sum(cascade.copies))


def _honest(name: str, contrast: float) -> float:
    """The contrast of an honest node, checked."""
    return positive(f"{name} contrast", closed_interval(f"{name} contrast", contrast, 0.0, 1.0))


def _shown(node: tuple[float, float]) -> tuple[float, float]:
    """Shift and contrast of a node, checked."""
    shift, contrast = node
    return finite("shift", shift, "rad"), closed_interval("contrast of a node", contrast, -1.0, 1.0)


def _alternative(name: str, pair: tuple[float, float], honest: float) -> tuple[float, float]:
    """What a node does that cheats, checked."""
    shift, contrast = _shown(pair)
    if abs(contrast * cmath.exp(1j * shift) - honest) < 1e-9:
        raise ValueError(
            f"{name} alternative must differ from an honest node, which shows shift 0 and contrast {honest:g}, got "
            f"shift {shift:g} rad and contrast {contrast:g}"
        )
    return shift, contrast


def _fourier(contrast: float) -> tuple[float, float]:
    """Constant term of ln(1 + V cos psi), and the ratio of its harmonics."""
    root = math.sqrt(1.0 - contrast**2)
    return math.log(0.5 * (1.0 + root)), contrast / (1.0 + root)


def _steps(
    alternative: tuple[float, float], contrast: float, statistic: Statistic, node: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """What one test adds to the statistic, and its law if the node is honest and if it shows another fringe."""
    shift, other = alternative
    node_shift, node_contrast = _shown(node)
    phase = (np.arange(_CIRCLE) + 0.5) * (2.0 * math.pi / _CIRCLE)
    parity = np.array([[1.0], [-1.0]])
    honest = 0.5 * (1.0 + parity * contrast * np.cos(phase))
    if statistic == "linear":
        angle = cmath.phase(other * cmath.exp(1j * shift) - contrast)
        steps = parity * np.cos(phase + angle)
    else:
        least = np.finfo(np.float64).tiny
        cheating = 0.5 * (1.0 + parity * other * np.cos(phase + shift))
        steps = np.log(np.maximum(cheating, least)) - np.log(np.maximum(honest, least))
        steps = np.clip(steps, -_LARGEST_STEP, _LARGEST_STEP)
    shown = 0.5 * (1.0 + parity * node_contrast * np.cos(phase + node_shift))
    return steps.ravel(), honest.ravel() / _CIRCLE, shown.ravel() / _CIRCLE


def _on_grid(steps: NDArray[np.float64], law: NDArray[np.float64], step: float, points: int) -> NDArray[np.float64]:
    """A law on a cyclic grid: every value is shared by its two neighbours so that the mean stays."""
    place = steps / step
    below = np.floor(place).astype(np.int64)
    share = place - below
    grid = np.bincount(below % points, law * (1.0 - share), points)
    return np.asarray(grid + np.bincount((below + 1) % points, law * share, points))
