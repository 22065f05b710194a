"""Networks of unequal nodes: what a file says, what its mistakes are called, and what blocks over the nodes see."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from closeness import approx

import qcn_open as qcn
from qcn_open.network import _GATES, _LINEWIDTHS, _LINK, _NODE, _NOISES
from qcn_open.toml_lines import line_of

EXAMPLES = Path(__file__).parents[1] / "examples"

# --- files -----------------------------------------------------------------------------------------------------------

EVERY_KEY = """
name = "All keys"
dead_time_s = 0.25
[transition]
frequency_hz = 5e14
[noise]
dephasing_rate_per_s = 0.1
loss_rate_per_s = 0.2
spontaneous_emission_rate_per_s = 0.3
pumping_rate_per_s = 0.4
depolarizing_rate_per_s = 0.5
[[node]]
name = "A"
atoms = 50
[node.laser]
white_linewidth_rad_per_s = 3.0
flicker_linewidth_hz = 0.5
random_walk_linewidth_rad_per_s = 0.25
[[node]]
name = "B"
atoms = 40
share = 3
dead_time_s = 0.75
[node.transition]
species = "Al+"
[node.laser]
flicker_floor = 1e-16
white_linewidth_hz = 0.125
random_walk_linewidth_hz = 0.0625
[node.noise]
loss_rate_per_s = 0.05
[node.gates]
entangling_fidelity = 0.9
phase_flip_probability = 0.01
depolarizing_probability = 0.02
dephasing_probability = 0.03
loss_probability = 0.04
measurement_error_probability = 0.05
memory_dephasing_rate_per_s = 0.06
[node.link]
epr_rate_hz = 70.0
epr_fidelity = 0.8
delay_s = 0.09
phase_noise_rad = 0.11
[node.link.noise]
white_linewidth_rad_per_s = 0.13
flicker_linewidth_rad_per_s = 0.14
"""


def read(tmp_path: Path, text: str) -> qcn.Network:
    path = tmp_path / "clocks.toml"
    path.write_text(text, encoding="utf-8")
    return qcn.Network.from_toml(path)


def test_every_key_arrives_where_it_belongs(tmp_path: Path) -> None:
    network = read(tmp_path, EVERY_KEY)
    aluminium = 1121015393207859.16
    lasers = (
        qcn.Oscillator(white=6.0, flicker=math.pi**2, random_walk=1.5 * 0.25**3 / math.pi**2),
        qcn.Oscillator(
            white=0.5 * math.pi,
            flicker=(2.0 * math.pi * aluminium * 1e-16) ** 2 / (2.0 * math.log(2.0)),
            random_walk=1.5 * (math.pi / 8.0) ** 3 / math.pi**2,
        ),
    )
    link = qcn.Link(70.0, 0.8, 0.09, 0.11, qcn.Oscillator(white=0.26, flicker=0.14**2))
    gates = qcn.Gates(0.9, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06)
    nodes = (
        qcn.Node(50, "A", oscillator=lasers[0]),
        qcn.Node(40, "B", 3, lasers[1], (qcn.TrapLoss(0.05),), aluminium, 0.75, gates, link),
    )
    for node, meant in zip(network.nodes, nodes, strict=True):
        for kind in ("white", "flicker", "random_walk"):
            assert getattr(node.oscillator, kind) == approx(getattr(meant.oscillator, kind))
        for field in qcn.Node.__dataclass_fields__:
            assert field == "oscillator" or getattr(node, field) == getattr(meant, field), field
    assert network.noise == (
        qcn.Dephasing(0.1),
        qcn.TrapLoss(0.2),
        qcn.SpontaneousEmission(0.3),
        qcn.Pumping(0.4),
        qcn.Depolarizing(0.5),
    )
    assert (network.name, network.dead_time, network.frequency_hz) == ("All keys", 0.25, 5e14)
    # No key is left out above.
    for key in (*_NOISES, *_LINEWIDTHS, *_GATES, *_LINK, *_NODE):
        assert key in EVERY_KEY or key == "random_walk_linewidth_rad_per_s"


def test_examples() -> None:
    three, ten = (qcn.Network.from_toml(EXAMPLES / f"{number}_nodes.toml") for number in ("three", "ten"))
    assert [(node.name, node.atoms, node.share) for node in three.nodes] == [
        ("Boulder", 90, 2),
        ("Paris", 40, 1),
        ("Tokyo", 35, 1),
    ]
    assert three.frequency_hz == 429228004229872.99
    assert len({node.atoms for node in ten.nodes}) > 5
    assert (len(ten.nodes), ten.atoms) == (10, 1000)
    for network in (three, ten):
        assert all(node.oscillator for node in network.nodes)


def test_a_laser_of_the_network(tmp_path: Path) -> None:
    network = read(tmp_path, MINIMAL)
    assert network == qcn.Network(qcn.Node(9), qcn.Oscillator(white=2.0), (), 1e14)


MINIMAL = """
[transition]
frequency_hz = 1e14
[laser]
white_linewidth_rad_per_s = 1.0
[[node]]
atoms = 9
"""
TWO = MINIMAL + '[[node]]\nname = "B"\natoms = 8\n'
LINKED = TWO + "[node.link]\n"

BAD = {
    "no TOML": ("[transition", "is no TOML: "),
    "no heading of a node": ("[node.laser]\n[node.laser]", "; the tables of a node follow its own \\[\\[node\\]\\]$"),
    "misspelt": (LINKED + "epr_fidelty = 0.9", ", node 'B', link.epr_fidelty: .*, did you mean epr_fidelity\\?$"),
    "misspelt at the top": ("names = 3" + MINIMAL, ", names: there is no such key, did you mean name\\?$"),
    "unheard of": ("colour = 3" + MINIMAL, ", colour: there is no such key, known are name, dead_time_s, transition"),
    "no unit": (LINKED + "epr_rate = 3", ", node 'B', link.epr_rate: the key must state its unit, write epr_rate_hz$"),
    "two units": (
        MINIMAL.replace("_rad_per_s", ""),
        "laser.white_linewidth: .* write white_linewidth_rad_per_s or white_linewidth_hz$",
    ),
    "other unit": (
        LINKED + "epr_rate_per_s = 3",
        "link.epr_rate_per_s: there is no such unit, write epr_rate_hz$",
    ),
    "negative fidelity": (
        LINKED + "epr_fidelity = -0.9",
        ", node 'B', link.epr_fidelity: .* between 0.25 and 1, got -0.9$",
    ),
    "later of two": (LINKED + "delay_s = 1.0\nphase_noise_rad = -1.0", ", node 'B', link.phase_noise_rad: .* -1.0$"),
    "gates": (TWO + "[node.gates]\nloss_probability = 2", ", node 'B', gates.loss_probability: .* got 2$"),
    "too few atoms": (
        MINIMAL + "share = 10",
        ", node 1, share: Node has 9 atoms, fewer than its share of 10 in the smallest block$",
    ),
    "half an atom": (MINIMAL.replace("9", "9.5"), ", node 1, atoms: .* whole number >= 1, got 9.5$"),
    "no atoms": (MINIMAL.replace("atoms", "share"), ", node 1, atoms: must be given$"),
    "text": (LINKED + 'epr_rate_hz = "fast"', "link.epr_rate_hz: .* real number, got 'fast'$"),
    "name": (MINIMAL + "name = 3", ", node 3, name: Node name must be text, got 3$"),
    "name of the network": ("name = 3" + MINIMAL, ", name: Network name must be text, got 3$"),
    "escape in a name": (
        MINIMAL + 'name = "\\u001b[31mA"',
        ", node .*, name: Node name must be one line without control",
    ),
    "one name twice": (TWO + '[[node]]\nname = "B"\natoms = 9', ", node: .* different names, got 'B' 2 times$"),
    "dead time": ("dead_time_s = -1" + MINIMAL, ", dead_time_s: .* >= 0 \\(s\\), got -1$"),
    "no table": (TWO + "link = 3", ", node 'B', link: must be a table of keys, got 3$"),
    "node": (MINIMAL.replace("[[node]]", "[node]"), ", node: must be a list of tables, each headed \\[\\[node\\]\\]$"),
    "no node": (MINIMAL.split("[[", maxsplit=1)[0], ", node: there is none, "),
    "no transition": (MINIMAL.split("e14", maxsplit=1)[1], ", transition: must hold the species or frequency_hz$"),
    "species": (
        MINIMAL.replace("frequency_hz = 1e14", 'species = "Sr+"'),
        ", transition.species: must be one of Al\\+, Sr, Yb\\+, Er, got 'Sr\\+'; for another write frequency_hz$",
    ),
    "list for a species": (
        MINIMAL.replace("frequency_hz = 1e14", "species = [1]"),
        "transition.species: .* got \\[1\\]; ",
    ),
    "species and frequency": (MINIMAL.replace("1e14", '1e14\nspecies = "Sr"'), "not both$"),
    "frequency": (MINIMAL.replace("1e14", "0.0"), ", transition.frequency_hz: .* > 0 \\(Hz\\), got 0.0$"),
    "noise": (MINIMAL + "[noise]\nloss_rate_per_s = -1", ", noise.loss_rate_per_s: .* >= 0 \\(1/s\\), got -1$"),
    "linewidth": (MINIMAL.replace("1.0", "-1.0"), ", laser.white_linewidth_rad_per_s: .* \\(rad/s\\), got -1.0$"),
    "linewidth twice": (
        MINIMAL.replace("1.0", "1.0\nwhite_linewidth_hz = 1.0"),
        ", laser.white_linewidth_hz: the white noise is stated twice$",
    ),
    "no laser": (MINIMAL.replace("[laser]\nwhite_linewidth_rad_per_s = 1.0", ""), ", node 1, laser: there is none"),
    "laser of one node": (
        TWO + "[node.laser]\nwhite_linewidth_hz = 1.0",
        ", laser: .* give one laser, or every node its own$",
    ),
    "too slow": (
        LINKED + "epr_rate_hz = 0.01\n[noise]\ndephasing_rate_per_s = 0.1",
        ", node 'B', link.epr_rate_hz: 0.01 Hz is too low to run: .* every 100 s, .* coherence for 20 s$",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files(tmp_path: Path, case: str) -> None:
    text, message = BAD[case]
    with pytest.raises(ValueError, match=message) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "clocks.toml"))
    assert "\n" not in str(caught.value)


WRONG = ("-1", '"text"', "true", "[1.0]", "nan", "inf", "1e300", "{}", "1979-05-27")


@pytest.mark.parametrize(
    "line", [line for line in EVERY_KEY.split("\n") if "=" in line and not line.startswith("name")]
)
def test_every_wrong_value_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    lines = EVERY_KEY.split("\n")
    # Where two tables have the same line, the later one.
    number = len(lines) - lines[::-1].index(line)
    key = line.split(" = ")[0]
    for wrong in WRONG:
        changed = [*lines[: number - 1], f"{key} = {wrong}", *lines[number:]]
        with pytest.raises(ValueError, match=rf"clocks\.toml, line {number}, .*\b{key}: ") as caught:
            read(tmp_path, "\n".join(changed))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "keys", "line"),
    [
        ("a = 1\nb = 2", ("b",), 2),
        ("# a = 1\n\n\na = 1", ("a",), 4),
        ("a.b.c = 1\na.b.d = 2", ("a", "b", "d"), 2),
        ("x = '''\na = 1\n'''\na = 1", ("a",), 4),
        ("x = [\n  1,\n  2,\n]\ny = 1", ("y",), 5),
        ("x = [\n  1,\n  2,\n]\ny = 1", ("x",), 1),
        ("t = {a = 1, b = {c = 2}}", ("t", "b", "c"), 1),
        ("[[n]]\na = 1\r\n[[n]]\r\na = 2\r\n", ("n", 1, "a"), 4),
        ("[[n]]\na = 1\n[[n]]\nb = 2", ("n", 1, "a"), 3),
        ("[t.u]\na = 1", ("t", "u", "b"), 1),
        ("x = '\u2028\u0085'\na = 1", ("a",), 2),
        ("a = 1", ("b", "c"), None),
    ],
)
def test_lines_of_keys(text: str, keys: tuple[str | int, ...], line: int | None) -> None:
    assert line_of(text, keys) == line


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"^no network file at {re.escape(str(tmp_path))}$"):
        qcn.Network.from_toml(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"name = '\xe9'")
    with pytest.raises(ValueError, match=r"latin.toml is no TOML: "):
        qcn.Network.from_toml(tmp_path / "latin.toml")


# --- unequal nodes ---------------------------------------------------------------------------------------------------

LASERS = tuple(qcn.Oscillator.from_linewidth(white=rate) for rate in (0.5, 1.0, 2.0))
SHARES = (3, 2, 1)
NODES = tuple(qcn.Node(10 * share, share=share, oscillator=laser) for share, laser in zip(SHARES, LASERS, strict=True))
EXTRA = ((qcn.Dephasing(0.3), qcn.TrapLoss(0.1)), (qcn.Depolarizing(0.2),), (qcn.TrapLoss(0.4), qcn.Pumping(0.1)))
COMMON = (qcn.Dephasing(0.05), qcn.SpontaneousEmission(0.02))


def noisy() -> qcn.Network:
    nodes = [qcn.Node(node.atoms, share=node.share, noise=noise) for node, noise in zip(NODES, EXTRA, strict=True)]
    return qcn.Network(nodes, LASERS[1], COMMON, 4e14)


def test_block_contrast_is_the_product_over_the_nodes() -> None:
    """Against one atom of each node evolved by a master equation, to the power of its number in the block."""
    network, time = noisy(), 0.7
    cascade = qcn.Cascade((2, 1), nodes=network.smallest_block, uncorrelated=100).decohered(network.joint().noise, time)
    left, survival = 1.0, 1.0
    for share, extra in zip(SHARES, EXTRA, strict=True):
        rho = qcn.QutipDense().evolve(qcn.Ramsey(qcn.CoherentSpin(1), (*COMMON, *extra), time)).to_qutip()[0].full()
        left *= (2.0 * abs(rho[0, 1])) ** share
        survival *= (rho[0, 0] + rho[1, 1]).real ** share
    unseen = qcn.Cascade((2, 1), nodes=6, uncorrelated=100, readout=qcn.MultiAngle(loss="random"))
    blocks = {level.size: level for level in unseen.decohered(network.joint().noise, time).levels}
    assert blocks[6].contrast == approx(left, rel=1e-6)
    assert blocks[12].contrast == approx(left**2, rel=1e-6)
    assert cascade.survival**6 == approx(survival, rel=1e-6)


def test_joint_network() -> None:
    nodes = (
        qcn.Node(30, "A", 3, LASERS[0], frequency_hz=1e14, dead_time=0.1),
        qcn.Node(10, "B", 1, LASERS[2], qcn.Dephasing(4.0), gates=qcn.Gates(0.9), link=qcn.Link(delay=0.1)),
    )
    network = qcn.Network(nodes, None, qcn.Dephasing(1.0), 5e14, 0.05, "two")
    assert network.oscillator == qcn.centre_of_mass([LASERS[0], LASERS[2]], [3, 1])
    assert network.shares.tolist() == [0.75, 0.25]
    assert network.weights.tolist() == approx([0.375, 0.625])
    assert network.smallest_block == 4
    joint = network.joint()
    assert joint.frequency_hz == approx(2e14)
    assert joint.noise == (qcn.Dephasing(2.0),)
    assert joint.oscillator == network.oscillator
    assert (joint.dead_time, joint.name, joint.atoms) == (0.1, "two", 40)
    assert joint.nodes[1] == qcn.Node(10, "B", 1, gates=qcn.Gates(0.9), link=qcn.Link(delay=0.1))
    assert joint.joint() == joint
    alone = network.joint(1)
    assert (alone.oscillator, alone.noise, alone.frequency_hz) == (LASERS[2], (qcn.Dephasing(5.0),), 5e14)
    assert (alone.dead_time, len(alone.nodes)) == (0.05, 1)
    # Whose lasers are not stated has that of the network, whatever its members.
    same = qcn.Network((qcn.Node(5),) * 3, LASERS[1], (), 1e14)
    assert same.joint(0, 2).oscillator == same.oscillator == LASERS[1]


def test_fractional_weights_are_those_of_the_phase() -> None:
    """Sum of the phases of a block under small fractional detunings, species by species."""
    nodes = (qcn.Node(9, share=2, frequency_hz=1.1e15), qcn.Node(9, share=5), qcn.Node(9, frequency_hz=6e14))
    network = qcn.Network(nodes, LASERS[0], (), 4e14)
    fractional = np.array([3e-16, -1e-16, 2e-16])
    phase = 2.0 * math.pi * (2 * 1.1e15 * 3e-16 - 5 * 4e14 * 1e-16 + 6e14 * 2e-16)
    mean = float(network.weights @ fractional)
    assert phase == approx(8 * 2.0 * math.pi * network.joint().frequency_hz * mean)


LINKS = (
    qcn.Link(phase_noise=9.0, delay=0.01),
    qcn.Link(phase_noise=0.1, oscillator=qcn.Oscillator(white=0.05)),
    qcn.Link(delay=0.02, phase_noise=0.05),
)


@pytest.mark.parametrize("delayed", [False, True])
def test_links_in_the_loop(delayed: bool) -> None:
    """The theory of what links add against simulated nodes; it adds nothing to the centre of mass."""
    links = LINKS if delayed else [replace(link, delay=0.0) for link in LINKS]
    nodes = [
        qcn.Node(10 * share, share=share, oscillator=laser, link=link)
        for share, laser, link in zip(SHARES, LASERS, links, strict=True)
    ]
    network = qcn.Network(nodes, None, (), 4e14)
    theory = network.link_variances(0.1) + network.delay_variances(0.1)
    plan = qcn.Plan(0.1, qcn.Cascade(uncorrelated=3000), gain=0.01)
    cycles, added, centre = 20_000, [], []
    for child in np.random.default_rng(3).spawn(10):
        record = qcn.run_nodes(plan, LASERS, SHARES, cycles, child, links=links)
        common = record.shares @ record.errors
        added.append(((record.errors - common) ** 2).mean(axis=1))
        centre.append(common.var())
    # 200 000 cycles: 0.3 % for independent errors, and a gain of 0.01 adds as little to those of a delay.
    assert np.mean(added, axis=0).tolist() == approx(theory.tolist(), rel=0.015)
    bare = qcn.run_nodes(plan, LASERS, SHARES, 100_000, np.random.default_rng(4)).errors[0].var()
    assert np.mean(centre) == approx(bare, rel=0.02)
    if delayed:
        # 2 gamma d of the third laser, brought in with the weight (1 - w)^2.
        assert theory[2] - network.link_variances(0.1)[2] == approx(2.0 * 2.0 * 0.02 * (5.0 / 6.0) ** 2)


def test_late_light_averages_out() -> None:
    plan = qcn.Plan(0.1, qcn.Cascade(uncorrelated=3000), gain=0.01)
    links = (qcn.Link(), qcn.Link(), qcn.Link(delay=0.02))
    record = qcn.run_nodes(plan, LASERS, SHARES, 40_000, np.random.default_rng(5), links=links)
    late = record.errors[2] - record.shares @ record.errors
    single, hundred = (float(late[: 40_000 // m * m].reshape(-1, m).mean(axis=1).var()) for m in (1, 100))
    # White noise would leave 1/100 of the variance.
    assert hundred < 2e-4 * single


def test_perfect_links_change_nothing() -> None:
    plan = qcn.Plan(0.1, qcn.Cascade(uncorrelated=300))
    record = qcn.run_nodes(plan, LASERS, SHARES, 5000, np.random.default_rng(6), links=[qcn.Link()] * 3)
    assert np.ptp(record.errors, axis=0).max() < 1e-12


BAD_VALUES = {
    "node noise": (lambda: qcn.Node(3, noise=qcn.PhaseDiffusion(1.0)), TypeError, "noise must have a rate"),
    "no laser": (
        lambda: qcn.Network((qcn.Node(3, "A"), NODES[0]), None, (), 1e14),
        ValueError,
        "oscillator must be given: node A has no laser",
    ),
    "position": (lambda: noisy().joint(3), ValueError, "different positions below 3, got \\(3,\\)"),
    "position twice": (lambda: noisy().joint(1, 1), ValueError, "different positions"),
    "coloured link": (
        lambda: qcn.Network(
            (NODES[0], qcn.Node(3, link=qcn.Link(oscillator=qcn.Oscillator(flicker=1.0)))), LASERS[0], (), 1e14
        ).link_variances(1.0),
        ValueError,
        "has no variance",
    ),
    "long delay": (
        lambda: qcn.Network((NODES[0], qcn.Node(3, link=qcn.Link(delay=2.0))), LASERS[0], (), 1e14).delay_variances(
            1.0
        ),
        ValueError,
        "not be shorter than the delay 2 s, got 1 s",
    ),
    "links": (lambda: run(LINKS[:2]), ValueError, "one link, got 2 links for 3 nodes"),
    "no link": (lambda: run((None, 1.0, None)), TypeError, "links must be Links .* got 1.0"),
    "late light": (
        lambda: run((LINKS[0], LINKS[0], qcn.Link(delay=0.1))),
        ValueError,
        "shorter than .* 0.1 s, got 0.1",
    ),
    "dead time": (lambda: run(LINKS, dead_time=0.1), ValueError, "back-to-back interrogations only"),
}


def run(links: object, dead_time: float = 0.0) -> object:
    plan = qcn.Plan(0.1, qcn.Cascade(uncorrelated=30), dead_time=dead_time)
    return qcn.run_nodes(plan, LASERS, SHARES, 9, np.random.default_rng(1), links=links)


@pytest.mark.parametrize("case", BAD_VALUES)
def test_bad_values(case: str) -> None:
    call, kind, message = BAD_VALUES[case]
    with pytest.raises(kind, match=message):
        call()


# --- schemes ---------------------------------------------------------------------------------------------------------

UNLIKE = qcn.Network(
    (
        qcn.Node(16, "A", 2, LASERS[0], qcn.Dephasing(0.2), dead_time=0.02),
        qcn.Node(12, "B", 1, LASERS[1], frequency_hz=1.1e15),
        qcn.Node(10, "C", 1, LASERS[2], (qcn.TrapLoss(0.1), qcn.Dephasing(0.4)), dead_time=0.01),
    ),
    None,
    qcn.Dephasing(0.1),
    4.3e14,
    0.005,
)
WRITTEN_OUT = (
    qcn.Network(qcn.Node(16), LASERS[0], qcn.Dephasing(0.1 + 0.2), 4.3e14, 0.02),
    qcn.Network(qcn.Node(12), LASERS[1], qcn.Dephasing(0.1), 1.1e15, 0.005),
    qcn.Network(qcn.Node(10), LASERS[2], (qcn.Dephasing(0.1 + 0.4), qcn.TrapLoss(0.1)), 4.3e14, 0.01),
)


def test_unlike_clocks_alone_and_averaged() -> None:
    """Their records averaged as fractional frequencies."""
    alone = [qcn.stability(one, "classical-alone", 0.12).iloc[0] for one in WRITTEN_OUT]
    first = qcn.stability(UNLIKE, "classical-alone", 0.12).iloc[0]
    for column in ("sigma_y", "bound_sigma_y", "interrogation_time_s"):
        assert first[column] == approx(alone[0][column])
    quantum = [qcn.stability(one, "quantum-alone", 0.12).iloc[0] for one in WRITTEN_OUT]
    averaged = qcn.stability(UNLIKE, "quantum-classical", 0.12).iloc[0]
    for column in ("sigma_y", "bound_sigma_y"):
        assert averaged[column] == approx(sum(one[column] ** -2 for one in quantum) ** -0.5)


def test_unlike_clocks_together() -> None:
    mean = qcn.centre_of_mass(LASERS, [2, 1, 1])
    noise = (qcn.Dephasing(0.1 + 0.5 * 0.2 + 0.25 * 0.4), qcn.TrapLoss(0.25 * 0.1))
    frequency = 0.75 * 4.3e14 + 0.25 * 1.1e15
    equal = qcn.Network(qcn.Node(38), mean, noise, frequency, 0.02)
    together = qcn.stability(UNLIKE, "classical-cooperative", 0.12).iloc[0]
    assert together["sigma_y"] == approx(qcn.stability(equal, "classical-alone", 0.12)["sigma_y"].iloc[0])
    records = [
        qcn.simulate(network, scheme, tau=0.12, cycles=2000, rng=np.random.default_rng(7))
        for network, scheme in ((UNLIKE, "classical-cooperative"), (equal, "classical-alone"))
    ]
    assert records[0]["sigma_y"].tolist() == approx(records[1]["sigma_y"].tolist())


@pytest.mark.slow
def test_a_slow_node_makes_no_other_wait() -> None:
    # Dead time that one node needs would cost the other most of its stability: laser noise in it goes unseen.
    quick = qcn.Node(40, oscillator=qcn.Oscillator.from_linewidth(white=0.5))
    slow = replace(quick, atoms=20, dead_time=0.1)
    network = qcn.Network((quick, slow), None, (qcn.Dephasing(0.01),), 4.3e14)
    alone = qcn.stability(network, "quantum-alone", 0.5).iloc[0]
    record = qcn.simulate(network, "quantum-classical", tau=0.5, cycles=4000, rng=np.random.default_rng(1)).iloc[3]
    assert record["sigma_y"] * record["tau_s"] ** 0.5 < 1.2 * alone["sigma_y"] * 0.5**0.5


@pytest.mark.slow
def test_blocks_take_no_more_than_a_node_has() -> None:
    few, many = (qcn.Network((qcn.Node(30), qcn.Node(30), qcn.Node(atoms)), LASERS[0], (), 4.3e14) for atoms in (3, 12))
    plans = [qcn.best_plan(network, "quantum-cooperative", 0.2) for network in (few, many)]
    held = [plan.cascade.atoms - plan.cascade.uncorrelated for plan in plans]
    assert 0 < held[0] <= 9 < held[1] <= 36
    assert [plan.atoms for plan in plans] == [63, 72]
    taken = replace(plans[1], cascade=replace(plans[1].cascade, uncorrelated=63 - held[1]))
    with pytest.raises(ValueError, match=r"blocks take .* atoms of node '', which has 3: take fewer"):
        qcn.run_scheme(few, "quantum-cooperative", taken, 9, np.random.default_rng(1))
