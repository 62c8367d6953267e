"""Mean and variance of posteriors, NaN where a distribution has none or torch knows none.

The index of a class has no mean that says anything, and a logistic-normal's has no closed form.
"""

from typing import TypeGuard

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

from genprobe.distributions.latents import flat


def moments(distribution: Distribution) -> tuple[Tensor, Tensor]:
    """Mean and variance (batch, k) of every value of z, flattened.

    Args:
        distribution: of batch shape (batch,).
    """
    return flat(mean_of(distribution), 1), flat(variance_of(distribution), 1)


def mean_of(distribution: Distribution) -> Tensor:
    """The means (batch, *event), NaN where there is no closed form."""
    try:
        return distribution.mean
    except NotImplementedError:
        return unknown(distribution)


def variance_of(distribution: Distribution) -> Tensor:
    """The variances (batch, *event), NaN where there is no closed form."""
    try:
        return distribution.variance
    except NotImplementedError:
        return unknown(distribution)


def unknown(distribution: Distribution) -> Tensor:
    """NaN for every value of z (batch, *event), float64."""
    return torch.full(distribution.batch_shape + distribution.event_shape, torch.nan).double()


def factorises(distribution: Distribution | None) -> TypeGuard["Independent[Distribution]"]:
    """Whether the dimensions of one z are known to be independent of each other."""
    return isinstance(distribution, Independent) and not distribution.base_dist.event_shape
