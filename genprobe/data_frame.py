"""Reports as pandas tables: one row a model, one column a number."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from genprobe.errors import GenprobeError
from genprobe.summary import epoch, scalars
from genprobe.types import Report

if TYPE_CHECKING:
    import pandas as pd

PLAIN = (str, int, float, bool)


def frame(reports: Iterable[Report] | Report) -> "pd.DataFrame":
    """One row a report: what it is of, every estimate with both errors, and what reproduces it.

    Each estimate NAME has the columns ``NAME``, ``NAME_se`` and ``NAME_se_data``, in the estimate's
    own unit (nats, but for counts); what a report lacks, and an error that is not known, is NaN.
    Facts of the training are ``training.FACT``, such as ``training.beta``.

    Args:
        reports: such as those of a Comparison, or a watch's history.

    Raises:
        GenprobeError: if pandas is not installed.
    """
    pandas = require_pandas()
    given = [reports] if isinstance(reports, Report) else reports
    return pandas.DataFrame([{**about(r), **numbers(r), **facts(r)} for r in given])


def dimension_frame(reports: Iterable[Report]) -> "pd.DataFrame":
    """One row a latent dimension of a report; the columns are the fields of ``Dimension``.

    Args:
        reports: of any models.

    Raises:
        GenprobeError: if pandas is not installed.
    """
    pandas = require_pandas()
    rows = [{**about(r), **asdict(d)} for r in reports for d in r.dimensions]
    return pandas.DataFrame(rows)


def require_pandas() -> Any:
    """The module pandas.

    Raises:
        GenprobeError: if it is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise GenprobeError(
            "A DataFrame needs pandas, which is not installed.", "Run: pip install pandas"
        ) from error
    return pandas


def about(report: Report) -> dict[str, Any]:
    """What a report is of; the epoch, if it was made while training."""
    found: dict[str, Any] = {"model": report.model, "dataset": report.dataset, "n": report.n}
    made = epoch(report)
    return found if made is None else {**found, "epoch": made}


def numbers(report: Report) -> dict[str, Any]:
    """The regime, and every estimate with its errors."""
    errors = [f"{name}{end}" for name in report.estimates for end in ("", "_se", "_se_data")]
    found = {"regime_probability": 0.0} | dict.fromkeys(errors, math.nan)
    return {"regime": report.regime.label, **found, **scalars(report)}


def facts(report: Report) -> dict[str, Any]:
    """The plain facts of the provenance, those of the training among them."""
    training = plain(report.provenance.get("training", {}))
    return plain(report.provenance) | {f"training.{k}": v for k, v in training.items()}


def plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a record that fit a cell."""
    return {k: v for k, v in record.items() if isinstance(v, PLAIN)}
