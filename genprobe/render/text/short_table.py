"""The rows of a first screen as lines: numbers below each other, and stacked where too wide."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from genprobe.render.text.short_rows import ShortRow

INDENT = 2


def table_lines(
    rows: Sequence[ShortRow], headings: Sequence[str], console: Console, width: int
) -> list[Text]:
    """The rows below a line of headings, aligned at their points; stacked where too wide.

    Args:
        rows: of the table.
        headings: of the numbers and of each ±.
        console: that it is for.
        width: columns.
    """
    if not rows:
        return []
    points = point_aligned([row.value for row in rows if row.errors])
    columns = [max(map(cell_len, [headings[0], *points])), *errors_width(rows, headings)]
    label = INDENT + max((cell_len(row.name) for row in rows), default=0) + 1
    head = " ".join(f"{' ' * (w - cell_len(h))}{h}" for h, w in zip(headings, columns, strict=True))
    behind = iter(points)
    cells = [
        " ".join(map(pad, [next(behind), *plus(row)], columns)) if row.errors else row.value
        for row in rows
    ]
    numbers = max(map(cell_len, [head, *cells]))
    if label + numbers > width:
        return stacked_lines(rows, console, width)
    # One blank before the notes rather than two where that spares a line.
    gap = 2 if all(label + numbers + 2 + cell_len(row.note) <= width for row in rows) else 1
    lines = [Text(" " * label + head, style="dim")]
    for row, text in zip(rows, cells, strict=True):
        start = f"{pad(' ' * INDENT + row.name, label)}{text}"
        lines += noted(start, row.note, label + numbers + gap, label, console, width)
    return lines


def noted(
    start: str, note: str, column: int, below: int, console: Console, width: int
) -> list[Text]:
    """A row with its note behind it, or below it where there is no room and it has a number.

    Args:
        start: the row without its note.
        note: to be added.
        column: at which it begins behind the row.
        below: least column at which it begins below the row, where it ends at the right edge.
        console: that it is for.
        width: columns.
    """
    whole = f"{pad(start, column)}{note}".rstrip()
    if cell_len(whole) <= width:
        return [Text(whole)]
    return [
        Text(start.rstrip()),
        *(hung(note, "", max(below, width - cell_len(note)), console, width) * number_in(note)),
    ]


def stacked_lines(rows: Sequence[ShortRow], console: Console, width: int) -> list[Text]:
    """Every number on a line of its own, below its name.

    Args:
        rows: of the table.
        console: that it is for.
        width: columns.
    """
    lines = []
    for row in rows:
        said = [" ".join([row.value, *plus(row)]), *([row.note] if number_in(row.note) else [])]
        for text, indent in ((row.name, INDENT), *((text, 2 * INDENT) for text in said)):
            lines += hung(text, "", indent, console, width)
    return lines


def hung(
    text: str, first: str, indent: int, console: Console, width: int, style: str = ""
) -> list[Text]:
    """A paragraph that hangs from a mark.

    Args:
        text: of it.
        first: the mark.
        indent: columns of the lines below it.
        console: that it is for.
        width: columns of them all.
        style: of the text.
    """
    lines = list(Text(text, style=style).wrap(console, max(1, width - indent)))
    for i, line in enumerate(lines):
        line.rstrip()
        lines[i] = Text.assemble((pad(first if i == 0 else "", indent), "bold"), line)
    return lines


def number_in(note: str) -> bool:
    """Whether a note has digits, which are never left out."""
    return any(c.isdigit() for c in note)


def plus(row: ShortRow) -> list[str]:
    """The errors of a row as they follow its number."""
    return [f"± {e}" if any(c.isdigit() for c in e) else e for e in row.errors]


def errors_width(rows: Sequence[ShortRow], headings: Sequence[str]) -> list[int]:
    """Columns that each error takes."""
    each = [plus(row) for row in rows if row.errors]
    return [
        max(map(cell_len, [heading, *(errors[i] for errors in each)]))
        for i, heading in enumerate(headings[1:])
    ]


def point_aligned(values: Sequence[str]) -> list[str]:
    """Numbers padded so that their points are below each other.

    >>> point_aligned(["−16.85", "8.265", "12"])
    ['−16.85 ', '  8.265', ' 12    ']
    """
    split = [value.partition(".") for value in values]
    behind = max((len(point + rest) for _, point, rest in split), default=0)
    before = max((cell_len(first) for first, _, _ in split), default=0)
    return [
        " " * (before - cell_len(first)) + first + f"{point}{rest}".ljust(behind)
        for first, point, rest in split
    ]


def pad(text: str, width: int) -> str:
    """A text with blanks behind it."""
    return text + " " * (width - cell_len(text))
