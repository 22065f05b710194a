"""Chunks are whole or missing, follow from what is on disk, and give the same rows however they came about."""

from __future__ import annotations

import math
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from closeness import approx

from qcn_open import study, sweep
from qcn_open.sweep import Sweep, chunk_file, evaluate, gather, missing, run, run_chunk

ROOT = Path(__file__).parents[1]

# A study that is a sweep: random numbers from the seed and the index of the point, and as many rows as the index odd.
SWEPT = '''"""Do random numbers depend on anything but their seeds?"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from qcn_open.sweep import Sweep

FACTOR = 1.0


@dataclass(frozen=True)
class Config:
    points: int = 10
    chunk: int = 3


SMOKE = Config(points=2)
FULL = Config(points=20)
KEY = ("index", "draw")
BACKENDS = ()
CLAIMS = ()


def sweep(config):
    return Sweep("walk", [{"seed": 5, "index": index} for index in range(config.points)], rows_of, config.chunk)


def rows_of(point):
    if hold := os.environ.get("HOLD"):
        Path(hold, f"at-{point['index']}").touch()
        while point["index"] == 4 and not Path(hold, "go-on").exists():
            time.sleep(0.01)
    rng = np.random.default_rng([point["seed"], point["index"]])
    return [point | {"draw": draw, "value": FACTOR * rng.normal()} for draw in range(1 + point["index"] % 2)]


def figure(table):
    """Never drawn."""
'''


def numbers(point: dict[str, Any]) -> list[dict[str, Any]]:
    rng = np.random.default_rng([point["seed"], point["index"]])
    return [point | {"draw": draw, "value": rng.normal()} for draw in range(point["index"] % 3)]


def awkward(point: dict[str, Any]) -> list[dict[str, Any]]:
    """Floats that a decimal of twelve digits does not give back, and scalars of NumPy."""
    values = (0.1 + 0.2, math.pi * 1e-300, 5e-324, -0.0, math.nan, math.inf, np.float64(1 / 3), 2.0**53 + 2.0)
    return [
        {"which": which, "value": value, "count": np.int64(2**53), "odd": np.bool_(1)}
        for which, value in enumerate(values)
    ]


def boastful(point: dict[str, Any]) -> list[dict[str, Any]]:
    if point["index"] == 2:
        raise ValueError("no luck")
    return [{"value": 1j if point["index"] == 1 else 1.0}]


def drawn(chunk: int = 4, seed: int = 1, points: int = 11) -> Sweep:
    return Sweep("drawn", [{"seed": seed, "index": index} for index in range(points)], numbers, chunk)


def bits(table: pd.DataFrame) -> list[bytes]:
    return [struct.pack("<d", value) for value in table["value"]]


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """A repository whose only study is a sweep."""
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "walk.py").write_text(SWEPT)
    return tmp_path


def qcn(root: Path, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "qcn_open", *arguments]
    return subprocess.Popen(command, cwd=root, env={**os.environ, "PYTHONPATH": str(ROOT)} | environment)


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    while not path.exists():
        assert process.poll() is None, "ended before it came there"
        time.sleep(0.01)


@pytest.mark.parametrize("chunk", [1, 3, 11, 100])
def test_rows_do_not_depend_on_chunks_or_their_order(tmp_path: Path, chunk: int) -> None:
    sweep = drawn(chunk)
    for number in reversed(range(sweep.chunks)):
        run_chunk(sweep, tmp_path, number)
    assert gather(sweep, tmp_path).equals(evaluate(drawn()))
    assert len(gather(sweep, tmp_path)) == 10


def test_rows_depend_on_the_seed() -> None:
    assert not evaluate(drawn(seed=1))["value"].equals(evaluate(drawn(seed=2))["value"])


def test_floats_come_back_to_the_last_bit(tmp_path: Path) -> None:
    sweep = Sweep("awkward", [{}], awkward, 1)
    table = run(sweep, tmp_path)
    assert bits(table) == [struct.pack("<d", row["value"]) for row in awkward({})]
    assert bits(evaluate(sweep)) == bits(table)
    assert [str(dtype) for dtype in table.dtypes] == ["int64", "float64", "int64", "bool"]


def test_a_chunk_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    first, second = (run_chunk(drawn(), tmp_path / name, 1).read_bytes() for name in "ab")
    assert first == second


def test_what_is_there_is_not_computed_again(tmp_path: Path) -> None:
    sweep = drawn()
    run(sweep, tmp_path)
    before = [chunk_file(sweep, tmp_path, number).stat().st_mtime_ns for number in range(sweep.chunks)]
    chunk_file(sweep, tmp_path, 1).unlink()
    reports: list[tuple[int, int, str]] = []
    run(sweep, tmp_path, lambda *report: reports.append(report))
    assert reports == [(7, 11, "drawn"), (11, 11, "drawn")]
    after = [chunk_file(sweep, tmp_path, number).stat().st_mtime_ns for number in range(sweep.chunks)]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]


def doubled(point: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"value": 2.0 * point["index"]}]


def halved(point: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"value": 0.5 * point["index"]}]


