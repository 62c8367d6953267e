"""max(0, R − min(R_m, LOO)): the part of KL(q(z)‖p(z)) of the population that is certain.

R = I(X;Z) + KL_pop, so whatever bounds I(X;Z) from above bounds KL_pop from below. R − R_m is at
once the nats per example that a better prior, the fitted one, would save.
"""

import dataclasses

from jaxtyping import Float64
from torch import Tensor

from genprobe.errors import UnavailableError
from genprobe.estimators.mutual_information_loo import mutual_information_loo
from genprobe.estimators.prior_saving import prior_saving
from genprobe.types import Estimate


def marginal_kl_population_lower(
    rate: Float64[Tensor, "ratedraw n"],
    log_qz_x: Float64[Tensor, "querydraw m"],
    log_qz_loo: Float64[Tensor, "querydraw m"],
    n: int,
    fitted_rate: Float64[Tensor, "draw n"] | None = None,
) -> Estimate:
    """The lower end of the bracket of the population's marginal KL, nats.

    Args:
        rate: (draw, n), or (1, n) where analytic.
        log_qz_x: (draw, m) log q(z|x_n) of each query under its own example.
        log_qz_loo: (draw, m) log of the aggregate posterior without it.
        n: the number of examples.
        fitted_rate: (draw, n) log q(z|x_n) − log m(z), cross-fitted; None where none was fitted.

    Raises:
        UnavailableError: if neither of the bounds on I(X;Z) exists.
    """
    bounds = [] if fitted_rate is None else [prior_saving(rate, fitted_rate)]
    try:
        loo = mutual_information_loo(log_qz_x, log_qz_loo, n)
        bounds.append(dataclasses.replace(loo, value=float(rate.mean()) - loo.value))
    except UnavailableError:
        if not bounds:
            raise
    best = max(bounds, key=lambda bound: bound.value)
    return Estimate(
        name="marginal_kl_population_lower",
        value=max(0.0, best.value),
        se=best.se,
        se_data=best.se_data,
        kind="lower",
        n=rate.shape[1],
    )
