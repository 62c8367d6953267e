"""Pages of measured numbers: sections of a note and a table, in Markdown."""

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
    head = (
        ["| " + " | ".join(names) + " |", "|" + ":--|" * len(names)] if rows else ["Not run yet."]
    )
    return "\n".join([f"## {section.heading}", "", section.note, "", *head, *rows, ""])


def percent(share: float | None) -> str:
    """A share in percent; a dash for none.

    Example:
        >>> percent(0.954), percent(None)
        ('95.4 %', '–')
    """
    return "–" if share is None else f"{100 * share:.1f} %"


def signed(value: float | None) -> str:
    """A number with its sign; a dash for none."""
    return "–" if value is None else f"{value:+.2f}"


def bold(text: str, wanted: bool) -> str:
    """Text, in bold if wanted."""
    return f"**{text}**" if wanted else text
