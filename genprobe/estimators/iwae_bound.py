r"""IWAE bound: the importance-weighted bound on the negative log-likelihood, with K draws.

.. math::

    -\frac1N \sum_n \mathbb E \log \frac1K \sum_{k=1}^K \frac{p(x_n, z_k)}{q(z_k|x_n)}
    \ge -\frac1N \sum_n \log p(x_n)

An upper bound on the negative log-likelihood, and so on the entropy H of the data: the tightest on
H that one model gives. K is the number of draws in the store. Burda, Grosse & Salakhutdinov (2016),
"Importance weighted autoencoders", eq. 8.
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
        log_weight: (draw, n) log p(x|z) + log p(z) − log q(z|x), nats.

    Raises:
        UnavailableError: with a single draw, where the bound is the ELBO.

    Example:
        Where q(z|x) is the exact posterior every weight is p(x), and the bound is exact.

        >>> import torch
        >>> found = iwae_bound(torch.full((2, 3), -5.0).double())
        >>> found.value, found.se
        (5.0, 0.0)
    """
    draws, n = log_weight.shape
    if draws < 2:
        raise UnavailableError("With one draw the IWAE bound is the ELBO; give more draws.")
    bound = iwae_bounds(log_weight)
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


def iwae_bounds(log_weight: Float64[Tensor, "draw n"]) -> Float64[Tensor, " n"]:
    """The bound on −log p(x_n) of every example (n,), nats.

    Args:
        log_weight: (draw, n) log p(x|z) + log p(z) − log q(z|x), nats.

    >>> iwae_bounds(torch.tensor([[-1.0], [-1.0]]).double())
    tensor([1.], dtype=torch.float64)
    """
    return math.log(len(log_weight)) - torch.logsumexp(log_weight, 0)
