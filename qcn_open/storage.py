"""Files that are whole or not there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

__all__ = ["write_atomically"]


def write_atomically(files: Mapping[Path, bytes]) -> None:
    """Write files such that each is either complete or untouched, whatever interrupts the writing.

    Parameters
    ----------
    files : Mapping[Path, bytes]
        Contents by path. All are on disk under temporary names before the first one is renamed into place.
    """
    staged: dict[Path, Path] = {}
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Not the process's number: another machine that shares the folder may have the same.
            staged[path] = path.with_name(f".{path.name}.tmp-{uuid4().hex}")
            with staged[path].open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        for path, temporary in staged.items():
            temporary.replace(path)
    finally:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)
