"""What inference loses of several models, and by how much they differ, side by side."""

from collections.abc import Sequence

from genprobe.analysis.advice import error_of
from genprobe.analysis.rounding import with_error
from genprobe.comparing.comparison import Comparison
from genprobe.comparing.difference import Difference
from genprobe.estimators.catalog import row_of
from genprobe.render.text.columns import Column
from genprobe.render.text.comparison_labels import ERRORS, UNCLEAR
from genprobe.render.text.comparison_rows import UNPAIRED
from genprobe.render.text.units import DECIMALS, divisor

LOST = ("ais_bound", "inference_gap", "amortization_gap", "approximation_gap")


def lost_title(unit: str) -> str:
    """What the table says."""
    return f"Log p(x), and what inference loses of it, {unit}"


def lost_columns(
    comparison: Comparison, names: Sequence[str], unit: str, shown: Sequence[int]
) -> list[Column]:
    """A column for each estimate that some model has, with its error.

    Args:
        comparison: to be shown, its names escaped.
        names: of the estimates.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        shown: positions of the models that have a line.
    """
    found = []
    for name in names:
        cells = [lost_cell(comparison, i, name, unit) for i in shown]
        if any(cell != "–" for cell in cells):
            found.append(Column(heading=row_of(name).heading, cells=cells))
    return found


def apart_columns(
    comparison: Comparison,
    differences: Sequence[Difference],
    names: Sequence[str],
    unit: str,
    shown: Sequence[int],
) -> list[Column]:
    """A column for each difference from the reference; none where there is none.

    Args:
        comparison: to be shown, its names escaped.
        differences: of the comparison.
        names: of the estimates.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        shown: positions of the models that have a line.
    """
    known = {(d.first, d.name): d for d in differences}
    found = []
    for name in names:
        cells = []
        for i in shown:
            d, report = known.get((comparison.names[i], name)), comparison.reports[i]
            if d is None:
                cells.append("–")
                continue
            by = divisor(report, unit) if report[name].unit == "nats" else 1.0
            error = d.se if d.se_data is None else d.se_data
            doubt = error is not None and abs(d.value) <= ERRORS * error
            text = with_error(d.value, error, DECIMALS[unit], by)
            cells.append(f"{UNCLEAR + ' ' if doubt else ''}{text}{'' if d.paired else UNPAIRED}")
        if any(cell != "–" for cell in cells):
            found.append(Column(heading=f"Δ {row_of(name).heading}", cells=cells))
    return found


def lost_cell(comparison: Comparison, position: int, name: str, unit: str) -> str:
    """One estimate of one model with its error; a dash where it has none."""
    report = comparison.reports[position]
    if name not in report.estimates:
        return "–"
    estimate = report.estimates[name]
    by = divisor(report, unit) if estimate.unit == "nats" else 1.0
    return with_error(estimate.value, error_of(estimate), DECIMALS[unit], by)


def apart_notes(comparison: Comparison, differences: Sequence[Difference]) -> str:
    """What the marks of some of the differences mean."""
    every = all(d.paired for d in differences)
    paired, mark = (", paired over examples", "") if every else ("", f" {UNPAIRED} not paired.")
    return f"Δ is from {comparison.reference}{paired}; {UNCLEAR} less than {ERRORS:g} errors.{mark}"
