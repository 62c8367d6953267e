"""The report of every label of a store, from the queries of q(z) and the stored posteriors."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.aggregate.distinct import DistinctExamples
from genprobe.aggregate.queries import Queries
from genprobe.aggregate.tally import Tally
from genprobe.errors import UnavailableError
from genprobe.estimators.chosen_bound import chosen_bound
from genprobe.estimators.standard_error import data_error
from genprobe.labels.by_dimension import MOST_DIMENSIONS, DimensionQueries, dimension_queries
from genprobe.labels.class_means import class_means, most_varied_dimensions
from genprobe.labels.columns import LabelColumns, values_of
from genprobe.labels.cross_fitting import CrossFitted, cross_fitted, folds_of
from genprobe.labels.dimension_figures import DimensionFigure, dimension_figure, informative
from genprobe.labels.features import Features, shared_features
from genprobe.labels.gap import label_gap
from genprobe.labels.index_figure import (
    AtQueries,
    at_queries,
    cap_of,
    frequencies,
    identity,
    index_information,
    label_entropy,
    miller_madow,
    saturated,
)
from genprobe.labels.permutations import permutation_test
from genprobe.labels.remainder import remainder_lower, remainder_upper
from genprobe.report.estimate import Estimate
from genprobe.report.labels import LIMIT, LabelDimension, LabelReport, Leak
from genprobe.runtime.progress import Progress, silent
from genprobe.store.read import Store
from genprobe.types import Family
from genprobe.types.label import Label

FEWEST = 10
"""Distinct examples from which on five folds have something to fit to."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Code:
    """What labels are held against.

    Attributes:
        store: finished.
        family: of its posteriors.
        queries: of q(z), with a tally of the labels; None where there is no q(z).
        tally: of the labels.
        columns: where each label is in it.
        information: I(n;z); None where there is no q(z).
        upper: the upper end of I(X;Z); None where there is none.
        distinct: the distinct examples, if some are equal.
        progress: display.
    """

    store: Store
    family: Family
    queries: Queries | None
    tally: Tally
    columns: tuple[LabelColumns, ...]
    information: Estimate | None = None
    upper: Estimate | None = None
    distinct: DistinctExamples | None = None
    progress: Progress = silent


def label_reports(
    code: Code, leaks: Collection[str] = ()
) -> tuple[dict[str, LabelReport], dict[str, str]]:
    """What a code says about each label, and why nothing about others, by name.

    Args:
        code: the labels, and what they are held against.
        leaks: names of the labels that it should not know.
    """
    by_dimension = dimensions_of(code)
    means: Mapping[str, Tensor] = {}
    if by_dimension is not None:
        means = class_means(code.store, code.family, [each.label for each in code.columns])
    features = shared_features(code.store, code.family, code.store.header.seed)
    found, unsaid = {}, {}
    for columns in code.columns:
        name = columns.label.name
        code.progress.say("labels", name)
        try:
            found[name] = label_report(
                columns, code, features, by_dimension, means, leak=name in leaks
            )
        except UnavailableError as error:
            unsaid[f"label {name}"] = error.what
        code.progress.advance("labels", 1, len(code.columns))
    return found, unsaid


def dimensions_of(code: Code) -> DimensionQueries | None:
    """The tallies of single dimensions; None where they are not defined."""
    if code.queries is None or code.queries.tallied is None:
        return None
    dimensions = most_varied_dimensions(code.store, code.family, MOST_DIMENSIONS)
    try:
        return dimension_queries(
            code.store, code.family, code.queries, code.tally, dimensions, code.progress
        )
    except UnavailableError:
        return None


@dataclass(frozen=True, kw_only=True, eq=False)
class Known:
    """A label's examples.

    Attributes:
        label: the label.
        values: (n,) the class of every example of the data, −1 where it is missing.
        pi: (c,) frequencies of the classes.
        n: examples that have one.
        which: (n,) the distinct example that each example of the data is; None where all differ.
    """

    label: Label
    values: Int64[Tensor, " n"]
    pi: Float64[Tensor, " c"]
    n: int
    which: Int64[Tensor, " n"] | None


