"""The cascade against plain NumPy: sampled outcomes, estimates of every kind, and the errors that are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from closeness import approx
from numpy.typing import NDArray
from references import parity_fisher_fixed_angle
from scipy import stats
from scipy.stats import chi2

import qcn_open as qcn
import qcn_open.cascade

Real = NDArray[np.float64]

# Var of the phase of a laser of white noise with T = 0.3/gamma_LO, steered with the gain 0.1 (2 gamma_LO T/(2 - g)).
LASER = qcn.GaussianPrior(2.0 * 0.3 / 1.9)
PAPER = qcn.Cascade((12,) * 6, readout=qcn.DualQuadrature(), estimator=qcn.Bitwise())
NETWORK = qcn.Cascade((12, 9, 5, 3), nodes=10, uncorrelated=240, prior=LASER)
SMALL = qcn.Cascade((3, 2), nodes=2, uncorrelated=5, coherence=0.9, survival=0.8)
CASCADES = {
    "flat": qcn.Cascade((16, 13, 9, 7, 4)),
    "dual": qcn.Cascade((12, 7, 5), readout=qcn.DualQuadrature()),
    "network": NETWORK,
    "decohered": replace(NETWORK, coherence=0.995),
    "seen": replace(NETWORK, coherence=0.995, survival=0.99),
    "random": replace(NETWORK, readout=qcn.MultiAngle(loss="random", phase=0.3), survival=0.995),
    "dark": qcn.Cascade((7, 5, 3), uncorrelated=9, readout=qcn.MultiAngle("dark", None, 0.02), survival=0.6),
    "a gap": qcn.Cascade((0, 6, 0, 4), nodes=3, uncorrelated=80, prior=qcn.GaussianPrior(0.5)),
    "atoms": qcn.Cascade(uncorrelated=100, coherence=0.9),
    "no single atoms": qcn.Cascade((9, 5), nodes=3, prior=qcn.GaussianPrior(0.02), coherence=0.95),
    "a sharp prior": qcn.Cascade((5, 5, 5), nodes=4, uncorrelated=6, prior=qcn.GaussianPrior(1e-4)),
}


def wrapped(angle: Real) -> Real:
    return np.angle(np.exp(1j * angle))


def fringes(cascade: qcn.Cascade, size: int, angle: float, phase: Real) -> tuple[Real, Real, float]:
    """P(+) and P(-) of a block that is read, and the probability that it is, written down anew."""
    right = 1.0 - 2.0 * cascade.readout.detection_error
    contrast, constant, read = (right * cascade.coherence) ** size, 0.0, 1.0
    if cascade.readout.loss == "seen":
        read = cascade.survival**size
    else:
        contrast *= cascade.survival**size
    if cascade.readout.loss == "dark":
        constant = (right * (1.0 - cascade.survival)) ** size
    mean = constant + contrast * np.cos(size * phase - angle)
    return (1.0 + mean) / 2.0, (1.0 - mean) / 2.0, read


def channels(cascade: qcn.Cascade) -> list[tuple[int, float, int]]:
    """Size, angle and number of blocks of every channel."""
    return [
        (level.size, float(angle), int(copies))
        for level in cascade.levels
        for angle, copies in zip(level.angles, level.copies, strict=True)
    ]


def posterior_mean(cascade: qcn.Cascade, outcome: NDArray[np.int64], predicted: float = 0.0) -> float:
    """By summation over far more phases than there are atoms."""
    phase = predicted + np.linspace(-np.pi, np.pi, 30011, endpoint=False)
    log = cascade.prior.log_density(phase - predicted)
    for (size, angle, _), (plus, minus) in zip(channels(cascade), outcome, strict=True):
        p, q, _ = fringes(cascade, size, angle, phase)
        log = log + plus * np.log(np.maximum(p, 1e-300)) + minus * np.log(np.maximum(q, 1e-300))
    mean = np.sum(np.exp(log - log.max()) * np.exp(1j * (phase - predicted)))
    return float(predicted + np.angle(mean))


def estimates(cascade: qcn.Cascade, outcomes: NDArray[np.int64], predicted: float) -> Real:
    """With a predicted phase: as the loop of a clock asks for them."""
    from qcn_open.kernels.cascade import estimate

    tables = cascade.tables()
    return np.array([estimate(tables, outcome, predicted) for outcome in outcomes])


@pytest.mark.parametrize("cascade", CASCADES.values(), ids=CASCADES)
@pytest.mark.parametrize("predicted", [0.0, 2.7, -41.234])
def test_joint_estimate_is_the_mean_direction_of_the_posterior(cascade: qcn.Cascade, predicted: float) -> None:
    """To 1e-6 of the least error: the circle is fine enough, and nothing of the posterior lies outside the window."""
    rng = np.random.default_rng(4)
    phases = predicted + cascade.prior.sample(10, rng)
    outcomes = cascade.sample(phases, rng)
    found = estimates(cascade, outcomes, predicted)
    expected = np.array([posterior_mean(cascade, outcome, predicted) for outcome in outcomes])
    scale = 1.0 / math.sqrt(sum(level.information for level in cascade.levels))
    # Between the points of the circle the logarithm of a Gaussian prior is taken straight.
    tolerance = 1e-6 if predicted == 0.0 or isinstance(cascade.prior, qcn.FlatPrior) else 3e-4
    assert np.abs(wrapped(found - expected)).max() < tolerance * scale
    assert (np.abs(found - predicted) <= np.pi * (1.0 + 1e-12)).all()
    if predicted == 0.0:
        np.testing.assert_array_equal(cascade.estimate(outcomes), found)


TRIED = np.pi * np.arange(64) / 64


class Adaptive:
    """Angles fed forward, on one dense grid of the whole circle with the prior around a predicted phase."""

    def __init__(self, cascade: qcn.Cascade, predicted: float) -> None:
        self.cascade, self.predicted = cascade, predicted
        self.grid = predicted + 2.0 * np.pi * np.arange(1440) / 1440 - np.pi
        self.batches = [(size, copies) for size, _, copies in channels(cascade)]
        firsts = np.cumsum([0, *(len(level.copies) for level in cascade.levels)])
        # Level by level from the largest, the channels of each in their order.
        self.order = [c for a, b in reversed(list(pairwise(firsts.tolist()))) for c in range(a, b)]
        self.prior = np.exp(cascade.prior.log_density(self.grid - predicted))

    def angle(self, size: int, weight: Real) -> float:
        """That of the largest expected sharpness; the first of those that promise as much."""
        signs = np.array([fringes(self.cascade, size, angle, self.grid)[:2] for angle in TRIED])
        sharpness = np.abs(signs @ (weight / weight.sum() * np.exp(1j * size * self.grid))).sum(axis=1)
        return float(TRIED[np.argmax(np.round(sharpness, 10))])

    def estimate(self, outcome: NDArray[np.int64]) -> float:
        weight = self.prior
        for channel in self.order:
            plus, minus = outcome[channel]
            if plus + minus > 0:
                size = self.batches[channel][0]
                p, q, _ = fringes(self.cascade, size, self.angle(size, weight), self.grid)
                weight = weight * p**plus * q**minus
                weight = weight / weight.max()
        return self.predicted + float(np.angle(weight @ np.exp(1j * (self.grid - self.predicted))))

    def chances(self, phase: float) -> dict[tuple[int, ...], float]:
        """Of all outcomes at a phase: the numbers of + in the order in which blocks are read, none of them lost."""
        found: dict[tuple[int, ...], float] = {}

        def follow(outcome: tuple[int, ...], weight: Real, chance: float) -> None:
            if len(outcome) == len(self.order):
                found[outcome] = chance
                return
            size, copies = self.batches[self.order[len(outcome)]]
            angle = self.angle(size, weight)
            p, q, _ = fringes(self.cascade, size, angle, self.grid)
            here = float(fringes(self.cascade, size, angle, np.array(phase))[0])
            for plus in range(copies + 1):
                follow(
                    (*outcome, plus),
                    weight * p**plus * q ** (copies - plus),
                    chance * stats.binom.pmf(plus, copies, here),
                )

        follow((), self.prior, 1.0)
        return found


NARROW = qcn.GaussianPrior(0.2)
FORWARD = {
    "flat": qcn.Cascade((5, 4, 3), readout=qcn.FedForward()),
    "narrow": qcn.Cascade((5, 4, 3), readout=qcn.FedForward(), coherence=0.9, prior=NARROW),
    "loss seen": qcn.Cascade((5, 4, 3), readout=qcn.FedForward(), survival=0.8, prior=NARROW),
    "dark": qcn.Cascade((5, 3), uncorrelated=4, readout=qcn.FedForward("dark", None, 0.02), survival=0.7, prior=NARROW),
    "nodes": qcn.Cascade((3, 2), nodes=3, uncorrelated=8, readout=qcn.FedForward(), coherence=0.95, prior=NARROW),
    "many atoms": qcn.Cascade(uncorrelated=130, readout=qcn.FedForward(), coherence=0.6, prior=NARROW),
}


@pytest.mark.parametrize("name", FORWARD)
@pytest.mark.parametrize("predicted", [0.0, 2.7, -41.234])
def test_estimate_at_angles_fed_forward(name: str, predicted: float) -> None:
    """Outcomes drawn in the same loop, at phases spread as the prior is around the predicted one."""
    from qcn_open.kernels.cascade import sample
    from qcn_open.kernels.random import state_from

    cascade, rng = FORWARD[name], np.random.default_rng(6)
    tables, state = cascade.tables(), state_from(rng)
    outcomes = np.zeros((20, len(tables.channels), 2), dtype=np.int64)
    for phase, outcome in zip(predicted + cascade.prior.sample(20, rng), outcomes, strict=True):
        sample(state, tables, float(phase), predicted, outcome)
    reference = Adaptive(cascade, predicted)
    expected = np.array([reference.estimate(outcome) for outcome in outcomes])
    assert np.abs(wrapped(estimates(cascade, outcomes, predicted) - expected)).max() < 1e-9
    if predicted == 0.0:
        np.testing.assert_array_equal(cascade.estimate(outcomes), estimates(cascade, outcomes, predicted))


@pytest.mark.parametrize("predicted", [0.0, 0.9, -7.4])
@pytest.mark.parametrize(
    "cascade",
    [
        qcn.Cascade((3, 2), readout=qcn.FedForward(), coherence=0.9, prior=NARROW),
        qcn.Cascade((2,), nodes=3, uncorrelated=3, readout=qcn.FedForward(), coherence=0.95, prior=NARROW),
    ],
)
def test_signs_at_angles_fed_forward(cascade: qcn.Cascade, predicted: float) -> None:
    """Frequencies of all outcomes at a phase half a standard deviation above the predicted one."""
    from qcn_open.kernels.cascade import sample
    from qcn_open.kernels.random import state_from

    reference, trials = Adaptive(cascade, predicted), 40_000
    tables, state = cascade.tables(), state_from(np.random.default_rng(7))
    counts = np.zeros((len(tables.channels), 2), dtype=np.int64)
    seen = dict.fromkeys(chances := reference.chances(predicted + 0.22), 0)
    for _ in range(trials):
        sample(state, tables, predicted + 0.22, predicted, counts)
        seen[tuple(counts[reference.order, 0].tolist())] += 1
    assert math.fsum(chances.values()) == approx(1.0)
    shown, expected = np.array(list(seen.values())), trials * np.array(list(chances.values()))
    assert stats.chisquare(shown, expected * trials / expected.sum()).pvalue > 1e-4
    # The outcomes at the phase on the other side of the prediction are others.
    other = trials * np.array(list(reference.chances(predicted - 0.22).values()))
    assert stats.chisquare(shown, other * trials / other.sum()).pvalue < 1e-10


def test_copies_that_are_read_together() -> None:
    """Up to 48 one by one, 130 three at a time."""
    (level,) = qcn.Cascade((48,), readout=qcn.FedForward()).levels
    assert level.copies.tolist() == [1] * 48
    (level,) = FORWARD["many atoms"].levels
    assert level.copies.tolist() == [3] * 43 + [1]


def test_what_was_lost_tells_nothing() -> None:
    cascade = replace(NETWORK, survival=0.9)
    nothing = np.zeros((1, len(channels(cascade)), 2), dtype=np.int64)
    for estimator in (qcn.Joint(), qcn.Bitwise(), qcn.Bitwise(qcn.MaximumLikelihood())):
        found = estimates(replace(cascade, estimator=estimator), nothing, 5.0)[0]
        assert found == approx(5.0, rel=1e-6)
    # The largest blocks lost: the estimate is that of the rest.
    outcome = cascade.sample(np.array([0.4]), np.random.default_rng(3))
    outcome[:, -3:] = 0
    smaller = replace(cascade, copies=(12, 9, 5), estimator=qcn.Bitwise())
    assert replace(cascade, estimator=qcn.Bitwise()).estimate(outcome) == approx(smaller.estimate(outcome[:, :-3]))


def literal_bits(phases: Real) -> tuple[float, bool]:
    """Phi from the phases of levels of size 1, 2, 4, ..., as the paper writes it, and whether all bits are clear."""
    psi = np.mod(np.array(phases) + np.pi * (np.arange(len(phases)) == 0), 2.0 * np.pi)
    ratio = (2.0 * psi[:-1] - psi[1:]) / (2.0 * np.pi)
    fraction = sum(bit / 2.0 ** (j + 1) for j, bit in enumerate(np.rint(ratio))) - 0.5
    phase = wrapped(2.0 * np.pi * fraction + psi[-1] / 2.0 ** (len(phases) - 1))
    return float(phase), bool(np.abs(ratio - np.rint(ratio)).max() < 0.5 - 1e-9)


@pytest.mark.parametrize("cascade", [PAPER, replace(PAPER, readout=qcn.MultiAngle())], ids=["dual", "multi-angle"])
def test_bitwise_estimate_is_that_of_the_bits(cascade: qcn.Cascade) -> None:
    rng = np.random.default_rng(5)
    outcomes = cascade.sample(cascade.prior.sample(2000, rng), rng)
    compared = 0
    for outcome, found in zip(outcomes, cascade.estimate(outcomes), strict=True):
        signs = outcome[:, 0] - outcome[:, 1]
        waves = np.concatenate([np.exp(1j * level.angles) for level in cascade.levels])
        harmonics = (signs * waves).reshape(len(cascade.levels), -1).sum(axis=1)
        expected, clear = literal_bits(np.angle(harmonics))
        # Signs that cancel have no phase, and half a turn is rounded either way.
        if clear and np.abs(harmonics).min() > 1e-9:
            assert abs(wrapped(found - expected)) < 1e-9
            compared += 1
    assert compared > 1000


@pytest.mark.parametrize("loss", ["seen", "dark"])
@pytest.mark.parametrize("kind", [qcn.MultiAngle, qcn.DualQuadrature])
def test_arctan2_is_that_of_a_fringe_fitted_to_the_signs(kind: type[qcn.Fringes], loss: qcn.readouts.Loss) -> None:
    """Whatever blocks are left at each angle, and with the constant that dark atoms add."""
    cascade = qcn.Cascade(uncorrelated=31, readout=kind(loss, 0.4), estimator=qcn.Bitwise(), survival=0.6)
    rng = np.random.default_rng(10)
    outcomes = cascade.sample(cascade.prior.sample(200, rng), rng)
    angles = cascade.levels[0].angles
    for outcome, found in zip(outcomes, cascade.estimate(outcomes), strict=True):
        signs = np.repeat([1.0, -1.0], outcome.sum(axis=0)) - (0.4 if loss == "dark" else 0.0)
        at = np.concatenate([np.repeat(angles, outcome[:, side]) for side in (0, 1)])
        x, y = np.linalg.lstsq(np.stack([np.cos(at), np.sin(at)], axis=1), signs)[0]
        assert abs(wrapped(found - np.arctan2(y, x))) < 1e-9


def likelihoods(level: qcn.Level, outcome: NDArray[np.int64], phase: Real) -> Real:
    """Logarithm, up to a constant, at phases of the level."""
    mean = level.contrast * np.cos(phase - level.angles[:, None])
    plus, minus = outcome.T
    return plus @ np.log(1.0 + mean) + minus @ np.log(1.0 - mean)


def test_levels_of_maximum_likelihood_with_lost_blocks_and_unequal_steps() -> None:
    """From the uncorrelated atoms to blocks of ten the step is ten, and the last level's phase is its most likely."""
    estimator = qcn.Bitwise(qcn.MaximumLikelihood())
    cascade = replace(NETWORK, estimator=estimator, coherence=0.99, survival=0.995)
    rng = np.random.default_rng(6)
    outcomes = cascade.sample(cascade.prior.sample(80, rng), rng)
    circle = np.linspace(-np.pi, np.pi, 20001)
    edges = np.cumsum([len(level.angles) for level in cascade.levels])[:-1]
    for outcome, found in zip(outcomes, cascade.estimate(outcomes), strict=True):
        parts = np.split(outcome, edges)
        logs = [likelihoods(level, part, circle) for level, part in zip(cascade.levels, parts, strict=True)]
        single, *larger = (float(circle[np.argmax(log)]) for log in logs)
        unwrapped = 10.0 * single
        unwrapped += wrapped(larger[0] - unwrapped)
        for phase in larger[1:]:
            unwrapped = 2.0 * unwrapped + wrapped(phase - 2.0 * unwrapped)
        # Of equally high maxima of the last level rounding takes one.
        highest = likelihoods(cascade.levels[-1], parts[-1], np.array([80.0 * found]))[0] > logs[-1].max() - 1e-6
        assert highest
        assert abs(found - unwrapped / 80.0) < 1e-5 or np.sum(logs[-1] > logs[-1].max() - 1e-6) > 1


