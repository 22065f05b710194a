"""The command line, ``qcn``: studies, figures, the ledger of claims and the paper.

Everything heavy is imported by the command that needs it. A bad input ends as one sentence and exit status 2,
an interrupt as status 130; neither leaves a half-written file.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    help="Quantum networks of clocks: studies, figures, the ledger of claims and the paper.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Profile(enum.StrEnum):
    """How large a study to run."""

    default = "default"
    smoke = "smoke"
    full = "full"


Root = Annotated[Path, typer.Option(help="The repository: the folder that holds studies/.")]
Name = Annotated[str, typer.Argument(help="The study; `qcn studies` lists them.")]


@contextmanager
def _one_sentence(subject: str) -> Iterator[None]:
    """Turn a bad input into one sentence and exit status 2, and an interrupt into status 130."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"qcn: {subject}: interrupted", err=True)
        raise typer.Exit(130) from None
    except OSError as error:
        typer.echo(
            f"qcn: {subject}: {error.filename}: {error.strerror}" if error.filename else f"qcn: {error}",
            err=True,
        )
        raise typer.Exit(2) from None
    except ValueError as error:
        typer.echo(f"qcn: {subject}: {error}", err=True)
        raise typer.Exit(2) from None


@app.command()
def studies(root: Root = Path()) -> None:
    """List the studies, each with its question."""
    with _one_sentence("studies"):
        from qcn_open.study import load, names

        known = names(root)
        for name in known:
            typer.echo(f"{name:<{max(map(len, known))}}  {load(root, name).question}")


@app.command()
def study(name: Name, profile: Profile = Profile.default, root: Root = Path()) -> None:
    """Compute the table of a study: data/NAME.csv and its provenance, data/NAME.json."""
    with _one_sentence(name):
        from qcn_open.study import run

        start = time.perf_counter()
        rows = len(run(root, name, profile.value))
        typer.echo(f"{name}: {rows} rows in {time.perf_counter() - start:.1f} s -> data/{name}.csv")


@app.command(hidden=True)
def chunk(name: Name, number: int, profile: Profile = Profile.default, root: Root = Path()) -> None:
    """Compute one chunk of a study that is a sweep, as the jobs of a cluster do."""
    with _one_sentence(f"chunk {number} of {name}"):
        from qcn_open.study import run_chunk

        typer.echo(f"{name}: chunk {number} -> {run_chunk(root, name, number, profile.value)}")


@app.command()
def figure(name: Name, root: Root = Path()) -> None:
    """Draw the figure of a study from its table, as PDF, SVG and PNG."""
    with _one_sentence(f"figure {name}"):
        from qcn_open.figures import draw

        kinds = ",".join(path.suffix[1:] for path in draw(root, name))
        typer.echo(f"{name}: figure -> paper/build/figures/{name}.{{{kinds}}}")


@app.command()
def ledger(root: Root = Path()) -> None:
    """Check every claim against the tables and write data/claims.csv."""
    with _one_sentence("ledger"):
        from qcn_open.ledger import write

        typer.echo(f"ledger: {write(root)} claims -> data/claims.csv")


@app.command()
def paper(root: Root = Path()) -> None:
    """Write the manuscript's tables and numbers from data/ and compile it."""
    with _one_sentence("paper"):
        from qcn_open.paper import build

        typer.echo(f"paper: {build(root).relative_to(root)}")
