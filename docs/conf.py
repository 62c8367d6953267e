"""Sphinx: the pages of this folder, the command line, and the Python API."""

from genprobe._version import __version__

project = "genprobe"
author = "the genprobe authors"
copyright = "the genprobe authors"
release = version = __version__
extensions = ["myst_parser", "sphinx_click", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
html_theme = "furo"
html_title = f"genprobe {release}"
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
autodoc_typehints = "none"
autodoc_member_order = "bysource"


def escape_stars(app, what, name, obj, options, lines):
    """Shapes such as (batch, *event) are not emphasis."""
    lines[:] = [
        line.replace("*event", r"\*event").replace("*latent", r"\*latent") for line in lines
    ]


def setup(app):
    app.connect("autodoc-process-docstring", escape_stars, priority=100)
