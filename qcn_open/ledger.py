"""The ledger: every quantitative claim of the paper that a study reaches, with what we compute and a verdict.

A study lists its `Claim` instances; `write` evaluates all of them on the tables on disk and writes
``data/claims.csv``. A claim states the interval of computed values for which its verdict stands, so a change
of physics cannot silently turn a verdict into a wrong one.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qcn_open import study
from qcn_open.storage import write_atomically

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "VERDICTS", "Claim", "evaluate", "write"]

VERDICTS = ("holds", "misprint", "does not hold")
COLUMNS = ("id", "where", "claim", "paper_value", "computed_value", "verdict", "reason", "study")


@dataclass(frozen=True)
class Claim:
    """One quantitative claim of the paper and our verdict on it.

    Parameters
    ----------
    id : str
        Short name, unique over all studies.
    where : str
        Where the claim stands in the paper.
    claim : str
        What it says, in our own words.
    paper_value : float or str
        The value the paper gives.
    compute : callable
        The same quantity from the study's table.
    supports : tuple of float
        Interval of computed values, ends included, for which the verdict stands.
    verdict : str
        Begins with ``holds`` (also ``holds up to …``), ``misprint`` or ``does not hold``.
    reason : str
        Why, in a sentence. Here and in the verdict ``{name:.3g}`` stands for an entry of the study's ``NUMBERS``:
        no computed number is typed.
    """

    id: str
    where: str
    claim: str
    paper_value: float | str
    compute: Callable[[pd.DataFrame], float]
    supports: tuple[float, float]
    verdict: str
    reason: str

    def __post_init__(self) -> None:
        blank = [name for name in ("id", "where", "claim", "reason") if not getattr(self, name).strip()]
        if blank:
            raise ValueError(f"claim {self.id!r} leaves {blank[0]} empty")
        if not self.verdict.startswith(VERDICTS):
            raise ValueError(f"claim {self.id!r}: a verdict begins with {', '.join(VERDICTS)}, not {self.verdict!r}")
        low, high = self.supports
        if not low <= high:
            raise ValueError(f"claim {self.id!r}: the interval of supporting values {self.supports} is empty")

    def computed(self, table: pd.DataFrame) -> float:
        """Compute the claimed quantity from the study's table.

        Raises
        ------
        ValueError
            If the value lies outside the interval that supports the verdict.
        """
        value = float(self.compute(table))
        low, high = self.supports
        if math.isnan(value) or not low <= value <= high:
            raise ValueError(
                f"claim {self.id!r}: the computed value {value:.6g} left the interval [{low:g}, {high:g}] "
                f"that supports the verdict {self.verdict!r}"
            )
        return value

    def filled(self, text: str, numbers: Mapping[str, float | str]) -> str:
        """Put the numbers of the study into the verdict or the reason.

        Raises
        ------
        ValueError
            If the text names a number that the study does not have.
        """
        try:
            return text.format_map(numbers)
        except KeyError as error:
            raise ValueError(f"claim {self.id!r} names {error.args[0]!r}, which is not among the NUMBERS") from None


def evaluate(root: Path) -> list[dict[str, str]]:
    """Evaluate the claims of all studies on the tables on disk.

    Parameters
    ----------
    root : Path
        The repository.

    Returns
    -------
    list of dict
        One entry per claim, by the names in `COLUMNS`, in the order of the studies.

    Raises
    ------
    ValueError
        If a table is missing or damaged, two claims share an id, or a computed value contradicts its verdict.
    """
    entries: dict[str, dict[str, str]] = {}
    for name in study.names(root):
        current = study.load(root, name)
        table = study.read(root, name)
        numbers = {label: compute(table) for label, compute in current.numbers.items()}
        for claim in current.claims:
            if claim.id in entries:
                raise ValueError(
                    f"claim {claim.id!r} of study {name!r} already stands in {entries[claim.id]['study']!r}"
                )
            paper_value = claim.paper_value if isinstance(claim.paper_value, str) else f"{claim.paper_value:.12g}"
            computed_value = f"{claim.computed(table):.12g}"
            text = (
                claim.id,
                claim.where,
                claim.claim,
                paper_value,
                computed_value,
                claim.filled(claim.verdict, numbers),
                claim.filled(claim.reason, numbers),
                name,
            )
            entries[claim.id] = dict(zip(COLUMNS, text, strict=True))
    return list(entries.values())


def write(root: Path) -> int:
    """Write ``data/claims.csv`` and return the number of claims.

    Raises
    ------
    ValueError
        As `evaluate`.
    """
    entries = evaluate(root)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(entries)
    write_atomically({root / "data" / "claims.csv": text.getvalue().encode()})
    return len(entries)
