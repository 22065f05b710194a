"""What a computed number depends on: the package's files and the libraries' versions."""

from __future__ import annotations

import hashlib
import platform
from importlib import metadata
from pathlib import Path

__all__ = ["package_sha256", "sha256", "sources", "versions"]

_PACKAGE = Path(__file__).parent
_LIBRARIES = ("numpy", "scipy", "numba", "pandas", "qutip", "quimb", "cvxpy-base", "clarabel", "qcn_open")
_RENDERING = ("__main__.py", "cli", "figures.py", "ledger.py", "output.py", "paper.py", "report.py")


def sources() -> tuple[Path, ...]:
    """Return the package files that can change a table: all but what renders it, and the command line."""
    files = sorted(_PACKAGE.rglob("*.py"))
    return tuple(path for path in files if path.relative_to(_PACKAGE).parts[0] not in _RENDERING)


def package_sha256() -> str:
    """Return the hash of `sources`, names and contents."""
    listing = "".join(f"{path.relative_to(_PACKAGE)} {sha256(path.read_bytes())}\n" for path in sources())
    return sha256(listing.encode())


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that compute."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in _LIBRARIES}


def sha256(content: bytes) -> str:
    """Return the SHA-256 of `content` in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
