from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from qcn_open.cli import app

MANUSCRIPT = """
#let results = json("build/numbers.json")
= The square is #results.numbers.squares.largest_square
#image("build/figures/squares.svg")
#table(columns: 5, ..csv("build/tables/squares-first.csv").flatten())
"""


def qcn(repository: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--root", str(repository)])


def contents(folder: Path) -> Mapping[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_from_study_to_paper(repository: Path) -> None:
    (repository / "paper").mkdir()
    (repository / "paper" / "main.typ").write_text(MANUSCRIPT)
    listed = qcn(repository, "studies")
    assert listed.stdout == "squares  Does the square of three equal nine?\n"
    computed = qcn(repository, "study", "squares")
    assert computed.stdout.startswith("squares: 12 rows in ")
    assert computed.stdout.endswith(" s -> data/squares.csv\n")
    assert qcn(repository, "figure", "squares").exit_code == 0
    assert qcn(repository, "ledger").stdout == "ledger: 1 claims -> data/claims.csv\n"
    assert qcn(repository, "paper").stdout == "paper: paper/build/paper.pdf\n"
    build = repository / "paper" / "build"
    numbers = json.loads((build / "numbers.json").read_text())
    assert numbers["numbers"] == {"squares": {"largest_square": 121.0}}
    assert numbers["claims"]["square-of-three"]["computed_value"] == "9"
    assert (build / "tables" / "squares-first.csv").read_text().startswith("n,square,third,odd,name\n0,0,nan,False,")
    assert (build / "tables" / "claims.tex").is_file()
    assert (build / "paper.pdf").read_bytes().startswith(b"%PDF")


def test_a_second_build_gives_the_same_bytes(repository: Path) -> None:
    (repository / "paper").mkdir()
    (repository / "paper" / "main.typ").write_text(MANUSCRIPT)
    builds = []
    for _ in range(2):
        for arguments in (["study", "squares"], ["figure", "squares"], ["ledger"], ["paper"]):
            assert qcn(repository, *arguments).exit_code == 0
        builds.append({**contents(repository / "data"), **contents(repository / "paper")})
    assert builds[0] == builds[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["study", "squarez"], "qcn: squarez: unknown study 'squarez': did you mean 'squares'?\n"),
        (["figure", "squares"], "qcn: figure squares: data/squares.json is missing: run `make reproduce`"),
        (["ledger"], "qcn: ledger: data/squares.json is missing: run `make reproduce`"),
        (["paper"], "qcn: paper: data/squares.json is missing: run `make reproduce`"),
    ],
)
def test_bad_input_ends_as_one_sentence(repository: Path, arguments: list[str], sentence: str) -> None:
    result = qcn(repository, *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(sentence)
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert not (repository / "data").exists()


def test_folder_without_studies_is_refused(tmp_path: Path) -> None:
    result = qcn(tmp_path, "studies")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"qcn: studies: no folder studies/ in {tmp_path}")


def test_file_that_cannot_be_written_ends_as_one_sentence(repository: Path) -> None:
    (repository / "data").write_text("in the way")
    result = qcn(repository, "study", "squares")
    assert result.exit_code == 2
    assert result.stderr == f"qcn: squares: {repository / 'data'}: File exists\n"


def test_manuscript_that_does_not_compile_leaves_no_pdf(repository: Path) -> None:
    (repository / "paper").mkdir()
    assert qcn(repository, "study", "squares").exit_code == 0
    assert qcn(repository, "paper").stderr == "qcn: paper: paper/main.typ is missing\n"
    (repository / "paper" / "main.typ").write_text("#undefined-name")
    result = qcn(repository, "paper")
    assert result.exit_code == 2
    assert result.stderr.startswith("qcn: paper: paper/main.typ does not compile: ")
    assert "undefined-name" in result.stderr
    assert not (repository / "paper" / "build" / "paper.pdf").exists()


def test_interrupt_ends_with_status_130_and_leaves_no_file(repository: Path) -> None:
    path = repository / "studies" / "squares.py"
    waiting = 'import pathlib, time\n    pathlib.Path("started").touch()\n    time.sleep(60)\n    n = '
    path.write_text(path.read_text().replace("n = ", waiting, 1))
    process = subprocess.Popen(
        [sys.executable, "-m", "qcn_open", "study", "squares"],
        cwd=repository,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )
    deadline = time.monotonic() + 60
    while not (repository / "started").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert error == "qcn: squares: interrupted\n"
    assert not (repository / "data").exists()
