"""Who loses the nats of −ELBO: the model itself, the posterior family, the encoder."""

from typing import NamedTuple

from genprobe.analysis.advice import error_of
from genprobe.report import Report


class Part(NamedTuple):
    """A part of −ELBO: what it is, nats and their error, and the CSS class that draws it."""

    name: str
    nats: float
    error: float | None
    style: str


def lost_parts(report: Report) -> list[Part]:
    """−ELBO in its parts, which add up to it; empty where they are not known.

    The first is what is left of it: −log p(x), which no encoder could go below.

    Args:
        report: of one model.
    """
    needed = ("elbo", "inference_gap", "approximation_gap", "amortization_gap")
    if report.inference is None or not set(needed) <= report.estimates.keys():
        return []
    elbo, gap, family, encoder = (report[name] for name in needed)
    return [
        Part("−log p(x)", -elbo.value - gap.value, error_of(elbo), "information"),
        Part("lost by the family", gap.value - encoder.value, error_of(family), "either"),
        Part("lost by the encoder", encoder.value, error_of(encoder), "mismatch"),
    ]
