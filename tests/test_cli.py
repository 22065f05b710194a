from __future__ import annotations

import io
import json
import math
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from closeness import approx
from typer.main import get_command
from typer.testing import CliRunner, Result

import qcn_open
from qcn_open import designer, repeats
from qcn_open.cli import app
from qcn_open.cli.base import SCHEMES
from qcn_open.cli.sentences import cycle, plan_rows, why_not_longer
from qcn_open.cli.settings import configured
from qcn_open.designer import Design
from qcn_open.network import Network
from qcn_open.output import on_screen, text
from qcn_open.schemes import best_plan, stability

ROOT = Path(__file__).parents[1]
# The paper is compiled by `make reproduce`, from all figures.
COMMANDS = [name for name, command in get_command(app).commands.items() if not command.hidden and name != "paper"]
NETWORK = """
name = "Two clocks"
dead_time_s = 0.02

[transition]
species = "Sr"

[noise]
dephasing_rate_per_s = 0.01

[laser]
white_linewidth_rad_per_s = 1.0

[[node]]
name = "Here"
atoms = 12

[[node]]
name = "There"
atoms = 10
"""

MANUSCRIPT = """
#let results = json("build/numbers.json")
= The square is #results.numbers.squares.largest_square
#image("build/figures/squares.svg")
#table(columns: 5, ..csv("build/tables/squares-first.csv").flatten())
"""


def qcn(repository: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--root", str(repository)])


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of two small clocks, in the folder that commands are given in."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "two.toml"
    path.write_text(NETWORK)
    return path


@pytest.fixture
def designed(network: Path, monkeypatch: pytest.MonkeyPatch) -> Design:
    """What `qcn design` finds: a design made by hand."""
    clocks = Network.from_toml(network)
    schemes = ("quantum-alone", "classical-alone")
    rows = [stability(clocks, scheme, [0.1, 1.0]).assign(scheme=scheme, readout="fixed angles") for scheme in schemes]
    budget = {"part": ["projection noise", "slips"], "sigma_y": [3e-17, 4e-17], "share": [0.36, 0.64]}
    gains = {
        "parameter": ["atoms"],
        "node": ["Here"],
        "value": [12.0],
        "improved": [13.0],
        "unit": [""],
        "sigma_y": [4.9e-17],
        "gain": [1.04],
    }
    found = Design(
        network=clocks,
        tau=1.0,
        scheme="quantum-alone",
        plans=(best_plan(clocks, "quantum-alone", 1.0),),
        limited_by="interrogation time = tau",
        stability=pd.concat(rows, ignore_index=True),
        bounds=pd.DataFrame(
            {"bound": ["no decoherence"], "holds_for": ["every scheme"], "tau_s": [1.0], "sigma_y": [1e-17]}
        ),
        budget=pd.DataFrame(budget),
        improvements=pd.DataFrame(gains),
        epr_front=pd.DataFrame({"epr_rate_hz": [0.0, 9.0], "scheme": ["quantum-alone"] * 2, "sigma_y": [5e-17, 4e-17]}),
    )

    def design(*arguments: object, progress: object) -> Design:
        return found

    monkeypatch.setattr(designer, "design", design, raising=False)
    return found


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
        (["study", "squarez"], "qcn: study squarez: unknown study 'squarez': did you mean 'squares'?\n"),
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
    assert result.stderr == f"qcn: study squares: {repository / 'data'}: File exists\n"


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
    assert error == "qcn: study squares: interrupted\n"
    assert not (repository / "data").exists()


# --- A network of one's own


def test_command_line_loads_nothing_heavy() -> None:
    code = "import sys, qcn_open.cli; print([m for m in ('numpy', 'pandas', 'numba', 'scipy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"


def test_schemes_of_the_command_line_are_all() -> None:
    assert tuple(SCHEMES) == qcn_open.SCHEMES


def example(command: str) -> list[str]:
    """The words of the example that the help of a command ends with."""
    told = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "80", "TERM": "dumb"})
    assert told.exit_code == 0
    assert max(map(len, told.stdout.splitlines())) <= 80
    (line,) = re.findall(r"Example: qcn (.*?)\s*$", told.stdout, flags=re.MULTILINE)
    return shlex.split(line)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_ends_with_an_example_of_the_command(command: str) -> None:
    assert example(command)[0] == command


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_examples_of_the_help_run(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """On a copy of the repository, whose tables are committed; designs, which take minutes, are made by hand."""
    for name in ("studies", "examples", "paper", "data", "data/experiments"):
        copied = tmp_path / name
        copied.mkdir()
        for source in (ROOT / name).glob("*.*"):
            (copied / source.name).write_bytes(source.read_bytes())
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    if command in ("design", "report"):
        request.getfixturevalue("designed")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, example(command))
    assert done.exit_code == 0, done.stderr
    assert done.stdout or done.stderr


