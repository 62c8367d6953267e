"""``genprobe compare``: several stores or reports side by side."""

from pathlib import Path

import click

from genprobe.cli import options


@click.command(short_help="Compare stores or reports.")
@click.argument("sources", nargs=-1, required=True, metavar="STORE_OR_JSON...")
@options.regime_cuts
@options.unit
@options.markdown
@options.plot
@options.plot_width
@options.plane
def compare(
    sources: tuple[str, ...],
    regime_cuts: Path | None,
    unit: str,
    markdown: bool,
    plot_path: Path | None,
    plot_width: float,
    plane: bool | None,
) -> None:
    """Compare stores or JSON reports of models on the same data."""
    options.require_plot(plot_path)
    from genprobe.cli.output import print_comparison, print_plane, write_plot
    from genprobe.comparison import compare as run

    comparison = run(sources, cuts=options.cuts_from(regime_cuts))
    print_comparison(comparison, unit, markdown)
    print_plane(comparison, unit, plane, not markdown)
    write_plot(comparison, unit, plot_path, plot_width)
