"""qcn_open: how good can a quantum network of clocks be when its atoms decohere?

One model, `Ramsey`, several independent ways of computing it (`backends`), and the quantities asked of it: `qfi`,
`cfi`, `qfim`, `optimal_time`, and the `bounds` that none of them may exceed.
"""

from __future__ import annotations

import ast
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

__version__ = "0.1.0"

# Each name comes from the module that the stub beside this file imports it from, when it is first asked for: to load
# them all takes a second.
_HOMES = {
    alias.name: statement.module
    for statement in ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8")).body
    if isinstance(statement, ast.ImportFrom) and statement.module
    for alias in statement.names
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    home = _HOMES.get(name, __name__)
    if home != __name__:
        value = getattr(import_module(home), name)
    elif not name.startswith("_") and find_spec(f"{__name__}.{name}"):
        value = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
