"""The first screen of one model: what it is, what to do, about eight rows, the regime, warnings."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.text import Text

from genprobe.analysis.verdict import verdict
from genprobe.errors import Notice
from genprobe.escape import escaped
from genprobe.render.text.at_width import AtWidth
from genprobe.render.text.chain_lines import chain_lines, short_chain_lines
from genprobe.render.text.channel_lines import channel_lines, factor_lines
from genprobe.render.text.diffusion_lines import diffusion_lines, short_diffusion_lines
from genprobe.render.text.inference_lines import inference_lines
from genprobe.render.text.label_lines import label_lines, short_label_lines
from genprobe.render.text.rows import headline, regime_verdict
from genprobe.render.text.short_rows import (
    NAMES,
    Scale,
    error_columns,
    scale_of,
    short_rows,
    summary,
    without_elbo,
)
from genprobe.render.text.short_table import hung, table_lines
from genprobe.render.text.table import plain
from genprobe.render.text.token_lines import short_token_lines, token_lines
from genprobe.report import Report

LINES, COLUMNS = 24, 80
"""Of a terminal that a screen fits, whatever is wrong with the model."""
NAME_LINES = 2
"""Lines of a title before the names in it are cut in the middle."""
MORE = "All rows and remedies: --details, or report.details() in Python."


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How much of what is not a number a screen shows.

    Attributes:
        warnings: how many have a line each.
        extras: whether estimates of plugins are shown, and of several draws the ELBO's errors.
        blanks: whether lines without text set the parts apart.
        sentences: of the verdict.
        inference: whether what is said of inference, which somebody asked for, is shown.
        labels: how many are shown; None for all.
        short: whether each of them has a line, or two, and not all that is said of it; channels,
            tokens and levels likewise.
    """

    warnings: int
    extras: bool = True
    blanks: bool = True
    sentences: int = 3
    inference: bool = True
    labels: int | None = None
    short: bool = True


def report_screen(report: Report, unit: str = "nats") -> RenderableType:
    """The first screen of a report, as something rich can print.

    Args:
        report: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
    """
    shown = escaped(report)

    def screen_at(console: Console, width: int) -> list[Text]:
        further = bool(shown.channels or shown.levels) or shown.tokens is not None
        for fit in fits(len(shown.warnings), len(shown.labels), further):
            lines = screen_lines(shown, unit, fit, console, width)
            if width < COLUMNS or len(lines) <= LINES:
                break
        for line in lines:
            line.no_wrap, line.overflow = True, "ignore"
        return lines

    return AtWidth(screen_at)


def fits(warnings: int, labels: int = 0, further: bool = False) -> Iterator[Fit]:
    """Screens from the fullest to the barest; of warnings the last are the first to go."""
    if labels or further:
        yield Fit(warnings=warnings, short=False)
        yield Fit(warnings=warnings, short=False, blanks=False)
    for blanks in (True, False):
        for count in range(warnings, -1, -1):
            yield Fit(warnings=count, blanks=blanks)
    for inference, sentences in ((True, 3), (True, 2), (False, 3), (False, 2), (False, 1)):
        yield Fit(warnings=0, blanks=False, extras=False, sentences=sentences, inference=inference)
    barest = Fit(warnings=0, blanks=False, extras=False, sentences=1, inference=False)
    for count in range(labels - 1, -1, -1):
        yield dataclasses.replace(barest, labels=count)


