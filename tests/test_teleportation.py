"""Teleported GHZ states against the protocol written out with Kraus operators in plain NumPy, and closed forms."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, reduce

import numpy as np
import pytest
import qutip
from closeness import approx
from numpy.typing import NDArray

import qcn_open as qcn
from qcn_open.testing import assert_probe_contract

# Half a minute and more: left to `make test`.
pytestmark = pytest.mark.slow

Complex = NDArray[np.complex128]
ROUTES = ("ancillas", "parked", "photonic")
IDEAL = qcn.Gates()
# (node, error) pairs differ, so that an error taken from the wrong node is noticed.
ERRORS = {
    "collective": (qcn.Gates(entangling_fidelity=0.9), qcn.Gates(entangling_fidelity=0.8)),
    "phase flips": (qcn.Gates(phase_flip=0.1), qcn.Gates(phase_flip=0.03)),
    "depolarising": (qcn.Gates(depolarizing=0.1), qcn.Gates(depolarizing=0.06)),
    "dephasing": (qcn.Gates(dephasing=0.08), qcn.Gates(dephasing=0.05)),
    "loss": (qcn.Gates(loss=0.1), qcn.Gates(loss=0.07)),
    "bits": (qcn.Gates(measurement_error=0.12), IDEAL),
    "memory": (qcn.Gates(memory_dephasing=0.9), qcn.Gates(memory_dephasing=0.4)),
    "all but loss": (
        qcn.Gates(0.93, 0.02, 0.05, 0.03, 0.0, 0.06, 0.5),
        qcn.Gates(0.95, 0.03, 0.04, 0.01, 0.0, 0.2, 0.8),
    ),
    "all": (qcn.Gates(0.93, 0.02, 0.05, 0.03, 0.04, 0.06, 0.5), qcn.Gates(0.95, 0.03, 0.04, 0.01, 0.07, 0.2, 0.8)),
}


# ------------------------------------------------------------------------------------------------------------------
# The protocol with Kraus operators: all ancillas and pairs at once, written without the package.


def on(rho: Complex, kraus: Sequence[NDArray[np.number]], *sites: int) -> Complex:
    """Channel on some sites of a density operator with one axis for each site, kets first."""
    levels, count = rho.shape[0], rho.ndim // 2
    total = np.zeros_like(rho, dtype=complex)
    for operator in kraus:
        tensor = operator.reshape((levels,) * (2 * len(sites)))
        inputs = list(range(len(sites), 2 * len(sites)))
        ket = np.moveaxis(np.tensordot(tensor, rho, (inputs, sites)), range(len(sites)), sites)
        bras = [count + site for site in sites]
        both = np.tensordot(tensor.conj(), ket, (inputs, bras))
        total += np.moveaxis(both, range(len(sites)), bras)
    return total


def traced(rho: Complex, site: int) -> Complex:
    return np.trace(rho, axis1=site, axis2=site + rho.ndim // 2)


def paulis(levels: int) -> list[NDArray[np.complex128]]:
    """1, x, y, z on (g, e); a lost atom is left alone."""
    found = []
    for matrix in ([[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]):
        full = np.eye(levels, dtype=complex)
        full[:2, :2] = matrix
        found.append(full)
    return found


def noisy_cnot(rho: Complex, control: int, target: int, gates: qcn.Gates) -> Complex:
    levels = rho.shape[0]
    one, x, _, z = paulis(levels)
    excited = np.diag([0.0, 1.0, 0.0][:levels])
    rho = on(rho, [np.kron(np.eye(levels) - excited, one) + np.kron(excited, x)], control, target)
    if gates.depolarizing:
        errors = [np.kron(a, b) for a in paulis(levels) for b in paulis(levels)][1:]
        scaled = [math.sqrt(gates.depolarizing / 15) * error for error in errors]
        rho = on(rho, [math.sqrt(1 - gates.depolarizing) * np.kron(one, one), *scaled], control, target)
    for site in (control, target):
        if gates.dephasing:
            rho = on(rho, [math.sqrt(1 - gates.dephasing) * one, math.sqrt(gates.dephasing) * z], site)
        if gates.loss:
            leave = [math.sqrt(gates.loss) * np.outer([0, 0, 1], np.eye(3)[level]) for level in (0, 1)]
            rho = on(rho, [*leave, np.diag([math.sqrt(1 - gates.loss)] * 2 + [1])], site)
    return rho


def collective(rho: Complex, site: int, gates: qcn.Gates) -> Complex:
    """With 1 - F the coherence is gone; then a phase flip."""
    levels = rho.shape[0]
    z = paulis(levels)[3]
    projectors = [np.diag(np.eye(levels)[level]) for level in range(levels)]
    fidelity = gates.entangling_fidelity
    rho = fidelity * rho + (1 - fidelity) * on(rho, projectors, site)
    return (1 - gates.phase_flip) * rho + gates.phase_flip * on(rho, [z], site)


def product(*parts: Complex) -> Complex:
    """Tensor product of density operators with one axis for each site."""
    whole = reduce(np.multiply.outer, parts)
    sites = [part.ndim // 2 for part in parts]
    starts = np.cumsum([0, *(2 * count for count in sites)])
    kets = [start + site for start, count in zip(starts, sites, strict=False) for site in range(count)]
    bras = [start + count + site for start, count in zip(starts, sites, strict=False) for site in range(count)]
    return whole.transpose(*kets, *bras)


GROWTH = {
    ("chain", 1): [],
    ("tree", 1): [],
    ("chain", 2): [(0, 1)],
    ("tree", 2): [(0, 1)],
    ("chain", 3): [(0, 1), (1, 2)],
    ("tree", 3): [(0, 2), (0, 1)],
    ("tree", 4): [(0, 2), (0, 1), (2, 3)],
}


@cache
def protocol(probe: qcn.TeleportedGhz, levels: int) -> dict[tuple[int, ...], Complex]:
    """Unnormalised states of the atoms for every outcome."""
    nodes = len(probe.sizes)
    links = range(nodes - 1)
    ancillas = probe.route != "parked"
    _, x, y, z = paulis(levels)
    ground = np.diag([1.0 + 0j, 0.0, 0.0][:levels])
    start = np.zeros((levels, levels), dtype=complex)
    start[:2, :2] = [[0.5, -0.5j], [0.5j, 0.5]]
    parts = [start, *[ground] * (len(links) if ancillas else 0)]
    centre = probe.gates[0]
    for link in links:
        bell = np.zeros((levels, levels), dtype=complex)
        bell[0, 0] = 1 / math.sqrt(2)
        bell[1, 1] = np.exp(1j * (probe.pair_phases[link] if probe.pair_phases else 0.0)) / math.sqrt(2)
        pair = np.multiply.outer(bell, bell.conj())
        fidelity = probe.epr_fidelities[link] if probe.epr_fidelities else 1.0
        pair = fidelity * pair + sum((1 - fidelity) / 3 * on(pair, [pauli], 1) for pauli in (x, y, z))
        for site, gates in ((0, centre), (1, probe.gates[link + 1])):
            flip = (1 - math.exp(-gates.memory_dephasing * probe.waiting / 2)) / 2
            pair = (1 - flip) * pair + flip * on(pair, [z], site)
        if probe.route == "photonic":
            right = probe.conversion_fidelity
            pair = right * pair + sum((1 - right) / 3 * on(pair, [pauli], 1) for pauli in (x, y, z))
        parts.append(pair)
    rho = product(*parts)
    b = [1 + link for link in links]
    pairs = 1 + (len(links) if ancillas else 0)
    a = [pairs + 2 * link for link in links]
    for link in reversed(links):
        rho = noisy_cnot(rho, 0, b[link] if ancillas else a[link], centre)
    if ancillas:
        hadamard = np.eye(levels, dtype=complex)
        hadamard[:2, :2] = np.array([[1, 1], [1, -1]]) / math.sqrt(2)
        for link in links:
            rho = noisy_cnot(rho, b[link], a[link], centre)
            rho = on(rho, [hadamard], b[link])
    else:
        rho = collective(rho, 0, centre) if nodes > 1 else rho
    states = {}
    measured = [site for link in links for site in ((a[link], b[link]) if ancillas else (a[link],))]
    wrong = centre.measurement_error
    for bits in itertools.product((0, 1), repeat=len(measured)):
        state = rho
        for site, bit in sorted(zip(measured, bits, strict=True), reverse=True):
            chance = [1 - wrong, wrong] if bit == 0 else [wrong, 1 - wrong]
            state = traced(on(state, [np.diag(np.sqrt([*chance, 0.5][:levels]))], site), site)
        # Left are the first atoms, in the order of the nodes.
        for link in links:
            step = 2 if ancillas else 1
            if bits[step * link]:
                state = on(state, [x], link + 1)
            if ancillas and bits[2 * link + 1]:
                state = on(state, [z], link + 1)
        # Fresh atoms behind those of all nodes, then everything in its place.
        fresh = sum(probe.sizes) - nodes
        state = product(state, *[ground] * fresh)
        place = {}
        behind = iter(range(nodes, nodes + fresh))
        for node, size in enumerate(probe.sizes):
            place |= {(node, atom): node if atom == 0 else next(behind) for atom in range(size)}
        for node, size in enumerate(probe.sizes):
            for control, target in GROWTH[probe.geometry, size]:
                state = noisy_cnot(state, place[node, control], place[node, target], probe.gates[node])
            state = collective(state, node, probe.gates[node])
        order = [place[node, atom] for node, size in enumerate(probe.sizes) for atom in range(size)]
        state = state.transpose(*order, *(len(order) + site for site in order))
        states[bits] = state.reshape((levels ** len(order),) * 2)
    return states


# ------------------------------------------------------------------------------------------------------------------


def noisy(errors: str, route: str, sizes: tuple[int, ...] = (2, 2), **changed: object) -> qcn.TeleportedGhz:
    """Two nodes, or the second kind of node several times."""
    centre, other = ERRORS[errors]
    gates = (centre, *[other] * (len(sizes) - 1))
    waiting = 0.7 if "memory" in errors or "all" in errors else 0.0
    return qcn.TeleportedGhz(gates, sizes, waiting=waiting, route=route, **changed)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("sizes", [(3,), (2, 2), (2, 1), (3, 1, 2), (4, 1, 1, 1), (4, 2, 1, 3)])
def test_every_outcome_gives_the_ghz_state(sizes: tuple[int, ...], route: str) -> None:
    """Fidelity 1 and the phase i, whichever of the 4^(K-1) outcomes; all are equally likely."""
    probe = qcn.TeleportedGhz((IDEAL,) * len(sizes), sizes, route=route)
    ghz = qcn.Ghz(probe.atoms).vector()
    outcomes = list(probe.outcomes)
    assert len(outcomes) == (2 if route == "parked" else 4) ** (len(sizes) - 1)
    for outcome in outcomes:
        probability, network = probe.circuit_network(outcome)
        amplitudes = network.to_dense().ravel()
        assert probability == approx(1.0 / len(outcomes), rel=1e-12)
        assert abs(ghz.conj() @ amplitudes) ** 2 == approx(1.0, rel=1e-12)
        assert amplitudes[-1] / amplitudes[0] == approx(1j, rel=1e-12)
        if probe.atoms <= 7:
            probability, state = probe.circuit(outcome)
            assert probability == approx(1.0 / len(outcomes), rel=1e-12)
            np.testing.assert_allclose(state.full(), np.outer(ghz, ghz.conj()), atol=1e-14)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("errors", ERRORS)
def test_every_outcome_of_a_noisy_circuit(errors: str, route: str) -> None:
    changed = {"epr_fidelities": (0.9,), "conversion_fidelity": 0.85, "pair_phases": (0.6,)} if "all" in errors else {}
    probe = noisy(errors, route, **changed)
    assert_circuit(probe)
    assert_probe_contract(probe)


@pytest.mark.parametrize(
    ("errors", "route", "sizes", "geometry"),
    [
        ("all but loss", "ancillas", (1, 2, 1), "tree"),
        ("all but loss", "parked", (3, 1, 2), "chain"),
        ("all but loss", "photonic", (3, 1, 1), "tree"),
        pytest.param("bits", "ancillas", (1, 1, 1, 1), "tree", marks=pytest.mark.slow),
        ("depolarising", "parked", (4, 1, 1, 1), "tree"),
        pytest.param("all but loss", "ancillas", (1, 1, 1, 1), "tree", marks=pytest.mark.slow),
        pytest.param("all", "parked", (3, 1, 1), "chain", marks=pytest.mark.slow),
    ],
)
def test_circuits_of_several_nodes(errors: str, route: str, sizes: tuple[int, ...], geometry: str) -> None:
    links = len(sizes) - 1
    changed = {"epr_fidelities": (0.9, 0.8, 0.95)[:links], "pair_phases": (0.6, -0.3, 0.2)[:links]}
    assert_circuit(noisy(errors, route, sizes, geometry=geometry, conversion_fidelity=0.9, **changed))


def assert_circuit(probe: qcn.TeleportedGhz) -> None:
    """Every outcome's probability and state, and the average in closed form, are those of the Kraus operators."""
    states = protocol(probe, probe.levels)
    assert list(states) == list(probe.outcomes)
    for outcome, rho in states.items():
        probability, state = probe.circuit(outcome)
        assert probability == approx(np.trace(rho).real, rel=1e-12)
        np.testing.assert_allclose(probability * state.full(), rho, atol=1e-14)
    mean = sum(states.values())
    np.testing.assert_allclose(probe.vector(), mean, atol=1e-14)
    ghz = np.zeros(len(mean), dtype=complex)
    top = (probe.levels**probe.atoms - 1) // (probe.levels - 1)
    ghz[[0, top]] = np.array([1, 1j]) / math.sqrt(2)
    assert qcn.fidelity(probe) == approx((ghz.conj() @ mean @ ghz).real, rel=1e-12)
    assert 0.5j * probe.contrast == approx(mean[top, 0], rel=1e-11)
    if not probe.pair_phases:
        preparation = qcn.Teleported(
            probe.gates, probe.sizes, probe.epr_fidelities, probe.waiting, probe.route, probe.conversion_fidelity
        )
        assert preparation.contrast(probe.atoms) == approx(2.0 * abs(mean[top, 0]), rel=1e-11)


