"""The JSON of reports: its schema, what is of that schema, and numbers as text."""

import json
import math
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

from genprobe.errors import GenprobeError
from genprobe.report.estimate import Estimate

NAME, VERSION = "genprobe.report", 1
SCHEMA = f"{NAME}/{VERSION}"
NOT_ONE = "This JSON is not a genprobe report"
HUGE = 1e9
"""From here on digits say less than their number: it is written as a power of ten."""


@cache
def report_schema() -> dict[str, Any]:
    """The JSON Schema of a report."""
    text = (files("genprobe.render.data") / "report.schema.json").read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


def require_schema(schema: Any) -> None:
    """Check that JSON is of a report, and of a schema that is known.

    Raises:
        GenprobeError: if it is not.
    """
    if not isinstance(schema, str):
        raise GenprobeError(f"{NOT_ONE}: it has no schema.")
    name, _, version = schema.partition("/")
    if name != NAME or not re.fullmatch("[0-9]{1,9}", version):
        raise GenprobeError(f"{NOT_ONE} but {schema[:40]!r}.")
    if int(version) > VERSION:
        raise GenprobeError(
            f"This JSON has the schema {schema}; this genprobe reads up to {SCHEMA}.",
            "Upgrade genprobe.",
        )


def plain_json(content: dict[str, Any], estimates: Iterable[Estimate]) -> str:
    """Plain types as JSON text.

    Args:
        content: to be written.
        estimates: that it is made from.

    Raises:
        GenprobeError: naming what is not finite.
    """
    try:
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError as error:
        odd = [e.name for e in estimates if not math.isfinite(e.value)]
        raise GenprobeError(
            f"The report has a number that is not finite ({', '.join(odd) or 'in its provenance'})."
        ) from error


def number(value: float, decimals: int = 3) -> str:
    """So many decimals and a true minus sign; huge ones as a power of ten.

    Args:
        value: to be written.
        decimals: behind the point.

    >>> number(-1.25), number(3e18)
    ('−1.250', '3.000e+18')
    """
    if abs(value) >= HUGE:
        return f"{value:.3e}".replace("-", "−", 1) if value < 0 else f"{value:.3e}"
    text = f"{value:.{decimals}f}"
    return text.replace("-", "−" if float(text) else "")
