"""Sweeps: a function at many points, in chunks that may be computed anywhere, in any order, and interrupted.

A `Sweep` is a sequence of points, dictionaries of plain values, and a function that returns the rows of one point.
`run` computes it in this process; `run_chunk` computes one chunk, so that as many processes or machines as there are
can share a folder. Each chunk is one file, whole or absent, that names what it follows from: its points, the file that
defines the function, the package and the libraries. A chunk that follows from something else counts as missing.

A point is all that the function is given. Its random stream is therefore that of the point, whatever the chunks are and
whatever was interrupted: ``numpy.random.default_rng([seed, index])`` with both numbers in the point.
"""

from __future__ import annotations

import inspect
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qcn_open.provenance import package_sha256, sha256, versions
from qcn_open.species import species_file
from qcn_open.storage import write_atomically
from qcn_open.validation import count

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Sweep", "chunk_file", "evaluate", "gather", "missing", "run", "run_chunk"]


def _package() -> str:
    """Hash of what the package's functions follow from."""
    return sha256(f"{package_sha256()} {sha256(species_file().read_bytes())}".encode())


# What this process computes with. Files edited since are noticed before anything is written.
_IMPORTED = _package()


@dataclass(frozen=True)
class Sweep:
    r"""A function at many points.

    Parameters
    ----------
    name : str
        Letters, digits, ``_`` and ``-``.
    points : sequence of Mapping[str, value]
        No two equal. A value is a str, int, float, bool or None, or a list or a dictionary of such. What the function
        needs to know is in the point, a seed too.
    compute : callable
        Point to rows, dictionaries from column to str, int, float, bool or None. A function at the top level of a file:
        chunks are invalid once the file changes.
    chunk : int
        Points in a chunk; the last chunk may have fewer. The rows do not depend on it.

    Raises
    ------
    ValueError
        If a point is not plain or repeated, there is none, or the function is not at the top level of a file.

    Examples
    --------
    Let ``scan.py`` define how the information of one block follows from the number of its atoms:

    >>> import runpy, tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "scan.py").write_text(
    ...     "import qcn_open as qcn\n"
    ...     "def rows(point):\n"
    ...     "    model = qcn.Ramsey(qcn.Ghz(point['atoms']), qcn.Dephasing(1.0), time=0.1)\n"
    ...     "    return [point | {'qfi_s2': qcn.qfi(model)}]\n"
    ... )
    >>> rows = runpy.run_path(str(folder / "scan.py"))["rows"]
    >>> scan = Sweep("scan", [{"atoms": atoms} for atoms in (1, 2, 4, 8)], rows, chunk=3)
    >>> scan.chunks, missing(scan, folder)
    (2, (0, 1))
    >>> run(scan, folder)["qfi_s2"].round(4).tolist(), missing(scan, folder)
    ([0.009, 0.0327, 0.1073, 0.2876], ())
    """

    name: str
    points: Sequence[Mapping[str, Any]]
    compute: Callable[[dict[str, Any]], Iterable[Mapping[str, Any]]]
    chunk: int
    _encoded: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _source_sha256: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w-]+", self.name):
            raise ValueError(f"the name of a sweep consists of letters, digits, _ and -, got {self.name!r}")
        if not self.points:
            raise ValueError(f"sweep {self.name!r} has no points")
        encoded = tuple(_encode_point(self.name, index, point) for index, point in enumerate(self.points))
        ((twice, times),) = Counter(json.dumps(point, sort_keys=True) for point in self.points).most_common(1)
        if times > 1:
            raise ValueError(
                f"sweep {self.name!r} has the point {twice} {times} times: tell them apart by a seed or index"
            )
        object.__setattr__(self, "chunk", count("points of a chunk", self.chunk))
        object.__setattr__(self, "points", tuple(self.points))
        object.__setattr__(self, "_encoded", encoded)
        object.__setattr__(self, "_source_sha256", sha256(_source(self).read_bytes()))

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return -(-len(self.points) // self.chunk)


def run(sweep: Sweep, folder: Path, progress: Callable[[int, int, str], None] | None = None) -> pd.DataFrame:
    """Compute the chunks that are missing in a folder, one after the other, and return the rows of all.

    Parameters
    ----------
    sweep : Sweep
        What to compute.
    folder : Path
        Where its chunks are kept. Other processes may work in it at the same time.
    progress : callable, optional
        Called with the number of points that are done, their total, and the name of the sweep: at the beginning, and
        after each chunk.

    Returns
    -------
    DataFrame
        As `evaluate` returns it, to the last bit.

    Raises
    ------
    ValueError
        If the function does; if the package or the function's file changes meanwhile.
    """
    absent = missing(sweep, folder)
    done = len(sweep.points) - sum(len(_points(sweep, number)) for number in absent)
    report = progress or (lambda done, total, what: None)
    report(done, len(sweep.points), sweep.name)
    for number in absent:
        run_chunk(sweep, folder, number)
        done += len(_points(sweep, number))
        report(done, len(sweep.points), sweep.name)
    return gather(sweep, folder)


def run_chunk(sweep: Sweep, folder: Path, number: int) -> Path:
    """Compute one chunk, unless the folder has it already.

    Parameters
    ----------
    sweep : Sweep
        What to compute.
    folder : Path
        Where its chunks are kept.
    number : int
        Which one, from 0.

    Returns
    -------
    Path
        The file of the chunk.

    Raises
    ------
    ValueError
        If there is no such chunk; if the function raises one; if the package or the function's file changed since they
        were loaded: what was computed then follows from nothing that is on disk.
    """
    path = chunk_file(sweep, folder, number)
    if _body(sweep, folder, number) is None:
        body = "".join(f"{line}\n" for line in _lines(sweep, number)).encode()
        if _package() != _IMPORTED or sha256(_source(sweep).read_bytes()) != sweep._source_sha256:
            raise ValueError(
                f"the package or {_source(sweep).name} changed while chunk {number} of sweep {sweep.name!r} was "
                "computed: run it again"
            )
        write_atomically({path: _header(sweep, number, body) + body})
    return path


def missing(sweep: Sweep, folder: Path) -> tuple[int, ...]:
    """Return the numbers of the chunks that a folder lacks, or has only damaged or from other points or sources."""
    return tuple(number for number in range(sweep.chunks) if _body(sweep, folder, number) is None)


def gather(sweep: Sweep, folder: Path) -> pd.DataFrame:
    """Return the rows of all points, in the order of the points.

    Raises
    ------
    ValueError
        If a chunk is missing.
    """
    rows: list[dict[str, Any]] = []
    for number in range(sweep.chunks):
        body = _body(sweep, folder, number)
        if body is None:
            absent = missing(sweep, folder)
            raise ValueError(
                f"sweep {sweep.name!r} lacks {len(absent)} of {sweep.chunks} chunks in {folder}, first {absent[0]}: "
                "compute them first"
            )
        rows += map(json.loads, body.splitlines())
    return _table(rows)


def evaluate(sweep: Sweep) -> pd.DataFrame:
    """Compute all points and keep nothing on disk.

    Returns
    -------
    DataFrame
        The rows of all points, in the order of the points.

    Raises
    ------
    ValueError
        If the function does, or a row is not plain.
    """
    return _table([json.loads(line) for number in range(sweep.chunks) for line in _lines(sweep, number)])


def chunk_file(sweep: Sweep, folder: Path, number: int) -> Path:
    """Return the file of a chunk in a folder.

    Raises
    ------
    ValueError
        If the sweep has no chunk of that number.
    """
    if not 0 <= number < sweep.chunks:
        raise ValueError(f"sweep {sweep.name!r} has the chunks 0 to {sweep.chunks - 1}, not {number}")
    return folder / f"{number}.jsonl"


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows)


