r"""Marginal KL: the divergence of the aggregate posterior from the prior.

.. math::

    \mathrm{KL}(q(z)\,\|\,p(z)) = R - I(n;z)

An identity (Hoffman & Johnson 2016, "ELBO surgery", eq. 12), and so an estimate whose Monte Carlo
error is that of I(n;z), and of R where that is drawn. It is the finite-N quantity: it cannot fall
below R − log N, however well the codes follow the prior.
"""

import math

from jaxtyping import Float64
from torch import Tensor

from genprobe.aggregate.queries import Queries
from genprobe.estimators.control_variates import Controls
from genprobe.estimators.information_error import information_data_error
from genprobe.estimators.mutual_information import index_information
from genprobe.estimators.rate import rate as rate_estimate
from genprobe.report import Estimate


def marginal_kl(
    rate: Float64[Tensor, "draw n"],
    rate_analytic: bool,
    queries: Queries,
    controls: Controls | None = None,
) -> Estimate:
    """The divergence of the aggregate posterior from the prior, nats.

    Args:
        rate: (draw, n), or (1, n) where analytic, nats.
        rate_analytic: whether it is a closed form.
        queries: of the aggregate posterior.
        controls: control variates of the queries; None for none.

    Example:
        Posteriors that are all the same tell nothing: the whole rate is marginal KL.

        >>> import torch
        >>> from genprobe.testing import queries_from
        >>> same = queries_from(torch.zeros(1, 4, 4, dtype=torch.float64))
        >>> marginal_kl(torch.full((1, 4), 3.0).double(), True, same).value
        3.0
    """
    cost, information = rate_estimate(rate, rate_analytic), index_information(queries, controls)
    rates = rate.mean(0)[queries.index]
    return Estimate(
        name="marginal_kl",
        value=cost.value - information.value,
        se=added_in_squares(cost.se, information.se),
        se_data=information_data_error(queries, information.se, controls, rates),
        kind="estimate",
        n=information.n,
    )


def added_in_squares(first: float | None, second: float | None) -> float | None:
    """Standard error of a sum or difference of independent numbers; None if either is unknown.

    Example:
        >>> added_in_squares(3.0, 4.0)
        5.0
    """
    return None if first is None or second is None else math.hypot(first, second)
