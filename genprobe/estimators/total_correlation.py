"""KL(q(z) ‖ Π_d q(z_d)): how far the dimensions of the aggregate posterior are from independent.

Chen et al. (2018), "Isolating sources of disentanglement", eq. 2. With a prior that factorises,
KL(q(z)‖p(z)) is this plus the sum over dimensions of KL(q(z_d)‖p(z_d)).
"""

from jaxtyping import Float64
from torch import Tensor

from genprobe.estimators.standard_error import mean_over_examples
from genprobe.report import Estimate


def total_correlation(
    log_qz: Float64[Tensor, "draw m"], log_qzj: Float64[Tensor, "draw some k"], n: int
) -> Estimate:
    """The total correlation, nats.

    Args:
        log_qz: (draw, m) log of the aggregate posterior.
        log_qzj: (draw, some, k) log of its marginals at the first so many queries.
        n: number of examples.
    """
    terms = log_qz[:, : log_qzj.shape[1]] - log_qzj.sum(2)
    return mean_over_examples("total_correlation", terms, n=n)
