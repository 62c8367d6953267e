"""The codes of a quantiser in a few lines: how they are used, and what a generator pays."""

import math

from genprobe.analysis.advice import error_of
from genprobe.analysis.rounding import rounded, with_error
from genprobe.analysis.withheld import LEAST_EXAMPLES
from genprobe.report import Estimate, Report
from genprobe.report.tokens import TokenBound, TokenReport

NAMES = {
    "uniform": "all alike",
    "token-histogram": "histogram",
    "token-positions": "position",
    "token-levels": "level before",
    "token-context": "neighbours",
}
"""What a candidate prior knows."""
LISTED = 8
"""Levels, and unused classes, that are listed."""
LN2 = math.log(2)


def token_lines(report: Report) -> list[str]:
    """The codes in three lines or more; none where they are no tokens."""
    tokens = report.tokens
    if tokens is None:
        return []
    further = [unused(tokens, report.n), equal(tokens)]
    lines = [use(report, tokens), f"bits a token: {every_bound(tokens)}"]
    return [*lines, *filter(None, further), *level_lines(tokens)]


def short_token_lines(report: Report) -> list[str]:
    """How the codes are used, and what each candidate prior pays: a line each."""
    tokens = report.tokens
    return [] if tokens is None else [use(report, tokens), paid(tokens)]


def use(report: Report, tokens: TokenReport) -> str:
    """How many classes are used, and how evenly."""
    shape = " × ".join(map(str, tokens.shape)) or "1"
    classes = "1 class" if tokens.classes == 1 else f"{tokens.classes} classes"
    said = f"{shape} of {classes}: {percent(tokens.used / tokens.classes)} used"
    perplexity = report.estimates.get("code_perplexity")
    return said if perplexity is None else f"{said}, perplexity {number(perplexity)}"


def paid(tokens: TokenReport) -> str:
    """The bits of a token under the candidate that pays least, of those that know least."""
    best, pixel = tokens.best, tokens.best.bits_per_pixel
    whole = "" if pixel is None else f" ({rounded(pixel, None, 3)} a pixel)"
    histogram = tokens.bound("token-histogram")
    others = []
    if histogram is not None and histogram is not best:
        others.append(f"{rounded(histogram.bits_per_token, None, 2)} by {context_of(histogram)}")
    alike = f"of {rounded(math.log2(tokens.classes), None, 2)}"
    first = f"{bits(best, tokens)} by {context_of(best)}{whole}"
    return f"bits a token: {', '.join([first, *others])}, {alike}"


def every_bound(tokens: TokenReport) -> str:
    """The bits of a token under each candidate, from the one that pays most on."""
    ordered = sorted(tokens.bounds, key=lambda each: -each.nats.value)
    return ", ".join(f"{context_of(each)} {bits(each, tokens)}" for each in ordered)


def context_of(bound: TokenBound) -> str:
    """What a candidate knows; one of a plugin by its name."""
    return candidate_name(bound.candidate)


def candidate_name(candidate: str) -> str:
    """What a candidate prior knows, by its name; the name where that says it.

    Example:
        >>> candidate_name("token-context"), candidate_name("stationary-normal")
        ('neighbours', 'stationary-normal')
    """
    return NAMES.get(candidate, candidate)


def bits(bound: TokenBound, tokens: TokenReport) -> str:
    """The bits of a token, with their error where there is one."""
    error = bound.nats.se_data
    scaled = error / LN2 / tokens.tokens if error else None
    return with_error(bound.bits_per_token, scaled, 3)


def unused(tokens: TokenReport, n: int) -> str:
    """Which classes nobody uses, and how many more examples would."""
    left = tokens.classes - tokens.used
    if not left:
        return ""
    shown = ", ".join(map(str, tokens.unused[:LISTED])) + (", …" if left > LISTED else "")
    said = f"{left} never used on {counted_noun(n, 'example')} ({shown})"
    if n < LEAST_EXAMPLES:
        return said
    more = f"at least about {tokens.unseen:.0f}" if tokens.unseen >= 0.5 else "none"
    return f"{said}; more examples would use {more} of them"


def counted_noun(count: int, noun: str) -> str:
    """So many of a kind.

    Example:
        >>> counted_noun(1, "token"), counted_noun(12, "token")
        ('1 token', '12 tokens')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def equal(tokens: TokenReport) -> str:
    """Classes whose codebook vectors are those of others."""
    groups = tokens.duplicates
    if not groups:
        return ""
    shown = "; ".join(" = ".join(map(str, group[:LISTED])) for group in groups[:LISTED])
    more = "; …" if len(groups) > LISTED else ""
    return f"{sum(map(len, groups)) - len(groups)} have the vector of another ({shown}{more})"


def level_lines(tokens: TokenReport) -> list[str]:
    """A line for each level of a stack."""
    lines = [
        f"level {i}: entropy {bits_of(level.entropy)} bits a token, perplexity "
        f"{number(level.perplexity)}, {percent(level.usage.value)} used"
        for i, level in enumerate(tokens.levels[:LISTED])
    ]
    left = len(tokens.levels) - len(lines)
    return [*lines, *([f"{left} more levels"] if left > 0 else [])]


def bits_of(estimate: Estimate) -> str:
    """Nats in bits, with their error."""
    return with_error(estimate.value, error_of(estimate), by=LN2)


def number(estimate: Estimate) -> str:
    """An estimate with its error."""
    return with_error(estimate.value, error_of(estimate), 1)


def percent(share: float) -> str:
    """A share as a percentage that is 0 or 100 only if it is nothing or all.

    Example:
        >>> percent(0.9999), percent(1.0), percent(0.425), percent(0.0001)
        ('99.9 %', '100 %', '42 %', '0.1 %')
    """
    if share in (0.0, 1.0):
        return f"{100 * share:.0f} %"
    if 0.01 <= share <= 0.99:
        return f"{100 * share:.0f} %"
    return f"{min(99.9, max(0.1, 100 * share)):.1f} %"
