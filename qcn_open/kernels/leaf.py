"""How the innermost functions are compiled."""

from __future__ import annotations

from typing import Any

from numba import njit

__all__ = ["leaf"]

# Without the reference counts of its arrays, which would take a function that makes none, and does little else with
# them, most of its time: 90 ns instead of 5 for a step of white noise.
# The option is a private one, which the types of Numba do not list.
leaf: Any = njit(cache=True, _nrt=False)  # type: ignore[call-overload]
