"""The screen of a card: what a generator pays for the codes, how they are used, what to paste."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.text import Text

from genprobe.analysis.advice import error_of
from genprobe.analysis.paid import Paid, candidates_of
from genprobe.analysis.rounding import with_error
from genprobe.escape import escaped
from genprobe.render.text.at_width import AtWidth
from genprobe.render.text.card_facts import (
    card_notices,
    card_sentences,
    codes_in_words,
    config_says,
    in_bits,
    in_its_unit,
    knowledge,
    quality,
)
from genprobe.render.text.channel_lines import rates
from genprobe.render.text.screen import COLUMNS, LINES, middle_cut, rest_of
from genprobe.render.text.short_table import hung, pad
from genprobe.render.text.token_lines import (
    LN2,
    counted_noun,
    equal,
    level_lines,
    number,
    percent,
    unused,
)
from genprobe.report import Report

CANDIDATES = 6
"""Priors of a table: the one that knows least, and those that pay least."""
FITS = ((3, True, False), (3, False, False), (2, False, False), (1, False, False), (1, False, True))
"""Sentences, blank lines and whether the least is said: from the fullest screen to the barest."""
SPARED = ("levels", "", "copies", "where")
"""Facts that a bare screen goes without."""
INDENT = 11
"""Columns of what a fact is called."""


def card_screen(report: Report) -> RenderableType:
    """The screen of a card, at most 24 lines of 80 columns, as something rich can print.

    Args:
        report: to be shown.
    """
    shown = escaped(report)

    def card_at(console: Console, width: int) -> list[Text]:
        lines: list[Text] = []
        for sentences, blanks, bare in FITS:
            lines = fitted_lines(shown, sentences, blanks, bare, console, width)
            if width < COLUMNS or len(lines) <= LINES:
                break
        for line in lines:
            line.no_wrap, line.overflow = True, "ignore"
        return lines

    return AtWidth(card_at)


def fitted_lines(
    report: Report, sentences: int, blanks: bool, bare: bool, console: Console, width: int
) -> list[Text]:
    """Every line of a screen; warnings as far as there is room.

    Args:
        report: to be shown, its names escaped.
        sentences: of the verdict, at most.
        blanks: whether lines without text set the parts apart.
        bare: whether levels, copies and where the rate is are left out.
        console: that it is for.
        width: columns.
    """
    blank = [Text("")] * blanks
    lines = hung(card_title(report, width), "", 0, console, width, "bold")
    for sentence in card_sentences(report)[:sentences]:
        lines += hung(sentence, "> ", 2, console, width, "bold green")
    lines += blank + paid_lines(shown_candidates(report), width)
    facts = [fact for fact in card_lines(report) if not (bare and fact[0] in SPARED)]
    for i, (name, text) in enumerate(facts):
        lines += (blank if i == 0 else []) + hung(text, name, INDENT, console, width)
    notices = card_notices(report)
    for room in range(len(notices), -1, -1):
        below = list(blank) if notices else []
        for notice in notices[:room]:
            below += hung(f"{notice.code}: {notice.message}", "! ", 2, console, width)
        below += rest_of(notices, room, width)
        if len(lines) + len(below) <= LINES:
            return lines + below
    return lines + rest_of(notices, 0, width)


def card_title(report: Report, width: int) -> str:
    """What was evaluated on what, names shortened to a line or so."""
    mode = report.provenance.get("binarize", "none")
    how = "" if mode == "none" else f", binarised ({mode})"
    rest = f"{how}: N = {report.n}, {codes_in_words(report)}"
    longest = max(12, (2 * width - cell_len(rest) - 8) // 2)
    model, data = middle_cut(report.model, longest), middle_cut(report.dataset, longest)
    return f"{model} on {data}{rest}"


def shown_candidates(report: Report) -> list[Paid]:
    """The candidate priors that have a line, in their order."""
    every = candidates_of(report)
    least = sorted(every[1:], key=lambda paid: paid.nats.value)[: CANDIDATES - 1]
    return [paid for i, paid in enumerate(every) if i == 0 or paid in least]


def paid_lines(candidates: Sequence[Paid], width: int) -> list[Text]:
    """What each candidate pays, below each other; stacked where too wide.

    Args:
        candidates: of the report.
        width: columns.
    """
    if not candidates:
        return []
    columns = {
        "bits a pixel": [in_bits(p, p.pixels, 4) for p in candidates if p.pixels],
        "bits a token": [in_bits(p, p.tokens, 3) for p in candidates if p.tokens],
        "bits an example": [in_bits(p, 1, 2) for p in candidates],
    }
    known = {heading: cells for heading, cells in columns.items() if cells}
    names = ["a generator that knows", *(f"  {knowledge(p)}" for p in candidates)]
    first = max(map(cell_len, names)) + 1
    rows = list(zip(*([heading, *cells] for heading, cells in known.items()), strict=True))
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    while len(widths) > 1 and first + sum(widths) + 2 * len(widths) > width:
        widths.pop()
    lines: list[Text] = []
    for name, row in zip(names, rows, strict=True):
        cells = "".join(
            f"  {' ' * (room - cell_len(cell))}{cell}"
            for cell, room in zip(row, widths, strict=False)
        )
        lines.append(Text(f"{pad(name, first)}{cells}", style="" if lines else "dim"))
    return lines


def card_lines(report: Report) -> Iterator[tuple[str, str]]:
    """How the codes are used, what to paste and how well they reconstruct: names and texts."""
    tokens = report.tokens
    if tokens is not None:
        yield from token_facts(report)
    factors = [
        f"{name} {with_error(e.value, error_of(e))}{config_says(report, name)}"
        for name in ("scaling_factor", "shift_factor")
        if report.channels and (e := report.estimates.get(name)) is not None
    ]
    if factors:
        yield "to paste", ", ".join(factors)
    if report.channels:
        yield "where", rates(report)
    found = [f"{label} {in_its_unit(estimate)}" for label, estimate in quality(report)]
    if found:
        yield "quality", "; ".join(found)


def token_facts(report: Report) -> Iterator[tuple[str, str]]:
    """How evenly tokens use their classes: names and texts."""
    tokens = report.tokens
    assert tokens is not None
    used = f"{percent(tokens.used / tokens.classes)} of {counted_noun(tokens.classes, 'code')} used"
    entropy, perplexity = (report.estimates.get(f"code_{k}") for k in ("entropy", "perplexity"))
    if entropy is not None:
        used += f", entropy {with_error(entropy.value, error_of(entropy), by=LN2)} bits a token"
    if perplexity is not None:
        used += f", perplexity {number(perplexity)}"
    yield "usage", used
    for name, text in (("unused", unused(tokens, report.n)), ("copies", equal(tokens))):
        if text:
            yield name, text
    for i, text in enumerate(level_lines(tokens)[:4]):
        yield "" if i else "levels", text
