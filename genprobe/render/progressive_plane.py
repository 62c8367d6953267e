"""The curves of chains on the plane: R and D as ever more levels, or ever less noise, are known."""

from collections.abc import Sequence

from genprobe.render.decoder_curve import PROGRESSIVE, PlaneCurve
from genprobe.report import Report

NEAR = 4.0
"""Times the rate of the whole chain that a distortion in view may lie above the last."""

MEANINGS = {
    "level": "ever more levels of a chain known, the others drawn from their priors",
    "time": "ever less noisy states of a diffusion model, x around what is then expected of it",
}
"""What a curve is of, by what its points are."""


def progressive_meanings(curves: Sequence[PlaneCurve]) -> list[str]:
    """What the curves of chains are of, in words, each kind once.

    Args:
        curves: on the plane, of any kind.
    """
    drawn = {curve.steps for curve in curves if curve.kind == PROGRESSIVE}
    return [meaning for steps, meaning in MEANINGS.items() if steps in drawn]


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
                steps=curve.steps,
                labels=tuple(point.label for point in curve.points),
                reach=NEAR * max(points[-1][0], 1.0 / scale),
            )
        )
    return tuple(found)
