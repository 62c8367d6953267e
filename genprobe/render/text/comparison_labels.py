"""What several models' codes tell of each label, and by how much they differ, side by side."""

from collections.abc import Sequence

from genprobe.analysis.rounding import with_error
from genprobe.comparing.comparison import Comparison
from genprobe.comparing.difference import OF_LABELS, Difference
from genprobe.render.text.columns import Column
from genprobe.render.text.comparison_rows import UNPAIRED
from genprobe.render.text.units import DECIMALS, divisor

ERRORS = 2.0
"""Standard errors within which a difference is marked as none for sure."""
UNCLEAR = "≈"


def label_names(comparison: Comparison) -> list[str]:
    """The labels of any of the models, in the order in which they were given."""
    return list(dict.fromkeys(name for report in comparison.reports for name in report.labels))


def label_columns(comparison: Comparison, unit: str, shown: Sequence[int]) -> list[Column]:
    """Two columns a label: its information, and the difference from the reference.

    Args:
        comparison: to be shown, its names escaped.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        shown: positions of the models that have a line.
    """
    found = []
    for label in label_names(comparison):
        told = [told_cell(comparison, i, label, unit) for i in shown]
        found.append(Column(heading=label, cells=told))
        apart = [apart_cell(comparison, i, label, unit) for i in shown]
        if any(apart):
            found.append(Column(heading=f"Δ{label}", cells=apart))
    return found


def told_cell(comparison: Comparison, position: int, label: str, unit: str) -> str:
    """The label information of one model with its error; a dash where it has no such label."""
    report = comparison.reports[position]
    if label not in report.labels:
        return "–"
    scale, estimate = divisor(report, unit), report.labels[label].estimates[OF_LABELS]
    error = None if estimate.se_data is None else estimate.se_data / scale
    return with_error(estimate.value / scale, error, DECIMALS[unit])


def apart_cell(comparison: Comparison, position: int, label: str, unit: str) -> str:
    """A model's difference from the reference with its error; empty where there is none."""
    model, scale = comparison.names[position], divisor(comparison.reports[position], unit)
    found = (
        d
        for d in comparison.label_differences
        if (d.first, d.name) == (model, f"{label}.{OF_LABELS}")
    )
    d = next(found, None)
    if d is None:
        return "–" if model == comparison.reference and comparison.label_differences else ""
    error = None if d.se_data is None else d.se_data / scale
    doubt = f"{UNCLEAR} " if is_unclear(d) else ""
    mark = "" if d.paired else UNPAIRED
    if d.value == 0 and not error:
        return f"{doubt}0{mark}"
    return f"{doubt}{with_error(d.value / scale, error, DECIMALS[unit])}{mark}"


def is_unclear(difference: Difference) -> bool:
    """Whether a difference is none for sure: within so many of its errors of zero."""
    error = difference.se_data
    return error is not None and abs(difference.value) <= ERRORS * error


def label_title(comparison: Comparison, unit: str) -> str:
    """What the table of labels says."""
    return f"What the codes tell of each label, at least, {unit}"


def label_notes(comparison: Comparison) -> list[str]:
    """What the marks of the table of labels mean."""
    if not comparison.label_differences:
        return []
    several = [d for d in comparison.label_differences if d.paired]
    how = ", paired over examples" if several else ""
    found = [f"Δ is from {comparison.reference}{how}; {UNCLEAR} less than {ERRORS:g} errors."]
    if len(several) < len(comparison.label_differences):
        found.append(f"{UNPAIRED} not paired: evaluate with --store to have the examples at hand.")
    return found
