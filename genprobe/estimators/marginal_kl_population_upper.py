"""R − I(n;z) ≥ KL(q(z)‖p(z)) of the population, in expectation, because I(n;z) ≤ I(X;Z).

The finite-N marginal KL, read as what it is for the population: an upper bound.
"""

import dataclasses

from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.estimators.control_variates import Controls
from genprobe.estimators.marginal_kl import marginal_kl
from genprobe.report import Estimate


def marginal_kl_population_upper(
    rate: Float64[Tensor, "ratedraw n"],
    rate_analytic: bool,
    index_entropy: Float64[Tensor, "draw m"],
    log_qz_x: Float64[Tensor, "draw m"],
    log_qz: Float64[Tensor, "draw m"],
    controls: Controls | None,
    query: Int64[Tensor, " m"],
    n: int,
) -> Estimate:
    """The upper end of the bracket of the population's marginal KL, nats.

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
    finite = marginal_kl(rate, rate_analytic, index_entropy, log_qz_x, log_qz, controls, query, n)
    return dataclasses.replace(finite, name="marginal_kl_population_upper", kind="upper")
