r"""Queries whose truth can be checked by hand, for the tests of estimators.

.. math::

    q(z_m) = \frac1N \sum_n q(z_m|x_n), \qquad
    q(n|z_m) = \frac{q(z_m|x_n)}{\sum_j q(z_m|x_j)}

Everything is a plain sum over the densities of all pairs, in float64.
"""

import math

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.aggregate.queries import Queries


def queries_from(log_qz_xn: Float64[Tensor, "draw m n"]) -> Queries:
    """Queries of the examples 0 … m − 1, from the density of every pair.

    Args:
        log_qz_xn: (draw, m, n) log q(z|x_n) of each query under every example, nats; query m was
            drawn from example m.

    Returns:
        The queries; their z are empty.

    Example:
        >>> separate = torch.eye(4, dtype=torch.float64).log()[None]
        >>> queries_from(separate).log_qz.exp()
        tensor([[0.2500, 0.2500, 0.2500, 0.2500]], dtype=torch.float64)
    """
    draws, m, n = log_qz_xn.shape
    own = torch.eye(m, n, dtype=torch.bool)
    shares = log_qz_xn.softmax(2)
    return Queries(
        n=n,
        index=torch.arange(m),
        z=torch.empty(draws, m, 0),
        log_qz_x=log_qz_xn.diagonal(dim1=1, dim2=2),
        log_qz=log_qz_xn.logsumexp(2) - math.log(n),
        log_qz_loo=log_qz_xn.masked_fill(own, -math.inf).logsumexp(2) - math.log(max(1, n - 1)),
        largest_share=shares.amax(2),
        index_entropy=torch.special.entr(shares).sum(2),
        max_error=0.0,
        skipped=0.0,
    )
