"""What comes out: the estimates of one model on one data set, and their JSON.

The JSON has the schema ``genprobe.report/1`` (report.schema.json). Everything is in nats.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from genprobe.errors import GenprobeError, Notice, reason_of
from genprobe.plugins.registry import built_in
from genprobe.report.channels import Channel, LatentGrid
from genprobe.report.estimate import Estimate, plain
from genprobe.report.inference import InferenceReport
from genprobe.report.labels import LabelReport
from genprobe.report.levels import Level
from genprobe.report.progressive_curve import ProgressiveCurve
from genprobe.report.schema import NOT_ONE, SCHEMA, plain_json, report_schema, require_schema
from genprobe.report.tokens import TokenReport
from genprobe.runtime import json_schema
from genprobe.runtime.near_names import nearest

if TYPE_CHECKING:
    from genprobe.store.read import Store

FAILED, UNAVAILABLE = "estimator-failed", "estimate-unavailable"
"""Codes of warnings that a row is absent: its estimator is at fault, or what it was given."""
OWN = "this model's "
"""How the source of a bound on the entropy begins that comes from the model itself."""
BOUNDS_ALONE = ("ais_bound", "iwae_bound")
"""Estimates of −log p(x) that need no encoder, the tighter first."""
COLLAPSED_NATS = 0.01
"""Rate below which a latent dimension that does not vary carries nothing."""


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """One latent dimension.

    Attributes:
        index: position in the flattened latent.
        rate: KL_d in nats, None if the posterior or the prior does not factorise.
        rate_se_data: its standard error over examples.
        mean_variance: variance over examples of the posterior mean; None where it has no mean, as
            an index of a class has none.
        active: whether mean_variance exceeds 0.01 (Burda et al. 2016); None where that is unknown.
        aggregate_kl: KL(q(z_d)‖p(z_d)) over these examples, nats, None where it is not defined.
    """

    index: int
    rate: float | None
    rate_se_data: float | None
    mean_variance: float | None
    active: bool | None
    aggregate_kl: float | None = None

    @property
    def carries_nothing(self) -> bool:
        """Whether the dimension neither varies nor costs, as far as either is known."""
        if self.active is None and self.rate is None:
            return False
        return not self.active and (self.rate or 0.0) < COLLAPSED_NATS


@dataclass(frozen=True, kw_only=True)
class Regime:
    """Where on the rate-distortion plane a model lives, and how sure that is.

    Attributes:
        label: the most probable regime, or ``undetermined``.
        probability: the probability that the label keeps under the estimates' uncertainty.
        alternatives: (label, probability) of the others that keep any, most probable first.
        by_position: label read from (R, D, Ĥ) alone, None where position is undefined.
        by_slope: label read from the operating slope alone, None where it is unknown.
        entropy: Ĥ, the smallest known upper bound on the data entropy, nats.
        entropy_source: where Ĥ comes from.
        reasons: sentences that say which cut decided.
    """

    label: str
    probability: float
    alternatives: tuple[tuple[str, float], ...]
    by_position: str | None
    by_slope: str | None
    entropy: float | None
    entropy_source: str | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class Report:
    """Everything genprobe says about one model on one data set.

    Attributes:
        model: the model's name.
        dataset: the data set's name.
        n: number of examples.
        estimates: by name.
        dimensions: one record per latent dimension.
        regime: the place on the rate-distortion plane.
        warnings: notices, most important first.
        provenance: plain facts that reproduce the report (versions, hashes, seed, options).
        labels: what the code says of each label, by its name.
        inference: how log p(x) was worked out; None where nobody asked for it.
        channels: of a latent with places, one record each; else none.
        grid: where such a latent has its power and its rate; else None.
        tokens: of the codes of a quantiser; else None.
        levels: of a chain of latents, the first of them first; else none.
        progressive: R and D as ever more of such a chain is taken; else None.
        store: what it was made from, a temporary one for as long as it is held; None once read
            from JSON. No part of the report's content.
    """

    model: str
    dataset: str
    n: int
    estimates: Mapping[str, Estimate]
    dimensions: Sequence[Dimension]
    regime: Regime
    warnings: Sequence[Notice]
    provenance: Mapping[str, Any]
    labels: Mapping[str, LabelReport] = field(default_factory=dict)
    inference: InferenceReport | None = None
    channels: tuple[Channel, ...] = ()
    grid: LatentGrid | None = None
    tokens: TokenReport | None = None
    levels: tuple[Level, ...] = ()
    progressive: ProgressiveCurve | None = None
    store: "Store | None" = field(default=None, compare=False, repr=False)

    def __getitem__(self, name: str) -> Estimate:
        """The estimate of that name.

        Raises:
            KeyError: if the report has none; the message lists those it has.
        """
        try:
            return self.estimates[name]
        except KeyError:
            known = ", ".join(self.estimates)
            raise KeyError(f"no estimate {name!r} in this report; it has {known}") from None

    def __getattr__(self, name: str) -> Estimate:
        """The estimate of that name, so that ``report.elbo.value`` is its number.

        Raises:
            AttributeError: if the report has none; the message lists those it has.
        """
        estimates = self.__dict__.get("estimates", {})  # not there while it is copied or unpickled
        if name in estimates:
            found: Estimate = estimates[name]
            return found
        if name.startswith("_"):
            raise AttributeError(name)
        absent = self.provenance.get("absent", {}).get(name)
        near = nearest(name, [*estimates, *super().__dir__()])
        hint = f"did you mean {near}? It has" if near else "it has the estimates"
        why = absent or f"{hint} {', '.join(estimates)}"
        raise AttributeError(f"This report has no {name}: {why}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(k for k in self.estimates if k.isidentifier())})

    @property
    def verdict(self) -> tuple[str, ...]:
        """What to do, in one to three sentences: the most nats at stake first."""
        return tuple(built_in("verdicts", "report", "analysis")(self))

    def details(self) -> str:
        """The whole table; ``str`` of a report is its first screen."""
        return str(built_in("views", "details")(self))

    def to_dict(self) -> dict[str, Any]:
        """The report as plain types, in the layout of the JSON schema."""
        regime = dataclasses.asdict(self.regime)
        regime["alternatives"] = [list(pair) for pair in self.regime.alternatives]
        regime["reasons"] = list(self.regime.reasons)
        return {
            "schema": SCHEMA,
            "model": self.model,
            "dataset": self.dataset,
            "n": self.n,
            "verdict": list(self.verdict),
            "estimates": {name: plain(e) for name, e in self.estimates.items()},
            "dimensions": [dataclasses.asdict(d) for d in self.dimensions],
            "regime": regime,
            "warnings": [dataclasses.asdict(w) for w in self.warnings],
            "provenance": json_schema.without_infinities(self.provenance),
            **({"labels": {k: v.to_dict() for k, v in self.labels.items()}} if self.labels else {}),
            **({} if self.inference is None else {"inference": self.inference.to_dict()}),
            **({"channels": [c.to_dict() for c in self.channels]} if self.channels else {}),
            **({"grid": self.grid.to_dict()} if self.grid else {}),
            **({"tokens": self.tokens.to_dict()} if self.tokens else {}),
            **({"levels": [level.to_dict() for level in self.levels]} if self.levels else {}),
            **({"progressive": self.progressive.to_dict()} if self.progressive else {}),
        }

    def to_json(self) -> str:
        """The report as JSON text, schema ``genprobe.report/1``.

        Raises:
            GenprobeError: if an estimate is not finite.
        """
        return plain_json(self.to_dict(), self.estimates.values())

    @staticmethod
    def from_json(text: str) -> "Report":
        """The report that ``to_json`` wrote.

        Raises:
            GenprobeError: if the text is not a report, or is of a newer schema.
        """
        try:
            content = json_schema.parse(text)
        except (ValueError, RecursionError) as error:
            raise GenprobeError(f"{NOT_ONE}: {reason_of(error)}.") from error
        require_schema(content.get("schema") if isinstance(content, dict) else None)
        try:
            json_schema.require_valid(content, report_schema())
        except ValueError as error:
            raise GenprobeError(f"{NOT_ONE}: {error}.") from error
        return from_dict(content)

    @property
    def epoch(self) -> int | None:
        """The epoch after which the report was made, if it was made while training."""
        found = self.provenance.get("training", {}).get("epoch")
        return found if isinstance(found, int) else None

    def scalars(self) -> dict[str, float]:
        """Every known number by name: NAME, NAME_se and NAME_se_data of each estimate.

        Those of a label or a level begin with its name, as ``digit.label_information``. Values are
        in the unit of each estimate, nats but for counts.
        """
        found: dict[str, float | None] = {"regime_probability": self.regime.probability}
        of_labels = {
            f"{k}.{name}": e for k, v in self.labels.items() for name, e in v.estimates.items()
        }
        of_levels = {f"{v.name}.{name}": e for v in self.levels for name, e in v.estimates.items()}
        for name, e in {**self.estimates, **of_labels, **of_levels}.items():
            found |= {name: e.value, f"{name}_se": e.se, f"{name}_se_data": e.se_data}
        return {name: float(value) for name, value in found.items() if value is not None}

    def __repr__(self) -> str:
        known = ("elbo", "rate", "distortion", "mutual_information")
        shown = known if "elbo" in self.estimates else (*known, *BOUNDS_ALONE[:1])
        numbers = [f"{k}={self.estimates[k].value:.5g}" for k in shown if k in self.estimates]
        facts = [f"n={self.n}", *numbers, f"regime={self.regime.label!r}"]
        return f"Report({self.model!r} on {self.dataset!r}, {', '.join(facts)})"

    def __rich__(self) -> object:
        return built_in("views", "report")(self)

    def __str__(self) -> str:
        return str(built_in("renderers", "table")(self))

    def _repr_html_(self) -> str:
        return str(built_in("views", "notebook")(self))


def from_dict(content: dict[str, Any]) -> Report:
    """The report in plain types, of the present schema."""
    regime = content["regime"]
    return Report(
        model=content["model"],
        dataset=content["dataset"],
        n=content["n"],
        estimates={k: Estimate(name=k, **v) for k, v in content["estimates"].items()},
        dimensions=tuple(Dimension(**d) for d in content["dimensions"]),
        regime=Regime(
            **{
                **regime,
                "alternatives": tuple((str(k), float(p)) for k, p in regime["alternatives"]),
                "reasons": tuple(regime["reasons"]),
            }
        ),
        warnings=[Notice(**w) for w in content["warnings"]],
        provenance=content["provenance"],
        labels={k: LabelReport.from_dict(k, v) for k, v in content.get("labels", {}).items()},
        inference=InferenceReport.from_dict(content["inference"])
        if "inference" in content
        else None,
        channels=tuple(Channel.from_dict(c) for c in content.get("channels", ())),
        grid=LatentGrid.from_dict(content["grid"]) if "grid" in content else None,
        tokens=TokenReport.from_dict(content["tokens"]) if "tokens" in content else None,
        levels=tuple(Level.from_dict(each) for each in content.get("levels", ())),
        progressive=ProgressiveCurve.from_dict(content["progressive"])
        if "progressive" in content
        else None,
    )
