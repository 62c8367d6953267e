"""A diffusion model in a few lines: where along its chain the nats go, and what they buy."""

import math

from genprobe.analysis.advice import error_of
from genprobe.analysis.diffuses import diffuses
from genprobe.analysis.rounding import rounded, with_error
from genprobe.render.text.chain_lines import bar, brief
from genprobe.render.text.label_lines import stated
from genprobe.render.text.short_rows import Scale
from genprobe.report import Report
from genprobe.report.progressive_curve import ProgressiveCurve, ProgressivePoint

DENSITY = "density-distortion"
"""The warning of a bound that is no number of bits."""
CURVE = (
    "up to a state: R, D of x around what is then expected of it, and how far that is off, root "
    "mean square"
)
"""What stands above the points of the curve."""
FEW = 5
"""Points of the curve on a first screen."""
SMALL = 1e-3
"""Share of R of the octaves that are put together in one line."""
NAME = 16
"""Columns of an octave's name."""


def diffusion_lines(report: Report, scale: Scale) -> list[str]:
    """A line for each octave of SNR, and for each point of the progressive curve.

    Args:
        report: to be shown.
        scale: of the numbers.
    """
    if not diffuses(report):
        return []
    rates = {level.name: level["rate"] for level in report.levels}
    top, total = max(e.value for e in rates.values()), report["rate"].value
    shown = {name: e for name, e in rates.items() if e.value >= SMALL * total}
    lines = [
        f"{name:<{NAME}} {bar(e.value, top):<16} {stated(e, scale)}" for name, e in shown.items()
    ]
    rest = [e for name, e in rates.items() if name not in shown]
    more = sum(e.value for e in rest) / scale.nats
    if rest:
        name = f"{len(rest)} others"
        lines.insert(0, f"{name:<{NAME}} {'':<16} {rounded(more, None, scale.decimals)}")
    curve = report.progressive
    points = [] if curve is None else [along_line(report, p, scale) for p in curve.points]
    heads = [CURVE] if points else []
    return [*bits_line(report), *lines, looked_line(report), *heads, *points]


def short_diffusion_lines(report: Report, scale: Scale) -> list[str]:
    """The bound in bits, where half of the nats are paid, and a few points of the curve.

    Args:
        report: to be shown.
        scale: of the numbers.
    """
    if not diffuses(report):
        return []
    paid, half, total = 0.0, report.levels[-1].name, report["rate"].value
    for level in report.levels:
        paid += level["rate"].value
        if paid >= total / 2:
            half = level.name
            break
    first = report.levels[0]
    said = f"noisiest state {stated(first['rate'], scale)}; half of R is paid by {half}"
    return [*bits_line(report), said, *curve_line(report, scale)]


def spelt_diffusion_lines(report: Report, scale: Scale) -> list[str]:
    """The same as the lines of ``diffusion_lines`` in running text, where there are no bars.

    Args:
        report: to be shown.
        scale: of the numbers.
    """
    if not diffuses(report):
        return []
    octaves = [f"{level.name} {stated(level['rate'], scale)}" for level in report.levels]
    curve = report.progressive
    points = [] if curve is None else [along_line(report, p, scale) for p in curve.points]
    each = [" ".join(point.split()) for point in points]
    return [
        *bits_line(report),
        f"R by state: {', '.join(octaves)}",
        looked_line(report),
        *([f"{CURVE}: {'; '.join(each)}"] if each else []),
    ]


def bits_line(report: Report) -> list[str]:
    """The bound in bits a value, where it is one of probabilities."""
    values = math.prod(report.provenance["event_shape"])
    if "elbo" not in report.estimates or any(w.code == DENSITY for w in report.warnings):
        return []
    bits = values * math.log(2)
    parts = [report[name] for name in ("rate", "distortion")]
    bound = report["elbo"]
    known = error_of(bound)
    whole = with_error(-bound.value / bits, None if known is None else known / bits, 3)
    shares = " + ".join(f"{e.value / bits:.3f}" for e in parts)
    return [f"at most {whole} bits/dim: {shares} of states and of the last step to x"]


def looked_line(report: Report) -> str:
    """How many steps the numbers rest on."""
    facts = report.provenance["diffusion"]
    return (
        f"{facts['looked_at']} steps and {facts['decoded']} last steps of each example were looked "
        f"at, of {facts['steps']}"
    )


def curve_line(report: Report, scale: Scale) -> list[str]:
    """R and the error of x̂ at a few points along the chain, in one line."""
    curve = report.progressive
    if curve is None:
        return []
    return [f"x̂ errs by (R): {', '.join(error_at(report, p, scale) for p in some(curve))}"]


def some(curve: ProgressiveCurve) -> list[ProgressivePoint]:
    """A few points: at the noisiest state, at the last, and where the squared error halves most."""
    points = curve.points
    if len(points) <= FEW:
        return list(points)
    logs = [math.log(max(p.distortion.value, 1e-300)) for p in points]
    wanted = [logs[0] + (logs[-1] - logs[0]) * i / (FEW - 1) for i in range(FEW)]
    near = {min(range(len(points)), key=lambda j: abs(logs[j] - each)) for each in wanted}
    return [points[j] for j in sorted(near)]


def error_at(report: Report, point: ProgressivePoint, scale: Scale) -> str:
    """The root mean squared error a value at a point, and its rate."""
    return f"{root(report, point):.2g} ({brief(point.rate, scale)})"


def along_line(report: Report, point: ProgressivePoint, scale: Scale) -> str:
    """A point of the curve in a line."""
    left = "" if point.coded is None else f", D {stated(point.coded, scale)}"
    return (
        f"{point.label:<8} R {stated(point.rate, scale)}{left}, {root(report, point):.2g} a value"
    )


def root(report: Report, point: ProgressivePoint) -> float:
    """The root of the mean squared error of a value, in the units of the data."""
    values = max(1, math.prod(report.provenance["event_shape"]))
    return math.sqrt(max(0.0, point.distortion.value) / values)
