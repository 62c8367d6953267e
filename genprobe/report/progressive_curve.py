"""How distortion falls as more and more of a chain of latents is sent: a curve of R and D."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genprobe.report.estimate import Estimate, plain

RATE, DISTORTION = "progressive_rate", "progressive_distortion"
"""Names of the estimates of a point."""


@dataclass(frozen=True, kw_only=True)
class ProgressivePoint:
    """What a part of a chain costs, and what it leaves to say.

    Attributes:
        label: up to where the chain is taken: the name of a level, or a time.
        rate: of that part, nats per example.
        distortion: where the rest is drawn from its priors, or predicted; in its own unit, ``nats``
            or ``squared error``.
        coded: where that is no number of nats, −log p(x) given the part in nats: around what is
            expected of x, under the model's likelihood at one scale; None where it is not known.
    """

    label: str
    rate: Estimate
    distortion: Estimate
    coded: Estimate | None = None

    @property
    def in_nats(self) -> Estimate | None:
        """The distortion in nats, by which the point has a place on the plane; None without."""
        return self.distortion if self.distortion.unit == "nats" else self.coded

    def to_dict(self) -> dict[str, Any]:
        """The content as plain types."""
        return {
            "label": self.label,
            "rate": plain(self.rate),
            "distortion": plain(self.distortion),
            **({} if self.coded is None else {"coded": plain(self.coded)}),
        }

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> "ProgressivePoint":
        """What ``to_dict`` wrote."""
        return ProgressivePoint(
            label=content["label"],
            rate=Estimate(name=RATE, **content["rate"]),
            distortion=Estimate(name=DISTORTION, **content["distortion"]),
            coded=Estimate(name=DISTORTION, **content["coded"]) if "coded" in content else None,
        )


@dataclass(frozen=True, kw_only=True)
class ProgressiveCurve:
    """Rate and distortion as ever more of a chain is taken.

    Attributes:
        steps: what the labels of the points name: ``level`` or ``time``.
        points: from no or the least rate to the whole.

    Example:
        >>> known = {"se": 0.0, "se_data": 0.1, "kind": "exact", "unit": "nats", "n": 9}
        >>> point = {"label": "z₁", "rate": {"value": 1.0, **known}}
        >>> point["distortion"] = {"value": 5.0, **known}
        >>> curve = ProgressiveCurve.from_dict({"steps": "level", "points": [point]})
        >>> curve.points[0].distortion.value, curve.in_nats
        (5.0, True)
    """

    steps: str
    points: tuple[ProgressivePoint, ...]

    @property
    def in_nats(self) -> bool:
        """Whether its distortion is one of the rate-distortion plane."""
        return all(point.in_nats is not None for point in self.points)

    def to_dict(self) -> dict[str, Any]:
        """The content as plain types."""
        return {"steps": self.steps, "points": [point.to_dict() for point in self.points]}

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> "ProgressiveCurve":
        """What ``to_dict`` wrote."""
        points = tuple(ProgressivePoint.from_dict(each) for each in content["points"])
        return ProgressiveCurve(steps=content["steps"], points=points)
