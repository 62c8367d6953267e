"""A normal prior with a full covariance over flattened z, p(z) = N(z; loc, L Lᵀ)."""

import math

import torch
from torch import Tensor
from torch.distributions import (
    Distribution,
    Independent,
    LowRankMultivariateNormal,
    MultivariateNormal,
    Normal,
)

from genprobe.errors import ModelError
from genprobe.priors.factorised import broadcast, require_tensors
from genprobe.priors.flat import flat_prior
from genprobe.runtime.outer_threads import outer_threads
from genprobe.types import Codes, Family, Params, Prior, PriorFactory

WIDEST = 512
"""Latent sizes beyond this are not fitted."""


def build(event_shape: torch.Size, params: Params) -> Prior:
    """The prior with ``loc`` (k,) and lower-triangular ``scale_tril`` (k, k).

    Raises:
        ModelError: if either is missing, not finite, or of another shape, or if ``scale_tril`` is
            not lower-triangular with a positive diagonal.
    """
    tensors = require_tensors("full-normal", params, ("loc", "scale_tril"))
    k = event_shape.numel()
    loc = broadcast("full-normal", "loc", tensors["loc"].flatten(), torch.Size([k]))
    scale_tril = tensors["scale_tril"]
    require_factor("full-normal", scale_tril, torch.Size([k, k]))

    def sample(shape: torch.Size) -> Tensor:
        return loc + torch.randn(*shape, len(loc), dtype=torch.float64) @ scale_tril.T

    def kl(family: Family, params: Params) -> Tensor | None:
        return kl_of_normal(family.distribution(params), loc, scale_tril)

    return flat_prior(
        "full-normal",
        event_shape,
        lambda z: log_density(z.double(), loc, scale_tril),
        sample,
        {"loc": loc, "scale_tril": scale_tril},
        kl=kl,
    )


def require_factor(name: str, scale_tril: Tensor, shape: torch.Size) -> None:
    """Check that a Cholesky factor has its shape and form.

    Raises:
        ModelError: if it has not.
    """
    if scale_tril.shape != shape:
        raise ModelError(
            f"The prior {name} has a scale_tril of shape {tuple(scale_tril.shape)}; it must be "
            f"{tuple(shape)}."
        )
    diagonal = scale_tril.diagonal(dim1=-2, dim2=-1)
    if not ((diagonal > 0).all() and torch.equal(scale_tril, scale_tril.tril())):
        raise ModelError(
            f"The prior {name} has a scale_tril that is not lower-triangular with a positive "
            "diagonal."
        )


def kl_of_normal(q: Distribution, loc: Tensor, scale_tril: Tensor) -> Tensor | None:
    """KL(q‖p) (batch,) of normals q; None for any other q.

    With q whitened by the factor of p, N(m, S): (tr S + m·m − k − log det S) / 2, nats.
    """
    precision = torch.cholesky_inverse(scale_tril)
    if isinstance(q, Independent) and isinstance(q.base_dist, Normal):
        trace = q.variance.double().flatten(1) @ precision.diagonal()
    elif isinstance(q, MultivariateNormal | LowRankMultivariateNormal):
        trace = (q.covariance_matrix.double() * precision).sum((1, 2))
    else:
        return None
    shift = (q.mean.double().flatten(1) - loc).T
    white = torch.linalg.solve_triangular(scale_tril, shift, upper=False)
    k = len(loc)
    half_log_det = q.entropy() - k * (1 + math.log(2 * math.pi)) / 2  # type: ignore[no-untyped-call]
    whole = scale_tril.diagonal().log().sum() - half_log_det
    found: Tensor = (trace + white.square().sum(0) - k) / 2 + whole
    return found


def log_density(z: Tensor, loc: Tensor, scale_tril: Tensor) -> Tensor:
    """Log N(z; loc, L Lᵀ) of z (..., k), nats: independent normals after whitening.

    MultivariateNormal would do, but importing what it needs takes as long as a small evaluation,
    and Normal takes twice as many passes over the values.
    """
    k = len(loc)
    centred = (z - loc).reshape(-1, k)
    white = torch.linalg.solve_triangular(scale_tril, centred.T, upper=False)
    log_scale = scale_tril.diagonal().log().sum() + k * math.log(2 * math.pi) / 2
    density: Tensor = white.square().sum(0) / -2 - log_scale
    return density.view(z.shape[:-1])


def sizes(n: int, k: int) -> tuple[int, ...]:
    """One fit, where there are examples enough for a covariance."""
    return (1,) if k <= WIDEST and n > 2 * k else ()


@outer_threads()
def fit(codes: Codes, size: int, seed: int) -> Params:
    """Moments of the aggregate posterior: mean, and covariance of means plus mean variance."""
    loc = codes.mean.mean(0)
    covariance = torch.cov(codes.mean.T, correction=0).reshape(len(loc), -1)
    covariance = covariance + codes.variance.mean(0).diag()
    return {"loc": loc, "scale_tril": torch.linalg.cholesky(covariance)}


full_normal = PriorFactory(name="full-normal", build=build, fit=fit, sizes=sizes, concurrent=True)
