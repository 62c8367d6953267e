"""A normal prior with a full covariance over flattened z, p(z) = N(z; loc, L Lᵀ)."""

import torch
from torch.distributions import MultivariateNormal

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
    normal = MultivariateNormal(loc, scale_tril=scale_tril, validate_args=False)
    return flat_prior(
        "full-normal",
        event_shape,
        normal.log_prob,
        normal.sample,
        {"loc": loc, "scale_tril": scale_tril},
    )


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
