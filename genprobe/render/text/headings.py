"""What estimates are called at the head of a column."""

COLUMNS = {
    "rate": "R",
    "distortion": "D",
    "elbo": "ELBO",
    "mutual_information": "I(n;z)",
    "marginal_kl": "KL",
}
"""The estimates that every comparison shows, in their order."""
SPELT = {
    "rate": "rate R",
    "distortion": "distortion D",
    "elbo": "ELBO",
    "mutual_information": "I(n;z)",
    "marginal_kl": "marginal KL",
}
"""The same where there is room for words."""
FURTHER = {
    "iwae_bound": "IWAE",
    "blind_distortion": "blind D",
    "log_n": "log N",
    "marginal_kl_floor": "KL floor",
    "marginal_kl_population_lower": "KL lower",
    "marginal_kl_population_upper": "KL upper",
    "mutual_information_population_upper": "I upper",
    "mutual_information_loo": "I by LOO",
    "generative_mutual_information": "I gen.",
    "rate_fitted_prior": "R fitted",
    "prior_saving": "saving",
    "total_correlation": "TC",
    "active_units": "active",
    "entropy_bound": "Ĥ",
}
"""Of what is shown only when sorted by."""
ERRORS = ("± Monte Carlo", "± data")
"""Of the two standard errors of an estimate: for these very examples, and for the population."""
