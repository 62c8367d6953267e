"""Several reports side by side: one bound on the entropy, a frontier, and tested differences."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from genprobe.analysis.options import require_positive
from genprobe.analysis.regimes import DEFAULT_CUTS, Cuts, Entropy, smallest
from genprobe.analysis.report import OWN
from genprobe.comparing.differences import PAIRED, Difference, critical_z, differences
from genprobe.comparing.frontier import frontier, hull
from genprobe.comparing.inputs import (
    named_by,
    place_of,
    read_reports,
    told_apart,
    without_side_files,
)
from genprobe.comparing.shared_regime import replace_regime
from genprobe.errors import GenprobeError, UsageError
from genprobe.estimators.catalog import row_of
from genprobe.plugins import built_in
from genprobe.report import Report
from genprobe.runtime.progress import Progress, showing

KINDS = ("density-distortion", "bernoulli-on-grey")
"""Warnings that the distortion is not minus the log of a probability."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Reports of several models on the same data.

    Attributes:
        reports: in the order asked for, their regimes under the shared bound.
        names: what each goes by: the model's name, with its origin where several share it.
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
    def critical(self) -> float:
        """The size of z beyond which a difference of ELBO holds, for all at once, at 5 %."""
        return critical_z(self.comparisons)

    @property
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

    def leaves_doubt(self, difference: Difference) -> bool | None:
        """Whether a difference of ELBO may be of these examples alone; None if nothing says.

        Args:
            difference: one of this comparison's.
        """
        if not difference.paired or difference.se_data is None:
            return None
        return abs(difference.value) <= self.critical * difference.se_data

    def __rich__(self) -> object:
        return built_in("views", "comparison")(self)

    def __str__(self) -> str:
        return str(built_in("views", "comparison-text")(self))

    def best_value(self, name: str) -> float | None:
        """The best of an estimate over the models, nats; None where none is, or can be told."""
        known, row = values(self.reports, name), row_of(name)
        comparable = self.same_measure or not row.same_measure
        if self.side_by_side or not comparable or len(known) < 2:
            return None
        if row.better is None or not row.ranks:
            return None
        return max(known) if row.better == "larger" else min(known)


def compare(
    sources: Sequence[Report | str | Path],
    *,
    sort: str = "rate",
    against: str | None = None,
    side_by_side: bool = False,
    entropy: float | None = None,
    origins: Sequence[str] | None = None,
    cuts: Cuts = DEFAULT_CUTS,
    progress: bool | Progress = False,
) -> Comparison:
    """Compare reports, stores or report files of the same data set.

    The shared Ĥ is the smallest bound that is given or any of them knows, its own R + D included.
    Differences of ELBO, rate and distortion are paired over examples wherever the stores of both
    models are at hand: a report read from a file finds the store it names. A store whose report was
    kept beside it is not worked out anew; one without gets one.

    Args:
        sources: reports, or paths of stores (.h5) and of reports (.json). What is kept beside a
            store that is given is passed over.
        sort: ``name`` or an estimate: smallest first, and largest first where that is better, as of
            the ELBO, mutual information and active units. Models without it come last.
        against: the model that differences are from, by its name or what tells it from the others
            (its file); the one with the best ELBO by default.
        side_by_side: show models of different data, with nothing shared and no differences.
        entropy: another upper bound on the entropy of the data, nats.
        origins: what tells models of one name apart; by default their paths.
        cuts: thresholds of the regimes.
        progress: show progress on standard error if it is a terminal.

    Raises:
        GenprobeError: if there is none, a file does not read, the data sets differ, or there is no
            estimate or model of the name given.
    """
    if isinstance(sources, str | Path | Report):
        sources = [sources]
    require_positive(entropy=entropy)
    if origins is None:
        sources = without_side_files(sources)
    with showing(progress) as shown:
        read = read_reports(sources, shown)
    places = [place_of(*pair) for pair in zip(sources, read, strict=True)]
    places = places if origins is None else list(origins)
    given = told_apart(read, places)
    if not given:
        raise GenprobeError("There is nothing to compare.", "Give at least one store or report.")
    require_sort(sort, {name for r in given.values() for name in r.estimates})
    if against is not None:
        place = {id(report): where for report, where in zip(read, places, strict=True)}
        against = named_by(against, {name: place[id(r)] for name, r in given.items()})
    if not side_by_side:
        require_same_data(list(given.values()))
    shared = None if side_by_side else shared_entropy(given, entropy)
    order = sorted(given, key=lambda name: sort_key(name, given[name], sort))
    ranked = {name: replace_regime(given[name], shared, cuts) for name in order}
    return assemble(ranked, shared, against, side_by_side, sort, cuts)


