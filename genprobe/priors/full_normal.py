"""A normal prior with a full covariance over flattened z, p(z) = N(z; loc, L Lᵀ)."""

import torch
from torch import Tensor
from torch.distributions import Normal

from genprobe.errors import ModelError
from genprobe.priors.flat import flat_prior
from genprobe.types import Codes, Params, Prior, PriorFactory

WIDEST = 512
"""Latent sizes beyond this are not fitted."""


def build(event_shape: torch.Size, params: Params) -> Prior:
    """The prior with ``loc`` (k,) and lower-triangular ``scale_tril`` (k, k).

    Raises:
        ModelError: if either is missing.
    """
    if {"loc", "scale_tril"} - params.keys():
        raise ModelError("The prior full-normal needs loc and scale_tril.")
    loc, scale_tril = params["loc"].double(), params["scale_tril"].double()

    def sample(shape: torch.Size) -> Tensor:
        return loc + torch.randn(*shape, len(loc), dtype=torch.float64) @ scale_tril.T

    return flat_prior(
        "full-normal",
        event_shape,
        lambda z: log_density(z.double(), loc, scale_tril),
        sample,
        {"loc": loc, "scale_tril": scale_tril},
    )


def log_density(z: Tensor, loc: Tensor, scale_tril: Tensor) -> Tensor:
    """Log N(z; loc, L Lᵀ) of z (..., k), nats: independent normals after whitening.

    MultivariateNormal would do, but importing what it needs takes as long as a small evaluation.
    """
    centred = (z - loc).reshape(-1, len(loc))
    white = torch.linalg.solve_triangular(scale_tril, centred.T, upper=False)
    standard = Normal(0.0, 1.0, validate_args=False)
    density: Tensor = standard.log_prob(white).sum(0)  # type: ignore[no-untyped-call]
    return (density - scale_tril.diagonal().log().sum()).view(z.shape[:-1])


def sizes(n: int, k: int) -> tuple[int, ...]:
    """One fit, where there are examples enough for a covariance."""
    return (1,) if k <= WIDEST and n > 2 * k else ()


def fit(codes: Codes, size: int, seed: int) -> Params:
    """Moments of the aggregate posterior: mean, and covariance of means plus mean variance."""
    loc = codes.mean.mean(0)
    covariance = torch.cov(codes.mean.T, correction=0).reshape(len(loc), -1)
    covariance = covariance + codes.variance.mean(0).diag()
    return {"loc": loc, "scale_tril": torch.linalg.cholesky(covariance)}


full_normal = PriorFactory(name="full-normal", build=build, fit=fit, sizes=sizes)
