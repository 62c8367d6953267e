"""KL(q(z)‖p(z)) = R − I(n;z), exactly (Hoffman & Johnson 2016, eq. 12).

Taken as that difference, its Monte Carlo error is that of I(n;z) alone. It is the finite-N
quantity: it cannot fall below R − log N, however well the codes follow the prior.
"""

import math

from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.estimators.control_variates import Controls
from genprobe.estimators.mutual_information import (
    information_data_error,
    information_terms,
    mutual_information,
)
from genprobe.estimators.rate import rate as rate_estimate
from genprobe.report import Estimate


def marginal_kl(
    rate: Float64[Tensor, "ratedraw n"],
    rate_analytic: bool,
    index_entropy: Float64[Tensor, "draw m"],
    log_qz_x: Float64[Tensor, "draw m"],
    log_qz: Float64[Tensor, "draw m"],
    controls: Controls | None,
    query: Int64[Tensor, " m"],
    n: int,
) -> Estimate:
    """The divergence of the aggregate posterior from the prior, nats.

    Args:
        rate: (draw, n), or (1, n) where analytic.
        rate_analytic: whether it is a closed form.
        index_entropy: (draw, m) H[q(n|z)] at each query.
        log_qz_x: (draw, m) log q(z|x_n) of each query under its own example.
        log_qz: (draw, m) log of the aggregate posterior.
        controls: of the queries; None for none.
        query: (m,) the examples queried.
        n: number of examples.
    """
    cost = rate_estimate(rate, rate_analytic)
    information = mutual_information(index_entropy, log_qz_x, log_qz, controls, n)
    terms = information_terms(log_qz_x, log_qz, n)
    costs = rate.mean(0)[query]
    return Estimate(
        name="marginal_kl",
        value=cost.value - information.value,
        se=both(cost.se, information.se),
        se_data=information_data_error(costs - terms, information.se, n),
        kind="estimate",
        n=information.n,
    )


def both(first: float | None, second: float | None) -> float | None:
    """Two independent errors together; None if either is unknown."""
    return None if first is None or second is None else math.hypot(first, second)
