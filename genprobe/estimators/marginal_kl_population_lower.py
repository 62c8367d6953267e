r"""Lower end of the bracket of the population's marginal KL: the least it can be.

.. math::

    \mathrm{KL}(q(z)\,\|\,p(z)) = R - I(X;Z) \ge \max(0,\, R - \min(R_m, \mathrm{LOO}))

A lower bound in expectation: whatever bounds I(X;Z) from above bounds the marginal KL from below.
R_m is the rate under a fitted prior (Barber & Agakov 2003), and R − R_m at once the nats per
example that this prior would save; LOO is the leave-one-out bound (Poole et al. 2019, eq. 13). The
larger of two that err is too large on average, and its error is widened for the choice. Both ends
of the bracket err: where the lower one would come out above R − I(n;z), which is known best, it is
put there, with its error.
"""

import dataclasses

from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.aggregate.queries import Queries
from genprobe.errors import UnavailableError
from genprobe.estimators.chosen_bound import chosen_bound, held_to
from genprobe.estimators.control_variates import Controls
from genprobe.estimators.least_zero import at_least_zero
from genprobe.estimators.marginal_kl import added_in_squares, marginal_kl
from genprobe.estimators.mutual_information_loo import loo_data_error, mutual_information_loo
from genprobe.estimators.prior_saving import prior_saving
from genprobe.estimators.rate import rate as rate_estimate
from genprobe.report import Estimate


def marginal_kl_population_lower(
    rate: Float64[Tensor, "ratedraw n"],
    rate_analytic: bool,
    queries: Queries,
    controls: Controls | None = None,
    fitted_rate: Float64[Tensor, "draw n"] | None = None,
    which: Int64[Tensor, " n"] | None = None,
    fit_error: float = 0.0,
) -> Estimate:
    """The lower end of the bracket of the population's marginal KL, nats.

    Args:
        rate: (draw, n), or (1, n) where analytic, nats.
        rate_analytic: whether it is a closed form.
        queries: of the aggregate posterior.
        controls: control variates of the queries; None for none.
        fitted_rate: (draw, n) log q(z|x_n) − log m(z), cross-fitted, nats; None where none was
            fitted.
        which: (n,) the distinct example that each is; None where all differ.
        fit_error: of the fitted prior's bound, nats.

    Raises:
        UnavailableError: if neither of the bounds on I(X;Z) exists.

    Example:
        Codes that are all the same, under a prior that they do not follow.

        >>> import torch
        >>> from genprobe.testing import queries_from
        >>> same = queries_from(torch.zeros(1, 4, 4, dtype=torch.float64))
        >>> marginal_kl_population_lower(torch.full((1, 4), 3.0).double(), True, same).value
        3.0
    """
    bounds = [] if fitted_rate is None else [prior_saving(rate, fitted_rate, which, fit_error)]
    try:
        bounds.append(rate_beyond_loo(rate, rate_analytic, queries, controls))
    except UnavailableError:
        if not bounds:
            raise
    upper = marginal_kl(rate, rate_analytic, queries, controls)
    best = held_to(chosen_bound(bounds, max), upper, min)
    return dataclasses.replace(
        at_least_zero(best), name="marginal_kl_population_lower", kind="lower", n=rate.shape[1]
    )


def rate_beyond_loo(
    rate: Float64[Tensor, "draw n"],
    rate_analytic: bool,
    queries: Queries,
    controls: Controls | None = None,
) -> Estimate:
    """The rate less the leave-one-out bound, paired by example, nats.

    Args:
        rate: (draw, n), or (1, n) where analytic, nats.
        rate_analytic: whether it is a closed form.
        queries: of the aggregate posterior.
        controls: control variates of the queries; None for none.

    Raises:
        UnavailableError: if there is no leave-one-out bound.

    Example:
        >>> import torch
        >>> from genprobe.testing import queries_from
        >>> same = queries_from(torch.zeros(1, 4, 4, dtype=torch.float64))
        >>> rate_beyond_loo(torch.full((1, 4), 3.0).double(), True, same).value
        3.0
    """
    cost, loo = rate_estimate(rate, rate_analytic), mutual_information_loo(queries, controls)
    terms, rates = queries.log_qz_x - queries.log_qz_loo, rate.mean(0)[queries.index]
    over_data = None
    if loo.se_data is not None:
        over_data = loo_data_error(terms, loo.se, queries, controls, rates)
    return Estimate(
        name="rate_beyond_loo",
        value=cost.value - loo.value,
        se=added_in_squares(cost.se, loo.se),
        se_data=over_data,
        kind="lower",
        n=loo.n,
        remark=loo.remark,
    )