def test_memory_is_that_of_a_master_equation() -> None:
    """The halves of a pair wait under sigma_z/2 noise at their own rates; teleported with everything else perfect."""
    rates, waiting = (0.9, 0.4), 0.7
    pair = qutip.ket2dm(qutip.bell_state("00"))
    jumps = [
        math.sqrt(rate) / 2 * qutip.tensor(*(qutip.sigmaz() if site == other else qutip.qeye(2) for other in (0, 1)))
        for site, rate in enumerate(rates)
    ]
    options = {"rtol": 1e-12, "atol": 1e-14}
    stored = qutip.mesolve(0 * pair, pair, [0.0, waiting], jumps, options=options).states[-1]
    probe = noisy("memory", "ancillas", (1, 1))
    assert probe.contrast == approx(2.0 * abs(stored.full()[3, 0]), rel=1e-9)
    np.testing.assert_allclose(probe.vector()[3, 0], 1j * stored.full()[3, 0], atol=1e-10)


@pytest.mark.parametrize("nodes", [1, 2, 10])
def test_contrast_of_single_errors(nodes: int) -> None:
    """What K nodes of n = 8 atoms leave of the contrast."""

    def contrast(gates: qcn.Gates, **changed: object) -> float:
        preparation = qcn.Teleported((gates,) * nodes, (1,) * nodes, **changed)
        return preparation.contrast(8 * nodes)

    links = nodes - 1
    assert contrast(qcn.Gates(entangling_fidelity=0.99)) == approx(0.99**nodes)
    assert contrast(qcn.Gates(phase_flip=0.01)) == approx(0.98**nodes)
    parked = contrast(qcn.Gates(entangling_fidelity=0.99), route="parked")
    assert parked == approx(0.99 ** (nodes + (links > 0)))
    assert contrast(IDEAL, epr_fidelities=(0.97,) * links) == approx(0.96**links)
    assert contrast(qcn.Gates(measurement_error=0.01)) == approx((0.99 * 0.98) ** links)
    assert contrast(qcn.Gates(measurement_error=0.01), route="parked") == approx(0.99**links)
    depolarised = qcn.Gates(depolarizing=0.015)
    assert contrast(depolarised) == approx(0.984 ** (7 * nodes + 2 * links))
    assert contrast(depolarised, route="parked") == approx(0.984 ** (7 * nodes + links))
    # The phase of a is not read.
    assert contrast(qcn.Gates(dephasing=0.01)) == approx(0.98 ** (14 * nodes + 3 * links))
    assert contrast(qcn.Gates(dephasing=0.01), route="parked") == approx(0.98 ** (14 * nodes + links))
    lossy = qcn.Gates(loss=0.01)
    assert contrast(lossy) == approx(0.99 ** (14 * nodes + 3 * links) * 0.995**links)
    assert contrast(lossy, route="parked") == approx(0.99 ** (14 * nodes + links) * 0.995**links)
    memory = qcn.Gates(memory_dephasing=0.2)
    assert contrast(memory, waiting=0.5) == approx(math.exp(-0.1 * links))
    assert contrast(IDEAL, route="photonic", conversion_fidelity=0.97) == approx(0.96**links)
    assert contrast(IDEAL, conversion_fidelity=0.97) == 1.0