def test_chunks_of_another_function_or_library_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = [{"index": index} for index in range(3)]
    run(Sweep("scaled", points, doubled, 1), tmp_path)
    # Of the same file, at the same points.
    other = Sweep("scaled", points, halved, 1)
    assert missing(other, tmp_path) == (0, 1, 2)
    assert run(other, tmp_path)["value"].tolist() == [0.0, 0.5, 1.0]
    newer = sweep._versions() | {"numpy": "99.0"}
    monkeypatch.setattr(sweep, "_versions", lambda: newer)
    assert missing(other, tmp_path) == (0, 1, 2)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-10],
        lambda content: content + content.splitlines(keepends=True)[-1],
        lambda content: b"",
        lambda content: content.replace(b'"draw": 0', b'"draw": 7'),
        lambda content: b"".join(content.splitlines(keepends=True)[:-1]),
    ],
    ids=["cut", "row twice", "empty", "changed", "row lost"],
)
def test_a_damaged_chunk_is_missing(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    sweep = drawn()
    expected = run(sweep, tmp_path)
    path = chunk_file(sweep, tmp_path, 1)
    path.write_bytes(damage(path.read_bytes()))
    assert missing(sweep, tmp_path) == (1,)
    with pytest.raises(ValueError, match=r"lacks 1 of 3 chunks in .*, first 1: compute them first"):
        gather(sweep, tmp_path)
    assert run(sweep, tmp_path).equals(expected)


def test_chunks_of_other_points_are_missing(tmp_path: Path) -> None:
    run(drawn(), tmp_path)
    assert missing(drawn(seed=2), tmp_path) == (0, 1, 2)
    assert missing(drawn(chunk=5), tmp_path) == (0, 1, 2)
    # What did not change is kept: only the last chunk has more points now.
    assert missing(drawn(points=12), tmp_path) == (2,)
    # Of more chunks than the sweep has now none is read.
    assert gather(drawn(points=8), tmp_path).equals(evaluate(drawn(points=8)))
    shutil.copy(chunk_file(drawn(), tmp_path, 0), chunk_file(drawn(), tmp_path, 1))
    assert missing(drawn(), tmp_path) == (1,)


def test_a_changed_study_leaves_no_row_of_the_old_one(walk: Path) -> None:
    old = study.run(walk, "walk")
    (walk / "studies" / "walk.py").write_text(SWEPT.replace("FACTOR = 1.0", "FACTOR = 2.0"))
    new = study.run(walk, "walk")
    assert new["value"].tolist() == approx((2.0 * old["value"]).tolist(), rel=1e-11)
    assert not old["value"].isin(new["value"]).any()


@pytest.mark.slow
def test_a_changed_package_leaves_no_row_of_the_old_one(walk: Path) -> None:
    """A copy of the package, edited between two runs; and while a third is at work, which then writes nothing."""
    package = walk / "qcn_open"
    shutil.copytree(ROOT / "qcn_open", package, ignore=shutil.ignore_patterns("__pycache__"))
    (walk / "data").mkdir()
    shutil.copy(ROOT / "data" / "species.csv", walk / "data")
    paths = {"PYTHONPATH": str(walk)}
    assert qcn(walk, "chunk", "walk", "0", **paths).wait() == 0
    chunk = walk / "paper" / "build" / "sweeps" / "walk" / "default" / "0.jsonl"
    before = chunk.read_bytes()
    (package / "allan.py").write_text((package / "allan.py").read_text() + "\n# Something else.\n")
    assert qcn(walk, "chunk", "walk", "0", **paths).wait() == 0
    after = chunk.read_bytes()
    assert before != after
    assert before.splitlines()[1:] == after.splitlines()[1:]
    late = qcn(walk, "chunk", "walk", "1", HOLD=str(walk), **paths)
    wait_for(walk / "at-4", late)
    (package / "allan.py").write_text((package / "allan.py").read_text() + "\n# And else.\n")
    (walk / "go-on").touch()
    assert late.wait() == 2
    assert [path.name for path in chunk.parent.iterdir()] == ["0.jsonl"]


@pytest.mark.slow
def test_kill_within_a_chunk_and_resume(walk: Path) -> None:
    """kill -9, then an interrupt, in the second chunk of four: one chunk is there, and nothing is half there."""
    expected = study.run(walk, "walk")
    content = (walk / "data" / "walk.csv").read_bytes()
    shutil.rmtree(walk / "paper")
    folder = walk / "paper" / "build" / "sweeps" / "walk" / "default"
    for stop, status in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)):
        process = qcn(walk, "study", "walk", HOLD=str(walk))
        wait_for(walk / "at-4", process)
        process.send_signal(stop)
        assert process.wait() == status
        assert [path.name for path in folder.iterdir()] == ["0.jsonl"]
        (walk / "at-4").unlink()
    # Points 0 to 2 were computed once, by the process that was killed.
    (walk / "go-on").touch()
    (walk / "at-0").unlink()
    assert qcn(walk, "study", "walk", HOLD=str(walk)).wait() == 0
    assert not (walk / "at-0").exists()
    assert (walk / "at-4").exists()
    assert (walk / "data" / "walk.csv").read_bytes() == content
    assert study.read(walk, "walk").equals(expected)


