"""Pages of measured numbers: sections of a note and a table."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import click

Line = tuple[object, ...]


class Section(NamedTuple):
    """A table of the page, with a sentence that says how to read it."""

    heading: str
    note: str
    columns: str
    lines: Callable[[], Iterator[Line]]


def table(section: Section) -> str:
    """A section as Markdown."""
    click.echo(section.heading, err=True)
    names = section.columns.split("|")
    rows = ["| " + " | ".join(str(cell) for cell in line) + " |" for line in section.lines()]
    head = ["| " + " | ".join(names) + " |", "|" + ":--|" * len(names)]
    return "\n".join([f"## {section.heading}", "", section.note, "", *head, *rows, ""])
