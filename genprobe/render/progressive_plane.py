"""The curves of chains on the plane: R and D as ever more levels are known."""

from collections.abc import Sequence

from genprobe.render.decoder_curve import PROGRESSIVE, PlaneCurve
from genprobe.report import Report

NEAR = 4.0
"""Times the rate of the whole chain that a distortion in view may lie above the last."""


def progressive_curves(
    reports: Sequence[tuple[int, Report]], colours: Sequence[str], scale: float
) -> tuple[PlaneCurve, ...]:
    """The curves of all reports that have one whose distortion is in nats.

    Args:
        reports: with their positions in the comparison.
        colours: of all models of the comparison.
        scale: nats a unit.
    """
    found = []
    for i, report in reports:
        curve = report.progressive
        if curve is None or not curve.in_nats or len(curve.points) < 2:
            continue
        points = tuple(
            (p.rate.value / scale, at.value / scale)
            for p in curve.points
            if (at := p.in_nats) is not None
        )
        found.append(
            PlaneCurve(
                index=i,
                name=report.model,
                colour=colours[i],
                betas=(),
                points=points,
                kind=PROGRESSIVE,
                labels=tuple(point.label for point in curve.points),
                reach=NEAR * max(points[-1][0], 1.0 / scale),
            )
        )
    return tuple(found)
