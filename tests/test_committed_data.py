"""The committed tables follow from their studies, and the committed ledger from the tables."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from qcn_open import ledger, study

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", study.names(ROOT))
def test_smoke_rows_of_the_committed_table_are_recomputed(name: str) -> None:
    assert study.smoke_differences(ROOT, name) == []


def test_committed_ledger_follows_from_the_committed_tables() -> None:
    stored = pd.read_csv(ROOT / "data" / "claims.csv", dtype=str, keep_default_na=False)
    computed = pd.DataFrame(ledger.evaluate(ROOT), columns=list(ledger.COLUMNS), dtype=str)
    values = "computed_value"
    pd.testing.assert_frame_equal(stored.drop(columns=values), computed.drop(columns=values))
    assert stored[values].astype(float).tolist() == pytest.approx(computed[values].astype(float).tolist(), rel=1e-9)
