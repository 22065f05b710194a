r"""Frequency noise of a laser: white, flicker and random walk, in closed form and as an exact random process.

A laser runs at :math:`\omega_0 + \omega(t)`, and its atoms see the phase :math:`\Phi = \int\omega\,dt`. Only changes of
:math:`\omega` are random here: at :math:`t = 0` its coloured part (flicker and random walk) is zero, the laser being
steered onto the atoms. These changes are stationary, and all that is computed from them needs no cutoff at low
frequencies. Flicker noise is a sum of Ornstein-Uhlenbeck processes, one to each rate
:math:`\lambda_k = e^{hk}\lambda_0` and of the same variance :math:`s_{-1}h`:

.. math:: \sum_k s_{-1}h\,\frac{4\lambda_k}{\lambda_k^2 + (2\pi f)^2}
          = \frac{s_{-1}}{f}\,\bigl[1 + \epsilon\cos(2\pi\ln(2\pi f/\lambda_0)/h) + \dots\bigr], \quad
          \epsilon = \frac{2}{\cosh(\pi^2/h)},

the trapezoid rule of an integral over :math:`\ln\lambda`. The step h = 1.2 gives a ripple of 0.11 %. The rates reach
from :math:`10^{-12}` of the rate of cycles, so that the noise is 1/f at all frequencies that :math:`10^{10}` cycles can
tell apart (0.05 % too low at :math:`10^{-10}` of the rate of cycles), to 36 times the inverse of the shortest step.
Faster processes are white for all that a step can tell, and their sum adds to the white noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qcn_open.validation import closed_interval, count, finite, nonnegative, positive

if TYPE_CHECKING:
    from qcn_open.kernels.oscillator import OscillatorTables

__all__ = ["Oscillator", "centre_of_mass"]

# The ladder of rates of flicker noise: its step in ln(rate), its top in inverse steps, its bottom in inverse cycles.
_RUNG = 1.2
_FASTEST = math.exp(3 * _RUNG)
_SLOWEST = 1e-12


@dataclass(frozen=True)
class Oscillator:
    r"""White, flicker and random-walk frequency noise of the one-sided spectrum of the angular frequency

    .. math:: S_\omega(f) = s_0 + s_{-1}/f + s_{-2}/f^2, \qquad \langle\omega^2\rangle = \int_0^\infty S_\omega\,df.

    Parameters
    ----------
    white : float, optional
        :math:`s_0`, rad^2/s.
    flicker : float, optional
        :math:`s_{-1}`, rad^2/s^2.
    random_walk : float, optional
        :math:`s_{-2}`, rad^2/s^3.

    Raises
    ------
    ValueError
        If one of them is negative or not finite.

    Examples
    --------
    >>> laser = Oscillator.from_linewidth(white=2.0)
    >>> laser.white, laser.phase_variance(0.1, gain=1.0)
    (4.0, 0.4)
    """

    white: float = 0.0
    flicker: float = 0.0
    random_walk: float = 0.0

    def __post_init__(self) -> None:
        for field, unit in (("white", "rad^2/s"), ("flicker", "rad^2/s^2"), ("random_walk", "rad^2/s^3")):
            object.__setattr__(self, field, nonnegative(f"Oscillator {field}", getattr(self, field), unit))

    @classmethod
    def from_linewidth(cls, *, white: float = 0.0, flicker: float = 0.0, random_walk: float = 0.0) -> Oscillator:
        r"""Noise of the linewidth :math:`\gamma_{LO}`, 1/s, of each type.

        =============  =========================================  ============================================
        noise          defined by                                 Allan deviation of the angular frequency
        =============  =========================================  ============================================
        white          :math:`\langle\Phi^2\rangle = \gamma T`    :math:`\sqrt{\gamma/\tau}`
        flicker        :math:`S_\omega = \gamma^2/f`              :math:`\sqrt{2\ln 2}\,\gamma`
        random walk    :math:`\langle\Phi^2\rangle=(\gamma T)^3`  :math:`\sqrt{\gamma^3\tau}`
        =============  =========================================  ============================================

        The phase of the random walk is that of a laser on resonance at the start. White and flicker noise are those of
        Kómár et al.; for the random walk this is our choice, by which the phase reaches 1 rad after :math:`1/\gamma` as
        that of white noise does.

        Raises
        ------
        ValueError
            If a linewidth is negative or not finite.

        Examples
        --------
        >>> float(Oscillator.from_linewidth(random_walk=2.0).allan_deviation(0.5))
        2.0
        """
        linewidths = (("white", white), ("flicker", flicker), ("random-walk", random_walk))
        white, flicker, random_walk = (nonnegative(f"{name} linewidth", value, "1/s") for name, value in linewidths)
        return cls(2.0 * white, flicker**2, 1.5 * random_walk**3 / math.pi**2)

    @property
    def linewidths(self) -> tuple[float, float, float]:
        r"""The linewidths :math:`\gamma_{LO}`, 1/s, of white, flicker and random-walk noise, as of `from_linewidth`.

        Examples
        --------
        >>> Oscillator.from_linewidth(white=2.0, flicker=0.5).linewidths
        (2.0, 0.5, 0.0)
        """
        return self.white / 2.0, math.sqrt(self.flicker), math.cbrt(self.random_walk * math.pi**2 / 1.5)

    @classmethod
    def from_fractional(
        cls, frequency_hz: float, *, white: float = 0.0, flicker: float = 0.0, random_walk: float = 0.0
    ) -> Oscillator:
        r"""Noise of the spectrum :math:`S_y = h_0 + h_{-1}/f + h_{-2}/f^2` of the fractional frequency.

        Parameters
        ----------
        frequency_hz : float
            Carrier :math:`\nu_0`, Hz.
        white, flicker, random_walk : float, optional
            :math:`h_0` (1/Hz), :math:`h_{-1}` (1) and :math:`h_{-2}` (Hz).

        Raises
        ------
        ValueError
            If the carrier is not > 0, or a coefficient is negative or not finite.

        Examples
        --------
        >>> laser = Oscillator.from_fractional(1e14, white=2e-30)
        >>> float(laser.allan_deviation(1.0) / (2.0 * math.pi * 1e14))
        1e-15
        """
        square = (2.0 * math.pi * positive("frequency_hz", frequency_hz, "Hz")) ** 2
        return cls(
            square * nonnegative("white (h0)", white, "1/Hz"),
            square * nonnegative("flicker (h-1)", flicker),
            square * nonnegative("random_walk (h-2)", random_walk, "Hz"),
        )

    @classmethod
    def from_flicker_floor(cls, sigma_y: float, frequency_hz: float) -> Oscillator:
        r"""Flicker noise of the Allan deviation :math:`\sigma_y = \sqrt{2\ln 2}\,\gamma_{LO}/\omega_0`.

        Parameters
        ----------
        sigma_y : float
            Flicker floor, fractional.
        frequency_hz : float
            Carrier :math:`\nu_0`, Hz.

        Raises
        ------
        ValueError
            If the floor is negative or the carrier is not > 0.

        Examples
        --------
        >>> round(math.sqrt(Oscillator.from_flicker_floor(1e-16, 429e12).flicker), 3)  # gamma_LO, 1/s
        0.229
        """
        floor = nonnegative("sigma_y", sigma_y)
        return cls.from_fractional(frequency_hz, flicker=floor**2 / (2.0 * math.log(2.0)))

    def spectrum(self, frequency_hz: NDArray[np.float64] | float) -> NDArray[np.float64]:
        r""":math:`S_\omega(f)`, (rad/s)^2/Hz, at frequencies f > 0."""
        f = np.asarray(frequency_hz, dtype=np.float64)
        return np.asarray(self.white + self.flicker / f + self.random_walk / f**2)

    def mean_square_change(
        self, interrogation_time: float, separation: NDArray[np.float64] | float
    ) -> NDArray[np.float64]:
        r"""Mean square change of the mean frequency over an interrogation to the one that starts a while later.

        .. math:: \langle(\bar\omega_L - \bar\omega_0)^2\rangle = \frac{s_0}{T} + 2s_{-1}\,\psi(L/T)
                  + 2\pi^2s_{-2}\,(L - T/3), \quad
                  \psi(x) = \tfrac12\bigl[(x+1)^2\ln(x+1) + (x-1)^2\ln(x-1) - 2x^2\ln x\bigr]

        It holds all there is to know: whatever sum of mean frequencies has weights :math:`w_i` that add to zero, its
        variance is :math:`-\tfrac12\sum_{ij}w_iw_j` times the mean square change between i and j.

        Parameters
        ----------
        interrogation_time : float
            T, s.
        separation : float or ndarray
            L from start to start, s, not less than T.

        Returns
        -------
        ndarray
            (rad/s)^2.

        Raises
        ------
        ValueError
            If T is not > 0, or the interrogations overlap.

        Examples
        --------
        >>> float(Oscillator(white=3.0).mean_square_change(0.5, 2.0))
        6.0
        """
        duration = positive("interrogation_time", interrogation_time, "s")
        x = np.asarray(separation, dtype=np.float64) / duration
        if not np.all((x >= 1.0) & (x < np.inf)):
            raise ValueError(
                f"separation must be finite and not less than the interrogation time {duration:g} s, "
                f"got {float(np.min(x)) * duration:g} s: interrogations must not overlap"
            )
        walk = 2.0 * math.pi**2 * self.random_walk * duration * (x - 1.0 / 3.0)
        return np.asarray(self.white / duration + 2.0 * self.flicker * _log_curvature(x) + walk)

    def allan_deviation(self, averaging_time: NDArray[np.float64] | float) -> NDArray[np.float64]:
        r"""Allan deviation of the angular frequency, rad/s: :math:`\omega_0\sigma_y`.

        .. math:: \omega_0^2\sigma_y^2(\tau) = \frac{s_0}{2\tau} + 2\ln 2\,s_{-1} + \frac{2\pi^2}{3}s_{-2}\tau

        Parameters
        ----------
        averaging_time : float or ndarray
            tau, s.

        Examples
        --------
        >>> Oscillator(white=4.0, random_walk=1.0).allan_deviation(np.array([0.01, 100.0])).round(2)
        array([14.14, 25.65])
        """
        tau = np.asarray(averaging_time, dtype=np.float64)
        walk = 2.0 * math.pi**2 / 3.0 * self.random_walk * tau
        return np.sqrt(self.white / (2.0 * tau) + 2.0 * math.log(2.0) * self.flicker + walk)

    def phase_variance(self, interrogation_time: float, dead_time: float = 0.0, *, gain: float = 1.0) -> float:
        r"""Variance of the phase of an interrogation around what an integrator of gain g predicts from those before.

        The prediction of a noiseless measurement is :math:`g\sum_{l\ge1}(1-g)^{l-1}\bar\omega_{k-l}`, and the phase
        differs from it by

        .. math:: \mathrm{Var}\,\Phi = \frac{T^2}{2-g}\sum_{l\ge1} g(1-g)^{l-1}\,
                  \langle(\bar\omega_l - \bar\omega_0)^2\rangle,

        :math:`2\gamma_{LO}T/(2-g)` for white noise. An error of measurement of mean square MSE adds
        :math:`g\,\mathrm{MSE}/(2-g)`.

        Parameters
        ----------
        interrogation_time : float
            T, s.
        dead_time : float, optional
            Time from the end of an interrogation to the start of the next, s.
        gain : float, optional
            g, from 1e-5 to less than 2, where the loop becomes unstable.

        Returns
        -------
        float
            rad^2.

        Raises
        ------
        ValueError
            If T is not > 0, the dead time is negative or the gain outside its range.

        Examples
        --------
        >>> round(Oscillator.from_linewidth(flicker=1.0).phase_variance(0.3, gain=0.1), 4)
        0.3173
        """
        duration, dead = _cycle(interrogation_time, dead_time)
        if closed_interval("gain", gain, 1e-5, 2.0) == 2.0:
            raise ValueError("gain must be less than 2, where the loop becomes unstable, got 2")
        kept = abs(1.0 - gain)
        terms = 1 if kept == 0.0 else math.ceil(-40.0 / math.log(kept)) + 1
        cycles = np.arange(1.0, terms + 1.0)
        weights = gain * (1.0 - gain) ** (cycles - 1.0)
        changes = self.mean_square_change(duration, cycles * (duration + dead))
        return float(weights @ changes) * duration**2 / (2.0 - gain)

    def dick_deviation(self, averaging_time: float, interrogation_time: float, dead_time: float) -> float:
        r"""What dead time adds to the mean frequency of a steered laser: the Dick effect, rad/s.

        .. math:: \frac1\tau\sum_{m\ge1}S_\omega\!\Bigl(\frac m{T_c}\Bigr)\,
                  \mathrm{sinc}^2\frac{\pi mT}{T_c}, \qquad T_c = T + \text{dead time}

        is its square, for short pulses and :math:`\tau\gg T_c`. The laser's noise at multiples of the rate of cycles is
        mistaken for slow noise; the rest of it the loop takes off.

        Parameters
        ----------
        averaging_time : float
            tau, s.
        interrogation_time, dead_time : float
            T and the rest of a cycle, s.

        References
        ----------
        .. [1] G. Santarelli et al., IEEE Trans. UFFC 45, 887 (1998).

        Examples
        --------
        >>> round(Oscillator(white=2.0).dick_deviation(1.0, 0.5, 0.5) ** 2, 9)
        1.0
        """
        tau = positive("averaging_time", averaging_time, "s")
        duration, dead = _cycle(interrogation_time, dead_time)
        cycle = duration + dead
        m = np.arange(1.0, 1e5)
        # The sum over white noise is that over all integers, T_c/T, less the middle one, halved; the others end soon.
        coloured = (self.spectrum(m / cycle) - self.white) @ np.sinc(m * duration / cycle) ** 2
        return math.sqrt((0.5 * self.white * dead / duration + float(coloured)) / tau)

    def tables(self, interrogation_time: float, dead_time: float = 0.0) -> OscillatorTables:
        r"""What `qcn_open.kernels.oscillator` needs to move the laser's phase on, over either time.

        A component of variance v and rate :math:`\lambda` decays over :math:`t = u/\lambda` by :math:`a = e^{-u}` and
        is kicked by :math:`\sqrt{v(1-a^2)}`; it adds :math:`(1-a)/\lambda` of itself to the phase, the kick's deviate
        adds :math:`\sqrt v\,(1-a)\sqrt{\tanh(u/2)}/\lambda`, and the variance :math:`v(2u - 4\tanh(u/2))/\lambda^2`
        of the phase is left open. The first component is the random walk.

        Parameters
        ----------
        interrogation_time : float
            T, s: of nested Ramsey times the shortest one.
        dead_time : float, optional
            s.

        Raises
        ------
        ValueError
            If T is not > 0 or the dead time is negative.
        """
        from qcn_open.kernels.oscillator import OscillatorTables

        duration = np.array(_cycle(interrogation_time, dead_time))
        rates = self._rates(duration)
        walk = 2.0 * math.pi**2 * self.random_walk
        left_open = (0.5 * self.white + self._white_of_faster(rates)) * duration + walk * duration**3 / 12.0
        if self.flicker == self.random_walk == 0.0:
            return OscillatorTables(duration, np.sqrt(left_open), np.empty((2, 0, 4)), np.empty(0))
        deviation = math.sqrt(self.flicker * _RUNG)
        u = np.outer(duration, rates)
        lost, tangent = -np.expm1(-u), np.tanh(0.5 * u)
        # 2u - 4 tanh(u/2) loses all its digits where u is small.
        series = u**3 / 6.0 - u**5 / 60.0 + 17.0 * u**7 / 10080.0
        left_open += np.sum(np.where(u < 0.03, series, 2.0 * u - 4.0 * tangent) * (deviation / rates) ** 2, axis=1)
        moves = np.empty((2, 1 + rates.size, 4))
        kick = np.sqrt(walk * duration)
        moves[:, 0] = np.stack([np.ones(2), kick, duration, 0.5 * duration * kick], axis=-1)
        kicks, pushes = np.sqrt(-np.expm1(-2.0 * u)), lost * np.sqrt(tangent) / rates
        moves[:, 1:] = np.stack([np.exp(-u), deviation * kicks, lost / rates, deviation * pushes], axis=-1)
        start = np.concatenate([[0.0], np.full(rates.size, deviation)])
        return OscillatorTables(duration, np.sqrt(left_open), moves, start)

    def frequencies(
        self, cycles: int, interrogation_time: float, dead_time: float = 0.0, *, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Mean angular frequency (rad/s) over each of so many interrogations of a free laser.

        Parameters
        ----------
        cycles : int
            Their number.
        interrogation_time, dead_time : float
            T and the rest of a cycle, s.
        rng : numpy.random.Generator
            Source of randomness.

        Raises
        ------
        ValueError
            If there is no cycle, T is not > 0 or the dead time is negative.

        Examples
        --------
        >>> laser = Oscillator.from_linewidth(white=1.0)
        >>> laser.frequencies(3, interrogation_time=0.1, rng=np.random.default_rng(1)).shape
        (3,)
        """
        return next(self.chunks(cycles, interrogation_time, dead_time, rng=rng, size=count("cycles", cycles)))

    def chunks(
        self,
        cycles: int,
        interrogation_time: float,
        dead_time: float = 0.0,
        *,
        rng: np.random.Generator,
        size: int = 2**16,
    ) -> Iterator[NDArray[np.float64]]:
        """The same frequencies in arrays of `size`, the last one shorter, made when they are asked for.

        Examples
        --------
        >>> laser = Oscillator.from_linewidth(flicker=1.0)
        >>> sum(part.size for part in laser.chunks(250, 0.1, rng=np.random.default_rng(1), size=100))
        250
        """
        from qcn_open.kernels.oscillator import begin, record
        from qcn_open.kernels.random import state_from

        left, size = count("cycles", cycles), count("size", size)
        tables = self.tables(interrogation_time, dead_time)
        random, memory = state_from(rng), np.empty(tables.start.size)
        begin(random, tables, memory)
        while left > 0:
            phases = np.empty((min(left, size), 2))
            record(random, tables, memory, phases)
            left -= len(phases)
            yield phases[:, 0] / tables.duration[0]

    def _rates(self, duration: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rates (1/s) of the components of flicker noise for steps of these durations."""
        if self.flicker == 0.0:
            return np.empty(0)
        fastest = _FASTEST / float(np.min(duration[duration > 0.0]))
        rungs = math.ceil(math.log(fastest * float(np.sum(duration)) / _SLOWEST) / _RUNG)
        return np.asarray(fastest * np.exp(-_RUNG * np.arange(rungs + 1)))

    def _white_of_faster(self, rates: NDArray[np.float64]) -> float:
        """Variance of the phase per time (rad^2/s) of all components of flicker noise above the fastest rate."""
        return 2.0 * self.flicker * _RUNG / (float(rates[0]) * math.expm1(_RUNG)) if rates.size else 0.0


def centre_of_mass(oscillators: Sequence[Oscillator], weights: Sequence[float] | None = None) -> Oscillator:
    r"""Noise of the weighted mean frequency :math:`\sum_j w_j\omega_j/\sum_j w_j` of independent lasers.

    Their spectra add with the squares of the weights.

    Parameters
    ----------
    oscillators : sequence of Oscillator
        The lasers.
    weights : sequence of float, optional
        :math:`w_j`, such as the atoms of each node; equal if left out.

    Raises
    ------
    TypeError
        If one of them is no `Oscillator`.
    ValueError
        If there is no laser, the numbers of lasers and of weights differ, or the weights add to zero.

    Examples
    --------
    >>> centre_of_mass([Oscillator(white=1.0), Oscillator(white=2.0)], [3, 1])
    Oscillator(white=0.6875, flicker=0.0, random_walk=0.0)
    """
    lasers = list(oscillators)
    if not lasers:
        raise ValueError("a centre of mass needs at least one Oscillator, got none")
    for laser in lasers:
        if not isinstance(laser, Oscillator):
            raise TypeError(f"a centre of mass is made of Oscillators, got {laser!r}")
    shares = [1.0] * len(lasers) if weights is None else [finite("weight", weight) for weight in weights]
    if len(shares) != len(lasers):
        raise ValueError(f"every laser needs one weight, got {len(shares)} weights for {len(lasers)} lasers")
    total = math.fsum(shares)
    if total == 0.0:
        raise ValueError(f"the weights must not add to zero, got {shares}")
    squares = [(share / total) ** 2 for share in shares]
    return Oscillator(
        *(
            math.fsum(square * getattr(laser, field) for square, laser in zip(squares, lasers, strict=True))
            for field in ("white", "flicker", "random_walk")
        )
    )


def _cycle(interrogation_time: float, dead_time: float) -> tuple[float, float]:
    """Both times, checked."""
    return positive("interrogation_time", interrogation_time, "s"), nonnegative("dead_time", dead_time, "s")


def _log_curvature(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Second difference of (x^2/2) ln x, from its expansion where its terms are large and cancel."""
    far = np.log(x) + 1.5 - 1.0 / (12.0 * x**2) - 1.0 / (60.0 * x**4)
    near = np.minimum(x, 100.0)
    before = np.maximum(near - 1.0, np.finfo(np.float64).tiny)
    difference = (near + 1.0) ** 2 * np.log1p(near) + before**2 * np.log(before) - 2.0 * near**2 * np.log(near)
    return np.asarray(np.where(x > 100.0, far, 0.5 * difference))
