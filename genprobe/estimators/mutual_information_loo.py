"""Leave-one-out: E[log q(z|x_n) − log 1/(N−1) Σ_{j≠n} q(z|x_j)] ≥ I(X;Z), in expectation.

An upper bound on the population's mutual information, very loose once the posteriors separate.
Poole et al. (2019), "On variational bounds of mutual information", eq. 13.

Taken as I(n;z) + E[log q(z) − log q_loo(z)], from the same queries. With r = q(z|x_n)/q(z), whose
mean over n is 1, the second term is the mean of −r log((N − r)/(N − 1)), a convex function that is
0 at r = 1: by Jensen it is never negative. So the two ends of the bracket of I(X;Z) cannot cross,
and where posteriors overlap, where the term is small, the bound is as sharp as I(n;z) itself.

Its error over the data counts what example n says of itself, not that its neighbours' q_loo hold it
too. Where each posterior has few near neighbours, in many dimensions, that is too small: 2.6 for a
true 3.7 at 20 dimensions, N = 200, σ = 0.3. The bound is then far above the others and not used.
"""

from jaxtyping import Float64
from torch import Tensor

from genprobe.errors import UnavailableError
from genprobe.estimators.control_variates import Controls, reduced
from genprobe.estimators.mutual_information import information_data_error, mutual_information
from genprobe.report import Estimate


def mutual_information_loo(
    index_entropy: Float64[Tensor, "draw m"],
    log_qz_x: Float64[Tensor, "draw m"],
    log_qz: Float64[Tensor, "draw m"],
    log_qz_loo: Float64[Tensor, "draw m"],
    controls: Controls | None,
    n: int,
) -> Estimate:
    """The leave-one-out upper bound, nats.

    Args:
        index_entropy: (draw, m) H[q(n|z)] at each query.
        log_qz_x: (draw, m) log q(z|x_n) of each query under its own example.
        log_qz: (draw, m) log of the aggregate posterior.
        log_qz_loo: (draw, m) log of the aggregate posterior without that example.
        controls: of the queries; None for none.
        n: the number of examples.

    Raises:
        UnavailableError: if there is a single example, which leaves nothing when left out, or if
            at some query no other example has a density.
    """
    terms = log_qz_x - log_qz_loo
    if n < 2 or not terms.isfinite().all():
        raise UnavailableError("Leave-one-out needs other examples with a density at every query.")
    information = mutual_information(index_entropy, log_qz_x, log_qz, controls, n)
    gaps, gap_error = reduced(log_qz - log_qz_loo, controls, n)
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