def test_formats_hold_the_same_numbers(network: Path) -> None:
    arguments = ("bounds", network, "--tau", 1, "--tau", 10, "--format")
    csv = pd.read_csv(io.StringIO(run(*arguments, "csv").stdout))
    document = json.loads(run(*arguments, "json").stdout)
    assert document["bounds"] == csv.to_dict("records")
    assert document["provenance"] == {
        "qcn_open": qcn_open.__version__,
        "command": "bounds",
        "network": str(network),
    }
    latex = run(*arguments, "latex").stdout
    assert r"$\tau$ (s) & scheme & atoms & bound $\sigma_y$ \\" in latex
    lines = [line.removesuffix(r" \\").split(" & ") for line in latex.splitlines() if "quantum" in line]
    cells = [re.sub(r"\$(.*)\\times10\^{(.*)}\$", r"\1e\2", cells[3]) for cells in lines]
    quantum = csv[csv.scheme.str.startswith("quantum")]
    assert np.array(cells, float) == approx(quantum.bound_sigma_y.to_numpy(), rel=1e-3)
    table = run(*arguments, "table").stdout
    for value in csv.bound_sigma_y:
        assert f"{value:.4g}" in table
    assert "τ (s)" in table


def test_output_is_a_file_or_a_folder_of_tables(network: Path, designed: Design) -> None:
    assert run("design", network, "--output", "all", "--report", "page.html").exit_code == 0
    assert sorted(path.name for path in (network.parent / "all").iterdir()) == [
        "bounds.csv",
        "budget.csv",
        "epr_front.csv",
        "front.csv",
        "improvements.csv",
        "plans.csv",
        "stability.csv",
    ]
    written = pd.read_csv(network.parent / "all" / "stability.csv", keep_default_na=False)
    pd.testing.assert_frame_equal(written, designed.stability, check_dtype=False)
    assert run("design", network, "-o", "one.json").exit_code == 0
    document = json.loads((network.parent / "one.json").read_text())
    assert document["budget"] == designed.budget.to_dict("records")
    shown = run("design", network)
    assert run("design", network, "-o", "one.txt").stdout == ""
    assert (network.parent / "one.txt").read_text() == shown.stdout
    assert "At τ = 1 s quantum-alone is the most stable scheme" in shown.stdout


def test_reports_are_pages(network: Path, designed: Design) -> None:
    assert run("report", network, "-o", "page.html").exit_code == 0
    page = (network.parent / "page.html").read_text()
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "Two clocks" in page
    assert run("report", network, "-o", "page.pdf").stderr.endswith("page.pdf must end with .html\n")


@pytest.mark.slow
def test_simulation_agrees_with_the_budget_and_holds_the_bound(network: Path) -> None:
    command = ("simulate", network, "--scheme", "classical-alone", "--cycles", 2000, "--format", "csv", "--repeats")
    table = pd.read_csv(io.StringIO(run(*command, 20).stdout))
    assert (table.sigma_y_low < table.sigma_y).all()
    assert (table.sigma_y > table.bound_sigma_y).all()
    # Averages over less than the loop's memory of 1/gain cycles profit from what it predicts.
    averaged = table[(table.tau_s > 10.0) & (table.tau_s < 100.0)]
    assert averaged.sigma_y.to_numpy() == approx(averaged.budget_sigma_y.to_numpy(), rel=0.06)
    assert len(list((network.parent / "qcn-runs").glob("two-*/*.jsonl"))) == 20
    # More repeats add to those there are; another seed is another run.
    assert len(pd.read_csv(io.StringIO(run(*command, 21).stdout))) == len(table)
    assert run(*command, 1, "--seed", 2).exit_code == 0
    runs = sorted(len(list(folder.iterdir())) for folder in (network.parent / "qcn-runs").iterdir())
    assert runs == [1, 21]


