"""max(0, R − min(R_m, LOO)): the part of KL(q(z)‖p(z)) of the population that is certain.

R = I(X;Z) + KL_pop, so whatever bounds I(X;Z) from above bounds KL_pop from below. R − R_m is at
once the nats per example that a better prior, the fitted one, would save.
"""

from jaxtyping import Float64
from torch import Tensor

from genprobe.estimators.mutual_information_loo import mutual_information_loo
from genprobe.estimators.prior_saving import prior_saving
from genprobe.types import Estimate


def marginal_kl_population_lower(
    rate: Float64[Tensor, "ratedraw n"],
    fitted_rate: Float64[Tensor, "draw n"],
    log_qz_x: Float64[Tensor, "querydraw m"],
    log_qz_loo: Float64[Tensor, "querydraw m"],
    n: int,
) -> Estimate:
    """The lower end of the bracket of the population's marginal KL, nats.

    Args:
        rate: (draw, n), or (1, n) where analytic.
        fitted_rate: (draw, n) log q(z|x_n) − log m(z), cross-fitted.
        log_qz_x: (draw, m) log q(z|x_n) of each query under its own example.
        log_qz_loo: (draw, m) log of the aggregate posterior without it.
        n: the number of examples.
    """
    saving = prior_saving(rate, fitted_rate)
    loo = mutual_information_loo(log_qz_x, log_qz_loo, n)
    other = float(rate.mean()) - loo.value
    value, se, se_data = (
        (saving.value, saving.se, saving.se_data)
        if saving.value >= other
        else (other, loo.se, loo.se_data)
    )
    return Estimate(
        name="marginal_kl_population_lower",
        value=max(0.0, value),
        se=se,
        se_data=se_data,
        kind="lower",
        n=saving.n,
    )
