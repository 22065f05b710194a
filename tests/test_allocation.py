"""The best cascade against all cascades of few atoms, and against what the issue of the clock asks for."""

from __future__ import annotations

import math

import numpy as np
import pytest

import qcn_open as qcn
from qcn_open import allocation
from qcn_open.bayes import expected_error

NARROW = qcn.GaussianPrior(0.3 * 2 / 1.9)


def rms(cascade: qcn.Cascade, trials: int) -> float:
    """Seed that took no part in any choice."""
    return expected_error(cascade, trials, np.random.default_rng(12345))[0]


@pytest.mark.parametrize("coherence", [1.0, 0.8])
def test_no_allocation_of_few_atoms_is_better(coherence: float) -> None:
    atoms = 14
    best = qcn.best_cascade(atoms, coherence=coherence)
    every = [
        qcn.Cascade((atoms - 2 * b - 4 * c - 8 * d, b, c, d), coherence=coherence)
        for d in range(2)
        for c in range(4)
        for b in range(7)
        if atoms - 2 * b - 4 * c - 8 * d > 0
    ]
    assert best.atoms <= atoms
    assert rms(best, 20_000) < 1.015 * min(rms(cascade, 20_000) for cascade in every)


def test_it_is_the_same_every_time_and_keeps_what_it_was_given() -> None:
    given = {"coherence": 0.98, "survival": 0.99, "readout": qcn.MultiAngle("random"), "prior": NARROW}
    first, second = (qcn.best_cascade(40, nodes=2, **given) for _ in range(2))
    assert first == second
    assert {name: getattr(first, name) for name in given} == given
    assert (first.nodes, first.estimator) == (2, qcn.Joint())
    assert first.atoms <= 40
    assert sum(first.copies) > 0


def test_decohered_atoms_stay_uncorrelated() -> None:
    """At a coherence of 1/2 a pair, with the contrast 1/4, tells less than two atoms."""
    cascade = qcn.best_cascade(30, coherence=0.5)
    assert cascade.uncorrelated + cascade.copies[0] == 30


def test_level_by_level_needs_more_copies() -> None:
    joint, bitwise = qcn.best_cascade(60), qcn.best_cascade(60, estimator=qcn.Bitwise())
    assert len(bitwise.copies) <= len(joint.copies)
    assert bitwise.copies[-1] > joint.copies[-1]


@pytest.mark.parametrize(("atoms", "nodes"), [(5, 10), (30, 10)])
def test_too_few_atoms_for_the_nodes(atoms: int, nodes: int) -> None:
    with pytest.raises(
        ValueError, match=rf"{atoms} atoms are too few for blocks over {nodes} nodes.*uncorrelated={atoms}"
    ):
        qcn.best_cascade(atoms, nodes)


@pytest.mark.slow
def test_two_hundred_atoms() -> None:
    best = qcn.best_cascade(200)
    assert best.atoms <= 200
    assert rms(best, 200_000) < 0.0295
    assert best.rms_error(10**6, np.random.default_rng(6)) <= 0.0297


@pytest.mark.slow
def test_a_thousand_atoms() -> None:
    """1.95 pi/N: blocks of 64 atoms are too small and of 128 too large for a thousand."""
    best = qcn.best_cascade(1000)
    assert best.atoms <= 1000
    assert rms(best, 100_000) * 1000 / math.pi < 2.0


@pytest.mark.slow
def test_ten_nodes() -> None:
    best = qcn.best_cascade(1000, nodes=10, prior=NARROW)
    assert 1.0 / math.sqrt(1000) / rms(best, 100_000) > 4.4
    bitwise = qcn.best_cascade(1000, nodes=10, prior=NARROW, estimator=qcn.Bitwise())
    assert 1.0 / math.sqrt(1000) / bitwise.rms_error(10**6, np.random.default_rng(7)) > 2.3


def test_many_atoms_may_do_what_half_of_them_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    """50 atoms are too few for ten nodes: the search for 100 then starts as that for fewer atoms does."""
    with pytest.raises(ValueError, match="too few for blocks over 10 nodes"):
        qcn.best_cascade(50, 10)
    expected = qcn.best_cascade(100, 10)
    monkeypatch.setattr(allocation, "_MANY_ATOMS", 100)
    assert qcn.best_cascade(100, 10) == expected
    assert sum(expected.copies) > 0
