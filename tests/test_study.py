from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qcn_open import provenance, study


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_run_writes_a_table_that_reads_back_exactly(repository: Path) -> None:
    written = study.run(repository, "squares")
    table = study.read(repository, "squares")
    assert written.equals(table)
    assert len(table) == 12
    assert [str(dtype) for dtype in table.dtypes] == ["int64", "float64", "float64", "bool", "str"]
    assert np.isnan(table["third"][0])
    assert table["third"][1] == float(f"{1 / 3:.12g}")
    assert b"\r" not in (repository / "data" / "squares.csv").read_bytes()


def test_provenance_says_what_made_the_table_and_nothing_of_where_or_when(repository: Path) -> None:
    study.run(repository, "squares", "smoke")
    path = repository / "data" / "squares.json"
    provenance = json.loads(path.read_text())
    assert provenance["config"] == {"count": 4, "scale": 1.0, "seed": 7}
    assert provenance["profile"] == "smoke"
    assert provenance["rows"] == 4
    assert provenance["backends"] == ["Config(count=1, scale=1.0, seed=7)"]
    libraries = {"numpy", "scipy", "numba", "pandas", "qutip", "quimb", "cvxpy-base", "clarabel"}
    assert set(provenance["versions"]) == {"python", "qcn_open"} | libraries
    assert str(repository) not in path.read_text()
    first = path.read_bytes()
    study.run(repository, "squares", "smoke")
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (
            lambda content: content[: len(content) // 2],
            r"data/squares.csv is truncated \(\d of 12 rows\): run `make",
        ),
        (lambda content: b"", r"data/squares.csv is truncated \(0 of 12 rows\)"),
        (
            lambda content: content.replace(b"121", b"122"),
            "data/squares.csv was changed after it was computed",
        ),
        (
            lambda content: content + b"12,144,4,False,b\n",
            "data/squares.csv was changed after it was computed",
        ),
    ],
)
def test_damaged_table_is_refused(repository: Path, damage: Callable[[bytes], bytes], sentence: str) -> None:
    study.run(repository, "squares")
    path = repository / "data" / "squares.csv"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=sentence):
        study.read(repository, "squares")


def test_missing_table_or_provenance_is_refused(repository: Path) -> None:
    with pytest.raises(ValueError, match=r"data/squares.json is missing: run `make reproduce`"):
        study.read(repository, "squares")
    study.run(repository, "squares")
    (repository / "data" / "squares.csv").unlink()
    with pytest.raises(ValueError, match=r"data/squares.csv is missing: run `make reproduce`"):
        study.read(repository, "squares")
    (repository / "data" / "squares.json").write_text('{"study": ')
    with pytest.raises(
        ValueError, match=r"squares.json is not the complete provenance of a table: run `make reproduce`"
    ):
        study.read(repository, "squares")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('KEY = ("n",)', 'KEY = ("m",)', "lacks its key column 'm'"),
        ('KEY = ("n",)', 'KEY = ("odd",)', "more than one row odd=False"),
        ("n = np.arange(config.count)", "return pd.DataFrame({'n': []})", "is empty"),
        ('"odd": n % 2 == 1', '"odd": n * 1j', r"may hold bool, int64, float64, str, not odd \(complex128\)"),
        ("CLAIMS =", "OTHER =", "'squares' does not define CLAIMS"),
        (
            '"""Does the square of three equal nine?\n\nIt does.\n"""',
            "",
            "'squares' does not define its question",
        ),
        ("third = ", 'raise ValueError("no luck")\n    third = ', "no luck"),
    ],
)
def test_defective_study_is_refused_and_leaves_no_file(repository: Path, old: str, new: str, sentence: str) -> None:
    edit(repository / "studies" / "squares.py", old, new)
    with pytest.raises(ValueError, match=sentence):
        study.run(repository, "squares")
    assert not (repository / "data").exists()


def test_unknown_study_and_profile_are_refused_by_name(repository: Path) -> None:
    with pytest.raises(ValueError, match=r"unknown study 'squarez': did you mean 'squares'\?"):
        study.load(repository, "squarez")
    with pytest.raises(ValueError, match="unknown study 'clock': known studies: squares"):
        study.load(repository, "clock")
    with pytest.raises(ValueError, match="unknown study '_shared'"):
        study.load(repository, "_shared")
    with pytest.raises(ValueError, match="unknown profile 'huge': choose one of default, smoke, full"):
        study.run(repository, "squares", "huge")
    with pytest.raises(ValueError, match="no folder studies/"):
        study.names(repository / "studies")


def test_interrupted_write_keeps_the_last_table(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study.run(repository, "squares", "smoke")
    before = {path: path.read_bytes() for path in (repository / "data").iterdir()}

    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        study.run(repository, "squares")
    assert {path: path.read_bytes() for path in (repository / "data").iterdir()} == before


def test_smoke_differences_are_empty_for_a_table_that_follows_from_its_study(repository: Path) -> None:
    study.run(repository, "squares")
    assert study.smoke_differences(repository, "squares") == []


@pytest.mark.parametrize(
    ("old", "new", "sentences"),
    [
        ("scale: float = 1.0", "scale: float = 1.0 + 1e-10", []),
        ("scale: float = 1.0", "scale: float = 1.001", ["square at n=1 is 1.001 but the table says 1.0"]),
        ("SMOKE = Config(count=4)", "SMOKE = Config(count=13)", ["the table has no row n=12"]),
        ('"square": square', '"cube": square', ["the columns are"]),
        ("KEY =", 'TOLERANCE = {"square": 0.1, "third": 0.1}\nKEY =', []),
    ],
)
def test_smoke_differences_name_what_no_longer_follows(
    repository: Path, old: str, new: str, sentences: list[str]
) -> None:
    study.run(repository, "squares")
    path = repository / "studies" / "squares.py"
    edit(path, old, new)
    if "TOLERANCE" in new:
        edit(path, "scale: float = 1.0", "scale: float = 1.001")
    found = study.smoke_differences(repository, "squares")
    assert bool(found) == bool(sentences)
    for sentence in sentences:
        assert any(sentence in difference for difference in found)


def test_only_files_that_can_change_a_table_are_its_sources() -> None:
    found = {path.name for path in provenance.sources()}
    assert "study.py" in found
    assert not found & {"cli.py", "figures.py", "ledger.py", "paper.py"}
