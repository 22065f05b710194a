"""Tables and records for other programs: Parquet with units, and phase files as Stable32 reads them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qcn_open.storage import write_atomically
from qcn_open.validation import positive

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["parquet_units", "quantity_and_unit", "read_phase", "units", "write_parquet", "write_phase"]

# Endings of column names. Of those that fit, the longest counts.
_UNITS = {
    "_s": "s",
    "_s2": "s^2",
    "_m": "m",
    "_days": "d",
    "_hz": "Hz",
    "_rad": "rad",
    "_rad2": "rad^2",
    "_per_s": "1/s",
    "_per_rad2": "1/rad^2",
    "_rad_per_s": "rad/s",
    "_rad2_per_s": "rad^2/s",
    "_db": "dB",
}
_BOUNDS = ("_low", "_high")


def units(columns: Iterable[str]) -> dict[str, str]:
    """Units of the columns of a table, which their names end with.

    Parameters
    ----------
    columns : iterable of str
        Names such as ``tau_s``, ``qfi_s2`` or ``rms_rad``; ``_low`` and ``_high`` after the unit are the limits of an
        interval.

    Returns
    -------
    dict of str to str
        By name; "1" where a name states no unit.

    Examples
    --------
    >>> units(["tau_s", "sigma_y", "detuning_uncertainty_rad_per_s", "deviation_rad", "gain_db"])
    {'tau_s': 's', 'sigma_y': '1', 'detuning_uncertainty_rad_per_s': 'rad/s', 'deviation_rad': 'rad', 'gain_db': 'dB'}
    """
    return {name: quantity_and_unit(name)[1] or "1" for name in map(str, columns)}


def quantity_and_unit(column: str) -> tuple[str, str]:
    """Return the name of a column without its unit, and the unit, empty where the name states none.

    Examples
    --------
    >>> quantity_and_unit("epr_rate_hz"), quantity_and_unit("deviation_rad_low"), quantity_and_unit("sigma_y")
    (('epr_rate', 'Hz'), ('deviation_low', 'rad'), ('sigma_y', ''))
    """
    bound = next((end for end in _BOUNDS if column.endswith(end)), "")
    name = column.removesuffix(bound)
    ending = max((end for end in _UNITS if name.endswith(end)), key=len, default="")
    return name.removesuffix(ending) + bound, _UNITS.get(ending, "")


def write_parquet(table: pd.DataFrame, path: str | Path, provenance: Mapping[str, Any] | None = None) -> None:
    """Write a table as Parquet, every column of numbers with its unit.

    Parameters
    ----------
    table : DataFrame
        What any function of the package returns.
    path : str or Path
        The file; it is written whole or not at all.
    provenance : Mapping, optional
        What else to keep with it, such as the network and the seed; anything that JSON can hold.

    Raises
    ------
    OSError
        If the file cannot be written.

    Notes
    -----
    The unit is in the metadata of the column, under ``unit``. That of the file has the version of the package and the
    provenance, as JSON, under ``qcn_open``. `pandas.read_parquet` reads the table.

    Examples
    --------
    >>> import pandas as pd, tempfile
    >>> path = Path(tempfile.mkdtemp(), "deviation.parquet")
    >>> write_parquet(pd.DataFrame({"tau_s": [1.0], "sigma_y": [1e-17]}), path, {"seed": 1})
    >>> parquet_units(path), pd.read_parquet(path).columns.to_list()
    ({'tau_s': 's', 'sigma_y': '1'}, ['tau_s', 'sigma_y'])
    """
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    import qcn_open

    content = pa.Table.from_pandas(table, preserve_index=False)
    numbers = {name for name in table.columns if is_numeric_dtype(table[name]) and not is_bool_dtype(table[name])}
    named = units(content.column_names)
    fields = [
        field.with_metadata({"unit": named[field.name]}) if field.name in numbers else field for field in content.schema
    ]
    about = json.dumps({"version": qcn_open.__version__, **(provenance or {})}, ensure_ascii=False)
    metadata = {**(content.schema.metadata or {}), b"qcn_open": about.encode()}
    stream = io.BytesIO()
    pq.write_table(content.cast(pa.schema(fields, metadata=metadata)), stream)
    write_atomically({Path(path): stream.getvalue()})


def parquet_units(path: str | Path) -> dict[str, str]:
    """Units of the columns of a Parquet file, from its metadata; of columns that have one."""
    import pyarrow.parquet as pq

    return {
        field.name: field.metadata[b"unit"].decode()
        for field in pq.read_schema(path)
        if field.metadata and b"unit" in field.metadata
    }


def write_phase(path: str | Path, y: ArrayLike, rate: float, note: str = "") -> None:
    r"""Write a record as phase data, as Stable32 and other programs of its kind read them.

    .. math:: x_0 = 0, \qquad x_{k+1} = x_k + y_k/r

    One phase a line, in s, in all its digits, after lines that begin with ``#`` and say what it is.

    Parameters
    ----------
    path : str or Path
        The file, usually ``*.phd``; it is written whole or not at all.
    y : array_like, shape (samples,)
        Fractional frequency, averaged over each of successive intervals.
    rate : float
        r, samples a second, Hz. Stable32 asks for the interval 1/r.
    note : str, optional
        A line about the record.

    Raises
    ------
    ValueError
        If there is no sample, one is missing (a phase does not go on over a gap), or the rate is not > 0.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "clock.phd")
    >>> write_phase(path, [1e-15, -2e-15, 4e-15], rate=0.5)
    >>> read_phase(path)
    array([ 0.e+00,  2.e-15, -2.e-15,  6.e-15])
    """
    samples = np.asarray(y, dtype=float)
    interval = 1.0 / positive("rate", rate, "Hz")
    if samples.ndim != 1 or samples.size == 0:
        raise ValueError(f"a phase file holds one record of samples, got an array of shape {samples.shape}")
    if not np.isfinite(samples).all():
        first = int(np.flatnonzero(~np.isfinite(samples))[0])
        raise ValueError(f"sample {first} of the record is missing: write the parts before and after it on their own")
    if "\n" in note:
        raise ValueError(f"the note must be one line, got {note!r}")
    phases = np.concatenate([[0.0], np.cumsum(samples) * interval])
    header = [f"# phase (s) every {interval!r} s", *([f"# {note}"] if note else [])]
    lines = [*header, *(f"{phase:.17e}" for phase in phases.tolist())]
    write_atomically({Path(path): ("\n".join(lines) + "\n").encode()})


def read_phase(path: str | Path) -> NDArray[np.float64]:
    """Phases (s) of a file as `write_phase` writes it, shape (samples + 1,).

    Raises
    ------
    ValueError
        If it holds something else than numbers and comments.
    OSError
        If it cannot be read.
    """
    return np.loadtxt(path, dtype=float, comments="#", ndmin=1)
