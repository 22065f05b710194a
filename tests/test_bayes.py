"""Expected errors against enumerated outcomes, and floors against dense states, written anew."""

from __future__ import annotations

import math
from functools import reduce
from itertools import product

import numpy as np
import pytest
from closeness import approx
from numpy.typing import NDArray

import qcn_open as qcn
from qcn_open import bayes

GRID = 2.0 * np.pi * np.arange(3600) / 3600 - np.pi
NARROW = qcn.GaussianPrior(0.3)


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def blocks(cascade: qcn.Cascade) -> list[tuple[int, int]]:
    """(size, copies), the largest blocks first."""
    levels = [(1, cascade.uncorrelated), *((cascade.nodes << j, copies) for j, copies in enumerate(cascade.copies))]
    return [(size, copies) for size, copies in levels[::-1] if copies]


def chances(cascade: qcn.Cascade, size: int, angle: float) -> list[NDArray[np.float64]]:
    """Probabilities of +, - and missing on the grid."""
    lost = 1.0 - cascade.survival**size
    contrast, dark, missing = cascade.coherence**size, 0.0, 0.0
    if cascade.readout.loss == "seen":
        missing = lost
    else:
        contrast *= 1.0 - lost
        dark = (1.0 - cascade.survival) ** size if cascade.readout.loss == "dark" else 0.0
    fringe = contrast * np.cos(size * GRID - angle)
    flat = np.ones_like(GRID)
    return [(1 - missing) * (1 + dark + fringe) / 2, (1 - missing) * (1 - dark - fringe) / 2, missing * flat]


def density(prior: qcn.Prior) -> NDArray[np.float64]:
    weights = np.ones_like(GRID)
    if isinstance(prior, qcn.GaussianPrior):
        turns = 2.0 * np.pi * np.arange(-3, 4)
        weights = np.exp(-((GRID[:, None] + turns) ** 2) / (2.0 * prior.variance)).sum(axis=1)
    return weights / weights.sum()


def square(joint: NDArray[np.float64]) -> float:
    """Weighted square of the wrapped error of the mean direction, outcome and phase drawn together."""
    direction = np.angle((joint * np.exp(1j * GRID)).sum())
    return float((joint * np.angle(np.exp(1j * (GRID - direction))) ** 2).sum())


def enumerated(cascade: qcn.Cascade) -> float:
    """RMS error (rad) from all outcomes of all blocks, read at fixed angles."""
    readings = []
    for size, copies in blocks(cascade):
        readings += [chances(cascade, size, angle) for angle in cascade.readout.angles(copies)]
    return math.sqrt(sum(square(density(cascade.prior) * np.prod(outcome, axis=0)) for outcome in product(*readings)))


def fed_forward(cascade: qcn.Cascade) -> float:
    """The same for angles that maximise the expected sharpness, one block after the other."""
    order = [size for size, copies in blocks(cascade) for _ in range(copies)]

    def follow(posterior: NDArray[np.float64], number: int) -> float:
        if number == len(order):
            return square(posterior)
        size = order[number]
        wave = np.exp(1j * size * GRID)
        tried = np.pi * np.arange(64) / 64
        sharpness = [
            sum(abs((posterior * chance * wave).sum()) for chance in chances(cascade, size, angle)) for angle in tried
        ]
        best = tried[np.argmax(np.round(np.array(sharpness) / posterior.sum(), 9))]
        return sum(follow(posterior * chance, number + 1) for chance in chances(cascade, size, best) if chance.any())

    return math.sqrt(follow(density(cascade.prior), 0))


SMALL = {
    "one atom": qcn.Cascade((1,)),
    "two levels": qcn.Cascade((3, 2)),
    "decohered": qcn.Cascade((3, 1), coherence=0.9),
    "loss seen": qcn.Cascade((2, 2), coherence=0.95, survival=0.8),
    "loss at random": qcn.Cascade((3, 2), survival=0.8, readout=qcn.MultiAngle("random")),
    "dark": qcn.Cascade((3, 2), survival=0.7, readout=qcn.DualQuadrature("dark")),
    "narrow prior": qcn.Cascade((2, 1, 1), prior=NARROW),
    "three nodes": qcn.Cascade((2, 1), nodes=3, uncorrelated=3, prior=NARROW),
}


