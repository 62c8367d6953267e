"""Estimators of mutual information that genprobe does not offer, to stand beside those it does.

All know the conditional log q(z|x); batches of K examples, one draw each; nats.
"""

import math

import torch
from torch import Tensor


def batch_pairs(loc: Tensor, scale: float, count: int, size: int, seed: int) -> Tensor:
    """Pairs log q(z_i|x_j) (count, size, size) of random batches of posteriors N(loc, scale² I)."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(count):
        chosen = loc[torch.randperm(len(loc), generator=generator)[:size]]
        z = chosen + scale * torch.randn(chosen.shape, generator=generator, dtype=loc.dtype)
        square = torch.cdist(z, chosen).square() / scale**2
        found.append(-square / 2 - loc.shape[1] * math.log(scale * math.sqrt(2 * math.pi)))
    return torch.stack(found)


def info_nce(pairs: Tensor) -> Tensor:
    """Batch-local q(z), own example included: at most log K."""
    size = pairs.shape[-1]
    return (own(pairs) - pairs.logsumexp(-1) + math.log(size)).mean(-1)


def leave_one_out(pairs: Tensor) -> Tensor:
    """Batch-local q(z) without the own example (Poole et al. 2019, eq. 13)."""
    size = pairs.shape[-1]
    others = pairs - torch.diag(torch.full((size,), math.inf, dtype=pairs.dtype))
    return (own(pairs) - others.logsumexp(-1) + math.log(size - 1)).mean(-1)


def corrected_stratified(pairs: Tensor, n: int) -> Tensor:
    """Minibatch stratified sampling with its 1/N on the own example, where it belongs."""
    size = pairs.shape[-1]
    weight = torch.full((size, size), math.log((n - 1) / (n * (size - 1))), dtype=pairs.dtype)
    weight.fill_diagonal_(-math.log(n))
    return (own(pairs) - (pairs + weight).logsumexp(-1)).mean(-1)


def minibatch_weighted(pairs: Tensor, n: int) -> Tensor:
    """Minibatch-weighted sampling (Chen et al. 2018): InfoNCE + log N, whatever the model."""
    size = pairs.shape[-1]
    return (own(pairs) - pairs.logsumexp(-1) + math.log(n * size)).mean(-1)


def own(pairs: Tensor) -> Tensor:
    """The pairs of every draw with its own example."""
    return pairs.diagonal(dim1=-2, dim2=-1)
