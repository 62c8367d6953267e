"""−E log 1/K Σ_k p(x, z_k)/q(z_k|x) ≥ −log p(x): the importance-weighted bound with K draws.

It bounds the negative log-likelihood, and so the entropy H of the data, from above: the tightest
upper bound on H that one model gives. K is the number of draws in the store. Burda, Grosse &
Salakhutdinov (2016), "Importance weighted autoencoders", eq. 8.
"""

import math

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.errors import UnavailableError
from genprobe.estimators.standard_error import standard_error
from genprobe.report import Estimate


def iwae_bound(log_weight: Float64[Tensor, "draw n"]) -> Estimate:
    """The importance-weighted upper bound on the negative log-likelihood, nats per example.

    Its Monte Carlo error is that of the logarithm of a mean, by the delta method.

    Args:
        log_weight: (draw, n) log p(x|z) + log p(z) − log q(z|x).

    Raises:
        UnavailableError: with a single draw, where the bound is the ELBO.
    """
    draws, n = log_weight.shape
    if draws < 2:
        raise UnavailableError("With one draw the IWAE bound is the ELBO; give more draws.")
    bound = math.log(draws) - torch.logsumexp(log_weight, 0)
    share = torch.softmax(log_weight, 0) * draws
    relative = share.var(0) / draws
    return Estimate(
        name="iwae_bound",
        value=float(bound.mean()),
        se=math.sqrt(float(relative.mean()) / n),
        se_data=standard_error(bound),
        kind="upper",
        n=n,
    )
