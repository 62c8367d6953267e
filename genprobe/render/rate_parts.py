"""What the rate of a model is known to be spent on, of the population: four parts."""

from typing import NamedTuple

from genprobe.report import Report


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
        report: with a rate.
    """
    rate = max(0.0, report["rate"].value)
    known = report.estimates.get("mutual_information")
    bound = report.estimates.get("mutual_information_population_upper")
    low = 0.0 if known is None else min(max(0.0, known.value), rate)
    high = rate if bound is None else min(max(low, bound.value), rate)
    rest = high - low
    return Parts(low, 0.0 if bound is None else rest, rate - high, rest if bound is None else 0.0)
