r"""Differences between two models in what their codes say of a label, paired over the examples.

.. math::

    \Delta = \frac1N \sum_n \Big(\log \frac{r_a(y_n|z_n)}{\hat\pi_{y_n}}
    - \log \frac{r_b(y_n|z_n)}{\hat\pi_{y_n}}\Big)

The lower bounds are means over the same examples with the same labels, and an example that is hard
to tell for one model is hard for the other. Where both reports are at hand with what they say of
each example, the error is that of the differences; else the errors of both are added up.
"""

from collections.abc import Mapping

from jaxtyping import Int64
from torch import Tensor

from genprobe.comparing.differences import Difference, added, copies_of
from genprobe.estimators.standard_error import data_error
from genprobe.label_report import LabelReport
from genprobe.report import Report

NAME = "label_information"


def label_differences(reports: Mapping[str, Report], reference: str) -> dict[str, list[Difference]]:
    """By how much every other model says more of each label than one, by the label's name.

    Args:
        reports: by the names the models go by, on the same data.
        reference: name of the one.
    """
    base = reports[reference]
    which = copies_of(base)
    return {
        name: [
            label_difference(model, reference, report.labels[name], theirs, which)
            for model, report in reports.items()
            if model != reference and name in report.labels
        ]
        for name, theirs in base.labels.items()
    }


def label_difference(
    first: str,
    second: str,
    one: LabelReport,
    other: LabelReport,
    which: Int64[Tensor, " n"] | None = None,
) -> Difference:
    """The difference of two models in one label.

    Args:
        first: name of the model that is compared.
        second: name of the other.
        one: what the first says of the label.
        other: what the second says of it.
        which: (n,) the distinct example that each is; None where all differ.
    """
    mine, theirs = one[NAME], other[NAME]
    se_data, n, paired = added(mine.se_data, theirs.se_data), min(mine.n, theirs.n), False
    if one.terms is not None and other.terms is not None and len(one.terms) == len(other.terms):
        apart = one.terms - other.terms
        there = ~apart.isnan()
        n = int(there.sum())
        if n > 1 and one.classes == other.classes:
            se_data = data_error(apart[there][None], None if which is None else which[there])
            paired = True
    return Difference(
        first=first,
        second=second,
        name=NAME,
        value=mine.value - theirs.value,
        se=added(mine.se, theirs.se),
        se_data=se_data,
        n=n,
        paired=paired,
    )
