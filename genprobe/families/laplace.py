"""Laplace in each dimension: q(z|x) = Π_d exp(−|z_d − loc_d| / scale_d) / (2 scale_d).

Not an exponential family unless loc is fixed, so the density of all pairs is worked out from
differences. Kotz, Kozubowski & Podgórski (2001), "The Laplace Distribution and Generalizations".
"""

import math
from collections.abc import Callable

from torch import Tensor
from torch.distributions import Distribution, Independent, Laplace, constraints

from genprobe.distributions.latents import flat
from genprobe.families.diagonal_normal import translate, widen
from genprobe.families.differences import nearest_gaps, summed_differences
from genprobe.types import Family, Params


def distribution(params: Params) -> Distribution:
    """Parameters loc and scale, each (batch, *event), to q(z|x) of batch shape (batch,)."""
    loc, scale = params["loc"], params["scale"]
    return Independent(Laplace(loc, scale, validate_args=False), loc.dim() - 1, validate_args=False)


def cross_log_prob(z: Tensor, params: Params) -> Tensor:
    """Log density of every pair (m, n), of z (m, *event)."""
    distances = summed_differences(z, params["loc"], params["scale"], 1)
    return distances.add_(log_volume(params["scale"])).neg_()


def log_volume(scale: Tensor) -> Tensor:
    """Σ_d log 2 scale_d of each component (n,), float64."""
    return (2 * flat(scale.double(), 1)).log().sum(1)


def upper(params: Params) -> Callable[[Tensor], Tensor]:
    """No less than log q(z|x) of any component of a cell: nearest point of its box, widest scale.

    Args:
        params: in cells (cell, size, *event).

    Returns:
        A function of z (m, *event) to (m, cell).
    """
    loc, scale = flat(params["loc"].double(), 2), flat(params["scale"].double(), 2)
    low, high, widest = loc.amin(1).T, loc.amax(1).T, scale.amax(1).T
    highest = -scale.log().sum(2).amin(1) - loc.shape[2] * math.log(2)

    def bound(z: Tensor) -> Tensor:
        found = highest.expand(len(z), -1).clone()
        for d, value in enumerate(flat(z.double(), 1).T):
            found.sub_(nearest_gaps(low[d], high[d], value[:, None]).div_(widest[d]))
        return found

    return bound


laplace = Family(
    name="laplace",
    distribution=distribution,
    constraints={"loc": constraints.real, "scale": constraints.positive},
    cross_log_prob=cross_log_prob,
    translate=translate,
    widen=widen,
    upper=upper,
    symmetric=True,
)
