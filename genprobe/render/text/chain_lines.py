"""A chain of latents in a few lines: what each level costs, and what it says of x."""

import math

from genprobe.analysis.advice import error_of
from genprobe.analysis.rounding import rounded
from genprobe.render.text.first_level import has_chain
from genprobe.render.text.label_lines import stated
from genprobe.render.text.short_rows import Scale
from genprobe.report import Report
from genprobe.report.estimate import Estimate
from genprobe.report.levels import DEAD_NATS, Level

WIDEST = 16
"""Characters of the longest bar."""
EIGHTHS = " ▏▎▍▌▋▊▉"
LISTED = 12
"""Levels that have a line each; of more those with the largest rates have one."""
FIRST_ALONE = (
    "I(n;z₁), the marginal KL, fitted priors and labels are of z₁: for all levels together they "
    "would take N × M runs of the network"
)


def chain_lines(report: Report, scale: Scale) -> list[str]:
    """A line for each level, and what is left to say as ever more levels are known.

    Args:
        report: to be shown.
        scale: of the numbers.
    """
    if not has_chain(report):
        return []
    top = max(level["rate"].value for level in report.levels)
    shown = sorted(report.levels, key=lambda e: -e["rate"].value)[:LISTED]
    lines = [level_line(e, top, scale) for e in report.levels if e in shown]
    left = len(report.levels) - len(lines)
    more = [f"{left} more levels cost less than these"] if left else []
    return [*lines, *more, *known_line(report, scale), FIRST_ALONE]


def short_chain_lines(report: Report, scale: Scale) -> list[str]:
    """What the levels cost in a line, and what is left as they are known in another.

    Args:
        report: to be shown.
        scale: of the numbers.
    """
    if not has_chain(report):
        return []
    largest = sorted(report.levels, key=lambda e: -e["rate"].value)[: LISTED // 2]
    each = [f"{e.name} {brief(e['rate'], scale)}" for e in report.levels if e in largest]
    left = len(report.levels) - len(each)
    more = [f"{left} more"] if left else []
    dead = [level.name for level in report.levels if level.dead]
    said = f"; dead: {', '.join(dead[:LISTED])}" if dead else ""
    return [f"R by level: {', '.join([*each, *more])}{said}", *known_line(report, scale)]


def level_line(level: Level, top: float, scale: Scale) -> str:
    """A level: its bar, its rate with the error, and how many of its dimensions cost anything."""
    rate = level["rate"]
    said = stated(rate, scale)
    active = level.estimates.get("active_units")
    units = ""
    if active is not None:
        units = f", {active.value:.0f} of {values_of(level)} dims ≥ {DEAD_NATS} nat"
    return f"{level.name:<4}{bar(rate.value, top):<{WIDEST}} {said}{units}{dead_words(level)}"


def dead_words(level: Level) -> str:
    """That a level carries nothing, if so."""
    return ", dead" if level.dead else ""


def values_of(level: Level) -> int:
    """How many values one z of a level has."""
    return math.prod(level.shape)


def bar(value: float, top: float) -> str:
    """A bar as long as a value is of the largest.

    Args:
        value: of the bar.
        top: of the longest.

    Example:
        >>> bar(1.0, 2.0), bar(0.0, 2.0)
        ('████████', '')
    """
    eighths = round(8 * WIDEST * max(0.0, value) / top) if top > 0 else 0
    return ("█" * (eighths // 8) + EIGHTHS[eighths % 8]).rstrip()


def brief(estimate: Estimate, scale: Scale) -> str:
    """A number of nats, rounded to its error."""
    error = error_of(estimate)
    shown = None if error is None else error / scale.nats
    return rounded(estimate.value / scale.nats, shown, scale.decimals)


def known_line(report: Report, scale: Scale) -> list[str]:
    """D as ever more levels are known, the others drawn from their priors; none without a curve."""
    curve = report.progressive
    if curve is None or not curve.points:
        return []
    said = [f"{brief(point.distortion, scale)} ({point.label})" for point in curve.points]
    return [f"D with the first levels alone: {' → '.join(said)}"]
