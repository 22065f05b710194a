"""Experiments with arrays of atoms: inputs, and the physics of their studies by brute force with NumPy alone."""

from __future__ import annotations

import csv
import itertools
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from closeness import approx
from numpy.typing import NDArray

from qcn_open import Cascade, DualQuadrature, FlatPrior, GaussianPrior, Local, bayes, study

ROOT = Path(__file__).parents[1]
NAMES = ("cao_2024", "finkelstein_2024")


def module(name: str) -> ModuleType:
    study.load(ROOT, name)
    return sys.modules[f"studies.{name}"]


@pytest.mark.parametrize("name", NAMES)
def test_every_published_number_says_where_it_stands(name: str) -> None:
    path = ROOT / "data" / "experiments" / f"{name}.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert path in study.inputs(ROOT)
    for row in rows:
        assert list(row) == ["parameter", "value", "unit", "uncertainty", "where", "citation"]
        assert all(row[column] for column in row if column != "uncertainty"), row
        assert math.isfinite(float(row["value"]))
        assert not row["uncertainty"] or float(row["uncertainty"]) > 0.0
    assert len({row["parameter"] for row in rows}) == len(rows)
    assert {row["parameter"] for row in rows} == set(module(name).PUBLISHED.index)


# --- gates ----------------------------------------------------------------------------------------------------

PAULIS = (
    np.eye(2),
    np.array([[0.0, 1.0], [1.0, 0.0]]),
    np.array([[0.0, -1j], [1j, 0.0]]),
    np.diag([1.0, -1.0]),
)


def kraus(errors: str, strength: float) -> list[NDArray[np.complex128]]:
    """Operators on two atoms; of loss the only one that keeps both."""
    if errors == "loss":
        return [(1.0 - strength) * np.eye(4, dtype=complex)]
    if errors == "phase flips":
        flips = ((math.sqrt(1.0 - strength), PAULIS[0]), (math.sqrt(strength), PAULIS[3]))
        return [
            (a * b * np.kron(one, other)).astype(complex) for (a, one), (b, other) in itertools.product(flips, flips)
        ]
    weights = [1.0 - strength, *[strength / 15.0] * 15]
    return [
        math.sqrt(weight) * np.kron(one, other).astype(complex)
        for weight, (one, other) in zip(weights, itertools.product(PAULIS, PAULIS), strict=True)
    ]


def strength_of(errors: str, fidelity: float) -> float:
    """What the study gives the gates."""
    gates = module("finkelstein_2024").gates(errors, fidelity)
    return {"depolarised": gates.depolarizing, "phase flips": gates.dephasing, "loss": gates.loss}[errors]


@pytest.mark.parametrize("errors", ["depolarised", "phase flips", "loss"])
@pytest.mark.parametrize("fidelity", [0.9, 0.9962])
def test_gates_have_the_fidelity_averaged_over_symmetric_states(errors: str, fidelity: float) -> None:
    basis = np.array([[1, 0, 0, 0], [0, math.sqrt(0.5), math.sqrt(0.5), 0], [0, 0, 0, 1]]).T
    operators = [basis.T @ operator @ basis for operator in kraus(errors, strength_of(errors, fidelity))]
    # Of a Haar-random state of d dimensions <|<K>|^2> = (|tr K|^2 + tr K K^+)/(d(d + 1)).
    average = sum(abs(np.trace(one)) ** 2 + np.trace(one @ one.conj().T).real for one in operators) / 12.0
    assert average == approx(fidelity, abs=1e-12)


@pytest.mark.parametrize("errors", ["depolarised", "phase flips", "loss"])
def test_contrast_of_four_atoms_from_three_gates_as_density_matrices(errors: str) -> None:
    size, fidelity = 4, 0.95
    operators = kraus(errors, strength_of(errors, fidelity))
    rho = np.zeros((2**size, 2**size), dtype=complex)
    for row, column in itertools.product((0, 2 ** (size - 1)), repeat=2):
        rho[row, column] = 0.5
    cnot = np.kron(np.diag([1.0, 0.0]), np.eye(2)) + np.kron(np.diag([0.0, 1.0]), PAULIS[1].real)
    for control in range(size - 1):
        whole = [
            np.kron(np.kron(np.eye(2**control), one @ cnot), np.eye(2 ** (size - control - 2))) for one in operators
        ]
        rho = sum(one @ rho @ one.conj().T for one in whole)
    contrast = 2.0 * abs(rho[0, -1])
    made = Local(module("finkelstein_2024").gates(errors, fidelity))
    assert made.contrast(size) == approx(contrast, abs=1e-12)