@pytest.mark.parametrize("loss", ["seen", "random", "dark"])
def test_outcomes_are_those_of_a_density_operator(loss: qcn.readouts.Loss) -> None:
    """Sampled counts against atoms that are evolved and measured one by one; false alarm 1e-6 a case."""
    noise, time, phase = (qcn.Dephasing(0.8), qcn.TrapLoss(0.5)), 0.4, 0.7
    readout = qcn.MultiAngle(loss, 0.2, 0.03)
    cascade = qcn.Cascade((1, 1), uncorrelated=2, readout=readout).decohered(noise, time)
    sizes = (2, 1, 1, 1)
    assert [(size, copies) for size, _, copies in channels(cascade)] == [(1, 1), (1, 1), (1, 1), (2, 1)]
    tangent = qcn.QutipDense().evolve(qcn.Ramsey(qcn.Product({2: 1, 1: 3}), noise, time, phase))
    # Two uncorrelated atoms at the angles 0 and pi/2, one at 0, and the block of two at 0, all turned by 0.2.
    expected = readout.dense_probabilities(tangent, 0.2 + np.array([0.0, 0.0, 0.5 * np.pi, 0.0])).value
    trials = 400_000
    outcomes = cascade.sample(np.full(trials, phase), np.random.default_rng(7))[:, [3, 0, 1, 2]]
    sign = np.where(outcomes[:, :, 0] == 1, 0, np.where(outcomes[:, :, 1] == 1, 1, 2))
    number = sign @ 3 ** np.arange(len(sizes))[::-1]
    observed = np.bincount(number, minlength=81)
    expected = np.pad(expected, (0, 81 - len(expected)))
    present = expected > 1e-12
    assert observed[~present].sum() == 0
    statistic = np.sum((observed - trials * expected)[present] ** 2 / (trials * expected[present]))
    assert statistic < chi2.isf(1e-6, present.sum() - 1)


