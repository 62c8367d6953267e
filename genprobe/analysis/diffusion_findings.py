"""What is found of a diffusion model: steps that cost more than they save."""

import math
from collections.abc import Mapping

from genprobe.analysis.advice import Advice, Facts, error_of
from genprobe.errors import Notice
from genprobe.report.estimate import Estimate
from genprobe.report.progressive_curve import ProgressiveCurve, ProgressivePoint

CODE = "steps-cost-more"
SHARE = 0.01
"""Of R by which an earlier state must do better."""


def best_stop(
    curve: ProgressiveCurve | None, estimates: Mapping[str, Estimate]
) -> tuple[ProgressivePoint, float, float] | None:
    """The state at which R + D is least, if that is less than with the whole chain.

    Args:
        curve: of a diffusion model; None without.
        estimates: of the same report.

    Returns:
        The point, the nats that it saves, and their error, as if all figures were independent.
    """
    if curve is None or curve.steps != "time" or "elbo" not in estimates:
        return None
    sums = [(p.rate.value + p.coded.value, p) for p in curve.points if p.coded is not None]
    if not sums:
        return None
    least, point = min(sums, key=lambda each: each[0])
    saved = -estimates["elbo"].value - least
    errors = [error_of(e) or 0.0 for e in (estimates["elbo"], point.rate, point.coded) if e]
    error = math.hypot(*errors)
    if saved <= 2 * error or saved <= SHARE * estimates["rate"].value:
        return None
    return point, saved, error


def costly(curve: ProgressiveCurve | None, estimates: Mapping[str, Estimate]) -> Notice | None:
    """The last steps of a chain cost more than they save.

    Args:
        curve: of a diffusion model; None without.
        estimates: of the same report.
    """
    found = best_stop(curve, estimates)
    if found is None:
        return None
    point, saved, _ = found
    return Notice(
        code=CODE,
        message=f"The steps after {point.label} cost more than they save: R + D would be "
        f"{saved:.4g} nats less without them.",
        remedy="Code x around what is expected of it there; or give the last steps a finer "
        "schedule, and more of the training.",
    )


def stop_earlier(facts: Facts) -> Advice | None:
    """The last steps of a chain cost more than they save."""
    found = best_stop(facts.report.progressive, facts.report.estimates)
    if found is None:
        return None
    point, saved, error = found
    number = facts.write(saved, error)
    return Advice(
        sentence=f"Stop the chain at {point.label} and code x around what is expected of it there: "
        f"that saves {number} {facts.unit}, no retraining.",
        nats=saved,
        error=error,
    )
