r"""Distortion: what is left to say about x given its code.

.. math::

    D = \frac1N \sum_n \mathbb E_{q(z|x_n)}[-\log p(x_n|z)]

An unbiased Monte Carlo estimate over the store's draws. With a bin width δ the density of P values
is turned into the probability of the bins: D − P log δ. Alemi et al. (2018), "Fixing a broken
ELBO", eq. 3.
"""

from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.estimators.standard_error import mean_over_examples
from genprobe.estimators.tail import as_far_as_known
from genprobe.report import Estimate


def distortion(
    distortion: Float64[Tensor, "draw n"], which: Int64[Tensor, " n"] | None = None
) -> Estimate:
    """The distortion, nats per example.

    Args:
        distortion: (draw, n), every constant included, nats.
        which: (n,) the distinct example that each is; None where all differ.

    Example:
        >>> import torch
        >>> distortion(torch.tensor([[1.0, 3.0]]).double()).value
        2.0
    """
    found = mean_over_examples("distortion", distortion, which=which)
    return as_far_as_known(found, distortion)
