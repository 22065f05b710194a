"""Clock species and eqs. (3) and (4) of the paper."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from closeness import approx

import qcn_open as qcn
from qcn_open.species import Species, decoherence_limited_stability, heisenberg_stability, read_species

TABLE = Path(__file__).parents[1] / "data" / "species.csv"


def test_committed_table() -> None:
    species = read_species(TABLE)
    assert list(species) == ["Al+", "Sr", "Yb+", "Er"]
    for one in species.values():
        assert one.linewidth_hz * 2 * math.pi * one.lifetime_s == approx(1.0, rel=1e-3)
        assert one.frequency_source
        assert one.linewidth_source
        if one.paper_frequency_hz is not None:
            assert one.frequency_hz == approx(one.paper_frequency_hz, rel=1e-3)
    assert species["Yb+"].paper_linewidth_hz is None
    assert species["Sr"].angular_frequency == approx(2 * math.pi * 429_228_004_229_872.99)
    assert species["Sr"].dephasing_rate == approx(1 / 118, rel=1e-5)


def test_worked_examples_by_hand() -> None:
    """The aluminium and strontium networks of the paper after 1 s."""
    assert heisenberg_stability(1121e12, 100, 1.0) == approx(3.0467e-18, rel=1e-4)
    assert heisenberg_stability(1121e12, 100, 1.0, 8 / math.pi) == approx(7.7584e-18, rel=1e-4)
    assert decoherence_limited_stability(1121e12, 100, 8e-3, 1.0) == approx(3.1831e-18, rel=1e-4)
    assert heisenberg_stability(429e12, 10_000, 1.0) == approx(1.1259e-19, rel=1e-4)
    assert decoherence_limited_stability(429e12, 10_000, 1e-3, 1.0) == approx(2.9407e-19, rel=1e-4)


def test_scaling() -> None:
    assert heisenberg_stability(1e14, 50, 4.0) == approx(heisenberg_stability(1e14, 50, 1.0) / 4)
    quarter = decoherence_limited_stability(1e14, 50, 1e-3, 1.0) / 4
    assert decoherence_limited_stability(1e14, 200, 1e-3, 4.0) == approx(quarter)


def test_eq_4_is_the_bound_for_many_atoms() -> None:
    """Read from the channel alone, at the best interrogation time."""
    bound = qcn.bound_optimal_time(10**8, qcn.Dephasing(2 * math.pi * 1e-3)).uncertainty(1e3)
    law = decoherence_limited_stability(429e12, 10**8, 1e-3, 1e3)
    assert bound / (2 * math.pi * 429e12) == approx(law, rel=2e-4)
    assert bound / (2 * math.pi * 429e12) > law


@pytest.mark.parametrize("bad", [0, 0.0, -1.0, math.nan, math.inf, "1"])
@pytest.mark.parametrize("place", range(4))
def test_bad_arguments(place: int, bad: float) -> None:
    names = ("frequency_hz", "atoms", "linewidth_hz", "tau_s")
    arguments: list[float] = [1e14, 10, 1e-3, 1.0]
    arguments[place] = bad
    with pytest.raises(ValueError, match=f"{names[place]} must"):
        decoherence_limited_stability(*arguments)


def test_eq_3_needs_two_atoms_and_a_prefactor() -> None:
    with pytest.raises(ValueError, match=r"eq\. \(3\) needs at least 2 atoms"):
        heisenberg_stability(1e14, 1, 1.0)
    with pytest.raises(ValueError, match="prefactor must be finite and > 0, got 0"):
        heisenberg_stability(1e14, 10, 1.0, prefactor=0)


def test_bad_species() -> None:
    strontium = read_species(TABLE)["Sr"]
    with pytest.raises(ValueError, match=r"Sr: linewidth_hz must be finite and > 0 \(Hz\), got 0"):
        replace(strontium, linewidth_hz=0.0)
    with pytest.raises(ValueError, match="Sr: frequency_hz must be a real number, got None"):
        replace(strontium, frequency_hz=None)
    with pytest.raises(ValueError, match="a species needs a name"):
        replace(strontium, name="")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("lifetime_s", "life", "has no column lifetime_s"),
        ("1.348771e-03", "narrow", "line 3: linewidth_hz must be a number, got 'narrow'"),
        ("1.348771e-03", "", "line 3: linewidth_hz must be a number, got ''"),
        ("1.348771e-03", "-1", r"line 3: Sr: linewidth_hz must be finite and >= 0 \(Hz\), got -1.0"),
        ("1.348771e-03", "nan", "line 3: Sr: linewidth_hz must be finite"),
        ("Sr,87Sr", "Al+,87Sr", r"line 3: a second species 'Al\+'"),
    ],
)
def test_bad_table(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = tmp_path / "species.csv"
    text = TABLE.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=sentence) as caught:
        read_species(path)
    assert "\n" not in str(caught.value)


def test_truncated_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "species.csv"
    text = TABLE.read_text(encoding="utf-8")
    for length in range(len(text)):
        path.write_text(text[:length], encoding="utf-8")
        if not text[:length].endswith("\n"):
            with pytest.raises(ValueError, match=str(path)):
                read_species(path)


def test_species_is_frozen() -> None:
    species = read_species(TABLE)["Er"]
    assert isinstance(species, Species)
    with pytest.raises(AttributeError):
        species.name = "Tm"
