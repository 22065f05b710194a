r"""Independent records of one simulated network, and what they say together.

Records of independent clocks scatter as they do, whatever the noise: the interval of their mean needs no model of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qcn_open.network import Network
from qcn_open.provenance import sha256
from qcn_open.schemes import simulate
from qcn_open.sweep import Sweep
from qcn_open.validation import count, positive

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["digest", "pooled", "record", "records"]

_CONFIDENCE = 0.95


def records(path: Path, scheme: str, *, tau: float, cycles: int, repeats: int, seed: int) -> Sweep:
    """The sweep over independent records of the network in a TOML file.

    Parameters
    ----------
    path : Path
        The file.
    scheme : str
        As for `qcn_open.simulate`.
    tau : float
        Averaging time (s) whose best plan is run.
    cycles : int
        Cycles of each record.
    repeats : int
        Number of records.
    seed : int
        Of the random numbers. Record k depends on the seed and k alone, whatever else was computed.

    Returns
    -------
    Sweep
        One point and one chunk for each record.

    Raises
    ------
    ValueError
        If a number is out of range, or the file is missing.

    Examples
    --------
    >>> records(Path("nowhere.toml"), "quantum-alone", tau=1.0, cycles=1000, repeats=8, seed=1)
    Traceback (most recent call last):
    ValueError: no network file at nowhere.toml
    """
    if not path.is_file():
        raise ValueError(f"no network file at {path}")
    common = {
        "network": str(path),
        "sha256": sha256(path.read_bytes()),
        "scheme": scheme,
        "tau_s": positive("tau", tau, "s"),
        "cycles": count("cycles", cycles, 8),
        "seed": count("seed", seed, 0),
    }
    points = [{**common, "repeat": number} for number in range(count("repeats", repeats))]
    return Sweep("records", points, record, chunk=1)


def digest(sweep: Sweep) -> str:
    """Eight letters and digits that tell records from those of another network, scheme, length or seed."""
    point = {key: value for key, value in sweep.points[0].items() if key not in ("network", "repeat")}
    return sha256(repr(sorted(point.items())).encode())[:8]


def record(point: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of one record: repeat and the columns of `qcn_open.simulate`."""
    rng = np.random.default_rng([point["seed"], point["repeat"]])
    network = _network(point["network"], point["sha256"])
    table = simulate(network, point["scheme"], tau=point["tau_s"], cycles=point["cycles"], rng=rng)
    for row in table.to_dict("records"):
        yield {"repeat": point["repeat"], **{str(column): value for column, value in row.items()}}


def pooled(table: pd.DataFrame) -> pd.DataFrame:
    r"""The stability that independent records show together.

    With :math:`s` the mean of the records' Allan variances and :math:`\hat\sigma_s` its standard error, from how they
    scatter, the interval is :math:`\sqrt{s\,e^{\pm t\hat\sigma_s/s}}` with t of Student's distribution: that of the
    logarithm of s, since a variance is skewed and not below zero.

    Parameters
    ----------
    table : DataFrame
        Rows of `record`.

    Returns
    -------
    DataFrame
        tau_s, sigma_y, sigma_y_low, sigma_y_high (95 %; of one record alone its own), and slips, in all records.

    Examples
    --------
    >>> import pandas as pd
    >>> one = {"tau_s": 1.0, "sigma_y_low": 0.0, "sigma_y_high": 9.0, "slips": 1}
    >>> table = pooled(pd.DataFrame([{"repeat": k, "sigma_y": k + 1.0, **one} for k in range(2)]))
    >>> round(float(table.sigma_y[0]), 3), int(table.slips[0])
    (1.581, 2)
    """
    import pandas as pd
    from scipy.special import stdtrit

    rows = []
    for tau, group in table.groupby("tau_s"):
        variances = group["sigma_y"].to_numpy() ** 2
        number, mean = len(variances), float(variances.mean())
        row = {"tau_s": tau, "sigma_y": mean**0.5}
        if number == 1:
            row |= {name: float(group[name].iloc[0]) for name in ("sigma_y_low", "sigma_y_high")}
        else:
            error = float(variances.std(ddof=1)) / number**0.5
            spread = 0.5 * float(stdtrit(number - 1, 0.5 + 0.5 * _CONFIDENCE)) * error / mean
            row |= {"sigma_y_low": mean**0.5 * np.exp(-spread), "sigma_y_high": mean**0.5 * np.exp(spread)}
        rows.append(row | {"slips": int(group["slips"].sum())})
    return pd.DataFrame(rows)


@cache
def _network(path: str, content: str) -> Network:
    """The network of a file whose content has this hash."""
    if sha256(Path(path).read_bytes()) != content:
        raise ValueError(f"{path} changed while its records were simulated: run it again")
    return Network.from_toml(path)
