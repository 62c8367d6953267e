"""log N: the most that I(n;z) can be, whatever the model."""

from genprobe.report import Estimate


def log_n(log_n: float, n: int) -> Estimate:
    """The cap on I(n;z), nats.

    Args:
        log_n: natural logarithm of the number of examples.
        n: the number of examples.
    """
    return Estimate(name="log_n", value=log_n, se=0.0, se_data=0.0, kind="exact", n=n)
