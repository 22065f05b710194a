"""A repository with one small study, for the tests of what surrounds the physics."""

from __future__ import annotations

from pathlib import Path

import pytest

STUDY = '''"""Does the square of three equal nine?

It does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from qcn_open.ledger import Claim


@dataclass(frozen=True)
class Config:
    count: int = 12
    scale: float = 1.0
    seed: int = 7


SMOKE = Config(count=4)
FULL = Config(count=100)
KEY = ("n",)
BACKENDS = (Config(count=1),)


def rows(config: Config) -> pd.DataFrame:
    n = np.arange(config.count)
    third = config.scale * n / 3
    third[0] = np.nan
    square = config.scale * n**2.0
    name = [f"a,{i}" for i in n]
    return pd.DataFrame({"n": n, "square": square, "third": third, "odd": n % 2 == 1, "name": name})


def figure(table: pd.DataFrame) -> Figure:
    figure = Figure()
    figure.subplots().plot(table["n"], table["square"], label="$n^2$")
    return figure


CLAIMS = (
    Claim(
        id="square-of-three",
        where="Eq. (1)",
        claim="The square of three is nine.",
        paper_value=9.0,
        compute=lambda table: float(table["square"][3]),
        supports=(9.0, 9.0),
        verdict="holds",
        reason="It is.",
    ),
)
TABLES = {"first": lambda table: table.head(2)}
NUMBERS = {"largest_square": lambda table: float(table["square"].max())}
'''


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose only study is ``squares``."""
    folder = tmp_path / "studies"
    folder.mkdir()
    (folder / "squares.py").write_text(STUDY)
    (folder / "_shared.py").write_text("raise RuntimeError('not a study')\n")
    return tmp_path
