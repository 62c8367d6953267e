"""Comparisons as CSV: one row a model, every estimate with its errors, in nats."""

import csv
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from genprobe.comparing.comparison import Comparison
from genprobe.escape import escaped
from genprobe.report import Estimate, Report
from genprobe.runtime.output_file import ResultKind

FACTS = ("model", "dataset", "n", "regime", "regime_probability", "frontier", "hull")


def to_csv(comparison: Comparison) -> str:
    """A comparison as CSV text with a line of headings; what a model lacks is left empty.

    ``rate``, ``rate_se`` and ``rate_se_data`` are an estimate and its errors. ``elbo_difference``
    and the like are differences from the model whose ``reference`` is 1.
    """
    comparison = escaped(comparison)
    rows = [csv_row(comparison, i) for i in range(len(comparison.reports))]
    names = list(dict.fromkeys(name for each in rows for name in each))
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([no_formula(name) for name in names])
    writer.writerows([[no_formula(row.get(name)) for name in names] for row in rows])
    return out.getvalue()


def no_formula(value: Any) -> Any:
    """What a spreadsheet is given: a number as it is, and a text that it takes for no formula.

    >>> no_formula("=1+1"), no_formula("vae"), no_formula(-0.5), no_formula("-0.5")
    ("'=1+1", 'vae', -0.5, '-0.5')
    """
    if not isinstance(value, str) or not value.startswith(("=", "+", "-", "@")):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def csv_row(comparison: Comparison, position: int) -> dict[str, Any]:
    """One model's row."""
    name, report = comparison.names[position], comparison.reports[position]
    facts = (
        name,
        report.dataset,
        report.n,
        report.regime.label,
        report.regime.probability,
        int(position in comparison.frontier),
        int(position in comparison.hull),
    )
    return {
        **dict(zip(FACTS, facts, strict=True)),
        "reference": int(name == comparison.reference),
        **estimates_of(report.estimates),
        **label_numbers(report),
        **differences_of(comparison, name),
    }


def label_numbers(report: Report) -> dict[str, float | None]:
    """Every estimate of every label and its two errors; ``digit.label_information`` and so on."""
    return {
        f"{label}.{name}": value
        for label, said in report.labels.items()
        for name, value in estimates_of(said.estimates).items()
    }


def estimates_of(estimates: Mapping[str, Estimate]) -> dict[str, float | None]:
    """Every estimate and its two errors."""
    found: dict[str, float | None] = {}
    for name, estimate in estimates.items():
        found |= {
            name: estimate.value,
            f"{name}_se": estimate.se,
            f"{name}_se_data": estimate.se_data,
        }
    return found


def differences_of(comparison: Comparison, name: str) -> dict[str, float | None]:
    """A model's differences from the reference, their errors and z, and whether they are paired."""
    found: dict[str, float | None] = {}
    for d in comparison.every_difference:
        if d.first == name:
            title = f"{d.name}_difference"
            found |= {
                title: d.value,
                f"{title}_se": d.se,
                f"{title}_se_data": d.se_data,
                f"{title}_z": d.z,
                f"{title}_paired": int(d.paired),
            }
    return found


def wrote_csv(path: Path) -> bool:
    """Whether a file begins with the headings of a comparison."""
    start = bytes(",".join((*FACTS, "reference")), "utf-8")
    with path.open("rb") as file:
        return file.read(len(start)) == start


CSV = ResultKind(name="a comparison of genprobe as CSV", wrote=wrote_csv)