def known_examples(label: Label, distinct: DistinctExamples | None) -> Known:
    """The examples that have a label.

    Raises:
        UnavailableError: if they have fewer than two classes, or are very few.
    """
    values = values_of(label)
    there = values >= 0
    n = int(there.sum())
    differing = n if distinct is None else int((torch.bincount(distinct.which[there]) > 0).sum())
    if differing < FEWEST:
        raise UnavailableError(
            f"The label {label.name} is known of fewer than {FEWEST} distinct examples."
        )
    if int((torch.bincount(values[there]) > 0).sum()) < 2:
        raise UnavailableError(f"The label {label.name} has a single class among these examples.")
    which = None if distinct is None else distinct.which
    return Known(
        label=label, values=values, pi=frequencies(values, len(label.classes)), n=n, which=which
    )


def label_report(
    columns: LabelColumns,
    code: Code,
    take: Callable[[Tensor], Features],
    by_dimension: DimensionQueries | None,
    means: Mapping[str, Float64[Tensor, "c k"]],
    *,
    leak: bool,
) -> LabelReport:
    """What a code says about one label.

    Args:
        columns: the label, and where it is in the tally.
        code: what it is held against.
        take: gives the features of examples.
        by_dimension: tallies of single dimensions; None where there are none.
        means: where the classes of each label lie, by name, where there are such tallies.
        leak: whether the code should not know it.

    Raises:
        UnavailableError: if the label has fewer than two classes among the examples.
    """
    known = known_examples(columns.label, code.distinct)
    seed = code.store.header.seed
    at = None
    if code.queries is not None and code.queries.tallied is not None:
        at = at_queries(code.queries, columns)
        at = at if len(at.index) else None
    features = take((known.values >= 0).nonzero().squeeze(1))
    values = known.values[features.index]
    which = None if known.which is None else known.which[features.index]
    fold = folds_of(features.index, which, seed)
    fitted = cross_fitted(features, values, fold, known.pi, at)
    estimates, index_value = estimates_of(known, code, at, features, fitted)
    figures = figures_of(columns, known, by_dimension, seed)
    if len(figures) > 1:
        entropy = float(torch.special.entr(known.pi).sum())
        terms = [f.terms for f in figures]
        estimates["label_gap"] = label_gap(terms, entropy, known.n, figures[0].which)
    verdict = None
    if leak:
        verdict = leak_of(estimates, features, values, fold, which, known, seed, code.progress)
    return LabelReport(
        name=known.label.name,
        classes=known.label.classes,
        n=known.n,
        missing=len(known.values) - known.n,
        estimates=estimates,
        dimensions=records_of(figures, means.get(known.label.name)),
        informative=informative(figures),
        candidate=fitted.candidate,
        accuracy=float(fitted.scored.right.nanmean()),
        saturated=at is not None and saturated(at, known.pi, index_value),
        leak=verdict,
        terms=whole_column(features.index, fitted.scored.terms, len(known.values)),
    )


def estimates_of(
    known: Known,
    code: Code,
    at: AtQueries | None,
    features: Features,
    fitted: CrossFitted,
) -> tuple[dict[str, Estimate], float]:
    """The estimates of a label by name, and I(y;z) for these N."""
    entropy = label_entropy(known.pi, known.n)
    correction = miller_madow(int((known.pi > 0).sum()), known.n)
    lower = lower_bound(known, features, fitted, entropy.value, correction)
    found = {"label_entropy": entropy}
    uppers, index_value = [entropy], 0.0
    if at is not None:
        index, _ = index_information(at, known.pi, known.n)
        found["label_information_index"], index_value = index, index.value
        uppers.append(replace(index, value=min(index.value + correction, entropy.value)))
    if code.upper is not None:
        uppers.append(code.upper)
    found["label_information"] = lower
    least = chosen_bound(uppers, min)
    upper = least if least.value >= lower.value else lower
    found["label_information_upper"] = replace(upper, name="label_information_upper", kind="upper")
    found["label_share"] = share_of(lower, entropy)
    if at is not None and code.information is not None:
        which = None if known.which is None else known.which[known.values >= 0]
        terms = identity(at, known.pi, cap_of(which, known.n)).remainder
        found["label_remainder"] = remainder_lower(terms, known.n, code.information)
        if code.upper is not None:
            found["label_remainder_upper"] = remainder_upper(
                code.upper, lower, found["label_remainder"]
            )
    return found, index_value


