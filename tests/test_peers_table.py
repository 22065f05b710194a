"""The recorded comparison with the peers: what it calls exact is, and our rows agree with it. Needs no peer."""

from __future__ import annotations

import importlib.util
import json
import math
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from closeness import approx

import qcn_open as qcn

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
ETA = 0.9
TABLE = pd.read_csv(BENCHMARKS / "products.csv")
PEERS = ("QuanEstimation", "TNQMetro", "QMetro++")


@pytest.fixture(scope="module")
def peers() -> ModuleType:
    found = importlib.util.spec_from_file_location("peers", BENCHMARKS / "peers.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("work", TABLE["work"].unique())
def test_exact_column_follows_from_the_package(work: str) -> None:
    blocks = json.loads(work)
    probe = qcn.Product({size: blocks.count(size) for size in blocks})
    exact = qcn.qfi(qcn.Ramsey(probe, qcn.Dephasing(-2 * math.log(ETA)), time=1.0), qcn.Logical())
    assert TABLE.loc[TABLE["work"] == work, "exact"].tolist() == approx([exact] * sum(TABLE["work"] == work))


def test_our_rows_are_right_and_errors_follow_from_values() -> None:
    ours = TABLE["tool"].str.startswith("qcn_open")
    assert set(TABLE.loc[ours, "work"]) == set(TABLE["work"])
    assert TABLE.loc[ours, "relative_error"].max() <= 1e-6
    error = (TABLE["value"] / TABLE["exact"] - 1.0).abs()
    assert (error - TABLE["relative_error"]).abs().max() <= 1e-11
    assert TABLE["value"].between(TABLE["lowest"], TABLE["highest"]).all()


def test_every_peer_of_the_table_is_the_pinned_one_and_is_somewhere_wrong() -> None:
    """What the paper says of them; if a new release gets everything right, the paper has to change."""
    project = tomllib.loads((BENCHMARKS.parent / "pyproject.toml").read_text())["project"]
    pinned = dict(entry.split("==") for entry in project["optional-dependencies"]["peers"])
    for tool in PEERS:
        rows = TABLE[TABLE["tool"] == tool]
        assert set(rows["version"]) == {pinned[tool.lower().rstrip("+")]}
        assert rows["relative_error"].max() > 0.02


def test_peers_lock_names_no_place() -> None:
    lines = (BENCHMARKS / "peers.txt").read_text().splitlines()
    assert "/" not in "".join(line for line in lines if not line.lstrip().startswith("#"))


@pytest.mark.parametrize("phase", [0.0, math.pi / 2])
def test_state_given_to_the_peers_is_the_product(peers: ModuleType, phase: float) -> None:
    rho, derivative = peers.dense_product([2, 1, 2], ETA, phase)
    assert np.trace(rho) == approx(1.0)
    assert peers.sld_qfi(rho, derivative) == approx(2 * 4 * ETA**4 + ETA**2)


def test_loss_given_to_the_peers_is_trap_loss(peers: ModuleType) -> None:
    kraus = peers.loss_kraus(ETA)
    assert np.allclose(sum(operator.T @ operator for operator in kraus), np.eye(2), rtol=0, atol=1e-15)
    plus = np.full((2, 2), 0.5)
    lossy = sum(operator @ plus @ operator.T for operator in kraus)
    levels = np.array([0.0, 1.0, 0.0])
    rotated = peers.sld_qfi(lossy, 1j * np.subtract.outer(levels, levels) * lossy)
    assert rotated == approx(qcn.qfi(qcn.Ramsey(qcn.Ghz(1), qcn.TrapLoss(-math.log(ETA)), time=1.0)))