def test_blocks_of_a_cascade() -> None:
    """Unequal shares, every node's gates with its own atoms; single atoms need no gate."""
    gates = (qcn.Gates(0.99, depolarizing=1e-3), qcn.Gates(0.98, dephasing=2e-3), qcn.Gates(0.97, loss=3e-3))
    preparation = qcn.Teleported(gates, (3, 1, 2), (0.9, 0.8))
    probe = qcn.TeleportedGhz(gates, (12, 4, 8), (0.9, 0.8))
    assert preparation.contrast(24) == approx(probe.contrast)
    grown = 0.99 * 0.98 * 0.97 * (1 - 16e-3 / 15) ** (11 + 4) * 0.996 ** (2 * 3) * 0.997 ** (2 * 7)
    assert preparation.contrast(24) == approx(grown * 2.6 / 3 * 2.2 / 3)
    assert preparation.contrast(1) == 1.0
    local = qcn.Local(gates[1])
    assert local.contrast(1) == 1.0
    assert local.contrast(5) == approx(0.98 * 0.996**8)
    cascade = qcn.Cascade((8, 8), nodes=6, uncorrelated=300, preparation=preparation)
    contrasts = {level.size: level.contrast for level in cascade.levels}
    assert contrasts == {1: 1.0, 6: approx(preparation.contrast(6)), 12: approx(preparation.contrast(12))}