def test_a_bell_state_of_2022_has_the_published_fidelity() -> None:
    cao = module("cao_2024")
    fidelity = float(cao.PUBLISHED["value"]["bell_fidelity_2022"])
    ket = np.zeros(4, dtype=complex)
    ket[[0, 3]] = math.sqrt(0.5)
    operators = kraus("depolarised", 1.25 * (1.0 - fidelity))
    rho = sum(one @ np.outer(ket, ket.conj()) @ one.conj().T for one in operators)
    assert (ket.conj() @ rho @ ket).real == approx(fidelity, abs=1e-12)
    assert cao.GATES["as in 2022"].contrast(2) == approx(2.0 * abs(rho[0, 3]), abs=1e-12)


# --- estimates ------------------------------------------------------------------------------------------------


def enumerated_error(
    blocks: list[tuple[int, float, int, float]], density: NDArray[np.float64], phases: NDArray[np.float64]
) -> float:
    """RMS wrapped error of the mean direction of the posterior, summed over all outcomes.

    `blocks` holds size, angle, copies and contrast; the number of + outcomes of each is what is seen.
    """
    weights = density / density.sum()
    square = 0.0
    for seen in itertools.product(*(range(copies + 1) for _, _, copies, _ in blocks)):
        likelihood = np.ones_like(phases)
        for number, (size, angle, copies, contrast) in zip(seen, blocks, strict=True):
            plus = 0.5 * (1.0 + contrast * np.cos(size * phases - angle))
            likelihood *= math.comb(copies, number) * plus**number * (1.0 - plus) ** (copies - number)
        joint = weights * likelihood
        estimate = np.angle(joint @ np.exp(1j * phases))
        wrapped = np.angle(np.exp(1j * (phases - estimate)))
        square += float(joint @ wrapped**2)
    return math.sqrt(square)


def circle(points: int = 4096) -> NDArray[np.float64]:
    return -np.pi + 2.0 * np.pi * (np.arange(points) + 0.5) / points


def wrapped_gaussian(phases: NDArray[np.float64], variance: float) -> NDArray[np.float64]:
    turns = 2.0 * np.pi * np.arange(-6, 7)
    return np.asarray(np.exp(-((phases[:, None] + turns) ** 2) / (2.0 * variance)).sum(axis=1))


