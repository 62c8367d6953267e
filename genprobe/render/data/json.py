"""Reports as JSON, schema ``genprobe.report/1`` (report.schema.json beside this file)."""

import dataclasses
import json
import math
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, NoReturn

from genprobe.errors import GenprobeError
from genprobe.types import Dimension, Estimate, Notice, Regime, Report

NAME, VERSION = "genprobe.report", 1
SCHEMA = f"{NAME}/{VERSION}"


def to_dict(report: Report) -> dict[str, Any]:
    """A report as plain types."""
    estimates = {name: dataclasses.asdict(e) for name, e in report.estimates.items()}
    for content in estimates.values():
        del content["name"]
    regime = dataclasses.asdict(report.regime)
    regime["alternatives"] = [list(pair) for pair in report.regime.alternatives]
    regime["reasons"] = list(report.regime.reasons)
    return {
        "schema": SCHEMA,
        "model": report.model,
        "dataset": report.dataset,
        "n": report.n,
        "estimates": estimates,
        "dimensions": [dataclasses.asdict(d) for d in report.dimensions],
        "regime": regime,
        "warnings": [dataclasses.asdict(w) for w in report.warnings],
        "provenance": dict(report.provenance),
    }


def dumps(report: Report) -> str:
    """A report as JSON text.

    Raises:
        GenprobeError: if a number is not finite.
    """
    return plain_json(to_dict(report), [report])


def plain_json(content: dict[str, Any], reports: Sequence[Report]) -> str:
    """Plain types as JSON text.

    Args:
        content: to be written.
        reports: that it is made from.

    Raises:
        GenprobeError: naming what is not finite.
    """
    try:
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError as error:
        odd = [e.name for r in reports for e in r.estimates.values() if not math.isfinite(e.value)]
        raise GenprobeError(
            f"The report has a number that is not finite ({', '.join(odd) or 'in its provenance'})."
        ) from error


def loads(text: str) -> Report:
    """The report in JSON text.

    Raises:
        GenprobeError: if it is not a report, or of a newer schema.
    """
    try:
        content = json.loads(text, parse_constant=refuse)
        name, _, version = content["schema"].partition("/")
        if name == NAME and int(version) > VERSION:
            raise GenprobeError(
                f"The report has schema {content['schema']}; this genprobe reads up to {SCHEMA}.",
                "Upgrade genprobe.",
            )
        if name != NAME:
            raise GenprobeError(f"This JSON is not a genprobe report but {content['schema']!r}.")
        return from_dict(content)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise GenprobeError(f"This JSON is not a genprobe report: {error!r}.") from error


def refuse(constant: str) -> NoReturn:
    """Refuse a number that no report has, such as NaN.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"{constant} is no number")


def from_dict(content: dict[str, Any]) -> Report:
    """The report in plain types, of the present schema."""
    regime = content["regime"]
    return Report(
        model=content["model"],
        dataset=content["dataset"],
        n=content["n"],
        estimates={k: Estimate(name=k, **v) for k, v in content["estimates"].items()},
        dimensions=tuple(Dimension(**d) for d in content["dimensions"]),
        regime=Regime(
            **{
                **regime,
                "alternatives": tuple((str(k), float(p)) for k, p in regime["alternatives"]),
                "reasons": tuple(regime["reasons"]),
            }
        ),
        warnings=[Notice(**w) for w in content["warnings"]],
        provenance=content["provenance"],
    )


def schema() -> dict[str, Any]:
    """The JSON Schema of a report."""
    text = (files("genprobe.render.data") / "report.schema.json").read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content
