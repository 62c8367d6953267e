"""I(n;z) = E_{q(n,z)}[log q(z|x_n) − log q(z)]: how much the code tells which example it came from.

The paired estimator: each z is drawn from its own q(z|x_n), and q(z) averages over all N examples,
n included. So every term is at most log N, and the mean too. Hoffman & Johnson (2016), "ELBO
surgery", eq. 12. It estimates the finite-N quantity, not I(X;Z) of the population.
"""

from jaxtyping import Float64
from torch import Tensor

from genprobe.estimators.standard_error import standard_error
from genprobe.types import Estimate


def mutual_information(
    log_qz_x: Float64[Tensor, " m"], log_qz: Float64[Tensor, " m"], log_n: float
) -> Estimate:
    """The index-code mutual information, nats.

    Args:
        log_qz_x: (m,) log q(z|x_n) of each query under its own example.
        log_qz: (m,) log of the aggregate posterior.
        log_n: natural logarithm of the number of examples, the cap.
    """
    f = information_terms(log_qz_x, log_qz, log_n)
    se = standard_error(f)
    return Estimate(
        name="mutual_information",
        value=float(f.mean()),
        se=se,
        se_data=se,
        kind="estimate",
        n=len(f),
    )


def information_terms(
    log_qz_x: Float64[Tensor, " m"], log_qz: Float64[Tensor, " m"], log_n: float
) -> Float64[Tensor, " m"]:
    """Log q(z|x_n) − log q(z) of each query, nats; the cap removes rounding only."""
    return (log_qz_x - log_qz).clamp(max=log_n)
