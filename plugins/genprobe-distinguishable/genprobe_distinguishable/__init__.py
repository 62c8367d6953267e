"""exp(I(n;z)): how many equally likely examples the code tells apart, from 1 to N."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from genprobe import estimator, hookimpl

if TYPE_CHECKING:
    from genprobe import Estimate
    from genprobe.aggregate.queries import Queries
    from genprobe.estimators.control_variates import Controls


@estimator(
    label="distinguishable examples",
    heading="told apart",
    section="The code",
    meaning="how many equally likely examples the code tells apart, from 1 to N",
    unit="examples",
    better="larger",
)
def distinguishable_examples(queries: "Queries", controls: "Controls | None") -> "Estimate":
    """exp(I(n;z)), its standard errors by the delta method.

    Args:
        queries: of the aggregate posterior.
        controls: control variates of the queries, or None.
    """
    from math import exp

    from genprobe import Estimate
    from genprobe.estimators.mutual_information import mutual_information

    information = mutual_information(queries, controls)
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
