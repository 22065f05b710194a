"""Commands about the studies of the repository, the ledger of claims and the paper."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qcn_open.cli.base import Destination, Format, FormatOption, Output, Root, StudyName, command, progress

if TYPE_CHECKING:
    from qcn_open.study import Study

__all__ = ["chunk", "figure", "ledger", "paper", "studies", "study"]

_PANEL = "Studies and paper"


Full = Annotated[bool, typer.Option("--full", help="Its long grid, which takes hours.")]
Smoke = Annotated[bool, typer.Option("--smoke", help="A few of its rows, which take seconds.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a field of its configuration; may be given several times."),
]


@command(_PANEL, "qcn studies")
def studies(root: Root = Path()) -> None:
    """List the studies, each with its question."""
    from qcn_open.study import load, names

    known = names(root)
    for name in known:
        typer.echo(f"{name:<{max(map(len, known))}}  {load(root, name).question}")


@command(_PANEL, "qcn study ramsey_time --set rate=0.5 --set atoms=1,10")
def study(
    name: StudyName,
    full: Full = False,
    smoke: Smoke = False,
    settings: Settings = None,
    kind: FormatOption = None,
    output: Output = None,
    root: Root = Path(),
) -> None:
    """Compute the table of a study: data/NAME.csv and its provenance, data/NAME.json.

    With --set, --format or --output the table goes there, or to the screen, and data/ stays as it is.
    """
    from qcn_open.study import compute, run

    profile = _profile(full, smoke)
    if settings or kind or output:
        from qcn_open.output import on_screen

        destination = Destination(output, kind)
        chosen, config = _configured(root, name, profile, settings)
        table = compute(chosen, config)
        destination.write(
            {name: table},
            on_screen(table, chosen.question),
            command="study",
            study=name,
            profile=profile,
            set=settings or [],
        )
        return
    start = time.perf_counter()
    with progress(name) as show:
        rows = len(run(root, name, profile, show))
    typer.echo(f"{name}: {rows} rows in {time.perf_counter() - start:.1f} s -> data/{name}.csv")


@command(_PANEL, "qcn chunk fig3 0", hidden=True)
def chunk(
    name: StudyName,
    number: Annotated[int, typer.Argument(help="Which one, from 0.")],
    full: Full = False,
    smoke: Smoke = False,
    root: Root = Path(),
) -> None:
    """Compute one chunk of a study that is a sweep, as the jobs of a cluster do."""
    from qcn_open.study import run_chunk

    typer.echo(f"{name}: chunk {number} -> {run_chunk(root, name, number, _profile(full, smoke))}")


@command(_PANEL, "qcn figure crossover")
def figure(
    name: StudyName,
    full: Full = False,
    smoke: Smoke = False,
    settings: Settings = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="STEM", help="The figure's path without its ending.")
    ] = None,
    root: Root = Path(),
) -> None:
    """Draw the figure of a study from its table, as PDF, SVG and PNG.

    With --output the table is computed for it, with the fields that --set changes, and data/ stays as it is.
    """
    from qcn_open import figures

    if output is None:
        if settings or full or smoke:
            raise ValueError("--set, --full and --smoke are for a figure of your own: say where it goes with --output")
        paths = figures.draw(root, name)
        typer.echo(f"{name}: figure -> paper/build/figures/{name}.{{{_kinds(paths)}}}")
        return
    import matplotlib.pyplot as plt

    from qcn_open.study import compute

    stem = output.with_suffix("") if output.suffix in (".pdf", ".svg", ".png") else output
    Destination(stem.with_name(f"{stem.name}.pdf"), Format.table)
    chosen, config = _configured(root, name, _profile(full, smoke), settings)
    table = compute(chosen, config)
    with figures.style():
        drawn = chosen.figure(table)
    try:
        paths = figures.save(drawn, stem)
    finally:
        plt.close(drawn)
    typer.echo(f"{name}: figure -> {stem}.{{{_kinds(paths)}}}")


@command(_PANEL, "qcn ledger")
def ledger(root: Root = Path()) -> None:
    """Check every claim against the tables and write data/claims.csv."""
    from qcn_open.ledger import write

    typer.echo(f"ledger: {write(root)} claims -> data/claims.csv")


@command(_PANEL, "qcn paper")
def paper(root: Root = Path()) -> None:
    """Write the manuscript's tables and numbers from data/ and compile it."""
    from qcn_open.paper import build

    typer.echo(f"paper: {build(root).relative_to(root)}")


def _profile(full: bool, smoke: bool) -> str:
    if full and smoke:
        raise ValueError("take --full or --smoke, not both")
    return "full" if full else "smoke" if smoke else "default"


def _configured(root: Path, name: str, profile: str, settings: list[str] | None) -> tuple[Study, Any]:
    """A study, and the configuration that is meant."""
    from qcn_open.cli.settings import configured
    from qcn_open.study import load

    chosen = load(root, name)
    return chosen, configured(chosen.config(profile), settings or [])


def _kinds(paths: tuple[Path, ...]) -> str:
    return ",".join(path.suffix[1:] for path in paths)
