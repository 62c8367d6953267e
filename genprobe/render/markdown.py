"""Reports as Markdown, for a README, an issue or a notebook."""

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from genprobe.render.headings import ERRORS
from genprobe.render.rows import headline, method_lines, regime_lines, sections
from genprobe.render.units import divisor
from genprobe.types import Report


@cache
def environment() -> Environment:
    """The templates of this package; a pipe in a name cannot break a table."""
    env = Environment(
        loader=PackageLoader("genprobe.render"),
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        finalize=lambda value: escape(value) if isinstance(value, str) else value,
    )
    env.filters["literal"] = literal
    return env


def literal(text: str) -> str:
    """Text whose stars, brackets and backticks stay what they are."""
    return re.sub(r"([\\`*\[\]])", r"\\\1", text)


def escape(text: str) -> str:
    """Text that stays inside its table cell and starts no HTML."""
    return text.replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")


def to_markdown(report: Report, unit: str = "nats") -> str:
    """A report as a Markdown table with its regime and warnings.

    Args:
        report: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
    """
    scale = divisor(report, unit)
    return (
        environment()
        .get_template("report.md.j2")
        .render(
            headline=headline(report, unit),
            unit=unit,
            errors=ERRORS,
            sections=sections(report, scale),
            method=method_lines(report),
            regime=regime_lines(report, unit, scale),
            warnings=report.warnings,
        )
    )
