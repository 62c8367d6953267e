"""Several reports as one table, and their differences: 80 columns, readable without colour."""

import re
from collections.abc import Callable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from genprobe.comparing.comparison import Comparison
from genprobe.escape import escaped
from genprobe.render.text.comparison_rows import (
    Cell,
    difference_notes,
    difference_rows,
    difference_title,
    differing,
    headings,
    model_rows,
    notes,
    title,
)
from genprobe.render.text.comparison_warnings import shared_warnings
from genprobe.render.text.headings import COLUMNS
from genprobe.render.text.table import WIDTH, hanging, plain, warning_text
from genprobe.render.text.units import DECIMALS

GAP = 2
LEAST_NAME = 12
LONGEST_NAME = 3
"""Lines of a cell before a name is cut in the middle."""


def comparison_view(
    comparison: Comparison, unit: str = "nats", warnings: bool = True
) -> RenderableType:
    """A comparison as something rich can print.

    Args:
        comparison: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        warnings: whether those of the models are shown; below their own tables they would be twice.
    """
    comparison = escaped(comparison)
    parts: list[RenderableType] = [Text(title(comparison, unit), style="bold")]
    parts += [model_table(comparison, unit), "", *map(note, notes(comparison, unit))]
    if comparison.differences:
        parts += ["", Text(difference_title(comparison), style="bold")]
        parts += [difference_table(comparison, unit), ""]
        parts += map(note, difference_notes(comparison))
    shared = shared_warnings(comparison) if warnings else []
    if shared:
        parts += ["", *(hanging("!", text, "yellow", 2) for text in map(warning_text, shared))]
    return Group(*parts)


def model_table(comparison: Comparison, unit: str) -> Table:
    """A row a model: name, numbers with the marks of the plane, regime."""
    regimes = [line.regime for line in model_rows(comparison, unit)]
    last = [line.data for line in model_rows(comparison, unit)] if comparison.side_by_side else []
    least = longest_word([*regimes, "regime"])

    def model_block(decimals: int) -> list[str]:
        rows = model_rows(comparison, unit, decimals)
        numbers = aligned(list(headings(comparison).values()), [line.cells for line in rows])
        marks = ["  " if comparison.frontier else "", *(f" {line.plane}" for line in rows)]
        return [f"{row}{mark}" for row, mark in zip(numbers, marks, strict=True)]

    data = min(LEAST_NAME, max(map(width, last))) if last else 0
    rest = least + (GAP + data if last else 0)
    numbers = fitting(model_block, comparison.names, DECIMALS[unit], rest)
    room = WIDTH - max(map(len, numbers)) - GAP - (rest - least) - GAP
    wanted = max(map(width, ["model", *comparison.names]))
    regime = max(least, min(max(map(width, [*regimes, "regime"])), room - wanted))
    table = bare_table(comparison.names, room - regime)
    table.add_column(Text(numbers[0]), no_wrap=True)
    if last:
        table.add_column("data", width=data, overflow="fold")
    table.add_column("regime", width=regime, overflow="fold")
    shown = names_in(comparison.names, room - regime)
    for i, name in enumerate(shown):
        more = [Text(last[i])] if last else []
        table.add_row(Text(name), Text(numbers[i + 1]), *more, Text(regimes[i]))
    return table


def difference_table(comparison: Comparison, unit: str) -> Table:
    """A row a model: its differences, the z of its ELBO and the verdict."""
    known = differing(comparison)
    names = [row.name for row in difference_rows(comparison, unit, 0)]
    verdicts = [row.verdict for row in difference_rows(comparison, unit, 0)]

    def difference_block(decimals: int) -> list[str]:
        rows = difference_rows(comparison, unit, decimals)
        parts = []
        for name in known:
            cells = [row.cells.get(name, Cell("–", "", False)) for row in rows]
            parts.append(plus_minus_column(f"Δ{COLUMNS[name]}", cells))
            if name == "elbo":
                parts.append(column("z", [row.z for row in rows]))
        return ["  ".join(cells) for cells in zip(*parts, strict=True)]

    rest = max(map(width, [*verdicts, "ELBO is"]))
    numbers = fitting(difference_block, names, DECIMALS[unit], rest)
    room = max(1, WIDTH - max(map(len, numbers)) - rest - 2 * GAP)
    table = bare_table(names, room)
    table.add_column(Text(numbers[0]), no_wrap=True)
    table.add_column("ELBO is" if "elbo" in known else "", no_wrap=True)
    for name, row, verdict in zip(names_in(names, room), numbers[1:], verdicts, strict=True):
        table.add_row(Text(name), Text(row), Text(verdict))
    return table