def lower_bound(
    known: Known, features: Features, fitted: CrossFitted, most: float, correction: float
) -> Estimate:
    """The lower bound on I(Y;Z) of the population, nats, never below 0."""
    terms, noise = fitted.scored.terms, fitted.scored.noise
    there = ~terms.isnan()
    scored, m = terms[there], int(there.sum())
    which = None if known.which is None else known.which[features.index[there]]
    drawn = float(noise[there].mean()) / m
    left_out = (1 - m / known.n) * float(scored.var()) / m if m > 1 else 0.0
    return Estimate(
        name="label_information",
        value=min(max(0.0, float(scored.mean()) + correction), most),
        se=math.sqrt(drawn + left_out),
        se_data=data_error(scored[None], which),
        kind="lower",
        n=m,
    )


def share_of(lower: Estimate, entropy: Estimate) -> Estimate:
    """The lower bound as a share of H(Y)."""

    def over(error: float | None) -> float | None:
        return None if error is None else error / entropy.value

    return replace(
        lower,
        name="label_share",
        value=lower.value / entropy.value,
        se=over(lower.se),
        se_data=over(lower.se_data),
        unit="share",
    )


def figures_of(
    columns: LabelColumns, known: Known, by_dimension: DimensionQueries | None, seed: int
) -> list[DimensionFigure]:
    """What single dimensions say of a label."""
    if by_dimension is None:
        return []
    found = []
    for d, queries in zip(by_dimension.dimensions, by_dimension.queries, strict=True):
        at = at_queries(queries, columns)
        if len(at.index) > 1:
            found.append(dimension_figure(d, at, known.pi, known.n, seed))
    return found


def records_of(
    figures: list[DimensionFigure], means: Float64[Tensor, "c k"] | None
) -> tuple[LabelDimension, ...]:
    """The records of single dimensions, with where the classes lie in them."""
    if means is None:
        return ()
    return tuple(
        LabelDimension(
            index=f.index,
            information=f.information,
            leave_one_out=f.leave_one_out,
            class_means=tuple(
                value if math.isfinite(value) else None for value in means[:, f.index].tolist()
            ),
        )
        for f in figures
    )


def leak_of(
    estimates: Mapping[str, Estimate],
    features: Features,
    values: Int64[Tensor, " m"],
    fold: Int64[Tensor, " m"],
    which: Int64[Tensor, " m"] | None,
    known: Known,
    seed: int,
    progress: Progress,
) -> Leak:
    """The verdict on a label that the code should not know."""
    lower, upper = estimates["label_information"], estimates["label_information_upper"]
    most = estimates["label_entropy"].value
    test = permutation_test(
        features, values, fold, len(known.pi), seed, which=which, progress=progress
    )
    return Leak(
        lower=max(0.0, lower.value - LIMIT * (lower.se_data or 0.0)),
        upper=min(upper.value + LIMIT * (upper.se_data or 0.0), most),
        p_value=test.p_value,
        permutations=test.permutations,
        power=min(test.power, most),
    )


def whole_column(
    index: Int64[Tensor, " m"], terms: Float64[Tensor, " m"], n: int
) -> Float64[Tensor, " n"]:
    """Terms at their places among all examples, NaN elsewhere."""
    found = torch.full((n,), torch.nan, dtype=torch.float64)
    found[index] = terms
    return found
