"""Reports and comparisons as JSON, and the schemas of both (*.schema.json beside this file)."""

import dataclasses
import json
from importlib.resources import files
from typing import Any

from genprobe.comparing.comparison import Comparison
from genprobe.report import Report, plain_json

SCHEMA = "genprobe.comparison/1"


def to_dict(comparison: Comparison) -> dict[str, Any]:
    """A comparison as plain types; everything in nats."""
    return {
        "schema": SCHEMA,
        "models": [
            {"name": name, "report": report.to_dict()}
            for name, report in zip(comparison.names, comparison.reports, strict=True)
        ],
        "sort": comparison.sort,
        "side_by_side": comparison.side_by_side,
        "same_measure": comparison.same_measure,
        "entropy": comparison.entropy,
        "entropy_source": comparison.entropy_source,
        "best": comparison.best or None,
        "frontier": [comparison.names[i] for i in comparison.frontier],
        "hull": [comparison.names[i] for i in comparison.hull],
        "reference": comparison.reference,
        "comparisons": comparison.comparisons,
        "critical": comparison.critical,
        "differences": [{**dataclasses.asdict(d), "z": d.z} for d in comparison.differences],
    }


def dumps(comparison: Comparison) -> str:
    """A comparison as JSON text.

    Raises:
        GenprobeError: if a number is not finite.
    """
    return plain_json(to_dict(comparison), comparison.reports)


def to_json(report: Report) -> str:
    """A report as JSON text, schema ``genprobe.report/1``."""
    return report.to_json()


def report_schema() -> dict[str, Any]:
    """The JSON Schema of a report."""
    return read_schema("report")


def comparison_schema() -> dict[str, Any]:
    """The JSON Schema of a comparison, that of its reports included."""
    report = {k: v for k, v in report_schema().items() if k != "$id"}
    return {**read_schema("comparison"), "$defs": {"report": report}}


def read_schema(name: str) -> dict[str, Any]:
    """A schema that ships with genprobe."""
    text = (files("genprobe.render.data") / f"{name}.schema.json").read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content
