"""What the commands print: results to standard output, everything else to standard error."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

    from genprobe.comparison import Comparison
    from genprobe.types import Report


ROOMY = 110
"""Columns of a terminal from which the plane is printed without being asked for."""


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


def write_plot(comparison: "Comparison", unit: str, path: Path | None, width: float = 6.9) -> None:
    """Draw some models, if a path was given; one model is a comparison of one."""
    if path is not None:
        from genprobe.render.plane import save_plane

        save_plane(comparison, path, unit, width)


def print_plane(
    comparison: "Comparison", unit: str, wanted: bool | None, after_tables: bool = True
) -> None:
    """Print the plane in characters, where it was asked for or a wide terminal has room for it.

    Args:
        comparison: of one model or several.
        unit: its name.
        wanted: None leaves it to the terminal.
        after_tables: whether tables were printed, and not another format.
    """
    width = terminal_width()
    if wanted or (wanted is None and after_tables and width >= ROOMY):
        from genprobe.render.plane_terminal import WIDTH, to_text

        text = to_text(comparison, unit, WIDTH if width < ROOMY else ROOMY)
        click.echo(f"\n{text}" if text else "", nl=False)


def terminal_width() -> int:
    """Columns of the terminal that standard output is; 0 where it is none."""
    import sys

    from rich.console import Console

    return Console().width if sys.stdout.isatty() else 0


def write_json(report: "Report", path: Path | None) -> None:
    """Write a report as JSON, if a path was given."""
    if path is not None:
        path.write_text(report.to_json(), encoding="utf-8")
