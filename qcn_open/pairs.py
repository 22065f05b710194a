r"""Entangled pairs between the centre and the nodes: how they are made, waited for, purified, and when they are used.

A link tries f times a second, and every try is heralded with a small probability p: pairs come as a Poisson process of
the rate R = fp. A block that reaches over K nodes takes one pair of each of K - 1 links, and has to wait for the last:
with equal links :math:`H_{K-1}/R` on average, :math:`H_m = 1 + \tfrac12 + \dots + \tfrac1m`. Pairs that are there wait
in memories meanwhile, and lose coherence.

*Delays.* The level of a node's first atom is handed over when its pair is used, and the node undoes the flips once the
two bits have arrived. From then until its interrogation starts, an atom that is stored in the levels of the clock
precesses as if it were interrogated. So nodes that wait for the last of them before they start together collect
:math:`\sum_j n_j\delta_j\,\Delta t_j`; a node that starts on its own as soon as it is ready, and stops after the same
time T as all others, collects nothing: only the product of all parities is asked for, at any time later.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qcn_open.oscillator import Oscillator
from qcn_open.validation import closed_interval, count, finite, nonnegative, positive

if TYPE_CHECKING:
    from qcn_open.cascade import Cascade

__all__ = [
    "PairSource",
    "delay_phase",
    "pairs_per_cycle",
    "path_phase",
    "purified",
    "storage_coherence",
    "waiting_distribution",
    "waiting_time",
]

_MOST_LINKS = 300
_MOST_SETS = 2**17


@dataclass(frozen=True)
class PairSource:
    r"""Entangled pairs that are heralded, one after the other.

    Parameters
    ----------
    rate_hz : float
        Mean number of pairs a second.
    fidelity : float, optional
        With :math:`(|00\rangle+|11\rangle)/\sqrt2`, from 1/4 to 1: pairs are Werner states, made so by random local
        rotations where their errors are others.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> from qcn_open import Link
    >>> source = PairSource(rate_hz=20.0, fidelity=0.95).purified()
    >>> link = Link(epr_rate_hz=source.rate_hz, epr_fidelity=source.fidelity)
    >>> round(link.epr_rate_hz, 4), round(link.epr_fidelity, 6)
    (9.3556, 0.96497)
    """

    rate_hz: float
    fidelity: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate_hz", positive("PairSource rate_hz", self.rate_hz, "Hz"))
        object.__setattr__(self, "fidelity", _fidelity("PairSource fidelity", self.fidelity))

    @classmethod
    def two_photon(cls, attempt_rate_hz: float, efficiency: float, fidelity: float = 1.0) -> PairSource:
        r"""Each atom emits a photon that is entangled with it; both are seen, behind a beam splitter.

        .. math:: p = \eta^2/2,

        as two of the four Bell states of the photons can be told. A photon that is lost is not heralded and costs no
        fidelity.

        Parameters
        ----------
        attempt_rate_hz : float
            Tries a second, Hz.
        efficiency : float
            :math:`\eta`, probability that an emitted photon is seen.
        fidelity : float, optional
            Of what is heralded.

        Examples
        --------
        >>> round(PairSource.two_photon(1e6, 0.01).rate_hz, 6)
        50.0
        """
        attempts, efficiency = _attempts(attempt_rate_hz, efficiency)
        return cls(0.5 * attempts * efficiency**2, fidelity)

    @classmethod
    def one_photon(cls, attempt_rate_hz: float, efficiency: float, excitation: float) -> PairSource:
        r"""Each atom emits a photon with the probability alpha; a click tells that one did, not which.

        If both emitted, the atoms are in a product state, and both photons go the same way: of a click one cannot tell
        them from one,

        .. math:: p = 2\alpha\eta(1-\alpha) + \alpha^2\eta(2-\eta), \qquad F = \frac{1-\alpha}{1-\alpha\eta/2}.

        Rate is bought with fidelity. The link must be stable to a fraction of an optical wavelength.

        Parameters
        ----------
        attempt_rate_hz : float
            Tries a second, Hz.
        efficiency : float
            :math:`\eta`, probability that an emitted photon is seen.
        excitation : float
            :math:`\alpha`, more than 0 and at most 3/4.

        Raises
        ------
        ValueError
            If a number is out of range.

        Examples
        --------
        >>> source = PairSource.one_photon(1e6, 0.01, excitation=0.05)
        >>> round(source.rate_hz, 3), round(source.fidelity, 6)
        (999.75, 0.950238)
        """
        attempts, efficiency = _attempts(attempt_rate_hz, efficiency)
        excitation = closed_interval("excitation probability", excitation, 0.0, 0.75)
        success = excitation * efficiency * (2.0 - excitation * efficiency)
        return cls(attempts * success, (1.0 - excitation) / (1.0 - 0.5 * excitation * efficiency))

    def purified(self, dephasing: float = 0.0) -> PairSource:
        r"""One level of purification: pairs are made two at a time, and one of two is kept if the level bits agree.

        The first of the two waits for the second; all rates as in `purified`.

        Parameters
        ----------
        dephasing : float, optional
            Rate s (1/s) at which the coherence of a stored pair decays: :math:`e^{-st}`, half the sum of the memory
            dephasing of both nodes.

        Returns
        -------
        PairSource
            Pairs of the rate RP/2.

        Examples
        --------
        >>> PairSource(20.0, 0.95).purified(dephasing=0.1).fidelity > PairSource(20.0, 0.95).purified().fidelity
        False
        """
        rate = nonnegative("dephasing of a stored pair", dephasing, "1/s")
        kept = self.rate_hz / (self.rate_hz + rate)
        stored = 0.5 * (1.0 + kept) * self.fidelity + 0.5 * (1.0 - kept) * (1.0 - self.fidelity) / 3.0
        fidelity, success = purified(stored, self.fidelity)
        return PairSource(0.5 * self.rate_hz * success, fidelity)


def purified(fidelity: float, other: float | None = None) -> tuple[float, float]:
    r"""What a pair gains from another one that is measured to check it.

    Both nodes make a CNOT from their half of the first pair to that of the second, which they measure; they keep the
    first if their bits agree. Of two Werner states,

    .. math::

       P = F_1F_2 + \tfrac13F_1(1-F_2) + \tfrac13(1-F_1)F_2 + \tfrac59(1-F_1)(1-F_2), \qquad
       F' = \frac1P\left[F_1F_2 + \tfrac19(1-F_1)(1-F_2)\right],

    with perfect gates. It is the protocol of Bennett et al. (PRL 76, 722 (1996)) and the first level of that of
    Deutsch et al. (PRL 77, 2818 (1996)). Above F = 1/2 it gains; near 1 it leaves 2/3 of the infidelity.

    Parameters
    ----------
    fidelity : float
        Of the pair that is kept, from 1/4 to 1.
    other : float, optional
        Of the pair that is measured; None is the same.

    Returns
    -------
    fidelity, success : float
        F', and the probability P that the pair is kept.

    Raises
    ------
    ValueError
        If a fidelity is out of range.

    Examples
    --------
    >>> fidelity, success = purified(0.7)
    >>> round(fidelity, 6), round(success, 6)
    (0.735294, 0.68)
    """
    first = _fidelity("fidelity of a pair", fidelity)
    second = first if other is None else _fidelity("fidelity of the other pair", other)
    wrong, crossed = (1.0 - first) * (1.0 - second), first * (1.0 - second) + (1.0 - first) * second
    success = first * second + crossed / 3.0 + 5.0 / 9.0 * wrong
    return (first * second + wrong / 9.0) / success, success


def pairs_per_cycle(cascade: Cascade) -> int:
    """Pairs that each node other than the centre needs for the blocks of a cascade: one for each block.

    Examples
    --------
    >>> from qcn_open import Cascade
    >>> pairs_per_cycle(Cascade((12, 9, 5, 3), nodes=10, uncorrelated=240))
    29
    """
    return sum(cascade.copies) if cascade.nodes > 1 else 0


def waiting_distribution(
    times: NDArray[np.float64] | float, rates_hz: Iterable[float], pairs: int = 1
) -> NDArray[np.float64]:
    r"""Probability that every link has made its pairs by a time,

    .. math:: P(T\le t) = \prod_j \left[1 - e^{-R_jt}\sum_{k<m}\frac{(R_jt)^k}{k!}\right].

    Parameters
    ----------
    times : ndarray
        t, s.
    rates_hz : iterable of float
        Rate R of each link, Hz. One that makes several pairs at once counts as several links.
    pairs : int, optional
        Pairs m that each makes one after the other.

    Returns
    -------
    ndarray, the shape of times

    Raises
    ------
    ValueError
        If a number is out of range, or there is no link.

    Examples
    --------
    >>> round(float(waiting_distribution(0.1, (20.0,) * 9)), 6)
    0.270165
    """
    from scipy.special import gammainc

    rates, number = _rates(rates_hz), count("pairs of a link", pairs)
    return np.asarray(np.prod([gammainc(number, rate * np.asarray(times, dtype=float)) for rate in rates], axis=0))


def waiting_time(rates_hz: Iterable[float], pairs: int = 1) -> float:
    r"""Mean time (s) until every link has made its pairs: :math:`\int_0^\infty[1-P(T\le t)]\,dt`.

    Parameters and errors are those of `waiting_distribution`.

    Examples
    --------
    >>> round(waiting_time((20.0,) * 9), 6)
    0.141448
    >>> cascade_cycle = waiting_time((20.0,) * 9, pairs=29)
    >>> round(cascade_cycle, 6), 29 / 20.0
    (1.874427, 1.45)
    """
    from scipy.integrate import quad
    from scipy.special import gammaincc

    rates, number = _rates(rates_hz), count("pairs of a link", pairs)
    kinds, numbers = np.unique(rates, return_counts=True)
    slowest = float(kinds[0])

    def unfinished(time: float) -> float:
        with np.errstate(divide="ignore"):
            logarithms = np.log1p(-gammaincc(number, kinds * time / slowest))
        return float(-np.expm1(numbers @ logarithms))

    # Beyond these many mean times of the slowest link it has finished, but for a probability below rounding.
    end = number + 12.0 * math.sqrt(number) + 45.0 + math.log(len(rates))
    edges = np.linspace(0.0, end, 9)
    parts = [quad(unfinished, a, b, epsabs=0.0, epsrel=1e-11, limit=200)[0] for a, b in pairwise(edges)]
    return math.fsum(parts) / slowest


def storage_coherence(rates_hz: Sequence[float], dephasing: Sequence[float]) -> float:
    r"""Coherence left to a block whose pairs are stored until the last of them has come.

    :math:`\langle\prod_je^{-s_j(T-t_j)}\rangle` with the pair of link j there at :math:`t_j` and T the latest of them.
    As long as the links in a set A have not succeeded,

    .. math:: C_A = \frac{\sum_{j\in A}R_j\,C_{A\setminus j}}{\sum_{j\in A}R_j + \sum_{j\notin A}s_j}, \qquad
              C_\emptyset = 1;

    with equal links :math:`\prod_{k=1}^{m-1}(m-k)R/[(m-k)R+ks]`. A `Teleported` block has it if its `waiting` is
    :math:`-\ln C/\sum_js_j`.

    Parameters
    ----------
    rates_hz : sequence of float
        R of each link, Hz.
    dephasing : sequence of float
        s (1/s) of each pair: half the sum of the memory dephasing at both ends.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the numbers of links differ, a number is out of range, or there are more than 300 links or too many different
        ones: more than 17 if no two are equal.

    Examples
    --------
    >>> round(storage_coherence((20.0,) * 9, (0.1,) * 9), 6)
    0.921925
    """
    rates = _rates(rates_hz)
    decays = tuple(nonnegative("dephasing of a stored pair", one, "1/s") for one in dephasing)
    if len(decays) != len(rates):
        raise ValueError(f"dephasing must be given for each of {len(rates)} links, got {len(decays)}")
    links = tuple(sorted(zip(rates, decays, strict=True)))
    sets = math.prod(links.count(link) + 1 for link in set(links))
    if len(links) > _MOST_LINKS or sets > _MOST_SETS:
        raise ValueError(
            f"storage is limited to {_MOST_LINKS} links and {_MOST_SETS} different sets of them, got {len(links)} and "
            f"{sets}: take fewer links, or more that are equal"
        )
    total = math.fsum(decays)

    @cache
    def coherence(missing: tuple[tuple[float, float], ...]) -> float:
        if not missing:
            return 1.0
        stored = max(total - math.fsum(decay for _, decay in missing), 0.0)
        rate = math.fsum(rate for rate, _ in missing)
        return sum(
            link[0] * missing.count(link) * coherence(_without(missing, link)) for link in dict.fromkeys(missing)
        ) / (rate + stored)

    return coherence(links)


def delay_phase(
    atoms: Sequence[int],
    ready: Sequence[float],
    started: Sequence[float],
    detunings: Sequence[float],
    oscillators: Sequence[Oscillator] | None = None,
) -> tuple[float, float]:
    r"""Phase that a GHZ state picks up between its preparation and its interrogation.

    .. math:: \Delta\Phi = \sum_j n_j\delta_j\,\Delta t_j, \qquad
              \mathrm{Var} = \sum_j n_j^2\,\Delta t_j^2\,\sigma_j^2(\Delta t_j),

    where :math:`\Delta t_j` is the time from when node j is ready to when its interrogation starts, and
    :math:`\sigma_j(\Delta t)` the Allan deviation of the angular frequency of its laser, :math:`\gamma_{LO}\Delta t` in
    all for white noise. The contrast left is :math:`e^{-\mathrm{Var}/2}`. Local timing, started = ready, removes both.

    Parameters
    ----------
    atoms : sequence of int
        Atoms :math:`n_j` of each node in the state: 1 before it is grown.
    ready, started : sequence of float
        Times at which the state of each node is there and its interrogation starts, s.
    detunings : sequence of float
        :math:`\delta_j` of the nodes' lasers, rad/s.
    oscillators : sequence of Oscillator, optional
        Their noise; None is none.

    Returns
    -------
    phase : float
        rad, known if the detunings are.
    variance : float
        rad^2.

    Raises
    ------
    ValueError
        If the numbers of nodes differ, a number is out of range, or an interrogation starts before its node is ready.

    Examples
    --------
    >>> white = Oscillator.from_linewidth(white=0.1)
    >>> phase, variance = delay_phase((100, 100), (0.0, 0.02), (0.02, 0.02), (0.3, -0.3), (white, white))
    >>> round(phase, 9), round(variance, 9)
    (0.6, 20.0)
    >>> delay_phase((100, 100), (0.0, 0.02), (0.0, 0.02), (0.3, -0.3), (white, white))
    (0.0, 0.0)
    """
    lasers = (Oscillator(),) * len(atoms) if oscillators is None else tuple(oscillators)
    if not len(atoms) == len(ready) == len(started) == len(detunings) == len(lasers):
        raise ValueError(
            "atoms, times, detunings and oscillators must be given for every node alike, got "
            f"{len(atoms)}, {len(ready)}, {len(started)}, {len(detunings)} and {len(lasers)}"
        )
    phase = variance = 0.0
    for size, there, start, detuning, laser in zip(atoms, ready, started, detunings, lasers, strict=True):
        number = count("atoms of a node", size)
        delay = finite("start of an interrogation", start, "s") - finite("time at which a node is ready", there, "s")
        if delay < 0.0:
            raise ValueError(f"an interrogation cannot start before its node is ready, {-delay:g} s too early")
        phase += number * finite("detuning of a node", detuning, "rad/s") * delay
        if delay > 0.0:
            variance += (number * delay * float(laser.allan_deviation(delay))) ** 2
    return phase, variance


def path_phase(splitting_hz: float, delay: float) -> float:
    r"""Phase :math:`2\pi\,\Delta f\,\Delta t` (rad) of a pair whose photon has two frequencies, for a changed delay.

    The photon is entangled with the atom that emitted it through its frequency, and takes :math:`\Delta t` longer to
    the node than was assumed: the pair is :math:`(|00\rangle + e^{i\phi}|11\rangle)/\sqrt2`. After the teleportation
    the GHZ state has the phase :math:`i e^{\pm i\phi}`, minus where the level was flipped and flipped back: node j
    cancels it by a rotation of its first atom before it undoes the flip. An unknown phase leaves :math:`\cos\phi` of
    the contrast. The splitting is that of microwaves: at 10 GHz 1 mm of path are 0.21 rad. Polarisation has none.

    Parameters
    ----------
    splitting_hz : float
        :math:`\Delta f`, Hz.
    delay : float
        :math:`\Delta t`, s.

    Raises
    ------
    ValueError
        If the splitting is negative or a number is not finite.

    Examples
    --------
    >>> round(path_phase(1e10, 1e-3 / 299792458), 4)
    0.2096
    """
    return 2.0 * math.pi * nonnegative("splitting_hz", splitting_hz, "Hz") * finite("delay of a photon", delay, "s")


def _fidelity(name: str, value: float) -> float:
    return closed_interval(name, value, 0.25, 1.0)


def _attempts(attempt_rate_hz: float, efficiency: float) -> tuple[float, float]:
    return (
        positive("attempt_rate_hz", attempt_rate_hz, "Hz"),
        closed_interval("detection efficiency of a photon", efficiency, 0.0, 1.0),
    )


def _rates(rates_hz: Iterable[float]) -> tuple[float, ...]:
    rates = tuple(positive("rate of a link", rate, "Hz") for rate in rates_hz)
    if not rates:
        raise ValueError("waiting for pairs needs at least one link, got none")
    return rates


def _without(links: tuple[tuple[float, float], ...], one: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    place = links.index(one)
    return links[:place] + links[place + 1 :]
