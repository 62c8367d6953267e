"""Gamma in each dimension: q(z|x) = Π_d b^a z_d^{a−1} e^{−b z_d} / Γ(a).

As an exponential family: statistics [log z, z], natural parameters [a − 1, −b], log-partition
Σ_d log Γ(a) − a log b; a is the concentration, b the rate.
"""

import torch
from torch import Tensor
from torch.distributions import Distribution, Gamma, Independent, constraints

from genprobe.distributions.latents import flat
from genprobe.types import Family, Params


def distribution(params: Params) -> Distribution:
    """Parameters concentration and rate, each (batch, *event), to q(z|x)."""
    concentration, rate = params["concentration"], params["rate"]
    values = Gamma(concentration, rate, validate_args=False)
    return Independent(values, rate.dim() - 1, validate_args=False)


def natural(params: Params) -> tuple[Tensor, Tensor]:
    """Natural parameters (batch, 2k) and log-partition (batch,), k the size of z."""
    concentration, rate = flat(params["concentration"], 1), flat(params["rate"], 1)
    log_partition = (concentration.lgamma() - concentration * rate.log()).sum(1)
    return torch.cat([concentration - 1, -rate], 1), log_partition


def sufficient(z: Tensor) -> tuple[Tensor, Tensor]:
    """Statistics (m, 2k) and log base measure (m,) of z (m, *event)."""
    values = flat(z, 1)
    return torch.cat([values.log(), values], 1), values.new_zeros(len(values))


def widen(params: Params, epsilon: Tensor) -> Params:
    """Parameters of the same means, every deviation of example n times e^ε_n, for ε (batch,)."""
    axes = params["rate"].dim() - 1
    factor = (-2 * epsilon).exp().reshape(-1, *[1] * axes)
    return {name: values * factor for name, values in params.items()}


gamma = Family(
    name="gamma",
    distribution=distribution,
    constraints={"concentration": constraints.positive, "rate": constraints.positive},
    natural=natural,
    sufficient=sufficient,
    widen=widen,
)