@pytest.mark.slow
def test_kill_at_any_moment(walk: Path) -> None:
    """Whatever is on disk after a kill -9 is whole, and what is missing is all that a resumed run computes."""
    expected = study.load(walk, "walk").rows(study.load(walk, "walk").config("full"))
    sweep = study.load(walk, "walk").sweep
    assert sweep is not None
    swept, folder = (
        sweep(study.load(walk, "walk").config("full")),
        walk / "paper" / "build" / "sweeps" / "walk" / "full",
    )
    (walk / "go-on").touch()
    for index in (1, 9, 16):
        process = qcn(walk, "study", "walk", "--full", HOLD=str(walk))
        wait_for(walk / f"at-{index}", process)
        process.kill()
        process.wait()
        for mark in walk.glob("at-*"):
            mark.unlink()
        there = {number for number in range(swept.chunks) if chunk_file(swept, folder, number).exists()}
        assert set(missing(swept, folder)) == set(range(swept.chunks)) - there
    assert run(swept, folder).equals(expected)


@pytest.mark.slow
def test_two_processes_share_a_folder(walk: Path) -> None:
    processes = [qcn(walk, "chunk", "walk", number) for number in ("0", "1", "1", "2", "3")]
    assert [process.wait() for process in processes] == [0] * 5
    swept = study.load(walk, "walk")
    assert swept.sweep is not None
    config = swept.config("default")
    assert gather(swept.sweep(config), walk / "paper" / "build" / "sweeps" / "walk" / "default").equals(
        swept.rows(config)
    )


@pytest.mark.slow
def test_chunks_are_jobs_of_the_workflow(walk: Path) -> None:
    """Every chunk is a job; before a table is gathered again, a chunk that is gone is computed, and no other."""
    (walk / "requirements.lock").touch()
    (walk / "go-on").touch()
    target = "paper/build/studies/walk"
    command = ["-m", "snakemake", target, "--snakefile", str(ROOT / "workflow" / "Snakefile"), "--cores", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOLD": str(walk)}
    for marks in ({f"at-{index}" for index in range(10)}, {"at-3", "at-4", "at-5"}):
        subprocess.run([sys.executable, *command], cwd=walk, env=environment, check=True, capture_output=True)
        assert {path.name for path in walk.glob("at-*")} == marks
        for mark in walk.glob("at-*"):
            mark.unlink()
        (walk / target).unlink()
        (walk / "paper" / "build" / "sweeps" / "walk" / "default" / "1.jsonl").unlink()
    assert study.read(walk, "walk").equals(study.run(walk, "walk"))


def test_studies_that_are_sweeps(walk: Path) -> None:
    assert study.swept(walk) == ("walk",)
    assert [path.name for path in study.chunk_files(walk, "walk")] == ["0.jsonl", "1.jsonl", "2.jsonl", "3.jsonl"]
    assert study.run_chunk(walk, "walk", 3) == study.chunk_files(walk, "walk")[3]
    study.run(walk, "walk")
    assert study.smoke_differences(walk, "walk") == []
    with pytest.raises(ValueError, match="has the chunks 0 to 3, not 4"):
        study.run_chunk(walk, "walk", 4)


def test_a_study_that_is_no_sweep_has_no_chunks(repository: Path) -> None:
    assert study.swept(repository) == ()
    with pytest.raises(ValueError, match="study 'squares' is no sweep: run `qcn study squares`"):
        study.run_chunk(repository, "squares", 0)


def test_what_cannot_be_told_apart_or_kept_is_refused(tmp_path: Path) -> None:
    twice = [{"index": 1, "seed": 2}, {"seed": 2, "index": 1}]
    with pytest.raises(ValueError, match=r'has the point {"index": 1, "seed": 2} 2 times: tell them apart'):
        Sweep("drawn", twice, numbers, 1)
    for value in (np.int64(1), math.nan, (1, 2), {1: 2}, object()):
        with pytest.raises(ValueError, match="point 0 of sweep 'drawn' must map names to finite numbers"):
            Sweep("drawn", [{"value": value}], numbers, 1)
    with pytest.raises(ValueError, match="has no points"):
        Sweep("drawn", [], numbers, 1)
    with pytest.raises(ValueError, match=r"points of a chunk"):
        drawn(chunk=0)
    with pytest.raises(ValueError, match="name of a sweep"):
        replace(drawn(), name="../drawn")
    for function in (lambda point: [point], numbers.__call__, dict):
        with pytest.raises(ValueError, match="must be defined by `def` at the top level of a file"):
            Sweep("drawn", [{"index": 1}], function, 1)
    with pytest.raises(ValueError, match=r"""sweep 'boast' at {"index": 2}: no luck"""):
        run(Sweep("boast", [{"index": 0}, {"index": 2}], boastful, 1), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["0.jsonl"]
    with pytest.raises(ValueError, match=r"a row holds 1j, not a number"):
        evaluate(Sweep("boast", [{"index": 1}], boastful, 1))
