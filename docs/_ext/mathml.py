"""Formulas as MathML, which browsers draw themselves: a page loads nothing from elsewhere."""

import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

LOGGER = logging.getLogger(__name__)
NAMED = re.compile(r"\\(log|ln|exp)(?![a-zA-Z])\s*(?=[\w\\])(?!\\(?:left|big|Big|,|!))")
"""A function before what it is of, unless that is in brackets: TeX has a thin space between."""


def mathml(node: nodes.Element, as_block: bool) -> str:
    """The formula of a node; a warning, and its source, where it cannot be read."""
    source = node.astext()
    try:
        return tex2mathml(NAMED.sub(r"\\\1\\,", source), as_block=as_block)
    except MathError as error:
        LOGGER.warning("formula %r: %s", source, error, location=node)
        return f"<code>{source}</code>"


def inline(writer: HTML5Translator, node: nodes.math) -> None:
    """Write a formula within a line."""
    writer.body.append(mathml(node, as_block=False))
    raise nodes.SkipNode


def block(writer: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula of its own line."""
    writer.body.append(f'<div class="math">{mathml(node, as_block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer, which ``html_math_renderer = "mathml"`` chooses."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
