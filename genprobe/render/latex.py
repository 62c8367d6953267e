r"""Reports and comparisons as LaTeX: tables of booktabs, numbers and their ± aligned.

Needs ``\usepackage{booktabs}`` and nothing else; the table environment and the caption are the
author's.
"""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from genprobe.comparison import Comparison
from genprobe.render.comparison_rows import (
    DECIMALS,
    FRONTIER,
    HULL,
    UNPAIRED,
    Cell,
    apart,
    difference_notes,
    difference_title,
    differing,
    headings,
    lines,
    notes,
    title,
)
from genprobe.render.headings import COLUMNS, ERRORS
from genprobe.render.rows import headline, method_lines, regime_lines, sections
from genprobe.render.units import divisor
from genprobe.types import Report

SPECIAL = {
    "\\": r"\textbackslash{}",
    **{c: f"\\{c}" for c in "{}$&#_%"},
    **{c: f"{{{c}}}" for c in "[]*"},  # at the start of a row they would be the last row's options
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "−": "$-$",
    "±": r"$\pm$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "‖": r"$\Vert$",
    "Ĥ": r"$\hat{H}$",
    "Δ": r"$\Delta$",
    "β": r"$\beta$",
    "δ": r"$\delta$",
    "–": "--",
    "…": r"\dots{}",
    HULL: r"$\bullet$",
    FRONTIER: r"$\circ$",
    UNPAIRED: r"$\dagger$",
}
"""What LaTeX would not print as it stands."""


class Tex(str):
    """Text that is LaTeX already."""

    __slots__ = ()


def escape(text: object) -> object:
    """Text as LaTeX that prints it; control characters and line ends become blanks."""
    if isinstance(text, Tex) or not isinstance(text, str):
        return text
    return Tex("".join(SPECIAL.get(c, c if c.isprintable() else " ") for c in text))


def number(text: str, bold: bool = False) -> Tex:
    """A number, as the tables write it, in math mode; anything else as text."""
    if not any(c.isdigit() for c in text) or " of " in text:
        return Tex(escape(text))
    for sign, command in (("−", "-"), ("≤ ", r"{\le}\,"), ("≥ ", r"{\ge}\,")):
        text = text.replace(sign, command)
    return Tex(rf"$\mathbf{{{text}}}$" if bold else f"${text}$")


def plus_minus(value: str, error: str, bold: bool = False) -> Tex:
    """The two columns of a number and its error; without one no ± stands between them."""
    shown, spread = number(value, bold), number(error)
    if any(c.isdigit() for c in error):
        return Tex(f"{shown} & {spread}")
    return Tex(rf"\multicolumn{{1}}{{r}}{{{shown}}} & \ {spread}")


def cell(cell: Cell) -> Tex:
    """The two columns of a cell."""
    return plus_minus(cell.value, cell.error, cell.best)


@cache
def environment() -> Environment:
    """The templates, with marks that LaTeX does not use; every text is escaped."""
    env = Environment(
        loader=PackageLoader("genprobe.render"),
        undefined=StrictUndefined,
        autoescape=False,
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=escape,
    )
    env.filters |= {"cell": cell, "plus_minus": plus_minus, "number": number}
    return env


def to_latex(report: Report, unit: str = "nats") -> str:
    """A report as a LaTeX table.

    Args:
        report: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
    """
    scale = divisor(report, unit)
    return (
        environment()
        .get_template("report.tex.j2")
        .render(
            headline=headline(report, unit),
            unit=unit,
            errors=ERRORS,
            sections=sections(report, scale),
            remarks=[*method_lines(report), *regime_lines(report, unit, scale)],
            warnings=report.warnings,
        )
    )


def comparison_to_latex(comparison: Comparison, unit: str = "nats") -> str:
    """A comparison as one LaTeX table, and its differences as another.

    Args:
        comparison: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
    """
    return (
        environment()
        .get_template("comparison.tex.j2")
        .render(
            side=comparison.side_by_side,
            title=title(comparison, unit),
            headings=list(headings(comparison).values()),
            lines=lines(comparison, unit),
            notes=[n.replace("* the best", "Bold: the best") for n in notes(comparison, unit)],
            differing=differing(comparison),
            columns=COLUMNS,
            missing=Cell("–", "", False),
            apart=apart(comparison, unit, DECIMALS[unit]),
            difference_title=difference_title(comparison),
            difference_notes=difference_notes(comparison),
        )
    )
