"""A prior from any torch distribution: its KL is analytic wherever torch knows it."""

import torch
from torch import Tensor
from torch.distributions import Distribution, kl_divergence

from genprobe.types import Family, Params, Prior


def from_distribution(name: str, distribution: Distribution, params: Params | None = None) -> Prior:
    """The prior of a torch distribution whose event is one latent z.

    Args:
        name: the name of the prior.
        distribution: batch shape (), event shape that of z.
        params: the tensors it was built from, for the store.

    Returns:
        The prior; its ``kl`` is None-valued for families whose divergence torch does not know.
    """

    def sample(n: int) -> Tensor:
        return distribution.sample((n,))

    def kl(family: Family, params: Params) -> Tensor | None:
        q = family.distribution(params)
        try:
            return kl_divergence(q, for_each(distribution, q.batch_shape))
        except NotImplementedError:
            return None

    return Prior(
        name=name,
        log_prob=distribution.log_prob,
        sample=sample,
        kl=kl,
        distribution=distribution,
        params=params or {},
    )


def for_each(distribution: Distribution, batch_shape: torch.Size) -> Distribution:
    """A distribution of batch shape () as one of many: some divergences of torch need equal shapes.

    Args:
        distribution: of batch shape ().
        batch_shape: wanted; where a distribution cannot be expanded it stays as it is.
    """
    try:
        found: Distribution = distribution.expand(batch_shape)
    except NotImplementedError:
        return distribution
    return found
