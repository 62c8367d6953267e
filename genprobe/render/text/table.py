"""The table on the terminal: 80 columns, readable without colour."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from genprobe.errors import Notice
from genprobe.escape import escaped
from genprobe.render.text.at_width import AtWidth
from genprobe.render.text.further import detailed_parts
from genprobe.render.text.headings import ERRORS
from genprobe.render.text.rows import (
    Row,
    headline,
    method_lines,
    regime_lines,
    sections,
    sparkline,
)
from genprobe.render.text.short_rows import Scale
from genprobe.render.text.short_table import point_aligned
from genprobe.render.text.units import DECIMALS, divisor
from genprobe.report import Report

WIDTH = 80
LEAST_NAME, USUAL_NAME = 16, 34
"""Columns that names are folded in before the numbers go below them, and that they mostly have."""
LEAST = (10, 11, 11)
"""Columns of the numbers and of either error."""


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
        parts.append(Text(f"  KL by dimension, largest first   {bars}"))
    parts += [Padding(Text(line, style="dim"), (0, 0, 0, 2)) for line in method_lines(report)]
    for title, (first, *rest) in detailed_parts(report, Scale(unit, scale, DECIMALS[unit]), True):
        parts += ["", hanging(title, first, "bold"), *map(padded, rest)]
    parts += ["", regime_view(report, unit, scale)]
    if report.warnings:
        parts += ["", warnings_view(report.warnings)]
    return Group(*parts)


def estimate_table(report: Report, unit: str, scale: float) -> RenderableType:
    """The estimates by section; their numbers stand below their names where it is too wide.

    Args:
        report: to be shown.
        unit: of the numbers.
        scale: nats that one of the unit is.
    """
    rows = aligned(sections(report, scale, DECIMALS[unit]))
    every = [row for shown in rows.values() for row in shown]
    numbers = [
        max(least, cell_len(heading), *(cell_len(row[i]) for row in every), 0)
        for i, (heading, least) in enumerate(zip((unit, *ERRORS), LEAST, strict=True), 1)
    ]
    longest = max((cell_len(row.name) + 2 for row in every), default=0)

    def table_at(console: Console, width: int) -> Iterable[RenderableType]:
        names = width - sum(numbers) - 2 * len(numbers)
        if names < LEAST_NAME:
            return stack(rows)
        widths = [min(names, max(longest, USUAL_NAME)), *numbers]
        return [laid_out(rows, ("", unit, *ERRORS), widths)]

    return AtWidth(table_at)


def aligned(rows: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]]:
    """The rows with the points of their numbers below each other.

    Args:
        rows: by section.
    """
    every = [row for section in rows.values() for row in section]
    columns = [[row[i] for row in every] for i in range(1, 4)]
    padded = [iter(point_aligned([t for t in c if t[-1:].isdigit()])) for c in columns]

    def align(row: Row) -> Row:
        cells = [
            next(numbers) if text[-1:].isdigit() else text
            for text, numbers in zip(row[1:], padded, strict=True)
        ]
        return Row(row.name, *cells)

    return {title: [align(row) for row in section] for title, section in rows.items()}


def laid_out(
    rows: Mapping[str, Sequence[Row]], headings: Sequence[str], widths: Sequence[int]
) -> Table:
    """The rows in columns; names are folded, numbers never.

    Args:
        rows: by section.
        headings: of the columns.
        widths: of the columns.
    """
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    table.add_column("", width=widths[0], overflow="fold")
    for heading, width in zip(headings[1:], widths[1:], strict=True):
        table.add_column(heading, justify="right", width=width, no_wrap=True)
    for title, section in rows.items():
        table.add_row(Text(title, style="bold"))
        for row in section:
            table.add_row(Text("  " + row.name), row.value, row.se, row.se_data)
    return table


def stack(rows: Mapping[str, Sequence[Row]]) -> Iterator[RenderableType]:
    """The rows with their numbers below their names.

    Args:
        rows: by section.
    """
    for title, section in rows.items():
        yield Text(title, style="bold")
        for row in section:
            yield Padding(Text(row.name.strip()), (0, 0, 0, 2))
            for text, heading in zip(row[1:], ("", *ERRORS), strict=True):
                if text:
                    said = f"{text.strip()}  {heading}".rstrip()
                    yield Padding(Text(said, overflow="fold"), (0, 0, 0, 4))


def regime_view(report: Report, unit: str, scale: float) -> RenderableType:
    """The regime, its reasons indented below it."""
    first, *rest = regime_lines(report, unit, scale)
    lines: list[RenderableType] = [hanging("Regime", first, "bold")]
    lines += map(padded, rest)
    return Group(*lines)


def padded(line: str) -> RenderableType:
    """A line below the first of what hangs from a mark."""
    return Padding(Text(line), (0, 0, 0, 8))


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
