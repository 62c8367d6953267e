"""The one table of a comparison: a line a model, best first, each number rounded to its error.

The difference from the reference stands with its error where there is room. Digits are never cut:
where the lines do not fit, the numbers of each model stand below its name.
"""

import statistics
from collections.abc import Callable, Sequence

from rich.console import RenderableType

from genprobe.analysis.decoder_alone import has_encoder
from genprobe.analysis.regimes import UNDETERMINED
from genprobe.analysis.rounding import decimals_of
from genprobe.comparing.comparison import Comparison
from genprobe.comparing.difference import Difference
from genprobe.escape import escape
from genprobe.render.text.columns import Column, table_of
from genprobe.render.text.comparison_rows import (
    FRONTIER,
    HULL,
    UNPAIRED,
    differing,
    headings,
    plane_mark,
)
from genprobe.render.text.headings import COLUMNS, heading_of
from genprobe.render.text.rows import DOUBTED, doubts, floor_two, least_certain
from genprobe.render.text.units import DECIMALS, divisor
from genprobe.report import BOUNDS_ALONE, Estimate, Report, number

ALL = 24
"""Up to so many models each has a line."""
FIRST = 18
"""Of more models, those that have one in any case; those on the frontier have one too."""
UNCLEAR = "≈"


def shown_models(comparison: Comparison) -> list[int]:
    """Positions of the models that have a line: all, or of many the first and the frontier.

    Args:
        comparison: of the models.
    """
    every = range(len(comparison.reports))
    if len(every) <= ALL:
        return list(every)
    marked = {comparison.names.index(n) for n in (comparison.to_ship, comparison.reference) if n}
    front = comparison.frontier[: ALL - FIRST] if len(comparison.frontier) > ALL else ()
    kept = {*range(FIRST), *marked, *(front or comparison.frontier)}
    return [i for i in every if i in kept]


def summary_table(comparison: Comparison, unit: str, width: int) -> RenderableType:
    """The table of the models; differences have their errors where there is room for them.

    Args:
        comparison: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        width: columns there are.
    """
    shown = shown_models(comparison)
    last = last_columns(comparison, shown)
    ways: tuple[bool | None, ...] = (True, False, None)
    choices = [[*number_columns(comparison, shown, unit, way), *last] for way in ways]
    return table_of([comparison.names[i] for i in shown], choices, width)


def number_columns(
    comparison: Comparison, shown: Sequence[int], unit: str, errors: bool | None
) -> list[Column]:
    """The numbers: the estimate that differences are of first, then those differences.

    Args:
        comparison: of the models.
        shown: positions of those with a line.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        errors: whether differences have theirs; None leaves the differences to their marks.
    """
    reports = [comparison.reports[i] for i in shown]
    usual = [name for name in headings(comparison) if any(name in r.estimates for r in reports)]
    compared = next(iter(differing(comparison)), "")
    found = [estimate_column(reports, name, unit, comparison) for name in usual]
    if compared not in usual:
        return found
    at = usual.index(compared)
    first, rest = found[at], [*found[:at], *found[at + 1 :]]
    if errors is None:
        return [marked(first, comparison, shown, compared), *rest]
    return [first, difference_column(comparison, shown, compared, unit, errors), *rest]


def marked(column: Column, comparison: Comparison, shown: Sequence[int], name: str) -> Column:
    """A column of an estimate with the marks of its differences, which have none of their own."""
    cells = []
    for i, cell in zip(shown, column.cells, strict=True):
        d = comparison.difference_of(comparison.names[i], name)
        doubt = d is not None and name == "elbo" and comparison.leaves_doubt(d)
        unpaired = "" if d is None or d.paired else UNPAIRED
        cells.append(f"{UNCLEAR + ' ' if doubt else ''}{cell}{unpaired}")
    return Column(heading=column.heading, cells=cells)


def estimate_column(
    reports: Sequence[Report], name: str, unit: str, comparison: Comparison
) -> Column:
    """One estimate of the models, a dash where one has none."""
    known = [report.estimates.get(name) for report in reports]
    counts = any(e is not None and e.unit == "count" for e in known)
    rows = [
        None if e is None else over_scale(e, divisor(r, unit) if e.unit == "nats" else 1.0)
        for r, e in zip(reports, known, strict=True)
    ]
    cells = rounded_cells(rows, 0 if counts else DECIMALS[unit] - 1)
    return Column(heading=headings(comparison)[name], cells=cells)


def rounded_cells(rows: Sequence[tuple[float, float | None] | None], most: int) -> list[str]:
    """Numbers below each other, point below point.

    A column has as many decimals as two digits of its usual error take, and a number with a much
    larger error has fewer.

    Args:
        rows: value and standard error, which may be unknown; None for no number.
        most: decimals.

    >>> rounded_cells([(8.2651, 0.034), (33.4452, 0.191), None], 3)
    [' 8.27', '33.45', '    –']
    """
    errors = [row[1] for row in rows if row is not None and row[1]]
    usual = places(statistics.median_high(errors), most) if errors else most
    found = []
    for row in rows:
        if row is None:
            found.append("–")
            continue
        decimals = min(usual, places(row[1], most))
        gone = usual - decimals + (usual > 0 and decimals == 0)
        found.append(number(row[0], decimals) + " " * gone)
    longest = max(map(len, found))
    return [text.rjust(longest) for text in found]


