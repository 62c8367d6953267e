"""Likelihoods p(x|z), one a file, each with every constant of its density."""

from genprobe.likelihoods.support import require_counts, require_levels, require_unit_interval

__all__ = [
    "PARTS",
    "require_counts",
    "require_levels",
    "require_unit_interval",
]

PARTS = (
    "bernoulli",
    "continuous_bernoulli",
    "categorical",
    "categorical_pixels",
    "discretised_logistic_mixture",
    "discretised_normal",
    "normal",
    "normal_optimal_sigma",
    "laplace",
    "student_t",
    "poisson",
    "zero_inflated_poisson",
    "negative_binomial",
    "zero_inflated_negative_binomial",
    "multinomial",
)
"""The files of the registered parts; each has its part under its own name."""
