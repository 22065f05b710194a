from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from qcn_open import ledger, study
from qcn_open.ledger import Claim
from qcn_open.output import booktabs

CLAIM = Claim("ghz", "Eq. (2)", "It scales.", "1/N", lambda table: float(table["n"].max()), (1, 3), "holds", "So.")


def test_ledger_holds_one_row_per_claim(repository: Path) -> None:
    study.run(repository, "squares")
    assert ledger.write(repository) == 1
    claims = pd.read_csv(repository / "data" / "claims.csv")
    columns = ["id", "where", "claim", "paper_value", "computed_value", "verdict", "reason", "study"]
    assert list(claims) == columns
    assert claims.loc[0, "computed_value"] == 9.0
    assert claims.loc[0, "study"] == "squares"


def test_claim_whose_value_left_its_interval_is_named_and_nothing_is_written(repository: Path) -> None:
    path = repository / "studies" / "squares.py"
    path.write_text(path.read_text().replace("scale: float = 1.0", "scale: float = 1.5"))
    study.run(repository, "squares")
    with pytest.raises(
        ValueError, match=r"claim 'square-of-three': the computed value 13.5 left the interval \[9, 9\]"
    ):
        ledger.write(repository)
    assert not (repository / "data" / "claims.csv").exists()


def test_claim_that_computes_no_number_does_not_hold() -> None:
    with pytest.raises(ValueError, match="claim 'ghz': the computed value nan left the interval"):
        CLAIM.computed(pd.DataFrame({"n": [float("nan")]}))


def test_two_claims_may_not_share_an_id(repository: Path) -> None:
    folder = repository / "studies"
    (folder / "again.py").write_text((folder / "squares.py").read_text())
    study.run(repository, "squares")
    study.run(repository, "again")
    with pytest.raises(ValueError, match="claim 'square-of-three' of study 'squares' already stands in 'again'"):
        ledger.write(repository)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"verdict": "probably"}, "claim 'ghz': a verdict begins with holds, misprint, does not hold"),
        ({"supports": (2.0, 1.0)}, r"claim 'ghz': the interval of supporting values \(2.0, 1.0\) is empty"),
        ({"supports": (float("nan"), 1.0)}, "is empty"),
        ({"reason": " "}, "claim 'ghz' leaves reason empty"),
        ({"id": ""}, "leaves id empty"),
    ],
)
def test_defective_claim_is_refused(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(CLAIM, **change)


def test_booktabs_escapes_text_and_writes_powers_as_powers() -> None:
    table = pd.DataFrame({"a_b": ["50 % of γτ"], "rate": [1.5e-9], "n": [3]})
    assert booktabs(table).splitlines() == [
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"a\_b & rate & n \\",
        r"\midrule",
        r"50 \% of $\gamma$$\tau$ & $1.5\times10^{-9}$ & 3 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_numbers_of_the_study_stand_in_verdict_and_reason(repository: Path) -> None:
    path = repository / "studies" / "squares.py"
    source = path.read_text()
    path.write_text(source.replace('reason="It is."', 'reason="Up to {largest_square:.4g}."'))
    study.run(repository, "squares")
    assert ledger.evaluate(repository)[0]["reason"] == "Up to 121."
    path.write_text(source.replace('reason="It is."', 'reason="Up to {nothing}."'))
    with pytest.raises(ValueError, match="'square-of-three' names 'nothing', which is not among the NUMBERS"):
        ledger.evaluate(repository)
