"""Laws that hold for every model, on models that Hypothesis makes up."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
from closeness import approx
from grid import KINDS, noise
from hypothesis import given, settings
from hypothesis import strategies as st
from references import Rates

import qcn_open as qcn
from qcn_open import bounds

SLACK = 1 + 1e-9
rates = st.one_of(st.just(0.0), st.floats(1e-4, 20.0))
local_noise = st.builds(Rates, rates, rates, rates, rates, rates)
any_noise = st.builds(Rates, rates, rates, rates, rates, rates, rates)
times = st.floats(1e-4, 10.0)
sizes = st.integers(1, 10**5)
blocks = st.dictionaries(st.integers(1, 3000), st.integers(1, 50), min_size=1, max_size=6)
probes = st.one_of(
    st.builds(qcn.Ghz, sizes),
    st.builds(qcn.Ghz, sizes, st.floats(0.01, 0.99)),
    st.builds(qcn.CoherentSpin, sizes),
    st.builds(qcn.Product, blocks),
)
readouts = st.builds(
    qcn.Parity,
    st.sampled_from(["seen", "random", "dark"]),
    st.one_of(st.none(), st.floats(-4.0, 4.0)),
    st.floats(0.0, 0.2),
)

settings.register_profile("physics", max_examples=200, deadline=None, derandomize=True)
settings.load_profile("physics")


@given(probes, local_noise, times, readouts, st.floats(-3.0, 3.0))
def test_hierarchy(probe: qcn.Probe, given_rates: Rates, time: float, readout: qcn.Parity, phase: float) -> None:
    """CFI <= QFI <= channel-extension bound <= Heisenberg limit."""
    model = qcn.Ramsey(probe, noise(given_rates), time, phase)
    classical, quantum, bound = qcn.cfi(model, readout), qcn.qfi(model), bounds.channel_extension(model)
    assert all(math.isfinite(value) and value >= 0.0 for value in (classical, quantum, bound))
    assert classical <= quantum * SLACK
    assert quantum <= bound * SLACK
    assert bound <= bounds.heisenberg(model) * SLACK


@given(sizes, any_noise, times, st.floats(0.01, 0.99))
def test_hierarchy_with_a_common_phase(size: int, given_rates: Rates, time: float, weight: float) -> None:
    model = qcn.Ramsey(qcn.Ghz(size, weight), noise(given_rates), time)
    assert qcn.cfi(model, qcn.Parity()) <= qcn.qfi(model) * SLACK
    assert qcn.qfi(model) <= bounds.channel_extension(model) * SLACK


@settings(max_examples=40)
@given(st.dictionaries(st.integers(1, 6), st.integers(1, 2), min_size=1, max_size=3), any_noise, times, st.booleans())
def test_hierarchy_of_correlated_blocks(copies: dict[int, int], given_rates: Rates, time: float, fix: bool) -> None:
    model = qcn.Ramsey(qcn.Product(copies), noise(given_rates), time, 0.3)
    quantum = qcn.qfi(model)
    assert qcn.cfi(model, qcn.Parity("seen", 0.7 if fix else None)) <= quantum * (1 + 1e-7) + 1e-13
    assert quantum <= bounds.channel_extension(model) * SLACK


@given(probes, local_noise, times, st.sampled_from([field.name for field in fields(Rates)][:-1]), st.floats(1e-3, 5.0))
def test_more_noise_is_less_information(
    probe: qcn.Probe, given_rates: Rates, time: float, kind: str, extra: float
) -> None:
    """For noise that commutes with the rest (dephasing, loss, depolarising), and for the bound."""
    if kind in ("emission", "pumping"):
        # They do not commute with one another; alone they are monotone.
        given_rates = replace(given_rates, **{{"emission": "pumping", "pumping": "emission"}[kind]: 0.0})
        given_rates = replace(given_rates, depolarising=0.0)
    more = replace(given_rates, **{kind: getattr(given_rates, kind) + extra})
    less_model, more_model = (qcn.Ramsey(probe, noise(value), time) for value in (given_rates, more))
    assert qcn.qfi(more_model) <= qcn.qfi(less_model) * SLACK
    assert bounds.channel_extension(more_model) <= bounds.channel_extension(less_model) * (1 + 1e-6)


@given(blocks, local_noise, times)
def test_independent_blocks_add(copies: dict[int, int], given_rates: Rates, time: float) -> None:
    parts = sum(
        number * qcn.qfi(qcn.Ramsey(qcn.Ghz(size), noise(given_rates), time)) for size, number in copies.items()
    )
    assert qcn.qfi(qcn.Ramsey(qcn.Product(copies), noise(given_rates), time)) == approx(parts, rel=1e-10)


@given(sizes, local_noise, times)
def test_a_coherent_spin_is_a_product_of_blocks_of_one(size: int, given_rates: Rates, time: float) -> None:
    pair = [
        qcn.qfi(qcn.Ramsey(probe, noise(given_rates), time))
        for probe in (qcn.CoherentSpin(size), qcn.Product({1: size}))
    ]
    assert pair[0] == pair[1]


@given(probes, local_noise, times, st.floats(0.1, 10.0))
def test_units(probe: qcn.Probe, given_rates: Rates, time: float, scale: float) -> None:
    """Rates in 1/s and times in s: measured in another unit of time, information in s^2 scales as its square."""
    faster = Rates(*(getattr(given_rates, field.name) * scale for field in fields(Rates)))
    value = qcn.qfi(qcn.Ramsey(probe, noise(given_rates), time))
    scaled = qcn.qfi(qcn.Ramsey(probe, noise(faster), time / scale))
    assert scaled == approx(value / scale**2, rel=1e-6, abs=1e-290)


@given(local_noise, times, st.lists(st.sampled_from(sorted(KINDS)[:3]), min_size=2, max_size=2))
def test_equal_kinds_add(given_rates: Rates, time: float, kinds: list[str]) -> None:
    parts = noise(given_rates)
    once = qcn.Ramsey(qcn.Ghz(5), [*parts, *(KINDS[kind](0.3) for kind in kinds)], time)
    twice = qcn.Ramsey(qcn.Ghz(5), [*(KINDS[kind](0.3) for kind in kinds), *parts], time)
    assert len({type(part) for part in once.noise}) == len(once.noise)
    assert qcn.qfi(once) == approx(qcn.qfi(twice), rel=1e-12)


@given(probes, any_noise)
def test_no_time_no_information(probe: qcn.Probe, given_rates: Rates) -> None:
    model = qcn.Ramsey(probe, noise(given_rates), 0.0)
    if qcn.explain(model).backend is not None:
        assert qcn.qfi(model) == 0.0
        assert qcn.cfi(model, qcn.Parity()) == 0.0
    assert bounds.channel_extension(model) == 0.0


@settings(max_examples=25)
@given(st.permutations(range(3)), st.builds(Rates, rates, rates, rates, st.just(0.0), rates, rates), times)
def test_relabelling_atoms_changes_nothing(order: list[int], given_rates: Rates, time: float) -> None:
    import qutip

    rng = np.random.default_rng(3)
    vector = rng.normal(size=8) + 1j * rng.normal(size=8)
    state = qutip.Qobj(vector / np.linalg.norm(vector), dims=[[2] * 3, [1] * 3])
    time = min(time, 0.5)
    value, permuted = (
        qcn.qfi(qcn.Ramsey(qcn.CustomState(ket), noise(given_rates), time)) for ket in (state, state.permute(order))
    )
    assert permuted == approx(value, rel=1e-7)


@given(st.integers(10**5, 10**9), local_noise, st.floats(1e-12, 1e3))
def test_extremes_neither_overflow_nor_become_nan(size: int, given_rates: Rates, time: float) -> None:
    for probe in (qcn.Ghz(size), qcn.Ghz(size, 0.3), qcn.CoherentSpin(size)):
        model = qcn.Ramsey(probe, noise(given_rates), time)
        for value in (qcn.qfi(model), qcn.cfi(model, qcn.Parity("dark")), bounds.channel_extension(model)):
            assert math.isfinite(value)
            assert value >= 0.0


@given(st.sampled_from(sorted(KINDS)), st.floats(0.01, 3.0), st.floats(0.01, 3.0))
def test_two_of_a_kind_are_one_of_the_summed_rate(kind: str, first: float, second: float) -> None:
    apart = qcn.Ramsey(qcn.Ghz(4), [KINDS[kind](first), KINDS[kind](second)], 0.2)
    together = qcn.Ramsey(qcn.Ghz(4), KINDS[kind](first + second), 0.2)
    assert apart == together
    assert qcn.qfi(apart) == qcn.qfi(together)
