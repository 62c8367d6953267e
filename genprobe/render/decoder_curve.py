"""The curves of decoders on the plane: the best that any encoder could reach with each of them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from genprobe.report import Report

NEAR = 2.0
"""Times β = 1, and one over that many times: points so near are always in view."""

PIECES = 16
"""Straight pieces of the line from one point to the next."""

DECODER, PROGRESSIVE = "decoder", "progressive"
"""Kinds of a curve."""

Place = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class PlaneCurve:
    """A curve on the plane, in its unit.

    It is of the least R and D that one decoder and prior allow, or of those of a chain of latents
    or states as ever more of it is known.

    Attributes:
        index: of the report in the comparison.
        name: what its model goes by.
        colour: of the model.
        betas: β of each point, rising.
        points: (R, D) at each β.
        gap: from the model's place to the point at β = 1, which is the inference gap away; None
            where either is missing.
        kind: ``decoder``, or ``progressive``, whose points are joined by straight lines.
        steps: what the points of a progressive curve are, ``level`` or ``time``.
        labels: of the points of a progressive curve.
        reach: of such a curve, how far above its last point others are always in view.
    """

    index: int
    name: str
    colour: str
    betas: tuple[float, ...]
    points: tuple[Place, ...]
    gap: tuple[Place, Place] | None = None
    kind: str = DECODER
    steps: str = ""
    labels: tuple[str, ...] = ()
    reach: float = 0.0

    @property
    def near(self) -> list[Place]:
        """The points that are always in view: those of β around 1; without a model there, all."""
        if self.kind == PROGRESSIVE:
            last = self.points[-1][1]
            return [at for at in self.points if at[1] <= last + self.reach]
        if self.gap is None:
            return list(self.points)
        pairs = zip(self.betas, self.points, strict=True)
        return [at for beta, at in pairs if 1 / NEAR <= beta <= NEAR] or list(self.points)

    @property
    def line(self) -> list[Place]:
        """The curve through all points: at that of β its slope dD/dR is −1/β."""
        if self.kind == PROGRESSIVE:
            return list(self.points)
        slopes = [-1 / beta for beta in self.betas]
        ends = itertools.pairwise(zip(self.points, slopes, strict=True))
        between = [at for (start, s), (end, t) in ends for at in arc(start, s, end, t)]
        return [*self.points[:1], *between]


def arc(start: Place, slope: float, end: Place, end_slope: float) -> list[Place]:
    """Places after the start, to the end, on a parabola with these slopes at its ends.

    Where points err too much for that, the end alone.

    Args:
        start: (R, D).
        slope: dD/dR there.
        end: (R, D).
        end_slope: dD/dR there.

    Example:
        The tangents meet at (1, 0).

        >>> arc((0.0, 2.0), -2.0, (3.0, -1.0), -0.5)[7]
        (1.25, 0.25)
    """
    rise = end[1] - start[1] + slope * start[0] - end_slope * end[0]
    corner = rise / (slope - end_slope)
    if not start[0] < corner < end[0]:
        return [end]
    middle = corner, start[1] + slope * (corner - start[0])
    shares = [i / PIECES for i in range(1, PIECES + 1)]
    return [
        (
            (1 - t) ** 2 * start[0] + 2 * t * (1 - t) * middle[0] + t**2 * end[0],
            (1 - t) ** 2 * start[1] + 2 * t * (1 - t) * middle[1] + t**2 * end[1],
        )
        for t in shares
    ]


def decoder_curves(
    reports: Sequence[tuple[int, Report]], colours: Sequence[str], scale: float
) -> tuple[PlaneCurve, ...]:
    """The curves of all reports that have one.

    Args:
        reports: with their positions in the comparison.
        colours: of all models of the comparison.
        scale: nats a unit.
    """
    found = [curve_of(report, i, colours[i], scale) for i, report in reports]
    return tuple(curve for curve in found if curve is not None)


def curve_of(report: Report, index: int, colour: str, scale: float) -> PlaneCurve | None:
    """The curve of one report; None if it has none.

    Args:
        report: of a model.
        index: of the report in the comparison.
        colour: of the model.
        scale: nats a unit.
    """
    if report.inference is None or not report.inference.curve:
        return None
    at = {
        point.beta: (point.rate.value / scale, point.distortion.value / scale)
        for point in report.inference.curve
    }
    gap = None
    if {"rate", "distortion"} <= report.estimates.keys() and 1.0 in at:
        place = report["rate"].value / scale, report["distortion"].value / scale
        gap = place, at[1.0]
    return PlaneCurve(
        index=index,
        name=report.model,
        colour=colour,
        betas=tuple(at),
        points=tuple(at.values()),
        gap=gap,
    )
