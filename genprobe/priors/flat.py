"""A prior over flattened z, given back in the shape of z."""

from collections.abc import Callable

import torch
from torch import Tensor

from genprobe.types import Family, Params, Prior


def flat_prior(
    name: str,
    event_shape: torch.Size,
    log_prob: Callable[[Tensor], Tensor],
    sample: Callable[[torch.Size], Tensor],
    params: Params,
    kl: Callable[[Family, Params], Tensor | None] | None = None,
) -> Prior:
    """The prior whose density over flattened z is given.

    Args:
        name: of the prior.
        event_shape: shape of one z, of k values.
        log_prob: z (..., k) to log p(z) (...), nats.
        sample: a shape to z (*shape, k).
        params: the tensors it was built from.
        kl: its closed form, for the families that have one with it.

    Example:
        >>> from torch.distributions import Normal
        >>> each = Normal(torch.zeros(4), torch.ones(4))
        >>> log_prob = lambda z: each.log_prob(z).sum(-1)
        >>> prior = flat_prior("grid", torch.Size([2, 2]), log_prob, each.sample, {})
        >>> prior.sample(3).shape
        torch.Size([3, 2, 2])
    """
    axes = len(event_shape)

    def log_prob_of(z: Tensor) -> Tensor:
        return log_prob(z.reshape(*z.shape[: z.dim() - axes], event_shape.numel()))

    def draw(n: int) -> Tensor:
        return sample(torch.Size([n])).reshape(n, *event_shape)

    def no_kl(family: Family, params: Params) -> Tensor | None:
        return None

    return Prior(name=name, log_prob=log_prob_of, sample=draw, kl=kl or no_kl, params=params)