def assemble(
    ranked: Mapping[str, Report],
    shared: Entropy | None,
    against: str | None,
    side_by_side: bool,
    sort: str,
    cuts: Cuts,
) -> Comparison:
    """The comparison of reports in their order, by what they go by."""
    same = one_measure(ranked.values())
    comparable = same and not side_by_side
    with_elbo = [name for name, r in ranked.items() if "elbo" in r.estimates]
    best = max(with_elbo, key=lambda n: ranked[n]["elbo"].value, default="") if comparable else ""
    compares = len(ranked) > 1 and not side_by_side
    reference = (against or best or next(iter(ranked))) if compares else None
    # A reference chosen by its ELBO could have been any model, so every pair might be compared.
    tests = len(with_elbo) - 1 if against else len(with_elbo) * (len(with_elbo) - 1) // 2
    front, lower = on_the_plane(list(ranked.values())) if comparable else ((), ())
    return Comparison(
        reports=tuple(ranked.values()),
        names=tuple(ranked),
        entropy=None if shared is None else shared.value,
        entropy_source=None if shared is None else shared.source,
        best=best,
        frontier=front,
        hull=lower,
        reference=reference,
        differences=()
        if reference is None
        else tuple(differences(ranked, reference, PAIRED if same else ("rate",))),
        comparisons=tests,
        same_measure=same,
        side_by_side=side_by_side,
        sort=sort,
        cuts=cuts,
    )


def on_the_plane(reports: Sequence[Report]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Positions on the Pareto frontier and on its convex part, of the models with R and D."""
    known = [i for i, r in enumerate(reports) if {"rate", "distortion"} <= r.estimates.keys()]
    points = [(reports[i]["rate"].value, reports[i]["distortion"].value) for i in known]
    return tuple(known[i] for i in frontier(points)), tuple(known[i] for i in hull(points))


def values(reports: Iterable[Report], name: str) -> list[float]:
    """An estimate of every report that has it."""
    return [r[name].value for r in reports if name in r.estimates]


def one_measure(reports: Iterable[Report]) -> bool:
    """Whether all distortions are minus logs of one kind: of probabilities, or of densities."""
    decoding = [r for r in reports if "distortion" in r.estimates]
    kinds = {next((w.code for w in r.warnings if w.code in KINDS), "") for r in decoding}
    widths = {r.provenance.get("bin_width") for r in decoding} - {None}
    return len(kinds) < 2 and len(widths) < 2


def sort_key(model: str, report: Report, sort: str) -> tuple[bool, float, str]:
    """What models are ordered by; those without the estimate last, ties by name."""
    estimate = report.estimates.get(sort)
    if estimate is None:
        return sort != "name", 0.0, model.casefold()
    sign = -1 if row_of(sort).better == "larger" else 1
    return False, sign * estimate.value, model.casefold()


def require_sort(sort: str, known: Iterable[str]) -> None:
    """Check that models can be sorted by something.

    Raises:
        UsageError: listing what they can be sorted by.
    """
    allowed = ["name", *sorted(known)]
    if sort not in allowed:
        raise UsageError(f"There is no {sort!r} to sort by.", f"Sort by {', '.join(allowed)}.")


def shared_entropy(reports: Mapping[str, Report], given: float | None) -> Entropy | None:
    """The smallest bound that is given or any model knows, and whose it is; None without any.

    A bound that is given places no model whose own distortion bounds nothing.
    """
    known = [
        Entropy(value=r.regime.entropy, source=source_of(r, name))
        for name, r in reports.items()
        if r.regime.entropy is not None
    ]
    if known and given is not None:
        known.append(Entropy(value=given, source="given"))
    return smallest(known)


def source_of(report: Report, name: str) -> str:
    """Where a report's bound comes from, in words that hold beside other models."""
    source = report.regime.entropy_source or ""
    mine = source.removeprefix(OWN)
    return source if mine == source else f"{mine} of {name}"


def described(report: Report) -> str:
    """The data of a report, as far as two that differ can be told apart by it."""
    mode = report.provenance.get("binarize", "none")
    made = "as they are" if mode == "none" else f"binarised ({mode})"
    return f"{report.dataset} ({report.n} examples, {made})"


def require_same_data(reports: Sequence[Report]) -> None:
    """Check that reports can stand beside each other.

    Raises:
        GenprobeError: naming two that cannot.
    """
    first = reports[0]
    for other in reports[1:]:
        prints = [r.provenance.get("dataset_fingerprint") for r in (first, other)]
        if prints[0] != prints[1]:
            raise GenprobeError(
                f"{first.model} was evaluated on {described(first)} and {other.model} on "
                f"{described(other)}, which are different data.",
                "Compare models on the same data and binarisation, or show them --side-by-side "
                "(side_by_side=True), with nothing shared.",
            )
        given = [tuple(r.provenance.get("context", ())) for r in (first, other)]
        if given[0] != given[1]:
            raise GenprobeError(
                f"{first.model} is conditional on {named(given[0])} and {other.model} on "
                f"{named(given[1])}: what is left to say of x differs, and so does Ĥ.",
                "Compare models that are given the same, or show them --side-by-side "
                "(side_by_side=True).",
            )


def named(context: Sequence[str]) -> str:
    """The parts of a context in words."""
    return ", ".join(context) or "nothing"
