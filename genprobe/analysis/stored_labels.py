"""What the code says of the labels in a store, from the quantities that estimators use."""

import contextlib
from collections.abc import Mapping, Sequence

from genprobe.aggregate.queries import Queries
from genprobe.errors import UnavailableError
from genprobe.estimators.quantities import Quantities
from genprobe.label_report import LabelReport
from genprobe.labels import Code, label_columns, label_reports
from genprobe.report import Estimate
from genprobe.store.labels import StoredLabel
from genprobe.store.read import Store
from genprobe.types import Family


def stored_label_reports(
    store: Store,
    family: Family,
    quantities: Quantities,
    estimates: Mapping[str, Estimate],
    labels: Sequence[StoredLabel],
) -> tuple[dict[str, LabelReport], dict[str, str]]:
    """What a store's code says of each label, and why it says nothing of others, by name.

    Args:
        store: finished.
        family: of its posteriors.
        quantities: of the store, whose queries tallied the labels.
        estimates: of the report, for I(n;z) and the upper end of I(X;Z).
        labels: of the store.
    """
    if not labels:
        return {}, {}
    tally, columns = label_columns([each.label for each in labels], quantities.distinct)
    queries = tallied_queries(quantities)
    information = estimates.get("mutual_information")
    if information is None and queries is not None:
        information = quantities.mutual_information
    code = Code(
        store=store,
        family=family,
        queries=queries,
        tally=tally,
        columns=tuple(columns),
        information=information,
        upper=estimates.get("mutual_information_population_upper"),
        distinct=quantities.distinct,
    )
    return label_reports(code, [each.label.name for each in labels if each.leak])


def tallied_queries(quantities: Quantities) -> Queries | None:
    """The queries of q(z); None where there is no q(z)."""
    with contextlib.suppress(UnavailableError):
        return quantities.queries
    return None
