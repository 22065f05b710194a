"""Entangled pairs: heralding and purification by brute force on states, waiting by simulation and closed forms."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import reduce

import numpy as np
import pytest
from closeness import approx
from numpy.typing import NDArray
from scipy.linalg import expm

import qcn_open as qcn

BELL = np.array([1.0, 0.0, 0.0, 1.0]) / math.sqrt(2.0)
X, Z = np.array([[0.0, 1.0], [1.0, 0.0]]), np.diag([1.0, -1.0])


def werner(fidelity: float) -> NDArray[np.float64]:
    ideal = np.outer(BELL, BELL)
    return fidelity * ideal + (1.0 - fidelity) / 3.0 * (np.eye(4) - ideal)


def kron(*operators: NDArray[np.float64]) -> NDArray[np.float64]:
    return reduce(np.kron, operators)


@pytest.mark.parametrize(("first", "second"), [(0.7, 0.7), (0.95, 0.95), (0.9, 0.6), (0.6, 0.9), (0.25, 0.8)])
def test_purification_of_four_qubits(first: float, second: float) -> None:
    """Qubits: halves of the kept pair, then of the measured one, node by node: (A1, B1, A2, B2)."""
    rho = np.kron(werner(first), werner(second))
    ground, excited, one = np.diag([1.0, 0.0]), np.diag([0.0, 1.0]), np.eye(2)
    cnots = (kron(ground, one, one, one) + kron(excited, one, X, one)) @ (
        kron(one, ground, one, one) + kron(one, excited, one, X)
    )
    rho = cnots @ rho @ cnots.T
    agree = kron(one, one, ground, ground) + kron(one, one, excited, excited)
    kept = (agree @ rho @ agree).reshape(4, 4, 4, 4).trace(axis1=1, axis2=3)
    success = np.trace(kept)
    fidelity, probability = qcn.purified(first, second)
    assert probability == approx(success, rel=1e-12)
    assert fidelity == approx(BELL @ kept @ BELL / success, rel=1e-12)


def test_purification_gains_above_one_half_and_leaves_two_thirds_of_a_small_infidelity() -> None:
    assert qcn.purified(0.5)[0] == approx(0.5)
    assert qcn.purified(0.51)[0] > 0.51
    assert qcn.purified(0.49)[0] < 0.49
    assert (1.0 - qcn.purified(1.0 - 1e-6)[0]) / 1e-6 == approx(2.0 / 3.0, rel=1e-5)
    assert qcn.purified(1.0) == (1.0, 1.0)


def test_purified_source() -> None:
    fidelity, success = qcn.purified(0.9)
    assert qcn.PairSource(30.0, 0.9).purified() == qcn.PairSource(15.0 * success, fidelity)
    # The first pair waits 1/R on average, in which a phase flip has the probability (1 - R/(R + s))/2.
    flip = 0.5 * 2.0 / 32.0
    stored = 0.9 * (1.0 - flip) + 0.1 / 3.0 * flip
    fidelity, success = qcn.purified(stored, 0.9)
    waited = qcn.PairSource(30.0, 0.9).purified(dephasing=2.0)
    assert waited.rate_hz == approx(15.0 * success)
    assert waited.fidelity == approx(fidelity)


@pytest.mark.parametrize(("efficiency", "excitation"), [(0.3, 0.2), (0.01, 0.05), (1.0, 0.5)])
def test_one_photon_heralding_of_a_state_vector(efficiency: float, excitation: float) -> None:
    """Two modes with up to two photons each behind a beam splitter, detectors that lose and do not count."""
    levels = 3
    lower = np.diag(np.sqrt(np.arange(1.0, levels)), 1)
    a, b = np.kron(lower, np.eye(levels)), np.kron(np.eye(levels), lower)
    splitter = expm(np.pi / 4.0 * (a.T @ b - b.T @ a))
    # Bright atoms are in 1 and their mode has a photon.
    atoms_modes = np.zeros((2, 2, levels, levels))
    for first, second in itertools.product((0, 1), repeat=2):
        amplitude = math.sqrt(excitation ** (first + second) * (1.0 - excitation) ** (2 - first - second))
        atoms_modes[first, second, first, second] = amplitude
    state = np.tensordot(atoms_modes.reshape(4, -1), splitter, axes=(1, 1)).reshape(4, levels, levels)
    dark = (1.0 - efficiency) ** np.arange(levels)
    success = fidelity = 0.0
    for sign, weights in ((1.0, np.multiply.outer(1.0 - dark, dark)), (-1.0, np.multiply.outer(dark, 1.0 - dark))):
        rho = np.einsum("apq,bpq,pq->ab", state, state, weights)
        success += np.trace(rho)
        overlaps = [np.array([0.0, 1.0, s * sign, 0.0]) / math.sqrt(2.0) for s in (1.0, -1.0)]
        fidelity += max(bell @ rho @ bell for bell in overlaps)
    source = qcn.PairSource.one_photon(1e3, efficiency, excitation)
    assert source.rate_hz == approx(1e3 * success, rel=1e-10)
    assert source.fidelity == approx(fidelity / success, rel=1e-10)


def test_two_photon_heralding() -> None:
    """Both photons arrive with the square of the efficiency, and two of four Bell states are told apart."""
    source = qcn.PairSource.two_photon(1e6, 0.02, 0.94)
    assert (source.rate_hz, source.fidelity) == (approx(200.0), 0.94)


@pytest.mark.parametrize("links", [1, 2, 9, 270])
def test_mean_wait_of_one_pair_each_is_a_harmonic_number(links: int) -> None:
    expected = sum(1.0 / k for k in range(1, links + 1)) / 20.0
    assert qcn.waiting_time((20.0,) * links) == approx(expected, rel=1e-9)


def test_mean_wait_of_unequal_links_by_inclusion_and_exclusion() -> None:
    rates = (3.0, 7.0, 20.0, 50.0)
    expected = sum(
        (-1.0) ** (size + 1) / sum(chosen) for size in range(1, 5) for chosen in itertools.combinations(rates, size)
    )
    assert qcn.waiting_time(rates) == approx(expected, rel=1e-9)
    assert qcn.waiting_time((4.0,), pairs=30) == approx(7.5, rel=1e-9)
    assert qcn.waiting_time((1e-3, 1e3)) == approx(1e3 + 1e-3 - 1.0 / 1000.001, rel=1e-9)


def test_waits_and_storage_of_simulated_tries() -> None:
    """Every try of every link, 200 000 cycles: means within four standard errors."""
    rng = np.random.default_rng(5582)
    success, trials = 1e-3, 200_000
    rates, decays = np.array([20.0, 20.0, 8.0, 35.0]), np.array([0.6, 0.9, 0.6, 2.0])
    tries = rng.geometric(success, (trials, 4))
    arrival = tries * success / rates
    last = arrival.max(axis=1)
    assert abs(qcn.waiting_time(rates) - last.mean()) < 4.0 * last.std() / math.sqrt(trials) + success / rates.min()
    stored = np.exp(-((last[:, None] - arrival) * decays).sum(axis=1))
    assert abs(qcn.storage_coherence(rates, decays) - stored.mean()) < 4.0 * stored.std() / math.sqrt(trials) + 1e-4
    share = float((last < 0.1).mean())
    expected = float(qcn.waiting_distribution(0.1, rates))
    assert abs(share - expected) < 4.0 * math.sqrt(expected * (1 - expected) / trials) + 1e-3
    several = rng.gamma(5, 1.0 / 20.0, (trials, 9)).max(axis=1)
    assert abs(qcn.waiting_time((20.0,) * 9, 5) - several.mean()) < 4.0 * several.std() / math.sqrt(trials)


def test_storage_of_equal_links_is_a_product() -> None:
    rate, decay, links = 20.0, 0.7, 9
    expected = math.prod((links - k) * rate / ((links - k) * rate + k * decay) for k in range(1, links))
    assert qcn.storage_coherence((rate,) * links, (decay,) * links) == approx(expected, rel=1e-12)
    assert qcn.storage_coherence((rate,), (decay,)) == 1.0
    # Two links: the first of them waits for the second.
    expected = (3.0 * 8.0 / (8.0 + 0.5) + 8.0 * 3.0 / (3.0 + 0.9)) / 11.0
    assert qcn.storage_coherence((3.0, 8.0), (0.5, 0.9)) == approx(expected, rel=1e-12)
    assert 0.0 < qcn.storage_coherence((20.0,) * 300, (0.01,) * 300) < 1.0


def test_storage_as_the_waiting_of_teleported_blocks() -> None:
    """Half the sum of both ends' memory dephasing is what a pair loses."""
    centre, node, rate = qcn.Gates(memory_dephasing=0.004), qcn.Gates(memory_dephasing=0.01), 20.0
    coherence = qcn.storage_coherence((rate,) * 9, (0.007,) * 9)
    waiting = -math.log(coherence) / (9 * 0.007)
    block = qcn.Teleported((centre, *[node] * 9), (1,) * 10, waiting=waiting)
    assert block.contrast(10) == approx(coherence)
    # To first order in the decay all that matters is the mean time in memory, that of the last less that of any.
    assert waiting == approx(qcn.waiting_time((rate,) * 9) - 1.0 / rate, rel=2e-3)