def test_counts_of_many_atoms_are_binomial() -> None:
    """Of every channel of the coarse stage, lost atoms included; false alarm 1e-6."""
    cascade, phase, trials = replace(NETWORK, coherence=0.9, survival=0.95), -0.4, 20_000
    outcomes = cascade.sample(np.full(trials, phase), np.random.default_rng(8))[:, :24]
    statistic, freedom = 0.0, 0
    for number, (size, angle, copies) in enumerate(channels(cascade)[:24]):
        plus, _, read = fringes(cascade, size, angle, np.array(phase))
        for outcome, probability in enumerate((read * plus, read * (1.0 - plus))):
            k = np.arange(copies + 1)
            law = np.array([math.comb(copies, i) for i in k]) * probability**k * (1.0 - probability) ** (copies - k)
            seen = np.bincount(outcomes[:, number, outcome], minlength=copies + 1)
            common = trials * law > 5.0
            statistic += np.sum((seen - trials * law)[common] ** 2 / (trials * law[common]))
            freedom += int(common.sum())
    assert statistic < chi2.isf(1e-6, freedom)


@pytest.mark.parametrize("loss", ["seen", "random", "dark"])
@pytest.mark.parametrize("kind", [qcn.MultiAngle, qcn.DualQuadrature])
def test_information_of_a_cascade_is_that_of_its_probe(kind: type[qcn.Fringes], loss: qcn.readouts.Loss) -> None:
    """The fringes sampled here, and those that `cfi` derives from jump operators."""
    noise, time = (qcn.Dephasing(0.03), qcn.TrapLoss(0.02), qcn.SpontaneousEmission(0.01)), 0.7
    cascade = qcn.Cascade((7, 5, 2), nodes=3, uncorrelated=30, readout=kind(loss, 0.1, 0.01)).decohered(noise, time)
    for phase in (0.3, -2.0):
        expected = 0.0
        for level in cascade.levels:
            for angle, copies in zip(level.angles, level.copies, strict=True):
                x = level.size * phase - angle
                mean = level.constant + level.contrast * np.cos(x)
                slope = level.size * level.contrast * np.sin(x)
                expected += copies * level.present * slope**2 / (1.0 - mean**2)
        model = qcn.Ramsey(cascade.probe(), noise, time, phase)
        assert qcn.cfi(model, cascade.readout) / time**2 == approx(expected)
        assert qcn.cfi(model, cascade.readout) <= qcn.qfi(model)
        if loss != "dark":
            average = sum(level.information for level in cascade.levels)
            assert expected == approx(average, rel=0.1)


