"""A report as plain numbers by name: for tables and for loggers."""

from genprobe.types import Report


def scalars(report: Report) -> dict[str, float]:
    """Every number of a report that is known: NAME, NAME_se and NAME_se_data of each estimate.

    Args:
        report: of anything; values are in the unit of each estimate, nats but for counts.
    """
    found: dict[str, float | None] = {"regime_probability": report.regime.probability}
    for name, e in report.estimates.items():
        found |= {name: e.value, f"{name}_se": e.se, f"{name}_se_data": e.se_data}
    return {name: float(value) for name, value in found.items() if value is not None}


def epoch(report: Report) -> int | None:
    """The epoch after which a report was made, if it was made while training."""
    found: int | None = report.provenance.get("training", {}).get("epoch")
    return found