def screen_lines(report: Report, unit: str, fit: Fit, console: Console, width: int) -> list[Text]:
    """Every line of a screen.

    Args:
        report: to be shown, its names escaped.
        unit: of the numbers.
        fit: how much is shown.
        console: that it is for.
        width: columns.
    """

    def paragraph(text: str, style: str = "", first: str = "", indent: int = 0) -> list[Text]:
        return hung(text, first, indent, console, width, style)

    scale, blank = scale_of(report, unit), [Text("")] * fit.blanks
    lines = paragraph(short_title(report, unit, width), "bold")
    lines += paragraph(summary(report, unit)) if summary(report, unit) else []
    for sentence in verdict(report, unit, scale.nats, scale.decimals)[: fit.sentences]:
        lines += paragraph(sentence, "bold green", "> ", 2)
    errors = error_columns(report)
    rows = short_rows(report, unit, fit.extras)
    if len(errors) == 1:  # which the line of the ELBO has
        rows = without_elbo(rows, report, scale)
    elif not fit.extras:
        rows = [row for row in rows if row.name != NAMES["elbo"]]
    lines += blank + table_lines(rows, (unit, *errors), console, width)
    lines += blank + paragraph(regime_verdict(report, scale.nats), "", "Regime  ", 8)
    for head, texts in parts_below(report, scale, fit).items():
        for i, text in enumerate(texts):
            lines += (blank if i == 0 else []) + paragraph(text, "", "" if i else head, 8)
    if report.warnings:
        lines += blank
        for notice in report.warnings[: fit.warnings]:
            lines += paragraph(f"{notice.code}: {notice.message}", "", "! ", 2)
        lines += rest_of(report.warnings, fit.warnings, width)
    return lines + paragraph(MORE, "dim")


def parts_below(report: Report, scale: Scale, fit: Fit) -> dict[str, list[str]]:
    """What stands below the regime: lines by what begins the first of them.

    Args:
        report: to be shown, its names escaped.
        scale: of the numbers.
        fit: how much is shown.
    """
    of_channels = factor_lines if fit.short else channel_lines
    of_levels = short_chain_lines if fit.short or not fit.extras else chain_lines
    of_time = short_diffusion_lines if fit.short else diffusion_lines
    of_tokens = short_token_lines if fit.short else token_lines
    return {
        "log p   ": list(inference_lines(report, scale)) if fit.inference else [],
        "Codes   ": of_channels(report) if fit.extras else [],
        "Tokens  ": of_tokens(report) if fit.extras else [],
        "Time    ": of_time(report, scale) if fit.extras else [],
        "Levels  ": of_levels(report, scale)[: None if fit.extras else 1],
        "Labels  ": label_texts(report, scale, fit),
    }


def label_texts(report: Report, scale: Scale, fit: Fit) -> list[str]:
    """What the code tells of the labels, a paragraph for each line.

    Args:
        report: to be shown, its names escaped.
        scale: of the numbers.
        fit: how much is shown.
    """
    write = short_label_lines if fit.short else label_lines
    names = list(report.labels)
    shown = names[: fit.labels]
    texts = [line for name in shown for line in write(report.labels[name], scale)]
    left = names[len(shown) :]
    return [*texts, *([f"{len(left)} more: {', '.join(left)}"] if left else [])]


def short_title(report: Report, unit: str, width: int) -> str:
    """What was evaluated on what, in a few lines whatever the names are."""
    said = headline(report, unit)
    over = cell_len(said) - NAME_LINES * width
    if over <= 0:
        return said
    others = cell_len(said) - cell_len(report.model) - cell_len(report.dataset)
    room = max(2 * 8, NAME_LINES * width - others - width // 4)
    longest = max(room - min(cell_len(report.model), cell_len(report.dataset)), room // 2)
    model, dataset = middle_cut(report.model, longest), middle_cut(report.dataset, longest)
    return headline(dataclasses.replace(report, model=model, dataset=dataset), unit)


def middle_cut(name: str, room: int) -> str:
    """A name in so many columns, its middle left out if it is longer.

    >>> middle_cut("runs/2024/vae-17", 9)
    'run…ae-17'
    """
    if cell_len(name) <= room:
        return name
    head, tail = Text(name), Text(name[::-1])
    head.truncate(max(1, room // 3), overflow="crop")
    tail.truncate(max(1, room - room // 3 - 1), overflow="crop")
    return f"{head.plain}…{tail.plain[::-1]}"


def rest_of(warnings: Sequence[Notice], shown: int, width: int) -> list[Text]:
    """A line for the warnings that have none of their own: their number and their codes."""
    left = warnings[shown:]
    if not left:
        return []
    line = Text(f"! {len(left)} more: {', '.join(notice.code for notice in left)}")
    line.truncate(width, overflow="ellipsis")
    return [line]


def to_screen(report: Report, unit: str = "nats") -> str:
    """The first screen as plain text, 80 columns wide."""
    return plain(report_screen(report, unit))
