"""Fitted marginals m(z): densities of the codes, each scored on examples it was not fitted on.

For any m(z) fitted without the evaluated example, I(X;Z) ≤ R_m = E[log q(z|x) − log m(z)] (Barber
& Agakov 2003; McAllester & Stratos 2020), and R − R_m is a part of the rate that swapping the
prior for m would save. The better m, the tighter: so a ladder of priors is fitted, each in five
folds, and each fold takes the candidate that did best on the other four. Nothing is chosen on
the examples that it is scored on.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.aggregate.cross_fit import (
    at_once,
    fit_without,
    held_out,
    ladder,
    scores_of_fold,
    sized,
)
from genprobe.aggregate.distinct import DistinctExamples
from genprobe.aggregate.fit_sample import Sample, choose_folds, take_sample
from genprobe.aggregate.suitable import suitable
from genprobe.errors import UnavailableError
from genprobe.runtime.outer_threads import outer_threads, share_out
from genprobe.runtime.progress import Progress, silent
from genprobe.runtime.seeds import derived_seed
from genprobe.store.read import Store, block_rows
from genprobe.types import Family, Params, Prior, PriorFactory

AGAIN = 3
"""Folds that are fitted again to see what another seed changes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedMarginal:
    """The best fitted marginal at every draw of a store.

    Attributes:
        candidate: its name, with its size where there are several; that of most folds.
        scores: cross-fitted mean log m(z) of every candidate that was fitted in all folds, nats.
        log_mz: (draw, n) log m(z) at the store's draws, each by a fit without that example.
        folds: number of folds.
        prior: the candidate as one fold's fit; for samples, not for scores.
        held_out: log m(z) of every candidate at one draw of each example chosen, by a fit without
            it (m,), nats.
        chosen: (m,) the examples that candidates were fitted to and chosen on.
        picks: the candidate of each fold.
        sample: that they were fitted to.
        again: folds, each with a candidate, to their fits with another seed.
    """

    candidate: str
    scores: Mapping[str, float]
    log_mz: Float64[Tensor, "draw n"]
    folds: int
    prior: Prior
    held_out: Mapping[str, Float64[Tensor, " m"]]
    chosen: Int64[Tensor, " m"]
    picks: Sequence[str]
    sample: Sample
    again: Callable[[Mapping[int, str]], Iterator[Prior]]


def fit_marginal(
    store: Store,
    family: Family,
    candidates: Mapping[str, PriorFactory],
    *,
    seed: int = 0,
    progress: Progress = silent,
    distinct: DistinctExamples | None = None,
) -> FittedMarginal:
    """Fit a ladder of marginals to the codes of a store, cross-fitted.

    Args:
        store: finished.
        family: of its posteriors.
        candidates: priors by name; those that offer no fit to such codes are passed over.
        seed: of folds and fits.
        progress: told of fits done and of the candidate in hand, stage ``fit``.
        distinct: the distinct examples, if some are equal; copies go into one fold.

    Raises:
        UnavailableError: if all examples are equal, or no candidate can be fitted.
    """
    candidates = suitable(store, family, candidates)
    fold, chosen = choose_folds(store, family, seed, distinct)
    folds = int(fold.max()) + 1
    sample = take_sample(store, family, chosen, fold[chosen])
    fits: dict[str, list[Prior]] = {}
    scores: dict[str, Float64[Tensor, " fold"]] = {}
    each: dict[str, Float64[Tensor, " m"]] = {}
    for name, priors in ladder(sample, candidates, folds, seed, scores, progress):
        fits[name], each[name] = priors, held_out(sample, priors)
        scores[name] = torch.stack([each[name][sample.fold == f].mean() for f in range(folds)])
    if not fits:
        raise UnavailableError("No fitted marginal: no prior can be fitted to these codes.")
    picks = [pick(scores, f) for f in range(folds)]
    best = [fits[name][f] for f, name in enumerate(picks)]
    candidate = max(picks, key=picks.count)
    if store.header.draws == 1 and len(chosen) == store.header.n:  # all of it was scored already
        log_mz = torch.stack([each[name] for name in picks])[fold, torch.arange(len(fold))][None]
    else:
        log_mz = score(store, best, fold)

    def again(wanted: Mapping[int, str]) -> Iterator[Prior]:
        found = {f: sized(sample, candidates, name, folds) for f, name in wanted.items()}

        def fit(f: int) -> Prior:
            return fit_without(sample, *found[f], f, derived_seed(seed, "again", f))

        return at_once(fit, found, sample, [factory for factory, _ in found.values()])

    return FittedMarginal(
        candidate=candidate,
        scores={name: float(values.mean()) for name, values in scores.items()},
        log_mz=log_mz,
        folds=folds,
        prior=best[picks.index(candidate)],
        held_out=each,
        chosen=chosen,
        picks=picks,
        sample=sample,
        again=again,
    )


