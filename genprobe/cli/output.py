"""What the commands print: results to standard output, everything else to standard error."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

    from genprobe.comparison import Comparison
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


def write_html(comparison: "Comparison", unit: str, path: Path | None) -> None:
    """Write a page about some models, if a path was given; one model is a comparison of one.

    Raises:
        GenprobeError: if it cannot be written.
    """
    if path is None:
        return
    from genprobe.errors import GenprobeError
    from genprobe.render.html import to_html

    try:
        path.write_text(to_html(comparison, unit), encoding="utf-8")
    except OSError as error:
        raise GenprobeError(
            f"{path} cannot be written: {error.strerror}.", "Choose another path for --html."
        ) from error
