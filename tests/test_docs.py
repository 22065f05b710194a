"""What the documentation shows exists and runs. Its Python is executed when it is built, which warns of nothing."""

from __future__ import annotations

import re
import runpy
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import typer.main

import qcn_open
from qcn_open import Network
from qcn_open.cli import app

ROOT = Path(__file__).parents[1]
PAGES = sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts)
HEADING = re.compile(r"^### (.*)$", flags=re.MULTILINE)

# A network of two nodes in which any table can be given one more key.
BASE: dict[str, Any] = {
    "transition": {"species": "Sr"},
    "laser": {"white_linewidth_hz": 0.1},
    "node": [{"atoms": 10}, {"atoms": 10}],
}


def blocks(language: str) -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for code in re.findall(rf"^```(?:{language})\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL):
            found.append((str(page.relative_to(ROOT)), code))
    return found


def as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_toml(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def load(content: dict[str, Any], folder: Path) -> Network:
    path = folder / "network.toml"
    path.write_text("\n".join(f"{key} = {as_toml(value)}" for key, value in content.items()))
    return Network.from_toml(path)


def with_entry(table: str, key: str, value: Any) -> dict[str, Any]:
    """The base with a key in a table, as the headings of the page name them."""
    content = {**BASE, "node": [dict(node) for node in BASE["node"]]}
    node = content["node"][1]
    if table == "The file":
        content[key] = value
    elif table == "[[node]]":
        node[key] = value
    elif table.startswith("[node."):
        node[table[6:-1]] = {key: value}
    else:
        content[table[1:-1]] = {key: value}
    return content


def documented() -> dict[str, dict[str, Any]]:
    """Keys and examples of every table on the page about network files."""
    text = (ROOT / "docs" / "howto" / "network.md").read_text()
    _, *parts = HEADING.split(text.partition("\n## All keys")[2].partition("\n## What is refused")[0])
    tables = {}
    for heading, part in zip(parts[::2], parts[1::2], strict=True):
        rows = re.findall(r"^\| `(\w+)` \|.*\| `([^`]+)` \|$", part, flags=re.MULTILINE)
        tables[heading.strip("`")] = {key: tomllib.loads(f"value = {example}")["value"] for key, example in rows}
    return tables


KEYS = [(table, key, value) for table, keys in documented().items() for key, value in keys.items()]


def test_no_python_of_the_documentation_is_left_unexecuted() -> None:
    assert blocks("python") == []
    assert all("skip-execution" not in page.read_text() for page in PAGES)


@pytest.mark.parametrize(("page", "code"), blocks("toml"))
def test_every_toml_block_is_a_network(page: str, code: str, tmp_path: Path) -> None:
    path = tmp_path / "network.toml"
    path.write_text(code)
    assert Network.from_toml(path).atoms > 0, page


def test_every_command_exists() -> None:
    commands = typer.main.get_command(app).commands
    shown = [line for _, code in blocks("sh|bash|shell|console") for line in code.splitlines()]
    # Lines that begin with % are comments of MyST.
    texts = [re.sub(r"^%.*$", "", page.read_text(), flags=re.MULTILINE) for page in PAGES]
    shown += [code for text in texts for code in re.findall(r"`(qcn [^`]+)`", text)]
    assert shown
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    for line in shown:
        program, name, *_ = [*line.split(), "", ""]
        assert program != "qcn" or name in commands, line
        assert program != "make" or name in targets, line


@pytest.mark.parametrize(("table", "key", "value"), KEYS)
def test_documented_keys_are_read(table: str, key: str, value: Any, tmp_path: Path) -> None:
    assert load(with_entry(table, key, value), tmp_path).atoms >= 20


@pytest.mark.parametrize("table", list(documented()))
def test_documented_keys_are_all_there_are(table: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="known are") as refusal:
        load(with_entry(table, "zzzzzzzz", 1), tmp_path)
    known = set(str(refusal.value).partition("known are ")[2].split(", "))
    tables = {"transition", "noise", "laser", "node", "gates", "link"}
    assert known - tables == set(documented()[table])


def test_every_public_name_has_its_place_in_the_interface_once() -> None:
    text = (ROOT / "docs" / "api.rst").read_text().partition("Beside the public names")[0]
    listed = Counter(re.findall(r"^   (\w+)$", text, flags=re.MULTILINE))
    assert [name for name, times in listed.items() if times > 1] == []
    assert set(listed) == set(qcn_open.__all__)


def test_every_claim_stands_on_its_page_once() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "conf.py"))["claims"]()
    shown = [row["id"] for rows in page["groups"].values() for row in rows]
    assert sorted(shown) == sorted(page["claims"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("γ_LO T = 0.1 at 1e-18, not -3", "γ{sub}`LO` T = 0.1 at 10{sup}`−18`, not −3"),
        ("9.96(50)e7 s, (log N)^2 and ln_a", "9.96(50) × 10{sup}`7` s, (log N){sup}`2` and ln{sub}`a`"),
        ("2 < 3 in [a, b]", r"2 \< 3 in \[a, b\]"),
        ("the study world_clock", "the study world_clock"),
    ],
)
def test_plain_text_becomes_markdown(text: str, shown: str) -> None:
    assert runpy.run_path(str(ROOT / "docs" / "conf.py"))["prose"](text) == shown
