"""Normal with a full covariance over z of k values: q(z|x) = N(loc, L Lᵀ), L = ``scale_tril``.

As an exponential family: statistics [z, z_i z_j for i ≥ j], with P = (L Lᵀ)⁻¹ natural parameters
[P loc, −P_ij for i > j and −P_ii/2], log-partition ½ locᵀ P loc + Σ log L_ii + (k/2) log 2π.
"""

import math

import torch
from torch import Tensor
from torch.distributions import (
    Distribution,
    Independent,
    MultivariateNormal,
    Normal,
    constraints,
)
from torch.distributions.kl import register_kl

from genprobe.types import Family, Params


class FullNormal(MultivariateNormal):
    """Torch's, under a name of its own for the divergences that torch lacks."""


def distribution(params: Params) -> Distribution:
    """Parameters loc (batch, k) and scale_tril (batch, k, k) to q(z|x) of batch shape (batch,)."""
    return FullNormal(params["loc"], scale_tril=params["scale_tril"], validate_args=False)


def natural(params: Params) -> tuple[Tensor, Tensor]:
    """Natural parameters (batch, k + k(k + 1)/2) and log-partition (batch,)."""
    loc, scale_tril = params["loc"], params["scale_tril"]
    precision = torch.cholesky_inverse(scale_tril)
    linear = (precision @ loc[:, :, None]).squeeze(2)
    log_partition = (
        (linear * loc).sum(1) / 2
        + scale_tril.diagonal(dim1=1, dim2=2).log().sum(1)
        + loc.shape[1] * math.log(2 * math.pi) / 2
    )
    row, column = torch.tril_indices(*precision.shape[1:], device=loc.device)
    share = torch.where(row == column, 0.5, 1.0).to(loc)
    return torch.cat([linear, -precision[:, row, column] * share], 1), log_partition


def sufficient(z: Tensor) -> tuple[Tensor, Tensor]:
    """Statistics (m, k + k(k + 1)/2) and log base measure (m,) of z (m, k)."""
    row, column = torch.tril_indices(z.shape[1], z.shape[1], device=z.device)
    return torch.cat([z, z[:, row] * z[:, column]], 1), z.new_zeros(len(z))


def translate(params: Params, offset: Tensor) -> Params:
    """Parameters of z − offset, for an offset (k,)."""
    return {**params, "loc": params["loc"] - offset}


def widen(params: Params, epsilon: Tensor) -> Params:
    """Parameters with the factor of example n times e^ε_n, for ε (batch,)."""
    return {**params, "scale_tril": params["scale_tril"] * epsilon.exp()[:, None, None]}


@register_kl(FullNormal, Independent)  # type: ignore[no-untyped-call, untyped-decorator]
def kl_to_independent(q: FullNormal, p: "Independent[Distribution]") -> Tensor:
    """KL(q‖p) to a product of normals, nats: through the covariance's diagonal and determinant."""
    normal = p.base_dist
    if not isinstance(normal, Normal):
        raise NotImplementedError
    scale_tril, deviation = q.scale_tril, normal.scale
    log_det = scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    apart = (q.loc - normal.loc) / deviation
    spread = (scale_tril / deviation[..., None]).square().sum((-2, -1))
    quadratic = spread + apart.square().sum(-1) - q.event_shape[0]
    return quadratic / 2 + deviation.log().sum(-1) - log_det


full_normal = Family(
    name="full-normal",
    distribution=distribution,
    constraints={"loc": constraints.real, "scale_tril": constraints.lower_cholesky},
    natural=natural,
    sufficient=sufficient,
    translate=translate,
    widen=widen,
    symmetric=True,
)
