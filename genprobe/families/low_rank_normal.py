"""Normal of covariance W Wᵀ + diag(d) over z of k values, W = ``cov_factor``, d = ``cov_diag``.

With C Cᵀ = 1 + Wᵀ diag(d)⁻¹ W and A = C⁻¹ Wᵀ diag(d)⁻¹ (r × k, for r factors), by Woodbury's
identity and the determinant lemma,

    Mahalanobis² = Σ_i (z − loc)_i²/d_i − |A (z − loc)|²,   log det = Σ log d_i + 2 Σ log C_jj.

So all pairs take r + 1 products of width k, where the exponential family would take k(k + 1)/2.
"""

import math

import torch
from torch import Tensor
from torch.distributions import (
    Distribution,
    Independent,
    LowRankMultivariateNormal,
    Normal,
    constraints,
)
from torch.distributions.kl import register_kl

from genprobe.families.differences import summed_differences
from genprobe.types import Family, Params

LOST = 1e-5
"""Nats that squares may lose by cancelling; where they could lose more, differences are taken."""


class LowRankNormal(LowRankMultivariateNormal):
    """Torch's, under a name of its own for the divergences that torch lacks."""


def distribution(params: Params) -> Distribution:
    """Parameters loc (batch, k), cov_factor (batch, k, r), cov_diag (batch, k) to q(z|x)."""
    return LowRankNormal(
        params["loc"], params["cov_factor"], params["cov_diag"], validate_args=False
    )


def cross_log_prob(z: Tensor, params: Params) -> Tensor:
    """Log density of every pair (m, n), of z (m, k); float64."""
    middle = params["loc"].double().mean(0)
    z, loc = z.double() - middle, params["loc"].double() - middle
    factor, variance = params["cov_factor"].double(), params["cov_diag"].double()
    scaled = (factor / variance[:, :, None]).mT
    capacity = torch.eye(factor.shape[2]).to(factor) + scaled @ factor
    root = torch.linalg.cholesky(capacity)
    absorbed = torch.linalg.solve_triangular(root, scaled, upper=False)
    found = squared_distances(z, loc, variance)
    for part in absorbed.unbind(1):
        found.sub_((z @ part.T - (part * loc).sum(1)).square_())
    log_det = variance.log().sum(1) + 2 * root.diagonal(dim1=1, dim2=2).log().sum(1)
    return found.add_(log_det + z.shape[1] * math.log(2 * math.pi)).div_(-2)


def squared_distances(z: Tensor, loc: Tensor, variance: Tensor) -> Tensor:
    """Σ_i (z_i − loc_i)²/variance_i of all pairs (m, n), expanded only where that loses nothing."""
    precision = variance.reciprocal()
    size = float((loc.square() * precision).sum(1).max()) if len(loc) else 0.0
    if size * torch.finfo(z.dtype).eps > LOST:
        return summed_differences(z, loc, variance.sqrt(), 2)
    found = torch.addmm((loc.square() * precision).sum(1), z.square(), precision.T)
    return found.sub_(2 * (z @ (loc * precision).T))


def translate(params: Params, offset: Tensor) -> Params:
    """Parameters of z − offset, for an offset (k,)."""
    return {**params, "loc": params["loc"] - offset}


def widen(params: Params, epsilon: Tensor) -> Params:
    """Parameters with every deviation of example n times e^ε_n, for ε (batch,)."""
    factor = epsilon.exp()
    return {
        **params,
        "cov_factor": params["cov_factor"] * factor[:, None, None],
        "cov_diag": params["cov_diag"] * factor.square()[:, None],
    }


@register_kl(LowRankNormal, Independent)  # type: ignore[no-untyped-call, untyped-decorator]
def kl_to_independent(q: LowRankNormal, p: "Independent[Distribution]") -> Tensor:
    """KL(q‖p) to a product of normals, nats: minus the entropy, and the cross-entropy's moments."""
    normal = p.base_dist
    if not isinstance(normal, Normal):
        raise NotImplementedError
    second = (q.variance + (q.loc - normal.loc).square()) / normal.scale.square()
    cross = (second / 2 + normal.scale.log()).sum(-1) + q.event_shape[0] * math.log(2 * math.pi) / 2
    found: Tensor = cross - q.entropy()  # type: ignore[no-untyped-call]
    return found


low_rank_normal = Family(
    name="low-rank-normal",
    distribution=distribution,
    constraints={
        "loc": constraints.real,
        "cov_factor": constraints.real,
        "cov_diag": constraints.positive,
    },
    cross_log_prob=cross_log_prob,
    translate=translate,
    widen=widen,
    symmetric=True,
)
