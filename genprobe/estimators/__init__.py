"""Estimators: pure functions of quantities to an Estimate, one a file.

An estimator's parameter names say what it needs, out of the properties of
``genprobe.estimators.quantities.Quantities``; its own name is the estimate's.
"""

PARTS = (
    "rate",
    "distortion",
    "elbo",
    "mutual_information",
    "log_n",
    "marginal_kl",
    "marginal_kl_floor",
    "mutual_information_loo",
    "rate_fitted_prior",
    "prior_saving",
    "mutual_information_population_upper",
    "marginal_kl_population_lower",
    "marginal_kl_population_upper",
    "active_units",
    "total_correlation",
    "generative_mutual_information",
    "slope",
    "iwae_bound",
    "blind_distortion",
)
"""The files of the registered parts; each has its part under its own name."""