@pytest.mark.parametrize("name", SMALL)
def test_expected_error_is_that_of_all_outcomes(name: str) -> None:
    rms, error = bayes.expected_error(SMALL[name], 20_000, rng(1))
    assert abs(rms - enumerated(SMALL[name])) < 4.0 * error + 1e-6 * rms
    assert error < 0.01 * rms


@pytest.mark.parametrize(
    "cascade",
    [
        qcn.Cascade((3, 2), readout=qcn.FedForward()),
        qcn.Cascade((2, 2, 1), readout=qcn.FedForward(), coherence=0.9),
        qcn.Cascade((2, 1), readout=qcn.FedForward(), survival=0.8),
        qcn.Cascade((2, 2), readout=qcn.FedForward("dark"), survival=0.6, prior=NARROW),
    ],
)
def test_angles_fed_forward(cascade: qcn.Cascade) -> None:
    """Mean over posteriors, and sampled errors of estimates, against the tree of all outcomes."""
    exact = fed_forward(cascade)
    rms, error = bayes.expected_error(cascade, 20_000, rng(2))
    assert abs(rms - exact) < 4.0 * error + 1e-5 * exact
    assert cascade.rms_error(40_000, rng(3)) == approx(exact, rel=0.02)


def test_weights_of_rare_outcomes() -> None:
    """Blocks that few atoms tell apart: most of the error is that of wrong fringes, which are drawn on purpose."""
    for readout in (qcn.MultiAngle(), qcn.FedForward()):
        cascade = qcn.Cascade((7, 0, 0, 3), readout=readout)
        rms, error = bayes.expected_error(cascade, 20_000, rng(4))
        assert abs(cascade.rms_error(60_000, rng(5)) / rms - 1.0) < 0.02
        assert error < 0.01 * rms


def test_standard_error_is_that_of_repetitions() -> None:
    cascade = qcn.Cascade((6, 4, 3, 2))
    results = np.array([bayes.expected_error(cascade, 400, rng(seed)) for seed in range(60)])
    # The spread of 60 results is known to 9 %: 5 of its standard deviations.
    assert results[:, 0].std(ddof=1) == approx(float(results[:, 1].mean()), rel=0.45)


@pytest.mark.slow
def test_two_hundred_atoms_against_sampled_errors() -> None:
    cascade = qcn.Cascade((16, 13, 9, 7, 4))
    rms, _ = bayes.expected_error(cascade, 100_000, rng(6))
    assert cascade.rms_error(10**6, rng(7)) == approx(rms, rel=0.01)
    assert rms == approx(0.0297, rel=0.01)


def dense(cascade: qcn.Cascade) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """State of all blocks on the levels (ground, excited, some atom lost), and excited atoms."""
    states, charges = [], []
    for size, copies in blocks(cascade):
        present = cascade.survival**size
        coherence = present * cascade.coherence**size
        state = np.array([[present, coherence, 0.0], [coherence, present, 0.0], [0.0, 0.0, 2.0 - 2.0 * present]]) / 2
        states += [state] * copies
        charges += [np.array([0, size, 0])] * copies
    return reduce(np.kron, states), reduce(lambda total, own: np.add.outer(total, own).ravel(), charges)


def harmonic(prior: qcn.Prior, order: NDArray[np.int64]) -> NDArray[np.float64]:
    distinct, number = np.unique(order, return_inverse=True)
    return (np.cos(np.outer(distinct, GRID)) @ density(prior))[number.reshape(order.shape)]


