"""GHZ states, their products, and uncorrelated atoms as blocks of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qcn_open.probes.base import GhzBlocks, Probe
from qcn_open.validation import count, open_interval

__all__ = ["CoherentSpin", "Ghz", "Product"]


@dataclass(frozen=True)
class Ghz(Probe):
    r"""One GHZ state of all atoms.

    .. math:: \sqrt{1-p}\,|g\ldots g\rangle + i\sqrt{p}\,|e\ldots e\rangle

    Parameters
    ----------
    size : int
        Number n of atoms.
    excited_weight : float, optional
        p, strictly between 0 and 1; 1/2 is the GHZ state of the paper (section *Interrogation*).

    Raises
    ------
    ValueError
        If `size` is not a whole number >= 1 or the weight does not lie in (0, 1).

    Examples
    --------
    >>> Ghz(8).atoms
    8
    """

    size: int
    excited_weight: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", count("Ghz size", self.size))
        weight = open_interval("Ghz excited_weight", self.excited_weight, 0.0, 1.0)
        object.__setattr__(self, "excited_weight", weight)

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return self.size

    def ghz_blocks(self) -> tuple[GhzBlocks, ...]:
        """The one block."""
        return (GhzBlocks(self.size, 1, self.excited_weight),)


@dataclass(frozen=True)
class CoherentSpin(Probe):
    r"""Uncorrelated atoms, each in :math:`(|g\rangle + i|e\rangle)/\sqrt2`: a coherent spin state.

    Parameters
    ----------
    size : int
        Number of atoms.

    Raises
    ------
    ValueError
        If `size` is not a whole number >= 1.

    Examples
    --------
    >>> CoherentSpin(100).ghz_blocks()
    (GhzBlocks(size=1, copies=100, excited_weight=0.5),)
    """

    size: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", count("CoherentSpin size", self.size))

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return self.size

    def ghz_blocks(self) -> tuple[GhzBlocks, ...]:
        """As many blocks of one atom."""
        return (GhzBlocks(1, self.size),)


@dataclass(frozen=True)
class Product(Probe):
    """A product of GHZ states: the cascade of the paper (section *Interrogation*) and its relatives.

    Parameters
    ----------
    copies : mapping of int to int
        Block size -> number of blocks of that size. It is kept as sorted pairs, largest blocks first.

    Raises
    ------
    ValueError
        If it is empty, or a size or a number of copies is not a whole number >= 1.

    Examples
    --------
    >>> Product({8: 4, 4: 4, 1: 10}).atoms
    58
    >>> Product({4: 4, 8: 4}) == Product({8: 4, 4: 4})
    True
    """

    copies: tuple[tuple[int, int], ...]

    def __init__(self, copies: Mapping[int, int] | tuple[tuple[int, int], ...]) -> None:
        try:
            pairs = [(size, number) for size, number in (copies.items() if isinstance(copies, Mapping) else copies)]
        except TypeError:
            raise TypeError(f"Product needs {{block size: number of copies}}, got {copies!r}") from None
        if not pairs:
            raise ValueError("Product needs at least one block: give {block size: number of copies}")
        checked = [(count("Product block size", size), count("Product copies", number)) for size, number in pairs]
        merged: dict[int, int] = {}
        for size, number in checked:
            merged[size] = merged.get(size, 0) + number
        object.__setattr__(self, "copies", tuple(sorted(merged.items(), reverse=True)))

    @property
    def atoms(self) -> int:
        """Number of atoms in all blocks."""
        return sum(size * number for size, number in self.copies)

    def ghz_blocks(self) -> tuple[GhzBlocks, ...]:
        """One entry for each block size, largest first."""
        return tuple(GhzBlocks(size, number) for size, number in self.copies)
