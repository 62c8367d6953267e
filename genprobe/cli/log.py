"""What genprobe logs while a command runs, as lines on standard error."""

import logging
from functools import partial

import click


class Echo(logging.Handler):
    """Writes to what standard error is by then: above a progress display, if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        click.echo(self.format(record), err=True)


def show_warnings() -> None:
    """Show warnings, unless the program that called the command has handlers of its own."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[Echo()])


def show_progress() -> None:
    """Show what is not a warning too, until the command ends."""
    log = logging.getLogger("genprobe")
    click.get_current_context().call_on_close(partial(log.setLevel, log.level))
    log.setLevel(logging.INFO)
