"""Cross-fitting: candidates fitted without each fold in turn, larger ones only while they help."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.aggregate.fit_sample import Sample
from genprobe.errors import UnavailableError
from genprobe.runtime.memory import own_pages
from genprobe.runtime.outer_threads import outer_threads, share_out
from genprobe.runtime.progress import Progress
from genprobe.types import Prior, PriorFactory

SCORED_VALUES = 1 << 20
"""Values of z that one thread scores at a time while candidates are chosen."""
COPIED_VALUES = 1 << 22
"""Values of a sample up to which every thread may have a copy of it."""
CLEARLY = 4.0
"""Standard errors that a size lies below the best candidate before it to be given up at once."""


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

    def fit(fold: int) -> Prior:
        return fit_without(sample, factory, size, fold, seed)

    try:
        fits = [fit(0)]
        advance(1)
        if rival is not None and worse(sample, fits[0], rival[0]):
            return None
        for other in at_once(fit, range(1, folds), sample, [factory]):
            fits.append(other)
            advance(1)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        return None  # the codes lie on a plane, and have no covariance to invert
    return fits


def at_once(
    fit: Callable[[int], Prior],
    folds: Iterable[int],
    sample: Sample,
    factories: Iterable[PriorFactory],
) -> Iterator[Prior]:
    """Fits, in threads where their factories allow it and copies of the codes are small.

    In turn they are made as they are asked for.

    Args:
        fit: of a fold.
        folds: to be left out.
        sample: that they are fitted to.
        factories: of the candidates.
    """
    small = sample.codes.mean.numel() <= COPIED_VALUES
    if not (small and all(factory.concurrent for factory in factories)):
        yield from map(fit, folds)
        return
    with outer_threads():
        together = share_out(fit, folds)
    yield from together


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


@outer_threads()
def worse(sample: Sample, prior: Prior, best: Prior) -> bool:
    """Whether a fit without the first fold is clearly worse on its examples than another."""
    z = sample.z[sample.fold == 0]
    lead = prior.log_prob(z) - best.log_prob(z)
    noise = float(lead.std(correction=0)) / math.sqrt(len(z))
    return bool(lead.mean() < -CLEARLY * noise)


def held_out(sample: Sample, priors: Sequence[Prior]) -> Float64[Tensor, " m"]:
    """Log density of each example by the fit without it, nats."""
    found = torch.empty(len(sample.fold), dtype=torch.float64)

    def one(fold: int) -> None:
        found[sample.fold == fold] = scores_of_fold(sample, priors[fold], fold)

    with outer_threads():
        share_out(one, range(len(priors)))
    return found


def scores_of_fold(sample: Sample, prior: Prior, fold: int) -> Float64[Tensor, " some"]:
    """Log density of the examples of a fold, nats."""
    rows = max(1, SCORED_VALUES // max(1, sample.z.shape[1:].numel()))
    mine = (sample.fold == fold).nonzero()[:, 0]
    return torch.cat([prior.log_prob(sample.z[some]).double() for some in torch.split(mine, rows)])


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


def sizes_of(sample: Sample, factory: PriorFactory, folds: int) -> Sequence[int]:
    """The sizes of a candidate worth trying without a fold."""
    m, k = sample.codes.mean.shape
    return factory.sizes(m - m // folds, k)


def label_of(name: str, size: int, sizes: Sequence[int]) -> str:
    """What a candidate goes by; its size tells it from others of its name."""
    return name if len(sizes) == 1 else f"{name} ({size})"