def test_interrupted_simulation_goes_on_to_the_same_result(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("simulate", network, "--scheme", "classical-alone", "--cycles", 500, "--repeats", 4, "-f", "csv")
    whole = run(*command, "--run", "whole").stdout
    simulate, calls = repeats.simulate, []

    def interrupted(*arguments: object, **options: object) -> pd.DataFrame:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return simulate(*arguments, **options)

    monkeypatch.setattr(repeats, "simulate", interrupted)
    broken = run(*command, "--run", "part")
    assert broken.exit_code == 130
    assert broken.stdout == ""
    assert broken.stderr == (
        f"qcn: simulate {network}: interrupted: "
        "2 of 4 records are kept in part, and the same command goes on from there\n"
    )
    assert run(*command, "--run", "part").stdout == whole
    assert len(calls) == 5


def test_interval_of_pooled_records_holds_the_truth_as_often_as_it_says() -> None:
    rng, truth = np.random.default_rng(5), 0
    for _ in range(400):
        deviations = np.sqrt(rng.chisquare(6.0, 8) / 6.0)
        records = {"repeat": range(8), "tau_s": 1.0, "sigma_y": deviations, "slips": 0}
        (pooled,) = repeats.pooled(pd.DataFrame(records)).itertuples()
        truth += pooled.sigma_y_low < 1.0 < pooled.sigma_y_high
    assert 0.91 < truth / 400 < 0.98


def test_records_depend_on_seed_and_number_alone(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def simulate(*arguments: object, rng: np.random.Generator, **given: object) -> pd.DataFrame:
        return pd.DataFrame({"tau_s": [1.0], "sigma_y": [rng.random()]})

    monkeypatch.setattr(repeats, "simulate", simulate)

    def drawn(seed: int, count: int) -> list[float]:
        plan = repeats.records(network, "quantum-alone", tau=1.0, cycles=8, repeats=count, seed=seed)
        return [row["sigma_y"] for point in plan.points for row in repeats.record(dict(point))]

    three = drawn(1, 3)
    assert drawn(1, 2) == three[:2]
    assert len({*three, *drawn(2, 3)}) == 6


def test_interval_of_two_records_is_that_of_students_distribution() -> None:
    records = {"repeat": range(2), "tau_s": 1.0, "sigma_y": np.sqrt([0.9, 1.1]), "slips": 0}
    (pooled,) = repeats.pooled(pd.DataFrame(records)).itertuples()
    # Standard error 0.1 of a variance of 1; t = 12.706 at one degree of freedom.
    assert (pooled.sigma_y_low, pooled.sigma_y_high) == approx((math.exp(-0.63531), math.exp(0.63531)), rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
def test_explanation_names_who_holds_the_atoms(network: Path, scheme: str) -> None:
    network.write_text(NETWORK.replace("atoms = 12", "atoms = 40").replace("atoms = 10", "atoms = 40"))
    told = run("explain", network, "--scheme", scheme, "--tau", 0.5)
    assert told.exit_code == 0, told.stderr
    assert told.stdout.startswith("Two clocks: 80 atoms in 2 nodes (Here 40, There 40).\n")
    assert f"At τ = 0.5 s {scheme} is the scheme: {SCHEMES[scheme]}." in told.stdout
    assert ("1 of Here, 1 of There" in told.stdout) == (scheme == "quantum-cooperative")
    assert told.stdout.count("In a cycle of ") == (2 if scheme == "quantum-classical" else 1)
    assert "0.02 s later" in told.stdout


def test_names_with_brackets_and_colons_are_shown_as_they_are(network: Path) -> None:
    network.write_text(NETWORK.replace("Two clocks", "[bold]Two[/red] :clock:"))
    assert run("bounds", network).stdout.startswith("[bold]Two[/red] :clock:: What no clock")
    assert "[/red]" in text(on_screen(pd.DataFrame({"node": ["[/red]"]})))


def test_blocks_of_one_atom_are_told_as_uncorrelated_atoms(network: Path) -> None:
    clocks = Network.from_toml(network)
    plan = best_plan(clocks, "classical-alone", 1.0)
    plan = replace(plan, cascade=replace(plan.cascade, copies=(3, 2), uncorrelated=1))
    told = " ".join(cycle(clocks, "quantum-alone", [plan]))
    assert "4 atoms are uncorrelated. 4 atoms are in GHZ blocks: 2 of 2 atoms." in told
    (row,) = plan_rows(clocks, "quantum-alone", [plan])
    assert (row["uncorrelated_atoms"], row["blocks"]) == (4, "2 x 2")


def test_what_limits_a_clock_is_told_in_words() -> None:
    assert why_not_longer("slips").startswith("The interrogation is not longer because the laser's phase")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["bounds", "nowhere.toml"], "bounds nowhere.toml: no network file at nowhere.toml"),
        (["bounds", "bad.toml"], "bounds bad.toml: line 16, node 'Here', atoms: Node 'Here' atoms must be"),
        (["bounds", "two.toml", "--tau", "-1"], "bounds two.toml: tau must be finite and >= 0 (s), got -1.0"),
        (["explain", "two.toml", "--tau", "0.01"], "explain two.toml: tau must be longer than the dead time of 0.02 s"),
        (
            ["explain", "two.toml", "--scheme", "quantum-cooperativ"],
            "explain two.toml: unknown scheme 'quantum-cooperativ': did you mean 'quantum-cooperative'?",
        ),
        (
            ["simulate", "two.toml", "--scheme", "quantum-alone", "--cycles", "0"],
            "simulate: invalid value for '--cycles': ",
        ),
        (
            ["simulate", "two.toml", "--scheme", "quantum-alone", "--repeats", "0"],
            "simulate: invalid value for '--repeats': ",
        ),
        (["simulate", "two.toml", "--run", "two.toml/x"], "simulate two.toml: two.toml/x cannot be written"),
        (["bounds", "two.toml", "-o", "two.toml/x.csv"], "bounds two.toml: two.toml/x.csv cannot be written"),
        (["bounds", "two.toml", "-o", "x.doc"], "bounds two.toml: x.doc must end with one of .txt, .csv, .json, .tex"),
        (["bounds", "two.toml", "-f", "xml"], "bounds: invalid value for '--format' / '-f': 'xml' is not one of"),
        (["design"], "design: missing argument 'NETWORK.toml'"),
        (["designs"], "no such command 'designs'"),
        (["species", "Sr+"], "species Sr+: unknown species 'Sr+': did you mean 'Sr'?"),
        (["species", "--atoms", "1"], "species: eq. (3) needs at least 2 atoms"),
    ],
)
def test_bad_input_about_a_network_ends_as_one_sentence(network: Path, arguments: list[str], sentence: str) -> None:
    (network.parent / "bad.toml").write_text(NETWORK.replace("atoms = 12", "atoms = -12"))
    before = contents(network.parent)
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"qcn: {sentence}")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert contents(network.parent) == before


