"""Where a key stands in a TOML text."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any

__all__ = ["line_of"]


def line_of(text: str, keys: Sequence[str | int]) -> int | None:
    r"""Line on which the statement begins that gives a key its value, or else the innermost table that could hold it.

    A text is TOML up to the end of each statement, and the key is in what it says from its own statement on, however
    that is written: under a heading, dotted, or inside braces.

    Parameters
    ----------
    text : str
        The TOML text.
    keys : sequence of str or int
        The key, after those of the tables around it; a number counts the tables of a list from 0.

    Returns
    -------
    int or None
        From 1; None if nothing but the whole text could hold it.

    Examples
    --------
    >>> text = '[[node]]\natoms = 3\n\n[node.link]\ndelay_s = 1.0'
    >>> line_of(text, ("node", 0, "link", "delay_s")), line_of(text, ("node", 0, "link", "epr_rate_hz"))
    (5, 4)
    >>> print(line_of(text, ("transition",)))
    None
    """
    lines = text.replace("\r\n", "\n").split("\n")
    ends = [0]
    contents: list[dict[str, Any]] = [{}]
    for end in range(1, len(lines) + 1):
        try:
            content = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
        ends.append(end)
        contents.append(content)
    for depth in range(len(keys), 0, -1):
        for before, content in zip(ends, contents[1:], strict=False):
            if _holds(content, keys[:depth]):
                return before + 1
    return None


def _holds(content: Any, keys: Sequence[str | int]) -> bool:
    for key in keys:
        try:
            content = content[key]
        except (KeyError, IndexError, TypeError):
            return False
    return True
