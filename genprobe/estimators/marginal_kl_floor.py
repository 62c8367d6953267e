r"""Marginal KL floor: the least that the finite-N marginal KL can be.

.. math::

    \mathrm{KL}(q(z)\,\|\,p(z)) = R - I(n;z) \ge \max(0,\, R - \log N)

A lower bound, because I(n;z) ≤ log N. A marginal KL near it says only that there are too few
examples to see more. Hoffman & Johnson (2016), "ELBO surgery", eq. 12.
"""

import dataclasses

from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.estimators.least_zero import at_least_zero
from genprobe.estimators.rate import rate as rate_estimate
from genprobe.report import Estimate


def marginal_kl_floor(
    rate: Float64[Tensor, "draw n"],
    rate_analytic: bool,
    log_n: float,
    which: Int64[Tensor, " n"] | None = None,
) -> Estimate:
    """The lower limit of the marginal KL, nats.

    Args:
        rate: (draw, n), or (1, n) where analytic, nats.
        rate_analytic: whether it is a closed form.
        log_n: the most that I(n;z) can be, nats.
        which: (n,) the distinct example that each is; None where all differ.

    Example:
        >>> import torch
        >>> marginal_kl_floor(torch.tensor([[4.0, 6.0]]).double(), True, log_n=3.0).value
        2.0
    """
    cost = rate_estimate(rate, rate_analytic, which)
    bound = dataclasses.replace(
        cost, name="marginal_kl_floor", value=cost.value - log_n, kind="lower"
    )
    return at_least_zero(bound)
