"""Differences between two models, paired over the examples they were both evaluated on.

Rate, distortion and ELBO are means over examples, so the difference of two models is the mean of
what they differ by on each example,

    Δ = mean_n d_n,   d_n = a_n − b_n,   se_data² = Var(d_n) / N.

An example that is hard for one model is hard for the other. That cancels in d_n, so the error is
far below that of either model (a paired test: Student 1908, "The probable error of a mean").
"""

import contextlib
import math
from collections.abc import Mapping, Sequence

from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.aggregate.distinct import distinct_examples
from genprobe.analysis.replicates import is_mean
from genprobe.analysis.stored_quantities import choose_likelihood, choose_prior
from genprobe.comparing.difference import PAIRED, Difference
from genprobe.errors import GenprobeError
from genprobe.estimators.pointwise import (
    add_means,
    chain_rates,
    distortions,
    fit_scale,
    rates_under,
)
from genprobe.estimators.standard_error import cluster_means, mean_over_examples, standard_error
from genprobe.plugins import plugins
from genprobe.report import Estimate, Report
from genprobe.store.read import Store

Columns = Mapping[str, Float64[Tensor, "draw n"]]


def differences(
    reports: Mapping[str, Report], reference: str, names: Sequence[str] = PAIRED
) -> list[Difference]:
    """The differences of every other model from one, as far as both have the estimates.

    Args:
        reports: by the names the models go by, on the same data.
        reference: name of the one.
        names: of the estimates.
    """
    base, columns = reports[reference], columns_of(reports[reference])
    which = copies_of(base)
    found = []
    for model, report in reports.items():
        if model != reference:
            own = columns_of(report)
            found += [
                difference(model, reference, report[name], base[name], own, columns, which)
                for name in names
                if name in report.estimates and name in base.estimates
            ]
    return found


def difference(
    first: str,
    second: str,
    one: Estimate,
    other: Estimate,
    own: Columns,
    base: Columns,
    which: Int64[Tensor, " n"] | None = None,
) -> Difference:
    """The difference of an estimate, paired where both models' examples are at hand.

    Args:
        first: name of the model that is compared.
        second: name of the other.
        one: estimate of the first.
        other: the same estimate of the second.
        own: columns of the first.
        base: columns of the second.
        which: (n,) the distinct example that each is; None where all differ.
    """
    name, paired = one.name, one.name in own and one.name in base
    if paired:
        exact = one.kind == other.kind == "exact"
        apart = subtract(own[name], base[name], "exact" in (one.kind, other.kind))
        errors = mean_over_examples(name, apart, exact=exact)
        # Student's t widens the error over the data.
        se, se_data = errors.se, standard_error(cluster_means(apart.mean(0), which))
    else:
        se, se_data = added(one.se, other.se), added(one.se_data, other.se_data)
    return Difference(
        first=first,
        second=second,
        name=name,
        value=one.value - other.value,
        se=se,
        se_data=se_data,
        n=min(one.n, other.n),
        paired=paired,
    )


def subtract(
    a: Float64[Tensor, "adraw n"], b: Float64[Tensor, "bdraw n"], exact: bool
) -> Float64[Tensor, "draw n"]:
    """What two models differ by on every example.

    With as many draws of both, draw by draw: pairs of draws are independent of each other, also
    where one seed gave both models the same noise. Otherwise the means over draws are subtracted,
    and as with a single draw the spread over examples bounds the Monte Carlo error.

    Args:
        a: (draw, n).
        b: the same of the other model.
        exact: whether one of them is without Monte Carlo error, a single row for every draw.
    """
    return a - b if exact or len(a) == len(b) else (a.mean(0) - b.mean(0))[None]


def copies_of(report: Report) -> Int64[Tensor, " n"] | None:
    """Which distinct example each of a report's is (n,); None without a store or copies."""
    distinct = None if report.store is None else distinct_examples(report.store)
    return None if distinct is None else distinct.which


def added(a: float | None, b: float | None) -> float | None:
    """The standard error of a difference of independent numbers; None if either is unknown."""
    return None if a is None or b is None else math.hypot(a, b)


def columns_of(report: Report) -> Columns:
    """The values of every example that a report's estimates are means of, by name, each (draw, n).

    Empty without a store. What does not have the mean that the report states is left out: the store
    holds other numbers than the report was made from.
    """
    store = report.store
    if store is None:
        return {}
    found = {}
    # No decoder, a prior that cannot be rebuilt, a part that no plugin provides: the rest stands.
    with contextlib.suppress(GenprobeError):
        found["rate"] = rates_of(report, store)
    with contextlib.suppress(GenprobeError):
        scale = fit_scale(store, choose_likelihood(store.header, None))
        found["distortion"] = distortions(store, scale, report.provenance.get("bin_width"))
    if found.keys() == {"rate", "distortion"}:
        found["elbo"] = -add_means(found["rate"], found["distortion"])
    return {name: v for name, v in found.items() if has_mean(v, report.estimates.get(name))}


def rates_of(report: Report, store: Store) -> Float64[Tensor, "draw n"]:
    """The rate of every example (draw, n) under the prior of the report."""
    named = report.provenance.get("prior", store.header.prior)
    prior = None
    if named != store.header.prior:
        family = plugins().get("families", store.header.family)
        prior = choose_prior(store, None, family, named)
    if prior is None:
        return chain_rates(store, store.column("probes/rate"))
    return chain_rates(store, rates_under(store, family, prior))


def has_mean(values: Float64[Tensor, "draw n"], estimate: Estimate | None) -> bool:
    """Whether values have the mean that an estimate states, up to rounding."""
    return estimate is not None and is_mean(values, estimate.value)
