r"""The terms of the variational bound: the prior's, and one a step.

.. math::

    -\mathrm{ELBO} = \mathrm{KL}(q(x_{T-1}|x_0)\,\|\,\mathcal N(0, I))
      + \sum_{t=1}^{T-1} \mathbb E\,\mathrm{KL}(q(x_s|x_t,x_0)\,\|\,p(x_s|x_t))
      + \mathbb E[-\log p(x|x_0\text{'s first state})]

Both sides of a step are normals whose means differ by c (x_0 − x̂_0), so that with σ̃² the variance
of q and v that of p

.. math::

    \mathrm{KL} = \frac{c^2}{2v} \|x_0 - \hat x_0\|^2
      + \frac P2 \Big(\frac{\tilde\sigma^2}{v} - 1 - \ln\frac{\tilde\sigma^2}{v}\Big)

With v = σ̃² that is ½ (SNR(s) − SNR(t)) ‖x_0 − x̂_0‖². Ho et al. (2020), eq. 5; Kingma et al.
(2021), eq. 13.
"""

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.diffusion.schedule import Schedule
from genprobe.types.diffusion import Variance


def prior_term(x: Float64[Tensor, "batch *event"], schedule: Schedule) -> Float64[Tensor, " batch"]:
    """KL(q(x_{T−1}|x_0) ‖ N(0, I)) of each example, nats.

    Args:
        x: x_0.
        schedule: of the chain.

    Example:
        >>> half = torch.tensor([0.5]).double()
        >>> schedule = Schedule(alpha=half, sigma=torch.ones(1).double())
        >>> prior_term(torch.ones(1, 2).double(), schedule)
        tensor([0.2500], dtype=torch.float64)
    """
    alpha, variance = schedule.alpha[-1], schedule.sigma[-1].square()
    each = variance - 1 - variance.log() + (alpha * x).square()
    return each.flatten(1).sum(1) / 2


def step_factors(
    schedule: Schedule, variance: Variance
) -> tuple[Float64[Tensor, " T"], Float64[Tensor, " T"]]:
    """What a step's KL is, of a squared error and of a number of values, with a variance known.

    Args:
        schedule: of the chain.
        variance: of its reverse steps, not learned.

    Returns:
        By step t: nats a squared error ‖x_0 − x̂_0‖², and nats a value; both 0 at t = 0, which is
        no step.
    """
    own = schedule.posterior if variance == "posterior" else schedule.upper
    ratio = schedule.posterior / own
    of_error = schedule.mean_factor.square() / own / 2
    of_value = (ratio - 1 - ratio.log()) / 2
    if variance == "posterior":  # the same without a quotient of small numbers
        of_error[1:] = -schedule.snr.diff() / 2
        of_value = torch.zeros_like(of_value)
    of_error[0], of_value[0] = 0.0, 0.0
    return of_error, of_value


def learned_kl(
    error: Float64[Tensor, "batch *event"],
    log_variance: Float64[Tensor, "batch *event"],
    schedule: Schedule,
    t: Int64[Tensor, " batch"],
) -> Float64[Tensor, " batch"]:
    """The KL of steps whose reverse variances are learned, nats.

    Args:
        error: x_0 − x̂_0.
        log_variance: log of the variance of every value.
        schedule: of the chain.
        t: the step of each, above 0.
    """
    places = (...,) + (None,) * (error.dim() - 1)
    log_ratio = schedule.posterior[t].log()[places] - log_variance
    shift = schedule.mean_factor[t][places] * error
    each = shift.square() * (-log_variance).exp() + torch.expm1(log_ratio) - log_ratio
    return each.flatten(1).sum(1) / 2
