"""What the README shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_example_prints_what_it_says(tmp_path: Path) -> None:
    code, output = re.findall(r"```(?:python|text)\n(.*?)```", README.read_text(), flags=re.DOTALL)
    script = tmp_path / "mine.py"
    script.write_text(code)
    run = subprocess.run([sys.executable, str(script)], check=True, capture_output=True, text=True)
    assert run.stdout == output
