"""ELBO = −(R + D), a lower bound on the mean log-likelihood. Kingma & Welling (2014), eq. 3."""

from jaxtyping import Float64
from torch import Tensor

from genprobe.estimators.standard_error import mean_over_examples
from genprobe.report import Estimate


def elbo(rate: Float64[Tensor, "ratedraw n"], distortion: Float64[Tensor, "draw n"]) -> Estimate:
    """The evidence lower bound, nats per example.

    Args:
        rate: (draw, n), or (1, n) where analytic.
        distortion: (draw, n), of the same draws.
    """
    return mean_over_examples("elbo", -(rate + distortion))
