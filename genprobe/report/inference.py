"""How log p(x) was worked out, how far to trust it, and what the decoder could do at best."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genprobe.report.estimate import Estimate, plain


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """The least that any encoder could need with one decoder and prior, at one β.

    Attributes:
        beta: at which R + βD is least.
        rate: R there, nats.
        distortion: D there, nats.
        cost: R + βD, which is better known than either.
    """

    beta: float
    rate: Estimate
    distortion: Estimate
    cost: Estimate

    def to_dict(self) -> dict[str, Any]:
        """The content as plain types."""
        names = ("rate", "distortion", "cost")
        return {"beta": self.beta, **{k: plain(getattr(self, k)) for k in names}}

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> "CurvePoint":
        """What ``to_dict`` wrote.

        Args:
            content: plain types.
        """
        named = {"rate": "curve_rate", "distortion": "curve_distortion", "cost": "curve_cost"}
        found = {k: Estimate(name=name, **content[k]) for k, name in named.items()}
        return CurvePoint(beta=content["beta"], **found)


NAMED = {
    "half_length": "half_length_gain",
    "prior_chains": "prior_chains_gain",
    "simulated": "simulated_gap",
}
"""Fields that are estimates, or None, and their names."""


@dataclass(frozen=True, kw_only=True)
class InferenceReport:
    """How log p(x) of some examples was worked out; its estimates are among those of the report.

    Attributes:
        n: how many examples.
        prior: that it is under.
        temperatures: of a chain.
        chains: an example.
        max_steps: the most temperatures that were allowed.
        tolerance: nats by which the bound was to move no more.
        reached: whether it was.
        evaluations: of the decoder and its gradient, in all.
        acceptance: share of the proposals that were taken, over the examples.
        least_acceptance: the same of the example with the lowest.
        effective_sample_size: of the chains of an example, as a share of their number: the mean.
        least_effective_sample_size: the same of the example with the lowest.
        half_length: by how much the bound rose from the run before, which was of chains half as
            long, or of half as many, nats; None where there was none.
        steps_gain: what so many gradient steps on the parameters of each posterior gain over the
            encoder's, nats, by their number.
        prior_chains: by how much chains from the prior end above those that start at the best
            posterior of the family, nats; None without any.
        missed: examples of which they do beyond doubt.
        mixed: whether half of the chains start at the prior therefore.
        simulated: width of the bounds on log p(x) from both sides, on simulated data, nats; None
            where they were not asked for.
        simulated_wide: simulated examples of which they are half a nat apart, beyond their errors.
        curve: the decoder's, from the lowest β on; empty where it was not asked for.
    """

    n: int
    prior: str
    temperatures: int
    chains: int
    max_steps: int
    tolerance: float
    reached: bool
    evaluations: int
    acceptance: float
    least_acceptance: float
    effective_sample_size: float
    least_effective_sample_size: float
    half_length: Estimate | None = None
    steps_gain: Mapping[int, Estimate] = field(default_factory=dict)
    prior_chains: Estimate | None = None
    missed: int = 0
    mixed: bool = False
    simulated: Estimate | None = None
    simulated_wide: int = 0
    curve: tuple[CurvePoint, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The content as plain types."""
        estimates = {name: getattr(self, name) for name in NAMED}
        return {
            **{name: getattr(self, name) for name in PLAIN},
            **{k: None if e is None else plain(e) for k, e in estimates.items()},
            "steps_gain": {str(steps): plain(e) for steps, e in self.steps_gain.items()},
            "curve": [point.to_dict() for point in self.curve],
        }

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> "InferenceReport":
        """What ``to_dict`` wrote.

        Args:
            content: plain types.
        """
        facts: dict[str, Any] = {name: content[name] for name in PLAIN}
        for field_name, name in NAMED.items():
            given = content[field_name]
            facts[field_name] = None if given is None else Estimate(name=name, **given)
        gains = content["steps_gain"].items()
        return InferenceReport(
            **facts,
            steps_gain={int(k): Estimate(name="steps_gain", **v) for k, v in gains},
            curve=tuple(CurvePoint.from_dict(each) for each in content["curve"]),
        )


PLAIN = tuple(
    name
    for name in InferenceReport.__dataclass_fields__
    if name not in (*NAMED, "steps_gain", "curve")
)
"""Fields that are plain already."""
