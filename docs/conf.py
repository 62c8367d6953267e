"""Sphinx: the pages of this folder, whose code runs; the command line; the Python API."""

import sys
from pathlib import Path

from genprobe._version import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "genprobe"
author = "the genprobe authors"
copyright = "the genprobe authors"
release = version = __version__
extensions = [
    "myst_parser",
    "sphinx_click",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "catalog_tables",
    "mathml",
    "run_pages",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
run_pages = ["tutorials/*", "howto/*", "pitfalls", "warnings"]
napoleon_attr_annotations = False
napoleon_use_ivar = True
html_theme = "furo"
html_title = "genprobe"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["genprobe.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"top_of_page_buttons": []}
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates"]
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"
copybutton_selector = "div:not(.output) > div.highlight > pre"
autodoc_preserve_defaults = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = True


def escape_stars(app, what, name, obj, options, lines):
    """Shapes such as (batch, *event) are not emphasis."""
    lines[:] = [
        line.replace("*event", r"\*event").replace("*latent", r"\*latent") for line in lines
    ]


def setup(app):
    app.connect("autodoc-process-docstring", escape_stars, priority=100)
