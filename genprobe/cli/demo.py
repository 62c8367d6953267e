"""``genprobe demo``: four small models, the same data, four regimes."""

from pathlib import Path

import click

from genprobe.cli import options
from genprobe.cli.command_line import command_line
from genprobe.cli.declare import command, option
from genprobe.cli.result_files import require_suffixes
from genprobe.escape import escape


@command(short_help="Evaluate four small models that ship with genprobe.")
@options.unit
@option(
    "--plot",
    "plot_path",
    type=click.Path(path_type=Path),
    default="genprobe-demo.png",
    show_default=True,
    help="Where to draw the rate-distortion plane.",
    group="Output",
)
@option(
    "--html",
    "html_path",
    type=click.Path(path_type=Path),
    default="genprobe-demo.html",
    show_default=True,
    help="Where to write one HTML page: tables, plane, pictures.",
    group="Output",
)
@options.plane
def demo(unit: str, plot_path: Path, html_path: Path, plane: bool | None) -> None:
    """Evaluate four small VAEs that ship with genprobe, and compare them.

    They were trained on the embedded digits at four values of β, from one whose
    decoder ignores its code to one whose code says everything.
    """
    from importlib.resources import as_file, files

    from genprobe.analysis.options import Options
    from genprobe.cli.model_progress import model_progress
    from genprobe.cli.output import Output
    from genprobe.comparing.compare import compare
    from genprobe.demo import BUNDLES
    from genprobe.render.text.comparison_summary import progress_line
    from genprobe.runs.evaluation import run_evaluation

    require_suffixes({"html_path": html_path})
    output = Output(unit=unit, plot_path=plot_path, html_path=html_path, plane=plane)
    reports = []
    names = list(BUNDLES)
    for i, name in enumerate(names):
        with (
            as_file(files("genprobe.demo") / f"{name}.pt") as path,
            model_progress(names, i, True) as progress,
        ):
            choices = Options(draws=4, pictures=True)
            reports.append(
                run_evaluation(path, None, choices, progress=progress, command=command_line())
            )
        line = progress_line(reports[-1], name, i, len(names), unit)
        click.echo(line, err=True)
    comparison = compare(reports)
    output.print_comparison(comparison)
    output.print_plane(comparison)
    with output.spared():
        output.write_plot(comparison)
        click.echo(escape(f"Drew the plane: {plot_path}"), err=True)
    with output.spared():
        output.write_html(comparison)
    output.require_written()
