r"""Means over examples with their two standard errors.

``se`` is the Monte Carlo error for these very examples; ``se_data`` takes the examples as a sample
of a population. Draws of one example are averaged first: the example is the independent unit.

Where only m of N examples were taken, without replacement, and r draws of each, the error for
these N is that of two-stage sampling (Cochran 1977, section 10.4),

.. math::

    \mathrm{se}^2 = \Big(1 - \frac mN\Big) \frac{s_b^2}{m} + \frac{s_w^2}{N r},

with s_b² the variance over examples of their means and s_w² the mean variance over draws.
"""

import math

from jaxtyping import Float64
from torch import Tensor

from genprobe.report import Estimate, Kind


def standard_error(values: Float64[Tensor, " n"]) -> float | None:
    """Standard error of the mean of independent values; None for a single one.

    Example:
        >>> import torch
        >>> standard_error(torch.tensor([1.0, 3.0]).double())
        1.0
    """
    return float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else None


def skewness_factor(values: Float64[Tensor, " n"]) -> float:
    """By how much the standard error of the mean must grow for 1.96 of it to hold 95 %.

    The second-order term of the Edgeworth expansion of the studentised mean (Hall 1992, "The
    Bootstrap and Edgeworth Expansion", eq. 2.55). A mean of rare large values needs it: a sample
    that happens to miss some of them is off, and understates its own error.

    Example:
        >>> import torch
        >>> skewness_factor(torch.ones(10).double())
        1.0
    """
    centred = values - values.mean()
    variance = centred.square().mean()
    if variance == 0:
        return 1.0
    skewness = centred.pow(3).mean() / variance**1.5
    kurtosis = centred.pow(4).mean() / variance.square() - 3
    x = 1.96**2
    term = skewness.square() * (x * x + 2 * x - 3) / 18 - kurtosis * (x - 3) / 12 + (x + 3) / 4
    return 1 + max(0.0, float(term)) / len(values)


def within_error(values: Float64[Tensor, "draw m"], n: int | None = None) -> float | None:
    """Standard error of the mean for these very examples.

    With a single draw it cannot be separated from the spread over examples, and the standard error
    over examples, which contains it, stands as an upper bound. None for a single example of many.

    Args:
        values: (draw, m).
        n: number of examples that the m were taken from, without replacement; m by default.

    Example:
        Draws that agree leave no error once all examples are taken.

        >>> import torch
        >>> within_error(torch.tensor([[1.0, 3.0], [1.0, 3.0]]).double())
        0.0
    """
    draws, m = values.shape
    if draws == 1:
        return standard_error(values[0])
    population = n or m
    within = float(values.var(0).mean()) / (population * draws)
    if m == population:
        return math.sqrt(within)
    if m < 2:
        return None
    return math.sqrt((1 - m / population) * float(values.mean(0).var()) / m + within)


def data_error(values: Float64[Tensor, "draw m"], n: int | None = None) -> float | None:
    """Standard error with the n examples taken as a sample of a population.

    The spread over examples that is not due to their draws, over all n, and the Monte Carlo error.

    Args:
        values: (draw, m).
        n: number of examples that the m were taken from; m by default.

    Example:
        >>> import torch
        >>> data_error(torch.tensor([[1.0, 3.0], [1.0, 3.0]]).double())
        1.0
    """
    draws, m = values.shape
    monte_carlo = within_error(values, n)
    if m < 2 or monte_carlo is None:
        return None
    if draws == 1 or n is None or n == m:
        return standard_error(values.mean(0))
    between = float(values.mean(0).var()) - float(values.var(0).mean()) / draws
    return math.sqrt(max(0.0, between) / n + monte_carlo**2)


def mean_over_examples(
    name: str,
    values: Float64[Tensor, "draw m"],
    *,
    n: int | None = None,
    exact: bool = False,
    kind: Kind = "estimate",
) -> Estimate:
    """The mean of values (draw, m) in nats.

    Args:
        name: of the estimate.
        values: draws first.
        n: number of examples that the m were taken from; m by default.
        exact: whether the values carry no Monte Carlo error.
        kind: of the estimate, if it is not exact.

    Example:
        >>> import torch
        >>> mean_over_examples("rate", torch.tensor([[1.0, 3.0]]).double()).value
        2.0
    """
    return Estimate(
        name=name,
        value=float(values.mean()),
        se=0.0 if exact else within_error(values, n),
        se_data=data_error(values, n),
        kind="exact" if exact else kind,
        n=values.shape[1],
    )
