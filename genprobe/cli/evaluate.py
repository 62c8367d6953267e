"""``genprobe evaluate``: evaluate one or several models."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genprobe.cli import completion, options
from genprobe.cli.command_line import command_line
from genprobe.cli.declare import command
from genprobe.cli.evaluation_options import evaluation_options, quietly, trust
from genprobe.cli.interrupt import describe_kept_store, resumable
from genprobe.cli.log import show_progress
from genprobe.cli.output import output_options
from genprobe.cli.repeats import said_once
from genprobe.errors import GenprobeError, OtherRankError, UsageError
from genprobe.escape import escape

if TYPE_CHECKING:
    from genprobe.analysis.options import Options
    from genprobe.cli.output import Output
    from genprobe.comparing.comparison import Comparison
    from genprobe.report import Report


@command(short_help="Evaluate models and print their tables.")
@click.argument(
    "models", nargs=-1, required=True, metavar="MODEL...", shell_complete=completion.FILES
)
@evaluation_options
@options.sort
@options.against
@options.side_by_side
@output_options()
@quietly
@trust
@resumable(describe_kept_store)
def evaluate(
    models: tuple[str, ...],
    data: str | None,
    store: Path | None,
    sort: str | None,
    against: str | None,
    side_by_side: bool,
    output: "Output",
    quiet: bool,
    regime_cuts: Path | None,
    **settings: Any,
) -> None:
    """Evaluate MODEL on data: rate, distortion, I(n;z), marginal KL, regime.

    \b
    genprobe evaluate model.pt
    genprobe evaluate weights.pt --factory mypackage.vae:build --data test.npy
    genprobe evaluate posteriors.npz        loc, scale, perhaps distortion
    genprobe evaluate a.pt b.pt c.pt        evaluates each and compares them
    """  # noqa: D301
    several = len(models) > 1
    if several and store:
        raise click.UsageError(
            "--store takes one model at a time.\n"
            "Evaluate each into a store of its own, then: genprobe compare STORE..."
        )
    if several and output.write_prior:
        raise click.UsageError(
            "--write-prior takes one model at a time.\n"
            "Evaluate the model whose prior it is to be by itself."
        )
    from genprobe.analysis.options import Options
    from genprobe.comparing.compare import require_sort
    from genprobe.plugins import plugins
    from genprobe.runtime.ranks import barrier, process_group

    with process_group(settings["device"]) as ranks:
        with barrier(ranks):
            cuts = options.read_regime_cuts(regime_cuts)
            if sort is not None:
                require_sort(sort, plugins().all("estimators"))
            if ranks.leads:
                output.require_possible(store)
        if ranks.leads and not quiet:
            show_progress()
        pictures = True if output.html_path else None
        choices = Options(store=store, cuts=cuts, pictures=pictures, **settings)
        shown = ranks.leads and not quiet
        attempts = evaluate_all(models, data, choices, output if ranks.leads else None, shown)
    done = [(model, r) for model, r in zip(models, attempts, strict=True) if r is not None]
    if ranks.leads and done:
        reports, origins = [report for _, report in done], [model for model, _ in done]
        order = {"origins": origins, "cuts": cuts, "side_by_side": side_by_side}
        comparison, fault = compare_reports(reports, output, sort, against, order)
        if several:
            show_several(comparison, output)
        output.finish(comparison)
        if fault is not None:
            raise GenprobeError(fault.what, fault.remedy) from fault
        output.require_written()
    if ranks.leads and len(done) < len(models):
        sys.exit(1)


def evaluate_all(
    models: Sequence[str],
    data: str | None,
    choices: "Options",
    output: "Output | None",
    shown: bool,
) -> "list[Report | None]":
    """Evaluate the models in turn; None stands for one of several that failed.

    Args:
        models: all, as named.
        data: to evaluate them on, as named.
        choices: of the evaluation.
        output: of the process that prints.
        shown: whether progress is.
    """
    faults: dict[str, str] = {}
    attempts = []
    with said_once(models) as repeats:
        for i in range(len(models)):
            repeats.position = i
            attempts.append(evaluate_one(models, i, data, choices, output, shown, faults))
    return attempts


def show_several(comparison: "Comparison", output: "Output") -> None:
    """Write and print several models, or of several the only one that did not fail.

    Args:
        comparison: of those that did not.
        output: of the command.
    """
    with output.spared():
        output.write_comparison(comparison)
    if len(comparison.reports) > 1:
        output.print_comparison(comparison)
    elif not output.details and output.renderer is None:
        output.print_report(comparison.reports[0])


def compare_reports(
    reports: "Sequence[Report]",
    output: "Output",
    sort: str | None,
    against: str | None,
    options: Mapping[str, Any],
) -> "tuple[Comparison, UsageError | None]":
    """The comparison asked for; or one by default, and what was wrong with that asked for.

    What models go by, and have, is known only once they are evaluated.

    Args:
        reports: made for hours, and not to be lost.
        output: where the models go side by side, if they cannot be compared at all.
        sort: order asked for.
        against: reference asked for.
        options: others of ``compare``.
    """
    from genprobe.comparing.compare import compare

    try:
        try:
            return compare(reports, sort=sort, against=against, **options), None
        except UsageError as error:
            return compare(reports, **options), error
    except GenprobeError:
        apart = compare(reports, **{**options, "side_by_side": True})
        output.print_comparison(apart)
        for write in (output.write_comparison, output.write_csv):
            with output.spared():
                write(apart)
        raise


def evaluate_one(
    models: Sequence[str],
    position: int,
    data: str | None,
    choices: "Options",
    output: "Output | None",
    shown: bool,
    faults: dict[str, str],
) -> "Report | None":
    """Evaluate one model and print it, if it is the only one or all are wanted.

    One of several that fails is reported and left out.

    Args:
        models: all, as named.
        position: of the one to evaluate.
        data: to evaluate it on, as named.
        choices: of the evaluation.
        output: of the process that prints.
        shown: whether progress is.
        faults: the models that failed first, by what was wrong; added to.
    """
    from genprobe.cli.model_progress import model_progress
    from genprobe.runs.evaluation import run_evaluation

    model, several = models[position], len(models) > 1
    try:
        with model_progress(models, position, shown) as progress:
            report = run_evaluation(model, data, choices, progress=progress, command=command_line())
        if output is not None:
            print_one(models, position, report, output, shown)
    except GenprobeError as error:
        # What is wrong with the options is wrong with them for every model.
        misused = isinstance(error, UsageError)
        if misused or not several or click.get_current_context().find_root().params["traceback"]:
            raise
        if not isinstance(error, OtherRankError):
            first = faults.setdefault(str(error), model)
            what = error if first == model else f"the same as of {escape(first)}."
            click.echo(f"Error: {escape(model)}: {what}", err=True)
        return None
    return report


def print_one(
    models: Sequence[str],
    position: int,
    report: "Report",
    output: "Output",
    shown: bool,
) -> None:
    """Print one of the models; of several a line, unless all are wanted in full.

    Args:
        models: all, as named.
        position: of this one.
        report: of it.
        output: of the command.
        shown: whether progress is.
    """
    if len(models) == 1:
        with output.spared():
            output.write_report(report)
        output.print_report(report)
        return
    if shown:
        from genprobe.comparing.model_names import short_names
        from genprobe.render.text.comparison_summary import progress_line

        name = short_names(models)[position]
        click.echo(progress_line(report, name, position, len(models), output.unit), err=True)
    if output.details or output.renderer is not None:
        output.print_report(report, f"{position + 1} of {len(models)}: {models[position]}")
        if output.renderer is None and not output.only_json:
            click.echo()
