"""What the code says of the labels in a store, from the quantities that estimators use."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genprobe.aggregate.distinct import DistinctExamples
from genprobe.aggregate.queries import Queries
from genprobe.aggregate.tally import Tally
from genprobe.errors import UnavailableError
from genprobe.estimators.quantities import Quantities
from genprobe.labels import Code, LabelColumns, label_columns, label_reports
from genprobe.report import Estimate
from genprobe.report.labels import LabelReport
from genprobe.runtime.progress import Progress, silent
from genprobe.store.labels import StoredLabel
from genprobe.store.read import Store
from genprobe.types import Family


@dataclass(frozen=True, kw_only=True, eq=False)
class TalliedLabels:
    """The labels of a store, and where they are in what its queries tally.

    Attributes:
        labels: of the store.
        tally: of their classes; None where there is no label.
        columns: of each label in it.
    """

    labels: Sequence[StoredLabel] = ()
    tally: Tally | None = None
    columns: Sequence[LabelColumns] = ()


def tallied_labels(
    labels: Sequence[StoredLabel], distinct: DistinctExamples | None
) -> TalliedLabels:
    """The labels of a store with their tally.

    Args:
        labels: of the store.
        distinct: its distinct examples, if some are equal.
    """
    if not labels:
        return TalliedLabels()
    tally, columns = label_columns([each.label for each in labels], distinct)
    return TalliedLabels(labels=labels, tally=tally, columns=columns)


def stored_label_reports(
    store: Store,
    family: Family,
    quantities: Quantities,
    estimates: Mapping[str, Estimate],
    labels: TalliedLabels,
    progress: Progress = silent,
) -> tuple[dict[str, LabelReport], dict[str, str]]:
    """What a store's code says of each label, and why it says nothing of others, by name.

    Args:
        store: finished.
        family: of its posteriors.
        quantities: of the store, whose queries tallied the labels.
        estimates: of the report, for I(n;z) and the upper end of I(X;Z).
        labels: of the store.
        progress: display.
    """
    if labels.tally is None:
        return {}, {}
    queries = tallied_queries(quantities)
    information = estimates.get("mutual_information")
    if information is None and queries is not None:
        information = quantities.mutual_information
    code = Code(
        store=store,
        family=family,
        queries=queries,
        tally=labels.tally,
        columns=tuple(labels.columns),
        information=information,
        upper=estimates.get("mutual_information_population_upper"),
        distinct=quantities.distinct,
        progress=progress,
    )
    return label_reports(code, [each.label.name for each in labels.labels if each.leak])


def tallied_queries(quantities: Quantities) -> Queries | None:
    """The queries of q(z); None where there is no q(z)."""
    with contextlib.suppress(UnavailableError):
        return quantities.queries
    return None