@pytest.mark.parametrize("gates", ["perfect", "as in 2022"])
@pytest.mark.parametrize(("size", "variance"), [(1, 0.16), (4, 0.01), (4, 0.04), (8, 0.01)])
def test_error_of_one_size_is_that_of_its_enumerated_outcomes(gates: str, size: int, variance: float) -> None:
    cao = module("cao_2024")
    cascade = cao._blocks(size, 32, variance, gates, cao.OneQuadrature())
    phases = circle()
    contrast = cao.GATES[gates].contrast(size)
    expected = enumerated_error([(size, 0.5 * np.pi, 32 // size, contrast)], wrapped_gaussian(phases, variance), phases)
    rms, error = bayes.expected_error(cascade, 4000, np.random.default_rng(1))
    assert rms == approx(expected, abs=5.0 * error + 1e-9)


@pytest.mark.parametrize("prior_rad", [0.5, math.inf])
def test_error_of_a_cascade_in_two_quadratures_is_that_of_its_enumerated_outcomes(prior_rad: float) -> None:
    phases = circle(1024)
    variance = prior_rad**2
    density = wrapped_gaussian(phases, variance) if prior_rad < math.inf else np.ones_like(phases)
    prior = GaussianPrior(variance) if prior_rad < math.inf else FlatPrior()
    blocks = [(size, angle, 2, 1.0) for size in (1, 2, 4) for angle in (0.0, 0.5 * np.pi)]
    expected = enumerated_error(blocks, density, phases)
    rms, error = bayes.expected_error(
        Cascade((4, 4, 4), readout=DualQuadrature(), prior=prior), 4000, np.random.default_rng(2)
    )
    assert rms == approx(expected, abs=5.0 * error)
    table = study.read(ROOT, "finkelstein_2024")
    rows = table[(table["quantity"] == "rms_rad") & (table["allocation"] == "cascade") & (table["errors"] == "none")]
    rows = rows[(rows["readout"] == "two quadratures") & (rows["prior_rad"] == prior_rad)]
    (low,), (high,) = rows["predicted_low"].tolist(), rows["predicted_high"].tolist()
    # The interval of 95 %, widened to five standard errors.
    assert abs(expected - 0.5 * (low + high)) < 5.0 / 1.96 * 0.5 * (high - low)


@pytest.mark.parametrize("prior_rad", [0.1, 0.5, math.inf])
def test_floor_of_the_blocks_by_integration_over_phases(prior_rad: float) -> None:
    phases = circle(2048)
    density = wrapped_gaussian(phases, prior_rad**2) if prior_rad < math.inf else np.ones_like(phases)
    density /= density.sum()
    excited = np.array([sum(bits) for bits in itertools.product((0, 4), (0, 2), (0, 1))])
    kets = np.exp(1j * np.outer(phases, excited)) / math.sqrt(8.0)
    averaged = (kets * (density * np.exp(1j * phases))[:, None]).T @ kets.conj()
    floor = math.acos(min(float(np.linalg.svd(averaged, compute_uv=False).sum()), 1.0))
    table = study.read(ROOT, "finkelstein_2024")
    rows = table[(table["atoms"] == 7) & (table["prior_rad"] == prior_rad)]
    (ratio,) = rows[rows["quantity"] == "state_over_floor"]["predicted"].tolist()
    (best,) = rows[rows["quantity"] == "floor_rad"]["predicted"].tolist()
    assert ratio * best == approx(floor, rel=1e-6)
    assert ratio >= 1.0 - 1e-3


def test_no_readout_is_better_than_the_floor_of_its_blocks_and_no_blocks_than_that_of_any_probe() -> None:
    table = study.read(ROOT, "finkelstein_2024")
    for prior_rad, rows in table.groupby("prior_rad"):
        if prior_rad == module("finkelstein_2024").KNOWN_RAD:
            assert len(rows) > 20
        (floor,) = rows[(rows["quantity"] == "floor_rad") & (rows["atoms"] == 28)]["predicted"].tolist()
        (ratio,) = rows[(rows["quantity"] == "state_over_floor") & (rows["atoms"] == 28)]["predicted"].tolist()
        errors = rows[rows["quantity"] == "rms_rad"]
        assert (errors["predicted"] > floor).all()
        assert (errors[errors["allocation"] == "cascade"]["predicted"] > ratio * floor).all()


# --- clocks ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("noise", "power"), [("white", -0.5), ("flicker", 0.0), ("random walk", 1.0 / 6.0)])
def test_gain_of_many_blocks_follows_the_law_of_the_noise(noise: str, power: float) -> None:
    cao = module("cao_2024")
    # With still more atoms phases beyond a quarter turn, which one quadrature mistakes, would be what is left.
    alone, blocks = (cao._best(noise, 0.0, 1024, size, "perfect") for size in (1, 4))
    assert math.sqrt(alone.noise / blocks.noise) == approx(4.0**power, rel=0.02)


def test_fringe_of_four_atoms_averaged_over_the_phase_of_the_laser() -> None:
    cao = module("cao_2024")
    table = study.read(ROOT, "cao_2024")
    # The stray phase of one atom is that which the study allows.
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    for size in (1, 2, 4, 8):
        coherence = np.exp(1j * size * cao.STRAY * nodes) @ weights / weights.sum()
        rows = table[(table["quantity"] == "fringe_contrast") & (table["block_atoms"] == size)]
        assert rows["predicted"].tolist() == approx([abs(coherence)], rel=1e-6)


def test_closed_loop_under_white_noise_with_a_loop_of_its_own() -> None:
    """Arcsine instead of a posterior, no oscillator but independent phases: the same gain of blocks of four."""
    cao = module("cao_2024")
    rng = np.random.default_rng(5)
    noise = {}
    for size in (1, 4):
        operation = cao._best("white", 0.0, 32, size, "perfect")
        chains, cycles, copies = 400, 640, 32 // size
        correction = np.zeros(chains)
        errors = np.empty((cycles, chains))
        for cycle in range(cycles):
            phase = rng.normal(0.0, math.sqrt(operation.time), chains) - correction
            plus = rng.binomial(copies, 0.5 * (1.0 + np.sin(size * phase)))
            estimate = np.arcsin(2.0 * plus / copies - 1.0) / size
            # An estimate with the prior's weight steers as the posterior mean does.
            prior = operation.cascade.prior.variance
            estimate *= prior / (prior + 1.0 / (size * 32))
            errors[cycle] = estimate - phase
            correction += operation.gain * estimate
        means = errors[cycles // 2 :].reshape(-1, 64, chains).mean(axis=1)
        noise[size] = float(means.var()) * 64.0 / operation.time
    gain = math.sqrt(noise[1] / noise[4])
    rows = study.read(ROOT, "cao_2024").query("quantity == 'simulated_gain' and noise == 'white'")
    assert rows["predicted"].tolist() == approx([gain], rel=0.1)


def test_no_clock_left_its_fringe() -> None:
    table = study.read(ROOT, "cao_2024")
    assert (table[table["quantity"] == "cycles_off_the_fringe"]["predicted"] == 0.0).all()


def test_closed_loops_have_the_noise_of_the_budget() -> None:
    """White noise leaves an average over so few cycles below it, a random walk above it."""
    rows = study.read(ROOT, "cao_2024").query("quantity == 'simulated_over_budget'")
    flicker = rows[rows["noise"] == "flicker"]
    assert len(flicker) == 4
    assert flicker["predicted"].between(0.95, 1.05).all()
    assert rows["predicted"].between(0.85, 1.3).all()
