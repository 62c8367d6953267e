"""Counts: q(z|x) = Π_d rate_d^{z_d} e^{−rate_d} / z_d!.

As an exponential family: statistics z, natural parameters log rate, log-partition Σ_d rate_d, log
base measure −Σ_d log z_d!.
"""

from torch import Tensor
from torch.distributions import Distribution, Independent, Poisson, constraints

from genprobe.distributions.latents import flat
from genprobe.types import Family, Params


def distribution(params: Params) -> Distribution:
    """Parameters rate (batch, *event) to q(z|x) of batch shape (batch,)."""
    rate = params["rate"]
    return Independent(Poisson(rate, validate_args=False), rate.dim() - 1, validate_args=False)


def natural(params: Params) -> tuple[Tensor, Tensor]:
    """Natural parameters (batch, k) and log-partition (batch,), k the size of z."""
    rate = flat(params["rate"], 1)
    return rate.log(), rate.sum(1)


def sufficient(z: Tensor) -> tuple[Tensor, Tensor]:
    """Statistics (m, k) and log base measure (m,) of z (m, *event)."""
    counts = flat(z, 1)
    return counts.clone(), -(counts + 1).lgamma().sum(1)


poisson = Family(
    name="poisson",
    distribution=distribution,
    constraints={"rate": constraints.positive},
    natural=natural,
    sufficient=sufficient,
)
