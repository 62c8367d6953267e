r"""log N: the most that I(n;z) can be, whatever the model.

.. math::

    I(n;z) \le H(n) = \log N

Exact. Where I(n;z) comes near it, the examples were counted and the model was not measured.
McAllester & Stratos (2020), "Formal limitations on the measurement of mutual information".
"""

from genprobe.report import Estimate


def log_n(log_n: float, n: int) -> Estimate:
    """The cap on I(n;z), nats.

    Args:
        log_n: natural logarithm of the number of examples.
        n: the number of examples.

    Example:
        >>> import math
        >>> log_n(math.log(1797), n=1797).kind
        'exact'
    """
    return Estimate(name="log_n", value=log_n, se=0.0, se_data=0.0, kind="exact", n=n)