@pytest.mark.parametrize("contrast", [0.3, 0.9, 0.999])
def test_equally_spaced_angles_have_the_average_information(contrast: float) -> None:
    rate = -2.0 * math.log(contrast) / 6
    for phase in (0.0, 0.04, 1.0):
        model = qcn.Ramsey(qcn.Product({6: 240}), qcn.Dephasing(rate), 1.0, phase)
        # 240 copies share 24 angles; what they leave of the phase is ((1 - sqrt(1 - V^2))/V)^48 of it.
        left = 2.0 * ((1.0 - math.sqrt(1.0 - contrast**2)) / contrast) ** 48 + 1e-9
        expected = 240 * 36 * parity_fisher_fixed_angle(contrast)
        assert qcn.cfi(model, qcn.MultiAngle()) == approx(expected, rel=left)
    level = qcn.Cascade((0, 0, 50), coherence=contrast**0.25, prior=LASER).levels[0]
    assert level.information == approx(50 * 16 * parity_fisher_fixed_angle(contrast))
    dark = qcn.Level(1, np.zeros(1), np.ones(1, dtype=np.int64), 0.4, 0.3, 1.0)
    x = 2.0 * np.pi * np.arange(1000) / 1000
    assert dark.information == approx(np.mean(0.16 * np.sin(x) ** 2 / (1.0 - (0.3 + 0.4 * np.cos(x)) ** 2)))


