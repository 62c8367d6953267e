"""Several reports side by side, under one bound on the entropy of the data."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genprobe.errors import GenprobeError
from genprobe.regimes import (
    DEFAULT_CUTS,
    Cuts,
    Entropy,
    normal_draws,
    normal_replicates,
    place,
    smallest,
)
from genprobe.reporting import OWN, report_from_store
from genprobe.store.read import open_store
from genprobe.types import Report


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Reports of several models on the same data.

    Attributes:
        reports: from the lowest rate to the highest, their regimes under the shared bound.
        entropy: the shared bound Ĥ, nats; None where there is none.
        entropy_source: where it comes from.
        best: the model with the highest ELBO.
        cuts: thresholds of the regimes.
    """

    reports: tuple[Report, ...]
    entropy: float | None
    entropy_source: str | None
    best: str
    cuts: Cuts = DEFAULT_CUTS

    def __rich__(self) -> object:
        from genprobe.render.comparison import comparison_view

        return comparison_view(self)

    def __str__(self) -> str:
        from genprobe.render.comparison import to_text

        return to_text(self)


def compare(sources: Sequence[Report | str | Path], *, cuts: Cuts = DEFAULT_CUTS) -> Comparison:
    """Compare reports, stores or report files of the same data set.

    The shared Ĥ is the smallest bound that any of them knows, its own R + D included.

    Args:
        sources: reports, or paths of stores (.h5) and of reports (.json).
        cuts: thresholds of the regimes.

    Raises:
        GenprobeError: if there is none, a file does not read, or the data sets differ.
    """
    reports = [read_report(source) for source in sources]
    if not reports:
        raise GenprobeError("There is nothing to compare.", "Give at least one store or report.")
    require_same_data(reports)
    bounds = [
        Entropy(value=r.regime.entropy, source=source_of(r))
        for r in reports
        if r.regime.entropy is not None
    ]
    shared = smallest(bounds)
    ranked = sorted(
        (replace_regime(r, shared, cuts) for r in reports), key=lambda r: r["rate"].value
    )
    with_elbo = [r for r in ranked if "elbo" in r.estimates]
    return Comparison(
        reports=tuple(ranked),
        entropy=None if shared is None else shared.value,
        entropy_source=None if shared is None else shared.source,
        best=max(with_elbo, key=lambda r: r["elbo"].value).model if with_elbo else "",
        cuts=cuts,
    )


def source_of(report: Report) -> str:
    """Where a report's bound comes from, in words that hold beside other models."""
    source = report.regime.entropy_source or ""
    mine = source.removeprefix(OWN)
    return source if mine == source else f"{mine} of {report.model}"


def replace_regime(report: Report, entropy: Entropy | None, cuts: Cuts) -> Report:
    """The report with its regime under a shared bound."""
    needed = ("rate", "distortion", "elbo")
    if (
        entropy is None
        or report.regime.entropy is None
        or not set(needed) <= report.estimates.keys()
    ):
        return report
    rate, distortion, elbo = (report[name] for name in needed)
    replicates = normal_replicates(rate, distortion, elbo)
    slope, slopes = report.estimates.get("slope"), None
    if slope is not None:
        slopes = slope.value + (slope.se_data or 0.0) * normal_draws(1, seed=1).squeeze(1)
    regime = place(rate, distortion, slope, entropy, replicates, slopes, cuts)
    return dataclasses.replace(report, regime=regime)


def require_same_data(reports: Sequence[Report]) -> None:
    """Check that reports can stand beside each other.

    Raises:
        GenprobeError: naming two that cannot.
    """
    first = reports[0]
    for other in reports[1:]:
        prints = [r.provenance.get("dataset_fingerprint") for r in (first, other)]
        if prints[0] != prints[1]:
            raise GenprobeError(
                f"{first.model} was evaluated on {first.dataset} and {other.model} on "
                f"{other.dataset}, which are different data.",
                "Compare models on the same data set, with the same binarisation.",
            )
        given = [tuple(r.provenance.get("context", ())) for r in (first, other)]
        if given[0] != given[1]:
            raise GenprobeError(
                f"{first.model} is conditional on {named(given[0])} and {other.model} on "
                f"{named(given[1])}: what is left to say of x differs, and so does Ĥ.",
                "Compare models that are given the same.",
            )


def named(context: Sequence[str]) -> str:
    """The parts of a context in words."""
    return ", ".join(context) or "nothing"


def read_report(source: Report | str | Path) -> Report:
    """A report as given, from JSON, or made from a store.

    Raises:
        GenprobeError: if the file is missing or is neither.
    """
    if isinstance(source, Report):
        return source
    path = Path(source)
    if not path.is_file():
        raise GenprobeError(f"There is no store or report at {path}.", "Check the path.")
    with path.open("rb") as file:
        start = file.read(1)
    if start != b"{":
        return report_from_store(open_store(path))
    try:
        return Report.from_json(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise GenprobeError(f"{path} is not a genprobe report.") from error
    except GenprobeError as error:
        raise GenprobeError(f"{path}: {error.what}", error.remedy) from error