def refit(
    store: Store,
    family: Family,
    candidates: Mapping[str, PriorFactory],
    candidate: str,
    *,
    seed: int = 0,
    distinct: DistinctExamples | None = None,
) -> tuple[str, Params]:
    """The registered name and tensors of a candidate fitted to every fold.

    Args:
        store: finished.
        family: of its posteriors.
        candidates: as ``fit_marginal`` had them.
        candidate: as ``FittedMarginal`` names it.
        seed: that ``fit_marginal`` had.
        distinct: that ``fit_marginal`` had.

    Raises:
        UnavailableError: if none of the candidates goes by that name.
    """
    fold, chosen = choose_folds(store, family, seed, distinct)
    sample = take_sample(store, family, chosen, fold[chosen])
    candidates = suitable(store, family, candidates)
    factory, size = sized(sample, candidates, candidate, int(fold.max()) + 1)
    if factory.fit is None:
        raise ValueError(factory.name)
    return factory.name, factory.fit(sample.codes, size, seed)


def pick(scores: Mapping[str, Float64[Tensor, " fold"]], fold: int) -> str:
    """The candidate that does best on every fold but one."""
    return max(scores, key=lambda name: float(scores[name].sum() - scores[name][fold]))


def score(
    store: Store, priors: list[Prior], fold: Int64[Tensor, " n"]
) -> Float64[Tensor, "draw n"]:
    """Log m(z) at every draw of the store, each example by its fold's fit; nats."""
    header = store.header
    log_mz = torch.empty(header.draws, header.n, dtype=torch.float64)

    def one(place: tuple[int, Int64[Tensor, " rows"], Tensor, int]) -> None:
        draw, rows, z, f = place
        mine = fold[rows] == f
        if mine.any():  # torch refuses to sum over the event of nothing
            log_mz[draw, rows[mine]] = priors[f].log_prob(z[mine])

    with outer_threads():
        for rows in torch.split(torch.arange(header.n), block_rows(header)):
            for draw in range(header.draws):
                z = store.gather("draws/z", draw, rows).double()
                share_out(one, [(draw, rows, z, f) for f in range(len(priors))])
    return log_mz


def error_of_fits(fitted: FittedMarginal, candidate: str = "") -> float:
    """Standard error of the mean of log m(z) that comes from where a fit began and ended, nats.

    The fit of every fold is one of several that there could have been: half of the squared change
    of a fold's mean is the variance of one.

    Args:
        fitted: with the fits.
        candidate: as ``fitted`` names it; by default that of each fold.
    """
    return error_of_changes(changes_of_fits(fitted, candidate), fitted.folds)


def changes_of_fits(fitted: FittedMarginal, candidate: str = "") -> list[float]:
    """By how much the mean of log m(z) changes with another seed, in some of the folds, nats.

    Both fits are asked about the examples that neither saw. A candidate that no seed changes is not
    fitted again in every fold.

    Args:
        fitted: with the fits.
        candidate: as ``fitted`` names it; by default that of each fold.
    """
    wanted = {fold: candidate or fitted.picks[fold] for fold in range(min(AGAIN, fitted.folds))}
    first = wanted.pop(0)
    change = changes_in(fitted, {0: first})
    if change == [0.0]:
        wanted = {fold: name for fold, name in wanted.items() if name != first}
    return change + changes_in(fitted, wanted)


def changes_in(fitted: FittedMarginal, wanted: Mapping[int, str]) -> list[float]:
    """By how much the mean of log m(z) changes with another seed, nats.

    Args:
        fitted: with the fits.
        wanted: folds, each with a candidate.
    """
    sample, found = fitted.sample, []
    for (fold, name), other in zip(wanted.items(), fitted.again(wanted), strict=True):
        with outer_threads():
            scores = scores_of_fold(sample, other, fold)
        found.append(float((fitted.held_out[name][sample.fold == fold] - scores).mean()))
    return found


def error_of_changes(changes: Sequence[float], folds: int) -> float:
    """Standard error of a mean over folds, from by how much some of them change, nats.

    Example:
        >>> error_of_changes([0.2, -0.2], 2)
        0.1
    """
    return math.sqrt(sum(change**2 for change in changes) / 2 / len(changes) / folds)