def test_angles_tell_a_phase_from_its_opposite() -> None:
    phase = np.linspace(0.0, np.pi, 999)
    for copies in (1, 2, 5, 18, 24):
        factor = np.prod(np.abs(np.sin(phase[:, None] - qcn.MultiAngle().angles(copies))), axis=1)
        np.testing.assert_allclose(factor, 2.0 ** (1 - copies) * np.abs(np.sin(copies * phase)), atol=1e-12)
    shared = np.unique(qcn.MultiAngle().angles(240), return_counts=True)
    np.testing.assert_allclose(shared[0], np.pi * np.arange(24) / 24)
    assert (shared[1] == 10).all()
    np.testing.assert_allclose(qcn.DualQuadrature(phase=0.5).angles(3), 0.5 + np.array([0.0, 0.5 * np.pi, 0.0]))
    # The five of 29 copies that share an angle with another are apart from one another.
    twice = np.flatnonzero(np.unique(qcn.MultiAngle().angles(29), return_counts=True)[1] == 2)
    assert len(twice) == 5
    assert np.diff(twice).min() >= 4


def test_a_readout_at_several_angles_of_what_is_no_product_of_blocks_is_refused() -> None:
    model = qcn.Ramsey(qcn.Product({2: 1, 1: 2}), qcn.Dephasing(0.3), 0.4)
    with pytest.raises(ValueError, match=r"^MultiAngle of 3 blocks can't be read from a tensor network"):
        qcn.cfi(model, qcn.MultiAngle(), qcn.QuimbMPO())
    with pytest.raises(ValueError, match=r"^DualQuadrature of 4 blocks can't be read from a permutation-symmetric"):
        qcn.cfi(qcn.Ramsey(qcn.CoherentSpin(4), qcn.Dephasing(0.3), 0.4), qcn.DualQuadrature(), qcn.Symmetric())
    alone = qcn.Ramsey(qcn.Ghz(4), qcn.Dephasing(0.3), 0.4, 0.2)
    for backend in (qcn.QuimbMPO(), qcn.Symmetric(), qcn.QutipDense()):
        assert qcn.cfi(alone, qcn.MultiAngle(), backend) == approx(qcn.cfi(alone, qcn.Parity(phase=0.0)), rel=1e-7)


