"""Printing on standard output at the width that it has."""

import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDEST, LEAST = 110, 40
"""Columns of the widest table on a terminal, and of the narrowest into a pipe."""


def print_view(view: "RenderableType", width: int | None = None) -> None:
    """Print to standard output: in colour on a terminal, as plain text into a pipe.

    Args:
        view: to be printed.
        width: columns a line; by default those of the terminal, up to 80.
    """
    from rich.console import Console

    from genprobe.render.text.table import WIDTH, plain

    if not sys.stdout.isatty():
        click.echo(plain(view, width or WIDTH), nl=False)
        return
    console = Console(highlight=False)
    console.width = width or min(WIDTH, console.width)
    console.print(view)


def table_width() -> int:
    """Columns for tables: those of the terminal, up to a limit, or of COLUMNS into a pipe."""
    from rich.console import Console

    from genprobe.render.text.table import WIDTH

    if sys.stdout.isatty():
        return min(WIDEST, Console().width)
    given = os.environ.get("COLUMNS", "")
    return max(LEAST, int(given)) if given.isdecimal() else WIDTH


def terminal_width() -> int:
    """Columns of the terminal that standard output is; 0 where it is none."""
    from rich.console import Console

    return Console().width if sys.stdout.isatty() else 0
