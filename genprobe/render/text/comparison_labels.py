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
        if compared_labels(comparison, label):
            apart = [apart_cell(comparison, i, label, unit) for i in shown]
            found.append(Column(heading=f"Δ{label}", cells=apart))
    return found


def compared_labels(comparison: Comparison, label: str) -> list[Difference]:
    """The differences of one label from the reference."""
    name = f"{label}.{OF_LABELS}"
    return [d for d in comparison.label_differences if d.name == name]


def is_left_out(comparison: Comparison, label: str) -> bool:
    """Whether a model has a label of that name that is not the reference's."""
    with_label = [
        name
        for name, report in zip(comparison.names, comparison.reports, strict=True)
        if label in report.labels
    ]
    others = len(with_label) - 1 if comparison.reference in with_label else 0
    return others > len(compared_labels(comparison, label))


def told_cell(comparison: Comparison, position: int, label: str, unit: str) -> str:
    """The label information of one model with its error; a dash where it has no such label."""
    report = comparison.reports[position]
    if label not in report.labels:
        return "–"
    scale, estimate = divisor(report, unit), report.labels[label].estimates[OF_LABELS]
    return with_error(estimate.value, estimate.se_data, DECIMALS[unit], scale)


def apart_cell(comparison: Comparison, position: int, label: str, unit: str) -> str:
    """A model's difference from the reference with its error; empty where there is none."""
    model, scale = comparison.names[position], divisor(comparison.reports[position], unit)
    d = next((d for d in compared_labels(comparison, label) if d.first == model), None)
    if d is None:
        return "–" if model == comparison.reference else ""
    doubt = f"{UNCLEAR} " if is_unclear(d) else ""
    mark = "" if d.paired else UNPAIRED
    if d.value == 0 and not d.se_data:
        return f"{doubt}0{mark}"
    return f"{doubt}{with_error(d.value, d.se_data, DECIMALS[unit], scale)}{mark}"


def is_unclear(difference: Difference) -> bool:
    """Whether a difference is none for sure: within so many of its errors of zero."""
    error = difference.se_data
    return error is not None and abs(difference.value) <= ERRORS * error


def label_title(comparison: Comparison, unit: str) -> str:
    """What the table of labels says."""
    return f"What the codes tell of each label, at least, {unit}"


def label_notes(comparison: Comparison) -> list[str]:
    """What the marks of the table of labels mean."""
    found = []
    if any(is_left_out(comparison, name) for name in label_names(comparison)):
        found.append("No Δ where a label of one name is another: other values or classes.")
    if not comparison.label_differences:
        return found
    several = [d for d in comparison.label_differences if d.paired]
    how = ", paired over examples" if several else ""
    said = f"Δ is from {comparison.reference}{how}; {UNCLEAR} less than {ERRORS:g} errors."
    found.insert(0, said)
    if len(several) < len(comparison.label_differences):
        found.append(f"{UNPAIRED} not paired: evaluate with --store to have the examples at hand.")
    return found
