r"""What the code says about other things than the label: a bracket of I(X;Z|Y).

.. math::

    I(n;z|y) \le I(X;Z|Y) = I(X;Z) - I(Y;Z) \le U - v

because the label is a function of the example. On the left the figure for these N, I(n;z) − I(y;z),
which is below that of the population in expectation as I(n;z) is; on the right the upper end U of
I(X;Z) less the lower bound v on I(Y;Z).
"""

import math
from dataclasses import replace

from jaxtyping import Float64
from torch import Tensor

from genprobe.estimators.standard_error import within_error
from genprobe.report.estimate import Estimate


def remainder_lower(terms: Float64[Tensor, "draw t"], n: int, information: Estimate) -> Estimate:
    """I(n;z|y), the lower end, nats.

    Args:
        terms: (draw, t) of I(n;z|y) by draw, nats.
        n: number of examples that have the label.
        information: I(n;z), whose error over the data stands in for that of this part of it.
    """
    se = within_error(terms, n)
    errors = [e for e in (se, information.se_data) if e is not None]
    return Estimate(
        name="label_remainder",
        value=max(0.0, float(terms.mean())),
        se=se,
        se_data=math.hypot(*errors) if information.se_data is not None else None,
        kind="lower",
        n=terms.shape[1],
    )


def remainder_upper(upper: Estimate, label: Estimate, least: Estimate) -> Estimate:
    """U − v, the upper end, nats; the lower end where it would come out below that.

    Args:
        upper: U, the upper end of I(X;Z).
        label: v, the lower bound on I(Y;Z).
        least: the lower end.

    Example:
        >>> u = Estimate(name="u", value=9.0, se=0.3, se_data=None, kind="upper")
        >>> v = Estimate(name="v", value=2.0, se=0.4, se_data=None, kind="lower")
        >>> remainder_upper(u, v, v).value, remainder_upper(u, v, v).se
        (7.0, 0.5)
    """

    def both(a: float | None, b: float | None) -> float | None:
        return None if a is None or b is None else math.hypot(a, b)

    if upper.value - label.value < least.value:
        return replace(least, name="label_remainder_upper", kind="upper")
    return Estimate(
        name="label_remainder_upper",
        value=upper.value - label.value,
        se=both(upper.se, label.se),
        se_data=both(upper.se_data, label.se_data),
        kind="upper",
        n=upper.n,
    )
