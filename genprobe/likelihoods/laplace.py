"""Independent Laplace values: p(x|z) = Π_i exp(−|x_i − loc_i| / scale_i) / (2 scale_i).

Its −log is the absolute error over the scale, plus log 2·scale for every value: an L1 loss alone
drops both. It has no blind distortion: the best constant is the median image, which streamed
moments do not give.
"""

from torch import Tensor
from torch.distributions import Distribution, Laplace, constraints

from genprobe.errors import Notice
from genprobe.likelihoods.parameters import one_example, parameter
from genprobe.types import Likelihood, Params

NAME = "laplace"


def distribution(params: Params) -> Distribution:
    """``loc`` (batch, *event) and ``scale``, broadcastable to it, to p(x|z)."""
    loc = parameter(NAME, params, "loc")
    scale = parameter(NAME, params, "scale", constraints.positive)
    return one_example(Laplace(loc, scale.expand_as(loc), validate_args=False))


def support(x: Tensor) -> Notice | None:
    """None: every finite value (batch, *event) has a density."""
    return None


laplace = Likelihood(name=NAME, distribution=distribution, discrete=False, support=support)
