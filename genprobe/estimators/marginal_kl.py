"""KL(q(z)‖p(z)) = R − I(n;z), exactly (Hoffman & Johnson 2016, eq. 12).

Taken as that difference, its Monte Carlo error is that of I(n;z) alone. It is the finite-N
quantity: it cannot fall below R − log N, however well the codes follow the prior.
"""

import math

from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.estimators.mutual_information import information_terms
from genprobe.estimators.rate import rate as rate_estimate
from genprobe.estimators.standard_error import standard_error
from genprobe.types import Estimate


def marginal_kl(
    rate: Float64[Tensor, "draw n"],
    rate_analytic: bool,
    log_qz_x: Float64[Tensor, " m"],
    log_qz: Float64[Tensor, " m"],
    log_n: float,
    query: Int64[Tensor, " m"],
) -> Estimate:
    """The divergence of the aggregate posterior from the prior, nats.

    Args:
        rate: (draw, n), or (1, n) where analytic.
        rate_analytic: whether it is a closed form.
        log_qz_x: (m,) log q(z|x_n) of each query under its own example.
        log_qz: (m,) log of the aggregate posterior.
        log_n: natural logarithm of the number of examples.
        query: (m,) the example each query was drawn from.
    """
    f = information_terms(log_qz_x, log_qz, log_n)
    cost = rate_estimate(rate, rate_analytic)
    errors = (cost.se, standard_error(f))
    se = None if None in errors else math.hypot(*(e for e in errors if e is not None))
    return Estimate(
        name="marginal_kl",
        value=cost.value - float(f.mean()),
        se=se,
        se_data=standard_error(rate.mean(0)[query] - f),
        kind="estimate",
        n=len(f),
    )
