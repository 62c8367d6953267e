"""Classes, one at each place of a grid: q(z|x) = Π_g softmax(logits_g)[z_g], z of class indices.

The codes of a VQ-VAE: logits (batch, *grid, classes) and z (batch, *grid). A posterior that is
certain has logit 0 at its class and −10⁴ at the others: its softmax is exactly one-hot in float32
and float64, its entropy exactly 0, and I(n;z) exactly the entropy of the histogram of the codes.

The density of all pairs is a sum of looked-up log probabilities, one a place of the grid. As an
exponential family it would have one-hot statistics, and a matmul of mostly zeros.
"""

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent, constraints

from genprobe.distributions.latents import flat
from genprobe.types import Family, Params


def distribution(params: Params) -> Distribution:
    """Parameters logits (batch, *grid, classes) to q(z|x) of batch shape (batch,)."""
    logits = params["logits"]
    classes = Categorical(logits=logits, validate_args=False)
    return Independent(classes, logits.dim() - 2, validate_args=False)


def cross_log_prob(z: Tensor, params: Params) -> Tensor:
    """Log probability of every pair (m, n), of class indices z (m, *grid); float64."""
    logits, index = params["logits"], flat(z, 1).long()
    places = logits.reshape(len(logits), index.shape[1], logits.shape[-1]).unbind(1)
    found = logits.new_zeros(len(z), len(logits), dtype=torch.float64)
    for chosen, place in zip(index.T, places, strict=True):
        log_probs = place.double().log_softmax(1).T.contiguous()
        found.add_(log_probs.index_select(0, chosen))
    return found


categorical = Family(
    name="categorical",
    distribution=distribution,
    constraints={"logits": constraints.real},
    cross_log_prob=cross_log_prob,
)
