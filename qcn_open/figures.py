"""The one plotting module: a common style, and figures whose bytes depend on nothing but the table.

Figures fit a column of the American Physical Society (3.375 in) with 8 pt type. Colours are those of Okabe
and Ito, told apart under every common colour-vision deficiency.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from qcn_open import study
from qcn_open.storage import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "COLUMN_IN", "draw", "save", "style"]

COLUMN_IN = 3.375
COLOURS = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "black": "#000000",
}

_METADATA: dict[str, dict[str, str | None]] = {
    "pdf": {"Creator": "qcn_open", "Producer": None, "CreationDate": None},
    "svg": {"Creator": "qcn_open", "Date": None},
    "png": {"Software": "qcn_open"},
}


@contextmanager
def style() -> Iterator[None]:
    """Draw and save what is inside with the common style, without a display.

    Examples
    --------
    >>> import matplotlib as mpl
    >>> with style():
    ...     mpl.rcParams["font.size"]
    8.0
    """
    import matplotlib as mpl
    from cycler import cycler

    mpl.use("Agg")
    with mpl.rc_context(
        {
            "figure.figsize": (COLUMN_IN, COLUMN_IN / 1.4),
            "figure.constrained_layout.use": True,
            "figure.dpi": 200,
            "savefig.dpi": 200,
            "font.family": "STIXGeneral",
            "font.size": 8,
            "mathtext.fontset": "stix",
            "axes.prop_cycle": cycler(color=list(COLOURS.values())),
            "axes.titlesize": 8,
            "axes.labelsize": 8,
            "axes.linewidth": 0.6,
            "xtick.labelsize": 7,
            "ytick.labelsize": 7,
            "xtick.direction": "in",
            "ytick.direction": "in",
            "xtick.top": True,
            "ytick.right": True,
            "xtick.major.width": 0.6,
            "ytick.major.width": 0.6,
            "xtick.minor.width": 0.4,
            "ytick.minor.width": 0.4,
            "lines.linewidth": 1.0,
            "lines.markersize": 3,
            "legend.fontsize": 7,
            "legend.frameon": False,
            "pdf.fonttype": 42,
            "svg.fonttype": "path",
            "svg.hashsalt": "qcn_open",
        }
    ):
        yield


def save(figure: Figure, stem: Path) -> tuple[Path, ...]:
    """Write a figure as PDF, SVG and PNG; two runs give the same bytes.

    Parameters
    ----------
    figure : Figure
        What to write.
    stem : Path
        The path without its ending.

    Returns
    -------
    tuple of Path
        The three files.
    """
    files: dict[Path, bytes] = {}
    with style():
        for kind, entries in _METADATA.items():
            stream = io.BytesIO()
            figure.savefig(stream, format=kind, metadata=entries)
            files[stem.with_name(f"{stem.name}.{kind}")] = stream.getvalue()
    write_atomically(files)
    return tuple(files)


def draw(root: Path, name: str) -> tuple[Path, ...]:
    """Draw the figure of a study from its table on disk, into ``paper/build/figures``.

    Raises
    ------
    ValueError
        If the study is unknown, or its table is missing or damaged.
    """
    import matplotlib.pyplot as plt

    with style():
        figure = study.load(root, name).figure(study.read(root, name))
    try:
        return save(figure, root / "paper" / "build" / "figures" / name)
    finally:
        plt.close(figure)
