"""``genprobe show``: the report of a store, without the model."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
from click.core import ParameterSource

from genprobe.cli import options
from genprobe.cli.command_line import command_line
from genprobe.cli.declare import command, option
from genprobe.cli.output import output_options

if TYPE_CHECKING:
    from genprobe.cli.output import Output
    from genprobe.report import Report
    from genprobe.store.read import Store

OF_NUMBERS = ("tolerance", "max_queries", "prior", "entropy", "bin_width", "regime_cuts")
"""Options that may ask for other numbers than the report cache has."""


@command(short_help="Print the report of a store.")
@click.argument("store", type=click.Path(path_type=Path))
@options.tolerance
@options.max_queries
@options.prior
@options.entropy
@options.bin_width
@options.regime_cuts
@option(
    "--leak",
    "leaks",
    multiple=True,
    callback=lambda context, parameter, value: value or None,
    metavar="NAME",
    help="A label of the store of which the code should know nothing; may be repeated.",
    group="Estimates",
)
@output_options("csv_path")
@click.pass_context
def show(
    context: click.Context,
    /,
    store: Path,
    output: "Output",
    leaks: tuple[str, ...] | None,
    **settings: Any,
) -> None:
    """Show the report of STORE; the model is not needed, nothing is encoded.

    A store is shown as it was last evaluated. With an option that may ask for
    other numbers, or without a report beside the store, one is made from it.
    The store stays as it is.
    """
    output.require_possible()
    sources = map(context.get_parameter_source, OF_NUMBERS)
    as_evaluated = all(source is ParameterSource.DEFAULT for source in sources)
    report = kept_report(store) if as_evaluated else None
    if report is None or not all(is_marked(report, name) for name in leaks or ()):
        report = made_report(store, leaks=leaks, **settings)
    with output.spared():
        output.write_report(report)
    output.print_report(report)
    if output.draws:
        from genprobe.comparing.alone import alone

        output.finish(alone(report, options.read_regime_cuts(settings["regime_cuts"])))
    output.require_written()


def kept_report(store: Path) -> "Report | None":
    """The report in the cache of a store, without torch; None if another is to be made.

    Raises:
        StoreError: if the store is damaged, or is none.
    """
    from genprobe.plugins import plugins
    from genprobe.store.report_cache import cached_report
    from genprobe.store.whole import whole_store

    whole = whole_store(store)
    report = cached_report(whole)
    other_cuts = report is not None and "cuts" in report.provenance.get("asked", {})
    # Code of plugins may have changed since, or read the columns of the store.
    foreign = [plugins().parts(kind, built_in=False) for kind in ("estimators", "renderers")]
    if report is None or other_cuts or any(foreign):
        return None
    facts = {**report.provenance, **shown_by(store)}
    # What is shown besides is pictures, which take no column of a store.
    return replace(report, provenance=facts, store=cast("Store", whole))


def is_marked(report: "Report", label: str) -> bool:
    """Whether a report says of a label if it leaks."""
    return label in report.labels and report.labels[label].leak is not None


def made_report(
    store: Path, regime_cuts: Path | None, leaks: tuple[str, ...] | None, **settings: Any
) -> "Report":
    """The report of a store, made now.

    Args:
        store: finished.
        regime_cuts: a file of thresholds.
        leaks: labels of the store that are asked about as leaks.
        settings: further options of the report.

    Raises:
        GenprobeError: if an option makes no sense, or the store is damaged.
    """
    from genprobe.analysis.options import Options
    from genprobe.analysis.report import build_report
    from genprobe.runtime.progress import progress_display
    from genprobe.store.read import open_store

    choices = Options(cuts=options.read_regime_cuts(regime_cuts), **settings)
    choices.require_valid()
    with progress_display(True) as progress:
        facts = shown_by(store)
        return build_report(
            open_store(store), choices, progress=progress, provenance=facts, leaks=leaks
        )


def shown_by(store: Path) -> dict[str, str]:
    """What the provenance of a report says of this command."""
    return {"store": str(store), "command": command_line()}