FLOORS = [
    qcn.Cascade((1,)),
    qcn.Cascade((1,), coherence=0.7, survival=0.9),
    qcn.Cascade((3, 2)),
    qcn.Cascade((3, 2), coherence=0.9, survival=0.9),
    qcn.Cascade((2, 1, 1), coherence=0.8),
    qcn.Cascade((2, 1), nodes=3, uncorrelated=2, coherence=0.95, survival=0.9, prior=qcn.GaussianPrior(0.2)),
]
PRIORS = [qcn.FlatPrior(), NARROW, qcn.GaussianPrior(0.02)]


def with_prior(cascade: qcn.Cascade, prior: qcn.Prior, readout: qcn.Fringes) -> qcn.Cascade:
    return qcn.Cascade(
        cascade.copies,
        cascade.nodes,
        cascade.uncorrelated,
        readout,
        prior=prior,
        coherence=cascade.coherence,
        survival=cascade.survival,
    )


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("cascade", FLOORS)
def test_no_readout_beats_the_best_measurement_nor_any_probe_the_best(cascade: qcn.Cascade, prior: qcn.Prior) -> None:
    for readout in (qcn.MultiAngle(), qcn.DualQuadrature(), qcn.FedForward()):
        given = with_prior(cascade, prior, readout)
        rms, error = bayes.expected_error(given, 3000, rng(8))
        assert rms + 4.0 * error > bayes.optimal_measurement(given)
    assert bayes.optimal_measurement(given) > bayes.ultimate(given.atoms, prior) * (1.0 - 1e-9)
    if isinstance(prior, qcn.GaussianPrior):
        assert bayes.optimal_measurement(given) < bayes.personick(given) < rms + 4.0 * error


@pytest.mark.parametrize("prior", PRIORS[:2])
@pytest.mark.parametrize("cascade", FLOORS)
def test_best_measurement_of_the_dense_state(cascade: qcn.Cascade, prior: qcn.Prior) -> None:
    state, charge = dense(cascade)
    order = np.subtract.outer(charge, charge) + 1
    sharpness = np.linalg.svd(state * harmonic(prior, order), compute_uv=False).sum()
    assert bayes.optimal_measurement(with_prior(cascade, prior, qcn.MultiAngle())) == approx(
        math.acos(sharpness), rel=1e-7
    )


@pytest.mark.parametrize(
    "cascade", [FLOORS[1], qcn.Cascade((1, 1), coherence=0.8), qcn.Cascade((2, 1), coherence=0.9, survival=0.9)]
)
def test_personick_of_the_dense_state(cascade: qcn.Cascade) -> None:
    """L from the linear system itself, moments by quadrature."""
    variance = 0.25
    state, charge = dense(cascade)
    order = np.subtract.outer(charge, charge)
    phase = np.linspace(-6.0, 6.0, 4001)
    weight = np.exp(-(phase**2) / (2.0 * variance))
    weight /= weight.sum()
    distinct, number = np.unique(order, return_inverse=True)
    averaged = state * (np.cos(np.outer(distinct, phase)) @ weight)[number.reshape(order.shape)]
    moment = 1j * state * (np.sin(np.outer(distinct, phase)) @ (weight * phase))[number.reshape(order.shape)]
    one = np.eye(len(state))
    system = 0.5 * (np.kron(averaged, one) + np.kron(one, averaged.T))
    best = np.linalg.lstsq(system, moment.ravel(), rcond=1e-12)[0].reshape(moment.shape)
    least = variance - (averaged @ best @ best).trace().real
    given = with_prior(cascade, qcn.GaussianPrior(variance), qcn.MultiAngle())
    assert bayes.personick(given) == approx(math.sqrt(least), rel=1e-8)


