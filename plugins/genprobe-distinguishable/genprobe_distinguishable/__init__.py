"""exp(I(n;z)): how many equally likely examples the code tells apart, from 1 to N."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from genprobe import estimator, hookimpl

if TYPE_CHECKING:
    from genprobe import Estimate


@estimator(
    label="distinguishable examples",
    heading="told apart",
    section="The code",
    meaning="how many equally likely examples the code tells apart, from 1 to N",
    unit="examples",
    better="larger",
)
def distinguishable_examples(mutual_information: "Estimate") -> "Estimate":
    """exp(I(n;z)), its standard errors by the delta method.

    Args:
        mutual_information: I(n;z), nats.
    """
    from math import exp

    from genprobe import Estimate

    information = mutual_information
    count = exp(information.value)
    return Estimate(
        name="distinguishable_examples",
        value=count,
        se=None if information.se is None else count * information.se,
        se_data=None if information.se_data is None else count * information.se_data,
        kind="estimate",
        unit="examples",
        n=information.n,
    )


@hookimpl
def genprobe_estimators() -> Mapping[str, Callable[..., Any]]:
    """One more row."""
    return {"distinguishable_examples": distinguishable_examples}
