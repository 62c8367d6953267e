"""Reports and comparisons as Markdown, for a README, an issue or a notebook."""

import re
from functools import cache

from jinja2 import Environment

from genprobe.comparing.comparison import Comparison
from genprobe.render.text import templating
from genprobe.report import Report


@cache
def markdown_environment() -> Environment:
    """The templates of this package; a pipe in a name cannot break a table."""
    env = templating.template_environment(
        "text",
        autoescape=False,
        keep_trailing_newline=True,
        finalize=lambda value: escape_markdown(value) if isinstance(value, str) else value,
    )
    env.filters |= {"literal": literal, "bare": lambda text: text.replace("`", "'")}
    return env


def literal(text: str) -> str:
    """Text whose stars, brackets and backticks stay what they are."""
    return re.sub(r"([\\`*\[\]])", r"\\\1", str(text))


def escape_markdown(text: str) -> str:
    """Text that stays inside its table cell and starts no HTML."""
    return text.replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")


def to_markdown(report: Report, unit: str = "nats", details: bool = False) -> str:
    """A report as a Markdown table with its regime and warnings.

    Args:
        report: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        details: whether with every row, reason and remedy.
    """
    file, facts = "screen.md.j2", templating.screen_facts
    if details:
        file, facts = "report.md.j2", templating.report_facts
    return markdown_environment().get_template(file).render(facts(report, unit))


def comparison_to_markdown(
    comparison: Comparison, unit: str = "nats", warnings: bool = True
) -> str:
    """A comparison as a Markdown table, and its differences as another.

    Args:
        comparison: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        warnings: whether those of the models are shown.
    """
    template = markdown_environment().get_template("comparison.md.j2")
    return template.render(templating.comparison_facts(comparison, unit, warnings))
