"""The committed tables follow from their studies, and the committed ledger from the tables."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from closeness import approx

from qcn_open import ledger, study

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", study.names(ROOT))
def test_smoke_rows_of_the_committed_table_are_recomputed(name: str) -> None:
    assert study.smoke_differences(ROOT, name) == []


@pytest.mark.parametrize("name", study.names(ROOT))
def test_committed_table_is_no_smoke_table(name: str) -> None:
    assert json.loads((ROOT / "data" / f"{name}.json").read_text())["profile"] == "default"


def test_random_models_are_many_and_none_beats_a_bound() -> None:
    table = study.read(ROOT, "bounds_respected")
    probes = table["probe"].value_counts()
    assert len(table) >= 2000
    assert probes["product"] >= 500
    assert probes.drop(["product", "GHZ"]).sum() >= 500
    assert table["qfi_over_bound"].max() <= 1 + 1e-9
    assert table["cfi_over_qfi"].max() <= 1 + 1e-9


def test_committed_ledger_follows_from_the_committed_tables() -> None:
    stored = pd.read_csv(ROOT / "data" / "claims.csv", dtype=str, keep_default_na=False)
    computed = pd.DataFrame(ledger.evaluate(ROOT), columns=list(ledger.COLUMNS), dtype=str)
    values = "computed_value"
    pd.testing.assert_frame_equal(stored.drop(columns=values), computed.drop(columns=values))
    assert stored[values].astype(float).tolist() == approx(computed[values].astype(float).tolist(), rel=1e-9)
