"""``genprobe compare``: several stores or reports side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genprobe.cli import completion, options
from genprobe.cli.declare import command
from genprobe.cli.output import output_options

if TYPE_CHECKING:
    from genprobe.cli.output import Output


@command(short_help="Compare stores or reports.")
@click.argument(
    "sources", nargs=-1, required=True, metavar="STORE_OR_JSON...", shell_complete=completion.FILES
)
@options.sort
@options.against
@options.side_by_side
@options.entropy
@options.regime_cuts
@output_options("renderer", "write_prior")
def compare(
    sources: tuple[str, ...], regime_cuts: Path | None, output: "Output", **settings: Any
) -> None:
    """Compare stores or JSON reports of models on the same data.

    A store is shown as it was last evaluated. Differences of ELBO, rate and distortion
    are paired over the examples wherever the stores are at hand.
    """
    output.require_possible()
    from genprobe.comparing.compare import compare as run

    comparison = run(sources, cuts=options.read_regime_cuts(regime_cuts), progress=True, **settings)
    with output.spared():
        output.write_comparison(comparison)
    if output.details:
        for report in comparison.named:
            output.print_report(report)
            click.echo()
    output.print_comparison(comparison)
    output.finish(comparison)
    output.require_written()
