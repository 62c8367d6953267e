r"""ELBO: the evidence lower bound.

.. math::

    \mathrm{ELBO} = -(R + D) \le \frac1N \sum_n \log p(x_n)

An unbiased Monte Carlo estimate of a lower bound on the mean log-likelihood. Kingma & Welling
(2014), "Auto-encoding variational Bayes", eq. 3.
"""

from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.estimators.standard_error import sum_over_examples
from genprobe.estimators.tail import as_far_as_known
from genprobe.report import Estimate


def elbo(
    rate: Float64[Tensor, "ratedraw n"],
    distortion: Float64[Tensor, "draw n"],
    which: Int64[Tensor, " n"] | None = None,
) -> Estimate:
    """The evidence lower bound, nats per example.

    Args:
        rate: (draw, n), or (1, n) where analytic, nats.
        distortion: (draw, n), of the same draws or of others, nats.
        which: (n,) the distinct example that each is; None where all differ.

    Example:
        >>> import torch
        >>> rate, distortion = torch.tensor([[[1.0, 2.0]], [[4.0, 5.0]]]).double()
        >>> elbo(rate, distortion).value
        -6.0
    """
    found = sum_over_examples("elbo", -rate, -distortion, which)
    same = len(rate) in (1, len(distortion))
    return as_far_as_known(found, (rate if same else rate.mean(0)) + distortion)