def test_species_and_their_laws() -> None:
    document = json.loads(run("species", "-f", "json", "--atoms", 100, "--tau", 4).stdout)
    rows = {row["species"]: row for row in document["species"]}
    angular = 2.0 * np.pi * rows["Sr"]["frequency_hz"]
    assert rows["Sr"]["heisenberg_sigma_y"] == approx(np.log(100) ** 0.5 / (angular * 100 * 4), rel=1e-12)
    decoherence = (2.0 * np.pi * rows["Sr"]["linewidth_hz"] / (4 * 100)) ** 0.5 / angular
    assert rows["Sr"]["decoherence_limited_sigma_y"] == approx(decoherence, rel=1e-12)
    assert "Muniz" in run("species", "Sr").stdout


# --- Studies with settings of one's own


def test_settings_change_the_table_and_leave_the_data(repository: Path) -> None:
    assert qcn(repository, "study", "squares").exit_code == 0
    before = contents(repository / "data")
    shown = qcn(repository, "study", "squares", "--set", "count=3", "--set", "scale=2", "--format", "csv")
    table = pd.read_csv(io.StringIO(shown.stdout))
    assert table.square.tolist() == [0.0, 2.0, 8.0]
    stem = repository / "mine"
    assert qcn(repository, "figure", "squares", "--set", "count=3", "-o", str(stem)).exit_code == 0
    assert {path.suffix for path in repository.glob("mine.*")} == {".pdf", ".svg", ".png"}
    assert contents(repository / "data") == before


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("count", "--set takes key=value, got 'count'"),
        ("cuont=3", "unknown field 'cuont': did you mean 'count'?"),
        ("count=many", "--set count takes a whole number, got 'many'"),
        ("count=2.5", "--set count takes a whole number, got '2.5'"),
        ("scale=2,3", "--set scale takes a number, got '2,3'"),
    ],
)
def test_wrong_settings_are_refused(repository: Path, setting: str, sentence: str) -> None:
    result = qcn(repository, "study", "squares", "--set", setting)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"qcn: study squares: {sentence}\n"


def test_every_default_of_every_study_can_be_set() -> None:
    from dataclasses import fields

    from qcn_open.study import load, names

    for name in names(ROOT):
        config = load(ROOT, name).config("default")
        for field in fields(config):
            value = getattr(config, field.name)
            assert configured(config, [f"{field.name}={value}"]) == config


# --- Completion


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("qcn simu", "simulate"),
        ("qcn bounds tw", "two.toml"),
        ("qcn explain two.toml --scheme classical-c", "classical-cooperative"),
        ("qcn study sq", "squares"),
        ("qcn bounds two.toml --format j", "json"),
    ],
)
def test_shells_complete(repository: Path, words: str, expected: str) -> None:
    (repository / "two.toml").write_text(NETWORK)
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "_QCN_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    command = [sys.executable, "-m", "qcn_open"]
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == [expected]


def test_completion_script_is_shown() -> None:
    shown = CliRunner().invoke(app, ["--show-completion", "bash"], prog_name="qcn")
    assert "_QCN_COMPLETE=complete_bash" in shown.stdout
