"""Bits: q(z|x) = Π_d σ(logit_d)^{z_d} σ(−logit_d)^{1−z_d}, z of zeros and ones in any grid.

As an exponential family with statistics [z, 1 − z] and natural parameters [log σ(logit),
log σ(−logit)], whose log-partition is 0: no two parts of the exponent cancel, so that bits that are
certain (logits of ±10⁴) stay exact.
"""

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Distribution, Independent, constraints
from torch.nn.functional import logsigmoid

from genprobe.distributions.latents import flat
from genprobe.types import Family, Params


def distribution(params: Params) -> Distribution:
    """Parameters logits (batch, *grid) to q(z|x) of batch shape (batch,)."""
    logits = params["logits"]
    bits = Bernoulli(logits=logits, validate_args=False)
    return Independent(bits, logits.dim() - 1, validate_args=False)


def natural(params: Params) -> tuple[Tensor, Tensor]:
    """Natural parameters (batch, 2k) and log-partition (batch,), k the size of z."""
    logits = flat(params["logits"], 1)
    return torch.cat([logsigmoid(logits), logsigmoid(-logits)], 1), logits.new_zeros(len(logits))


def sufficient(z: Tensor) -> tuple[Tensor, Tensor]:
    """Statistics (m, 2k) and log base measure (m,) of z (m, *grid)."""
    bits = flat(z, 1)
    return torch.cat([bits, 1 - bits], 1), bits.new_zeros(len(bits))


bernoulli = Family(
    name="bernoulli",
    distribution=distribution,
    constraints={"logits": constraints.real},
    natural=natural,
    sufficient=sufficient,
)
