"""Independent normal values: p(x|z) = Π_i N(x_i; loc_i, scale_i²), constants included.

The scale is the standard deviation, as the decoder returns it: one predicted for every value, one
per dimension, or a fixed scalar. It is a density: D can be negative, and D = 0 means nothing.
"""

import math

from torch import Tensor
from torch.distributions import Distribution, Normal, constraints

from genprobe.errors import Notice
from genprobe.likelihoods.parameters import checked, given, one_example
from genprobe.types import Likelihood, Params


def distribution(params: Params) -> Distribution:
    """``loc`` (batch, *event) and ``scale``, the standard deviation, to p(x|z).

    Raises:
        ModelError: if the decoder does not give one, or a scale that is not above 0.
    """
    loc = given("normal", params, "loc")
    scale = checked("normal", params, "scale", constraints.positive)
    return one_example(Normal(loc, scale.expand_as(loc), validate_args=False))


def support(x: Tensor) -> Notice | None:
    """None: every finite value (batch, *event) has a density."""
    return None


def blind(mean: Tensor, square: Tensor) -> float:
    """D of the mean image and the best single scale: P/2 (1 + ln 2π v), v the mean variance.

    Infinite below where the data do not vary at all.
    """
    variance = (square - mean.square()).mean()
    return (
        mean.numel() / 2 * (1 + math.log(2 * math.pi * float(variance)))
        if variance > 0
        else -math.inf
    )


def blind_at(mean: Tensor, square: Tensor, scale: float) -> float:
    """D of the mean image at a scale σ that is given: P/2 (ln 2πσ² + v/σ²), v the mean variance."""
    variance = float((square - mean.square()).mean())
    return mean.numel() / 2 * (math.log(2 * math.pi * scale**2) + variance / scale**2)


normal = Likelihood(
    name="normal",
    distribution=distribution,
    discrete=False,
    support=support,
    blind=blind,
    blind_at=blind_at,
)
