"""What the README shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


EXAMPLES = re.findall(r"```python\n(.*?)```\s*```text\n(.*?)```", README.read_text(), flags=re.DOTALL)


def test_every_example_has_its_output() -> None:
    assert len(EXAMPLES) == README.read_text().count("```python")


@pytest.mark.slow
@pytest.mark.parametrize(("code", "output"), EXAMPLES)
def test_example_prints_what_it_says(code: str, output: str, tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(code)
    run = subprocess.run([sys.executable, str(script)], check=True, capture_output=True, text=True)
    assert run.stdout == output
