"""Studies: one file per question, from its configuration to a checked table on disk.

A study is a file ``studies/NAME.py`` at the root of the repository; a name that begins with ``_`` is not a
study. Its docstring opens with the question, and it defines

=================  ====================================================================================
``Config``         frozen dataclass; its defaults are the *default* profile
``SMOKE, FULL``    two more instances: seconds for the tests, hours for the long grids
``KEY``            the columns that identify a row
``BACKENDS``       the backend instances used, whose ``repr`` carries their tolerances
``rows(config)``   the table: a tidy DataFrame whose column names carry their units
``figure(table)``  the figure drawn from that table
``CLAIMS``         what the table says about the paper (`qcn_open.ledger.Claim`)
=================  ====================================================================================

and optionally ``TOLERANCE`` (column -> absolute tolerance of a recomputation, for columns that hold errors),
``TABLES`` (name -> function of the table) and ``NUMBERS`` (name -> function of the table) for the manuscript.

A study of many points defines ``sweep(config)``, a `qcn_open.sweep.Sweep`, instead of ``rows(config)``. Its chunks are
kept in ``paper/build/sweeps/NAME/PROFILE``, where `run` goes on after an interrupt and other machines can help with
`run_chunk`.

`run` writes ``data/NAME.csv`` and beside it ``data/NAME.json``, its provenance; `read` refuses a table that
no longer is the one its provenance describes.
"""

from __future__ import annotations

import ast
import csv
import difflib
import importlib.util
import io
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qcn_open import sweep as sweeps
from qcn_open.provenance import package_sha256, sha256, versions
from qcn_open.storage import write_atomically
from qcn_open.sweep import Sweep, evaluate

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from qcn_open.ledger import Claim

__all__ = [
    "PROFILES",
    "Study",
    "chunk_files",
    "compute",
    "inputs",
    "load",
    "names",
    "read",
    "read_published",
    "run",
    "run_chunk",
    "smoke_differences",
    "swept",
]

PROFILES = ("default", "smoke", "full")

_PARSERS: Mapping[str, Callable[[str], object]] = {
    "bool": "True".__eq__,
    "int64": int,
    "float64": float,
    "str": str,
}
_RELATIVE_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Study:
    """A loaded study: the definitions of one file in ``studies/``.

    Attributes
    ----------
    name : str
        The file name without its ending.
    path : Path
        The file.
    question : str
        First line of its docstring.
    profiles : Mapping[str, Any]
        The configurations ``default``, ``smoke`` and ``full``.
    key : tuple of str
        Columns that identify a row.
    backends : tuple
        Backend instances whose ``repr`` goes into the provenance.
    rows, figure : callable
        Configuration to table; table to figure.
    sweep : callable or None
        Configuration to the sweep that ``rows`` evaluates; none if the study is not one.
    claims : tuple of Claim
        What the table says about the paper.
    tolerance : Mapping[str, float]
        Absolute tolerance of a recomputation, for the columns that need one.
    tables, numbers : Mapping[str, callable]
        What the manuscript takes from the table.
    """

    name: str
    path: Path
    question: str
    profiles: Mapping[str, Any]
    key: tuple[str, ...]
    backends: tuple[object, ...]
    rows: Callable[[Any], pd.DataFrame]
    sweep: Callable[[Any], Sweep] | None
    figure: Callable[[pd.DataFrame], Figure]
    claims: tuple[Claim, ...]
    tolerance: Mapping[str, float]
    tables: Mapping[str, Callable[[pd.DataFrame], pd.DataFrame]]
    numbers: Mapping[str, Callable[[pd.DataFrame], float | str]]

    def config(self, profile: str) -> Any:
        """Return the configuration of a profile.

        Raises
        ------
        ValueError
            If there is no such profile.
        """
        if profile not in self.profiles:
            raise ValueError(f"unknown profile {profile!r}: choose one of {', '.join(self.profiles)}")
        return self.profiles[profile]


