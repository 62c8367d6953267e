"""``genprobe show``: the report of a store, without the model."""

from pathlib import Path
from typing import Any

import click

from genprobe.cli import options


@click.command(short_help="Print the report of a store.")
@click.argument("store", type=click.Path(path_type=Path))
@options.tolerance
@options.max_queries
@options.prior
@options.entropy
@options.bin_width
@options.regime_cuts
@options.unit
@options.json_path
@options.markdown
@options.latex
@options.renderer
def show(
    store: Path,
    json_path: Path | None,
    unit: str,
    markdown: bool,
    latex: bool,
    renderer: str | None,
    regime_cuts: Path | None,
    **settings: Any,
) -> None:
    """Show the report of STORE; the model is not needed, nothing is encoded."""
    options.require_writable(json_path)
    from genprobe.cli.output import print_report, write_json
    from genprobe.progress import showing
    from genprobe.reporting import report_from_store
    from genprobe.store.read import open_store

    with showing(True) as progress:
        report = report_from_store(
            open_store(store), cuts=options.cuts_from(regime_cuts), progress=progress, **settings
        )
    write_json(report, json_path)
    print_report(report, unit, markdown, renderer, latex)
