"""What is said of a model without an encoder: its bound on −log p(x), and nothing of a code."""

from genprobe.analysis.rounding import with_error
from genprobe.report import BOUNDS_ALONE, Estimate, Report

UNPLACED = "the model has no encoder, and so no R, D, ELBO or I(n;z)"
"""Why it has no regime."""


def has_encoder(report: Report) -> bool:
    """Whether the model has an encoder, so that there are R, D, I(n;z) and a regime.

    Args:
        report: of one model.

    Example:
        >>> import genprobe, torch
        >>> params = {"loc": torch.zeros(50, 1), "scale": torch.ones(50, 1)}
        >>> has_encoder(genprobe.evaluate_posteriors(params))
        True
    """
    return report.provenance.get("encoder", True) is not False


def bound_alone(report: Report) -> Estimate | None:
    """The bound on −log p(x) that a model without an encoder has; None of any other.

    Args:
        report: of one model.
    """
    if has_encoder(report):
        return None
    known = (report.estimates.get(name) for name in BOUNDS_ALONE)
    return next((found for found in known if found is not None), None)


def worth(report: Report, bound: Estimate, unit: str, scale: float, decimals: int) -> str:
    """What a decoder alone is worth, in a sentence.

    Args:
        report: of it.
        bound: on its −log p(x).
        unit: of the sentence.
        scale: nats that one of the unit is.
        decimals: of a number without an error.
    """
    known = bound.se if bound.se_data is None else bound.se_data
    error = None if known is None else known / scale
    number = with_error(bound.value / scale, error, decimals)
    said = f"Compare this decoder by −log p(x) on the same examples, at most {number} {unit}"
    if "blind_distortion" not in report.estimates:
        return f"{said}."
    gain = report["blind_distortion"].value - bound.value
    far = with_error(abs(gain) / scale, error, decimals)
    return f"{said}: {far} {'below' if gain > 0 else 'above'} that of constants."
