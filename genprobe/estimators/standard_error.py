"""Means over examples with their two standard errors.

``se`` is the Monte Carlo error for these very examples; ``se_data`` takes the examples as a sample
of a population. Draws of one example are averaged first: the example is the independent unit.
"""

import math

from jaxtyping import Float64
from torch import Tensor

from genprobe.types import Estimate, Kind


def standard_error(values: Float64[Tensor, " n"]) -> float | None:
    """Standard error of the mean of independent values; None for a single one."""
    return float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else None


def within_error(values: Float64[Tensor, "draw n"]) -> float | None:
    """Standard error of the mean that the draws of each example cause.

    With a single draw it cannot be told from the spread over examples, and the standard error
    over examples, which contains it, stands as an upper bound.
    """
    draws, n = values.shape
    if draws == 1:
        return standard_error(values[0])
    return math.sqrt(float(values.var(0).mean()) / (draws * n))


def mean_over_examples(
    name: str, values: Float64[Tensor, "draw n"], *, exact: bool = False, kind: Kind = "estimate"
) -> Estimate:
    """The mean of values (draw, n) in nats.

    Args:
        name: of the estimate.
        values: draws first.
        exact: whether the values carry no Monte Carlo error.
        kind: of the estimate, if it is not exact.
    """
    return Estimate(
        name=name,
        value=float(values.mean()),
        se=0.0 if exact else within_error(values),
        se_data=standard_error(values.mean(0)),
        kind="exact" if exact else kind,
        n=values.shape[1],
    )
