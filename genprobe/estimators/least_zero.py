"""A lower bound on what cannot be negative.

Where the bound that was worked out lies below 0, it says less than is known without any data: the
bound is then 0, which errs only where other draws might have put it above. How other data would
have moved it is not known, so no error over the data is stated.
"""

import dataclasses

from genprobe.estimators.chosen_bound import RIVAL
from genprobe.report import Estimate

REMARK = "below 0 as worked out; it cannot be negative"


def at_least_zero(bound: Estimate) -> Estimate:
    """The bound, or 0 where it is less.

    Args:
        bound: a lower bound on a quantity that is never negative.

    Example:
        >>> bound = Estimate(name="floor", value=-2.0, se=0.1, se_data=0.3, kind="lower", n=9)
        >>> found = at_least_zero(bound)
        >>> found.value, found.se, found.se_data, found.remark
        (0.0, 0.0, None, 'below 0 as worked out; it cannot be negative')
    """
    if bound.value > 0:
        return bound
    se = None if bound.se is None else bound.se if -bound.value <= RIVAL * bound.se else 0.0
    return dataclasses.replace(bound, value=0.0, se=se, se_data=None, remark=REMARK)
