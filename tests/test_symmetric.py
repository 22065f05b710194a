"""Permutation-symmetric states: the map itself, its size, and what can be known exactly at a hundred atoms."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import comb

import numpy as np
import pytest
import references
from closeness import approx
from grid import noise
from numpy.typing import NDArray
from references import Rates

import qcn_open as qcn
from qcn_open.noise import transition
from qcn_open.schur_weyl import Sector, SymmetricChannel
from qcn_open.testing import assert_readout_contract

ALL = Rates(dephasing=0.8, emission=0.5, pumping=0.3, loss=0.4, depolarising=0.2)
TWO_LEVEL = Rates(dephasing=0.8, emission=0.5, pumping=0.3, depolarising=0.2)


@dataclass(frozen=True)
class Ionization(qcn.Noise):
    """Loss from one level only."""

    rate: float
    level: int = 1

    def jumps(self) -> tuple[NDArray[np.complex128], ...]:
        return (np.sqrt(self.rate) * transition(2, self.level),)


def random_state(atoms: int, rng: np.random.Generator, real: bool = False) -> NDArray[np.complex128]:
    amplitudes = rng.normal(size=atoms + 1) + (0.0 if real else 1j * rng.normal(size=atoms + 1))
    return amplitudes / np.linalg.norm(amplitudes)


CHANNELS = {
    "nothing": [],
    "dephasing": noise(Rates(dephasing=0.8)),
    "emission": noise(Rates(emission=0.7)),
    "pumping": noise(Rates(pumping=0.7)),
    "loss": noise(Rates(loss=0.5)),
    "two-level": noise(TWO_LEVEL),
    "all": noise(ALL),
    "ionization": [Ionization(0.6), Ionization(0.2, 0), *noise(TWO_LEVEL)],
}


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("atoms", [1, 2, 5, 20])
@pytest.mark.parametrize("name", CHANNELS)
def test_adjoint_is_the_transpose_and_the_trace_is_kept(name: str, atoms: int, real: bool) -> None:
    rng = np.random.default_rng(atoms)
    channel = SymmetricChannel(atoms, CHANNELS[name], 0.6)
    amplitudes = random_state(atoms, rng, real)
    state = np.outer(amplitudes, amplitudes.conj())
    sectors = list(channel.blocks(state))
    assert sum(sector.weight for sector in sectors) == approx(1.0, rel=1e-13)
    observables = []
    for sector in sectors:
        operators = [
            rng.normal(size=(size, size)) + (0.0 if real else 1j * rng.normal(size=(size, size)))
            for size in range(sector.atoms + 1, 0, -2)
        ]
        observables.append(Sector(sector.atoms, tuple(a @ a.conj().T for a in operators)))
    after = sum(
        np.vdot(operator, block).real
        for observable, sector in zip(observables, sectors, strict=True)
        for operator, block in zip(observable.blocks, sector.blocks, strict=False)
    )
    assert np.vdot(channel.adjoint(observables), state).real == approx(after, rel=1e-12)


@pytest.mark.parametrize("name", CHANNELS)
def test_blocks_are_states(name: str) -> None:
    amplitudes = random_state(12, np.random.default_rng(3))
    for sector in SymmetricChannel(12, CHANNELS[name], 0.6).blocks(np.outer(amplitudes, amplitudes.conj())):
        for block in sector.blocks:
            np.testing.assert_allclose(block, block.conj().T, rtol=0, atol=1e-15)
            assert np.linalg.eigvalsh(block)[0] > -1e-15


def test_two_roads_through_loss_agree() -> None:
    """Loss of both levels alike as a chain of partial traces, and, a hair apart, before the rest of the noise."""
    amplitudes = qcn.SpinSqueezed(14, 0.4).symmetric_state()
    state = np.outer(amplitudes, amplitudes.conj())
    last = SymmetricChannel(14, [*noise(TWO_LEVEL), qcn.TrapLoss(0.5)], 0.6)
    first = SymmetricChannel(14, [*noise(TWO_LEVEL), qcn.TrapLoss(0.5), Ionization(1e-12)], 0.6)
    assert last.equal_loss
    assert not first.equal_loss
    np.testing.assert_allclose(first.survivors(state), last.survivors(state), rtol=1e-9)
    for one, other in zip(last.blocks(state), first.blocks(state), strict=True):
        assert one.atoms == other.atoms
        for a, b in zip(one.blocks, other.blocks, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-14)


def test_product_states_have_the_spectrum_of_their_atoms() -> None:
    """N atoms in rho with eigenvalues p > q: the block of spin N/2 - i has d_j p^(N-i-k) q^(i+k), k = 0...2j."""
    atoms, duration = 30, 0.6
    amplitudes = qcn.CoherentSpin(atoms).symmetric_state()
    (sector,) = SymmetricChannel(atoms, noise(TWO_LEVEL), duration).blocks(np.outer(amplitudes, amplitudes.conj()))
    populations = references.site_populations(duration, TWO_LEVEL) @ [0.5, 0.5]
    coherence = 0.5 * references.site_coherence(duration, TWO_LEVEL)
    q, p = np.linalg.eigvalsh([[populations[0], coherence], [coherence, populations[1]]])
    for i, block in enumerate(sector.blocks):
        multiplicity = comb(atoms, i) * (atoms - 2 * i + 1) / (atoms - i + 1)
        k = np.arange(len(block))
        expected = np.sort(multiplicity * p ** (atoms - i - k) * q ** (i + k))
        np.testing.assert_allclose(np.linalg.eigvalsh(block), expected, rtol=0, atol=1e-14 * expected[-1])


@pytest.mark.parametrize("duration", [0.1, 1.0])
def test_coherent_spins_are_independent_atoms(duration: float) -> None:
    for rates in (Rates(dephasing=1.0, emission=0.5, loss=0.5), TWO_LEVEL):
        model = qcn.Ramsey(qcn.CoherentSpin(100), noise(rates), duration)
        expected = references.product_qfi({1: 100}, duration, rates)
        assert qcn.qfi(model, qcn.Symmetric()) == approx(expected, rel=1e-11)


@pytest.mark.slow
def test_two_hundred_coherent_spins() -> None:
    rates = Rates(dephasing=1.0, emission=0.5, loss=0.5)
    model = qcn.Ramsey(qcn.CoherentSpin(200), noise(rates), 0.5)
    start = time.process_time()
    assert qcn.qfi(model, qcn.Symmetric()) == approx(references.product_qfi({1: 200}, 0.5, rates), rel=1e-11)
    assert time.process_time() - start < 30.0


@pytest.mark.parametrize("atoms", [70, 150, 300])
def test_faint_ghz_coherences_keep_their_digits(atoms: int) -> None:
    """At 300 atoms the information is 1e-53 of the lossless one."""
    model = qcn.Ramsey(qcn.Ghz(atoms, 0.4), noise(ALL), 0.2)
    expected = references.ghz_qfi(atoms, 0.2, ALL, 0.4)
    assert qcn.qfi(model, qcn.Symmetric()) == approx(expected, rel=1e-12)
    for loss in ("seen", "random", "dark") if atoms < 100 else ("seen",):
        parity = qcn.Parity(loss, 0.3, 0.01)
        x = atoms * model.phase - 0.3
        expected = references.parity_fisher(atoms, 0.2, ALL, x, loss, 0.01, 0.4)
        assert qcn.cfi(model, parity, qcn.Symmetric()) == approx(expected, rel=1e-11)


def test_common_phase_diffusion_of_many_atoms() -> None:
    """GHZ: exp(-n^2 v T/2). Coherent spins: 1/F >= 1/F_0 + v T, close to it where the phase is well known."""
    diffusion = qcn.PhaseDiffusion(0.004)
    ghz = qcn.Ramsey(qcn.Ghz(40), [*noise(ALL), diffusion], 0.2)
    rates = Rates(ALL.dephasing, ALL.emission, ALL.pumping, ALL.loss, ALL.depolarising, diffusion=0.004)
    assert qcn.qfi(ghz, qcn.Symmetric()) == approx(references.ghz_qfi(40, 0.2, rates), rel=1e-12)
    spins = qcn.Ramsey(qcn.CoherentSpin(60), [qcn.Dephasing(1.0), diffusion], 1.0)
    inverse = 1.0 / qcn.qfi(spins)
    limit = 1.0 / references.product_qfi({1: 60}, 1.0, Rates(dephasing=1.0)) + 0.004
    assert limit * (1.0 - 1e-12) < inverse < 1.01 * limit


@pytest.mark.parametrize("atoms", [2, 10, 100])
def test_squeezing_is_at_least_as_good_as_its_linear_readout(atoms: int) -> None:
    """Method of moments <= counts of the collective spin <= quantum <= bound, at the published best N var tau/gamma."""
    from scipy.optimize import minimize

    best = minimize(
        lambda x: references.twisted_variance(atoms, np.exp(x[0]), np.exp(x[1]), 1.0) * np.exp(x[1]) * atoms,
        np.log([1.4 * atoms ** (-2 / 3), 0.5]),
        method="Nelder-Mead",
        options={"xatol": 1e-6, "fatol": 1e-9},
    )
    assert best.fun == approx(references.TWISTED_RATE[atoms], rel=1e-5)
    twist, duration = np.exp(best.x)
    model = qcn.Ramsey(qcn.SpinSqueezed(atoms, float(twist)), qcn.Dephasing(1.0), float(duration))
    quantum = qcn.qfi(model)
    counts = qcn.cfi(model, qcn.CollectiveSpin())
    linear = 1.0 / references.twisted_variance(atoms, twist, duration, 1.0)
    assert linear * (1.0 - 1e-9) <= counts <= quantum * (1.0 + 1e-9) <= qcn.bounds.escher(model)
    assert quantum < 1.5 * linear


def test_twin_fock_states() -> None:
    for atoms in (2, 40):
        model = qcn.Ramsey(qcn.Dicke(atoms, atoms // 2, np.pi / 2), (), 1.0)
        assert qcn.qfi(model) == approx(atoms * (atoms + 2) / 2)
    assert qcn.qfi(qcn.Ramsey(qcn.Dicke(40, 20), noise(ALL), 1.0)) == 0.0


@pytest.mark.parametrize("probe", [qcn.SpinSqueezed(1000, 0.02), qcn.Dicke(1000, 400, 0.3), qcn.CoherentSpin(10**4)])
def test_large_probes_are_turned_accurately(probe: qcn.Probe) -> None:
    """First and second moments of J_z against closed forms: squeezing leaves V_y + V_z, a tilt mixes J_z and J_y."""
    weight = np.abs(probe.symmetric_state()) ** 2
    m = np.arange(probe.atoms + 1) - probe.atoms / 2
    assert weight.sum() == approx(1.0, rel=1e-12)
    n = probe.atoms
    if isinstance(probe, qcn.SpinSqueezed):
        a = 1 - np.cos(probe.twist) ** (n - 2)
        b = 4 * np.sin(probe.twist / 2) * np.cos(probe.twist / 2) ** (n - 2)
        assert weight @ m**2 == approx(n / 4 * (1 + (n - 1) / 4 * (a + np.hypot(a, b))), rel=1e-10)
    elif isinstance(probe, qcn.Dicke):
        start = probe.excited - n / 2
        assert weight @ m == approx(start * np.cos(probe.tilt), rel=1e-10)
        across = (n / 2 * (n / 2 + 1) - start**2) / 2
        expected = (start * np.cos(probe.tilt)) ** 2 + across * np.sin(probe.tilt) ** 2
        assert weight @ m**2 == approx(expected, rel=1e-10)
    else:
        assert weight @ m**2 == approx(n / 4, rel=1e-10)


def test_whole_turns_and_the_absence_of_a_twist_change_nothing() -> None:
    np.testing.assert_allclose(
        qcn.Dicke(5, 2, 0.3 + 2 * np.pi).symmetric_state(), -qcn.Dicke(5, 2, 0.3).symmetric_state(), atol=1e-14
    )
    overlap = np.vdot(qcn.SpinSqueezed(9, 0.0).symmetric_state(), qcn.CoherentSpin(9).symmetric_state())
    assert abs(overlap) == approx(1.0, rel=1e-13)


@pytest.mark.parametrize("loss", ["seen", "random", "dark"])
def test_counts_of_a_hundred_coherent_spins(loss: qcn.readouts.Loss) -> None:
    """`Logical` reads them one by one: the count is sufficient."""
    model = qcn.Ramsey(qcn.CoherentSpin(60), noise(ALL), 0.5, 0.2)
    readout = qcn.CollectiveSpin(loss, 0.9, 0.02)
    assert qcn.cfi(model, readout, qcn.Symmetric()) == approx(qcn.cfi(model, readout, qcn.Logical()), rel=1e-11)


@pytest.mark.parametrize("probe", [qcn.SpinSqueezed(130, 0.05), qcn.Dicke(130, 65, 1.5)])
def test_factors_of_large_blocks_give_the_information_of_the_derivative(
    monkeypatch: pytest.MonkeyPatch, probe: qcn.Probe
) -> None:
    for noises in ([qcn.Dephasing(1.0)], noise(TWO_LEVEL), [qcn.TrapLoss(0.05), qcn.PhaseDiffusion(1e-4)]):
        model = qcn.Ramsey(probe, noises, 0.5)
        evolved = qcn.Evolved(model, qcn.Symmetric().evolve(model))
        with monkeypatch.context() as patch:
            factors = qcn.qfi(model, evolved)
            patch.setattr("qcn_open.fisher.symmetric._MANY_ATOMS", 10**9)
            assert factors == approx(qcn.qfi(model, evolved), rel=1e-11)
            assert factors <= qcn.bounds.channel_extension(model) * (1.0 + 1e-9)


def test_what_is_left_out_costs_no_more_than_it_may() -> None:
    model = qcn.Ramsey(qcn.SpinSqueezed(40, 0.15), noise(ALL), 0.5)
    exact = qcn.qfi(model, qcn.Symmetric(rtol=0.0))
    for rtol in (1e-2, 1e-4):
        shortfall = 1.0 - qcn.qfi(model, qcn.Symmetric(rtol=rtol)) / exact
        assert 0.01 * rtol**2 < shortfall < rtol


def test_permutation_invariant_solver_of_qutip() -> None:
    """PIQS: its `dephasing` acts with sigma_z/2, its first state is the most excited one.

    It builds its generator in single precision: its trace leaks at 1e-7 a second, and no better agreement is possible.
    """
    import qutip
    from qutip.piqs.piqs import Dicke, jspin
    from scipy.sparse.linalg import expm_multiply

    atoms, duration, rates = 12, 0.5, Rates(dephasing=0.5, emission=0.5, pumping=0.25)
    amplitudes = qcn.SpinSqueezed(atoms, 0.3).symmetric_state()
    system = Dicke(atoms, emission=rates.emission, pumping=rates.pumping, dephasing=rates.dephasing)
    with qutip.CoreOptions(auto_tidyup=False):
        generator = system.liouvillian().to("CSR").data.as_scipy()
        z = jspin(atoms, "z").full()
    start = np.zeros(z.shape, dtype=complex)
    start[: atoms + 1, : atoms + 1] = np.outer(amplitudes, amplitudes.conj())[::-1, ::-1]
    state = expm_multiply(generator * duration, start.ravel(order="F")).reshape(z.shape, order="F")
    expected = duration**2 * references.qfi_matrix(state, [1j * (z @ state - state @ z)])[0, 0]
    model = qcn.Ramsey(qcn.SpinSqueezed(atoms, 0.3), noise(rates), duration)
    assert qcn.qfi(model, qcn.Symmetric()) == approx(expected, rel=2e-7)


@pytest.mark.parametrize("rate", [0.5, 3.0])
def test_loss_of_more_than_half_of_the_atoms(rate: float) -> None:
    model = qcn.Ramsey(qcn.SpinSqueezed(4, 0.6), qcn.TrapLoss(rate), 0.45)
    assert qcn.qfi(model, qcn.Symmetric()) == approx(qcn.qfi(model, qcn.QutipDense()), rel=1e-9)


def test_a_phase_that_the_noise_itself_gives() -> None:
    """A jump with a complex ratio of its elements turns the coherence: the fringe moves."""

    @dataclass(frozen=True)
    class Turning(qcn.Noise):
        def jumps(self) -> tuple[NDArray[np.complex128], ...]:
            return (0.7 * np.diag([1.0, 0.4 + 0.9j, 0.0]).astype(complex),)

    model = qcn.Ramsey(qcn.SpinSqueezed(3, 0.6), Turning(), 0.6, 0.2)
    assert_readout_contract(qcn.Parity(phase=0.3), model)
    assert_readout_contract(qcn.CollectiveSpin(phase=0.3), model)