@pytest.mark.parametrize("route", ROUTES)
def test_phase_of_a_pair_turns_with_the_outcome(route: str) -> None:
    """+theta where a is found in g, -theta where in e: only who knows the outcome can take it off afterwards."""
    phases = (0.4, 1.1)
    probe = qcn.TeleportedGhz((IDEAL,) * 3, (3, 1, 2), route=route, pair_phases=phases)
    step = 1 if route == "parked" else 2
    for outcome in probe.outcomes:
        turned = sum(phase * (1 - 2 * outcome[step * link]) for link, phase in enumerate(phases))
        _, state = probe.circuit(outcome)
        assert state.full()[-1, 0] == approx(0.5j * np.exp(1j * turned), rel=1e-12)
        amplitudes = probe.circuit_network(outcome)[1].to_dense().ravel()
        assert amplitudes[-1] / amplitudes[0] == approx(1j * np.exp(1j * turned), rel=1e-12)
    assert probe.contrast == approx(math.cos(0.4) * math.cos(1.1))


def test_a_wrong_bit_turns_a_node_upside_down() -> None:
    """Coherent between gg ee and ee gg: with equal phases its parity does not depend on the laser."""
    probe = noisy("bits", "parked")
    rho = probe.vector()
    assert rho[0b1100, 0b0011] == approx(0.06j)
    assert rho[0b1111, 0b0000] == approx(0.44j)
    x = reduce(np.kron, [np.array([[0, 1], [1, 0]])] * 4)

    def parity(angle: float) -> float:
        turn = np.exp(1j * angle * np.array([bin(index).count("1") for index in range(16)]))
        return float(np.einsum("ij,ji->", x, turn[:, None] * rho * turn.conj()).real)

    for angle in (0.1, 0.7, 2.0):
        assert parity(angle) == approx(-probe.contrast * math.sin(4 * angle), rel=1e-12)