def test_cascade_of_the_paper_errs_twelve_times_more_than_its_law() -> None:
    """n0 = 12, M = 6, two quadratures, level by level: 0.104 rad; the law says (8/pi) sqrt(ln 756)/756 = 0.0087."""
    assert PAPER.atoms == 756
    assert PAPER.rms_error(10**6, np.random.default_rng(1)) == approx(0.104, rel=0.05)


@pytest.mark.slow
def test_known_errors_of_joint_estimation() -> None:
    rng = np.random.default_rng(2)
    assert 0.030 <= round(qcn.Cascade((18, 14, 10, 6, 4)).rms_error(10**6, rng), 3) <= 0.033
    assert qcn.Cascade((16, 13, 9, 7, 4)).rms_error(10**6, rng) == approx(0.0295, rel=0.02)


@pytest.mark.slow
def test_gain_of_a_network_over_uncorrelated_atoms() -> None:
    """N = 1000, K = 10, T = 0.3/gamma_LO: 4.39 by the joint estimator."""
    assert NETWORK.atoms == 980
    assert 4.3 < 1.0 / math.sqrt(1000) / NETWORK.rms_error(10**6, np.random.default_rng(3)) < 4.45


def test_gain_of_a_network_level_by_level() -> None:
    """In the same place more than 2.3, where the Gaussian budget of the paper promises 4.0."""
    rng = np.random.default_rng(3)
    by_level = qcn.Cascade((24, 24), 10, 280, estimator=qcn.Bitwise(qcn.MaximumLikelihood()), prior=LASER)
    assert by_level.atoms == 1000
    assert 2.3 < 1.0 / math.sqrt(1000) / by_level.rms_error(200_000, rng) < 2.8


