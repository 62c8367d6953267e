"""Beta in each dimension: q(z|x) = Π_d z_d^{a−1} (1 − z_d)^{b−1} / B(a, b), on the unit interval.

As an exponential family: statistics [log z, log(1 − z)], natural parameters [a − 1, b − 1],
log-partition Σ_d log B(a, b); a and b are concentration1 and concentration0.
"""

import torch
from torch import Tensor
from torch.distributions import Beta, Distribution, Independent, constraints

from genprobe.distributions.latents import flat
from genprobe.types import Family, Params


def distribution(params: Params) -> Distribution:
    """Parameters concentration1 and concentration0, each (batch, *event), to q(z|x)."""
    a, b = params["concentration1"], params["concentration0"]
    return Independent(Beta(a, b, validate_args=False), a.dim() - 1, validate_args=False)


def natural(params: Params) -> tuple[Tensor, Tensor]:
    """Natural parameters (batch, 2k) and log-partition (batch,), k the size of z."""
    a, b = flat(params["concentration1"], 1), flat(params["concentration0"], 1)
    log_partition = (a.lgamma() + b.lgamma() - (a + b).lgamma()).sum(1)
    return torch.cat([a - 1, b - 1], 1), log_partition


def sufficient(z: Tensor) -> tuple[Tensor, Tensor]:
    """Statistics (m, 2k) and log base measure (m,) of z (m, *event)."""
    values = flat(z, 1)
    return torch.cat([values.log(), torch.log1p(-values)], 1), values.new_zeros(len(values))


def widen(params: Params, epsilon: Tensor) -> Params:
    """Parameters of the same means, every deviation of example n times e^ε_n, for ε (batch,).

    The variance is m(1 − m)/(a + b + 1); where no beta is that wide it is undefined.
    """
    a, b = params["concentration1"], params["concentration0"]
    factor = (-2 * epsilon).exp().reshape(-1, *[1] * (a.dim() - 1))
    share = ((a + b + 1) * factor - 1) / (a + b)
    return {"concentration1": a * share, "concentration0": b * share}


beta = Family(
    name="beta",
    distribution=distribution,
    constraints={"concentration1": constraints.positive, "concentration0": constraints.positive},
    natural=natural,
    sufficient=sufficient,
    widen=widen,
)