def test_one_atom_by_hand() -> None:
    assert bayes.optimal_measurement(qcn.Cascade((1,), coherence=0.6)) == approx(math.acos(0.3))
    assert bayes.ultimate(1, qcn.FlatPrior()) == approx(math.pi / 3)
    one = qcn.Cascade((1,), coherence=0.6, survival=0.9, prior=NARROW)
    assert bayes.personick(one) ** 2 == approx(0.3 - 0.3**2 * math.exp(-0.3) * 0.6**2 * 0.9)
    # Prior mean of cos, and what a sign at mid-fringe adds: the pair of singular values.
    halves = np.array([[math.exp(-0.15), math.exp(-0.6)], [1.0, math.exp(-0.15)]]) / 2
    assert bayes.ultimate(1, NARROW) == approx(math.acos(np.linalg.svd(halves)[1].sum()), rel=1e-3)


@pytest.mark.parametrize("kwargs", [{}, {"coherence": 0.9, "survival": 0.95}])
def test_little_to_learn_is_fisher_information(kwargs: dict[str, float]) -> None:
    """For a prior much narrower than the fringes the least variance is 1/(1/variance + F)."""
    variance = 1e-5
    cascade = qcn.Cascade((3, 2, 1), prior=qcn.GaussianPrior(variance), **kwargs)
    coherence, survival = kwargs.get("coherence", 1.0), kwargs.get("survival", 1.0)
    information = sum(copies * (n * coherence**n) ** 2 * survival**n for n, copies in ((1, 3), (2, 2), (4, 1)))
    expected = 1.0 / (1.0 / variance + information)
    gained = variance - expected
    assert variance - bayes.personick(cascade) ** 2 == approx(gained, rel=1e-3)
    assert bayes.optimal_measurement(cascade) ** 2 == approx(expected, rel=1e-5)


def test_the_best_probe_has_the_sharpness_of_a_path() -> None:
    for atoms in (1, 2, 7, 30):
        path = 0.5 * (np.eye(atoms + 1, k=1) + np.eye(atoms + 1, k=-1))
        assert bayes.ultimate(atoms, qcn.FlatPrior()) == approx(math.acos(np.linalg.eigvalsh(path)[-1]), rel=1e-7)


@pytest.mark.parametrize("variance", [0.01, 0.3, 2.0])
def test_no_random_probe_beats_the_best(variance: float) -> None:
    atoms, draws = 8, rng(9)
    order = np.subtract.outer(np.arange(atoms + 1), np.arange(atoms + 1)) + 1
    waves = np.exp(-0.5 * variance * order.astype(float) ** 2)
    floor = bayes.ultimate(atoms, qcn.GaussianPrior(variance))
    for _ in range(50):
        probe = draws.normal(size=atoms + 1)
        probe /= np.linalg.norm(probe)
        assert math.acos(np.linalg.svd(waves * np.outer(probe, probe))[1].sum()) > floor
    assert floor > bayes.ultimate(atoms + 4, qcn.GaussianPrior(variance))


@pytest.mark.parametrize("copies", [(1,), (2, 1), (4, 4, 4), (1, 1, 1, 1, 1)])
def test_covariant_errors_from_their_distribution(copies: tuple[int, ...]) -> None:
    number = np.zeros(1, dtype=np.int64)
    for size, count in blocks(qcn.Cascade(copies)):
        for _ in range(count):
            number = np.add.outer(number, [0, size]).ravel()
    amplitudes = np.sqrt(np.bincount(number) / len(number))
    errors = 2.0 * np.pi * (np.arange(2**17) + 0.5) / 2**17 - np.pi
    weights = abs(sum(amplitude * np.exp(1j * m * errors) for m, amplitude in enumerate(amplitudes))) ** 2
    weights /= weights.sum()
    mean = weights @ np.cos(errors)
    found = bayes.covariant_errors(qcn.Cascade(copies))
    assert found.wrapped == approx(math.sqrt(weights @ errors**2), rel=1e-7)
    assert found.cosine == approx(math.sqrt(2.0 - 2.0 * mean), rel=1e-7)
    assert found.holevo == approx(math.sqrt(1.0 / mean**2 - 1.0), rel=1e-7)
    assert bayes.optimal_measurement(qcn.Cascade(copies)) == approx(math.acos(mean), rel=1e-7)
    assert bayes.optimal_measurement(qcn.Cascade(copies)) <= found.wrapped


