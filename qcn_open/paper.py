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
import re
from pathlib import Path
from typing import TYPE_CHECKING

from qcn_open import ledger, study
from qcn_open.storage import write_atomically

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["booktabs", "build"]

_BUILD_DATE = 1795305600  # 22 November 2026, seconds since 1970: fixed, so that two builds give the same bytes
_LATEX = str.maketrans(
    {character: rf"\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {
        "−": "$-$",
        "±": r"$\pm$",
        "×": r"$\times$",
        "·": r"$\cdot$",
        "≤": r"$\le$",
        "≥": r"$\ge$",
        "≈": r"$\approx$",
        "√": r"$\surd$",
        "∞": r"$\infty$",
        "α": r"$\alpha$",
        "β": r"$\beta$",
        "γ": r"$\gamma$",
        "δ": r"$\delta$",
        "ε": r"$\varepsilon$",
        "η": r"$\eta$",
        "ν": r"$\nu$",
        "π": r"$\pi$",
        "σ": r"$\sigma$",
        "τ": r"$\tau$",
        "φ": r"$\varphi$",
        "ω": r"$\omega$",
        "Δ": r"$\Delta$",
        "Φ": r"$\Phi$",
    }
    | {superscript: rf"$^{digit}$" for superscript, digit in zip("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "+-0123456789", strict=True)}
)
_POWER = re.compile(r"^(-?[\d.]+)e([+-]?\d+)$")


def booktabs(table: pd.DataFrame) -> str:
    r"""Return a table as a LaTeX ``tabular`` with the rules of the booktabs package.

    Parameters
    ----------
    table : DataFrame
        Text is escaped; floats get four significant digits.

    Examples
    --------
    >>> import pandas as pd
    >>> print(booktabs(pd.DataFrame({"clock": ["Sr"], "rate_per_s": [1.5e-3]})), end="")
    \begin{tabular}{lr}
    \toprule
    clock & rate\_per\_s \\
    \midrule
    Sr & 0.0015 \\
    \bottomrule
    \end{tabular}
    """
    alignment = "".join("r" if dtype.kind in "iuf" else "l" for dtype in table.dtypes)
    header, *rows = (
        " & ".join(map(_latex, cells)) + r" \\" for cells in [list(map(str, table.columns)), *_cells(table)]
    )
    begin = [rf"\begin{{tabular}}{{{alignment}}}", r"\toprule", header, r"\midrule"]
    return "\n".join([*begin, *rows, r"\bottomrule", r"\end{tabular}", ""])


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


def _cells(table: pd.DataFrame) -> list[list[str]]:
    """Return the table's rows as text."""
    return [
        [f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row]
        for row in table.itertuples(index=False)
    ]


def _csv(table: pd.DataFrame) -> str:
    import pandas as pd

    return pd.DataFrame(_cells(table), columns=table.columns).to_csv(index=False, lineterminator="\n")


def _latex(text: str) -> str:
    power = _POWER.match(text)
    return rf"${power[1]}\times10^{{{int(power[2])}}}$" if power else text.translate(_LATEX)
