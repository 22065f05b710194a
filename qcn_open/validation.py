"""One place that says, in one sentence, what is wrong with a number a user gave."""

from __future__ import annotations

import math
import operator

__all__ = ["closed_interval", "count", "finite", "nonnegative", "open_interval", "positive"]

# Beyond these the square of a number, or the power of a probability, is no floating-point number any more.
LARGEST = 1e100
MOST_ATOMS = 10**15


def finite(name: str, value: float, unit: str = "") -> float:
    """`value` as a float, or a ValueError naming `name` and its `unit` when it is not finite."""
    number = _real(name, value)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite{_in(unit)}, got {value!r}")
    return number


def nonnegative(name: str, value: float, unit: str = "") -> float:
    """`value` as a float, or a ValueError naming `name` and its `unit` when it is not in [0, 1e100]."""
    number = _real(name, value)
    if not (math.isfinite(number) and number >= 0.0):
        raise ValueError(f"{name} must be finite and >= 0{_in(unit)}, got {value!r}")
    if number > LARGEST:
        raise ValueError(f"{name} must be at most {LARGEST:g}{_in(unit)}, got {value!r}")
    return number


def positive(name: str, value: float, unit: str = "") -> float:
    """`value` as a float, or a ValueError naming `name` and its `unit` when it is not in (0, 1e100]."""
    number = nonnegative(name, value, unit)
    if number == 0.0:
        raise ValueError(f"{name} must be finite and > 0{_in(unit)}, got {value!r}")
    return number


def open_interval(name: str, value: float, low: float, high: float) -> float:
    """`value` as a float, or a ValueError when it does not lie strictly between `low` and `high`."""
    number = _real(name, value)
    if not low < number < high:
        raise ValueError(f"{name} must lie strictly between {low:g} and {high:g}, got {value!r}")
    return number


def closed_interval(name: str, value: float, low: float, high: float) -> float:
    """`value` as a float, or a ValueError when it is less than `low` or more than `high`."""
    number = _real(name, value)
    if not low <= number <= high:
        raise ValueError(f"{name} must lie between {low:g} and {high:g}, got {value!r}")
    return number


def count(name: str, value: int, least: int = 1) -> int:
    """`value` as an int, or a ValueError when it is not a whole number from `least` to 10^15."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be a whole number >= {least}, got {value!r}") from None
    if not least <= number <= MOST_ATOMS:
        limit = f"must be a whole number >= {least}" if number < least else f"must be at most {MOST_ATOMS:.0e}"
        raise ValueError(f"{name} {limit}, got {value!r}")
    return number


def _real(name: str, value: float) -> float:
    if isinstance(value, str | bytes | bool):
        raise ValueError(f"{name} must be a real number, got {value!r}")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be a real number, got {value!r}") from None


def _in(unit: str) -> str:
    return f" ({unit})" if unit else ""