def test_fed_forward_reads_at_mid_fringe() -> None:
    """Plateaus: sqrt(e) times eq. (4) for uncorrelated atoms, 1.816 for a cascade (Huelga 1997 for the former)."""
    model = qcn.Ramsey(qcn.CoherentSpin(100), qcn.Dephasing(1.0), time=1.0)
    assert 100.0 / qcn.cfi(model, qcn.FedForward()) == approx(math.e)
    cascade = qcn.Product({1 << j: 4 for j in range(12)})
    times = np.linspace(1.0, 1.7, 71) / 2**11
    rates = [qcn.cfi(qcn.Ramsey(cascade, qcn.Dephasing(1.0), time=t), qcn.FedForward()) / t for t in times]
    assert math.sqrt(cascade.atoms / max(rates)) == approx(1.816, rel=2e-3)
    assert 2**11 * times[np.argmax(rates)] == approx(1.334, rel=0.01)


def test_many_copies_fed_forward_reach_the_information_of_mid_fringe() -> None:
    """At contrast V a copy tells V^2, not the 1 - sqrt(1 - V^2) of fixed angles."""
    atoms, contrast = 400, 0.6
    errors = {
        readout: bayes.expected_error(
            qcn.Cascade((atoms,), readout=readout, coherence=contrast, prior=NARROW), 2000, rng(10)
        )[0]
        for readout in (qcn.FedForward(), qcn.MultiAngle())
    }
    assert 1.0 / (atoms * errors[qcn.FedForward()] ** 2) == approx(contrast**2, rel=0.05)
    assert 1.0 / (atoms * errors[qcn.MultiAngle()] ** 2) == approx(1.0 - math.sqrt(1.0 - contrast**2), rel=0.05)


def test_fed_forward_comes_near_what_is_wanted() -> None:
    """About 1.45 pi/N; its floor, the best joint measurement of the same blocks, is 1.09 pi/N."""
    cascade = qcn.Cascade((4, 4, 4, 4, 4), readout=qcn.FedForward())
    rms, _ = bayes.expected_error(cascade, 10_000, rng(11))
    assert rms * cascade.atoms / math.pi == approx(1.44, rel=0.04)
    assert bayes.optimal_measurement(cascade) * cascade.atoms / math.pi == approx(1.09, rel=1e-3)


BAD = {
    "bitwise": (lambda: bayes.expected_error(qcn.Cascade((1,), estimator=qcn.Bitwise()), 10, rng(0)), "Joint"),
    "no trials": (lambda: bayes.expected_error(qcn.Cascade((1,)), 0, rng(0)), "trials must be a whole number >= 1"),
    "personick of a flat prior": (lambda: bayes.personick(qcn.Cascade((1,))), "needs a GaussianPrior"),
    "covariant with decoherence": (
        lambda: bayes.covariant_errors(qcn.Cascade((1,), coherence=0.9)),
        "without decoherence",
    ),
    "too large a state": (
        lambda: bayes.optimal_measurement(qcn.Cascade((20, 20, 20), coherence=0.9)),
        "take fewer copies",
    ),
    "too many atoms": (lambda: bayes.personick(qcn.Cascade((5000,), prior=NARROW)), "take fewer atoms"),
    "too large a probe": (lambda: bayes.ultimate(1000, NARROW), "limited to 200 atoms, got 1000"),
    "an angle given": (lambda: qcn.FedForward(phase=0.3), "chooses its angles itself"),
    "level by level": (
        lambda: qcn.Cascade((2, 1), readout=qcn.FedForward(), estimator=qcn.Bitwise()),
        "use the estimator Joint",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_one_sentence(name: str) -> None:
    call, sentence = BAD[name]
    with pytest.raises(ValueError, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)
