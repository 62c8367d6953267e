"""Where the templates are, and what those of tables are given, whatever markup they make."""

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from genprobe.analysis.verdict import verdict
from genprobe.comparing.comparison import Comparison
from genprobe.escape import escaped
from genprobe.render.text.comparison_codes import code_columns, code_notes, code_title, has_codes
from genprobe.render.text.comparison_labels import label_columns, label_notes, label_title
from genprobe.render.text.comparison_rows import (
    Cell,
    difference_notes,
    difference_rows,
    difference_title,
    differing,
    headings,
    model_rows,
    notes,
    title,
)
from genprobe.render.text.comparison_verdict import verdict_of
from genprobe.render.text.comparison_warnings import shared_warnings
from genprobe.render.text.further import detailed_parts, short_parts
from genprobe.render.text.headings import COLUMNS, ERRORS
from genprobe.render.text.rows import (
    headline,
    method_lines,
    regime_lines,
    regime_verdict,
    sections,
)
from genprobe.render.text.short_rows import error_columns, scale_of, short_rows, summary
from genprobe.render.text.units import DECIMALS, divisor
from genprobe.report import Report


def template_environment(format: str, **syntax: Any) -> Environment:
    """The templates of a format, in which a name that is not given is an error.

    Args:
        format: the folder of ``genprobe.render`` that they lie in.
        syntax: further settings of ``jinja2.Environment``: escaping, marks, blanks.
    """
    loader = PackageLoader(f"genprobe.render.{format}")
    return Environment(loader=loader, undefined=StrictUndefined, **syntax)


def report_facts(report: Report, unit: str) -> dict[str, Any]:
    """What the table of a report says.

    Args:
        report: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
    """
    report, scale = escaped(report), divisor(report, unit)
    return {
        "headline": headline(report, unit),
        "unit": unit,
        "errors": ERRORS,
        "sections": sections(report, scale, DECIMALS[unit]),
        "method": method_lines(report),
        "further": detailed_parts(report, scale_of(report, unit)),
        "regime": regime_lines(report, unit, scale),
        "warnings": report.warnings,
    }


def screen_facts(report: Report, unit: str) -> dict[str, Any]:
    """What the first screen of a report says.

    Args:
        report: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
    """
    report, scale = escaped(report), divisor(report, unit)
    return {
        "headline": headline(report, unit),
        "summary": summary(report, unit),
        "verdict": verdict(report, unit, scale, DECIMALS[unit]),
        "unit": unit,
        "errors": error_columns(report),
        "rows": short_rows(report, unit),
        "further": short_parts(report, scale_of(report, unit)),
        "regime": regime_verdict(report),
        "warnings": report.warnings,
    }


def comparison_facts(comparison: Comparison, unit: str, warnings: bool = True) -> dict[str, Any]:
    """What the tables of a comparison say, the best of a column to be set in bold.

    Args:
        comparison: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        warnings: whether those of the models are shown; below their own tables they would be twice.
    """
    comparison = escaped(comparison)
    return {
        "title": title(comparison, unit),
        "verdict": verdict_of(comparison, unit),
        "side": comparison.side_by_side,
        "headings": list(headings(comparison).values()),
        "model_rows": model_rows(comparison, unit, DECIMALS[unit]),
        "notes": [re.sub(r"^\* the best", "Bold: the best", n) for n in notes(comparison, unit)],
        "columns": COLUMNS,
        "differing": differing(comparison),
        "missing": Cell("–", "", False),
        "difference_rows": difference_rows(comparison, unit, DECIMALS[unit]),
        "difference_title": difference_title(comparison),
        "difference_notes": difference_notes(comparison),
        "codes": code_columns(comparison, unit, range(len(comparison.names)))
        if has_codes(comparison)
        else [],
        "code_title": code_title(comparison),
        "code_notes": code_notes(comparison),
        "labels": label_columns(comparison, unit, range(len(comparison.names))),
        "names": comparison.names,
        "label_title": label_title(comparison, unit),
        "label_notes": label_notes(comparison),
        "warnings": shared_warnings(comparison) if warnings else [],
    }
