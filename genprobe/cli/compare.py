"""``genprobe compare``: several stores or reports side by side."""

from pathlib import Path

import click

from genprobe.cli import options


@click.command(short_help="Compare stores or reports.")
@click.argument("sources", nargs=-1, required=True, metavar="STORE_OR_JSON...")
@options.sort
@options.against
@options.side_by_side
@options.regime_cuts
@options.unit
@options.json_path
@options.csv_path
@options.markdown
@options.latex
def compare(
    sources: tuple[str, ...],
    sort: str,
    against: str | None,
    side_by_side: bool,
    regime_cuts: Path | None,
    unit: str,
    json_path: Path | None,
    csv_path: Path | None,
    markdown: bool,
    latex: bool,
) -> None:
    """Compare stores or JSON reports of models on the same data.

    A store is shown as it was last evaluated. Differences of ELBO, rate and distortion
    are paired over the examples wherever the stores are at hand.
    """
    from genprobe.cli.output import print_comparison, write_comparison
    from genprobe.comparison import compare as run

    for path in (json_path, csv_path):
        options.require_writable(path)
    comparison = run(
        sources,
        sort=sort,
        against=against,
        side_by_side=side_by_side,
        cuts=options.cuts_from(regime_cuts),
    )
    write_comparison(comparison, json_path, csv_path)
    print_comparison(comparison, unit, markdown, latex)
