r"""Total correlation: how far the dimensions of the aggregate posterior are from independent.

.. math::

    \mathrm{KL}\Big(q(z)\,\Big\|\,\prod_d q(z_d)\Big)
    = \mathbb E_{q(z)}\Big[\log q(z) - \sum_d \log q(z_d)\Big]

A Monte Carlo estimate of the finite-N quantity. With a prior that factorises, KL(q(z)‖p(z)) is this
plus the sum over dimensions of KL(q(z_d)‖p(z_d)). Chen et al. (2018), "Isolating sources of
disentanglement in variational autoencoders", eq. 2.
"""

from jaxtyping import Float64
from torch import Tensor

from genprobe.aggregate.queries import Queries
from genprobe.estimators.standard_error import mean_over_examples
from genprobe.report import Estimate


def total_correlation(queries: Queries, log_qzj: Float64[Tensor, "draw some k"]) -> Estimate:
    """The total correlation, nats.

    Args:
        queries: of the aggregate posterior.
        log_qzj: (draw, some, k) log q(z_d) at the first so many queries, nats.

    Example:
        A single dimension has none: its marginal is q(z) itself.

        >>> import torch
        >>> from genprobe.testing import queries_from
        >>> queries = queries_from(torch.zeros(1, 4, 4, dtype=torch.float64))
        >>> total_correlation(queries, queries.log_qz[..., None]).value
        0.0
    """
    which = None if queries.which is None else queries.which[: log_qzj.shape[1]]
    terms = queries.log_qz[:, : log_qzj.shape[1]] - log_qzj.sum(2)
    return mean_over_examples("total_correlation", terms, n=queries.n, which=which)