@pytest.mark.parametrize("geometry", ["chain", "tree"])
@pytest.mark.parametrize("loss", [0.0, 1e-3])
def test_network_of_many_atoms(geometry: qcn.preparation.Geometry, loss: float) -> None:
    """Contracted site by site it has the trace, fidelity and contrast of the closed forms."""
    # A lossy tree of a hundred atoms takes seconds.
    sizes = (20 if geometry == "tree" and loss else 100,) * 10
    gates = qcn.Gates(0.995, 0.001, 1e-3, 2e-4, loss, 0.01, 0.1)
    probe = qcn.TeleportedGhz((gates,) * 10, sizes, (0.99,) * 9, 0.1, geometry=geometry)
    network = probe.network()
    levels = range(probe.levels)
    weights = [contracted(network, np.diag([float(level == kept) for level in levels])) for kept in (0, 1)]
    coherence = contracted(network, np.array([[float((k, b) == (0, 1)) for b in levels] for k in levels]))
    assert contracted(network, np.eye(probe.levels)) == approx(1.0, rel=1e-11)
    assert coherence == approx(0.5j * probe.contrast, rel=1e-11)
    assert sum(weights).real / 2 + coherence.imag == approx(qcn.fidelity(probe), rel=1e-10)
    assert qcn.parity_contrast(probe) == approx(probe.contrast)


