"""``genprobe card``: what a generator pays for a tokenizer's codes, as a screen and a card."""

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from genprobe.cli import completion, options
from genprobe.cli.declare import command, option
from genprobe.cli.evaluate import evaluate_one
from genprobe.cli.evaluation_options import evaluation_options, quietly, trust
from genprobe.cli.interrupt import describe_kept_store, resumable
from genprobe.cli.log import show_progress
from genprobe.cli.output import output_options
from genprobe.cli.show import OF_NUMBERS, kept_report, made_report
from genprobe.cli.terminal import print_view, table_width
from genprobe.errors import UsageError

if TYPE_CHECKING:
    from genprobe.cli.output import Output
    from genprobe.report import Report

LEFT_OUT = (
    *("unit", "csv_path", "html_path", "markdown", "latex"),
    *("details", "renderer", "plot_path", "plot_width", "plane"),
)
"""Outputs that a card has no use for, or has in a way of its own."""
LEADING = b"{"
"""What a report as JSON begins with."""


@command(short_help="Write the model card of a tokenizer.")
@click.argument("model", metavar="MODEL|STORE|REPORT", shell_complete=completion.FILES)
@evaluation_options
@option(
    "--card",
    "card_path",
    type=click.Path(path_type=Path),
    default="card.md",
    show_default=True,
    help="The card goes here, as Markdown; one that was edited is not replaced.",
    group="Output",
)
@option(
    "--html",
    "html_path",
    type=click.Path(path_type=Path),
    help="The page goes here. Default: beside the card, card.html.",
    group="Output",
)
@option("--no-html", "pageless", is_flag=True, help="Write no page.", group="Output")
@output_options(*LEFT_OUT)
@quietly
@trust
@click.pass_context
def card(
    context: click.Context,
    /,
    model: str,
    output: "Output",
    card_path: Path,
    html_path: Path | None,
    pageless: bool,
    **settings: Any,
) -> None:
    """What a generator must pay for the codes of MODEL, as a model card.

    \b
    genprobe card vqvae.pt --data test.npy      evaluates, prints, writes card.md
    genprobe card posteriors.npz                of codes: no model needed
    genprobe card store.h5                      of what was evaluated before

    Prints a screen; writes card.md with front matter for the Hugging Face Hub,
    and a page with maps and curves beside it.
    """  # noqa: D301
    page = None if pageless else html_path or card_path.with_suffix(".html")
    output = replace(output, card_path=card_path, html_path=page)
    if is_evaluated(model):
        output.require_possible()
        report: Report | None = read_report(context, Path(model), settings)
    else:
        report = evaluated(model=model, output=output, **settings)
    if report is not None:
        show_card(report, output, settings["regime_cuts"])


def is_evaluated(model: str) -> bool:
    """Whether a path is of a store or a report, so that no model is needed."""
    path = Path(model)
    if not path.is_file():
        return False
    from genprobe.store.own_store import is_store

    try:
        with path.open("rb") as file:
            start = file.read(1)
        return start == LEADING or is_store(path)
    except OSError:
        return False


def read_report(context: click.Context, path: Path, settings: dict[str, Any]) -> "Report":
    """The report of a store as it was evaluated, or as options ask for it; one from JSON as it is.

    Raises:
        UsageError: if an option is of an evaluation, and there is none.
        GenprobeError: if the file is damaged.
    """
    from genprobe.analysis.options import Options
    from genprobe.store.own_store import is_store

    stored = is_store(path)
    of_numbers = OF_NUMBERS if stored else ()
    known = {"data", "regime_cuts", *(field.name for field in fields(Options))}
    asked = [p for p in context.command.params if p.name in known and was_given(context, p)]
    for parameter in asked:
        if parameter.name not in of_numbers:
            raise UsageError(
                f"{path} is a {'store' if stored else 'report'}: nothing is evaluated, and "
                f"{parameter.opts[0]} changes nothing.",
                "Leave it out, or name the model.",
            )
    if not stored:
        from genprobe.comparing.inputs import report_in

        return report_in(path)
    kept = None if asked else kept_report(path)
    wanted = {name: settings[name] for name in OF_NUMBERS}
    return made_report(path, leaks=None, **wanted) if kept is None else kept


def was_given(context: click.Context, parameter: click.Parameter) -> bool:
    """Whether a user gave a parameter, and it is not only its default."""
    return context.get_parameter_source(str(parameter.name)) is not ParameterSource.DEFAULT


@resumable(describe_kept_store)
def evaluated(
    *,
    model: str,
    output: "Output",
    data: str | None,
    store: Path | None,
    quiet: bool,
    regime_cuts: Path | None,
    **settings: Any,
) -> "Report | None":
    """The report of a model on data, on the rank that leads; None on others.

    Raises:
        GenprobeError: if it cannot be evaluated.
    """
    from genprobe.analysis.options import Options
    from genprobe.runtime.ranks import barrier, process_group

    with process_group(settings["device"]) as ranks:
        with barrier(ranks):
            cuts = options.read_regime_cuts(regime_cuts)
            if ranks.leads:
                output.require_possible(store)
        shown = ranks.leads and not quiet
        if shown:
            show_progress()
        pictures = True if output.html_path else None
        choices = Options(store=store, cuts=cuts, pictures=pictures, **settings)
        report = evaluate_one((model,), 0, data, choices, None, shown, {})
        return report if ranks.leads else None


def show_card(report: "Report", output: "Output", regime_cuts: Path | None) -> None:
    """Print the screen of a card, and write all that goes into files."""
    from genprobe.comparing.alone import alone
    from genprobe.render.text.card_screen import card_screen

    with output.spared():
        output.write_report(report)
    if not output.only_json:
        print_view(card_screen(report), table_width())
    with output.spared():
        output.write_card(report)
    output.finish(alone(report, options.read_regime_cuts(regime_cuts)))
    output.require_written()
