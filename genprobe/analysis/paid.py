"""What a generator of codes pays for them, by what it knows: the candidate priors of a report."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from genprobe.analysis.pixels import pixels_in
from genprobe.report import Estimate, Report

UNIFORM = "uniform"
"""The candidate of tokens that knows nothing."""


@dataclass(frozen=True, kw_only=True)
class Paid:
    """What a generator pays that knows no more than one prior.

    Attributes:
        candidate: name of the prior.
        nats: an example.
        pixels: of one example; None where their shape is not known.
        tokens: of one example; None where codes are none.
    """

    candidate: str
    nats: Estimate
    pixels: int | None = None
    tokens: int | None = None

    @property
    def bits(self) -> float:
        """Of an example."""
        return self.nats.value / math.log(2)

    @property
    def bits_error(self) -> float | None:
        """The standard error of ``bits`` over the data; None where it is not known."""
        return None if self.nats.se_data is None else self.nats.se_data / math.log(2)


def candidates_of(report: Report) -> tuple[Paid, ...]:
    """What every candidate prior of a report pays, from those that know least on.

    The model's own prior comes first. Where codes have neither places nor classes, the best fitted
    prior follows and no other.

    Args:
        report: of one model.

    Example:
        >>> import genprobe, torch
        >>> index = torch.arange(400).reshape(200, 2) % 7
        >>> report = genprobe.evaluate_posteriors({"index": index, "classes": 8})
        >>> [paid.candidate for paid in candidates_of(report)][:2]
        ['uniform', 'token-histogram']
    """
    tokens = None if report.tokens is None else report.tokens.tokens
    pixels = pixels_in(report)
    pairs = [*own_prior(report), *fitted_priors(report)]
    return tuple(
        Paid(candidate=name, nats=nats, pixels=pixels, tokens=tokens) for name, nats in pairs
    )


def own_prior(report: Report) -> Iterator[tuple[str, Estimate]]:
    """The prior of the model, and what it pays; nothing where that is the uniform one of tokens."""
    rate = report.estimates.get("rate")
    uniform = None if report.tokens is None else report.tokens.bound(UNIFORM)
    alike = uniform is not None and rate is not None and close(rate, uniform.nats)
    if rate is not None and not alike:
        yield str(report.provenance.get("prior") or "the model's prior"), rate


def close(one: Estimate, other: Estimate) -> bool:
    """Whether two estimates are of one number, up to rounding."""
    return math.isclose(one.value, other.value, rel_tol=1e-6)


def fitted_priors(report: Report) -> Iterator[tuple[str, Estimate]]:
    """The priors that were fitted to the codes, and what each pays."""
    if report.tokens is not None:
        yield from ((each.candidate, each.nats) for each in report.tokens.bounds)
    elif report.grid is not None and report.grid.bounds:
        yield from ((each.candidate, each.nats) for each in report.grid.bounds)
    elif "rate_fitted_prior" in report.estimates:
        yield fitted_name(report), report.estimates["rate_fitted_prior"]


def fitted_name(report: Report) -> str:
    """The prior that was fitted best; empty where none was."""
    fit = report.provenance.get("fitted_prior")
    return str(fit.get("rung", "")) if isinstance(fit, dict) else ""


def least_paid(report: Report) -> Paid | None:
    """What the best of the candidates pays, as the report states it; None where nothing is known.

    The best fitted prior, which was chosen without the examples that it is scored on; the model's
    own where that pays less, or none was fitted.

    Args:
        report: of one model.
    """
    known = {
        fitted_name(report): report.estimates.get("rate_fitted_prior"),
        str(report.provenance.get("prior") or "the model's prior"): report.estimates.get("rate"),
    }
    found = {name: nats for name, nats in known.items() if nats is not None}
    if not found:
        return None
    name = min(found, key=lambda each: found[each].value)
    tokens = None if report.tokens is None else report.tokens.tokens
    pixels = pixels_in(report)
    return Paid(candidate=name, nats=found[name], pixels=pixels, tokens=tokens)
