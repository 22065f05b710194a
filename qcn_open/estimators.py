"""How the outcomes of a cascade become a phase."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Bitwise", "Estimator", "Joint"]


class Estimator:
    """A rule from outcomes to a phase."""


@dataclass(frozen=True)
class Bitwise(Estimator):
    """Level by level: the phase of each level, and the bits Z_j that unwrap it with the level below."""


@dataclass(frozen=True)
class Joint(Estimator):
    """Mean direction of the posterior over all levels, contrast and prior included."""
