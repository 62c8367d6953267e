"""How log p(x) was worked out and how far to trust it, in a few lines."""

from genprobe.analysis.advice import error_of
from genprobe.analysis.rounding import rounded
from genprobe.render.text.label_lines import stated
from genprobe.render.text.short_rows import Scale
from genprobe.report import Estimate, Report
from genprobe.report.inference import CurvePoint, InferenceReport


def inference_lines(report: Report, scale: Scale) -> list[str]:
    """What a first screen says of inference; nothing where nobody asked for it.

    Args:
        report: to be shown.
        scale: of the numbers.
    """
    found = report.inference
    if found is None:
        return []
    parts = [
        f"acceptance {found.acceptance:.2f}",
        f"effective size {found.effective_sample_size:.2f}",
    ]
    if found.half_length is not None:
        parts.append(f"the run before {lower_by(found.half_length, scale)}")
    lines = [", ".join(parts)]
    if found.simulated is not None:
        width = stated(found.simulated, scale)
        lines.append(f"on {found.simulated.n} simulated examples both sides {width} apart")
    return lines


def steps_lines(inference: InferenceReport, scale: Scale) -> list[str]:
    """What gradient steps at test time gain; the verdict has the most of it."""
    gains = [f"{k} gain {stated(e, scale)}" for k, e in inference.steps_gain.items()]
    return [f"gradient steps at test time: {', '.join(gains)}"] if gains else []


def inference_details(report: Report, scale: Scale) -> list[str]:
    """All that is said of inference but the decoder's curve.

    Args:
        report: to be shown.
        scale: of the numbers.
    """
    found = report.inference
    if found is None:
        return []
    lines = [*inference_lines(report, scale), *steps_lines(found, scale)]
    lines.append(
        f"{found.n} examples, {found.temperatures} temperatures, {found.chains} chains under "
        f"{found.prior}; {found.evaluations} gradients"
    )
    lines.append(
        f"of the worst example acceptance {found.least_acceptance:.2f}, effective size "
        f"{found.least_effective_sample_size:.2f}"
    )
    if found.prior_chains is not None:
        lines.append(f"chains from the prior end {lower_by(found.prior_chains, scale, -1)}")
    return lines


def curve_lines(report: Report, scale: Scale) -> list[str]:
    """The points of the decoder's curve; nothing where nobody asked for it.

    Args:
        report: to be shown.
        scale: of the numbers.
    """
    if report.inference is None or not report.inference.curve:
        return []
    points = [point_line(point, scale) for point in report.inference.curve]
    return ["the best that any encoder could reach with this decoder and prior:", *points]


def point_line(point: CurvePoint, scale: Scale) -> str:
    """One point of the decoder's curve."""
    figures = [
        f"R = {stated(point.rate, scale)}",
        f"D = {stated(point.distortion, scale)}",
        f"R + βD ≤ {stated(point.cost, scale)}",
    ]
    return f"β = {point.beta:g}: {', '.join(figures)}"


def lower_by(estimate: Estimate, scale: Scale, sign: int = 1) -> str:
    """By how much something is lower, or higher.

    Args:
        estimate: by how much.
        scale: of the number.
        sign: -1 where the estimate says by how much it is higher.

    Example:
        >>> moved = Estimate(name="x", value=-0.25, se=0.1, se_data=None, kind="estimate")
        >>> lower_by(moved, Scale("nats", 1.0, 3))
        '0.25 higher'
    """
    value, error = abs(estimate.value) / scale.nats, error_of(estimate)
    text = rounded(value, None if error is None else error / scale.nats, scale.decimals)
    return f"{text} {'higher' if sign * estimate.value < 0 else 'lower'}"
