"""Budgets against plain Monte Carlo, published numbers and limits."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from closeness import approx

from qcn_open import Bitwise, Cascade, DualQuadrature, FlatPrior, GaussianPrior, MaximumLikelihood, MultiAngle
from qcn_open.budgets import (
    Budget,
    bitwise_error,
    confusion,
    exact_dual,
    exact_multiangle,
    paper_gaussian,
    rms_error,
    windings,
)

Real = np.ndarray


# --- The root: a cascade sampled with NumPy, angle by angle ---------------------------------------------


def readout_angles(copies: int, readout: str) -> Real:
    return np.arange(copies) % 2 * np.pi / 2 if readout == "dual" else np.pi * np.arange(copies) / copies


def direction(theta: Real, copies: int, readout: str, contrast: float, rng: np.random.Generator) -> Real:
    """arctan2 of a least-squares fit to the signs of every single copy; nan where they show none."""
    angles = readout_angles(copies, readout)
    signs = np.where(rng.random((copies, len(theta))) < 0.5 + 0.5 * contrast * np.cos(theta - angles[:, None]), 1, -1)
    design = np.array([np.cos(angles), np.sin(angles)])
    x, y = np.linalg.solve(design @ design.T, design @ signs)
    return np.where(np.hypot(x, y) > 1e-9, np.arctan2(y, x), np.nan)


def unwrapped_error(levels: list[tuple[int, int]], phase: Real, readout: str, coherence: float, seed: int) -> Real:
    rng, predicted = np.random.default_rng(seed), np.zeros(len(phase))
    for size, copies in levels:
        theta = direction(size * phase, copies, readout, coherence**size, rng)
        moved = theta + 2 * np.pi * np.round((size * predicted - theta) / (2 * np.pi))
        predicted = np.where(np.isnan(theta), predicted, moved / size)
    return np.angle(np.exp(1j * (predicted - phase)))


CASES = {
    "dual": (Cascade((8, 6, 4), readout=DualQuadrature()), 1.0),
    "multiangle": (Cascade((9, 7, 4)), 1.0),
    "odd": (Cascade((7, 5, 3), readout=DualQuadrature()), 1.0),
    "decohered": (Cascade((9, 7, 4), coherence=0.93), 1.0),
    "random loss": (Cascade((8, 6, 4), readout=DualQuadrature(loss="random"), survival=0.95), 1.0),
    "nodes": (Cascade((6, 4), nodes=3, uncorrelated=40, readout=DualQuadrature(), prior=GaussianPrior(0.4)), 0.4),
    "many angles": (Cascade((6, 4), nodes=3, uncorrelated=40, prior=GaussianPrior(0.4)), 0.4),
    "no single atoms": (Cascade((6, 4), nodes=5, prior=GaussianPrior(0.05)), 0.05),
}


@pytest.mark.parametrize("name", CASES)
def test_bitwise_error_is_that_of_samples(name: str) -> None:
    cascade, variance = CASES[name]
    trials, rng = 60_000, np.random.default_rng(1)
    phase = rng.uniform(-np.pi, np.pi, trials)
    if isinstance(cascade.prior, GaussianPrior):
        phase = rng.normal(0.0, math.sqrt(variance), trials)
    levels = [(1, cascade.uncorrelated)] * (cascade.uncorrelated > 0)
    levels += [(cascade.nodes << j, n) for j, n in enumerate(cascade.copies)]
    readout = "dual" if isinstance(cascade.readout, DualQuadrature) else "multi"
    errors = unwrapped_error(levels, phase, readout, cascade.coherence * cascade.survival, seed=2)
    squares = errors**2
    # A false alarm in 15000, were the 8 of them new at every run.
    assert abs(bitwise_error(cascade).rms ** 2 - squares.mean()) < 4.5 * squares.std() / math.sqrt(trials)


def test_the_published_cascade() -> None:
    """n0 = 12, M = 6, two quadratures, level by level: twelve times the printed law."""
    error = bitwise_error(Cascade((12,) * 6, readout=DualQuadrature(), estimator=Bitwise()))
    assert error.rms == approx(0.104, rel=0.05)
    assert error.rounding[0] == 0.0
    assert error.rounding[-1] == approx(error.rounding[3], rel=1e-3)
    printed = 8.0 / math.pi * math.sqrt(math.log(756)) / 756
    assert 11.0 < error.rms / printed < 13.0


def test_one_level_by_hand() -> None:
    """Two copies at right angles: four directions, each 3/4 likely to be within a quarter turn on average."""
    signs = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]])
    phase = 2 * np.pi * np.arange(400) / 400
    chance = np.prod(0.5 + 0.5 * signs * np.stack([np.cos(phase), np.sin(phase)], -1)[:, None], axis=-1)
    away = np.angle(np.exp(1j * (np.arctan2(signs[:, 1], signs[:, 0]) - phase[:, None])))
    expected = (chance * away**2).sum(axis=1).mean()
    assert bitwise_error(Cascade((2,), readout=DualQuadrature())).rms ** 2 == approx(expected, rel=1e-3)


def test_seen_loss_is_a_copy_less() -> None:
    """One block of two that is missing with probability 1 - s leaves a cascade of the other."""
    readout = DualQuadrature(loss="seen")
    lossy = bitwise_error(Cascade((4,), readout=readout, survival=1e-9))
    assert lossy.rms**2 == approx(math.pi**2 / 3, rel=1e-3)  # nothing read: the prediction 0 stays
    assert bitwise_error(Cascade((4,), readout=readout, survival=1.0 - 1e-12)).rms == approx(
        bitwise_error(Cascade((4,), readout=readout)).rms, rel=1e-6
    )


def test_rms_error_by_estimator() -> None:
    cascade = Cascade((16, 13, 9, 7, 4))
    assert rms_error(cascade) == approx(0.0295, rel=0.03)
    assert rms_error(Cascade(cascade.copies, estimator=Bitwise())) == bitwise_error(cascade).rms
    with pytest.raises(ValueError, match=r"by sampling only: call cascade\.rms_error"):
        rms_error(Cascade((4,), estimator=Bitwise(MaximumLikelihood())))


# --- Opposite phases ------------------------------------------------------------------------------------


def test_confusion_as_published() -> None:
    dual, multi = confusion(12, DualQuadrature()), confusion(12, MultiAngle())
    assert dual.likelihood == approx(6.0e-4, rel=0.02)
    assert multi.likelihood == approx(2.2e-5, rel=0.02)
    gaussian = math.erfc(math.pi * math.sqrt(12) / 2 / math.sqrt(2))
    assert gaussian == approx(5.3e-8, rel=0.01)
    assert dual.likelihood_worst == approx(2.34e-3, rel=0.01)
    assert multi.likelihood_worst == approx(3.7e-5, rel=0.01)


@pytest.mark.parametrize(("readout", "rate"), [(DualQuadrature(), math.log(2) / 2), (MultiAngle(), math.log(2))])
def test_confusion_decays_at_the_chernoff_rate(readout: DualQuadrature | MultiAngle, rate: float) -> None:
    few, many = (confusion(n, readout).likelihood_worst for n in (8, 12))
    assert math.log(few / many) / 4 == approx(rate, rel=0.15)


@pytest.mark.parametrize("contrast", [1.0, 0.8])
@pytest.mark.parametrize("readout", ["dual", "multi"])
def test_confusion_is_that_of_samples(readout: str, contrast: float) -> None:
    trials, rng, copies = 300_000, np.random.default_rng(3), 6
    theta = rng.uniform(-np.pi, np.pi, trials)
    found = confusion(copies, DualQuadrature() if readout == "dual" else MultiAngle(), contrast)
    away = np.cos(direction(theta, copies, readout, contrast, rng) - theta)
    wrong = np.where(np.isnan(away) | (np.abs(away) < 1e-9), 0.5, away < 0)
    assert abs(found.direction - wrong.mean()) < 4.5 * math.sqrt(found.direction / trials)
    angles = readout_angles(copies, readout)
    fringe = contrast * np.cos(theta - angles[:, None])
    signs = np.where(rng.random(fringe.shape) < 0.5 + 0.5 * fringe, 1, -1)
    ratio = np.log((1 + signs * fringe) / (1 - signs * fringe)).sum(axis=0)
    wrong = np.where(np.abs(ratio) < 1e-9, 0.5, ratio < 0)
    assert abs(found.likelihood - wrong.mean()) < 4.5 * math.sqrt(found.likelihood / trials)


# --- Named budgets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("atoms", "scaled"), [(1e2, 2.639), (1e3, 2.592)])
def test_paper_gaussian_at_its_optimum(atoms: float, scaled: float) -> None:
    budget = paper_gaussian(atoms)
    assert budget.rms_error * atoms / math.sqrt(math.log(atoms)) == approx(scaled, rel=2e-4)


def test_paper_gaussian_asymptotically() -> None:
    budget = paper_gaussian(1e60)
    log = math.log(1e60)
    assert budget.rms_error * 1e60 / math.sqrt(log) == approx(8 / math.pi, rel=3e-3)
    assert budget.copies[0] / log == approx(16 / math.pi**2, rel=0.02)


def test_paper_gaussian_wants_a_coarse_stage() -> None:
    """(4/pi^2) K^2 ln N make its errors as large as the rest; half as many more, cheap if N is large, negligible."""
    budget = paper_gaussian(1e12, nodes=10)
    assert 4 / math.pi**2 < budget.uncorrelated / (100 * math.log(1e12)) < 6 / math.pi**2
    assert paper_gaussian(1000, 10, coherence=0.999).rms_error > paper_gaussian(1000, 10).rms_error


@pytest.mark.parametrize(("find", "readout"), [(exact_dual, DualQuadrature()), (exact_multiangle, MultiAngle())])
def test_exact_budgets_are_feasible_and_best_nearby(
    find: Callable[[int], Budget], readout: DualQuadrature | MultiAngle
) -> None:
    budget = find(60)
    assert sum(int(n) << j for j, n in enumerate(budget.copies)) <= 60
    cascade = Cascade(budget.copies, readout=readout, estimator=Bitwise())
    assert budget.rms_error == rms_error(cascade)
    assert budget.rms_error > paper_gaussian(60).rms_error
    for copies in ((12, 9, 7), (8, 8, 8), (16, 12, 5), (20, 20)):
        assert budget.rms_error <= 1.02 * rms_error(Cascade(copies, readout=readout, estimator=Bitwise()))


def test_exact_budget_over_nodes() -> None:
    budget = exact_dual(1000, 10, prior=GaussianPrior(0.32))
    used = budget.uncorrelated + 10 * sum(int(n) << j for j, n in enumerate(budget.copies))
    assert used == 1000
    assert 2.0 < 1.0 / (budget.rms_error * math.sqrt(1000)) < 4.0


# --- Windings -------------------------------------------------------------------------------------------


def slips_of_samples(atoms: int, ratio: int, variance: float, readout: str, uses: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    phase, tracked = np.zeros((2, uses))
    for _ in range(ratio):
        step = rng.normal(0.0, math.sqrt(variance), uses)
        phase += step
        tracked += np.nan_to_num(direction(step, atoms, readout, 1.0, rng))
    read = direction(phase, atoms, readout, 1.0, rng)
    moved = read + 2 * np.pi * np.round((tracked - read) / (2 * np.pi))
    return float((np.abs(np.nan_to_num(moved - phase)) > np.pi).mean())


@pytest.mark.parametrize(("atoms", "readout"), [(8, "dual"), (10, "dual"), (10, "multi")])
def test_slips_are_those_of_samples(atoms: int, readout: str) -> None:
    found = windings((atoms, atoms), (5, 1), 0.16, DualQuadrature() if readout == "dual" else MultiAngle())
    uses = 200_000
    sampled = slips_of_samples(atoms, 5, 0.16, readout, uses, seed=4)
    # Independence of the errors from the sum of their phases, and coarse cells of the lattice: 3 %.
    assert abs(found.slips[1] - sampled) < 4.5 * math.sqrt(found.slips[1] / uses) + 0.03 * found.slips[1]


def test_slips_as_published() -> None:
    """Later ensembles, whose phases are anywhere: 1.0e-5 and 1.1e-9 a use at 20 and 40 atoms."""
    for atoms, slips in ((20, 1.0e-5), (40, 1.1e-9)):
        found = windings((atoms,) * 3, (5, 5, 1), 0.16, DualQuadrature())
        assert found.slips[2] == approx(slips, rel=0.06)
        assert windings((atoms,) * 3, (5, 5, 1), 0.16, MultiAngle()).slips[2] < found.slips[2] / 3


def test_many_angles_on_the_lattice_and_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from qcn_open import budgets

    exact = windings((13, 13), (4, 1), 0.2, MultiAngle())
    monkeypatch.setattr(budgets, "_MOST_ANGLES", 5)
    assert windings((13, 13), (4, 1), 0.2, MultiAngle()).slips[1] == approx(exact.slips[1], rel=0.1)


def test_residual_variance() -> None:
    """r errors of the variance 1.5/n, if there are many atoms."""
    assert windings((200,), (4,), 0.1, MultiAngle()).residual_variance == approx(4 * 1.5 / 200, rel=0.03)
    decohered = windings((200,), (4,), 0.1, MultiAngle(), coherence=0.5**4).residual_variance
    # x^2 has the variance 1/2 - V^2/8 a copy, the mean V/2.
    assert decohered == approx(4 * (0.5 - 0.25 / 8) / (200 * 0.25 / 4), rel=0.06)


def test_a_laser_alone_slips_by_the_tail_of_a_gaussian() -> None:
    found = windings((), (), 0.8, MultiAngle())
    assert found.slips == approx((math.erfc(math.pi / math.sqrt(1.6)),))
    assert found.residual_variance == 0.8
    assert windings((50,), (3,), 0.8, MultiAngle()).slips_per_cycle > 3 * found.slips[0]


BAD = {
    "few atoms": (lambda: paper_gaussian(7), "at least 8 atoms a node, got 7 atoms at 1 nodes"),
    "nodes": (lambda: exact_dual(15, 10), "15 atoms are too few .* take 22"),
    "many angles": (lambda: confusion(20, MultiAngle()), "can't enumerate 20 copies"),
    "ratios": (lambda: windings((20, 20), (5,), 0.1, MultiAngle()), "one ratio for each ensemble, got 2 and 1"),
    "variance": (lambda: windings((20,), (5,), -0.1, MultiAngle()), r"step_variance .* \(rad\^2\)"),
    "lost blocks at many angles": (
        lambda: bitwise_error(Cascade((20,), survival=0.9, prior=FlatPrior())),
        "can't count blocks that lost an atom",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name: str) -> None:
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()
