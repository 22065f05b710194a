r"""Clock atoms, and the two laws of the paper for the stability they give.

A laser steered by the atoms has the fractional instability :math:`\sigma_y(\tau) = \Delta\delta/\omega_0`, where
:math:`\Delta\delta` is the uncertainty of its detuning after a total time :math:`\tau`.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from qcn_open.validation import count, positive

__all__ = ["Species", "decoherence_limited_stability", "heisenberg_stability", "known_species", "read_species"]


@dataclass(frozen=True)
class Species:
    r"""A clock transition of an atom or ion, with the sources of its numbers.

    Parameters
    ----------
    name : str
        Short name of the atom or ion.
    transition : str
        Isotope and states of the transition.
    frequency_hz : float
        Frequency :math:`\nu_0`, Hz.
    linewidth_hz : float
        Full width :math:`\gamma_i/2\pi` of the line, Hz.
    lifetime_s : float
        Lifetime of the upper state, s.
    paper_frequency_hz, paper_linewidth_hz : float or None
        What the paper takes for them, Hz; None where it gives none.
    frequency_source, linewidth_source : str
        Where the first two come from.
    note : str
        What else there is to know about them.

    Raises
    ------
    ValueError
        If the name is empty or a number is not finite and > 0.

    Examples
    --------
    >>> sodium = Species("Na", "D2", 5.0885e14, 9.8e6, 1.62e-8, None, None, "an atlas", "an atlas", "no clock")
    >>> round(sodium.dephasing_rate / 1e6, 1)
    61.6
    """

    name: str
    transition: str
    frequency_hz: float
    linewidth_hz: float
    lifetime_s: float
    paper_frequency_hz: float | None
    paper_linewidth_hz: float | None
    frequency_source: str
    linewidth_source: str
    note: str

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a species needs a name")
        for field, unit in _QUANTITIES.items():
            value = getattr(self, field)
            if value is not None or field not in _OPTIONAL:
                object.__setattr__(self, field, positive(f"{self.name}: {field}", value, unit))

    @property
    def angular_frequency(self) -> float:
        r""":math:`\omega_0 = 2\pi\nu_0`, rad/s."""
        return 2.0 * math.pi * self.frequency_hz

    @property
    def dephasing_rate(self) -> float:
        r""":math:`\gamma_i = 2\pi` times the linewidth, 1/s: the rate that `Dephasing` takes."""
        return 2.0 * math.pi * self.linewidth_hz


def read_species(path: Path) -> dict[str, Species]:
    """Read a table of clock species.

    Parameters
    ----------
    path : Path
        CSV file such as ``data/species.csv`` of the repository: one column for each field of `Species`, the name
        under ``species``. An empty cell means that the paper gives no such value.

    Returns
    -------
    dict of str to Species
        By name, in the order of the file.

    Raises
    ------
    ValueError
        If the file is missing, lacks a column, names a species twice, or holds a number that is none or not > 0.

    Examples
    --------
    >>> read_species(Path("nowhere.csv"))
    Traceback (most recent call last):
    ValueError: no table of species at nowhere.csv
    """
    if not path.is_file():
        raise ValueError(f"no table of species at {path}")
    table: dict[str, Species] = {}
    text = path.read_text(encoding="utf-8")
    if not text.endswith("\n"):
        raise ValueError(f"{path} is truncated: its last line has no end")
    with io.StringIO(text, newline="") as stream:
        reader = csv.DictReader(stream, strict=True)
        missing = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{path} has no column {missing[0]}")
        for row in _lines(reader, path):
            try:
                species = _from_cells(row)
            except ValueError as error:
                raise ValueError(f"{path}, line {reader.line_num}: {error}") from None
            if species.name in table:
                raise ValueError(f"{path}, line {reader.line_num}: a second species {species.name!r}")
            table[species.name] = species
    return table


@cache
def known_species() -> Mapping[str, Species]:
    """The species of ``data/species.csv``, by name.

    Examples
    --------
    >>> known_species()["Sr"].frequency_hz
    429228004229872.99
    """
    return read_species(species_file())


def species_at(frequency_hz: float) -> str | None:
    """Return the name of the known species of exactly this frequency (Hz), if there is one."""
    return next((name for name, species in known_species().items() if species.frequency_hz == frequency_hz), None)


def transition(frequency_hz: float) -> str:
    """Return a transition as people name it: its species, if it is a known one, and its frequency."""
    name = species_at(frequency_hz)
    return ", ".join([*([name] if name else []), f"{frequency_hz / 1e12:.4f} THz"])


def species_file() -> Path:
    """Return the file of `known_species`: an installed package carries it, in the repository it lies with the data."""
    packaged = Path(__file__).with_name("species.csv")
    return packaged if packaged.is_file() else Path(__file__).parents[1] / "data" / "species.csv"


def heisenberg_stability(frequency_hz: float, atoms: int, tau_s: float, prefactor: float = 1.0) -> float:
    r"""Short-time stability of the cooperating network as the paper gives it, for a cycle as long as :math:`\tau`.

    .. math:: \sigma_y(\tau) = c\,\frac{\sqrt{\ln N}}{\omega_0 N\tau}

    Parameters
    ----------
    frequency_hz : float
        Transition frequency :math:`\omega_0/2\pi`, Hz.
    atoms : int
        Number N of atoms in the whole network, at least 2.
    tau_s : float
        Averaging time :math:`\tau`, s.
    prefactor : float, optional
        c: 1 in the paper's eq. (3), :math:`8/\pi` if its eq. (2) is carried through.

    Returns
    -------
    float
        Fractional Allan deviation.

    Raises
    ------
    ValueError
        If there are fewer than 2 atoms, or a number is not finite and > 0.

    Notes
    -----
    Kómár et al., Nature Phys. 10, 582 (2014), eq. (3).

    Examples
    --------
    >>> print(f"{heisenberg_stability(429e12, 10_000, 1.0):.3g}")
    1.13e-19
    """
    number = count("atoms", atoms)
    if number < 2:
        raise ValueError(f"eq. (3) needs at least 2 atoms, got {atoms!r}: its logarithm vanishes at 1")
    inverse = 2.0 * math.pi * positive("frequency_hz", frequency_hz, "Hz") * number * positive("tau_s", tau_s, "s")
    return positive("prefactor", prefactor) * math.sqrt(math.log(number)) / inverse


def decoherence_limited_stability(frequency_hz: float, atoms: int, linewidth_hz: float, tau_s: float) -> float:
    r"""Long-time stability, limited by the linewidth of the atoms.

    .. math:: \sigma_y(\tau) = \frac{1}{\omega_0\sqrt N}\sqrt{\frac{\gamma_i}{\tau}}, \qquad
              \gamma_i = 2\pi\times\mathrm{linewidth}

    Parameters
    ----------
    frequency_hz : float
        Transition frequency :math:`\omega_0/2\pi`, Hz.
    atoms : int
        Number N of atoms that cooperate.
    linewidth_hz : float
        :math:`\gamma_i/2\pi`, Hz.
    tau_s : float
        Averaging time :math:`\tau`, s.

    Returns
    -------
    float
        Fractional Allan deviation.

    Raises
    ------
    ValueError
        If N is not a whole number >= 1, or another number is not finite and > 0.

    Notes
    -----
    Kómár et al., Nature Phys. 10, 582 (2014), eq. (4). It is the limit of `bounds.channel_extension` for many atoms,
    with a constant of exactly 1, under dephasing and under trap loss.

    Examples
    --------
    >>> print(f"{decoherence_limited_stability(429e12, 10_000, 1e-3, 1.0):.3g}")
    2.94e-19
    """
    rate = 2.0 * math.pi * positive("linewidth_hz", linewidth_hz, "Hz")
    angular = 2.0 * math.pi * positive("frequency_hz", frequency_hz, "Hz")
    return math.sqrt(rate / (positive("tau_s", tau_s, "s") * count("atoms", atoms))) / angular


_COLUMNS = {"species" if field == "name" else field: field for field in Species.__dataclass_fields__}
_OPTIONAL = ("paper_frequency_hz", "paper_linewidth_hz")
_QUANTITIES = {
    "frequency_hz": "Hz",
    "linewidth_hz": "Hz",
    "lifetime_s": "s",
    "paper_frequency_hz": "Hz",
    "paper_linewidth_hz": "Hz",
}


def _lines(reader: csv.DictReader[str], path: Path) -> Iterator[dict[str, str | None]]:
    """The lines of a table, with a sentence where one is not CSV."""
    try:
        yield from reader
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from None


def _from_cells(cells: Mapping[str, str | None]) -> Species:
    """A species from the cells of one line, by field."""
    values: dict[str, Any] = {}
    for column, field in _COLUMNS.items():
        content = cells[column]
        if content is None:
            raise ValueError(f"no {column}: the line is truncated")
        cell = content.strip()
        if field not in _QUANTITIES:
            values[field] = cell
        elif not cell and field in _OPTIONAL:
            values[field] = None
        else:
            try:
                values[field] = float(cell)
            except ValueError:
                raise ValueError(f"{field} must be a number, got {cell!r}") from None
    return Species(**values)
