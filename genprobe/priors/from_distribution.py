"""A prior that is a torch distribution; its KL is what torch.distributions knows."""

import torch
from torch import Tensor
from torch.distributions import Distribution, kl_divergence

from genprobe.types import Family, Params, Prior


def prior_from_distribution(
    name: str, distribution: Distribution, params: Params | None = None
) -> Prior:
    """The prior of a torch distribution whose event is one latent z.

    Args:
        name: the name of the prior.
        distribution: batch shape (), event shape that of z.
        params: the tensors it was built from, for the store.

    Returns:
        The prior; its ``kl`` is None-valued for families whose divergence torch does not know. A
        discrete z is given back in float64, as the store keeps it.

    Example:
        >>> import torch
        >>> from torch.distributions import Independent, Laplace
        >>> p = Independent(Laplace(torch.zeros(2), torch.ones(2)), 1)
        >>> prior = prior_from_distribution("laplace", p)
        >>> round(float(prior.log_prob(torch.zeros(2))), 4)  # −2 log 2
        -1.3863
    """

    def sample(n: int) -> Tensor:
        z: Tensor = distribution.sample((n,))
        return z if z.is_floating_point() else z.double()

    def kl(family: Family, params: Params) -> Tensor | None:
        return known_kl(family.distribution(params), distribution)

    return Prior(
        name=name,
        log_prob=distribution.log_prob,
        sample=sample,
        kl=kl,
        distribution=distribution,
        params=params or {},
    )


def known_kl(q: Distribution, p: Distribution) -> Tensor | None:
    """KL(q‖p) of every q (batch,), nats; None where torch knows no closed form."""
    if q.event_shape != p.event_shape:
        return None
    try:
        return kl_divergence(q, for_each(p, q.batch_shape))
    except NotImplementedError:
        return None


def over_events(distribution: Distribution) -> Distribution:
    """A distribution whose batch, if it has one, is a part of its event.

    ``Normal(zeros, ones)`` stands for a product over its entries, where one z is meant.
    """
    axes = len(distribution.batch_shape)
    if not axes:
        return distribution
    return torch.distributions.Independent(distribution, axes, validate_args=False)


def for_each(distribution: Distribution, batch_shape: torch.Size) -> Distribution:
    """A distribution of batch shape () as one of many: some divergences of torch need equal shapes.

    Args:
        distribution: of batch shape ().
        batch_shape: wanted; where a distribution cannot be expanded it stays as it is.
    """
    try:
        many: Distribution = distribution.expand(batch_shape)
    except NotImplementedError:
        return distribution
    return many
