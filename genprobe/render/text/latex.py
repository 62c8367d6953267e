r"""Reports and comparisons as LaTeX: tables of booktabs, numbers and their ± aligned.

Needs ``\usepackage{booktabs}`` and nothing else; the table environment and the caption are the
author's.
"""

import re
from functools import cache

from jinja2 import Environment

from genprobe.comparing.comparison import Comparison
from genprobe.render.text import templating
from genprobe.render.text.comparison_rows import FRONTIER, HULL, UNPAIRED, Cell
from genprobe.render.text.rows import BARS
from genprobe.report import Report

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
    "≈": r"$\approx$",
    "‖": r"$\Vert$",
    "Ĥ": r"$\hat{H}$",
    "Δ": r"$\Delta$",
    "β": r"$\beta$",
    "δ": r"$\delta$",
    "–": "--",
    **{c: f"$_{i}$" for i, c in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **{c: f"$^{i}$" for i, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    "⁻": "$^-$",
    "…": r"\dots{}",
    HULL: r"$\bullet$",
    FRONTIER: r"$\circ$",
    UNPAIRED: r"$\dagger$",
}
"""What LaTeX would not print as it stands."""

POWER = re.compile(r"e\+(\d+)")
"""How the tables write a power of ten."""


BAR_STEPS = re.compile(f"[{BARS}]+(?: and \\d+ more)?")
"""The bars of a sparkline, which fonts of LaTeX do not have."""


class Tex(str):
    """Text that is LaTeX already."""

    __slots__ = ()


def escape_latex(text: object) -> object:
    """Text as LaTeX that prints it; control characters and line ends become blanks."""
    if isinstance(text, Tex) or not isinstance(text, str):
        return text
    return Tex("".join(SPECIAL.get(c, c if c.isprintable() else " ") for c in text))


def tex_number(text: str, bold: bool = False) -> Tex:
    """A number, as the tables write it, in math mode; anything else as text."""
    if not any(c.isdigit() for c in text) or " of " in text:
        return Tex(escape_latex(text))
    for sign, command in (("−", "-"), ("≤ ", r"{\le}\,"), ("≥ ", r"{\ge}\,"), ("…", r"\dots")):
        text = text.replace(sign, command)
    text = POWER.sub(r"{\\cdot}10^{\1}", text)
    return Tex(rf"$\mathbf{{{text}}}$" if bold else f"${text}$")


def tex_plus_minus(value: str, error: str, bold: bool = False) -> Tex:
    """The two columns of a number and its error; without one no ± stands between them."""
    shown, spread = tex_number(value, bold), tex_number(error)
    if any(c.isdigit() for c in error):
        return Tex(f"{shown} & {spread}")
    return Tex(rf"\multicolumn{{1}}{{r}}{{{shown}}} & \ {spread}")


def tex_cell(cell: Cell) -> Tex:
    """The two columns of a cell."""
    return tex_plus_minus(cell.value, cell.error, cell.best)


@cache
def latex_environment() -> Environment:
    """The templates, with marks that LaTeX does not use; every text is escaped."""
    env = templating.template_environment(
        "text",
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
        finalize=escape_latex,
    )
    env.filters |= {"cell": tex_cell, "plus_minus": tex_plus_minus, "number": tex_number}
    env.filters["texts"] = lambda note: "".join(BAR_STEPS.sub("", note)).strip()
    return env


def to_latex(report: Report, unit: str = "nats", details: bool = False) -> str:
    """A report as a LaTeX table.

    Args:
        report: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        details: whether with every row, reason and remedy.
    """
    file, facts = "screen.tex.j2", templating.screen_facts
    if details:
        file, facts = "report.tex.j2", templating.report_facts
    return latex_environment().get_template(file).render(facts(report, unit))


def comparison_to_latex(comparison: Comparison, unit: str = "nats", warnings: bool = True) -> str:
    """A comparison as one LaTeX table, and its differences as another.

    Args:
        comparison: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        warnings: whether those of the models are shown.
    """
    template = latex_environment().get_template("comparison.tex.j2")
    return template.render(templating.comparison_facts(comparison, unit, warnings))
