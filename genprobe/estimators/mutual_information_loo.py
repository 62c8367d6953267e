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
too. Where each posterior has few near neighbours, in many dimensions, that is too small: 2.6 for a
true 3.7 at 20 dimensions, N = 200, σ = 0.3. The bound is then far above the others and not used.
"""

from genprobe.aggregate.queries import Queries
from genprobe.errors import UnavailableError
from genprobe.estimators.control_variates import Controls, reduced
from genprobe.estimators.mutual_information import information_data_error, mutual_information
from genprobe.report import Estimate


def mutual_information_loo(queries: Queries, controls: Controls | None = None) -> Estimate:
    """The leave-one-out upper bound, nats.

    Args:
        queries: of the aggregate posterior.
        controls: control variates of the queries; None for none.

    Raises:
        UnavailableError: if there is a single example, which leaves nothing when left out, or if
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
    information = mutual_information(queries, controls)
    gaps, gap_error = reduced(queries.log_qz - queries.log_qz_loo, controls, n)
    error = None
    if information.se is not None and gap_error is not None:
        error = information.se + gap_error  # from the same queries, so at worst they add
    return Estimate(
        name="mutual_information_loo",
        value=information.value + max(0.0, float(gaps.mean())),
        se=error,
        se_data=information_data_error(terms, error, n),
        kind="upper",
        n=terms.shape[1],
    )
