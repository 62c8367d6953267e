"""One number of a report, with its errors."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["exact", "estimate", "lower", "upper"]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One number of a report.

    Attributes:
        name: the name it has in the JSON, such as ``marginal_kl``.
        value: the estimate.
        se: Monte Carlo standard error for this data set; 0 if exact, None if unknown.
        se_data: standard error with the data taken as a sample of a population; None if unknown.
        kind: exact, estimate, or a lower or upper bound.
        unit: ``nats``, ``count`` and so on.
        n: number of independent units behind it (examples or queries).
        remark: why an error is not stated, or is wider than it had to be; else empty.
    """

    name: str
    value: float
    se: float | None
    se_data: float | None
    kind: Kind
    unit: str = "nats"
    n: int = 0
    remark: str = ""


def plain(estimate: Estimate) -> dict[str, Any]:
    """An estimate as plain types, without its name and an empty remark."""
    content = dataclasses.asdict(estimate)
    del content["name"]
    if not content["remark"]:
        del content["remark"]
    return content
