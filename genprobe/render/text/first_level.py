"""What rows are called that are of the first level of a chain of latents alone."""

from genprobe.estimators.catalog import CODE, EXAMPLES, POPULATION, row_of
from genprobe.report import Report

OF_CODE = (EXAMPLES, POPULATION, CODE)
"""Sections of rows that are of the code that is stored: of a chain its first level."""
OTHERWISE = {"I(n;z)": "I(n;z₁)", "I(X;Z)": "I(X;Z₁)", "R − ": "R₁ − "}


def has_chain(report: Report) -> bool:
    """Whether a report is of a chain of more than one latent.

    Args:
        report: of one model.
    """
    return len(report.levels) > 1 and all(level.family for level in report.levels)


def of_first_level(report: Report, name: str, label: str) -> str:
    """What a row is called; of a chain, where it is of the first level alone, so that it says so.

    Args:
        report: that it is in.
        name: of the estimate.
        label: of the row in other reports.
    """
    if not has_chain(report) or row_of(name).section not in OF_CODE:
        return label
    said = label
    for usual, own in OTHERWISE.items():
        said = said.replace(usual, own)
    return said if "₁" in said or label.startswith(" ") else f"{said} of z₁"
