r"""Upper end of the bracket of the population's marginal KL.

.. math::

    \mathrm{KL}(q(z)\,\|\,p(z)) = R - I(X;Z) \le R - I(n;z)

An upper bound in expectation over data sets, because I(n;z) ≤ I(X;Z): the finite-N marginal KL,
read as what it is for the population. Hoffman & Johnson (2016), "ELBO surgery", eq. 12.
"""

import dataclasses

from jaxtyping import Float64
from torch import Tensor

from genprobe.aggregate.queries import Queries
from genprobe.estimators.control_variates import Controls
from genprobe.estimators.marginal_kl import marginal_kl
from genprobe.report import Estimate


def marginal_kl_population_upper(
    rate: Float64[Tensor, "draw n"],
    rate_analytic: bool,
    queries: Queries,
    controls: Controls | None = None,
) -> Estimate:
    """The upper end of the bracket of the population's marginal KL, nats.

    Args:
        rate: (draw, n), or (1, n) where analytic, nats.
        rate_analytic: whether it is a closed form.
        queries: of the aggregate posterior.
        controls: control variates of the queries; None for none.

    Example:
        >>> import torch
        >>> from genprobe.testing import queries_from
        >>> same = queries_from(torch.zeros(1, 4, 4, dtype=torch.float64))
        >>> found = marginal_kl_population_upper(torch.full((1, 4), 3.0).double(), True, same)
        >>> found.value, found.kind
        (3.0, 'upper')
    """
    finite = marginal_kl(rate, rate_analytic, queries, controls)
    return dataclasses.replace(finite, name="marginal_kl_population_upper", kind="upper")
