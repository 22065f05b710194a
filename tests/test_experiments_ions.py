"""What the studies of published experiments say, from density matrices, distributions and a loop of NumPy alone."""

from __future__ import annotations

import csv
import math
from functools import reduce
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from closeness import approx
from numpy.typing import NDArray

from qcn_open import Oscillator, study

ROOT = Path(__file__).parents[1]
STUDIES = ("kielinski_2024", "nichol_2022", "schulte_2020")
Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

X = np.array([[0, 1], [1, 0]], dtype=complex)
Y = np.array([[0, -1j], [1j, 0]])


def kron(*matrices: Complex) -> Complex:
    return np.asarray(reduce(np.kron, matrices))


def entry(table: pd.DataFrame, column: str, **where: object) -> float:
    for name, value in where.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return float(table[column].iloc[0])


@pytest.mark.parametrize("name", STUDIES)
def test_every_published_number_says_where_it_stands(name: str) -> None:
    path = ROOT / "data" / "experiments" / f"{name}.csv"
    assert path in study.inputs(ROOT)
    with path.open(newline="") as file:
        entries = list(csv.DictReader(file))
    assert list(entries[0]) == ["parameter", "value", "unit", "uncertainty", "where", "citation"]
    for row in entries:
        assert math.isfinite(float(row["value"]))
        assert row["where"].startswith(("abstract", "introduction"))
        assert "20" in row["citation"]


# --- Two ions --------------------------------------------------------------------------------------------------------


def readings(state: Complex, angles: tuple[float, float]) -> Real:
    """Probabilities of the four pairs of signs if each ion is read along cos(angle) X + sin(angle) Y."""
    found = []
    for signs in product((1, -1), repeat=2):
        effects = [
            0.5 * (np.eye(2) + sign * (math.cos(angle) * X + math.sin(angle) * Y))
            for sign, angle in zip(signs, angles, strict=True)
        ]
        found.append(np.trace(kron(*effects) @ state).real)
    return np.array(found)


def turned(state: Complex, first: float, second: float) -> Complex:
    turn = kron(np.diag([1, np.exp(1j * first)]), np.diag([1, np.exp(1j * second)]))
    return np.asarray(turn @ state @ turn.conj().T)


def uncertainty(state: Complex) -> float:
    """Least uncertainty of the difference of phases over the readout angles of both ions."""
    step, best = 1e-5, 0.0
    for difference, total in product(np.linspace(0.013, 2 * np.pi, 61), np.linspace(0.0, np.pi, 13)):
        angles = 0.5 * (total + difference), 0.5 * (total - difference)
        ahead, behind = (readings(turned(state, sign * step / 4, -sign * step / 4), angles) for sign in (1, -1))
        probabilities = 0.5 * (ahead + behind)
        best = max(best, float(np.sum(((ahead - behind) / step) ** 2 / np.maximum(probabilities, 1e-9))))
    return 1.0 / math.sqrt(best)


@pytest.mark.parametrize("variance", [0.0, 0.5, 1.0, 100.0])
def test_two_ions_that_share_a_noisy_laser(variance: float) -> None:
    one = 0.5 * np.ones((2, 2), dtype=complex)
    excited = np.array([0, 1, 1, 2])
    damping = np.exp(-0.5 * variance * (excited[:, None] - excited) ** 2)
    table = study.read(ROOT, "nichol_2022")
    expected = entry(table, "uncertainty_rad", part="laser", scheme="two ions", at=variance)
    assert uncertainty(kron(one, one) * damping) == approx(expected, rel=3e-3)


@pytest.mark.parametrize(
    ("error", "contrast"), [("phase flips", 0.92), ("white", (4 * 0.96 - 1) / 3), ("level flips", 0.96)]
)
def test_pair_of_fidelity_096(error: str, contrast: float) -> None:
    pair = np.zeros(4, dtype=complex)
    pair[[1, 2]] = math.sqrt(0.5)
    wanted = np.outer(pair, pair)
    flip = kron(np.eye(2, dtype=complex), X)
    phase = np.diag([1, 1, -1, -1]).astype(complex)
    others = {
        "phase flips": phase @ wanted @ phase,
        "white": (np.eye(4) - wanted) / 3,
        "level flips": 0.5 * flip @ wanted @ flip + 0.5 * phase @ flip @ wanted @ flip @ phase,
    }
    state = 0.96 * wanted + 0.04 * others[error]
    table = study.read(ROOT, "nichol_2022")
    expected = entry(table, "uncertainty_rad", part="pair", scheme=error, at=0.96)
    assert expected == approx(1 / contrast, rel=1e-9)
    assert uncertainty(state) == approx(expected, rel=3e-3)


# --- GHZ states that emit --------------------------------------------------------------------------------------------