def test_pairs_of_a_cascade() -> None:
    prior = qcn.GaussianPrior(0.1)
    assert qcn.pairs_per_cycle(qcn.Cascade((12, 9, 5, 3), nodes=10, uncorrelated=240, prior=prior)) == 29
    assert qcn.pairs_per_cycle(qcn.Cascade((16, 13, 9, 7, 4))) == 0


def test_delays_against_the_precession_of_a_state_vector() -> None:
    """Three nodes of 1, 2 and 2 atoms that wait for the last of them to be ready."""
    atoms, ready, detunings = (1, 2, 2), (0.03, 0.0, 0.05), (2.0, -1.5, 4.0)
    state = np.zeros(32, dtype=complex)
    state[0], state[-1] = math.sqrt(0.5), 1j * math.sqrt(0.5)
    precession = [
        np.diag([1.0, np.exp(1j * detuning * (0.05 - there))])
        for size, there, detuning in zip(atoms, ready, detunings, strict=True)
        for _ in range(size)
    ]
    state = kron(*precession) @ state
    phase, variance = qcn.delay_phase(atoms, ready, (0.05,) * 3, detunings)
    assert np.angle(state[-1] / state[0]) - np.pi / 2.0 == approx(phase)
    assert variance == 0.0
    assert qcn.delay_phase(atoms, ready, ready, detunings, (qcn.Oscillator(white=3.0),) * 3) == (0.0, 0.0)


