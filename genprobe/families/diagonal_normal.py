"""Normal with a diagonal covariance: q(z|x) = Π_d N(z_d; loc_d, scale_d²).

As an exponential family over flattened z: statistics [z, z²], natural parameters
[loc/scale², −1/(2 scale²)], log-partition Σ_d loc²/(2 scale²) + ln scale + ½ ln 2π.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal, constraints

from genprobe.types import Family, Params


def distribution(params: Params) -> Distribution:
    """Parameters loc and scale, each (batch, *event), to q(z|x) of batch shape (batch,)."""
    loc, scale = params["loc"], params["scale"]
    return Independent(Normal(loc, scale, validate_args=False), loc.dim() - 1, validate_args=False)


def natural(params: Params) -> tuple[Tensor, Tensor]:
    """Natural parameters (batch, 2k) and log-partition (batch,), k the size of z."""
    loc, scale = (params[k].reshape(len(params[k]), -1) for k in ("loc", "scale"))
    precision = scale.square().reciprocal()
    first = loc * precision
    log_partition = (first * loc / 2 + scale.log()).sum(1) + loc.shape[1] * math.log(
        2 * math.pi
    ) / 2
    return torch.cat([first, -precision / 2], 1), log_partition


def sufficient(z: Tensor) -> tuple[Tensor, Tensor]:
    """Statistics (m, 2k) and log base measure (m,) of z (m, *event)."""
    flat = z.reshape(len(z), -1)
    return torch.cat([flat, flat.square()], 1), flat.new_zeros(len(flat))


def translate(params: Params, offset: Tensor) -> Params:
    """Parameters of z − offset, for an offset (*event)."""
    return {**params, "loc": params["loc"] - offset}


def widen(params: Params, epsilon: Tensor) -> Params:
    """Parameters with every scale of example n times e^ε_n, for ε (batch,)."""
    scale = params["scale"]
    factor = epsilon.exp().reshape(-1, *[1] * (scale.dim() - 1))
    return {**params, "scale": scale * factor}


def upper(params: Params) -> Callable[[Tensor], Tensor]:
    """No less than log q(z|x) of any component of a cell: nearest point of its box, widest scale.

    Args:
        params: in cells (cell, size, *event).

    Returns:
        A function of z (m, *event) to (m, cell).
    """
    loc, scale = params["loc"].flatten(2), params["scale"].flatten(2)
    low, high, widest = loc.amin(1).T, loc.amax(1).T, scale.amax(1).T.double()
    middle, half = (low + high.double()) / 2, (high - low.double()) / 2
    highest = -scale.log().sum(2).amin(1).double() - loc.shape[2] * math.log(2 * math.pi) / 2

    def bound(z: Tensor) -> Tensor:
        found = highest.expand(len(z), -1).clone()
        for d, value in enumerate(z.double().flatten(1).T):
            gap = (value[:, None] - middle[d]).abs_().sub_(half[d]).clamp_(min=0).div_(widest[d])
            found.addcmul_(gap, gap, value=-0.5)
        return found

    return bound


diagonal_normal = Family(
    name="diagonal-normal",
    distribution=distribution,
    constraints={"loc": constraints.real, "scale": constraints.positive},
    natural=natural,
    sufficient=sufficient,
    translate=translate,
    widen=widen,
    upper=upper,
    symmetric=True,
)
