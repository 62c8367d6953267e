"""Independent Student t values with df degrees of freedom, a location and a scale.

p(x|z) = Π_i Γ((ν+1)/2) / (Γ(ν/2) √(νπ) s) · (1 + (x_i − loc_i)²/(ν s²))^(−(ν+1)/2). The scale is
not the standard deviation, which is s √(ν/(ν−2)) for ν > 2. It has no blind distortion: the best
constant is not a function of moments.
"""

from torch import Tensor
from torch.distributions import Distribution, StudentT, constraints

from genprobe.errors import Notice
from genprobe.likelihoods.parameters import one_example, parameter
from genprobe.types import Likelihood, Params

NAME = "student-t"


def distribution(params: Params) -> Distribution:
    """``loc`` (batch, *event), ``df`` and ``scale``, broadcastable to it, to p(x|z)."""
    loc = parameter(NAME, params, "loc")
    df = parameter(NAME, params, "df", constraints.positive)
    scale = parameter(NAME, params, "scale", constraints.positive)
    return one_example(StudentT(df.expand_as(loc), loc, scale.expand_as(loc), validate_args=False))


def support(x: Tensor) -> Notice | None:
    """None: every finite value (batch, *event) has a density."""
    return None


student_t = Likelihood(name=NAME, distribution=distribution, discrete=False, support=support)
