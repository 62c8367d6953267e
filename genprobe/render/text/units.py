"""Units of information: nats, bits, and bits per dimension of the data."""

import math
from collections.abc import Sequence

from genprobe.errors import GenprobeError
from genprobe.report import Report

UNITS = ("nats", "bits", "bits/dim")
DECIMALS = {"nats": 3, "bits": 3, "bits/dim": 5}
"""Of numbers in a unit: a bit per dimension is much."""


def common_divisor(reports: Sequence[Report], unit: str) -> float:
    """What the nats of all of several reports are divided by.

    Raises:
        GenprobeError: if it is not the same for all.
    """
    found = {divisor(report, unit) for report in reports}
    if len(found) > 1:
        raise GenprobeError(
            f"The data have examples of different sizes, and no {unit} in common.",
            "Use nats or bits.",
        )
    return found.pop()


def divisor(report: Report, unit: str) -> float:
    """What nats are divided by to give the unit.

    Args:
        report: bits/dim divides by the number of values in one of its examples.
        unit: ``nats``, ``bits`` or ``bits/dim``.

    Raises:
        GenprobeError: if there is no such unit, or nothing says how many values those are.
    """
    if unit == "nats":
        return 1.0
    if unit == "bits":
        return math.log(2)
    if unit == "bits/dim":
        values: int = math.prod(report.provenance.get("event_shape", [0]))
        if values == 0:
            raise GenprobeError(
                f"The number of values in an example of {report.dataset} is not known.",
                "Give the event_shape of the data with the posteriors, or use nats or bits.",
            )
        return math.log(2) * values
    raise GenprobeError(f"There is no unit {unit!r}.", f"Choose one of {', '.join(UNITS)}.")
