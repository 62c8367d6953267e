"""D = mean_n E_{q(z|x_n)}[−log p(x_n|z)]: what is left to say about x given its code.

An unbiased Monte Carlo mean over the store's draws. Alemi et al. (2018), eq. 3. With a bin width δ
the density of P values is turned into the probability of the bins: D − P log δ.
"""

from jaxtyping import Float64
from torch import Tensor

from genprobe.estimators.standard_error import mean_over_examples
from genprobe.report import Estimate


def distortion(distortion: Float64[Tensor, "draw n"]) -> Estimate:
    """The distortion, nats per example.

    Args:
        distortion: (draw, n), every constant included.
    """
    return mean_over_examples("distortion", distortion)
