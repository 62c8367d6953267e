"""What comes out: the estimates of one model on one data set, what they come with, and JSON."""

from genprobe.report.estimate import Estimate, Kind
from genprobe.report.report import (
    BOUNDS_ALONE,
    COLLAPSED_NATS,
    FAILED,
    OWN,
    UNAVAILABLE,
    Dimension,
    Regime,
    Report,
    from_dict,
)
from genprobe.report.schema import NAME, SCHEMA, number, plain_json, report_schema

__all__ = [
    "BOUNDS_ALONE",
    "COLLAPSED_NATS",
    "FAILED",
    "NAME",
    "OWN",
    "SCHEMA",
    "UNAVAILABLE",
    "Dimension",
    "Estimate",
    "Kind",
    "Regime",
    "Report",
    "from_dict",
    "number",
    "plain_json",
    "report_schema",
]
