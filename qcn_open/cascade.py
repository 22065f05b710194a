r"""A cascade of GHZ blocks of doubling size, which together tell a phase without ambiguity."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qcn_open.estimators import Arctan2, Bitwise, Estimator, Joint, MaximumLikelihood
from qcn_open.model import noises
from qcn_open.noise import CollectiveNoise, Noise, one_site
from qcn_open.preparation import Perfect, Preparation
from qcn_open.priors import FlatPrior, Prior
from qcn_open.probes import Product
from qcn_open.readouts.fringes import FedForward, Fringes, MultiAngle
from qcn_open.states.base import freeze
from qcn_open.validation import closed_interval, count, nonnegative

if TYPE_CHECKING:
    from qcn_open.kernels.cascade import CascadeTables

__all__ = ["Cascade", "Level"]

# Phases sampled at a time: what is held in memory stays below some 10 MB.
_CHUNK = 2**17
# A logarithm instead of that of 0, whose product with 0 is 0.
_LEAST_LOG = -700.0
_LEAST_LOG_PRIOR = -1e6
_MOST_POINTS = 2**20


@dataclass(frozen=True, eq=False)
class Level:
    r"""Equal blocks of a cascade, by the angles at which they are read.

    A block that is read shows + with the probability

    .. math:: P(+) = \tfrac12\bigl(1 + D + V\cos(n\Phi - \alpha)\bigr)

    Attributes
    ----------
    size : int
        Atoms n of a block.
    angles : ndarray, shape (channels,)
        Distinct readout angles alpha, rad.
    copies : ndarray of int, shape (channels,)
        Blocks at each of them.
    contrast, constant : float
        V and D.
    present : float
        Probability that a block is read: less than 1 where the loss of an atom is seen.
    """

    size: int
    angles: NDArray[np.float64]
    copies: NDArray[np.int64]
    contrast: float
    constant: float
    present: float

    def __post_init__(self) -> None:
        freeze(self.angles, self.copies)

    @property
    def information(self) -> float:
        r"""Fisher information of the level for the phase of one atom, averaged over that phase.

        .. math:: n^2\,\frac{A}{2\pi}\int\frac{V^2\sin^2x\,dx}{1-(V\cos x+D)^2}
                  = n^2A\Bigl[1 - \tfrac12\sqrt{(1+D)^2-V^2} - \tfrac12\sqrt{(1-D)^2-V^2}\Bigr]

        for every copy, with A the probability that it is read.
        """
        roots = [math.sqrt(max((1.0 + sign * self.constant) ** 2 - self.contrast**2, 0.0)) for sign in (1.0, -1.0)]
        return float(self.copies.sum()) * self.size**2 * self.present * (1.0 - 0.5 * sum(roots))


@dataclass(frozen=True)
class Cascade:
    r"""Copies of GHZ blocks of :math:`2^jK` atoms, and uncorrelated atoms, all interrogated for the same time.

    Parameters
    ----------
    copies : tuple of int
        copies[j] blocks of 2**j * nodes atoms; empty for uncorrelated atoms only.
    nodes : int, optional
        Number K of nodes.
    uncorrelated : int, optional
        Number of uncorrelated atoms.
    readout : Fringes, optional
        Readout angles, and how a lost atom reads.
    estimator : Estimator, optional
        How outcomes become a phase.
    prior : Prior, optional
        What is known of the phase before, relative to its predicted value.
    coherence : float, optional
        Coherence left to an atom that is not lost, in (0, 1]: the fringe of n atoms has the contrast coherence**n.
    survival : float, optional
        Probability that an atom is not lost, in (0, 1]: what a lost atom does to its block says the readout.
    preparation : Preparation, optional
        How the blocks are made: their contrast is that of the preparation times coherence**n.

    Raises
    ------
    TypeError
        If readout, estimator, prior or preparation are none.
    ValueError
        If a number is out of range, there are no atoms, or nothing tells the phase modulo a turn: the smallest block
        has n > 1 atoms, which leaves it open modulo 2 pi/n, and the prior is flat.

    Examples
    --------
    >>> import numpy as np
    >>> cascade = Cascade(copies=(16, 13, 9, 7, 4))
    >>> cascade.atoms
    198
    >>> rng = np.random.default_rng(1)
    >>> cascade.estimate(cascade.sample(np.array([-2.0, 1.0]), rng)).round(2)
    array([-2.05,  0.99])
    """

    copies: tuple[int, ...] = ()
    nodes: int = 1
    uncorrelated: int = 0
    readout: Fringes = MultiAngle()
    estimator: Estimator = Joint()
    prior: Prior = FlatPrior()
    coherence: float = 1.0
    survival: float = 1.0
    preparation: Preparation = Perfect()

    def __post_init__(self) -> None:
        given: object = self.copies
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise TypeError(f"Cascade copies must be numbers of blocks such as (16, 13, 9, 7, 4), got {self.copies!r}")
        copies = tuple(count(f"Cascade copies[{level}]", number, 0) for level, number in enumerate(self.copies))
        object.__setattr__(self, "copies", copies)
        object.__setattr__(self, "nodes", count("Cascade nodes", self.nodes))
        object.__setattr__(self, "uncorrelated", count("Cascade uncorrelated", self.uncorrelated, 0))
        for name, kind, such_as in (
            ("readout", Fringes, "MultiAngle()"),
            ("estimator", Estimator, "Joint()"),
            ("prior", Prior, "FlatPrior()"),
            ("preparation", Preparation, "Perfect()"),
        ):
            if not isinstance(getattr(self, name), kind):
                raise TypeError(
                    f"Cascade {name} must be a {kind.__name__} such as {such_as}, got {getattr(self, name)!r}"
                )
        for name in ("coherence", "survival"):
            fraction = closed_interval(f"Cascade {name}", getattr(self, name), 0.0, 1.0)
            if fraction == 0.0:
                raise ValueError(f"Cascade {name} must be > 0: at 0 no atom knows the phase")
            object.__setattr__(self, name, fraction)
        if self.atoms == 0:
            raise ValueError("Cascade needs at least one block or one uncorrelated atom")
        count("Cascade atoms", self.atoms)
        if isinstance(self.readout, FedForward) and not isinstance(self.estimator, Joint):
            raise ValueError(
                f"FedForward angles follow from the posterior: use the estimator Joint(), not {self.estimator!r}"
            )
        smallest = self.blocks[0][0]
        if smallest > 1 and isinstance(self.prior, FlatPrior):
            raise ValueError(
                f"Cascade of blocks of {smallest} atoms and more knows the phase modulo 2 pi/{smallest} only: give it "
                "uncorrelated atoms, or a prior that is narrower than that"
            )

    @property
    def atoms(self) -> int:
        """Number of atoms, the uncorrelated ones included."""
        return self.uncorrelated + self.nodes * sum(copies << level for level, copies in enumerate(self.copies))

    @property
    def levels(self) -> tuple[Level, ...]:
        """The uncorrelated atoms, then the blocks from the smallest to the largest; none without copies."""
        error = 1.0 - 2.0 * self.readout.detection_error
        seen = self.readout.loss == "seen"
        coherence = error * self.coherence * (1.0 if seen else self.survival)
        levels = []
        for size, number in self.blocks:
            angles, copies = np.unique(self.readout.angles(number), return_counts=True)
            constant = (error * (1.0 - self.survival)) ** size if self.readout.loss == "dark" else 0.0
            contrast = coherence**size * self.preparation.contrast(size)
            levels.append(Level(size, angles, copies, contrast, constant, self.survival**size if seen else 1.0))
        return tuple(levels)

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """Size and number of the blocks of every level, the uncorrelated atoms first."""
        blocks = [(1, self.uncorrelated), *((self.nodes << j, number) for j, number in enumerate(self.copies))]
        return [(size, number) for size, number in blocks if number > 0]

    def probe(self) -> Product:
        """The blocks, made without a flaw, as a probe of which Fisher information and bounds can be asked.

        Examples
        --------
        >>> from qcn_open import Ramsey, qfi
        >>> round(qfi(Ramsey(Cascade((12, 9, 5, 3), nodes=10, uncorrelated=240).probe(), time=1.0)), 6)
        32240.0
        """
        sizes: dict[int, int] = {}
        for size, number in self.blocks:
            sizes[size] = sizes.get(size, 0) + number
        return Product(sizes)

    def decohered(self, noise: Noise | Iterable[Noise], time: float) -> Cascade:
        r"""The cascade with the coherence and the survival that noise leaves to every atom.

        Of a block of n atoms, lost ones seen, the parity has the contrast :math:`(|\lambda|/s)^n` with
        :math:`\lambda` the factor of one atom's coherence and s its survival. Replaces what it had of both.

        Parameters
        ----------
        noise : Noise or iterable of Noise
            What decoheres every atom by itself, rates in 1/s.
        time : float
            Interrogation time, s.

        Raises
        ------
        TypeError
            If something in it is no noise.
        ValueError
            If the noise is not phase-covariant, common to all atoms, or loses g and e at different rates.

        Examples
        --------
        >>> from qcn_open import Dephasing, TrapLoss
        >>> cascade = Cascade((16, 13, 9, 7, 4)).decohered((Dephasing(0.2), TrapLoss(0.1)), 0.5)
        >>> round(cascade.coherence, 6), round(cascade.survival, 6)
        (0.951229, 0.951229)
        """
        parts = noises(noise)
        local = [part for part in parts if not isinstance(part, CollectiveNoise)]
        if len(local) < len(parts):
            raise ValueError(
                "a phase noise common to all atoms does not decohere a cascade: it belongs to the laser, or to the "
                f"prior of the phase; got {', '.join(map(repr, parts))}"
            )
        site = one_site(local, nonnegative("Cascade interrogation time", time, "s"))
        lost, kept = site.log_survival.min(), site.log_survival.max()
        if kept - lost > 1e-12:
            raise ValueError(
                f"{', '.join(map(repr, local))} loses atoms in g and in e at different rates: a cascade knows one "
                "survival only"
            )
        coherence = min(math.exp(site.log_coherence.real - kept), 1.0)
        return replace(self, coherence=coherence, survival=math.exp(kept))

    def tables(self) -> CascadeTables:
        """What the compiled functions in `kernels.cascade` know of it."""
        return _tables(self)

    def sample(self, phases: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Outcomes drawn at given phases of one atom.

        Parameters
        ----------
        phases : array_like, shape (trials,)
            rad.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray of int, shape (trials, channels, 2)
            Numbers of + and of - at every angle of every level, in the order of `levels`.

        Raises
        ------
        ValueError
            If the phases are no one-dimensional array of finite numbers.
        """
        from qcn_open.kernels.cascade import sample_many
        from qcn_open.kernels.random import state_from

        phases = np.atleast_1d(np.asarray(phases, dtype=float))
        if phases.ndim != 1 or not np.isfinite(phases).all():
            raise ValueError(f"phases must be a one-dimensional array of finite numbers (rad), got {phases!r}")
        tables = self.tables()
        outcomes = np.zeros((len(phases), len(tables.channels), 2), dtype=np.int64)
        sample_many(state_from(rng), tables, phases, outcomes)
        return outcomes

    def estimate(self, outcomes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Phases of one atom (rad), in (-pi, pi], from outcomes as `sample` draws them; the predicted phase is 0.

        Raises
        ------
        ValueError
            If the outcomes don't have the shape (trials, channels, 2), or are none of this cascade.
        """
        from qcn_open.kernels.cascade import estimate_many

        tables = self.tables()
        outcomes = np.asarray(outcomes)
        shape = (len(tables.channels), 2)
        if outcomes.ndim != 3 or outcomes.shape[1:] != shape or outcomes.dtype.kind not in "iu":
            raise ValueError(
                f"outcomes must be whole numbers of shape (trials, {shape[0]}, 2), got {outcomes.dtype} of shape "
                f"{outcomes.shape}"
            )
        if outcomes.size and (outcomes.min() < 0 or (outcomes.sum(axis=2) > tables.channels["copies"]).any()):
            raise ValueError("outcomes must not be negative, nor more at an angle than there are blocks")
        return np.asarray(estimate_many(tables, outcomes.astype(np.int64)))

    def rms_error(self, trials: int, rng: np.random.Generator) -> float:
        r"""Root mean square of the wrapped error of the phase of one atom, phases drawn from the prior.

        Parameters
        ----------
        trials : int
            Number of samples; rare rounding errors of a level need 10^6.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        float
            rad.

        Examples
        --------
        >>> rng = np.random.default_rng(1)
        >>> round(Cascade((16, 13, 9, 7, 4)).rms_error(10_000, rng), 3)
        0.029
        """
        from qcn_open.kernels.cascade import squared_errors
        from qcn_open.kernels.random import state_from

        trials, tables, state = count("trials", trials), self.tables(), state_from(rng)
        total = 0.0
        for start in range(0, trials, _CHUNK):
            total += squared_errors(state, tables, self.prior.sample(min(_CHUNK, trials - start), rng))
        return math.sqrt(total / trials)


@lru_cache(maxsize=16)
def _tables(cascade: Cascade) -> CascadeTables:
    from qcn_open.kernels.cascade import (
        CHANNEL,
        FED_FORWARD,
        LEAST_SQUARES,
        LEVEL,
        MAXIMUM_LIKELIHOOD,
        POSTERIOR_MEAN,
        CascadeTables,
    )

    parts, estimator = cascade.levels, cascade.estimator
    points, coarse = 0, 1
    adaptive = isinstance(cascade.readout, FedForward)
    if isinstance(estimator, Joint):
        rule = FED_FORWARD if adaptive else POSTERIOR_MEAN
        points, coarse = _circle(cascade)
        periods = [points // part.size for part in parts]
    elif isinstance(estimator, Bitwise) and isinstance(estimator.phase, Arctan2):
        rule = LEAST_SQUARES
        periods = [0] * len(parts)
    elif isinstance(estimator, Bitwise) and isinstance(estimator.phase, MaximumLikelihood):
        rule = MAXIMUM_LIKELIHOOD
        # Two outcomes at A angles put 2A zeros on the likelihood; of n copies it is 1/sqrt(n) wide.
        periods = [max(32, 8 * len(part.copies), 16 * math.isqrt(int(part.copies.sum()))) for part in parts]
    else:
        raise TypeError(f"Cascade estimator must be Joint() or Bitwise(), got {estimator!r}")
    angles = np.concatenate([part.angles for part in parts])
    numbers = [len(part.copies) for part in parts]
    rows = np.repeat(periods, numbers)
    channels = np.zeros(len(angles), dtype=CHANNEL)
    channels["copies"] = np.concatenate([part.copies for part in parts])
    channels["row"] = np.cumsum(rows) - rows
    channels["cosine"], channels["sine"] = np.cos(angles), np.sin(angles)
    levels = np.zeros(len(parts), dtype=LEVEL)
    for name in ("size", "present", "contrast", "constant"):
        levels[name] = [getattr(part, name) for part in parts]
    levels["ratio"] = levels["size"] // np.concatenate([[1], levels["size"][:-1]])
    levels["stop"] = np.cumsum(numbers)
    levels["first"] = levels["stop"] - numbers
    levels["period"] = periods
    levels["squares"] = [part.copies @ np.cos(part.angles) ** 2 for part in parts]
    levels["cross"] = [part.copies @ (np.cos(part.angles) * np.sin(part.angles)) for part in parts]
    circle = 2.0 * np.pi * np.arange(points) / max(points, 1)
    turns = np.arange(2 * points + 1) / max(points, 1)
    log_prior = cascade.prior.log_density(2.0 * np.pi * (turns - np.ceil(turns - 0.5)))
    # Angles that are chosen as the outcomes come in have no tables.
    tabulated = () if adaptive else parts
    single = [part for part in tabulated if part.size == 1 and points > 0]
    tables = CascadeTables(
        rule=rule,
        levels=levels,
        channels=channels,
        likelihood=_log_likelihood(tabulated, periods[: len(tabulated)]),
        points=points,
        circle=np.array([np.cos(circle), np.sin(circle)]),
        log_prior=np.maximum(log_prior, _LEAST_LOG_PRIOR),
        coarse=coarse,
        coarse_likelihood=_log_likelihood(single, [coarse] * len(single)),
    )
    freeze(*(array for array in tables if isinstance(array, np.ndarray)))
    return tables


def _log_likelihood(levels: Iterable[Level], periods: Iterable[int]) -> NDArray[np.float64]:
    """Logarithms of P(+) and of P(-), each at every angle of the levels and so many points on their fringes."""
    rows = [np.zeros((2, 0))]
    for level, period in zip(levels, periods, strict=True):
        fringe = np.cos(2.0 * np.pi * np.arange(period) / max(period, 1) - level.angles[:, None]).ravel()
        mean = level.constant + level.contrast * fringe
        rows.append(np.log(np.maximum(0.5 * np.array([1.0 + mean, 1.0 - mean]), math.exp(_LEAST_LOG))))
    return np.concatenate(rows, axis=1)


def _circle(cascade: Cascade) -> tuple[int, int]:
    r"""Points of the circle on which the posterior is summed, and how many of them are looked at first.

    The likelihood is a trigonometric polynomial whose degree is the number N of atoms: under a flat prior a sum over
    N + 2 points has no error. Nor has, to exp(-8 pi^2), one whose points are half a standard deviation apart.
    """
    levels = cascade.levels
    prior = 16
    while prior < _MOST_POINTS and abs(_mean_density(cascade.prior, prior) - 1.0) > 1e-9:
        prior *= 2
    per_deviation = math.sqrt(sum(level.information for level in levels))
    needed = 4 * prior + min(cascade.atoms + 2, math.ceil(4.0 * np.pi * per_deviation))
    unit = math.lcm(levels[-1].size, 16)
    points = unit * math.ceil(needed / unit)
    if points > _MOST_POINTS:
        raise ValueError(
            f"Joint() sums the posterior over at most {_MOST_POINTS} phases, and this cascade needs {points}: take "
            "smaller blocks, a wider prior, or Bitwise()"
        )
    single = sum(int(level.copies.sum()) for level in levels if level.size == 1)
    coarse = max(48, 2 * prior, math.ceil(4.0 * math.sqrt(single)))
    return points, min((number for number in range(coarse, points + 1) if points % number == 0), default=points)


def _mean_density(prior: Prior, points: int) -> float:
    """Mean of the density over equally spaced phases, in units of the flat one."""
    return float(2.0 * np.pi * np.exp(prior.log_density(2.0 * np.pi * (np.arange(points) / points - 0.5))).mean())