def contracted(network: object, operator: NDArray[np.float64]) -> complex:
    """Trace of the density operator with the same operator on every atom."""
    row = np.ones(1)
    for site in range(network.L):
        names = [network.upper_ind(site), network.lower_ind(site)]
        left, right = ([network.bond(site, near)] if 0 <= near < network.L else [] for near in (site - 1, site + 1))
        tensor = network[site].transpose(*left, *names, *right).data
        row = np.einsum("l,lkbr,bk->r", row, tensor.reshape(len(row), *operator.shape, -1), operator)
    return complex(row[0])


def test_information_of_a_teleported_state() -> None:
    """The tensor network evolved and read out, against density operators; and N^2 T^2 C^2 with phase errors alone."""
    probe = noisy("all", "ancillas", (1, 2, 1), epr_fidelities=(0.9, 0.95))
    model = qcn.Ramsey(probe, (qcn.Dephasing(0.4), qcn.TrapLoss(0.2)), 0.3, 0.2)
    for readout in (qcn.Parity("random", 0.3), qcn.Parity("dark", 0.3)):
        assert qcn.cfi(model, readout, qcn.QuimbMPO()) == approx(qcn.cfi(model, readout, qcn.QutipDense()), rel=1e-8)
    assert "upside down" in qcn.Growth().refusal(model)
    flipped = qcn.TeleportedGhz((qcn.Gates(phase_flip=0.05),) * 3, (1, 2, 1))
    assert qcn.qfi(qcn.Ramsey(flipped, (), 0.3)) == approx((4 * 0.3 * 0.9**3) ** 2)
    assert qcn.fidelity(flipped) == approx(0.5 * (1 + 0.9**3))


