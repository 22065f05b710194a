"""Configuration of the documentation; `make docs` builds it with warnings as errors."""

from importlib.metadata import version as installed

project = "qcn_open"
author = "The qcn_open developers"
copyright = author
version = release = installed("qcn_open")

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "qcn_open"
default_role = "py:obj"

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autosummary_generate = True
numpydoc_show_class_members = False
myst_enable_extensions = ["dollarmath"]
