r"""Differences of what two models' codes tell of a label, paired over the examples they share.

.. math::

    \Delta = \frac1N \sum_n \Big(\log \frac{r_a(y_n|z_n)}{\hat\pi_{y_n}}
    - \log \frac{r_b(y_n|z_n)}{\hat\pi_{y_n}}\Big)

The label information is a mean over examples of log(r(y|z)/π_y), each scored by a predictor that
did not see it. So, as for the rate, the difference of two models is a mean of differences, and what
is hard to tell of an example for one model is hard for the other.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.comparing.difference import OF_LABELS, Difference
from genprobe.comparing.differences import added, copies_of
from genprobe.estimators.standard_error import cluster_means, standard_error
from genprobe.report import Report
from genprobe.report.labels import LabelReport
from genprobe.store.labels import read_labels
from genprobe.types.label import Label


def label_differences(reports: Mapping[str, Report], reference: str) -> list[Difference]:
    """The differences of label information of every other model from one, label by label.

    Each goes by ``LABEL.label_information``. A label of one name whose values differ is no label
    that they share.

    Args:
        reports: by the names the models go by, on the same data.
        reference: name of the one.
    """
    base = reports[reference]
    if not base.labels:
        return []
    known, which = stored(base), copies_of(base)
    found = []
    for model, report in reports.items():
        if model == reference or not report.labels:
            continue
        own = stored(report)
        for name in base.labels.keys() & report.labels.keys():
            one, other = report.labels[name], base.labels[name]
            if same_label(one, other, own.get(name), known.get(name)):
                found.append((list(base.labels).index(name), model, one, other))
    return [
        label_difference(model, reference, one, other, which)
        for _, model, one, other in sorted(found, key=lambda each: (each[1], each[0]))
    ]


def stored(report: Report) -> dict[str, Label]:
    """The labels in the store of a report, if it is at hand."""
    if report.store is None:
        return {}
    return {name: each.label for name, each in read_labels(report.store).items()}


def same_label(
    one: LabelReport, other: LabelReport, mine: Label | None, theirs: Label | None
) -> bool:
    """Whether two models were asked about one label, as far as anything says.

    Args:
        one: of the first model.
        other: of the second.
        mine: of the first model's store.
        theirs: of the second's.
    """
    if (one.classes, one.n, one.missing) != (other.classes, other.n, other.missing):
        return False
    return mine is None or theirs is None or np.array_equal(mine.values, theirs.values)


def label_difference(
    first: str,
    second: str,
    one: LabelReport,
    other: LabelReport,
    which: Int64[Tensor, " n"] | None,
) -> Difference:
    """The difference of one label's information.

    Args:
        first: name of the model that is compared.
        second: name of the other.
        one: of the first model.
        other: of the second.
        which: (n,) the distinct example that each is; None where all differ.
    """
    mine, theirs = one.estimates[OF_LABELS], other.estimates[OF_LABELS]
    apart = both_scored(one.terms, other.terms)
    se_data, n = added(mine.se_data, theirs.se_data), min(mine.n, theirs.n)
    if apart is not None:
        there = ~apart.isnan()
        each = cluster_means(apart[there], None if which is None else which[there])
        se_data, n = standard_error(each), int(there.sum())
    return Difference(
        first=first,
        second=second,
        name=f"{one.name}.{OF_LABELS}",
        value=mine.value - theirs.value,
        se=added(mine.se, theirs.se),
        se_data=se_data,
        n=n,
        paired=apart is not None,
    )


def both_scored(one: Any, other: Any) -> Float64[Tensor, " n"] | None:
    """What two models differ by on every example that both scored, NaN elsewhere; None without."""
    if one is None or other is None or len(one) != len(other):
        return None
    apart = torch.as_tensor(one) - torch.as_tensor(other)
    return apart if int((~apart.isnan()).sum()) > 1 else None
