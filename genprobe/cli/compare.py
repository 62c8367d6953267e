"""``genprobe compare``: several stores or reports side by side."""

from pathlib import Path

import click

from genprobe.cli import options


@click.command(short_help="Compare stores or reports.")
@click.argument("sources", nargs=-1, required=True, metavar="STORE_OR_JSON...")
@options.regime_cuts
@options.unit
@options.markdown
def compare(sources: tuple[str, ...], regime_cuts: Path | None, unit: str, markdown: bool) -> None:
    """Compare stores or JSON reports of models on the same data."""
    from genprobe.cli.output import print_comparison
    from genprobe.comparison import compare as run

    print_comparison(run(sources, cuts=options.cuts_from(regime_cuts)), unit, markdown)
