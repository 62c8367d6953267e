"""Numbers of each example from its weighed chains, with what they err by."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float64
from torch import Tensor


def log_mean_weight(log_weight: Float64[Tensor, "chain M"]) -> Float64[Tensor, " M"]:
    """Log of the mean weight of each example's chains (M,), nats: below log Z in expectation.

    >>> log_mean_weight(torch.tensor([[0.0], [math.log(3)]]).double()).exp()
    tensor([2.0000], dtype=torch.float64)
    """
    return torch.logsumexp(log_weight, 0) - math.log(len(log_weight))


def effective_sample_size(log_weight: Float64[Tensor, "chain M"]) -> Float64[Tensor, " M"]:
    r"""Of each example's C chains the share :math:`(\sum w)^2 / (C \sum w^2)`, from 1/C to 1.

    >>> effective_sample_size(torch.zeros(4, 1).double())
    tensor([1.], dtype=torch.float64)
    """
    twice = 2 * torch.logsumexp(log_weight, 0) - torch.logsumexp(2 * log_weight, 0)
    return twice.exp() / len(log_weight)


def jackknife(
    estimate: Callable[..., Tensor], *columns: Float64[Tensor, "chain M"]
) -> tuple[Float64[Tensor, " M"], Float64[Tensor, " M"]]:
    """An estimate of each example and its variance over chains, by leaving out one at a time.

    Args:
        estimate: of columns (chain, M) to (M,).
        columns: what it takes, each (chain, M), of at least two chains.

    Returns:
        The estimate of all chains (M,), and its variance (M,).

    Example:
        The mean, of which the variance is that of the values over their number.

        >>> jackknife(lambda values: values.mean(0), torch.tensor([[1.0], [3.0]]).double())
        (tensor([2.], dtype=torch.float64), tensor([1.], dtype=torch.float64))
    """
    chains = len(columns[0])
    every = torch.arange(chains)
    without = torch.stack([estimate(*(c[every != i] for c in columns)) for i in range(chains)])
    return estimate(*columns), without.var(0, correction=0) * (chains - 1)
