"""Errors and bounds that are not stated, and why.

R bounds I(X;Z) by itself, so another bound far above R says nothing of it and is no row.

An error over the data says how far the population may be from what N examples show. From fewer than
150 it is not stated, though it can be worked out: a kind of example that is 2 % of the population
is missed by more than one such sample in twenty, and no arithmetic on the others tells what it
would have changed. What rests on these errors, such as the probability of a regime, is judged
before.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from genprobe.errors import Notice
from genprobe.report import Dimension, Estimate, number
from genprobe.report.channels import Channel

LEAST_EXAMPLES = 150
"""0.98^150 = 0.048: so many examples hold one of every kind that is 2 % of the population."""
REMARK = (
    f"fewer than {LEAST_EXAMPLES} examples may lack any of a kind that is 2 % of the population"
)
BOUNDS = ("mutual_information_loo", "rate_fitted_prior")
"""Of I(X;Z), besides R."""
FROM_BELOW = (
    "marginal_kl_floor",
    "marginal_kl_population_lower",
    "generative_mutual_information",
)
"""Lower bounds on what cannot be negative."""
FAR_SHARE, FAR_NATS = 0.5, 1.0
"""Of R, and nats, which a bound that says nothing is above R by, both together."""
OF_SAMPLES = {"generative_mutual_information", "simulated_gap"}
"""Estimates whose units are samples of the model, not examples."""
OF_SOME = {"ais_bound", "inference_gap", "amortization_gap", "approximation_gap"}
"""Estimates from some of the examples, which say how many."""


def vacuous(estimates: Mapping[str, Estimate]) -> dict[str, str]:
    """Why an estimate is no row of the tables, by its name: a bound that says nothing.

    Such are a bound on I(X;Z) far above R, and one from below, of what cannot be negative, that is
    not above 0. What a fitted prior saves goes with the bound that it gives.

    Args:
        estimates: by name.

    Example:
        >>> rate = Estimate(name="rate", value=19.3, se=0.0, se_data=0.1, kind="exact", n=900)
        >>> loo = dataclasses.replace(rate, name="mutual_information_loo", value=48.6)
        >>> vacuous({"rate": rate, "mutual_information_loo": loo})["mutual_information_loo"]
        'It would be 48.60 nats and say nothing: R = 19.30 bounds I(X;Z).'
    """
    found = {
        name: f"It would be at least {number(estimates[name].value, 2)} nats and say nothing: it "
        "cannot be negative."
        for name in FROM_BELOW
        if name in estimates and estimates[name].value <= 0
    }
    if "rate" not in estimates:
        return found
    most = estimates["rate"].value
    found |= {
        name: f"It would be {number(estimates[name].value, 2)} nats and say nothing: "
        f"R = {number(most, 2)} bounds I(X;Z)."
        for name in BOUNDS
        if name in estimates
        and estimates[name].value > most + max(0.0, most) * FAR_SHARE + FAR_NATS
    }
    if "rate_fitted_prior" in found and "prior_saving" in estimates:
        found["prior_saving"] = "No fitted prior comes near the model's own."
    return found


def stated(estimates: Mapping[str, Estimate], n: int) -> dict[str, Estimate]:
    """Estimates without the errors over the data that so few examples do not support.

    Args:
        estimates: by name.
        n: number of examples.

    Example:
        >>> rate = Estimate(name="rate", value=3.0, se=0.0, se_data=0.1, kind="exact", n=48)
        >>> stated({"rate": rate}, 48)["rate"].se_data is None
        True
        >>> stated({"rate": rate}, 480)["rate"] == rate
        True
    """

    def few(e: Estimate) -> bool:
        if e.name in OF_SAMPLES or not e.se_data:
            return False
        return (min(n, e.n) if e.name in OF_SOME else n) < LEAST_EXAMPLES

    return {name: without_data_error(e) if few(e) else e for name, e in estimates.items()}


def without_data_error(estimate: Estimate) -> Estimate:
    """The estimate without its error over the data, and why."""
    why = "; ".join(filter(None, (estimate.remark, REMARK)))
    return dataclasses.replace(estimate, se_data=None, remark=why)


def stated_dimensions(dimensions: Sequence[Dimension], n: int) -> tuple[Dimension, ...]:
    """The latent dimensions, likewise."""
    if n >= LEAST_EXAMPLES:
        return tuple(dimensions)
    return tuple(dataclasses.replace(d, rate_se_data=None) for d in dimensions)


def stated_channels(channels: Sequence[Channel], n: int) -> tuple[Channel, ...]:
    """The channels of a latent with places, likewise."""
    if n >= LEAST_EXAMPLES:
        return tuple(channels)
    return tuple(
        Channel(
            mean=without_data_error(c.mean),
            std=without_data_error(c.std),
            rate=None if c.rate is None else without_data_error(c.rate),
        )
        for c in channels
    )


def few_examples(n: int) -> Notice | None:
    """So few examples that no error over the data is stated."""
    if n >= LEAST_EXAMPLES:
        return None
    examples = "1 example is" if n == 1 else f"{n} examples are"
    return Notice(
        code="few-examples",
        message=f"{examples} too few to state errors over the data.",
        remedy=f"Evaluate on {LEAST_EXAMPLES} examples or more: so few may well lack any of a kind "
        "that is 2 % of the population.",
    )