def emitted(state: Complex, atoms: int, time: float) -> Complex:
    kept = math.exp(-time)
    kraus = np.array([[1, 0], [0, math.sqrt(kept)]]), np.array([[0, math.sqrt(1 - kept)], [0, 0]])
    for atom in range(atoms):
        before, after = np.eye(2**atom), np.eye(2 ** (atoms - atom - 1))
        state = sum(kron(before, k, after) @ state @ kron(before, k, after).conj().T for k in kraus)
    return state


@pytest.mark.parametrize("atoms", [1, 2, 3, 4])
def test_veto_and_parity_of_a_decaying_ghz_state(atoms: int) -> None:
    """Outcomes counted: both signs of the superposition and the veto; or the parity of all atoms along X."""
    table = study.read(ROOT, "kielinski_2024")
    rows = table[(table["part"] == "atoms") & (table["atoms"] == atoms)].set_index("scheme")
    for scheme in ("veto, unbalanced", "veto, balanced", "parity"):
        time, weight = rows.loc[scheme, "time_s"], rows.loc[scheme, "excited_weight"]
        ket = np.zeros(2**atoms, dtype=complex)
        ket[0], ket[-1] = math.sqrt(1 - weight), 1j * math.sqrt(weight)
        state = emitted(np.outer(ket, ket.conj()), atoms, time)
        signs = [np.zeros(2**atoms, dtype=complex) for _ in range(2)]
        for sign, vector in zip((1, -1), signs, strict=True):
            vector[0], vector[-1] = math.sqrt(0.5), sign * math.sqrt(0.5)
        effects = [np.outer(vector, vector.conj()) for vector in signs]
        effects.append(np.eye(2**atoms) - sum(effects))
        if scheme == "parity":
            parity = kron(*[X] * atoms)
            effects = [0.5 * (np.eye(2**atoms) + sign * parity) for sign in (1, -1)]
        excited = np.diag([float(bin(index).count("1")) for index in range(2**atoms)])
        slope = 1j * (excited @ state - state @ excited)
        information = 0.0
        for effect in effects:
            probability = np.trace(effect @ state).real
            change = time * np.trace(effect @ slope).real
            information += change**2 / probability if probability > 1e-12 else 0.0
        gain = 10 * math.log10(information / time * math.e / atoms)
        assert gain == approx(float(rows.loc[scheme, "gain_db"]), abs=1e-6)


@pytest.mark.parametrize("atoms", [4, 40])
def test_no_time_and_no_weight_beat_the_best_ones(atoms: int) -> None:
    time, weight = np.meshgrid(np.geomspace(0.2, 5.0, 400) / atoms, np.linspace(0.3, 0.95, 400))
    kept = np.exp(-time)
    extreme = 1 - weight + weight * (kept**atoms + (1 - kept) ** atoms)
    rate = 4 * atoms**2 * time * weight * (1 - weight) * kept**atoms / extreme
    table = study.read(ROOT, "kielinski_2024")
    best = entry(table, "gain_db", part="atoms", scheme="veto, unbalanced", atoms=atoms)
    assert 10 * math.log10(rate.max() * math.e / atoms) == approx(best, abs=1e-3)
    assert 10 * math.log10(rate.max() * math.e / atoms) <= best + 1e-9


def test_squeezed_spins_that_emit_gain_as_their_moments_say() -> None:
    """Four atoms: spin operators, one-axis twist and emission by matrices, moments of the state that is left."""
    atoms, table = 4, study.read(ROOT, "kielinski_2024")
    time = entry(table, "time_s", part="atoms", scheme="squeezed", atoms=atoms)

    def spin(one: Complex) -> Complex:
        return np.asarray(
            sum(0.5 * kron(np.eye(2**atom), one, np.eye(2 ** (atoms - atom - 1))) for atom in range(atoms))
        )

    z = np.diag(spin(np.diag([1.0 + 0j, -1.0])))
    sx, sy = spin(X), spin(Y)
    best = 0.0
    for twist in np.linspace(0.2, 1.2, 51):
        ket = np.exp(-0.5j * twist * z**2) / 4.0
        for angle in np.linspace(0.0, np.pi, 181):
            values, vectors = np.linalg.eigh(sx)
            turned_ket = vectors @ (np.exp(-1j * angle * values) * (vectors.conj().T @ ket))
            length = (turned_ket.conj() @ sx @ turned_ket).real
            variance = (turned_ket.conj() @ sy @ sy @ turned_ket).real
            kept = math.exp(-time)
            best = max(best, time * kept * length**2 / (kept * variance + (1 - kept) * atoms / 4))
            if twist == approx(0.6) and angle == approx(math.pi / 2, abs=0.01):
                state = emitted(np.outer(turned_ket, turned_ket.conj()), atoms, time)
                assert np.trace(state @ sx).real == approx(math.sqrt(kept) * length)
                assert np.trace(state @ sy @ sy).real == approx(kept * variance + (1 - kept) * atoms / 4)
    expected = entry(table, "gain_db", part="atoms", scheme="squeezed", atoms=atoms)
    assert 10 * math.log10(best * math.e / atoms) == approx(expected, abs=5e-3)