def test_noise_of_delays_against_simulated_lasers() -> None:
    """White noise of linewidth g: <phase^2> = g t, times the square of the atoms that see it in common."""
    rng = np.random.default_rng(11)
    linewidth, step, delays, atoms = 0.8, 1e-3, np.array([0.02, 0.05]), np.array([3, 5])
    lasers = (qcn.Oscillator.from_linewidth(white=linewidth),) * 2
    _, variance = qcn.delay_phase(atoms.tolist(), (0.0, 0.0), delays.tolist(), (0.0, 0.0), lasers)
    steps = rng.normal(scale=math.sqrt(linewidth * step), size=(20_000, 2, 50))
    phases = [atoms[j] * steps[:, j, : round(delays[j] / step)].sum(axis=1) for j in (0, 1)]
    measured = np.var(phases[0] + phases[1])
    assert abs(measured / variance - 1.0) < 4.0 * math.sqrt(2.0 / 20_000)
    assert variance == approx(linewidth * (9 * 0.02 + 25 * 0.05))


@pytest.mark.parametrize("flip", [0, 1])
def test_phase_of_a_path_is_undone_by_one_rotation_before_the_flip(flip: int) -> None:
    """Atoms 1_1, a and 1_2: a CNOT from 1_1 to a, a found in g or e, a rotation of 1_2, the flip undone."""
    phase = qcn.path_phase(1e10, 5e-12)
    assert phase == approx(0.1 * np.pi)
    state = np.kron([1.0, 1j], [1.0, 0.0, 0.0, np.exp(1j * phase)]) / 2.0
    cnot = np.kron(np.diag([1.0, 0.0]), np.eye(4)) + np.kron(np.diag([0.0, 1.0]), np.kron(X, np.eye(2)))
    measured = math.sqrt(2.0) * (cnot @ state).reshape(2, 2, 2)[:, flip].ravel()
    undo = np.linalg.matrix_power(X, flip)
    rotated = np.kron(np.eye(2), undo @ np.diag([1.0, np.exp(-1j * phase)])) @ measured
    assert abs(np.vdot(qcn.Ghz(2).vector(), rotated)) ** 2 == approx(1.0)
    left = np.kron(np.eye(2), undo) @ measured
    expected = [1.0, 0.0, 0.0, 1j * np.exp(1j * phase * (1 - 2 * flip))]
    assert abs(np.vdot(expected, left)) ** 2 / 2.0 == approx(1.0)


BAD: dict[str, tuple[Callable[[], object], str]] = {
    "rate 0": (lambda: qcn.PairSource(0.0), r"^PairSource rate_hz must be finite and > 0 \(Hz\), got 0\.0$"),
    "fidelity": (lambda: qcn.PairSource(1.0, -0.1), r"^PairSource fidelity must lie between 0\.25 and 1, got -0\.1$"),
    "purified": (lambda: qcn.purified(0.2), r"^fidelity of a pair must lie between 0\.25 and 1, got 0\.2$"),
    "excitation": (lambda: qcn.PairSource.one_photon(1e6, 0.1, 0.9), "^excitation probability must lie between 0 and"),
    "never clicks": (lambda: qcn.PairSource.two_photon(1e6, 0.0), r"^PairSource rate_hz must be finite and > 0"),
    "no link": (lambda: qcn.waiting_time(()), "^waiting for pairs needs at least one link, got none$"),
    "pairs": (lambda: qcn.waiting_time((1.0,), 0), "^pairs of a link must be a whole number >= 1, got 0$"),
    "dephasing": (lambda: qcn.storage_coherence((1.0, 2.0), (1.0,)), "^dephasing must be given for each of 2 links"),
    "many links": (lambda: qcn.storage_coherence(range(1, 21), (1.0,) * 20), "fewer links, or more that are equal$"),
    "too early": (
        lambda: qcn.delay_phase((1,), (0.2,), (0.1,), (0.0,)),
        r"^an interrogation cannot start before its node is ready, 0\.1 s too early$",
    ),
    "nodes": (lambda: qcn.delay_phase((1,), (0.2,), (0.2,), ()), "for every node alike, got 1, 1, 1, 0 and 1$"),
    "splitting": (lambda: qcn.path_phase(-1.0, 0.0), r"^splitting_hz must be finite and >= 0 \(Hz\), got -1\.0$"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name: str) -> None:
    call, sentence = BAD[name]
    with pytest.raises(ValueError, match=sentence):
        call()
