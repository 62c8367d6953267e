"""Leave-one-out: E[log q(z|x_n) − log 1/(N−1) Σ_{j≠n} q(z|x_j)] ≥ I(X;Z), in expectation.

An upper bound on the population's mutual information, very loose once the posteriors separate.
Poole et al. (2019), "On variational bounds of mutual information", eq. 13.
"""

from jaxtyping import Float64
from torch import Tensor

from genprobe.errors import UnavailableError
from genprobe.estimators.standard_error import mean_over_examples
from genprobe.types import Estimate


def mutual_information_loo(
    log_qz_x: Float64[Tensor, "draw m"], log_qz_loo: Float64[Tensor, "draw m"], n: int
) -> Estimate:
    """The leave-one-out upper bound, nats.

    Args:
        log_qz_x: (draw, m) log q(z|x_n) of each query under its own example.
        log_qz_loo: (draw, m) log of the aggregate posterior without that example.
        n: the number of examples.

    Raises:
        UnavailableError: if there is a single example, which leaves nothing when left out, or if
            at some query no other example has a density.
    """
    terms = log_qz_x - log_qz_loo
    if n < 2 or not terms.isfinite().all():
        raise UnavailableError("Leave-one-out needs other examples with a density at every query.")
    return mean_over_examples("mutual_information_loo", terms, n=n, kind="upper")
