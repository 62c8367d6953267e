"""Differences of what generators pay for the codes of several models, paired over examples.

It is a mean over examples, so as for the rate the difference of two models is the mean of what they
differ by on each, with an error far below that of either. What the best fitted prior pays of each
example is in no store: that prior is fitted again, and those that are near it. Where another seed
changes what a fit ends at, it changes the difference: by what the changes of both models, each with
the same seeds, differ by.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from jaxtyping import Float64
from torch import Tensor

from genprobe.aggregate.code_moments import posterior_entropy
from genprobe.aggregate.distinct import distinct_examples
from genprobe.aggregate.fitted import changes_of_fits, error_of_changes, fit_marginal
from genprobe.comparing.difference import PAID, Difference
from genprobe.comparing.differences import Columns, copies_of, difference, has_mean
from genprobe.errors import GenprobeError
from genprobe.estimators.rate_fitted_prior import beyond_fits, fitted_rates
from genprobe.plugins import plugins
from genprobe.report import Report
from genprobe.store.read import Store
from genprobe.types import PriorFactory

NEAR_SHARE, NEAR_NATS = 0.02, 1.0
"""Of the best mean log density, and nats: how near a prior is that a fold may have chosen."""


@dataclass(frozen=True, kw_only=True)
class Refitted:
    """What the best fitted prior pays, from a fit made again.

    Attributes:
        rates: (draw, n) of every example, nats.
        changes: by how much their mean changes with other seeds, in some of the folds, nats.
        folds: number of folds.
    """

    rates: Float64[Tensor, "draw n"]
    changes: Sequence[float]
    folds: int


def code_differences(reports: Mapping[str, Report], reference: str) -> list[Difference]:
    """The differences of every other model from one; none where no codes have places or classes.

    Args:
        reports: by the names the models go by, on the same data.
        reference: name of the one.
    """
    base = reports[reference]
    if PAID not in base.estimates or not any(map(has_places, reports.values())):
        return []
    theirs, which = refitted(base), copies_of(base)
    found = []
    for model, report in reports.items():
        if model != reference and PAID in report.estimates:
            own = refitted(report)
            apart = difference(
                model, reference, report[PAID], base[PAID], columns(own), columns(theirs), which
            )
            found.append(with_error_of_both_fits(apart, own, theirs))
    return found


def columns(side: Refitted | None) -> Columns:
    """What one model's codes cost of every example, by the name of the estimate, if it is known."""
    return {} if side is None else {PAID: side.rates}


def with_error_of_both_fits(
    apart: Difference, own: Refitted | None, theirs: Refitted | None
) -> Difference:
    """A difference for given fits with what their error adds; not paired, each has its own already.

    Args:
        apart: the difference.
        own: of the first model.
        theirs: of the second.
    """
    if own is None or theirs is None:
        return apart
    pairs = zip_longest(own.changes, theirs.changes, fillvalue=0.0)
    error = error_of_changes([a - b for a, b in pairs], min(own.folds, theirs.folds))
    return replace(
        apart, se=beyond_fits(apart.se, error), se_data=beyond_fits(apart.se_data, error)
    )


def has_places(report: Report) -> bool:
    """Whether codes are those of a tokenizer: class indices, or a latent with places."""
    return report.tokens is not None or report.grid is not None


def refitted(report: Report) -> Refitted | None:
    """What the best fitted prior of a report pays of every example.

    None without a store, or where it does not have the mean that the report states.
    """
    store = report.store
    if not isinstance(store, Store):
        return None
    for candidates in ladders(report):
        with contextlib.suppress(GenprobeError):
            found = fitted_again(store, candidates)
            if has_mean(found.rates, report.estimates[PAID]):
                return found
    return None


def ladders(report: Report) -> Iterator[Mapping[str, PriorFactory]]:
    """The priors to fit again: those that any fold may have chosen, and should that fail, all.

    Args:
        report: that names the best, and how all did.
    """
    every = plugins().all("priors")
    scores = (report.provenance.get("fitted_prior") or {}).get("mean_log_density", {})
    if scores:
        best = max(scores.values())
        least = best - max(NEAR_NATS, NEAR_SHARE * abs(best))
        near = {name.partition(" (")[0] for name, score in scores.items() if score >= least}
        yield {name: factory for name, factory in every.items() if name in near}
    yield every


def fitted_again(store: Store, candidates: Mapping[str, PriorFactory]) -> Refitted:
    """What the best of some fitted priors pays of every example.

    Args:
        store: of the codes.
        candidates: priors by name.

    Raises:
        UnavailableError: if none of them can be fitted.
    """
    family = plugins().get("families", store.header.family)
    fitted = fit_marginal(
        store,
        family,
        candidates,
        seed=store.header.seed,
        distinct=distinct_examples(store),
    )
    entropy = posterior_entropy(store.blocks(), family)
    rates = fitted_rates(fitted.log_mz, store.column("draws/log_qz_x"), entropy)
    return Refitted(rates=rates, changes=changes_of_fits(fitted), folds=fitted.folds)
