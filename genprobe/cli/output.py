"""What the commands print: results to standard output, everything else to standard error."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

    from genprobe.comparison import Comparison
    from genprobe.progress import Progress
    from genprobe.types import Report


def print_view(view: "RenderableType") -> None:
    """Print to standard output: in colour on a terminal, as plain text into a pipe."""
    import sys

    from rich.console import Console

    from genprobe.render.table import WIDTH, plain

    if not sys.stdout.isatty():
        click.echo(plain(view), nl=False)
        return
    console = Console(highlight=False)
    console.width = min(WIDTH, console.width)
    console.print(view)


def print_report(
    report: "Report", unit: str, markdown: bool = False, renderer: str | None = None
) -> None:
    """Print one report: as a table, as Markdown, or by the renderer of that name."""
    if renderer is not None:
        from genprobe.manager import plugins

        click.echo(plugins().get("renderers", renderer)(report), nl=False)
        return
    if markdown:
        from genprobe.render.markdown import to_markdown

        click.echo(to_markdown(report, unit))
        return
    from genprobe.render.table import report_view

    print_view(report_view(report, unit))


def print_comparison(comparison: "Comparison", unit: str, markdown: bool) -> None:
    """Print several reports as one table."""
    from genprobe.render.comparison import comparison_view, to_markdown

    if markdown:
        click.echo(to_markdown(comparison, unit))
    else:
        print_view(comparison_view(comparison, unit))


def write_json(report: "Report", path: Path | None) -> None:
    """Write a report as JSON, if a path was given."""
    if path is not None:
        path.write_text(report.to_json(), encoding="utf-8")


@contextlib.contextmanager
def showing_model(models: Sequence[str], position: int, wanted: bool) -> "Iterator[Progress]":
    """The progress display of one model; of several, it also shows how many are done.

    Args:
        models: all that are evaluated, as named.
        position: of the one in hand.
        wanted: whether to show anything.
    """
    from genprobe.progress import showing

    with showing(wanted) as progress:
        if len(models) > 1:
            progress.advance("models", position, len(models))
            progress.say("models", f"{position + 1} of {len(models)}: {models[position]}")
        yield progress
