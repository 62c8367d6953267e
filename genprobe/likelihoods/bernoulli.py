"""Independent binary values: p(x|z) = Π_i p_i^x_i (1 − p_i)^(1 − x_i).

From logits nothing rounds. From ``probs`` it is x log p + (1 − x) log(1 − p), 0 log 0 being 0, in
float64: exact for the p that the decoder gives, so that a p of exactly 0 or 1 makes whatever else
was seen impossible. (torch clamps p to [ε, 1 − ε]: there no value costs more than 15.94 nats in
float32, however sure the decoder was of the opposite.)
"""

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Distribution, constraints

from genprobe.errors import Notice
from genprobe.likelihoods.parameters import (
    checked,
    logits_of_probs,
    one_example,
    precise,
    times_log,
    times_log1m,
)
from genprobe.likelihoods.support import require_unit_interval
from genprobe.types import Likelihood, Params

GREY = Notice(
    code="bernoulli-on-grey",
    message="Values between 0 and 1 have no Bernoulli probability.",
    remedy="D is no log-probability of these data, and the bound H − D ≤ I is void. Binarise as "
    "the model was trained (--binarize threshold or stochastic), or use a likelihood for "
    "grey values.",
)


class BernoulliOfProbs(Bernoulli):
    """Bits whose probabilities are taken as they are given."""

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability, −inf where p rules the value out; its gradient is finite elsewhere."""
        x, p = precise(value), precise(self.probs)
        return times_log(x, p) + times_log1m(1 - x, p)


def distribution(params: Params) -> Distribution:
    """``logits`` or ``probs``, (batch, *event), to p(x|z) of batch shape (batch,).

    Raises:
        ModelError: if the decoder gives neither, or probs outside [0, 1].
    """
    if "logits" in params:
        return one_example(Bernoulli(logits=params["logits"], validate_args=False))
    probs = checked("bernoulli", params, "probs", constraints.unit_interval)
    return one_example(BernoulliOfProbs(probs=probs, validate_args=False))


def support(x: Tensor) -> Notice | None:
    """None for binary data (batch, *event), a notice for grey data.

    Raises:
        SupportError: naming the first example with a value outside [0, 1].
    """
    require_unit_interval("bernoulli", x, "Rescale the data, or use the likelihood normal.")
    # In [0, 1] only 0 and 1 are their own squares.
    return None if torch.equal(x.square(), x) else GREY


def blind(mean: Tensor, square: Tensor) -> float:
    """Entropy of independent bits with the data's means (*event), nats: the best constant p."""
    p = mean.double()
    return float(-(torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p)).sum())


bernoulli = Likelihood(
    name="bernoulli",
    distribution=distribution,
    discrete=True,
    support=support,
    blind=blind,
    logits_of_probs=logits_of_probs,
)
