"""Several reports side by side: one bound on the entropy, a frontier, and tested differences."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from genprobe.analysis.decoder_alone import has_encoder
from genprobe.analysis.regimes import DEFAULT_CUTS, Cuts
from genprobe.comparing.difference import BOUND, Difference, critical_z
from genprobe.escape import escape
from genprobe.estimators.catalog import row_of
from genprobe.plugins.registry import built_in
from genprobe.report import Report


@dataclass(frozen=True, kw_only=True, repr=False)
class Comparison:
    """Reports of several models on the same data.

    Attributes:
        reports: in the order asked for, their regimes under the shared bound.
        names: what each goes by: a name that is short and its own (see ``model_names``).
        entropy: the shared bound Ĥ, nats; None where there is none.
        entropy_source: where it comes from.
        best: the model with the highest ELBO, by what it goes by; empty where there is none.
        frontier: positions of the reports that no other equals or beats in both rate and
            distortion, from the lowest rate to the highest.
        hull: those of them that no mixture of two models beats either.
        reference: the model that differences are from; None where there are none.
        differences: of each other model from the reference.
        comparisons: how many pairs of models the differences of ELBO are chosen from.
        sort: what the reports are ordered by.
        same_measure: whether every distortion is of one kind, so that D and ELBO compare.
        side_by_side: whether the data may differ, so that nothing is shared or compared.
        cuts: thresholds of the regimes.
        label_differences: of what the codes tell of each label, from the reference.
        inference_differences: of what inference loses, from the reference.
        probed_differences: of the means of plugins' probes, from the reference, each in its unit.
        code_differences: of what generators pay for codes, from the reference; where some model's
            codes have places or classes.
    """

    reports: tuple[Report, ...]
    names: tuple[str, ...]
    entropy: float | None
    entropy_source: str | None
    best: str
    frontier: tuple[int, ...]
    hull: tuple[int, ...]
    reference: str | None
    differences: tuple[Difference, ...]
    comparisons: int
    same_measure: bool
    side_by_side: bool
    sort: str
    cuts: Cuts = DEFAULT_CUTS
    label_differences: tuple[Difference, ...] = ()
    inference_differences: tuple[Difference, ...] = ()
    probed_differences: tuple[Difference, ...] = ()
    code_differences: tuple[Difference, ...] = ()

    @property
    def named(self) -> tuple[Report, ...]:
        """The reports, each under what it goes by."""
        pairs = zip(self.names, self.reports, strict=True)
        return tuple(dataclasses.replace(report, model=name) for name, report in pairs)

    @property
    def shares_a_plane(self) -> bool:
        """Whether one model's rate and distortion can be held against another's."""
        return self.same_measure and not self.side_by_side

    @property
    def by_bound(self) -> bool:
        """Whether models compare by their bounds on −log p(x): some have no ELBO, all have them."""
        every = all(BOUND in report.estimates for report in self.reports)
        return every and self.shares_a_plane and not all(map(has_encoder, self.reports))

    @cached_property
    def critical(self) -> float:
        """The size of z beyond which a difference of ELBO holds, for all at once, at 5 %."""
        observations = (r.provenance.get("distinct_examples", r.n) for r in self.reports)
        return critical_z(self.comparisons, min(observations))

    @cached_property
    def rivals(self) -> tuple[str, ...]:
        """The models whose ELBO cannot be told from the best one's, at 5 % for all at once.

        Only paired differences tell; where they are from another model than the best, none do.
        """
        return tuple(d.first for d in self.from_the_best if self.leaves_doubt(d))

    @property
    def best_is_certain(self) -> bool | None:
        """Whether every other model's ELBO is worse beyond doubt, at 5 % for all at once.

        None where that is not known: nothing else has an ELBO, differences are from another model
        than the best, or from one that was named (naming it afterwards makes no winner surer), or
        one is not paired and no other leaves doubt.
        """
        rivals = len(self.from_the_best)
        if self.comparisons < rivals * (rivals + 1) // 2:
            return None
        doubts = [self.leaves_doubt(d) for d in self.from_the_best]
        if True in doubts:
            return False
        return None if not doubts or None in doubts else True

    @property
    def from_the_best(self) -> tuple[Difference, ...]:
        """The differences of ELBO from the best model; none if they are from another."""
        mine = self.best and self.reference == self.best
        return tuple(d for d in self.differences if mine and d.name == "elbo")

    @property
    def to_ship(self) -> str:
        """The model to use, by what it goes by; empty where nothing says that it is.

        It is the one with the least rate on the frontier whose ELBO cannot be told from the best
        one's, if its rate is less beyond doubt; else the best.
        """
        if self.best_is_certain is None:
            return ""
        on_frontier = {self.names[i] for i in self.frontier}.intersection(self.rivals)
        saved = {
            d.first: -d.value
            for d in self.differences
            if d.name == "rate"
            and d.first in on_frontier
            and d.value < 0
            and self.leaves_doubt(d) is False
        }
        return max(saved, key=lambda name: saved[name], default=self.best)

    @property
    def verdict(self) -> tuple[str, ...]:
        """One to three sentences that say which model to use and what else matters, in nats.

        Empty for a single model.
        """
        return tuple(built_in("views", "verdict")(self))

    @property
    def every_difference(self) -> tuple[Difference, ...]:
        """The differences of every kind."""
        kinds = (field.name for field in dataclasses.fields(self))
        return tuple(d for k in kinds if k.endswith("differences") for d in getattr(self, k))

    def difference_of(self, model: str, estimate: str = "elbo") -> Difference | None:
        """The difference of a model from the reference; None if there is none.

        Args:
            model: by what it goes by.
            estimate: name of what differs.
        """
        found = (d for d in self.differences if (d.first, d.name) == (model, estimate))
        return next(found, None)

    def leaves_doubt(self, difference: Difference) -> bool | None:
        """Whether a difference may be of these examples alone; None if nothing says.

        Args:
            difference: one of this comparison's.
        """
        if not difference.paired or difference.se_data is None:
            return None
        return abs(difference.value) <= self.critical * difference.se_data

    def __repr__(self) -> str:
        several = f"{len(self.names)} models" if len(self.names) > 1 else self.names[0]
        first = self.best and f", best ELBO {self.best}"
        return escape(f"<Comparison of {several} on {self.reports[0].dataset}{first}>")

    def __rich__(self) -> object:
        return built_in("views", "comparison")(self)

    def __str__(self) -> str:
        return str(built_in("views", "comparison-text")(self))

    def _repr_html_(self) -> str:
        return str(built_in("views", "comparison-notebook")(self))

    def best_value(self, name: str) -> float | None:
        """The best of an estimate over the models, nats; None where none is, or can be told."""
        known, row = values(self.reports, name), row_of(name)
        comparable = self.same_measure or not row.same_measure
        if self.side_by_side or not comparable or len(known) < 2:
            return None
        if row.better is None or not row.ranks:
            return None
        return max(known) if row.better == "larger" else min(known)


def values(reports: Iterable[Report], name: str) -> list[float]:
    """An estimate of every report that has it."""
    return [r[name].value for r in reports if name in r.estimates]
