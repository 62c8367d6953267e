"""Errors that are not stated, and why.

An error over the data says how far the population may be from what N examples show. From fewer than
150 it is not stated, though it can be worked out: a kind of example that is 2 % of the population
is missed by more than one such sample in twenty, and no arithmetic on the others tells what it
would have changed. What rests on these errors, such as the probability of a regime, is judged
before.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from genprobe.notice import Notice
from genprobe.report import Dimension, Estimate

LEAST_EXAMPLES = 150
"""0.98^150 = 0.048: so many examples hold one of every kind that is 2 % of the population."""
REMARK = (
    f"fewer than {LEAST_EXAMPLES} examples may lack any of a kind that is 2 % of the population"
)
OF_SAMPLES = {"generative_mutual_information"}
"""Estimates whose units are samples of the model, not examples."""


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
    if n >= LEAST_EXAMPLES:
        return dict(estimates)
    return {
        name: without_data_error(e) if e.se_data and name not in OF_SAMPLES else e
        for name, e in estimates.items()
    }


def without_data_error(estimate: Estimate) -> Estimate:
    """The estimate without its error over the data, and why."""
    why = "; ".join(filter(None, (estimate.remark, REMARK)))
    return dataclasses.replace(estimate, se_data=None, remark=why)


def stated_dimensions(dimensions: Sequence[Dimension], n: int) -> tuple[Dimension, ...]:
    """The latent dimensions, likewise."""
    if n >= LEAST_EXAMPLES:
        return tuple(dimensions)
    return tuple(dataclasses.replace(d, rate_se_data=None) for d in dimensions)


def few_examples(n: int) -> Notice | None:
    """So few examples that no error over the data is stated."""
    if n >= LEAST_EXAMPLES:
        return None
    examples = "1 example" if n == 1 else f"{n} examples"
    return Notice(
        code="few-examples",
        message=f"No errors over the data are stated with the numbers: {examples} may well lack "
        "any of a kind that is 2 % of the population.",
        remedy=f"Evaluate on {LEAST_EXAMPLES} examples or more.",
    )
