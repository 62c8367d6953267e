r"""Rate: what the code costs under the prior.

.. math::

    R = \frac1N \sum_n \mathrm{KL}(q(z|x_n)\,\|\,p(z))

Exact for these data where the divergence has a closed form, else an unbiased Monte Carlo estimate.
Alemi et al. (2018), "Fixing a broken ELBO", eq. 4.
"""

from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.estimators.standard_error import mean_over_examples
from genprobe.estimators.tail import as_far_as_known
from genprobe.report import Estimate


def rate(
    rate: Float64[Tensor, "draw n"],
    rate_analytic: bool,
    which: Int64[Tensor, " n"] | None = None,
) -> Estimate:
    """The rate, nats per example.

    Args:
        rate: (draw, n), or (1, n) where analytic, nats.
        rate_analytic: whether it is a closed form.
        which: (n,) the distinct example that each is; None where all differ.

    Example:
        >>> import torch
        >>> found = rate(torch.tensor([[1.0, 3.0]]).double(), rate_analytic=True)
        >>> found.value, found.se
        (2.0, 0.0)
    """
    found = mean_over_examples("rate", rate, exact=rate_analytic, which=which)
    return as_far_as_known(found, rate)
