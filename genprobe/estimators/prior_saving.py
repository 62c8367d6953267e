r"""Saved by a fitted prior: the nats per example that swapping the prior for it would save.

.. math::

    R - R_m = \frac1N \sum_n \mathbb E_{q(z|x_n)}[\log m(z) - \log p(z)]

An unbiased Monte Carlo estimate for the fitted prior m, and a lower bound on what the best prior
would save, the population's marginal KL (Barber & Agakov 2003). Paired by example, so its error is
far below that of either rate. Negative where no candidate does better than the model's own prior.
"""

from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.estimators.rate_fitted_prior import with_error_of_fits
from genprobe.estimators.standard_error import sum_over_examples
from genprobe.report import Estimate


def prior_saving(
    rate: Float64[Tensor, "ratedraw n"],
    fitted_rate: Float64[Tensor, "draw n"],
    which: Int64[Tensor, " n"] | None = None,
    fit_error: float = 0.0,
) -> Estimate:
    """What a better prior would save, nats.

    Args:
        rate: (draw, n), or (1, n) where analytic, nats.
        fitted_rate: (draw, n) log q(z|x_n) − log m(z), cross-fitted, nats.
        which: (n,) the distinct example that each is; None where all differ.
        fit_error: of the mean, because the fits end elsewhere with another seed, nats.

    Example:
        >>> import torch
        >>> rate, fitted = torch.tensor([[3.0, 5.0]]).double(), torch.tensor([[2.0, 4.5]]).double()
        >>> prior_saving(rate, fitted).value
        0.75
    """
    found = sum_over_examples("prior_saving", rate, -fitted_rate, which)
    return with_error_of_fits(found, fit_error)
