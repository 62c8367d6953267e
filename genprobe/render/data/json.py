"""Reports and comparisons as JSON, and the schema of comparisons (beside this file)."""

import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from genprobe.comparing.comparison import Comparison
from genprobe.report import NAME as REPORT
from genprobe.report import Report, plain_json, report_schema
from genprobe.runtime.output_file import ResultKind

NAME = "genprobe.comparison"
SCHEMA = f"{NAME}/1"
FURTHER = (
    "label_differences",
    "inference_differences",
    "code_differences",
    "probed_differences",
)
"""Differences that are written where there are any."""
LARGEST = 1 << 28
"""Bytes of a file up to which it is read to find out whether it is genprobe's."""


def to_dict(comparison: Comparison) -> dict[str, Any]:
    """A comparison as plain types; everything in nats."""
    return {
        "schema": SCHEMA,
        "models": [
            {"name": name, "report": report.to_dict()}
            for name, report in zip(comparison.names, comparison.reports, strict=True)
        ],
        "verdict": list(comparison.verdict),
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
        "differences": [{**asdict(d), "z": d.z} for d in comparison.differences],
        **{
            name: [{**asdict(d), "z": d.z} for d in getattr(comparison, name)]
            for name in FURTHER
            if getattr(comparison, name)
        },
    }


def dumps(comparison: Comparison) -> str:
    """A comparison as JSON text.

    Raises:
        GenprobeError: if a number is not finite.
    """
    estimates = (e for report in comparison.reports for e in report.estimates.values())
    return plain_json(to_dict(comparison), estimates)


def to_json(report: Report) -> str:
    """A report as JSON text, schema ``genprobe.report/1``."""
    return report.to_json()


def comparison_schema() -> dict[str, Any]:
    """The JSON Schema of a comparison, that of its reports included."""
    report = {k: v for k, v in report_schema().items() if k not in ("$id", "$defs")}
    text = (files("genprobe.render.data") / "comparison.schema.json").read_text(encoding="utf-8")
    return {**json.loads(text), "$defs": {**report_schema()["$defs"], "report": report}}


def wrote_json(path: Path) -> bool:
    """Whether a file is a report or comparison of any version, and nothing besides."""
    if path.stat().st_size > LARGEST:
        return False
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    schema = content.get("schema") if isinstance(content, dict) else None
    return isinstance(schema, str) and schema.partition("/")[0] in (REPORT, NAME)


JSON = ResultKind(name="a report or comparison of genprobe as JSON", wrote=wrote_json)
