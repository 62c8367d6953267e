"""The table on the terminal: 80 columns, readable without colour."""

from collections.abc import Sequence
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from genprobe.errors import Notice
from genprobe.escape import escaped
from genprobe.render.text.headings import ERRORS
from genprobe.render.text.rows import (
    headline,
    method_lines,
    regime_lines,
    sections,
    sparkline,
)
from genprobe.render.text.units import DECIMALS, divisor
from genprobe.report import Report

WIDTH = 80


def report_view(report: Report, unit: str = "nats") -> RenderableType:
    """A report as something rich can print.

    Args:
        report: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
    """
    report, scale = escaped(report), divisor(report, unit)
    parts: list[RenderableType] = [
        Text(headline(report, unit), style="bold"),
        estimate_table(report, unit, scale),
    ]
    bars = sparkline(list(report.dimensions), scale)
    if bars:
        parts.append(Text(f"  KL by dimension, largest first   {bars}", no_wrap=True))
    parts += [Text(f"  {line}", style="dim") for line in method_lines(report)]
    parts += ["", regime_view(report, unit, scale)]
    if report.warnings:
        parts += ["", warnings_view(report.warnings)]
    return Group(*parts)


def estimate_table(report: Report, unit: str, scale: float) -> Table:
    """The estimates by section."""
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    table.add_column("", min_width=34)
    table.add_column(unit, justify="right", min_width=10)
    for heading in ERRORS:
        table.add_column(heading, justify="right", min_width=11)
    for title, rows in sections(report, scale, DECIMALS[unit]).items():
        table.add_row(Text(title, style="bold"))
        for row in rows:
            table.add_row(Text("  " + row.name), row.value, row.se, row.se_data)
    return table


def regime_view(report: Report, unit: str, scale: float) -> RenderableType:
    """The regime, its reasons indented below it."""
    first, *rest = regime_lines(report, unit, scale)
    lines: list[RenderableType] = [hanging("Regime", first, "bold")]
    lines += [Padding(Text(line), (0, 0, 0, 8)) for line in rest]
    return Group(*lines)


def warnings_view(notices: Sequence[Notice]) -> RenderableType:
    """Warnings with their remedies."""
    return Group(*(hanging("!", warning_text(notice), "yellow", 2) for notice in notices))


def warning_text(notice: Notice) -> str:
    """A warning as one paragraph."""
    return f"{notice.code}: {notice.message} {notice.remedy}"


def hanging(mark: str, text: str, style: str, indent: int = 8) -> Table:
    """A paragraph that hangs from a mark in the margin."""
    grid = Table.grid(padding=0)
    grid.add_column(width=indent, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(mark, style=style), Text(text))
    return grid


def to_text(report: Report, unit: str = "nats") -> str:
    """The table as plain text, 80 columns wide."""
    return plain(report_view(report, unit))


def plain(view: RenderableType, width: int = WIDTH) -> str:
    """Anything rich can print as text without colour, no blanks at line ends.

    Args:
        view: to be printed.
        width: columns a line.
    """
    out = StringIO()
    Console(file=out, width=width, color_system=None, force_terminal=False).print(view)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def to_notebook(report: Report) -> str:
    """The table for a notebook."""
    console = Console(file=StringIO(), record=True, width=WIDTH + 20)
    console.print(report_view(report))
    return console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")
