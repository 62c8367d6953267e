"""The curves of decoders on the plane: the best that any encoder could reach with each of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from genprobe.report import Report

NEAR = 2.0
"""Times β = 1, and one over that many times: points so near are always in view."""

Place = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class DecoderCurve:
    """The least R and D that one decoder and prior allow, in the unit of the plane.

    Attributes:
        index: of the report in the comparison.
        name: what its model goes by.
        colour: of the model.
        betas: β of each point, rising.
        points: (R, D) at each β.
        gap: from the model's place to the point at β = 1, which is the inference gap away; None
            where either is missing.
    """

    index: int
    name: str
    colour: str
    betas: tuple[float, ...]
    points: tuple[Place, ...]
    gap: tuple[Place, Place] | None = None

    @property
    def near(self) -> list[Place]:
        """The points that are always in view: those of β around 1; without a model there, all."""
        if self.gap is None:
            return list(self.points)
        pairs = zip(self.betas, self.points, strict=True)
        return [at for beta, at in pairs if 1 / NEAR <= beta <= NEAR] or list(self.points)


def decoder_curves(
    reports: Sequence[tuple[int, Report]], colours: Sequence[str], scale: float
) -> tuple[DecoderCurve, ...]:
    """The curves of all reports that have one.

    Args:
        reports: with their positions in the comparison.
        colours: of all models of the comparison.
        scale: nats a unit.
    """
    found = [curve_of(report, i, colours[i], scale) for i, report in reports]
    return tuple(curve for curve in found if curve is not None)


def curve_of(report: Report, index: int, colour: str, scale: float) -> DecoderCurve | None:
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
    return DecoderCurve(
        index=index,
        name=report.model,
        colour=colour,
        betas=tuple(at),
        points=tuple(at.values()),
        gap=gap,
    )
