"""Independent binary values: p(x|z) = Π_i p_i^x_i (1 − p_i)^(1 − x_i).

Log-probabilities come from logits where the decoder gives them; from ``probs`` torch clamps p to
[ε, 1 − ε], so that a single value costs at most about 16 nats in float32.
"""

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Distribution, Independent, constraints

from genprobe.likelihoods.parameters import checked
from genprobe.likelihoods.support import require_unit_interval
from genprobe.notice import Notice
from genprobe.types import Likelihood, Params

GREY = Notice(
    code="bernoulli-on-grey",
    message="The Bernoulli likelihood met values strictly between 0 and 1: its distortion is not a "
    "log-probability of these data, and the bound H − D ≤ I is void.",
    remedy="Binarise as the model was trained (--binarize threshold or stochastic), or use a "
    "likelihood for grey values.",
)


def distribution(params: Params) -> Distribution:
    """``logits`` or ``probs``, (batch, *event), to p(x|z) of batch shape (batch,).

    Raises:
        ModelError: if the decoder gives neither, or probs outside [0, 1].
    """
    if "logits" in params:
        name, values = "logits", params["logits"]
    else:
        name, values = "probs", checked("bernoulli", params, "probs", constraints.unit_interval)
    base = Bernoulli(**{name: values}, validate_args=False)
    return Independent(base, values.dim() - 1, validate_args=False)


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
    name="bernoulli", distribution=distribution, discrete=True, support=support, blind=blind
)
