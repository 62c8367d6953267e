"""Priors p(z), one a file."""

PARTS = (
    "standard_normal",
    "diagonal_normal",
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
    "uniform_sphere",
)
"""The files of the registered parts; each has its part under its own name."""