@pytest.mark.parametrize("phases", [(), (0.4, 2.0)])
def test_information_without_tensors(phases: tuple[float, ...]) -> None:
    """Populations and one contrast, of any size, against density operators; a phase beyond pi/2 inverts the fringe."""
    gates = (qcn.Gates(0.95, 0.02, 0.03, 0.01), qcn.Gates(0.9, 0.01, 0.05, 0.02), qcn.Gates(depolarizing=0.04))
    probe = qcn.TeleportedGhz(gates, (2, 1, 2), (0.9, 0.95), pair_phases=phases)
    for noise in ((qcn.Dephasing(0.4),), (qcn.SpontaneousEmission(0.5), qcn.TrapLoss(0.2))):
        model = qcn.Ramsey(probe, noise, 0.3, 0.2)
        assert qcn.explain(model).backend == qcn.Growth()
        assert qcn.qfi(model) == approx(qcn.qfi(model, qcn.QutipDense()), rel=1e-8)
        for readout in (qcn.Parity("seen"), qcn.Parity("dark", 0.3)):
            assert qcn.cfi(model, readout) == approx(qcn.cfi(model, readout, qcn.QutipDense()), rel=1e-8)
    large = qcn.TeleportedGhz((qcn.Gates(loss=0.0, phase_flip=0.01),) * 10, (1000,) * 10)
    assert qcn.qfi(qcn.Ramsey(large, (), 0.1)) == approx((1e4 * 0.1 * 0.98**10) ** 2)


RNG = np.random.default_rng(2014)
TEN_NODES = [(0,) * 18, (1,) * 18, *(tuple(int(bit) for bit in RNG.integers(0, 2, 18)) for _ in range(4))]


@pytest.mark.parametrize("outcome", TEN_NODES)
def test_a_thousand_atoms_of_ten_nodes(outcome: tuple[int, ...]) -> None:
    """Overlap 1 with the GHZ state and the phase i."""
    probability, state = qcn.TeleportedGhz((IDEAL,) * 10, (100,) * 10).circuit_network(outcome)
    assert probability == approx(4.0**-9)
    assert state.max_bond() == 2
    ground, excited = (amplitude(state, level) for level in (0, 1))
    assert excited / ground == approx(1j, rel=1e-10)
    assert abs(ground) ** 2 + abs(excited) ** 2 == approx(1.0, rel=1e-10)


def amplitude(state: object, level: int) -> complex:
    """Of all atoms at one level."""
    row = np.ones(1)
    for site in range(state.L):
        left, right = ([state.bond(site, near)] if 0 <= near < state.L else [] for near in (site - 1, site + 1))
        row = row @ state[site].transpose(*left, state.site_ind(site), *right).data.reshape(len(row), 2, -1)[:, level]
    return complex(row[0])


def test_fidelities_are_those_of_a_link_at_a_time() -> None:
    """An error more leaves less; no state is better than its parts."""
    best = noisy("all", "photonic", epr_fidelities=(1.0,))
    values = [qcn.fidelity(replace(best, epr_fidelities=(fidelity,))) for fidelity in (1.0, 0.9, 0.6, 0.25)]
    assert all(first > second for first, second in itertools.pairwise(values))
    assert replace(best, epr_fidelities=(0.25,)).contrast == 0.0


