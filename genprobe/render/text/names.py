"""Names in a column of a terminal: how wide they are, and where they are broken."""

import re

from rich.cells import cell_len

LINES = 2
"""Most that a name takes in a table."""


def width_of(text: str) -> int:
    """Columns of a terminal that a text takes.

    >>> width_of("β"), width_of("模型")
    (1, 4)
    """
    return cell_len(text)


def folded(name: str, room: int) -> str:
    r"""A name in lines of so many columns, broken after its separators where it has any.

    Args:
        name: of a model.
        room: columns.

    >>> folded("beta-0.05/seed-1", 10)
    'beta-0.05/\nseed-1'
    """
    lines = [""]
    for part in re.split(r"(?<=[-_/,: ])", name):
        if lines[-1] and width_of(lines[-1] + part) > room:
            lines.append("")
        lines[-1] += part
        while width_of(lines[-1]) > max(2, room):
            at = fitting_length(lines[-1], max(2, room))
            lines[-1:] = [lines[-1][:at], lines[-1][at:]]
    return "\n".join(lines)


def fitting_length(text: str, room: int) -> int:
    """How many characters of a text fit into so many columns."""
    at = min(len(text), room)
    while at > 1 and width_of(text[:at]) > room:
        at -= 1
    return at
