"""Moments of all N posteriors that are known exactly, accumulated over the store in float64."""

from collections.abc import Iterable

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.aggregate.moments import factorises, moments
from genprobe.types import Family, Params

WIDEST = 64
"""Latent sizes beyond this keep the second moments of single dimensions only."""


def posterior_entropy(
    blocks: Iterable[tuple[int, Params]], family: Family
) -> Float64[Tensor, " n"] | None:
    """Entropy of every posterior, nats; None where torch knows no closed form.

    Args:
        blocks: (first example, parameters of a stretch), in order.
        family: of the posteriors.
    """
    found = []
    for _, params in blocks:
        distribution = family.distribution({k: v.double() for k, v in params.items()})
        try:
            found.append(distribution.entropy().double())
        except NotImplementedError:
            return None
    return torch.cat(found)


def aggregate_moments(
    blocks: Iterable[tuple[int, Params]], family: Family
) -> tuple[Float64[Tensor, " k"], Float64[Tensor, " *k"]]:
    """E z (k,) and E z zᵀ (k, k) under the aggregate posterior, z flattened.

    E z² (k,) instead if k is large, or if the dimensions of a posterior may depend on each other.

    Args:
        blocks: (first example, parameters of a stretch), in order.
        family: of the posteriors.
    """
    count, first, second = 0, torch.zeros(()).double(), torch.zeros(()).double()
    for _, params in blocks:
        distribution = family.distribution({k: v.double() for k, v in params.items()})
        mean, variance = moments(distribution)
        count += len(mean)
        first = first + mean.sum(0)
        if mean.shape[1] > WIDEST or not factorises(distribution):
            second = second + (mean.square() + variance).sum(0)
        else:
            second = second + mean.T @ mean + variance.sum(0).diag()
    return first / count, second / count
