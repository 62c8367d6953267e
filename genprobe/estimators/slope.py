r"""Operating slope: what a nat of rate buys in distortion, as every posterior scale grows.

.. math::

    s = -\frac{dD/d\varepsilon}{dR/d\varepsilon}
    \quad\text{ along }\; \sigma \to e^\varepsilon \sigma

A Monte Carlo estimate, a ratio of two means. An encoder that minimises D + βR has s = β, exactly
and along any direction (Alemi et al. 2018, "Fixing a broken ELBO"). So the slope reads the β that a
model was trained with from its checkpoint alone. Where the rate hardly answers, it is undefined.
"""

import math

from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.errors import UnavailableError
from genprobe.estimators.standard_error import data_error, sum_error
from genprobe.report import Estimate

SIGNIFICANT = 5.0
"""The derivative of the rate must exceed so many of its standard errors."""
LEAST_RATE = 0.05
"""Nats of rate below which there is nothing to exchange."""


def slope(
    rate: Float64[Tensor, "ratedraw n"],
    rate_slope: Float64[Tensor, "slopedraw m"],
    distortion_slope: Float64[Tensor, "draw m"],
    n: int,
    which_probed: Int64[Tensor, " m"] | None = None,
) -> Estimate:
    """The operating slope, nats of distortion per nat of rate.

    Its error is that of a ratio by the delta method: the spread of dD/dε + s dR/dε, over the mean
    of dR/dε. Both of those err by their draws where both are drawn.

    Args:
        rate: (draw, n) nats.
        rate_slope: (1 or draw, m) dR/dε of the examples probed.
        distortion_slope: (draw, m) dD/dε of the same examples.
        n: number of examples, of which the m were taken.
        which_probed: (m,) the distinct example that each of them is; None where all differ.

    Raises:
        UnavailableError: if the rate is near zero or hardly answers.

    Example:
        A nat of rate buys two of distortion at every example.

        >>> import torch
        >>> rate, answer = torch.ones(1, 4).double(), torch.tensor([[-1.0, -2, -1, -2]]).double()
        >>> slope(rate, answer, -2 * answer, n=4).value
        2.0
    """
    answer = rate_slope.mean(0)
    mean, m = float(answer.mean()), len(answer)
    error = math.inf if m < 2 else float(answer.std()) / math.sqrt(m)
    if float(rate.mean()) < LEAST_RATE:
        raise UnavailableError("No slope: the rate is too near zero to exchange for distortion.")
    if abs(mean) <= SIGNIFICANT * error:
        raise UnavailableError("No slope: a wider posterior hardly changes the rate.")
    value = -float(distortion_slope.mean()) / mean
    monte_carlo = sum_error(value * rate_slope, distortion_slope, n)
    data = data_error((distortion_slope.mean(0) + value * answer)[None], which_probed)
    return Estimate(
        name="slope",
        value=value,
        se=None if monte_carlo is None else monte_carlo / abs(mean),
        se_data=None if data is None else data / abs(mean),
        kind="estimate",
        unit="nats/nat",
        n=m,
    )
