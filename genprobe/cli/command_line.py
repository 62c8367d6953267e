"""The command line that a command was called with, as a report and a page name it."""

import shlex
from collections.abc import Sequence

import click

KEY = "genprobe.command_line"


def record_command_line(context: click.Context, words: Sequence[str]) -> None:
    """Keep what was typed for the commands of a context.

    Args:
        context: of the whole program.
        words: after the name of the program.
    """
    context.meta[KEY] = shlex.join(["genprobe", *words])


def command_line() -> str:
    """What was typed, quoted for a shell; empty outside of the program."""
    context = click.get_current_context(silent=True)
    return "" if context is None else str(context.meta.get(KEY, ""))
