"""Priors p(z), one a file."""

from genprobe.priors.flat import flat_prior
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.priors.from_module import prior_from_module

__all__ = [
    "PARTS",
    "flat_prior",
    "prior_from_distribution",
    "prior_from_module",
]

PARTS = (
    "standard_normal",
    "diagonal_normal",
    "channel_normal",
    "stationary_normal",
    "full_normal",
    "normal_mixture",
    "vamp",
    "laplace",
    "gamma",
    "beta",
    "poisson",
    "bernoulli",
    "categorical",
    "uniform_categorical",
    "token_histogram",
    "token_positions",
    "token_levels",
    "token_context",
    "uniform_sphere",
)
"""The files of the registered parts; each has its part under its own name."""
