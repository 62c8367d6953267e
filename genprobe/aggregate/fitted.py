"""Fitted marginals m(z): densities of the codes, each scored on examples it was not fitted on.

For any m(z) fitted without the evaluated example, I(X;Z) ≤ R_m = E[log q(z|x) − log m(z)] (Barber
& Agakov 2003; McAllester & Stratos 2020), and R − R_m is a part of the rate that swapping the
prior for m would save. The better m, the tighter: so a ladder of priors is fitted, each in five
folds, and each fold takes the candidate that did best on the other four. Nothing is chosen on
the examples that it is scored on.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.aggregate.distinct import DistinctExamples
from genprobe.aggregate.fit_sample import Sample, choose_folds, take_sample
from genprobe.aggregate.suitable import suitable
from genprobe.errors import UnavailableError
from genprobe.runtime.memory import own_pages
from genprobe.runtime.outer_threads import outer_threads, share_out
from genprobe.runtime.progress import Progress, silent
from genprobe.runtime.seeds import derived_seed
from genprobe.store.read import Store
from genprobe.types import Family, Params, Prior, PriorFactory

SCORED_VALUES = 1 << 20
"""Values of z that one thread scores at a time while candidates are chosen."""

AGAIN = 3
"""Folds that are fitted again to see what another seed changes."""
CLEARLY = 4.0
"""Standard errors that a size lies below the best candidate before it to be given up at once."""


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
        fits: of each fold, to the examples of the others.
        sample: that they were fitted to.
        again: a fold to its fit with another seed.
    """

    candidate: str
    scores: Mapping[str, float]
    log_mz: Float64[Tensor, "draw n"]
    folds: int
    prior: Prior
    held_out: Mapping[str, Float64[Tensor, " m"]]
    chosen: Int64[Tensor, " m"]
    fits: Sequence[Prior]
    sample: Sample
    again: Callable[[int], Prior]


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

    def again(f: int) -> Prior:
        factory, size = sized(sample, candidates, picks[f], folds)
        return fit_without(sample, factory, size, f, derived_seed(seed, "again", f))

    return FittedMarginal(
        candidate=candidate,
        scores={name: float(values.mean()) for name, values in scores.items()},
        log_mz=log_mz,
        folds=folds,
        prior=best[picks.index(candidate)],
        held_out=each,
        chosen=chosen,
        fits=best,
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


def sized(
    sample: Sample, candidates: Mapping[str, PriorFactory], candidate: str, folds: int
) -> tuple[PriorFactory, int]:
    """The factory and the size of a candidate by what it goes by.

    Raises:
        UnavailableError: if none of the candidates goes by that name.
    """
    for name, factory in candidates.items():
        sizes = sizes_of(sample, factory, folds)
        for size in sizes:
            if factory.fit is not None and label_of(name, size, sizes) == candidate:
                return factory, size
    raise UnavailableError(f"No prior {candidate} can be fitted here.")


def ladder(
    sample: Sample,
    candidates: Mapping[str, PriorFactory],
    folds: int,
    seed: int,
    scores: Mapping[str, Float64[Tensor, " fold"]],
    progress: Progress,
) -> Iterator[tuple[str, list[Prior]]]:
    """Every candidate worth trying, fitted in every fold; larger sizes only while they help.

    Of several sizes each has to do better than the best candidate before it. One that is clearly
    worse on the first fold is not fitted to the others.
    """
    total = sum(len(sizes_of(sample, r, folds)) for r in candidates.values()) * folds
    best, most, done = None, -math.inf, 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress.advance("fit", count, total)

    for name, factory in candidates.items():
        sizes = sizes_of(sample, factory, folds)
        end = done + len(sizes) * folds
        for size in sizes:
            label = label_of(name, size, sizes)
            progress.say("fit", label)
            rival = best if len(sizes) > 1 else None
            fits = fit_in_folds(sample, factory, size, folds, seed, rival, advance)
            if fits is None:
                break
            yield label, fits
            score = float(scores[label].mean())
            if score > most:
                best, most = fits, score
            elif len(sizes) > 1:
                break
        if done < end:  # sizes that are not worth trying
            advance(end - done)


def fit_in_folds(
    sample: Sample,
    factory: PriorFactory,
    size: int,
    folds: int,
    seed: int,
    rival: Sequence[Prior] | None,
    advance: Callable[[int], None],
) -> list[Prior] | None:
    """A candidate fitted without each fold; None where it cannot be, or clearly loses to a rival.

    Args:
        sample: that it is fitted to.
        factory: of the candidate.
        size: of the candidate.
        folds: number of folds.
        seed: of the fit.
        rival: fits of another candidate, whose first it must not be far below; None for none.
        advance: called with the number of fits done.
    """
    fits: list[Prior] = []
    try:
        for fold in range(folds):  # in turn: a fit may set torch's own generator
            fits.append(fit_without(sample, factory, size, fold, seed))
            advance(1)
            if fold == 0 and rival is not None and worse(sample, fits[0], rival[0]):
                return None
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        return None  # the codes lie on a plane, and have no covariance to invert
    return fits


@outer_threads()
def worse(sample: Sample, prior: Prior, best: Prior) -> bool:
    """Whether a fit without the first fold is clearly worse on its examples than another."""
    z = sample.z[sample.fold == 0]
    lead = prior.log_prob(z) - best.log_prob(z)
    noise = float(lead.std(correction=0)) / math.sqrt(len(z))
    return bool(lead.mean() < -CLEARLY * noise)


def sizes_of(sample: Sample, factory: PriorFactory, folds: int) -> Sequence[int]:
    """The sizes of a candidate worth trying without a fold."""
    m, k = sample.codes.mean.shape
    return factory.sizes(m - m // folds, k)


def label_of(name: str, size: int, sizes: Sequence[int]) -> str:
    """What a candidate goes by; its size tells it from others of its name."""
    return name if len(sizes) == 1 else f"{name} ({size})"


def held_out(sample: Sample, priors: Sequence[Prior]) -> Float64[Tensor, " m"]:
    """Log density of each example by the fit without it, nats."""
    found = torch.empty(len(sample.fold), dtype=torch.float64)
    rows = max(1, SCORED_VALUES // max(1, sample.z.shape[1:].numel()))

    def one(fold: int) -> None:
        for mine in torch.split((sample.fold == fold).nonzero()[:, 0], rows):
            found[mine] = priors[fold].log_prob(sample.z[mine])

    with outer_threads():
        share_out(one, range(len(priors)))
    return found


def fit_without(sample: Sample, factory: PriorFactory, size: int, fold: int, seed: int) -> Prior:
    """A candidate fitted to every example of the sample but one fold's."""
    if factory.fit is None:
        raise ValueError(factory.name)
    kept, whole = sample.fold != fold, sample.codes
    rows = kept.nonzero()[:, 0]
    mean = own_pages((len(rows), whole.mean.shape[1]), torch.float64)
    torch.index_select(whole.mean, 0, rows, out=mean)
    # Class indices have no variance, and need no copy of it.
    variance = whole.variance[rows] if whole.classes is None else whole.variance[: len(rows)]
    codes = replace(whole, mean=mean, variance=variance)
    return factory.build(sample.z.shape[1:], factory.fit(codes, size, seed))


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
        for segment in range(header.segments):
            rows = torch.arange(*header.span(segment))
            for draw in range(header.draws):
                z = store.gather("draws/z", draw, rows).double()
                share_out(one, [(draw, rows, z, f) for f in range(len(priors))])
    return log_mz


def error_of_fits(fitted: FittedMarginal) -> float:
    """Standard error of the mean of log m(z) that comes from where a fit began and ended, nats.

    The fit of every fold is one of several that there could have been: half of the squared change
    of a fold's mean is the variance of one.
    """
    return error_of_changes(changes_of_fits(fitted), fitted.folds)


def changes_of_fits(fitted: FittedMarginal) -> list[float]:
    """By how much the mean of log m(z) changes with another seed, in some of the folds, nats.

    Both fits are asked about the examples that neither saw. A fit that no seed changes is not made
    again in every fold.
    """
    sample = fitted.sample
    changes: list[float] = []
    for fold in range(min(AGAIN, fitted.folds)):
        z = sample.z[sample.fold == fold]
        other = fitted.again(fold)
        with outer_threads():
            apart = fitted.fits[fold].log_prob(z) - other.log_prob(z)
        changes.append(float(apart.double().mean()))
        if not changes[0]:
            return [0.0]
    return changes


def error_of_changes(changes: Sequence[float], folds: int) -> float:
    """Standard error of a mean over folds, from by how much some of them change, nats.

    Example:
        >>> error_of_changes([0.2, -0.2], 2)
        0.1
    """
    return math.sqrt(sum(change**2 for change in changes) / 2 / len(changes) / folds)
