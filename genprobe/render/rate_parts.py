"""What the rate of a model is known to be spent on, of the population: four parts, and labels.

Labels divide nothing: what a code tells of one it may tell of another as well. So each has a strip
of its own on the bar of a model, from its start, and they do not sum to anything.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from genprobe.render.text.first_level import has_chain
from genprobe.report import Report

MOST_STRIPS = 3
"""Labels that a bar shows."""


class Parts(NamedTuple):
    """The rate of a model in four parts that sum to it, nats.

    information: of the population, certified: I(n;z), the lower end of I(X;Z).
    either: between the lower and the upper end of I(X;Z).
    mismatch: KL(q(z)‖p(z)) of the population, certified: the rate beyond the upper end.
    open: what no bound says anything of.
    """

    information: float
    either: float
    mismatch: float
    open: float


def parts_of(report: Report) -> Parts:
    """What the rate of a model is known to be spent on.

    In the population R = I(X;Z) + KL(q(z)‖p(z)) with I(n;z) ≤ I(X;Z) ≤ min(R, R_m, leave-one-out).
    Estimates err, so each end is moved into the range that the others leave it.

    Args:
        report: with a rate. Of a chain of latents the bounds are of its first level; no bound says
            anything of what the further ones cost.
    """
    rate = max(0.0, report["rate"].value)
    whole = rate
    if has_chain(report):
        rate = min(whole, max(0.0, report.levels[0]["rate"].value))
    known = report.estimates.get("mutual_information")
    bound = report.estimates.get("mutual_information_population_upper")
    low = 0.0 if known is None else min(max(0.0, known.value), rate)
    high = rate if bound is None else min(max(low, bound.value), rate)
    rest = high - low
    unknown = whole - rate
    if bound is None:
        return Parts(low, 0.0, rate - high, rest + unknown)
    return Parts(low, rest, rate - high, unknown)


def strip_labels(reports: Sequence[Report]) -> list[str]:
    """The labels that have a strip on bars: those that most models have, in their order.

    Args:
        reports: of the models.
    """
    common = Counter(name for report in reports for name in report.labels)
    return [name for name, _ in common.most_common(MOST_STRIPS)]


def label_part(report: Report, label: str) -> float:
    """The nats of a model's rate that are about a label at least, I(Y;Z) ≤ I(X;Z) ≤ R.

    Args:
        report: with a rate.
        label: its name; 0 where the model has no such label.
    """
    if label not in report.labels:
        return 0.0
    told = report.labels[label].estimates["label_information"].value
    return min(max(0.0, told), max(0.0, report["rate"].value))
