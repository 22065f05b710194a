"""Laser noise: closed forms against integrals of the spectrum, the random process against the closed forms.

A statistical test rejects what is right once in 10^6 (`FALSE_ALARM`) runs of other seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from closeness import approx
from numba import njit
from numpy.typing import NDArray
from scipy import stats

import qcn_open as qcn
from qcn_open.kernels.oscillator import DEAD, INTERROGATION, OscillatorTables, advance, begin, record
from qcn_open.kernels.random import state_from

FALSE_ALARM = 1e-6
GAMMA = 1.7
LASERS = {
    "white": qcn.Oscillator.from_linewidth(white=GAMMA),
    "flicker": qcn.Oscillator.from_linewidth(flicker=GAMMA),
    "random walk": qcn.Oscillator.from_linewidth(random_walk=GAMMA),
}
ALL_TOGETHER = qcn.Oscillator(white=0.2, flicker=0.7, random_walk=0.05)


def assert_mean_square(values: NDArray[np.float64], expected: float) -> None:
    """Independent normal deviates have this mean square."""
    low, high = stats.chi2.ppf([0.5 * FALSE_ALARM, 1.0 - 0.5 * FALSE_ALARM], values.size) / values.size
    assert low < np.mean(values**2) / expected < high


def change_from_spectrum(laser: qcn.Oscillator, duration: float, separation: float) -> float:
    """Mean square change of the mean frequency: the integral of S(f) 4 sin^2(pi f L) sinc^2(f T) over all f > 0."""
    edges = np.concatenate([[0.0], np.geomspace(1e-3, 1.0, 10), np.arange(2.0, 4001.0)]) / separation
    nodes, weights = np.polynomial.legendre.leggauss(20)
    half = 0.5 * np.diff(edges)[:, None]
    f = edges[:-1, None] + half * (1.0 + nodes)
    filtered = laser.spectrum(f) * (2.0 * np.sin(math.pi * f * separation) * np.sinc(f * duration)) ** 2
    # Beyond, over whole periods, sin^4 averages to 3/8 and the product of unlike squares to 1/4; by the inverse of f.
    average = 4.0 * (0.375 if separation == duration else 0.25) / (math.pi * duration) ** 2
    inverse = (1.0 + nodes) / (2.0 * edges[-1])
    tail = average * laser.spectrum(1.0 / inverse) @ weights / (2.0 * edges[-1])
    return float(np.sum(half * weights * filtered) + tail)


def ladder_change(tables: OscillatorTables, cycles: int) -> float:
    """Mean square change from one mean frequency to that so many cycles later, of the recursion as it stands."""
    (decay, kick, lean, push), (rest, *_) = tables.moves[INTERROGATION, 1:].T, tables.moves[DEAD, 1:].T
    variance = tables.start[1:] ** 2
    now = tables.spread[INTERROGATION] ** 2 + np.sum(lean**2 * variance + push**2)
    later = np.sum(lean * (decay * rest) ** (cycles - 1) * rest * (decay * variance * lean + kick * push))
    return float(2.0 * (now - later)) / tables.duration[INTERROGATION] ** 2


@pytest.mark.parametrize("laser", [*LASERS.values(), ALL_TOGETHER], ids=[*LASERS, "together"])
@pytest.mark.parametrize(("duration", "separation"), [(1.0, 1.0), (0.5, 0.5), (1.0, 2.0), (0.5, 1.5)])
def test_closed_form_is_the_integral_of_the_spectrum(laser: qcn.Oscillator, duration: float, separation: float) -> None:
    expected = change_from_spectrum(laser, duration, separation)
    assert float(laser.mean_square_change(duration, separation)) == approx(expected, rel=1e-5)


def test_far_changes_continue_the_near_ones() -> None:
    near, far = LASERS["flicker"].mean_square_change(1.0, np.array([100.0 * (1 - 1e-13), 100.0 * (1 + 1e-13)]))
    assert far == approx(near, rel=1e-11)
    # The second difference in the limit of long separations, ln x + 3/2.
    change = float(LASERS["flicker"].mean_square_change(1.0, 1e9))
    assert change == approx(2.0 * GAMMA**2 * (math.log(1e9) + 1.5))


@pytest.mark.parametrize("laser", LASERS.values(), ids=LASERS)
@pytest.mark.parametrize("tau", [0.01, 3.0])
def test_allan_deviation_is_half_the_change_to_the_next_average(laser: qcn.Oscillator, tau: float) -> None:
    assert float(laser.allan_deviation(tau) ** 2) == approx(0.5 * float(laser.mean_square_change(tau, tau)))


def test_levels() -> None:
    """sigma_y^2 = h_0/(2 tau), 2 ln 2 h_-1, (2 pi^2/3) h_-2 tau; and the flicker floor."""
    carrier = 429e12
    omega = 2.0 * math.pi * carrier
    h0, h1, h2, tau = 3e-33, 5e-34, 7e-36, 4.0
    for noise, expected in (
        ({"white": h0}, h0 / 8.0),
        ({"flicker": h1}, 2.0 * math.log(2.0) * h1),
        ({"random_walk": h2}, 8.0 * math.pi**2 / 3.0 * h2),
    ):
        laser = qcn.Oscillator.from_fractional(carrier, **noise)
        assert float(laser.allan_deviation(tau) / omega) ** 2 == approx(expected)
    floor = qcn.Oscillator.from_flicker_floor(1e-16, carrier)
    assert float(floor.allan_deviation(tau)) / omega == approx(1e-16)
    assert math.sqrt(2.0 * math.log(2.0) * floor.flicker) / omega == approx(1e-16)
    assert qcn.Oscillator.from_linewidth(flicker=GAMMA).spectrum(0.25) == approx(4.0 * GAMMA**2)


def test_ripple_of_the_ladder() -> None:
    """A sum of Lorentzians is 1/f within 0.11 %, and no better."""
    tables = LASERS["flicker"].tables(1.0)
    rates = -np.log(tables.moves[INTERROGATION, 1:, 0])
    f = np.geomspace(1e-6, 1e-2, 300)[:, None]
    lorentzians = tables.start[1:] ** 2 * 4.0 * rates / (rates**2 + (2.0 * math.pi * f) ** 2)
    deviation = lorentzians.sum(axis=1) / (GAMMA**2 / f[:, 0]) - 1.0
    # Processes faster than the ladder are white: they make the rest at the upper end.
    deviation += 4.0 * GAMMA**2 * 1.2 / (rates[0] * math.expm1(1.2)) * f[:, 0] / GAMMA**2
    assert np.max(np.abs(deviation)) == approx(2.0 / math.cosh(math.pi**2 / 1.2), rel=0.02)


@pytest.mark.parametrize("dead_time", [0.0, 0.001, 0.3, 5.0])
@pytest.mark.parametrize("cycles", [1, 2, 3, 10, 1000, 10**6, 10**9])
def test_recursion_of_flicker_noise_has_the_covariance_of_its_spectrum(dead_time: float, cycles: int) -> None:
    laser, duration = LASERS["flicker"], 0.2
    expected = float(laser.mean_square_change(duration, cycles * (duration + dead_time)))
    assert ladder_change(laser.tables(duration, dead_time), cycles) == approx(expected, rel=1e-3)


def test_two_half_steps_make_one() -> None:
    """The phase over two steps has the variance of one step of twice the length: flicker and random walk."""
    laser = qcn.Oscillator(flicker=0.7, random_walk=0.05)
    short, long = laser.tables(0.1, 0.2), laser.tables(0.1, 0.2)
    decay, kick, lean, push = short.moves[INTERROGATION].T
    twice_decay, twice_kick, twice_lean, twice_push = long.moves[DEAD].T
    assert decay**2 == approx(twice_decay)
    assert lean * (1.0 + decay) == approx(twice_lean)
    assert kick**2 * (1.0 + decay**2) == approx(twice_kick**2)
    # The kicks of the first half reach the second half's phase.
    first = push + lean * kick
    together = 2.0 * short.spread[INTERROGATION] ** 2 + np.sum(first**2 + push**2)
    assert together == approx(long.spread[DEAD] ** 2 + np.sum(twice_push**2))
    assert decay * kick * first + kick * push == approx(twice_kick * twice_push)


def records(laser: qcn.Oscillator, number: int, cycles: int, dead_time: float = 0.0) -> NDArray[np.float64]:
    rng = np.random.default_rng(20)
    return np.array([laser.frequencies(cycles, 0.2, dead_time, rng=rng) for _ in range(number)])


@pytest.mark.parametrize("laser", [*LASERS.values(), ALL_TOGETHER], ids=[*LASERS, "together"])
@pytest.mark.parametrize("dead_time", [0.0, 0.1])
def test_simulated_changes(laser: qcn.Oscillator, dead_time: float) -> None:
    frequencies = records(laser, 1500, 33, dead_time)
    for first, lag in ((0, 1), (5, 1), (0, 7), (1, 31)):
        expected = float(laser.mean_square_change(0.2, lag * (0.2 + dead_time)))
        assert_mean_square(frequencies[:, first + lag] - frequencies[:, first], expected)


def test_phase_of_a_laser_that_starts_on_resonance() -> None:
    """<Phi^2> = gamma T for white noise, (gamma T)^3 for the random walk, in one step or in ten."""
    for name, power in (("white", 1), ("random walk", 3)):
        frequencies = records(LASERS[name], 3000, 10)
        assert_mean_square(0.2 * frequencies[:, 0], (GAMMA * 0.2) ** power)
        assert_mean_square(0.2 * frequencies.sum(axis=1), (GAMMA * 2.0) ** power)


def test_flicker_noise_starts_on_resonance_and_steady() -> None:
    tables, random = LASERS["flicker"].tables(0.2), state_from(np.random.default_rng(3))
    memory = np.empty(tables.start.size)
    begin(random, tables, memory)
    assert abs(memory.sum()) < 1e-12
    assert_mean_square(memory[1:], 1.2 * GAMMA**2)


def test_seeds_and_chunks() -> None:
    laser = ALL_TOGETHER
    whole = laser.frequencies(1000, 0.2, 0.1, rng=np.random.default_rng(7))
    assert np.array_equal(whole, laser.frequencies(1000, 0.2, 0.1, rng=np.random.default_rng(7)))
    parts = list(laser.chunks(1000, 0.2, 0.1, rng=np.random.default_rng(7), size=300))
    assert [part.size for part in parts] == [300, 300, 300, 100]
    assert np.array_equal(whole, np.concatenate(parts))
    assert not np.any(whole == laser.frequencies(1000, 0.2, 0.1, rng=np.random.default_rng(8)))


def test_more_chunks_hold_no_more_memory() -> None:
    stream = LASERS["flicker"].chunks(10**9, 0.2, rng=np.random.default_rng(7), size=10)
    assert next(stream).size == 10


@pytest.mark.parametrize("gain", [0.1, 1.0, 1.5])
@pytest.mark.parametrize("dead_time", [0.0, 0.1])
def test_phase_variance_in_closed_form(gain: float, dead_time: float) -> None:
    cycle = 0.2 + dead_time
    white, walk = (LASERS[name].phase_variance(0.2, dead_time, gain=gain) for name in ("white", "random walk"))
    assert white == approx(2.0 * GAMMA * 0.2 / (2.0 - gain))
    # Mean number of cycles back 1/g, and 3 gamma^3 is the diffusion of the frequency.
    assert walk == approx(3.0 * GAMMA**3 * 0.2**2 * (cycle / gain - 0.2 / 3.0) / (2.0 - gain))


@pytest.mark.parametrize("laser", LASERS.values(), ids=LASERS)
def test_phase_variance_in_a_loop(laser: qcn.Oscillator) -> None:
    """3 % is six standard deviations of 2 10^5 cycles of which the loop remembers three."""
    gain, dead_time, predicted, phases = 0.3, 0.1, 0.0, []
    for frequency in laser.frequencies(200_000, 0.2, dead_time, rng=np.random.default_rng(5)).tolist():
        phases.append(0.2 * (frequency - predicted))
        predicted += gain * (frequency - predicted)
    assert np.var(phases[100:]) == approx(laser.phase_variance(0.2, dead_time, gain=gain), rel=0.03)


@njit
def aliased(random, tables, memory, averages, cycles):
    """Averages over so many cycles of sampled less true mean frequency, the interrogation amid the dead time."""
    duration, half = tables.duration
    for i in range(averages.size):
        total = 0.0
        for _ in range(cycles):
            unseen = advance(random, tables, DEAD, memory)
            seen = advance(random, tables, INTERROGATION, memory)
            unseen += advance(random, tables, DEAD, memory)
            total += seen / duration - (seen + unseen) / (duration + 2.0 * half)
        averages[i] = total / cycles


@pytest.mark.parametrize("laser", LASERS.values(), ids=LASERS)
@pytest.mark.parametrize("dead_time", [0.2, 0.6])
def test_dick_effect(laser: qcn.Oscillator, dead_time: float) -> None:
    """The sum over aliases against the samples of a free laser: 4 % is six standard deviations of 40 000 averages."""
    tables, random = laser.tables(0.2, 0.5 * dead_time), state_from(np.random.default_rng(9))
    memory, averages, cycles = np.empty(tables.start.size), np.empty(40_000), 40
    begin(random, tables, memory)
    aliased(random, tables, memory, averages, cycles)
    expected = laser.dick_deviation(cycles * (0.2 + dead_time), 0.2, dead_time)
    assert np.mean(averages**2) == approx(expected**2, rel=0.04)
    assert laser.dick_deviation(1.0, 0.2, 0.0) < 1e-9 * laser.dick_deviation(1.0, 0.2, 0.2)


def test_phases_of_dead_times_are_recorded_too() -> None:
    tables, phases = LASERS["white"].tables(0.2, 0.6), np.empty((4000, 2))
    record(state_from(np.random.default_rng(4)), tables, np.empty(0), phases)
    assert_mean_square(phases[:, 0], GAMMA * 0.2)
    assert_mean_square(phases[:, 1], GAMMA * 0.6)
    assert_mean_square(phases.sum(axis=1), GAMMA * 0.8)


def test_centre_of_mass() -> None:
    """Simulated lasers of unequal weights change together as the laser of their centre of mass does."""
    weights = np.array([50.0, 30.0, 20.0])
    lasers = [ALL_TOGETHER, qcn.Oscillator(white=1.0), qcn.Oscillator(flicker=2.0, random_walk=0.5)]
    centre = qcn.centre_of_mass(lasers, weights)
    assert centre.white == approx(0.25 * 0.2 + 0.09 * 1.0)
    assert qcn.centre_of_mass(lasers[:1] * 4).flicker == approx(lasers[0].flicker / 4.0)
    rng = np.random.default_rng(6)
    mean = np.array(
        [weights @ [laser.frequencies(9, 0.2, rng=rng) for laser in lasers] / weights.sum() for _ in range(1500)]
    )
    for lag in (1, 8):
        assert_mean_square(mean[:, lag] - mean[:, 0], float(centre.mean_square_change(0.2, 0.2 * lag)))


def test_a_quiet_laser_stays_quiet() -> None:
    assert np.all(qcn.Oscillator().frequencies(5, 1.0, rng=np.random.default_rng(1)) == 0.0)


RNG = np.random.default_rng(0)
BAD: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "negative": (lambda: qcn.Oscillator(flicker=-1.0), ValueError, r"Oscillator flicker .*\(rad\^2/s\^2\), got -1"),
    "linewidth": (lambda: qcn.Oscillator.from_linewidth(white=np.nan), ValueError, r"white linewidth .* \(1/s\)"),
    "carrier": (lambda: qcn.Oscillator.from_flicker_floor(1e-16, 0.0), ValueError, r"frequency_hz .* > 0 \(Hz\)"),
    "floor": (lambda: qcn.Oscillator.from_flicker_floor(-1e-16, 1e14), ValueError, "sigma_y must be finite and >= 0"),
    "no time": (lambda: ALL_TOGETHER.tables(0.0), ValueError, r"interrogation_time must .* > 0 \(s\), got 0.0"),
    "dead time": (lambda: ALL_TOGETHER.tables(1.0, -1.0), ValueError, r"dead_time must be .* >= 0 \(s\), got -1.0"),
    "no cycle": (lambda: ALL_TOGETHER.frequencies(0, 1.0, rng=RNG), ValueError, "cycles must be a whole number"),
    "no size": (
        lambda: next(ALL_TOGETHER.chunks(3, 1.0, rng=RNG, size=0)),
        ValueError,
        "size must be a whole number >= 1, got 0",
    ),
    "overlap": (
        lambda: ALL_TOGETHER.mean_square_change(1.0, 0.5),
        ValueError,
        "not less than the interrogation time 1 s, got 0.5 s",
    ),
    "unstable": (lambda: ALL_TOGETHER.phase_variance(1.0, gain=2.0), ValueError, "gain must be less than 2"),
    "no gain": (lambda: ALL_TOGETHER.phase_variance(1.0, gain=0.0), ValueError, "gain must lie between 1e-05 and 2"),
    "no lasers": (lambda: qcn.centre_of_mass([]), ValueError, "needs at least one Oscillator"),
    "a number": (lambda: qcn.centre_of_mass([1.0]), TypeError, "made of Oscillators, got 1.0"),
    "weights": (lambda: qcn.centre_of_mass([ALL_TOGETHER], [1, 2]), ValueError, "got 2 weights for 1 lasers"),
    "no weight": (lambda: qcn.centre_of_mass([ALL_TOGETHER] * 2, [1, -1]), ValueError, "must not add to zero"),
}


@pytest.mark.parametrize("name", BAD)
def test_one_sentence(name: str) -> None:
    call, kind, sentence = BAD[name]
    with pytest.raises(kind, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)
