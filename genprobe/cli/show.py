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
@options.html_path
@options.markdown
@options.latex
@options.renderer
@options.plot
@options.plot_width
@options.plane
def show(
    store: Path,
    json_path: Path | None,
    html_path: Path | None,
    unit: str,
    markdown: bool,
    latex: bool,
    renderer: str | None,
    plot_path: Path | None,
    plot_width: float,
    plane: bool | None,
    regime_cuts: Path | None,
    **settings: Any,
) -> None:
    """Show the report of STORE; the model is not needed, nothing is encoded."""
    options.require_writable(json_path)
    options.require_writable(html_path)
    options.require_plot(plot_path)
    from genprobe.cli.output import (
        print_plane,
        print_report,
        write_html,
        write_json,
        write_plot,
    )
    from genprobe.comparison import compare
    from genprobe.progress import showing
    from genprobe.reporting import report_from_store
    from genprobe.store.read import open_store

    cuts = options.cuts_from(regime_cuts)
    with showing(True) as progress:
        report = report_from_store(open_store(store), cuts=cuts, progress=progress, **settings)
    write_json(report, json_path)
    print_report(report, unit, markdown, renderer, latex)
    alone = compare([report], cuts=cuts)
    print_plane(alone, unit, plane, not (markdown or latex or renderer))
    write_plot(alone, unit, plot_path, plot_width)
    write_html(alone, unit, html_path)
