"""log q(z_d) = log 1/N Σ_n q(z_d|x_n): the aggregate posterior of each latent dimension alone."""

import math
from collections.abc import Callable, Iterable

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from genprobe.aggregate.blocks import size_of
from genprobe.aggregate.moments import factorises
from genprobe.distributions.latents import flat
from genprobe.errors import UnavailableError
from genprobe.types import Family, Params

TILE_VALUES = 1 << 21


def log_marginals(
    z: Float[Tensor, "m *latent"],
    family: Family,
    blocks: Callable[[], Iterable[tuple[int, Params]]],
    n: int,
) -> Float64[Tensor, "m k"]:
    """The log of every one-dimensional marginal at its own entry of z (m, k), nats.

    Args:
        z: queries (m, *latent), k values each.
        family: of the components; it must factorise over the entries of z.
        blocks: (first component, parameters) in order.
        n: number of components.

    Raises:
        UnavailableError: if the family does not factorise.
    """
    k = z[0].numel()
    top = torch.full((len(z), k), -math.inf, dtype=torch.float64)
    rows = max(1, TILE_VALUES // (len(z) * k))
    for _, params in blocks():
        for low in range(0, size_of(params), rows):
            some = {name: v[low : low + rows].double() for name, v in params.items()}
            q = family.distribution(some)
            if not factorises(q):
                raise UnavailableError(f"The family {family.name} does not factorise.")
            pairs = flat(q.base_dist.log_prob(z.double()[:, None]), 2)
            top = torch.logaddexp(top, stable_logsumexp(pairs))
    return top - math.log(n)


def stable_logsumexp(pairs: Float64[Tensor, "m component k"]) -> Float64[Tensor, "m k"]:
    """Log of the sum over components; what underflows is cut off first, where exp is slow."""
    largest = pairs.amax(1, keepdim=True)
    total = (pairs - largest).clamp_(min=-60).exp_().sum(1)
    return total.log() + largest.squeeze(1)
