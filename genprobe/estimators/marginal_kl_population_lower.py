"""max(0, R − min(R_m, LOO)): the part of KL(q(z)‖p(z)) of the population that is certain.

R = I(X;Z) + KL_pop, so whatever bounds I(X;Z) from above bounds KL_pop from below. R − R_m is at
once the nats per example that a better prior, the fitted one, would save. Both ends of the bracket
err: where the lower one would come out above R − I(n;z), which is known best, it is put there.
"""

from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.errors import UnavailableError
from genprobe.estimators.control_variates import Controls
from genprobe.estimators.marginal_kl import both, marginal_kl
from genprobe.estimators.mutual_information import information_data_error
from genprobe.estimators.mutual_information_loo import mutual_information_loo
from genprobe.estimators.prior_saving import prior_saving
from genprobe.estimators.rate import rate as rate_estimate
from genprobe.report import Estimate


def marginal_kl_population_lower(
    rate: Float64[Tensor, "ratedraw n"],
    rate_analytic: bool,
    index_entropy: Float64[Tensor, "querydraw m"],
    log_qz_x: Float64[Tensor, "querydraw m"],
    log_qz: Float64[Tensor, "querydraw m"],
    log_qz_loo: Float64[Tensor, "querydraw m"],
    controls: Controls | None,
    query: Int64[Tensor, " m"],
    n: int,
    fitted_rate: Float64[Tensor, "draw n"] | None = None,
) -> Estimate:
    """The lower end of the bracket of the population's marginal KL, nats.

    Args:
        rate: (draw, n), or (1, n) where analytic.
        rate_analytic: whether it is a closed form.
        index_entropy: (draw, m) H[q(n|z)] at each query.
        log_qz_x: (draw, m) log q(z|x_n) of each query under its own example.
        log_qz: (draw, m) log of the aggregate posterior.
        log_qz_loo: (draw, m) log of the aggregate posterior without it.
        controls: of the queries; None for none.
        query: (m,) the examples queried.
        n: the number of examples.
        fitted_rate: (draw, n) log q(z|x_n) − log m(z), cross-fitted; None where none was fitted.

    Raises:
        UnavailableError: if neither of the bounds on I(X;Z) exists.
    """
    bounds = [] if fitted_rate is None else [prior_saving(rate, fitted_rate)]
    try:
        loo = mutual_information_loo(index_entropy, log_qz_x, log_qz, log_qz_loo, controls, n)
        bounds.append(beyond(rate, rate_analytic, log_qz_x - log_qz_loo, loo, query, n))
    except UnavailableError:
        if not bounds:
            raise
    best = max(bounds, key=lambda bound: bound.value)
    upper = marginal_kl(rate, rate_analytic, index_entropy, log_qz_x, log_qz, controls, query, n)
    return Estimate(
        name="marginal_kl_population_lower",
        value=max(0.0, min(best.value, upper.value)),
        se=best.se,
        se_data=best.se_data,
        kind="lower",
        n=rate.shape[1],
    )


def beyond(
    rate: Float64[Tensor, "ratedraw n"],
    rate_analytic: bool,
    terms: Float64[Tensor, "querydraw m"],
    loo: Estimate,
    query: Int64[Tensor, " m"],
    n: int,
) -> Estimate:
    """The rate beyond the leave-one-out bound, paired by example.

    Args:
        rate: (draw, n), or (1, n) where analytic.
        rate_analytic: whether it is a closed form.
        terms: (draw, m) what the bound is the mean of.
        loo: the bound.
        query: (m,) the examples queried.
        n: the number of examples.
    """
    cost = rate_estimate(rate, rate_analytic)
    return Estimate(
        name="beyond",
        value=cost.value - loo.value,
        se=both(cost.se, loo.se),
        se_data=information_data_error(rate.mean(0)[query] - terms, loo.se, n),
        kind="lower",
        n=loo.n,
    )
