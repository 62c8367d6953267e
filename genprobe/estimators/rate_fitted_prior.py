r"""Rate under a fitted prior m: an upper bound on the population's mutual information.

.. math::

    R_m = \frac1N \sum_n \mathbb E_{q(z|x_n)}[\log q(z|x_n) - \log m(z)] \ge I(X;Z)

An upper bound in expectation, because m is fitted without the example that it is scored on (Barber
& Agakov 2003; McAllester & Stratos 2020). The expectation of log q(z|x_n) is minus the posterior's
entropy where that is known, and its deviation at the draws serves as a control variate for log
m(z).
"""

import math
from dataclasses import replace

from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.aggregate.fitted import AGAIN
from genprobe.estimators.standard_error import mean_over_examples, student_factor
from genprobe.report import Estimate


def rate_fitted_prior(
    fitted_rate: Float64[Tensor, "draw n"],
    which: Int64[Tensor, " n"] | None = None,
    fit_error: float = 0.0,
) -> Estimate:
    """The rate under the best fitted prior, nats; an upper bound on I(X;Z).

    Args:
        fitted_rate: (draw, n) log q(z|x_n) − log m(z), cross-fitted, nats.
        which: (n,) the distinct example that each is; None where all differ.
        fit_error: of its mean, because the fits end elsewhere with another seed, nats.

    Example:
        >>> import torch
        >>> rate_fitted_prior(torch.tensor([[1.0, 2.0]]).double()).value
        1.5
    """
    found = mean_over_examples("rate_fitted_prior", fitted_rate, kind="upper", which=which)
    return with_error_of_fits(found, fit_error)


def with_error_of_fits(estimate: Estimate, fit_error: float) -> Estimate:
    """An estimate of given fits with what their own error adds, nats.

    Args:
        estimate: its errors those for these fits.
        fit_error: of the fits.

    Example:
        >>> one = Estimate(name="a", value=1.0, se=3.0, se_data=None, kind="upper", n=2)
        >>> round(with_error_of_fits(one, 4.0).se, 2)
        7.15
    """
    se, se_data = (beyond_fits(error, fit_error) for error in (estimate.se, estimate.se_data))
    return replace(estimate, se=se, se_data=se_data)


def beyond_fits(error: float | None, fit_error: float) -> float | None:
    """The error for given fits and that of the fits as one, nats; None where the first is unknown.

    A few fits tell their error, so Student's t takes the place of the normal.

    Args:
        error: for these fits.
        fit_error: of the fits.

    Example:
        >>> beyond_fits(3.0, 0.0)
        3.0
    """
    return None if error is None else math.hypot(error, fit_error * student_factor(float(AGAIN)))


def fitted_rates(
    log_mz: Float64[Tensor, "draw n"],
    log_qz_x: Float64[Tensor, "draw n"],
    entropy: Float64[Tensor, " n"] | None,
) -> Float64[Tensor, "draw n"]:
    """Log q(z|x_n) − log m(z) at every draw, with its variance reduced.

    Args:
        log_mz: (draw, n) nats.
        log_qz_x: (draw, n) nats.
        entropy: (n,) of each posterior, nats; None where there is no closed form.

    Example:
        >>> import torch
        >>> log_mz, log_qz_x = -torch.ones(1, 2).double(), torch.ones(1, 2).double()
        >>> fitted_rates(log_mz, log_qz_x, None)
        tensor([[2., 2.]], dtype=torch.float64)
    """
    if entropy is None:
        return log_qz_x - log_mz
    deviation = log_qz_x + entropy
    spread = deviation.square().mean()
    centred = log_mz - log_mz.mean()
    slope = (deviation * centred).mean() / spread if spread > 0 else spread
    return -entropy - (log_mz - slope * deviation)
