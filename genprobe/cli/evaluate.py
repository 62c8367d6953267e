"""``genprobe evaluate``: evaluate one or several models."""

import logging
import sys
from pathlib import Path
from typing import Any

import click

from genprobe.cli import options
from genprobe.errors import GenprobeError


@click.command(short_help="Evaluate models and print their tables.")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option(
    "--data", metavar="D", help="A name (digits), a path, or SCHEME:PATH. Default: a bundle's own."
)
@click.option("--split", metavar="S", help="Split of a named data set.")
@options.binarize
@click.option(
    "--model", "factory", metavar="MODULE:FACTORY", help="Your function that builds the Model."
)
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    help="Keep what was encoded here, and resume from it.",
)
@click.option("--fresh", is_flag=True, help="Encode again even if the store has it.")
@click.option(
    "--draws",
    type=int,
    default=1,
    show_default=True,
    metavar="N",
    help="Posterior draws per example.",
)
@options.tolerance
@options.max_queries
@click.option("--batch-size", type=int, metavar="B", help="Examples a call of the model.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option(
    "--dtype", type=click.Choice(["float32", "float64"]), default="float32", show_default=True
)
@click.option("--seed", type=int, default=0, show_default=True, metavar="N")
@options.prior
@options.entropy
@options.bin_width
@options.regime_cuts
@options.unit
@options.json_path
@options.markdown
@options.renderer
@click.option("--quiet", is_flag=True, help="No progress and no log.")
@click.option("--trust", is_flag=True, help="Let code in the checkpoint run.")
def evaluate(
    models: tuple[str, ...],
    json_path: Path | None,
    store: Path | None,
    unit: str,
    markdown: bool,
    renderer: str | None,
    quiet: bool,
    regime_cuts: Path | None,
    **settings: Any,
) -> None:
    r"""Evaluate MODEL on data: rate, distortion, I(n;z), marginal KL, regime.

    \b
    genprobe evaluate model.pt
    genprobe evaluate weights.pt --model mypackage.vae:build --data test.npy
    genprobe evaluate a.pt b.pt c.pt        evaluates each and compares them
    """
    if len(models) > 1 and (json_path or store):
        raise click.UsageError("--json and --store take one model at a time.")
    options.require_writable(json_path)
    if not quiet:
        logging.getLogger("genprobe").setLevel(logging.INFO)
    from genprobe.cli.output import print_comparison, print_report, write_json
    from genprobe.comparison import compare
    from genprobe.evaluation import evaluate as run

    cuts = options.cuts_from(regime_cuts)
    reports = []
    for model in models:
        try:
            report = run(model, store=store, cuts=cuts, progress=not quiet, **settings)
        except GenprobeError as error:
            context = click.get_current_context()
            if len(models) == 1 or context.find_root().params["traceback"]:
                raise
            click.echo(f"Error: {model}: {error}", err=True)
            continue
        reports.append(report)
        write_json(report, json_path)
        print_report(report, unit, markdown, renderer)
        if len(models) > 1:
            click.echo()
    if len(reports) > 1:
        print_comparison(compare(reports, cuts=cuts), unit, markdown)
    if len(reports) < len(models):
        sys.exit(1)
