r"""Leave-one-out bound on the mutual information I(X;Z) of the population.

.. math::

    \mathbb E\Big[\log q(z|x_n) - \log \frac1{N-1} \sum_{j \ne n} q(z|x_j)\Big] \ge I(X;Z)

An upper bound, in expectation over data sets; very loose once the posteriors separate. Poole et al.
(2019), "On variational bounds of mutual information", eq. 13.

It is taken as I(n;z) + E[log q(z) − log q_loo(z)], from the same queries. With r = q(z|x_n)/q(z),
whose mean over n is 1, the second term is the mean of −r log((N − r)/(N − 1)), a convex function
that is 0 at r = 1: by Jensen it is never negative. So the two ends of the bracket of I(X;Z) cannot
cross, and where posteriors overlap, where the term is small, the bound is as sharp as I(n;z)
itself.

Its error over the data counts what example n says of itself, not that its neighbours' q_loo hold it
too. That holds where many posteriors overlap. Where each has few near neighbours it is too small,
2.6 for a true 3.7 at 20 dimensions, N = 200, σ = 0.3, and none is stated; nor where the bound lies
far above I(n;z), as a few outlying posteriors put it. It has no cap, so a heavy tail widens its
error. Codes of a heavy tail without any that lies outside tell nothing of it: with means from
Student's t of three degrees of freedom up to a fifth of the intervals are then too low.
"""

from jaxtyping import Float64
from torch import Tensor

from genprobe.aggregate.queries import Queries
from genprobe.errors import UnavailableError
from genprobe.estimators.control_variates import Controls, reduced
from genprobe.estimators.information_error import (
    data_error_of,
    neighbours,
    spread_of_examples,
)
from genprobe.estimators.mutual_information import index_information
from genprobe.estimators.tail import remark_of
from genprobe.report import Estimate
from genprobe.runtime.outer_threads import outer_threads

FEW = "no data error, far above I(n;z) or with few neighbours"
FAR = 0.05
"""Share of I(n;z) by which a bound on it is far above."""
MANY = 10
"""Other posteriors at a code of which each is then a small part of the density."""


@outer_threads()
def mutual_information_loo(queries: Queries, controls: Controls | None = None) -> Estimate:
    """The leave-one-out upper bound, nats.

    Args:
        queries: of the aggregate posterior.
        controls: control variates of the queries; None for none.

    Raises:
        UnavailableError: if all examples are equal, so that nothing is left without one, or if
            at some query no other example has a density.

    Example:
        Posteriors that are all the same leave nothing to tell, with the own example or without.

        >>> import torch
        >>> from genprobe.testing import queries_from
        >>> same = queries_from(torch.zeros(1, 4, 4, dtype=torch.float64))
        >>> mutual_information_loo(same).value
        0.0
    """
    n, terms = queries.n, queries.log_qz_x - queries.log_qz_loo
    if n < 2 or not terms.isfinite().all():
        raise UnavailableError("Leave-one-out needs other examples with a density at every query.")
    information = index_information(queries, controls)
    gaps, gap_error = reduced(queries.log_qz - queries.log_qz_loo, controls, n)
    error = None
    if information.se is not None and gap_error is not None:
        error = information.se + gap_error  # from the same queries, so at worst they add
    gap = max(0.0, float(gaps.mean()))
    far = gap > FAR * information.value + (error or 0.0)
    over_data = None if far else loo_data_error(terms, error, queries, controls)
    return Estimate(
        name="mutual_information_loo",
        value=information.value + gap,
        se=error,
        se_data=over_data,
        kind="upper",
        n=terms.shape[1],
        remark=FEW if over_data is None else remark_of(terms.mean(0)),
    )


def loo_data_error(
    terms: Float64[Tensor, "draw m"],
    error: float | None,
    queries: Queries,
    controls: Controls | None = None,
    rate: Float64[Tensor, " m"] | None = None,
) -> float | None:
    """Error with the examples as a sample, nats; None where posteriors have few neighbours.

    Args:
        terms: (draw, m) log q(z|x_n) less the log density of the others, nats.
        error: Monte Carlo standard error of the bound, nats.
        queries: of the aggregate posterior.
        controls: control variates of the queries; None for none.
        rate: (m,) of the examples queried, nats, if the error of R less the bound is wanted.

    Example:
        >>> import torch
        >>> from genprobe.testing import queries_from
        >>> apart = queries_from(torch.eye(200, dtype=torch.float64).log()[None])
        >>> loo_data_error(torch.zeros(1, 200).double(), 0.0, apart) is None
        True
    """
    if float(neighbours(queries).median()) < MANY:
        return None
    spread = spread_of_examples(terms, controls, rate, queries.which, queries.copies)
    return data_error_of(spread, error, queries.n)
