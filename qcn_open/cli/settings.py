"""Fields of a study's configuration from text, typed as the configuration declares them."""

from __future__ import annotations

import ast
import re
import typing
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from qcn_open.cli.base import choice

__all__ = ["configured"]


def configured(config: Any, settings: Iterable[str]) -> Any:
    """Return a configuration with the fields that ``key=value`` texts set.

    Parameters
    ----------
    config : dataclass instance
        Its fields are int, float, bool, str, or tuples of such.
    settings : iterable of str
        Sequences are separated by commas; sequences of sequences are written as in Python.

    Raises
    ------
    ValueError
        If a text has no ``=``, there is no such field, or the value is of another type.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Config:
    ...     atoms: tuple[int, ...] = (10, 100)
    ...     rate: float = 1.0
    >>> configured(Config(), ["atoms=20,40", "rate=2"])
    Config(atoms=(20, 40), rate=2.0)
    """
    hints = typing.get_type_hints(type(config))
    values = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip()
        if not equals:
            raise ValueError(f"--set takes key=value, got {setting!r}")
        choice("field", key, tuple(field.name for field in fields(config)))
        try:
            values[key] = _typed(_literal(text.strip()), hints[key])
        except (TypeError, ValueError):
            raise ValueError(f"--set {key} takes {_described(hints[key])}, got {text!r}") from None
    return replace(config, **values)


def _literal(text: str) -> object:
    """A number, truth value, text or sequence, as Python writes it; text may go without quotes, and inf is a number."""
    try:
        # A literal has no infinity, but what overflows is one.
        return ast.literal_eval(re.sub(r"\binf\b", "1e999", text))
    except (SyntaxError, ValueError):
        return tuple(part.strip() for part in text.split(",")) if "," in text else text


def _typed(value: object, kind: Any) -> object:
    if typing.get_origin(kind) is tuple:
        parts = typing.get_args(kind)
        values = tuple(value) if isinstance(value, tuple | list) else (value,)
        if parts[-1] is Ellipsis:
            parts = parts[:1] * len(values)
        return tuple(_typed(one, part) for one, part in zip(values, parts, strict=True))
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise TypeError
    return value


def _described(kind: Any) -> str:
    names = {int: "a whole number", float: "a number", bool: "True or False", str: "text"}
    if kind in names:
        return names[kind]
    inner = typing.get_args(kind)[0]
    plural = {int: "whole numbers", float: "numbers", bool: "True or False", str: "texts"}
    if inner in plural:
        return f"{plural[inner]} separated by commas"
    return f"a sequence such as {str(kind).replace('typing.', '')}"