def difference_column(
    comparison: Comparison, shown: Sequence[int], name: str, unit: str, errors: bool
) -> Column:
    """Differences of one estimate from the reference, marked where they leave doubt.

    Args:
        comparison: of the models.
        shown: positions of those with a line.
        name: of the estimate.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        errors: whether each has its error.
    """
    scale = divisor(comparison.reports[0], unit)
    names = [comparison.names[i] for i in shown]
    found = [comparison.difference_of(model, name) for model in names]
    values = rounded_cells([over(d, scale, lambda d: d.value) for d in found], DECIMALS[unit] - 1)
    spreads = rounded_cells(
        [over(d, scale, lambda d: d.se_data) for d in found], DECIMALS[unit] - 1
    )
    cells = []
    for model, d, value, spread in zip(names, found, values, spreads, strict=True):
        if d is None:
            cells.append("–" if model == comparison.reference else "")
            continue
        doubt = f"{UNCLEAR} " if comparison.leaves_doubt(d) and name == "elbo" else ""
        error = f" ± {spread.strip()}" if errors and d.se_data else ""
        cells.append(f"{doubt}{value}{error}{'' if d.paired else UNPAIRED}")
    return Column(heading=f"Δ{COLUMNS[name]}", cells=cells)


def over(
    difference: Difference | None, scale: float, of: Callable[[Difference], float | None]
) -> tuple[float, float | None] | None:
    """A number of a difference in a unit, with what it is rounded to."""
    value = None if difference is None else of(difference)
    if difference is None or value is None:
        return None
    error = difference.se_data
    return value / scale, None if error is None else error / scale


def last_columns(comparison: Comparison, shown: Sequence[int]) -> list[Column]:
    """What is no number: the data where they differ, and the regime behind the plane's mark."""
    reports = [comparison.reports[i] for i in shown]
    marks = [f"{plane_mark(comparison, i):1} " for i in shown]
    marks = ["" for _ in marks] if "".join(marks).isspace() else marks
    regimes = [f"{m}{regime_cell(r)}" for m, r in zip(marks, reports, strict=True)]
    heading = f"{' ' * len(marks[0])}regime"
    found = [Column(heading=heading, cells=regimes, number=False)]
    if comparison.side_by_side:
        data = [f"{report.dataset} ({report.n})" for report in reports]
        return [Column(heading="data", cells=data, number=False), *found]
    return found


def regime_cell(report: Report) -> str:
    """The label, with its probability where it is not certain, and a mark where it is doubted."""
    regime = report.regime
    sure = regime.label == UNDETERMINED or regime.probability >= least_certain(report)
    label = regime.label if sure else f"{regime.label} {floor_two(regime.probability)}"
    return f"{label} {DOUBTED}" if doubts(report) else label


def mark_notes(comparison: Comparison, shown: Sequence[int]) -> list[str]:
    """What the marks of the table mean.

    Args:
        comparison: of the models.
        shown: positions of those with a line.
    """
    found = []
    apart = [d for d in comparison.differences if d.name == "elbo"]
    paired = any(d.paired for d in comparison.differences)
    if comparison.reference is not None and comparison.differences:
        how = ", paired over examples" if paired else ""
        found.append(f"Differences (Δ) are from {comparison.reference}{how}.")
    if any(comparison.leaves_doubt(d) for d in apart):
        count = comparison.comparisons
        every = f" for all {count} comparisons at once" if count > 1 else ""
        found.append(
            f"{UNCLEAR} cannot be told from it, |z| ≤ {comparison.critical:.2f}, 5 %{every}."
        )
    if any(not d.paired for d in comparison.differences):
        found.append(f"{UNPAIRED} not paired: not all examples are at hand.")
    marks = {plane_mark(comparison, i) for i in shown}
    if HULL in marks:
        inner = f"; {FRONTIER} no other model, but a mixture" if FRONTIER in marks else ""
        found.append(f"{HULL} no model and no mixture of two has less of both R and D{inner}.")
    return found


def left_out(comparison: Comparison, shown: Sequence[int]) -> str:
    """How many models have no line; empty if all have one."""
    more = len(comparison.reports) - len(shown)
    if not more:
        return ""
    beaten = set(comparison.frontier) <= set(shown) and comparison.frontier
    return f"… and {more} more{', none of them on the frontier' if beaten else ''}."


def progress_line(report: Report, name: str, position: int, count: int, unit: str) -> str:
    """One of several models as soon as it is evaluated.

    Args:
        report: of it.
        name: its label.
        position: among all.
        count: how many there are.
        unit: ``nats``, ``bits`` or ``bits/dim``.
    """
    words = [f"{position + 1} of {count}", name]
    for estimate in ("elbo", "rate") if has_encoder(report) else BOUNDS_ALONE[:1]:
        if estimate in report.estimates:
            value, error = over_scale(report[estimate], divisor(report, unit))
            decimals = places(error, DECIMALS[unit] - 1)
            spread = f" ± {number(error, decimals)}" if error and estimate != "rate" else ""
            words.append(f"{heading_of(estimate)} {number(value, decimals)}{spread}")
    return escape("  ".join([*words, regime_cell(report)]))


def over_scale(estimate: Estimate, scale: float) -> tuple[float, float | None]:
    """An estimate and its error in a unit."""
    error = estimate.se_data
    return estimate.value / scale, None if error is None else error / scale


def places(error: float | None, most: int) -> int:
    """How many decimals two digits of an error take, of so many.

    >>> places(0.146, 3), places(0.0001, 3), places(12.0, 3), places(None, 3)
    (2, 3, 0, 3)
    """
    found = decimals_of(error, most)
    return most if found is None else min(found, most)
