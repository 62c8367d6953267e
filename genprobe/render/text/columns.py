"""Names with their numbers: a line each, or where lines do not fit, the numbers below each name.

Digits are never cut.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from genprobe.render.text.names import LINES, folded, width_of

GAPS = (2, 1)
"""Blanks between columns: as they should be, and at least."""
LEAST_NAME = 10
"""Columns for names that are worth breaking them."""
INDENT = "  "


@dataclass(frozen=True, kw_only=True)
class Column:
    """One thing that is said of every model.

    Attributes:
        heading: what it is.
        cells: of the models, in their order.
        number: whether cells end alike, not begin.
    """

    heading: str
    cells: Sequence[str]
    number: bool = True

    @property
    def width(self) -> int:
        """Columns of a terminal that it takes."""
        return max(map(width_of, [self.heading, *self.cells]))


def table_of(
    names: Sequence[str], choices: Sequence[Sequence[Column]], width: int
) -> RenderableType:
    """Names with the first choice of columns that fits into lines; else the first, stacked.

    Args:
        names: of the models.
        choices: columns, from those that say most to those that take least.
        width: columns of the terminal.
    """
    longest = max(map(width_of, ["model", *names]))
    for columns, gap in itertools.product(choices, GAPS):
        room = width - sum(c.width + gap for c in columns)
        if room >= longest:
            return lines(names, columns, room, gap)
    if room >= LEAST_NAME and all(folded(n, room).count("\n") < LINES for n in names):
        return lines(names, columns, room, gap)
    return stacked(names, choices[0], width)


def fit(names: Sequence[str], columns: Sequence[Column], width: int) -> bool:
    """Whether names with columns fit into a line each."""
    longest = max(map(width_of, ["model", *names]))
    return longest + sum(c.width + GAPS[-1] for c in columns) <= width


def lines(names: Sequence[str], columns: Sequence[Column], room: int, gap: int) -> Table:
    """A line a model.

    Args:
        names: of the models.
        columns: of them.
        room: columns of the terminal for the names.
        gap: blanks between columns.
    """
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("model", no_wrap=True)
    for column in columns:
        justify: JustifyMethod = "right" if column.number else "left"
        table.add_column(Text(column.heading), justify=justify, no_wrap=True)
    for i, name in enumerate(names):
        cells = [Text(column.cells[i]) for column in columns]
        table.add_row(Text(folded(name, room)), *cells)
    return table


def stacked(names: Sequence[str], columns: Sequence[Column], width: int) -> Text:
    """The numbers of each model below its name, as many a line as there is room for.

    Args:
        names: of the models.
        columns: of them.
        width: columns there are.
    """
    text = Text()
    for i, name in enumerate(names):
        said = [(c.heading.strip(), c.cells[i].strip()) for c in columns]
        words = [f"{heading} {cell}".strip() for heading, cell in said if cell]
        text.append(f"{folded(name, width)}\n", style="bold")
        text.append(f"{INDENT}{joined(words, width - len(INDENT))}\n")
    text.rstrip()
    return text


def joined(words: Sequence[str], room: int) -> str:
    """Pieces beside each other in lines of so many columns; one that is wider has its own line."""
    found = [""]
    for word in words:
        if found[-1] and width_of(f"{found[-1]}  {word}") > room:
            found.append("")
        found[-1] += f"{'  ' if found[-1] else ''}{word}"
    return f"\n{INDENT}".join(found)
