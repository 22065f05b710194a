"""What all commands share: one sentence for what is wrong, options, completion, progress, and where results go."""

from __future__ import annotations

import enum
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer
from typer.core import TyperGroup

from qcn_open import __version__

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

__all__ = [
    "SCHEMES",
    "Destination",
    "Format",
    "FormatOption",
    "NetworkFile",
    "Output",
    "Root",
    "SchemeOption",
    "Seed",
    "StudyName",
    "Tau",
    "app",
    "choice",
    "command",
    "progress",
]

# As `qcn_open.SCHEMES`, which takes too long to import where a shell waits for completions.
SCHEMES: Mapping[str, str] = {
    "quantum-cooperative": "one cascade of GHZ states over all nodes",
    "quantum-classical": "a cascade of its own at every node, their records averaged",
    "quantum-alone": "a cascade at the first node alone",
    "classical-cooperative": "uncorrelated atoms of all nodes as one clock",
    "classical-alone": "uncorrelated atoms of the first node alone",
}

_Parameters = ParamSpec("_Parameters")


class Format(enum.StrEnum):
    """How tables are written."""

    table = "table"
    csv = "csv"
    json = "json"
    latex = "latex"


class _Commands(TyperGroup):
    """Commands whose misuse is told in one sentence, too."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        try:
            status = super().main(*arguments, **(options | {"standalone_mode": False}))
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            context = getattr(error, "ctx", None)
            name = context.info_name if context is not None and context.parent is not None else ""
            told = " ".join(error.format_message().replace("Value error, ", "").split()).rstrip(".")
            subject, remedy = (f"qcn: {name}", f"qcn {name} --help") if name else ("qcn", "qcn --help")
            typer.echo(f"{subject}: {told[:1].lower()}{told[1:]}; `{remedy}` tells more", err=True)
            sys.exit(2)
        sys.exit(status if isinstance(status, int) else 0)


app = typer.Typer(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback(invoke_without_command=True)
def overview(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Quantum networks of clocks: design and simulate your own; compute the studies of the repository."""
    if version:
        typer.echo(f"qcn_open {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def command(
    panel: str, example: str, *, hidden: bool = False
) -> Callable[[Callable[_Parameters, None]], Callable[_Parameters, None]]:
    """A command of that part of the help, which ends with the example. Errors begin with its name and argument."""

    def register(function: Callable[_Parameters, None]) -> Callable[_Parameters, None]:
        first = next(iter(inspect.signature(function).parameters), "")

        @wraps(function)
        def guarded(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> None:
            argument = kwargs.get(first)
            named = first in ("network", "name") and argument is not None
            subject = f"qcn: {function.__name__} {argument}" if named else f"qcn: {function.__name__}"
            try:
                function(*args, **kwargs)
            except KeyboardInterrupt as interrupt:
                typer.echo(": ".join([subject, "interrupted", *map(str, interrupt.args)]), err=True)
                raise typer.Exit(130) from None
            except BrokenPipeError:
                raise
            except OSError as error:
                told = f"{error.filename}: {error.strerror}" if error.filename else str(error)
                typer.echo(f"{subject}: {told}", err=True)
                raise typer.Exit(2) from None
            except ValueError as error:
                # The file that is wrong need not be named twice.
                told = str(error).removeprefix(f"{argument}, ") if named else str(error)
                typer.echo(f"{subject}: {told}", err=True)
                raise typer.Exit(2) from None

        return app.command(rich_help_panel=panel, epilog=f"Example: {example}", hidden=hidden)(guarded)

    return register


def choice(what: str, given: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    """Return what was chosen, or refuse it and name the nearest."""
    if given in known:
        return given
    import difflib

    near = difflib.get_close_matches(given, known, n=1)
    raise ValueError(
        f"unknown {what} {given!r}: " + (f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}")
    )


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int, str], None]]:
    """A bar with the time left, on a terminal only; what it yields is told what is done, the total and what is next."""
    if not sys.stderr.isatty():
        yield lambda done, total, now: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total, now: bars.update(task, completed=done, total=total, description=now)


class Destination:
    """Where tables go, checked before anything is computed: to the standard output, or to a file or folder."""

    def __init__(self, output: Path | None, kind: Format | None) -> None:
        from qcn_open.output import target

        self.output, self.kind = output, "table" if kind is None else kind.value
        if output is not None:
            self.output, self.kind = target(output, None if kind is None else kind.value)

    def write(self, tables: Mapping[str, pd.DataFrame], *view: RenderableType, **provenance: object) -> None:
        """Write the tables; on a screen the view of them instead."""
        from qcn_open.output import files, render, text
        from qcn_open.storage import write_atomically

        origin = {"qcn_open": __version__, **provenance}
        if self.output is None and self.kind == "table":
            from rich.console import Console

            if sys.stdout.isatty():
                # Names of networks and nodes are what they are, brackets and colons included.
                Console(highlight=False, markup=False, emoji=False).print(*view, sep="\n")
            else:
                typer.echo(text(*view), nl=False)
        elif self.output is None:
            typer.echo(render(tables, self.kind, origin), nl=False)
        else:
            contents = files(tables, self.output, self.kind, origin)
            if self.kind == "table" and list(contents) == [self.output]:
                contents = {self.output: text(*view).encode()}
            write_atomically(contents)
            typer.echo(f"wrote {', '.join(map(str, contents))}", err=True)


def _network_files(incomplete: str) -> list[str]:
    """TOML files and folders that begin as typed."""
    start = Path(incomplete or ".")
    folder = start if incomplete.endswith("/") or not incomplete else start.parent
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    found = [f"{path}/" if path.is_dir() else str(path) for path in entries if path.is_dir() or path.suffix == ".toml"]
    return [path for path in found if path.startswith(incomplete) and not Path(path).name.startswith(".")]


def _study_names(incomplete: str) -> list[str]:
    """Studies of the repository one stands in."""
    names = (path.stem for path in Path("studies").glob("*.py"))
    return sorted(name for name in names if name.startswith(incomplete) and not name.startswith("_"))


def _scheme_names(incomplete: str) -> list[tuple[str, str]]:
    """Schemes that begin as typed, each with what it is."""
    known = {"best": "the most stable of all", **SCHEMES}
    return [(name, what) for name, what in known.items() if name.startswith(incomplete)]


NetworkFile = Annotated[
    Path,
    typer.Argument(
        metavar="NETWORK.toml", autocompletion=_network_files, help="The network; see examples/three_nodes.toml."
    ),
]
StudyName = Annotated[
    str, typer.Argument(metavar="NAME", autocompletion=_study_names, help="The study; `qcn studies` lists them.")
]
Root = Annotated[Path, typer.Option(help="The repository: the folder that holds studies/.")]
Tau = Annotated[float, typer.Option(metavar="SECONDS", help="Averaging time τ.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the random numbers: the same seed gives the same result.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="PATH", help="A file to write, or a folder for one file a table."),
]
FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format", "-f", help="How to write tables; by default as --output ends, and for people on a screen."
    ),
]


SchemeOption = Annotated[
    str,
    typer.Option(metavar="SCHEME", autocompletion=_scheme_names, help=f"best, or one of {', '.join(SCHEMES)}."),
]
