"""``genprobe compare``: several stores or reports side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genprobe.cli import completion, options
from genprobe.cli.declare import command, option
from genprobe.cli.output import output_options

if TYPE_CHECKING:
    from genprobe.cli.output import Output

MOST_JOBS = 4
"""Processes, where nobody asks for more: each takes half a gigabyte of memory."""


@command(short_help="Compare stores or reports.")
@click.argument(
    "sources", nargs=-1, required=True, metavar="STORE_OR_JSON...", shell_complete=completion.FILES
)
@options.sort
@options.against
@options.side_by_side
@options.entropy
@options.regime_cuts
@option(
    "--jobs",
    type=click.IntRange(1),
    help="Processes that make reports of many stores without one. Default: at most four.",
)
@output_options("renderer", "write_prior")
def compare(
    sources: tuple[str, ...],
    regime_cuts: Path | None,
    jobs: int | None,
    output: "Output",
    **settings: Any,
) -> None:
    """Compare stores or JSON reports of models on the same data.

    A store is shown as it was last evaluated. Differences of ELBO, rate and distortion
    are paired over the examples wherever the stores are at hand.
    """
    output.require_possible()
    from genprobe.comparing.compare import compare as run
    from genprobe.runtime.cpus import available_cpus

    cuts = options.read_regime_cuts(regime_cuts)
    jobs = jobs or min(MOST_JOBS, available_cpus())
    comparison = run(sources, cuts=cuts, jobs=jobs, progress=True, **settings)
    with output.spared():
        output.write_comparison(comparison)
    if output.details:
        for report in comparison.named:
            output.print_report(report)
            click.echo()
    output.print_comparison(comparison)
    output.finish(comparison)
    output.require_written()
