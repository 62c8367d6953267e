"""``genprobe compare``: several stores or reports side by side."""

from pathlib import Path

import click

from genprobe.cli import options


@click.command(short_help="Compare stores or reports.")
@click.argument("sources", nargs=-1, required=True, metavar="STORE_OR_JSON...")
@options.regime_cuts
@options.unit
@options.html_path
@options.markdown
def compare(
    sources: tuple[str, ...],
    regime_cuts: Path | None,
    unit: str,
    html_path: Path | None,
    markdown: bool,
) -> None:
    """Compare stores or JSON reports of models on the same data."""
    options.require_writable(html_path)
    from genprobe.cli.output import print_comparison, write_html
    from genprobe.comparison import compare as run

    comparison = run(sources, cuts=options.cuts_from(regime_cuts))
    print_comparison(comparison, unit, markdown)
    write_html(comparison, unit, html_path)
