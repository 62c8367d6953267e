"""``genprobe demo``: four small models, the same data, four regimes."""

import click

from genprobe.cli import options


@click.command(short_help="Evaluate four small models that ship with genprobe.")
@options.unit
def demo(unit: str) -> None:
    """Evaluate four small VAEs that ship with genprobe, and compare them.

    They were trained on the embedded digits at four values of β, from one whose
    decoder ignores its code to one whose code says everything.
    """
    from importlib.resources import as_file, files

    from genprobe.cli.output import print_comparison, print_report, showing_model
    from genprobe.comparison import compare
    from genprobe.demo import BUNDLES
    from genprobe.evaluation import evaluate

    reports = []
    names = list(BUNDLES)
    for i, name in enumerate(names):
        with (
            as_file(files("genprobe.demo") / f"{name}.pt") as path,
            showing_model(names, i, True) as progress,
        ):
            reports.append(evaluate(path, draws=4, progress=progress))
        print_report(reports[-1], unit, markdown=False)
        click.echo()
    print_comparison(compare(reports), unit, markdown=False)
