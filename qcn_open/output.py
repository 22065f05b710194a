"""Tables for people and for programs: on a screen, as text, CSV, JSON or LaTeX.

For programs numbers are written such that they read back exactly. For people, and in LaTeX, they have four significant
digits, and the units that column names end with stand in parentheses.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from qcn_open.interchange import quantity_and_unit

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType
    from rich.table import Table

__all__ = ["ENDINGS", "booktabs", "cells", "files", "header", "number", "on_screen", "render", "target", "text"]

ENDINGS: Mapping[str, str] = {"table": ".txt", "csv": ".csv", "json": ".json", "latex": ".tex"}

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
_SYMBOLS: Mapping[str, str] = {"sigma_y": "σ_y", "tau": "τ"}


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
        " & ".join(map(_latex, cells)) + r" \\" for cells in [list(map(str, table.columns)), *cells(table)]
    )
    begin = [rf"\begin{{tabular}}{{{alignment}}}", r"\toprule", header, r"\midrule"]
    return "\n".join([*begin, *rows, r"\bottomrule", r"\end{tabular}", ""])


def header(column: str) -> str:
    """Return the name of a column as people read it, with its unit in parentheses.

    Examples
    --------
    >>> header("interrogation_time_s"), header("bound_sigma_y"), header("epr_rate_hz")
    ('interrogation time (s)', 'bound σ_y', 'epr rate (Hz)')
    """
    column, unit = quantity_and_unit(column)
    for name, symbol in _SYMBOLS.items():
        column = re.sub(rf"(?<![a-z]){name}(?![a-z])", symbol, column)
    words = re.sub(r"(?<!σ)_", " ", column)
    return f"{words} ({unit})" if unit else words


def number(value: object) -> str:
    """Return a cell as people read it: floats with four significant digits.

    Examples
    --------
    >>> number(4.297736053e-17), number(165), number("fixed angles")
    ('4.298e-17', '165', 'fixed angles')
    """
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def cells(table: pd.DataFrame) -> list[list[str]]:
    """Return the rows of a table as people read them."""
    return [[number(cell) for cell in row] for row in table.itertuples(index=False)]


def on_screen(table: pd.DataFrame, title: str = "") -> Table:
    """Return a table for a terminal, as narrow as its numbers: only text is folded where there is no room."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    shown = Table(title=title or None, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for column, dtype in table.dtypes.items():
        numeric = dtype.kind in "iuf"
        shown.add_column(header(str(column)), justify="right" if numeric else "left", no_wrap=numeric)
    for row in cells(table):
        shown.add_row(*row)
    return shown


def render(tables: Mapping[str, pd.DataFrame], kind: str, provenance: Mapping[str, object]) -> str:
    """Return tables as one text.

    Parameters
    ----------
    tables : Mapping[str, DataFrame]
        By name.
    kind : {"table", "csv", "json", "latex"}
        CSV holds the first table only.
    provenance : Mapping[str, object]
        What JSON says of their origin: beside each table, a list of records, it has the entry ``provenance``.

    Examples
    --------
    >>> import pandas as pd
    >>> print(render({"clocks": pd.DataFrame({"tau_s": [0.1]})}, "json", {"version": "1"}), end="")
    {
      "provenance": {"version": "1"},
      "clocks": [
        {"tau_s": 0.1}
      ]
    }
    """
    if kind == "csv":
        return next(iter(tables.values())).to_csv(index=False, lineterminator="\n")
    if kind == "json":
        parts = [f'  "provenance": {_json(provenance)}']
        for name, table in tables.items():
            rows = ",\n".join(f"    {_json(row)}" for row in table.to_dict("records"))
            parts.append(f"  {_json(name)}: [\n{rows}\n  ]" if rows else f"  {_json(name)}: []")
        return "{\n" + ",\n".join(parts) + "\n}\n"
    if kind == "latex":
        texts = [booktabs(table.rename(columns=lambda column: header(str(column)))) for table in tables.values()]
        return "\n".join(texts)
    return text(*(on_screen(table, name if len(tables) > 1 else "") for name, table in tables.items()))


def text(*parts: RenderableType) -> str:
    """Return what a terminal would show, without colours and with lines as long as they are."""
    from rich.console import Console

    stream = io.StringIO()
    console = Console(file=stream, width=10_000, color_system=None, highlight=False, markup=False, emoji=False)
    console.print(*parts, sep="\n")
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def target(output: Path, kind: str | None) -> tuple[Path, str]:
    """Return the folder or file to write and the format: the given one, or that of the ending.

    Parameters
    ----------
    output : Path
        A file where it has an ending, else a folder.
    kind : str or None
        A format, if it is given.

    Raises
    ------
    ValueError
        If a file is asked for whose ending is that of no format, or the place cannot be written.

    Examples
    --------
    >>> target(Path("design.json"), None)[1], target(Path("design"), None)[1]
    ('json', 'csv')
    """
    if output.suffix and not output.is_dir():
        kinds = {ending: one for one, ending in ENDINGS.items()}
        if kind is None and output.suffix not in kinds:
            raise ValueError(f"{output} must end with one of {', '.join(kinds)}, or give --format")
        kind, folder = kind or kinds[output.suffix], output.parent
    else:
        kind, folder = kind or "csv", output
    place = folder
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise ValueError(f"{output} cannot be written: {place} is {'read-only' if place.is_dir() else 'no folder'}")
    return output, kind


def files(
    tables: Mapping[str, pd.DataFrame], output: Path, kind: str, provenance: Mapping[str, object]
) -> dict[Path, bytes]:
    """Return the contents by path: of one file, or in a folder one file for each table."""
    if output.suffix and not output.is_dir():
        return {output: render(tables, kind, provenance).encode()}
    return {
        output / f"{name}{ENDINGS[kind]}": render({name: table}, kind, provenance).encode()
        for name, table in tables.items()
    }


def _json(value: object) -> str:
    """One line of JSON, in which what is no number is null."""
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _latex(text: str) -> str:
    power = _POWER.match(text)
    return (
        rf"${power[1]}\times10^{{{int(power[2])}}}$"
        if power
        else text.translate(_LATEX).replace(r"$\sigma$\_y", r"$\sigma_y$")
    )
