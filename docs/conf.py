"""Configuration of the documentation; `make docs` builds it with warnings as errors, without a network.

Cells of the pages are executed at the root of the repository by the interpreter that runs Sphinx. The pages named in
`FILLED` are Jinja templates, filled from the studies, their tables and the ledger.
"""

import csv
import io
import json
import logging
import os
import re
from importlib.metadata import version as installed
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jinja2

import qcn_open
from qcn_open import figures, study
from qcn_open.ledger import VERDICTS
from qcn_open.storage import write_atomically

ROOT = Path(__file__).parents[1]
DRAWN = ROOT / "docs" / "_build" / "figures"

project = "qcn_open"
author = "The qcn_open developers"
copyright = author
version = release = installed("qcn_open")

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_design",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
default_role = "py:obj"

html_theme = "furo"
html_title = "qcn_open"
# MathJax with its fonts comes from a package, so that formulas are typeset without a network.
html_static_path = ["_static", str(Path(find_spec("sphinx-mathjax-offline").origin).parent / "static")]
html_css_files = ["qcn_open.css"]
html_copy_source = False
mathjax_path = "mathjax/tex-chtml.js"

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autosummary_generate = True
autosummary_context = {"public": qcn_open.__all__}
numpydoc_show_class_members = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
nb_mime_priority_overrides = [("html", "text/html", 0)]


def gallery() -> dict[str, object]:
    """Draw the figure of every study from its table."""
    import matplotlib.pyplot as plt

    drawn = {}
    studies = [study.load(ROOT, name) for name in study.names(ROOT)]
    for one in studies:
        stream = io.BytesIO()
        with figures.style():
            figure = one.figure(study.read(ROOT, one.name))
            figure.savefig(stream, format="svg", metadata={"Creator": "qcn_open", "Date": None})
        plt.close(figure)
        drawn[DRAWN / f"{one.name}.svg"] = stream.getvalue()
    DRAWN.mkdir(parents=True, exist_ok=True)
    write_atomically(drawn)
    return {"studies": studies}


def claims() -> dict[str, object]:
    """The ledger by verdict: what holds as it stands, what holds with a restriction, misprints, what does not hold."""
    with (ROOT / "data" / "claims.csv").open(encoding="utf-8", newline="") as file:
        ledger = list(csv.DictReader(file))
    holds, *others = VERDICTS
    groups = {
        "holds": [row for row in ledger if row["verdict"] == holds],
        "holds, but": [row for row in ledger if row["verdict"].startswith(holds) and row["verdict"] != holds],
    }
    groups |= {verdict: [row for row in ledger if row["verdict"].startswith(verdict)] for verdict in others}
    return {"claims": {row["id"]: row for row in ledger}, "groups": groups}


FILLED = {"gallery": gallery, "claims": claims}


def prose(text: str) -> str:
    """Plain text of the studies and the ledger as Markdown: γ_LO with a subscript, 1e-18 as a power of ten."""
    text = re.sub(r"([\\*`\[\]<>$|])", r"\\\1", text)
    text = re.sub(r"(?<=[^\W\d_])_(LO|COM|th|[^\W_])(?![^\W_])", r"{sub}`\1`", text)
    text = re.sub(r"\^(\w)", r"{sup}`\1`", text)
    text = re.sub(r"\b1e(-?)0*(\d+)\b", r"10{sup}`\1\2`", text)
    text = re.sub(r"(?<=[\d)])e(-?)0*(\d+)\b", " × 10{sup}`\\1\\2`", text)
    return re.sub(r"(?<![\w{])-(?=\d)|(?<=`)-(?=\d)", "−", text)


def number(text: str) -> str:
    """A value of the ledger, which may be words."""
    try:
        return prose(f"{float(text):.4g}")
    except ValueError:
        return prose(text)


def fill(app: Any, page: str, content: list[str]) -> None:
    """Fill a page that is a template."""
    if page in FILLED:
        templates = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True)
        templates.filters |= {"prose": prose, "number": number}
        content[0] = templates.from_string(content[0]).render(FILLED[page]())


def prepare_kernels(build: Path) -> None:
    """Kernels start at the root of the repository, with settings of their own and not with those of whoever builds."""
    profile = build / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(
        f"c.IPKernelApp.exec_lines = ['import os', 'os.chdir({json.dumps(str(ROOT))})', 'del os']\n"
        "c.IPKernelApp.log_level = 'CRITICAL'\n"
        "c.HistoryManager.enabled = False\n"
    )
    os.environ |= {"IPYTHONDIR": str(build / "ipython"), "JUPYTER_PREFER_ENV_PATH": "1"}
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    logging.getLogger("traitlets").setLevel(logging.WARNING)


def setup(app: Any) -> dict[str, bool]:
    prepare_kernels(Path(app.outdir).parent)
    app.connect("source-read", fill)
    app.connect("env-get-outdated", lambda *_: list(FILLED))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