def names(root: Path) -> tuple[str, ...]:
    """Return the names of all studies of a repository, sorted.

    Raises
    ------
    ValueError
        If `root` holds no folder ``studies``.
    """
    folder = root / "studies"
    if not folder.is_dir():
        raise ValueError(f"no folder studies/ in {root}: run qcn at the root of the repository, or name it with --root")
    return tuple(sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")))


def load(root: Path, name: str) -> Study:
    """Load the study ``studies/NAME.py``.

    Raises
    ------
    ValueError
        If there is no such study, or the file lacks a definition that a study needs.
    """
    known = names(root)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known studies: {', '.join(known) or 'none'}"
        raise ValueError(f"unknown study {name!r}: {hint}")
    path = root / "studies" / f"{name}.py"
    try:
        module = _execute(path)
    except Exception as error:
        raise ValueError(f"study {name!r} does not load: {type(error).__name__}: {error}") from error
    sweep: Callable[[Any], Sweep] | None = getattr(module, "sweep", None)
    rows = "rows" if sweep is None else "sweep"
    needed = ("Config", "SMOKE", "FULL", "KEY", "BACKENDS", rows, "figure", "CLAIMS")
    missing = [attribute for attribute in needed if not hasattr(module, attribute)]
    if missing or not module.__doc__:
        raise ValueError(f"study {name!r} does not define {', '.join(missing) or 'its question in a docstring'}")
    return Study(
        name=name,
        path=path,
        question=module.__doc__.strip().splitlines()[0],
        profiles=dict(zip(PROFILES, (module.Config(), module.SMOKE, module.FULL), strict=True)),
        key=tuple(module.KEY),
        backends=tuple(module.BACKENDS),
        rows=module.rows if sweep is None else lambda config: evaluate(sweep(config)),
        sweep=sweep,
        figure=module.figure,
        claims=tuple(module.CLAIMS),
        tolerance=getattr(module, "TOLERANCE", {}),
        tables=getattr(module, "TABLES", {}),
        numbers=getattr(module, "NUMBERS", {}),
    )


def run(
    root: Path, name: str, profile: str = "default", progress: Callable[[int, int, str], None] | None = None
) -> pd.DataFrame:
    """Compute the table of a study and write it with its provenance.

    Both files appear complete or not at all. Nothing in them tells when, where or by whom they were computed.

    Parameters
    ----------
    root : Path
        The repository.
    name : str
        The study.
    profile : str
        ``default``, ``smoke`` or ``full``.
    progress : callable, optional
        As in `qcn_open.sweep.run`; called if the study is a sweep.

    Returns
    -------
    DataFrame
        The table as `read` will return it.

    Raises
    ------
    ValueError
        If the study or profile is unknown, or the table lacks its key, repeats it, or is empty.
    """
    study = load(root, name)
    config = study.config(profile)
    if study.sweep is None:
        computed = _compute(study, config)
    else:
        computed = sweeps.run(study.sweep(config), _chunk_folder(root, name, profile), progress)
    content, columns = _encode(computed, study)
    table = _decode(content, columns)
    provenance = {
        "study": name,
        "profile": profile,
        "config": asdict(config),
        "backends": [repr(backend) for backend in study.backends],
        "versions": versions(),
        "sha256": {
            "table": sha256(content),
            "study": sha256(study.path.read_bytes()),
            "package": package_sha256(),
            "inputs": {str(path.relative_to(root)): sha256(path.read_bytes()) for path in inputs(root)},
        },
        "rows": len(table),
        "columns": columns,
    }
    write_atomically(
        {
            _table_path(root, name): content,
            _provenance_path(root, name): (json.dumps(provenance, indent=2, ensure_ascii=False) + "\n").encode(),
        }
    )
    return table


def swept(root: Path) -> tuple[str, ...]:
    """Return the names of the studies that are sweeps, without loading any."""
    return tuple(
        name
        for name in names(root)
        if any(
            isinstance(part, ast.FunctionDef) and part.name == "sweep"
            for part in ast.parse((root / "studies" / f"{name}.py").read_bytes()).body
        )
    )


def chunk_files(root: Path, name: str, profile: str = "default") -> tuple[Path, ...]:
    """Return the files in which the chunks of a study are kept, in their order.

    Raises
    ------
    ValueError
        If the study or profile is unknown, or the study is no sweep.
    """
    sweep, folder = _sweep(root, name, profile)
    return tuple(sweeps.chunk_file(sweep, folder, number) for number in range(sweep.chunks))


def run_chunk(root: Path, name: str, number: int, profile: str = "default") -> Path:
    """Compute one chunk of a study, unless it is there; `run` then finds it.

    Raises
    ------
    ValueError
        If the study, profile or chunk is unknown, or the study is no sweep.
    """
    sweep, folder = _sweep(root, name, profile)
    return sweeps.run_chunk(sweep, folder, number)


def read(root: Path, name: str) -> pd.DataFrame:
    """Read the table of a study, after checking that it is the one its provenance describes.

    Raises
    ------
    ValueError
        If the table or its provenance is missing, truncated or changed.
    """
    provenance = _provenance(root, name)
    path = _table_path(root, name)
    remedy = f"run `make reproduce`, or `qcn study {name}`"
    if not path.is_file():
        raise ValueError(f"{_shown(root, path)} is missing: {remedy}")
    content = path.read_bytes()
    if sha256(content) != provenance["sha256"]["table"]:
        found, expected = max(content.count(b"\n") - 1, 0), provenance["rows"]
        fault = (
            f"is truncated ({found} of {expected} rows)" if found < expected else "was changed after it was computed"
        )
        raise ValueError(f"{_shown(root, path)} {fault}: {remedy}")
    return _decode(content, provenance["columns"])


def compute(study: Study, config: Any) -> pd.DataFrame:
    """Compute the table of a study for any configuration of its own, as `read` would return it, and write nothing.

    Raises
    ------
    ValueError
        If the table lacks its key, repeats it, or is empty.
    """
    return _decode(*_encode(_compute(study, config), study))


def smoke_differences(root: Path, name: str) -> list[str]:
    """Recompute the smoke rows of a study and compare them with its table on disk.

    Returns
    -------
    list of str
        One sentence per entry that differs by more than 1e-8 relative, or by more than the study's own
        absolute ``TOLERANCE`` for that column; empty if the table follows from the study.
    """
    study = load(root, name)
    stored = read(root, name)
    key = list(study.key)
    smoke = compute(study, study.config("smoke"))
    columns = [str(column) for column in smoke.columns]
    if columns != list(stored.columns):
        return [f"{name}: the columns are {columns} but those of the table are {list(stored.columns)}"]
    pairs = smoke.merge(stored, on=key, how="left", suffixes=("", " stored"), indicator="found")
    differences = [
        f"{name}: the table has no row {_identity(row, key)}"
        for row in pairs[pairs["found"] == "left_only"].to_dict("records")
    ]
    both = pairs[pairs["found"] == "both"].to_dict("records")
    for column in (column for column in columns if column not in key):
        for row in both:
            now, then = row[column], row[f"{column} stored"]
            if not _agree(now, then, study.tolerance.get(column)):
                differences.append(f"{name}: {column} at {_identity(row, key)} is {now} but the table says {then}")
    return differences


def inputs(root: Path) -> tuple[Path, ...]:
    """Return the committed data that studies read rather than write."""
    return (
        *(root / "data").glob("species.csv"),
        *sorted((root / "examples").glob("*.toml")),
        *sorted((root / "data" / "experiments").glob("*.csv")),
    )


def read_published(study: str) -> pd.DataFrame:
    """Return what a publication states: the table ``data/experiments/NAME.csv`` of the study in a file ``NAME.py``.

    Parameters
    ----------
    study : str
        The file, ``__file__`` there.

    Returns
    -------
    DataFrame
        By parameter: value, unit, uncertainty, where it stands, citation.
    """
    import pandas as pd

    path = Path(study)
    table = path.parents[1] / "data" / "experiments" / f"{path.stem}.csv"
    return pd.read_csv(table, index_col="parameter")


def _execute(path: Path) -> Any:
    """Execute a study file as the module ``studies.NAME``."""
    spec = importlib.util.spec_from_file_location(f"studies.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up by name
    try:
        # Not by the loader: of a file that changes within a second, and not in length, it would find old bytecode.
        exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), module.__dict__)
    except BaseException:
        del sys.modules[spec.name]
        raise
    return module


