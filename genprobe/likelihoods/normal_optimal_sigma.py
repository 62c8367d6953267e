"""Independent normal values with one scale, the best one for the whole data set.

σ-VAEs set the variance to the mean squared error (Rybkin et al. 2021). Theirs is that of a training
batch; a distortion that depended on how examples fall into batches would be no property of model
and data. So here it is the maximum-likelihood scale of the whole data set under the posterior,

    σ² = MSE = 1/(N P) Σ_n E_{q(z|x_n)} ‖x_n − loc(z)‖²,    D = P/2 (1 + log 2π MSE).

While data stream σ is unknown: what is stored is the distortion at σ = 1, which is
P/2 log 2π + ‖x − loc‖²/2, and estimators get D at any σ from it. One number is fitted to the
examples that it is scored on, which flatters D by about 1/(2N) nats an example.
"""

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, Normal
from torch.types import _size

from genprobe.likelihoods.normal import blind, support
from genprobe.likelihoods.parameters import ONE, one_example, parameter
from genprobe.types import FittedScale, Likelihood, Params

NAME = "normal-optimal-sigma"
LOG_TWO_PI = math.log(2 * math.pi)


class UnitNormal(Normal):
    """The density at scale 1, which cannot be sampled: the scale is not known yet."""

    def sample(self, sample_shape: _size = ONE) -> Tensor:
        """There is none.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("the scale is known only after all the data")


def distribution(params: Params) -> Distribution:
    """``loc`` (batch, *event) to p(x|z) at scale 1."""
    loc = parameter(NAME, params, "loc")
    return one_example(UnitNormal(loc, torch.ones_like(loc), validate_args=False))


def fit_scale(unit: float, values: int) -> FittedScale:
    """The best scale, given the mean distortion at scale 1 of examples of so many values.

    −log N(x; loc, σ²) summed over P values is P/2 log 2πσ² + (that at σ = 1 − P/2 log 2π)/σ².
    """
    variance = 2 * unit / values - LOG_TWO_PI
    if variance <= 0:
        return FittedScale(scale=0.0, factor=math.inf, offset=-math.inf)
    offset = values / 2 * (math.log(variance) + LOG_TWO_PI * (1 - 1 / variance))
    return FittedScale(scale=math.sqrt(variance), factor=1 / variance, offset=offset)


normal_optimal_sigma = Likelihood(
    name=NAME,
    distribution=distribution,
    discrete=False,
    support=support,
    blind=blind,
    fit_scale=fit_scale,
)
