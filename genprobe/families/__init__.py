"""Posterior families q(z|x), one a file."""

PARTS = (
    "diagonal_normal",
    "full_normal",
    "low_rank_normal",
    "laplace",
    "logistic_normal",
    "bernoulli",
    "categorical",
    "codes",
    "residual_codes",
    "gumbel_softmax",
    "poisson",
    "gamma",
    "beta",
    "von_mises_fisher",
    "uniform_box",
    "delta",
)
"""The files of the registered parts; each has its part under its own name."""
