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
    report: "Report",
    unit: str,
    markdown: bool = False,
    renderer: str | None = None,
    latex: bool = False,
) -> None:
    """Print one report: as a table, as LaTeX or Markdown, or by the renderer of that name."""
    if renderer is not None:
        from genprobe.manager import plugins

        click.echo(plugins().get("renderers", renderer)(report), nl=False)
        return
    if latex:
        from genprobe.render.latex import to_latex

        click.echo(to_latex(report, unit), nl=False)
        return
    if markdown:
        from genprobe.render.markdown import to_markdown

        click.echo(to_markdown(report, unit))
        return
    from genprobe.render.table import report_view

    print_view(report_view(report, unit))


def print_comparison(
    comparison: "Comparison", unit: str, markdown: bool = False, latex: bool = False
) -> None:
    """Print several reports as one table: plain, or as LaTeX or Markdown."""
    from genprobe.render.comparison import comparison_view, to_markdown

    if latex:
        from genprobe.render.latex import comparison_to_latex

        click.echo(comparison_to_latex(comparison, unit), nl=False)
    elif markdown:
        click.echo(to_markdown(comparison, unit))
    else:
        print_view(comparison_view(comparison, unit))


def write_comparison(
    comparison: "Comparison", json_path: Path | None, csv_path: Path | None
) -> None:
    """Write a comparison as JSON and as CSV, where paths were given."""
    from genprobe.render.comparison_json import dumps
    from genprobe.render.csv import to_csv

    if json_path is not None:
        json_path.write_text(dumps(comparison), encoding="utf-8")
    if csv_path is not None:
        csv_path.write_text(to_csv(comparison), encoding="utf-8")


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
