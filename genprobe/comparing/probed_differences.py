"""Differences of what probes of plugins say of several models, paired over examples.

A row of a plugin is paired where its estimate is the mean of the probe of the same name. Values are
in the unit of the estimate.
"""

from collections.abc import Mapping

from genprobe.comparing.difference import Difference
from genprobe.comparing.differences import Columns, copies_of, difference, has_mean
from genprobe.estimators.catalog import CATALOG
from genprobe.report import Report


def rows_of_plugins(reports: Mapping[str, Report]) -> list[str]:
    """The estimates of any of several reports that are not genprobe's own.

    Args:
        reports: by the names the models go by.
    """
    every = [name for report in reports.values() for name in report.estimates]
    return [name for name in dict.fromkeys(every) if name not in CATALOG]


def probed_differences(reports: Mapping[str, Report], reference: str) -> list[Difference]:
    """The differences of every other model from one, of each mean of a probe that both have.

    Args:
        reports: by the names the models go by, on the same data.
        reference: name of the one.
    """
    base, names = reports[reference], rows_of_plugins(reports)
    theirs = probed_means(base, names)
    which = copies_of(base) if theirs else None
    found = []
    for model, report in reports.items():
        if model == reference:
            continue
        mine = probed_means(report, names)
        found += [
            difference(model, reference, report[name], base[name], mine, theirs, which)
            for name in names
            if name in mine and name in theirs
        ]
    return found


def probed_means(report: Report, names: list[str]) -> Columns:
    """The columns of which a report's estimates are means, (draw, n) by name; none without a store.

    Args:
        report: of a model.
        names: of the estimates.
    """
    store = report.store
    if store is None:
        return {}
    stored = (name for name in names if name in report.estimates and store.has(f"probes/{name}"))
    columns = {name: store.column(f"probes/{name}") for name in stored}
    return {name: v for name, v in columns.items() if has_mean(v, report.estimates[name])}
