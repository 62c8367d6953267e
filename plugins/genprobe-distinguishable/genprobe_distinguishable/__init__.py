"""exp(I(n;z)): how many equally likely examples the code tells apart, from 1 to N."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from genprobe import hookimpl

if TYPE_CHECKING:
    from torch import Tensor

    from genprobe import Estimate
    from genprobe.estimators.control_variates import Controls


def distinguishable_examples(
    index_entropy: "Tensor",
    log_qz_x: "Tensor",
    log_qz: "Tensor",
    controls: "Controls | None",
    n: int,
) -> "Estimate":
    """exp(I(n;z)), its standard errors by the delta method.

    Args:
        index_entropy: (draw, m) H[q(n|z)] at each query, nats.
        log_qz_x: (draw, m) log q(z|x_n) of each query under its own example, nats.
        log_qz: (draw, m) log of the aggregate posterior, nats.
        controls: of the queries, or None.
        n: number of examples.
    """
    from math import exp

    from genprobe import Estimate
    from genprobe.estimators.mutual_information import mutual_information

    information = mutual_information(index_entropy, log_qz_x, log_qz, controls, n)
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
