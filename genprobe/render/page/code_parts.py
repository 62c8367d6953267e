"""What the page shows of codes that have places or classes: what they cost, carry and how."""

from collections.abc import Sequence
from dataclasses import dataclass

from genprobe.analysis.paid import Paid, candidates_of
from genprobe.analysis.rounding import with_error
from genprobe.render.page.code_charts import Chart, code_charts
from genprobe.render.page.heat_maps import HeatMap, heat_maps
from genprobe.render.text.card_facts import codes_in_words, in_bits, knowledge
from genprobe.render.text.token_lines import bits_of, number, percent
from genprobe.report import Report

LISTED = 64
"""Unused codes, and groups of equal ones, that are listed."""


@dataclass(frozen=True, kw_only=True)
class PaidRow:
    """What one candidate prior pays.

    Attributes:
        name: what it knows.
        bits: an example.
        share: of what the first candidate pays, for a bar.
        pixel: bits a pixel with their error; empty where pixels are not known.
        token: bits a token with their error; empty where codes are none.
        example: bits an example with their error.
    """

    name: str
    bits: float
    share: float
    pixel: str
    token: str
    example: str


@dataclass(frozen=True, kw_only=True)
class CodeParts:
    """What the page shows of one model's codes.

    Attributes:
        shape: of the codes, in words.
        paid: a row a candidate prior.
        charts: as plotly draws them.
        maps: over positions.
        unused: classes that nobody uses, shortened; empty where there are none.
        copies: groups of classes with one vector, shortened; empty where there are none.
        levels: entropy, perplexity and usage of each level of a stack.
        channels: mean, standard deviation and rate of each channel.
    """

    shape: str
    paid: Sequence[PaidRow]
    charts: Sequence[Chart]
    maps: Sequence[HeatMap]
    unused: str
    copies: str
    levels: Sequence[Sequence[str]]
    channels: Sequence[Sequence[str]]


def code_parts(report: Report, colour: str) -> CodeParts | None:
    """What the page shows of a report's codes; None where they have neither places nor classes.

    Args:
        report: of one model.
        colour: of the model.
    """
    if report.tokens is None and report.grid is None:
        return None
    candidates = candidates_of(report)
    most = max((abs(each.bits) for each in candidates), default=1.0) or 1.0
    return CodeParts(
        shape=codes_in_words(report),
        paid=[paid_row(each, most) for each in candidates],
        charts=list(code_charts(report, colour)),
        maps=list(heat_maps(report)),
        unused=unused_codes(report),
        copies=copied_codes(report),
        levels=level_rows(report),
        channels=channel_rows(report),
    )


def paid_row(paid: Paid, most: float) -> PaidRow:
    """One candidate prior as a row.

    Args:
        paid: of it.
        most: bits that any candidate pays.
    """
    return PaidRow(
        name=knowledge(paid),
        bits=paid.bits,
        share=max(0.0, paid.bits / most),
        pixel="" if paid.pixels is None else in_bits(paid, paid.pixels, 4),
        token="" if paid.tokens is None else in_bits(paid, paid.tokens, 3),
        example=in_bits(paid, 1, 2),
    )


def unused_codes(report: Report) -> str:
    """The classes that nobody uses, the first of many; empty where there are none."""
    tokens = report.tokens
    if tokens is None or not tokens.unused:
        return ""
    left = tokens.classes - tokens.used
    more = f" and {left - LISTED} more" if left > LISTED else ""
    return ", ".join(map(str, tokens.unused[:LISTED])) + more


def copied_codes(report: Report) -> str:
    """Groups of classes that have one vector, the first of many; empty where there are none."""
    groups = (report.tokens and report.tokens.duplicates) or ()
    more = f"; and {len(groups) - LISTED} groups more" if len(groups) > LISTED else ""
    return "; ".join(" = ".join(map(str, group[:LISTED])) for group in groups[:LISTED]) + more


def level_rows(report: Report) -> list[list[str]]:
    """Each level of a residual stack: bits a token, perplexity, usage."""
    levels = () if report.tokens is None else report.tokens.levels
    return [
        [str(i), bits_of(each.entropy), number(each.perplexity), percent(each.usage.value)]
        for i, each in enumerate(levels)
    ]


def channel_rows(report: Report) -> list[list[str]]:
    """Each channel: mean, standard deviation, rate in nats."""
    return [
        [
            str(c),
            with_error(each.mean.value, each.mean.se_data, 3),
            with_error(each.std.value, each.std.se_data, 3),
            "–" if each.rate is None else with_error(each.rate.value, each.rate.se_data, 2),
        ]
        for c, each in enumerate(report.channels)
    ]
