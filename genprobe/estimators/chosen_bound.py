"""The tightest of several bounds that err, with what it costs to have chosen it.

The least of several estimates is below the least of what they estimate, on average. Its error is
widened to Bonferroni's quantile for as many as might have been chosen (Dunn 1961): each of their
95 % limits then holds at once, and so does that of whichever came out least.

Other draws may choose another bound: the Monte Carlo error is the largest of those that might have
been chosen, so that an exact rate is not called exact where it is only one of them.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

from genprobe.estimators.students_t import students_t
from genprobe.report import Estimate

RIVAL = 3.0
"""Standard errors of a difference within which a bound might have been the tightest."""
LEVEL = 0.05


def chosen_bound(bounds: Sequence[Estimate], choose: Callable[..., Estimate]) -> Estimate:
    """The largest or the smallest of some bounds, its errors widened for the choice.

    Args:
        bounds: at least one.
        choose: ``max`` or ``min``.

    Example:
        Two upper bounds of which either might be the least.

        >>> one = Estimate(name="a", value=1.0, se=0.0, se_data=0.10, kind="upper", n=500)
        >>> other = dataclasses.replace(one, name="b", value=1.1)
        >>> found = chosen_bound([one, other], min)
        >>> found.name, round(found.se_data, 3)
        ('a', 0.114)
    """
    best = choose(bounds, key=lambda bound: bound.value)
    rivals = [bound for bound in bounds if might_be(bound, best)]
    factor, drawn = choice_factor(len(rivals)), largest_se(rivals)
    return dataclasses.replace(
        best,
        se=None if best.se is None or drawn is None else drawn * factor,
        se_data=None if best.se_data is None else best.se_data * factor,
    )


def held_to(bound: Estimate, limit: Estimate, choose: Callable[..., Estimate]) -> Estimate:
    """A bound, or what is known to be its limit where it would pass that.

    Put at the limit, it may be as far off as it was before: its errors are the larger of both.

    Args:
        bound: as it came out, its errors widened for the choice.
        limit: known better.
        choose: ``max`` of a limit from below, ``min`` of one from above.
    """
    best = choose([bound, limit], key=lambda each: each.value)
    other = limit if best is bound else bound
    if not might_be(other, best):
        return best
    over_data = best.se_data
    if best is limit and over_data is not None:
        over_data = max(over_data, bound.se_data or 0.0)
    return dataclasses.replace(best, se=largest_se([best, other]), se_data=over_data)


def largest_se(bounds: Sequence[Estimate]) -> float | None:
    """The largest Monte Carlo error of some bounds; None where none is known."""
    return max((bound.se for bound in bounds if bound.se is not None), default=None)


def might_be(bound: Estimate, best: Estimate) -> bool:
    """Whether a bound is within reach of the best one by their errors."""
    error = math.hypot(bound.se_data or bound.se or 0.0, best.se_data or best.se or 0.0)
    return abs(bound.value - best.value) <= RIVAL * error


def choice_factor(count: int) -> float:
    """How far Bonferroni's quantile for so many bounds lies beyond that for one.

    Example:
        >>> choice_factor(1), round(choice_factor(3), 2)
        (1.0, 1.22)
    """
    return students_t(LEVEL / max(1, count), math.inf) / students_t(LEVEL, math.inf)
