"""What the tables of cases are written with: both errors of one model, and groups of estimates."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from genprobe.self_check.case import Case, Subject, Truth, Truths

INDEX = (
    "rate",
    "mutual_information",
    "log_n",
    "marginal_kl",
    "marginal_kl_floor",
    "total_correlation",
    "mutual_information_loo",
    "active_units",
)
"""For these N examples, without a decoder."""
BRACKET = (
    "rate",
    "mutual_information",
    "marginal_kl",
    "mutual_information_loo",
    "mutual_information_population_upper",
    "rate_fitted_prior",
    "prior_saving",
    "marginal_kl_population_lower",
    "marginal_kl_population_upper",
)
"""For the population."""
DECODED = (
    "rate",
    "distortion",
    "elbo",
    "blind_distortion",
    "slope",
    "generative_mutual_information",
)
"""With a decoder."""

Make = Callable[[int], Subject]


def nothing_known() -> Truths:
    """No truths: the mean of the runs stands in for each."""
    return {}


def certain(**values: float) -> Truths:
    """Truths in closed form, by name."""
    return {name: Truth(value=value) for name, value in values.items()}


def pair(
    name: str,
    regime: str,
    n: int,
    make: Make,
    estimators: tuple[str, ...],
    *,
    fixed: Callable[[], Truths] = nothing_known,
    population: Callable[[], Truths] = nothing_known,
    limits: Callable[[], Mapping[str, float]] = dict,
    **options: Any,
) -> tuple[Case, Case]:
    """The two cases of one model: its examples fixed, and drawn anew for each seed.

    Args:
        name: of both, with an ending each.
        regime: what is special about it.
        n: number of examples.
        make: the seed of the examples to the subject.
        estimators: names of the estimates.
        fixed: truths for the examples of seed 0.
        population: truths for the population.
        limits: what the bounds among the estimates bound.
        options: of ``genprobe.evaluate``.
    """
    case = partial(Case, regime=regime, n=n, make=make, estimators=estimators, options=options)
    return (
        case(name=f"{name}-mc", error="se", truths=fixed),
        case(name=f"{name}-data", error="se_data", truths=population, limits=limits),
    )
