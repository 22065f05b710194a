"""Rules that hold for the repository as a whole. The direction of imports is checked by import-linter."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import qcn_open

ROOT = Path(__file__).parents[1]
HEAVY = ("qutip", "quimb", "cvxpy", "matplotlib", "pandas", "scipy.optimize", "numba")
MODULES = [
    module.name
    for module in pkgutil.walk_packages(qcn_open.__path__, "qcn_open.")
    if not module.name.endswith("__main__")
]
SOURCES = [*sorted((ROOT / "qcn_open").rglob("*.py")), *sorted((ROOT / "studies").glob("*.py"))]


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT).stdout


def tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("module", ["qcn_open", "qcn_open.cli"])
def test_import_is_light(module: str) -> None:
    loaded = python(f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])")
    assert loaded == "[]\n"


@pytest.mark.parametrize("name", MODULES)
def test_all_names_what_a_module_makes_public(name: str) -> None:
    module = importlib.import_module(name)
    assert set(module.__all__) <= set(dir(module))
    assert len(module.__all__) == len(set(module.__all__))


def test_every_public_name_resolves() -> None:
    assert [name for name in qcn_open.__all__ if not hasattr(qcn_open, name)] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_uses_global_random_state(path: Path) -> None:
    """Only generators and their types may be taken from `numpy.random`, and nothing from `random`."""
    allowed = {"Generator", "default_rng", "SeedSequence", "PCG64"}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("np.random", "numpy.random"):
            assert node.attr in allowed, f"line {node.lineno}"
        if isinstance(node, ast.Import):
            assert "random" not in [alias.name for alias in node.names], f"line {node.lineno}"
        if isinstance(node, ast.ImportFrom):
            assert node.module != "random", f"line {node.lineno}"


def test_no_tracked_file_is_large() -> None:
    assert [path.name for path in tracked() if path.stat().st_size > 5_000_000] == []


def test_lock_names_no_place() -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert "file:" not in text
    assert "/" not in "".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def test_no_test_uses_the_absolute_tolerance_of_approx() -> None:
    tests = [path for path in (ROOT / "tests").glob("test_*.py") if path.name != Path(__file__).name]
    assert [path.name for path in tests if "pytest.approx(" in path.read_text()] == []
