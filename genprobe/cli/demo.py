"""``genprobe demo``: four small models, the same data, four regimes."""

from pathlib import Path

import click

from genprobe.cli import options


@click.command(short_help="Evaluate four small models that ship with genprobe.")
@options.unit
@click.option(
    "--html",
    "html_path",
    type=click.Path(path_type=Path),
    default="genprobe-demo.html",
    show_default=True,
    help="Where to write one HTML page: tables, plane, pictures.",
)
def demo(unit: str, html_path: Path) -> None:
    """Evaluate four small VAEs that ship with genprobe, and compare them.

    They were trained on the embedded digits at four values of β, from one whose
    decoder ignores its code to one whose code says everything.
    """
    from importlib.resources import as_file, files

    from genprobe.cli.output import print_comparison, print_report, write_html
    from genprobe.comparison import compare
    from genprobe.demo import BUNDLES
    from genprobe.errors import GenprobeError
    from genprobe.evaluation import evaluate

    reports = []
    for name in BUNDLES:
        with as_file(files("genprobe.demo") / f"{name}.pt") as path:
            reports.append(evaluate(path, draws=4, progress=True, pictures=True))
        print_report(reports[-1], unit, markdown=False)
        click.echo()
    comparison = compare(reports)
    print_comparison(comparison, unit, markdown=False)
    try:
        write_html(comparison, unit, html_path)
        click.echo(f"Wrote {html_path}: open it in a browser.", err=True)
    except GenprobeError as error:
        click.echo(error.what, err=True)
