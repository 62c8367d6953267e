"""Reports as pandas tables: one row a model, one column a number."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genprobe.comparing.comparison import Comparison
from genprobe.comparing.inputs import read_reports, without_side_files
from genprobe.errors import GenprobeError
from genprobe.report import Report
from genprobe.report.labels import LabelReport
from genprobe.runtime.progress import silent

if TYPE_CHECKING:
    import pandas as pd

Source = Report | str | Path
"""A report, or the path of a store or of a report file."""

PLAIN = (str, int, float, bool)


def frame(reports: Comparison | Iterable[Source] | Source) -> "pd.DataFrame":
    """One row a report: what it is of, every estimate with both errors, and what reproduces it.

    Each estimate NAME has the columns ``NAME``, ``NAME_se`` and ``NAME_se_data``, in the estimate's
    own unit (nats, but for counts); what a report lacks, and an error that is not known, is NaN.
    Facts of the training are ``training.FACT``, such as ``training.beta``.

    Args:
        reports: some, such as a watch's history, or paths of stores and report files; or a
            Comparison, whose models keep the names that tell them apart.

    Raises:
        GenprobeError: if pandas is not installed, or a path is of no store or report.

    Example:
        >>> import numpy, genprobe
        >>> params = {"loc": numpy.zeros((20, 2)), "scale": numpy.ones((20, 2))}
        >>> report = genprobe.evaluate_posteriors(params, name="prior itself")
        >>> frame(report)["rate"].tolist()
        [0.0]
    """
    pandas = require_pandas()
    rows = [{**about(r), **numbers(r), **facts(r)} for r in reports_of(reports)]
    return pandas.DataFrame(rows)


def dimension_frame(reports: Comparison | Iterable[Source] | Source) -> "pd.DataFrame":
    """One row a latent dimension of a report; the columns are the fields of ``Dimension``.

    Args:
        reports: as ``frame`` takes them.

    Raises:
        GenprobeError: if pandas is not installed, or a path is of no store or report.

    Example:
        >>> import numpy, genprobe
        >>> params = {"loc": numpy.zeros((20, 2)), "scale": numpy.ones((20, 2))}
        >>> dimension_frame(genprobe.evaluate_posteriors(params))["rate"].tolist()
        [0.0, 0.0]
    """
    pandas = require_pandas()
    rows = [{**about(r), **asdict(d)} for r in reports_of(reports) for d in r.dimensions]
    return pandas.DataFrame(rows)


def label_frame(reports: Comparison | Iterable[Source] | Source) -> "pd.DataFrame":
    """One row a label of a report: what it is, every estimate with both errors, and the verdict.

    Each estimate NAME has the columns ``NAME``, ``NAME_se`` and ``NAME_se_data``; nats, but for
    ``label_share`` and ``label_gap``. ``leak_lower`` and the like are of labels that were marked.

    Args:
        reports: as ``frame`` takes them.

    Raises:
        GenprobeError: if pandas is not installed, or a path is of no store or report.

    Example:
        >>> import numpy, genprobe
        >>> params = {"loc": numpy.zeros((20, 2)), "scale": numpy.ones((20, 2))}
        >>> len(label_frame(genprobe.evaluate_posteriors(params)))
        0
    """
    pandas = require_pandas()
    rows = [{**about(r), **label_row(k)} for r in reports_of(reports) for k in r.labels.values()]
    return pandas.DataFrame(rows)


def label_row(label: LabelReport) -> dict[str, Any]:
    """What a report says of one label, in plain cells."""
    numbers: dict[str, Any] = {}
    for name, e in label.estimates.items():
        numbers |= {name: e.value, f"{name}_se": e.se, f"{name}_se_data": e.se_data}
    leak = {} if label.leak is None else asdict(label.leak)
    return {
        "label": label.name,
        "classes": len(label.classes),
        "labelled": label.n,
        "missing": label.missing,
        **{name: math.nan if value is None else value for name, value in numbers.items()},
        "candidate": label.candidate,
        "accuracy": label.accuracy,
        "saturated": label.saturated,
        "informative": " ".join(map(str, label.informative)),
        **{f"leak_{name}": value for name, value in leak.items()},
    }


def reports_of(given: Comparison | Iterable[Source] | Source) -> Sequence[Report]:
    """The reports that a comparison, paths or reports stand for."""
    if isinstance(given, Comparison):
        return given.named
    sources = [given] if isinstance(given, Source) else list(given)
    return read_reports(without_side_files(sources), silent)


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
    made = report.epoch
    return found if made is None else {**found, "epoch": made}


def numbers(report: Report) -> dict[str, Any]:
    """The regime, and every estimate with its errors."""
    errors = [f"{name}{end}" for name in report.estimates for end in ("", "_se", "_se_data")]
    found = {"regime_probability": 0.0} | dict.fromkeys(errors, math.nan)
    return {"regime": report.regime.label, **found, **report.scalars()}


def facts(report: Report) -> dict[str, Any]:
    """The plain facts of the provenance, those of the training among them."""
    training = plain_facts(report.provenance.get("training", {}))
    return plain_facts(report.provenance) | {f"training.{k}": v for k, v in training.items()}


def plain_facts(record: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a record that fit a cell."""
    return {k: v for k, v in record.items() if isinstance(v, PLAIN)}
