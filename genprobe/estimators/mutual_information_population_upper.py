r"""Upper end of the bracket of the population's mutual information.

.. math::

    I(X;Z) \le \min(R,\, R_m,\, \mathrm{LOO})

The least of three upper bounds, each of which holds in expectation over data sets: the rate under
any prior, the rate under a prior fitted to other examples (Barber & Agakov 2003), and leave-one-out
(Poole et al. 2019, eq. 13). The least of several that err is too small on average, and its error is
widened for the choice. I(n;z) is the lower end of the bracket. No lower bound that holds for every
distribution, and with high confidence, can be far above it: about 2 log N + 5 at most (McAllester &
Stratos 2020). All ends err: where the upper one would come out below I(n;z), which is known best,
it is put there, with its error.
"""

import contextlib
import dataclasses

from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.aggregate.queries import Queries
from genprobe.errors import UnavailableError
from genprobe.estimators.chosen_bound import chosen_bound, held_to
from genprobe.estimators.control_variates import Controls
from genprobe.estimators.mutual_information import mutual_information
from genprobe.estimators.mutual_information_loo import mutual_information_loo
from genprobe.estimators.rate import rate as rate_estimate
from genprobe.estimators.rate_fitted_prior import rate_fitted_prior
from genprobe.report import Estimate


def mutual_information_population_upper(
    rate: Float64[Tensor, "ratedraw n"],
    rate_analytic: bool,
    queries: Queries,
    controls: Controls | None = None,
    fitted_rate: Float64[Tensor, "draw n"] | None = None,
    which: Int64[Tensor, " n"] | None = None,
    fit_error: float = 0.0,
) -> Estimate:
    """The upper end of the bracket of I(X;Z), nats: the least of those bounds that there are.

    Args:
        rate: (draw, n), or (1, n) where analytic, nats.
        rate_analytic: whether it is a closed form.
        queries: of the aggregate posterior.
        controls: control variates of the queries; None for none.
        fitted_rate: (draw, n) log q(z|x_n) − log m(z), cross-fitted, nats; None where none was
            fitted.
        which: (n,) the distinct example that each is; None where all differ.
        fit_error: of the fitted prior's bound, nats.

    Example:
        Posteriors that do not overlap: leave-one-out says nothing, and the rate is left.

        >>> import torch
        >>> from genprobe.testing import queries_from
        >>> apart = queries_from(torch.eye(4, dtype=torch.float64).log()[None])
        >>> rate = torch.full((1, 4), 3.0).double()
        >>> mutual_information_population_upper(rate, True, apart).value
        3.0
    """
    bounds = [rate_estimate(rate, rate_analytic, which)]
    if fitted_rate is not None:
        bounds.append(rate_fitted_prior(fitted_rate, which, fit_error))
    with contextlib.suppress(UnavailableError):
        bounds.append(mutual_information_loo(queries, controls))
    low = mutual_information(queries, controls)
    least = held_to(chosen_bound(bounds, min), low, max)
    return dataclasses.replace(least, name="mutual_information_population_upper", kind="upper")