def _points(sweep: Sweep, number: int) -> tuple[str, ...]:
    return sweep._encoded[number * sweep.chunk : (number + 1) * sweep.chunk]


def _lines(sweep: Sweep, number: int) -> list[str]:
    """Rows of a chunk in JSON, in which Python writes every float such that it reads back exactly."""
    from threadpoolctl import threadpool_limits

    lines = []
    # One BLAS thread, so that the last digits do not depend on the machine's load.
    with threadpool_limits(limits=1):
        for point in _points(sweep, number):
            try:
                lines += [json.dumps(dict(row), default=_plain) for row in sweep.compute(json.loads(point))]
            except ValueError as error:
                raise ValueError(f"sweep {sweep.name!r} at {point}: {error}") from error
    return lines


def _body(sweep: Sweep, folder: Path, number: int) -> bytes | None:
    """Rows of a chunk as they stand in its file; none where the file is not there, not whole, or out of date."""
    try:
        content = chunk_file(sweep, folder, number).read_bytes()
    except FileNotFoundError:
        return None
    header, end, body = content.partition(b"\n")
    return body if header + end == _header(sweep, number, body) else None


def _header(sweep: Sweep, number: int, body: bytes) -> bytes:
    """First line of a chunk's file: what the rows follow from, and what they are."""
    origin = {
        "points": sha256("\n".join(_points(sweep, number)).encode()),
        "function": f"{sweep.compute.__qualname__} {sweep._source_sha256}",
        "package": _IMPORTED,
        "versions": _versions(),
    }
    return (json.dumps({"sweep": sweep.name, "chunk": number, **origin, "rows": sha256(body)}) + "\n").encode()


@cache
def _versions() -> dict[str, str]:
    return versions()


def _source(sweep: Sweep) -> Path:
    """File that defines the function."""
    function = sweep.compute
    path = Path(function.__code__.co_filename) if inspect.isfunction(function) else Path()
    if not path.is_file() or "." in function.__qualname__ or "<" in function.__qualname__:
        raise ValueError(
            f"the function of sweep {sweep.name!r} must be defined by `def` at the top level of a file, so that its "
            "chunks can be told from those of another function; put what it depends on into the points"
        )
    return path


def _encode_point(name: str, index: int, point: Mapping[str, Any]) -> str:
    """A point in JSON: what it is told by, and what the function is given."""
    try:
        encoded = json.dumps(dict(point), allow_nan=False)
        plain = json.loads(encoded) == dict(point)
    except (TypeError, ValueError):
        plain = False
    if not plain:
        raise ValueError(
            f"point {index} of sweep {name!r} must map names to finite numbers, str, bool, None, or lists or "
            f"dictionaries of them with str keys, got {point!r}"
        )
    return encoded


def _plain(value: object) -> object:
    """A NumPy scalar as Python's own."""
    import numpy as np

    if isinstance(value, np.generic) and not isinstance(value.item(), np.generic | complex):
        return value.item()
    raise ValueError(f"a row holds {value!r}, not a number, str, bool or None")
