"""log q(z_d) = log 1/N Σ_n q(z_d|x_n): the aggregate posterior of each latent dimension alone."""

import math
from typing import Any

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from genprobe.aggregate.blocks import Blocks, in_memory, stretches, width_of
from genprobe.aggregate.density import log_aggregate_blocks
from genprobe.aggregate.moments import factorises
from genprobe.distributions.latents import flat
from genprobe.errors import UnavailableError
from genprobe.runtime.outer_threads import outer_threads
from genprobe.types import Family

TILE_VALUES = 1 << 21
FEW = 128
"""Queries that do not pay for preparing every dimension by itself."""
LEAST_PAIRS = 1 << 20
"""Pairs of a dimension that take longer than what begins and ends its pass."""
HELD_VALUES = 1 << 23
"""Values of each parameter that are held at a time, where dimensions are done one by one."""


def log_marginals(
    z: Float[Tensor, "m *latent"],
    family: Family,
    blocks: Blocks,
    n: int,
    own: Int64[Tensor, " m"] | None = None,
) -> Float64[Tensor, "m k"]:
    """The log of every one-dimensional marginal at its own entry of z (m, k), nats.

    Each dimension is an aggregate posterior of its own where the family has natural parameters, of
    as many values as z: to a thousandth of a nat, as that is.

    Args:
        z: queries (m, *latent), k values each.
        family: of the components; it must factorise over the entries of z.
        blocks: of the components.
        n: number of components.
        own: (m,) index of the component each query was drawn from; None if from none of them.

    Raises:
        UnavailableError: if the family does not factorise.
    """
    _, one = next(iter(blocks(1)))
    if not factorises(family.distribution(one)):
        raise UnavailableError(f"The family {family.name} does not factorise.")
    each = all(values.shape[1:] == z.shape[1:] for values in one.values())
    if family.natural is None or not each or len(z) < FEW or len(z) * n < LEAST_PAIRS:
        return pair_by_pair(z, family, blocks, n)
    z, found = flat(z, 1), []
    with outer_threads():
        for some in stretches(z.shape[1], max(1, HELD_VALUES // n)):
            columns = gather(blocks, some, n)
            for d in range(some.start, some.stop):
                params = {k: values[d - some.start, :, None] for k, values in columns.items()}
                density = log_aggregate_blocks(z[:, d, None], family, in_memory(params), n, own=own)
                found.append(density.log_qz)
    return torch.stack(found, 1)


def gather(blocks: Blocks, some: slice, n: int) -> dict[str, Float[Tensor, "some n"]]:
    """Parameters of some dimensions of all components, each dimension in one piece."""
    columns: dict[str, Tensor] = {}
    for start, params in blocks(max(1, HELD_VALUES // width_of(blocks))):
        for name, values in params.items():
            here = flat(values, 1)[:, some].T
            column = columns.setdefault(name, values.new_empty(len(here), n))
            column[:, start : start + here.shape[1]] = here
    return columns


def pair_by_pair(
    z: Float[Tensor, "m *latent"], family: Family, blocks: Blocks, n: int
) -> Float64[Tensor, "m k"]:
    """The same by the family's own density."""
    z, k = z.double(), z[0].numel()
    top = torch.full((len(z), k), -math.inf, dtype=torch.float64)
    for _, params in blocks(max(1, TILE_VALUES // (len(z) * k))):
        q: Any = family.distribution({name: values.double() for name, values in params.items()})
        pairs = flat(q.base_dist.log_prob(z[:, None]), 2)
        top = torch.logaddexp(top, stable_logsumexp(pairs))
    return top - math.log(n)


def stable_logsumexp(pairs: Float64[Tensor, "m component k"]) -> Float64[Tensor, "m k"]:
    """Log of the sum over components; what underflows is cut off first, where exp is slow."""
    largest = pairs.amax(1, keepdim=True)
    total = (pairs - largest).clamp_(min=-60).exp_().sum(1)
    return total.log() + largest.squeeze(1)
