"""Moments of all N posteriors that are known exactly, accumulated over the store in float64."""

from collections.abc import Iterable

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from genprobe.aggregate.moments import factorises, moments
from genprobe.types import Family, Params

WIDEST = 64
"""Latent sizes beyond this keep the second moments of single dimensions only."""
RIDGE = 1e-9
"""Share of the largest variance that every direction has at least."""


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


def expected_distance(
    blocks: Iterable[tuple[int, Params]],
    family: Family,
    mean: Float64[Tensor, " k"],
    second: Float64[Tensor, " *k"],
) -> Float64[Tensor, " n"]:
    """The mean over every posterior of ``distance``, NaN where it has no variance.

    Args:
        blocks: (first example, parameters of a stretch), in order.
        family: of the posteriors.
        mean: (k,) E z under the aggregate posterior.
        second: (k,) or (k, k), its second moments.
    """
    weights = precision(mean, second)
    diagonal = weights if weights.dim() == 1 else weights.diagonal()
    found = []
    for _, params in blocks:
        means, variances = moments(family.distribution({k: v.double() for k, v in params.items()}))
        found.append(quadratic(means - mean, weights) + variances @ diagonal)
    return torch.cat(found)


def distance(
    z: Float[Tensor, "*batch k"], mean: Float64[Tensor, " k"], second: Float64[Tensor, " *k"]
) -> Float64[Tensor, " *batch"]:
    """Squared Mahalanobis distance of codes from the mean of the aggregate posterior.

    Minus twice the log density of a normal of the same moments, up to a constant.

    Args:
        z: codes, flattened.
        mean: (k,) E z under the aggregate posterior.
        second: (k,) or (k, k), its second moments.

    Example:
        >>> one = torch.ones(1).double()
        >>> distance(3 * one, 0 * one, one)
        tensor(9., dtype=torch.float64)
    """
    return quadratic(z.double() - mean, precision(mean, second))


def quadratic(
    deviation: Float64[Tensor, "*batch k"], weights: Float64[Tensor, " *k"]
) -> Float64[Tensor, " *batch"]:
    """The quadratic form of deviations with a matrix (k, k) of weights, or its diagonal (k,)."""
    weighted = deviation * weights if weights.dim() == 1 else deviation @ weights
    return (weighted * deviation).sum(-1)


def precision(
    mean: Float64[Tensor, " k"], second: Float64[Tensor, " *k"]
) -> Float64[Tensor, " *k"]:
    """The inverse of the covariance, or of the variances; codes on a plane are given some width.

    NaN where there are no moments.
    """
    covariance = second - (mean.square() if second.dim() == 1 else mean.outer(mean))
    if not covariance.isfinite().all():
        return torch.full_like(second, torch.nan)
    variance = covariance if second.dim() == 1 else covariance.diagonal()
    least = max(RIDGE * float(variance.max()), torch.finfo(torch.float64).tiny)
    if second.dim() == 1:
        return 1 / variance.clamp(min=least)
    wider = covariance + least * torch.eye(len(mean), dtype=torch.float64)
    factor, failed = torch.linalg.cholesky_ex(wider)
    if failed:  # rounding of moments far from zero has left it indefinite
        return torch.full_like(second, torch.nan)
    return torch.cholesky_inverse(factor)
