"""The least of three upper bounds on I(X;Z) of the population: R, R_m and leave-one-out.

Each holds in expectation over data sets: I(X;Z) ≤ R for any prior, R_m for a prior fitted to
other examples (Barber & Agakov 2003), leave-one-out by Poole et al. (2019), eq. 13. I(n;z) is the
lower end of the bracket; above log N no lower bound exists that holds for every distribution
(McAllester & Stratos 2020). All ends err: where the upper one would come out below I(n;z), which is
known best, that is where it is put.
"""

import contextlib
import dataclasses

from jaxtyping import Float64
from torch import Tensor

from genprobe.errors import UnavailableError
from genprobe.estimators.control_variates import Controls
from genprobe.estimators.mutual_information import mutual_information
from genprobe.estimators.mutual_information_loo import mutual_information_loo
from genprobe.estimators.rate import rate as rate_estimate
from genprobe.estimators.rate_fitted_prior import rate_fitted_prior
from genprobe.report import Estimate


def mutual_information_population_upper(
    rate: Float64[Tensor, "ratedraw n"],
    rate_analytic: bool,
    index_entropy: Float64[Tensor, "querydraw m"],
    log_qz_x: Float64[Tensor, "querydraw m"],
    log_qz: Float64[Tensor, "querydraw m"],
    log_qz_loo: Float64[Tensor, "querydraw m"],
    controls: Controls | None,
    n: int,
    fitted_rate: Float64[Tensor, "draw n"] | None = None,
) -> Estimate:
    """The upper end of the bracket of I(X;Z), nats: the least of those bounds that there are.

    Args:
        rate: (draw, n), or (1, n) where analytic.
        rate_analytic: whether it is a closed form.
        index_entropy: (draw, m) H[q(n|z)] at each query.
        log_qz_x: (draw, m) log q(z|x_n) of each query under its own example.
        log_qz: (draw, m) log of the aggregate posterior.
        log_qz_loo: (draw, m) log of the aggregate posterior without it.
        controls: of the queries; None for none.
        n: the number of examples.
        fitted_rate: (draw, n) log q(z|x_n) − log m(z), cross-fitted; None where none was fitted.
    """
    bounds = [rate_estimate(rate, rate_analytic)]
    if fitted_rate is not None:
        bounds.append(rate_fitted_prior(fitted_rate))
    with contextlib.suppress(UnavailableError):
        bounds.append(
            mutual_information_loo(index_entropy, log_qz_x, log_qz, log_qz_loo, controls, n)
        )
    least = min(bounds, key=lambda bound: bound.value)
    low = mutual_information(index_entropy, log_qz_x, log_qz, controls, n)
    return dataclasses.replace(
        least,
        name="mutual_information_population_upper",
        value=max(least.value, low.value),
        kind="upper",
    )