BAD = {
    "gates": (lambda: qcn.TeleportedGhz((0.99,), (2,)), TypeError, r"TeleportedGhz gates\[0\] must be Gates"),
    "one gate": (
        lambda: qcn.Teleported(IDEAL, (1, 1)),
        TypeError,
        "Teleported gates must hold one entry for each node",
    ),
    "local": (lambda: qcn.Local(0.99), TypeError, "Local gates must be Gates such as"),
    "no nodes": (lambda: qcn.Teleported((), ()), ValueError, "needs gates and shares of every node, got 0 and 0"),
    "unequal": (
        lambda: qcn.TeleportedGhz((IDEAL,) * 2, (2,)),
        ValueError,
        "gates and sizes of every node, got 2 and 1",
    ),
    "share": (lambda: qcn.Teleported((IDEAL,) * 2, (1, 0)), ValueError, r"shares\[1\] must be a whole number >= 1"),
    "fidelities": (
        lambda: qcn.Teleported((IDEAL,) * 2, (1, 1), (0.9, 0.9)),
        ValueError,
        "one for each of the 1 nodes other than the centre, got 2",
    ),
    "negative": (
        lambda: qcn.Teleported((IDEAL,) * 2, (1, 1), (-0.9,)),
        ValueError,
        r"epr_fidelities\[0\] must lie between 0.25 and 1, got -0.9",
    ),
    "waiting": (
        lambda: qcn.Teleported((IDEAL,) * 2, (1, 1), waiting=-1.0),
        ValueError,
        r"Teleported waiting must be finite and >= 0 \(s\), got -1.0",
    ),
    "route": (lambda: qcn.Teleported((IDEAL,), (1,), route="fusion"), ValueError, "\"photonic\", got 'fusion'"),
    "conversion": (
        lambda: qcn.Teleported((IDEAL,), (1,), conversion_fidelity=0.1),
        ValueError,
        "conversion_fidelity must lie between 0.25 and 1, got 0.1",
    ),
    "parked": (
        lambda: qcn.TeleportedGhz((IDEAL,) * 4, (3, 3, 3, 3), route="parked"),
        ValueError,
        'which has 3 atoms: give it 4, or take route="ancillas"',
    ),
    "phases": (
        lambda: qcn.TeleportedGhz((IDEAL,) * 2, (1, 1), pair_phases=(0.1, 0.1)),
        ValueError,
        "must hold 1, one for each pair, got 2",
    ),
    "geometry": (lambda: qcn.TeleportedGhz((IDEAL,), (3,), geometry="star"), ValueError, '"chain" or "tree", got'),
    "block": (lambda: qcn.Teleported((IDEAL,) * 3, (1, 2, 1)).contrast(6), ValueError, "take a multiple of 4"),
    "outcome": (
        lambda: qcn.TeleportedGhz((IDEAL,) * 2, (1, 1)).circuit((0, 2)),
        ValueError,
        r"an outcome of 'ancillas' holds 2 bits, each 0 or 1, got \(0, 2\)",
    ),
    "bits": (lambda: qcn.TeleportedGhz((IDEAL,) * 2, (1, 1)).circuit_network((0,)), ValueError, "holds 2 bits"),
    "circuit": (
        lambda: qcn.TeleportedGhz((IDEAL,) * 2, (7, 6)).circuit((0, 0)),
        ValueError,
        "limited to 12 atoms, or 8 where gates lose them, .* has 13: take circuit_network",
    ),
    "dense": (
        lambda: qcn.TeleportedGhz((IDEAL,) * 2, (6, 6)).vector(),
        ValueError,
        r"limited to dimension 2187, .*2\^12",
    ),
    "network": (lambda: qcn.TeleportedGhz((IDEAL,) * 2, (6000, 6000)).network(), ValueError, "limited to 10000 atoms"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_ends_in_a_sentence(name: str) -> None:
    call, kind, sentence = BAD[name]
    with pytest.raises(kind, match=sentence):
        call()
