"""Limits of networks of unequal nodes, in closed form."""

from __future__ import annotations

import math

from closeness import approx

import qcn_open as qcn
from qcn_open.limits import common_noise, limits

HZ, TAU, RATE = 400e12, 50.0, 2.0
OMEGA = 2.0 * math.pi * HZ
LASER = qcn.Oscillator.from_linewidth(white=1.0)


def bounds(network: qcn.Network) -> dict[str, float]:
    table = limits(network, TAU).set_index("scheme")
    return {str(scheme): float(sigma) for scheme, sigma in table["bound_sigma_y"].items()}


def test_uncorrelated_atoms_that_dephase_run_for_the_inverse_rate() -> None:
    """T^2 e^{-gamma T} a cycle is most in a time where T = 1/gamma."""
    found = bounds(qcn.Network((qcn.Node(30), qcn.Node(70)), LASER, qcn.Dephasing(RATE), HZ))
    for scheme, atoms in (("classical-alone", 30), ("classical-cooperative", 100)):
        assert found[scheme] == approx(1.0 / (OMEGA * math.sqrt(atoms * TAU / (math.e * RATE))))
    # Many entangled atoms gain at most e in the variance.
    assert 1.0 < found["classical-cooperative"] / found["quantum-cooperative"] < math.sqrt(math.e)


def test_each_node_counts_with_its_own_frequency_and_noise() -> None:
    nodes = (qcn.Node(30, noise=(qcn.Dephasing(RATE),)), qcn.Node(70, frequency_hz=2.0 * HZ))
    found = bounds(qcn.Network(nodes, LASER, (), HZ))
    first, second = 30 * TAU / (math.e * RATE), 4.0 * 70 * TAU**2
    assert found["classical-cooperative"] == approx(1.0 / (OMEGA * math.sqrt(first + second)))
    # The second node's atoms never decohere, and nothing is common to all.
    assert found["quantum-cooperative"] == approx(1.0 / (2.0 * OMEGA * 100 * TAU))


def test_common_noise_is_the_least_of_each_kind() -> None:
    nodes = (
        qcn.Node(8, noise=(qcn.Dephasing(0.5), qcn.TrapLoss(0.3))),
        qcn.Node(8, noise=(qcn.Dephasing(0.2), qcn.Dephasing(0.1))),
    )
    common = common_noise(qcn.Network(nodes, LASER, qcn.Dephasing(1.0), HZ))
    assert [type(noise) for noise in common] == [qcn.Dephasing, qcn.Dephasing]
    assert sum(noise.rate for noise in common if isinstance(noise, qcn.Dephasing)) == approx(1.3)