def bare_table(names: Sequence[str], room: int) -> Table:
    """A table without lines, begun with a column of names."""
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("model", width=min(room, max(map(width, ["model", *names]))), overflow="fold")
    return table


def fitting(
    block: Callable[[int], list[str]], names: Sequence[str], decimals: int, rest: int
) -> list[str]:
    """A block of numbers with as many decimals as leave room for names and the rest of a row."""
    least = min(LEAST_NAME, max(map(width, ["model", *names])))
    for places in range(decimals, 0, -1):
        found = block(places)
        if max(map(len, found)) + rest + least + 2 * GAP <= WIDTH:
            break
    return found


def aligned(titles: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[str]:
    """A heading and rows of numbers, flush right; a star follows the best of a column."""
    columns = []
    for heading, cells in zip(titles, zip(*rows, strict=True), strict=True):
        numbers = column(heading, [cell.value for cell in cells])
        stars = ["", *("*" if cell.best else "" for cell in cells)]
        columns.append([f"{n}{star:1}" for n, star in zip(numbers, stars, strict=True)])
    return [" ".join(row) for row in zip(*columns, strict=True)]


def plus_minus_column(title: str, cells: Sequence[Cell]) -> list[str]:
    """A heading and numbers with their errors, both flush right."""
    values = column("", [cell.value for cell in cells])[1:]
    errors = column("", [cell.error for cell in cells])[1:]
    rows = [f"{v} ± {e}" if e.strip() else v for v, e in zip(values, errors, strict=True)]
    return column(title, rows, left=True)


def column(title: str, cells: Sequence[str], left: bool = False) -> list[str]:
    """A heading and cells of one width; the cells begin alike if asked, and else end alike."""
    longest = max(map(width, [title, *cells]))
    rows = [cell.ljust(longest) for cell in cells] if left else list(cells)
    return [text.rjust(longest) for text in [title, *rows]]


def names_in(names: Sequence[str], room: int) -> list[str]:
    """Names that take a few lines of so many columns; cut in the middle if they stay distinct."""
    most = LONGEST_NAME * room
    head, tail = most // 4, most - most // 4 - 1
    shown = list(names)
    cut = [n if len(n) <= most else f"{n[:head]}…{n[-tail:]}" for n in shown]
    return [folded(name, room) for name in (cut if len(set(cut)) == len(cut) else shown)]


def folded(name: str, room: int) -> str:
    """A name in lines of so many columns, broken after its separators where it has any."""
    lines = [""]
    for part in re.split(r"(?<=[-_/.,: ])", name):
        if lines[-1] and width(lines[-1] + part) > room:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def width(text: str) -> int:
    """Columns of a terminal that a text takes."""
    return Text(text).cell_len


def longest_word(texts: Sequence[str]) -> int:
    """Columns of the longest word."""
    return max(width(word) for text in texts for word in text.split() or [""])


def note(text: str) -> RenderableType:
    """A note under a table; its mark, if it has one, hangs in the margin."""
    mark, _, rest = text.partition(" ")
    return hanging(mark, rest, "bold", 2) if len(mark) == 1 else Text(text)


def comparison_to_text(comparison: Comparison, unit: str = "nats") -> str:
    """The tables as plain text, 80 columns wide."""
    return plain(comparison_view(comparison, unit))