def _sweep(root: Path, name: str, profile: str) -> tuple[Sweep, Path]:
    study = load(root, name)
    if study.sweep is None:
        raise ValueError(f"study {name!r} is no sweep: run `qcn study {name}`")
    return study.sweep(study.config(profile)), _chunk_folder(root, name, profile)


def _chunk_folder(root: Path, name: str, profile: str) -> Path:
    return root / "paper" / "build" / "sweeps" / name / profile


def _compute(study: Study, config: Any) -> pd.DataFrame:
    """Compute rows on one BLAS thread, so that the last digits do not depend on the machine's load."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return study.rows(config)


def _encode(table: pd.DataFrame, study: Study) -> tuple[bytes, dict[str, str]]:
    """Check a table and return it as CSV, with the type of each column."""
    columns = {str(column): str(dtype) for column, dtype in table.dtypes.items()}
    absent = [column for column in study.key if column not in columns]
    if absent:
        raise ValueError(f"the table of study {study.name!r} lacks its key column {absent[0]!r}")
    if table.empty:
        raise ValueError(f"the table of study {study.name!r} is empty")
    repeated = table[table.duplicated(list(study.key))]
    if len(repeated):
        row = _identity(repeated.to_dict("records")[0], list(study.key))
        raise ValueError(f"the table of study {study.name!r} has more than one row {row}")
    odd = [f"{column} ({dtype})" for column, dtype in columns.items() if dtype not in _PARSERS]
    if odd:
        raise ValueError(f"the table of study {study.name!r} may hold {', '.join(_PARSERS)}, not {', '.join(odd)}")
    text = table.to_csv(index=False, float_format="%.12g", lineterminator="\n", na_rep="nan")
    return text.encode(), columns


def _decode(content: bytes, columns: Mapping[str, str]) -> pd.DataFrame:
    """Read what `_encode` wrote, with the same column types and every float exact."""
    import pandas as pd

    _, *lines = csv.reader(io.StringIO(content.decode(), newline=""))
    return pd.DataFrame(
        {
            column: pd.Series([_PARSERS[dtype](cell) for cell in cells], dtype=dtype)
            for (column, dtype), cells in zip(columns.items(), zip(*lines, strict=True), strict=True)
        }
    )


def _provenance(root: Path, name: str) -> dict[str, Any]:
    """Read the provenance of a table."""
    path = _provenance_path(root, name)
    remedy = f"run `make reproduce`, or `qcn study {name}`"
    if not path.is_file():
        raise ValueError(f"{_shown(root, path)} is missing: {remedy}")
    try:
        provenance: dict[str, Any] = json.loads(path.read_bytes())
        _ = provenance["sha256"]["table"], provenance["rows"], provenance["columns"]
    except (ValueError, TypeError, KeyError):
        raise ValueError(f"{_shown(root, path)} is not the complete provenance of a table: {remedy}") from None
    return provenance


def _agree(now: object, then: object, tolerance: float | None) -> bool:
    """Whether a recomputed entry is the stored one."""
    if not (isinstance(now, float) and isinstance(then, float)):
        return now == then
    if now == then or (now != now and then != then):
        return True
    allowed = _RELATIVE_TOLERANCE * max(abs(now), abs(then)) if tolerance is None else tolerance
    return abs(now - then) <= allowed


def _identity(row: Mapping[Any, object], key: list[str]) -> str:
    return ", ".join(f"{column}={row[column]}" for column in key)


def _table_path(root: Path, name: str) -> Path:
    return root / "data" / f"{name}.csv"


def _provenance_path(root: Path, name: str) -> Path:
    return root / "data" / f"{name}.json"


def _shown(root: Path, path: Path) -> str:
    return str(path.relative_to(root))
