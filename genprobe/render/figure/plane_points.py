"""What of a comparison lies where on the rate-distortion plane, whatever it is drawn with."""

from collections.abc import Sequence
from dataclasses import dataclass

from genprobe.comparing.comparison import Comparison
from genprobe.render.figure.ellipse import CERTAIN
from genprobe.report import Report

ALL = 24
"""Up to so many models every one is named, beyond it those on the convex hull."""

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Plane:
    """The models of a comparison, in the unit they are drawn in.

    Attributes:
        reports: of the models with a distortion.
        points: (R, D) of each.
        best: name of the one with the best ELBO; empty where there are not several.
        frontier: positions of the models that none other beats.
        hull: positions of those that no mixture of others beats either.
        undecoded: reports of the models without a distortion.
        entropy: Ĥ; None where there is none.
        scale: nats a unit.
    """

    reports: tuple[Report, ...]
    points: tuple[Point, ...]
    best: str
    frontier: tuple[int, ...]
    hull: tuple[int, ...]
    undecoded: tuple[Report, ...]
    entropy: float | None
    scale: float

    @property
    def named(self) -> tuple[int, ...]:
        """Positions of the models that are named: all, or of many those on the hull."""
        return tuple(range(len(self.points))) if len(self.points) <= ALL else self.hull


def plane_of(comparison: Comparison, scale: float) -> Plane:
    """What there is to draw on the plane: nothing where the models' numbers do not compare.

    Args:
        comparison: of one model or several.
        scale: nats a unit.
    """
    named = comparison.named if comparison.shares_a_plane else ()
    placed = [i for i, r in enumerate(named) if "distortion" in r.estimates]
    position, reports = {i: at for at, i in enumerate(placed)}, [named[i] for i in placed]
    return Plane(
        reports=tuple(reports),
        points=tuple((r["rate"].value / scale, r["distortion"].value / scale) for r in reports),
        best=comparison.best if len(reports) > 1 else "",
        frontier=tuple(position[i] for i in comparison.frontier),
        hull=tuple(position[i] for i in comparison.hull),
        undecoded=tuple(r for r in named if "distortion" not in r.estimates),
        entropy=None if comparison.entropy is None else comparison.entropy / scale,
        scale=scale,
    )


def view(plane: Plane) -> tuple[Point, Point]:
    """The ranges of rate and distortion that show every model with its error.

    Args:
        plane: with a model at least.
    """
    rates = reach((*plane.reports, *plane.undecoded), "rate", plane.scale)
    distortions = reach(plane.reports, "distortion", plane.scale)
    alone = len(set(plane.points)) == 1
    return (
        limits(rates, alone, plane.entropy if alone else None),
        limits(distortions, alone, plane.entropy),
    )


def reach(reports: Sequence[Report], name: str, scale: float) -> list[float]:
    """The ends of an estimate's error bars, as far as the ellipses around the models go.

    Args:
        reports: of models that have it.
        name: of the estimate.
        scale: nats a unit.
    """
    known = [report[name] for report in reports]
    return [
        (e.value + side * CERTAIN * (e.se_data or 0.0)) / scale for e in known for side in (-1, 1)
    ]


def limits(values: Sequence[float], whole: bool, also: float | None = None) -> Point:
    """The range of one axis: from zero, unless that would squeeze the models into its far half.

    Args:
        values: of the models.
        whole: whether to start from zero even then.
        also: what else to show, where the axis starts from zero.
    """
    low, high = min(values), max(values)
    if low * high > 0 and high - low < min(abs(low), abs(high)) and not whole:
        margin = 0.3 * (high - low) or 0.05 * abs(high)
        return low - margin, high + margin
    low, high = min(low, 0.0), max(high, also or 0.0, 0.0)
    span = (high - low) or 1.0
    return low - 0.04 * span, high + 0.12 * span


def written(name: str, length: int = 28) -> str:
    """A name as it can be drawn: on one line, without control characters, its middle cut if long.

    Args:
        name: as the user gave it.
        length: most characters.
    """
    plain = "".join(c if c.isprintable() else " " for c in name)
    if len(plain) <= length:
        return plain
    return f"{plain[: length - length // 3 - 1]}…{plain[-(length // 3) :]}"