def test_the_likelihood_must_know_the_decohered_contrast() -> None:
    """Half of the contrast of 80 atoms left: who does not know it errs 10 % more, and by any two priors alike."""
    cascade = replace(NETWORK, coherence=0.5 ** (1.0 / 80.0))
    rng = np.random.default_rng(9)
    phases = cascade.prior.sample(40_000, rng)
    outcomes = cascade.sample(phases, rng)
    error, unaware = (
        np.sqrt(np.mean(wrapped(one.estimate(outcomes) - phases) ** 2))
        for one in (cascade, replace(cascade, coherence=1.0))
    )
    assert unaware > 1.1 * error


def test_results_follow_from_the_seed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = SMALL.rms_error(5000, np.random.default_rng(11))
    assert SMALL.rms_error(5000, np.random.default_rng(12)) != expected
    monkeypatch.setattr(qcn_open.cascade, "_CHUNK", 777)
    assert SMALL.rms_error(5000, np.random.default_rng(11)) == approx(expected, rel=1e-12)
    phases = np.linspace(-3.0, 3.0, 50)
    first, second = (SMALL.sample(phases, np.random.default_rng(11)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_rms_error_is_that_of_sampled_estimates() -> None:
    rng = np.random.default_rng(13)
    phases = SMALL.prior.sample(40_000, rng)
    errors = wrapped(SMALL.estimate(SMALL.sample(phases, rng)) - phases)
    spread = np.std(errors**2) / np.sqrt(len(errors))
    # Five standard errors of each: false alarm below 1e-6.
    assert abs(SMALL.rms_error(40_000, rng) ** 2 - np.mean(errors**2)) < 5.0 * np.sqrt(2.0) * spread


def test_parts_of_a_cascade() -> None:
    assert [level.size for level in CASCADES["a gap"].levels] == [1, 6, 24]
    assert qcn.Cascade((4, 2), uncorrelated=3).probe() == qcn.Product({1: 7, 2: 2})
    assert qcn.Cascade([4, 2]) == qcn.Cascade((4, 2))
    assert qcn.Cascade((4, 2)).decohered((), 1.0) == qcn.Cascade((4, 2))
    decohered = qcn.Cascade((4, 2)).decohered((qcn.Dephasing(0.3), qcn.TrapLoss(0.2)), 0.5)
    assert decohered.coherence == approx(math.exp(-0.075))
    assert decohered.survival == approx(math.exp(-0.1))


class LossOfExcited(qcn.Noise):
    """Only atoms in e are lost."""

    def jumps(self) -> tuple[NDArray[np.complex128], ...]:
        return (np.array([[0, 0, 0], [0, 0, 0], [0, 1, 0]], dtype=complex),)


class Guess(qcn.Estimator):
    """No estimator that there are tables for."""


BAD: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "no atoms": (lambda: qcn.Cascade(), ValueError, "^Cascade needs at least one block or one uncorrelated atom$"),
    "no copies": (lambda: qcn.Cascade((0, 0)), ValueError, "at least one block"),
    "negative copies": (lambda: qcn.Cascade((3, -1)), ValueError, r"copies\[1\] must be a whole number >= 0, got -1"),
    "half a copy": (lambda: qcn.Cascade((3, 1.5)), ValueError, r"copies\[1\] must be a whole number >= 0, got 1.5"),
    "copies no tuple": (lambda: qcn.Cascade(12), TypeError, r"^Cascade copies must be .* got 12$"),
    "too many atoms": (lambda: qcn.Cascade((1,) * 60), ValueError, "^Cascade atoms must be at most 1e"),
    "nodes": (lambda: qcn.Cascade((3,), nodes=0), ValueError, "^Cascade nodes must be a whole number >= 1, got 0$"),
    "uncorrelated": (lambda: qcn.Cascade((3,), uncorrelated=-2), ValueError, "^Cascade uncorrelated must be .* >= 0"),
    "parity": (lambda: qcn.Cascade((3,), readout=qcn.Parity()), TypeError, r"readout must be a Fringes such as Multi"),
    "estimator": (lambda: qcn.Cascade((3,), estimator="joint"), TypeError, "estimator must be a Estimator such as"),
    "prior": (lambda: qcn.Cascade((3,), prior=0.3), TypeError, r"prior must be a Prior such as FlatPrior\(\), got 0.3"),
    "coherence": (lambda: qcn.Cascade((3,), coherence=1.1), ValueError, "coherence must lie between 0 and 1, got 1.1"),
    "no coherence": (lambda: qcn.Cascade((3,), coherence=0.0), ValueError, "coherence must be > 0"),
    "survival": (lambda: qcn.Cascade((3,), survival=np.nan), ValueError, "survival must lie between 0 and 1, got nan"),
    "open modulo 2 pi/K": (lambda: qcn.Cascade((3,), nodes=10), ValueError, "knows the phase modulo 2 pi/10 only: "),
    "open modulo pi": (lambda: qcn.Cascade((0, 3)), ValueError, "blocks of 2 atoms and more knows the phase modulo"),
    "rule": (lambda: qcn.Cascade((3,), estimator=Guess()).tables(), TypeError, "must be Joint"),
    "sharp prior": (
        lambda: replace(NETWORK, prior=qcn.GaussianPrior(1e-14)).tables(),
        ValueError,
        r"Joint\(\) sums the posterior over at most 1048576 phases",
    ),
    "level phase": (
        lambda: qcn.Bitwise("arctan2"),
        TypeError,
        r"Bitwise phase must be Arctan2\(\) or .* got 'arctan2'",
    ),
    "phases": (lambda: SMALL.sample(np.ones((2, 2)), np.random.default_rng(1)), ValueError, "one-dimensional array"),
    "nan": (lambda: SMALL.sample([np.nan], np.random.default_rng(1)), ValueError, "array of finite numbers"),
    "outcomes": (
        lambda: SMALL.estimate(np.zeros((3, 2), dtype=int)),
        ValueError,
        r"\(trials, 10, 2\), got int64 of shape \(3, 2",
    ),
    "half outcomes": (lambda: SMALL.estimate(np.zeros((3, 10, 2))), ValueError, "must be whole numbers .* got float64"),
    "outcomes of others": (lambda: SMALL.estimate(np.ones((1, 10, 2), dtype=int)), ValueError, "nor more at an angle"),
    "no trials": (lambda: SMALL.rms_error(0, np.random.default_rng(1)), ValueError, "^trials must be a whole number"),
    "noise": (lambda: SMALL.decohered("dephasing", 1.0), TypeError, "must be a noise"),
    "common noise": (lambda: SMALL.decohered(qcn.PhaseDiffusion(1.0), 1.0), ValueError, "common to all atoms"),
    "unequal loss": (lambda: SMALL.decohered(LossOfExcited(), 1.0), ValueError, "loses atoms in g and in e"),
    "negative time": (lambda: SMALL.decohered((), -1.0), ValueError, r"time must be finite and >= 0 \(s\), got -1.0"),
}


@pytest.mark.parametrize(("call", "error", "sentence"), BAD.values(), ids=BAD)
def test_bad_input(call: Callable[[], object], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        call()