# --- Squeezing and dead time -----------------------------------------------------------------------------------------


def test_gain_of_squeezing_depends_on_the_laser_only_through_the_dead_time() -> None:
    table = study.read(ROOT, "schulte_2020")
    now = table[(table["laser"] == "now") & (table["dead_time_s"] == 0.1)]
    better = table[(table["laser"] == "ten times better") & (table["dead_time_s"] == 1.0)]
    assert better["gain_db"].to_numpy() == approx(now["gain_db"].to_numpy(), rel=1e-6)


def moments(atoms: int, twist: float) -> tuple[float, float, float]:
    """Length, mean square along the spin and least variance across, from the amplitudes of the Dicke states."""
    m = np.arange(atoms + 1) - atoms / 2
    logs = np.array(
        [math.lgamma(atoms + 1) - math.lgamma(k + 1) - math.lgamma(atoms - k + 1) for k in range(atoms + 1)]
    )
    ket = np.exp(0.5 * (logs - atoms * math.log(2))) * np.exp(-0.5j * twist * m**2)
    up = np.sqrt(atoms / 2 * (atoms / 2 + 1) - m[:-1] * (m[:-1] + 1))
    raising = np.zeros((atoms + 1, atoms + 1))
    raising[np.arange(1, atoms + 1), np.arange(atoms)] = up
    jx, jy, jz = 0.5 * (raising + raising.T), -0.5j * (raising - raising.T), np.diag(m)

    def mean(operator: Complex) -> float:
        return float((ket.conj() @ operator @ ket).real)

    y, z, both = mean(jy @ jy), mean(jz @ jz), mean(jy @ jz + jz @ jy)
    return mean(jx), mean(jx @ jx), 0.5 * (y + z - math.hypot(y - z, both))


@pytest.mark.slow
@pytest.mark.parametrize(("atoms", "squeezed"), [(50, False), (50, True), (200, True), (1000, False)])
def test_clock_in_closed_loop_has_the_stability_of_the_study(atoms: int, squeezed: bool) -> None:
    """A loop cycle by cycle: flicker noise in steps of half a second, dead time of one step, an integrator of 1/2.

    What the servo has not yet corrected when the record ends is taken off: of flicker noise it decays as slowly as
    the logarithm over the root of the averaging time.
    """
    table = study.read(ROOT, "schulte_2020")
    where = {"laser": "now", "dead_time_s": 0.5, "atoms": atoms}
    name = "squeezed" if squeezed else "coherent"
    expected = entry(table, f"sigma_y_{name}", **where)
    length, along, across = moments(atoms, entry(table, "twist_rad", **where) if squeezed else 0.0)
    steps = round(entry(table, f"time_{name}_s", **where) / 0.5)
    time, gain, cycles, frequency = 0.5 * steps, 0.5, 2**15, 429228004229872.99
    rng = np.random.default_rng(1)
    laser = Oscillator.from_flicker_floor(4e-17, frequency)
    record = laser.frequencies(cycles * (steps + 1), 0.5, rng=rng).reshape(cycles, steps + 1)
    seen, whole, noise = record[:, :steps].mean(axis=1), record.mean(axis=1), rng.standard_normal(cycles)
    phases, corrected = np.empty(cycles), np.empty(cycles)
    correction, slope = 0.0, 1.0 / length
    for cycle in range(cycles):
        phase = time * (seen[cycle] - correction)
        spread = math.cos(phase) ** 2 * across + math.sin(phase) ** 2 * (along - length**2)
        estimate = slope * (length * math.sin(phase) + math.sqrt(spread) * noise[cycle])
        phases[cycle], corrected[cycle] = phase, whole[cycle] - correction - estimate / time
        correction += gain * estimate / time
        if cycle == 1000:  # From here on the estimate follows the phase with the factor one, over its distribution.
            slope = 1.0 / (length * math.exp(-0.5 * np.var(phases[100:1000])))
    assert np.abs(phases[1001:]).max() < math.pi
    means = corrected[1024:].reshape(-1, 32).mean(axis=1)
    deviation = math.sqrt(0.5 * np.mean(np.diff(means) ** 2) * 32 * (time + 0.5)) / (2 * math.pi * frequency)
    assert deviation == approx(expected, rel=0.08)
