"""``genprobe show``: the report of a store, without the model."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genprobe.cli import options
from genprobe.cli.command_line import command_line
from genprobe.cli.declare import command
from genprobe.cli.output import output_options

if TYPE_CHECKING:
    from genprobe.cli.output import Output


@command(short_help="Print the report of a store.")
@click.argument("store", type=click.Path(path_type=Path))
@options.tolerance
@options.max_queries
@options.prior
@options.entropy
@options.bin_width
@options.regime_cuts
@output_options("csv_path")
def show(store: Path, regime_cuts: Path | None, output: "Output", **settings: Any) -> None:
    """Show the report of STORE; the model is not needed, nothing is encoded."""
    output.require_possible()
    from genprobe.analysis.options import Options
    from genprobe.analysis.report import build_report
    from genprobe.comparing.compare import compare
    from genprobe.runtime.progress import progress_display
    from genprobe.store.read import open_store

    choices = Options(cuts=options.read_regime_cuts(regime_cuts), **settings)
    choices.require_valid()
    with progress_display(True) as progress:
        report = build_report(
            open_store(store),
            choices,
            progress=progress,
            provenance={"store": str(store), "command": command_line()},
        )
    with output.spared():
        output.write_report(report)
    output.print_report(report)
    output.finish(compare([report], cuts=choices.cuts))
    output.require_written()
