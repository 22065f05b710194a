"""The manuscript and what goes into it: every number and table is generated here from ``data/``.

`build` writes, under ``paper/build``,

- ``tables/STUDY-NAME.csv`` for Typst and ``.tex`` (booktabs) for LaTeX, one pair per entry of a study's
  ``TABLES``, and ``claims.tex`` beside ``data/claims.csv``;
- ``numbers.json``: ``numbers[STUDY][NAME]`` from the studies' ``NUMBERS``, ``claims[ID]`` from the ledger;
- ``paper.pdf``, compiled from ``paper/main.typ`` with Typst's own fonts and a fixed date, so that two builds
  give the same bytes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from qcn_open import ledger, study
from qcn_open.output import booktabs, cells
from qcn_open.storage import write_atomically

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["build"]

_BUILD_DATE = 1795305600  # 22 November 2026, seconds since 1970: fixed, so that two builds give the same bytes


def build(root: Path) -> Path:
    """Write the tables and numbers from ``data/`` and compile the manuscript.

    Parameters
    ----------
    root : Path
        The repository.

    Returns
    -------
    Path
        The PDF.

    Raises
    ------
    ValueError
        If a table is missing or damaged, a claim left its interval, or the manuscript does not compile.
    """
    folder = root / "paper" / "build"
    claims = ledger.evaluate(root)
    files = {folder / "tables" / "claims.tex": _claims_table(claims)}
    numbers: dict[str, dict[str, float | str]] = {}
    for name in study.names(root):
        current = study.load(root, name)
        table = study.read(root, name)
        numbers[name] = {label: compute(table) for label, compute in current.numbers.items()}
        for label, select in current.tables.items():
            selected = select(table)
            files[folder / "tables" / f"{name}-{label}.csv"] = _csv(selected)
            files[folder / "tables" / f"{name}-{label}.tex"] = booktabs(selected)
    content = {"numbers": numbers, "claims": {claim["id"]: claim for claim in claims}}
    files[folder / "numbers.json"] = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    write_atomically({path: text.encode() for path, text in files.items()})
    pdf = folder / "paper.pdf"
    write_atomically({pdf: _compile(root)})
    return pdf


def _compile(root: Path) -> bytes:
    """Compile the manuscript with Typst."""
    import typst

    source = root / "paper" / "main.typ"
    if not source.is_file():
        raise ValueError("paper/main.typ is missing")
    try:
        pdf = typst.compile(str(source), root=str(root), ignore_system_fonts=True, format="pdf", timestamp=_BUILD_DATE)
    except typst.TypstError as error:
        raise ValueError(f"paper/main.typ does not compile: {error.diagnostic or error.message}") from None
    if not isinstance(pdf, bytes):
        raise ValueError("paper/main.typ did not compile to one PDF")
    return pdf


def _claims_table(claims: list[dict[str, str]]) -> str:
    import pandas as pd

    return booktabs(pd.DataFrame(claims, columns=["where", "claim", "paper_value", "computed_value", "verdict"]))


def _csv(table: pd.DataFrame) -> str:
    import pandas as pd

    return pd.DataFrame(cells(table), columns=table.columns).to_csv(index=False, lineterminator="\n")
