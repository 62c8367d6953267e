r"""The lower bound on I(Y;Z) of the population, from predictors scored on examples they never saw.

.. math::

    I(Y;Z) \ge H(Y) + \mathbb E \log r(Y|Z), \qquad
    v = \frac1N \sum_n \log \frac{r(y_n|z_n)}{\hat\pi_{y_n}} + \frac{C - 1}{2N}

for any r fitted without the example that it is scored on (Barber & Agakov 2003). The candidates are
fitted in five folds, the copies of an example in one fold, and each fold takes the candidate that
did best on the other four. With p fitted parameters the mean of v is about p/2N below the truth: of
an independent label it is negative, and 0 is stated.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from genprobe.labels.class_shares import TEMPERS, tempered
from genprobe.labels.discriminants import (
    ClassSums,
    class_sums,
    frequencies_only,
    linear,
    quadratic,
)
from genprobe.labels.features import Features
from genprobe.labels.index_figure import AtQueries
from genprobe.labels.logistic import logistic
from genprobe.runtime.outer_threads import outer_threads, share_out
from genprobe.runtime.seeds import generator

FOLDS = 5
SHARES = "class shares"
SMALLEST = 1e-300

CLOSED: Mapping[str, Callable[[ClassSums], Tensor]] = {
    "class frequencies": frequencies_only,
    "linear discriminant": linear,
    "quadratic discriminant": quadratic,
}
"""Candidates whose fit is a closed form of sums by class."""
LOGISTIC = "logistic regression"


class Scored(NamedTuple):
    """What one candidate says of some examples.

    terms: (n,) the mean over draws of log r(y_n|z) − log π, nats; NaN where it was not scored.
    noise: (n,) the variance of that mean from the draws.
    right: (n,) the share of draws for which it names the class.
    """

    terms: Float64[Tensor, " n"]
    noise: Float64[Tensor, " n"]
    right: Float64[Tensor, " n"]


@dataclass(frozen=True, kw_only=True, eq=False)
class CrossFitted:
    """The chosen candidate's scores on every example, each by a choice that did not see it.

    Attributes:
        candidate: its name; that of most folds.
        scores: mean term of every candidate, nats.
        scored: of the candidate chosen in each example's fold, over all that were scored.
    """

    candidate: str
    scores: Mapping[str, float]
    scored: Scored


def folds_of(
    index: Int64[Tensor, " m"], which: Int64[Tensor, " m"] | None, seed: int
) -> Int64[Tensor, " m"]:
    """The fold of each example, the same for all copies of one.

    Args:
        index: the examples.
        which: the distinct example that each is; None where all differ.
        seed: of the folds.

    Example:
        >>> fold = folds_of(torch.arange(10), torch.arange(10) // 2, 0)
        >>> bool((fold[::2] == fold[1::2]).all()), len(fold.unique())
        (True, 5)
    """
    _, group = torch.unique(index if which is None else which, return_inverse=True)
    count = int(group.max()) + 1
    random = generator(seed, "labels", "folds")
    return (torch.randperm(count, generator=random) % min(FOLDS, count))[group]


def closed_fits(
    features: Features,
    values: Int64[Tensor, " m"],
    classes: int,
    fold: Int64[Tensor, " m"],
    candidates: Mapping[str, Callable[[ClassSums], Tensor]] = CLOSED,
) -> dict[str, Float64[Tensor, "fold f c"]]:
    """Weights of every closed candidate, fitted without each fold in turn.

    Args:
        features: of the examples.
        values: (m,) their classes.
        classes: how many there are.
        fold: (m,) the fold of each.
        candidates: which.
    """
    folds = int(fold.max()) + 1
    each = class_sums(features, fold * classes + values, folds * classes)
    each = each.view(folds, classes, -1)
    without = ClassSums(each.sum(0) - each, features.k, features.full)
    return {name: fit(without) for name, fit in candidates.items()}


def logistic_fits(
    features: Features,
    values: Int64[Tensor, " m"],
    fold: Int64[Tensor, " m"],
    starts: Float64[Tensor, "fold f c"],
) -> Float64[Tensor, "fold f c"]:
    """Weights of the logistic regression, fitted without each fold in turn.

    Args:
        features: of the examples.
        values: (m,) their classes.
        fold: (m,) the fold of each.
        starts: weights to begin with.
    """

    def one(f: int) -> Tensor:
        kept = fold != f
        draws = len(features.drawn)
        return logistic(
            features.drawn[:, kept].flatten(0, 1), values[kept].repeat(draws), starts[f]
        )

    with outer_threads():
        return torch.stack(share_out(one, range(len(starts))))


def scores_of_fits(
    features: Features,
    values: Int64[Tensor, " m"],
    fold: Int64[Tensor, " m"],
    fits: Float64[Tensor, "fold f c"],
    pi: Float64[Tensor, " c"],
) -> Scored:
    """What a candidate says of every example by the fit without its fold."""
    shape = features.drawn.shape[:2]
    logs = torch.empty(*shape, len(pi), dtype=torch.float64)
    for f, weights in enumerate(fits):
        logs[:, fold == f] = (features.drawn[:, fold == f] @ weights).log_softmax(2)
    return scored(logs, values, pi)


def scored(
    logs: Float64[Tensor, "draw m c"], values: Int64[Tensor, " m"], pi: Float64[Tensor, " c"]
) -> Scored:
    """What log r(y|z) says of every example.

    Args:
        logs: (draw, m, c) nats.
        values: (m,) classes.
        pi: (c,) their frequencies.
    """
    own = logs.gather(2, values.expand(len(logs), -1)[:, :, None])[:, :, 0]
    terms = own - pi[values].log()
    noise = terms.var(0) / len(terms) if len(terms) > 1 else torch.zeros_like(terms[0])
    right = (logs.argmax(2) == values).double().mean(0)
    return Scored(terms.mean(0), noise, right)


def scores_of_shares(
    at: AtQueries, index: Int64[Tensor, " m"], pi: Float64[Tensor, " c"], temper: float
) -> Scored:
    """What leave-one-out shares say of the examples that were queried, NaN for the others.

    Args:
        at: the label at the queries.
        index: (m,) all the examples, ascending.
        pi: (c,) frequencies of the classes.
        temper: ε.
    """
    here = scored(log_tempered(at, pi, temper), at.values, pi)
    place = torch.searchsorted(index, at.index).clamp(max=len(index) - 1)
    there = index[place] == at.index
    whole = [torch.full((len(index),), torch.nan, dtype=torch.float64) for _ in here]
    for values, some in zip(whole, here, strict=True):
        values[place[there]] = some[there]
    return Scored(*whole)


def log_tempered(
    at: AtQueries, pi: Float64[Tensor, " c"], temper: float
) -> Float64[Tensor, "draw t c"]:
    """Values of log r_ε(y|z), nats."""
    return tempered(at.others, pi, temper).clamp(min=SMALLEST).log()


def scores_by_draw(
    at: AtQueries, pi: Float64[Tensor, " c"], temper: float
) -> Float64[Tensor, "draw t"]:
    """Values of log r_ε(y_n|z) − log π at every draw, nats."""
    own = at.values.expand(len(at.others), -1)[:, :, None]
    return log_tempered(at, pi, temper).gather(2, own)[:, :, 0] - pi[at.values].log()


def cross_fitted(
    features: Features,
    values: Int64[Tensor, " m"],
    fold: Int64[Tensor, " m"],
    pi: Float64[Tensor, " c"],
    at: AtQueries | None,
) -> CrossFitted:
    """Fit every candidate in folds, and choose for each fold by the others.

    Args:
        features: of the examples.
        values: (m,) their classes.
        fold: (m,) the fold of each.
        pi: (c,) frequencies of the classes.
        at: the label at the queries of q(z); None where there are none.
    """
    fits = closed_fits(features, values, len(pi), fold)
    fits[LOGISTIC] = logistic_fits(features, values, fold, fits["linear discriminant"])
    found = {
        name: scores_of_fits(features, values, fold, weights, pi) for name, weights in fits.items()
    }
    if at is not None:
        for temper in TEMPERS:
            found[f"{SHARES} ({temper:g})"] = scores_of_shares(at, features.index, pi, temper)
    terms = {name: scored.terms for name, scored in found.items()}
    picks = [pick(terms, fold != f) for f in range(int(fold.max()) + 1)]
    parts = list(enumerate(picks))
    chosen = Scored(
        *(
            sum_of_parts([(fold == f, getattr(found[name], field)) for f, name in parts])
            for field in Scored._fields
        )
    )
    names = [name.partition(" (")[0] for name in picks]
    return CrossFitted(
        candidate=max(names, key=names.count),
        scores={name: float(v.terms.nanmean()) for name, v in found.items()},
        scored=reweighted(chosen, fold),
    )


def pick(terms: Mapping[str, Float64[Tensor, " m"]], others: Bool[Tensor, " m"]) -> str:
    """The candidate that does best on some examples.

    Candidates that scored all of them come first. One that scored a part has to be better there by
    more than a standard error of the difference: to take it costs the rest of the examples.

    Args:
        terms: (m,) of each candidate, NaN where it was not scored.
        others: those examples.
    """
    whole = {k: v[others] for k, v in terms.items() if not v.isnan().any()}
    best = max(whole, key=lambda name: float(whole[name].mean()))
    for name, values in terms.items():
        ahead = (values - terms[best])[others & ~(values - terms[best]).isnan()]
        if name not in whole and len(ahead):
            error = float(ahead.std(correction=0)) / math.sqrt(len(ahead))
            rival = best not in whole  # both scored the same part
            if float(ahead.mean()) > (0.0 if rival else error):
                best = name
    return best


def sum_of_parts(parts: list[tuple[Bool[Tensor, " m"], Float64[Tensor, " m"]]]) -> Tensor:
    """One column out of several, each for its examples."""
    found = torch.full_like(parts[0][1], torch.nan)
    for mine, values in parts:
        found[mine] = values[mine]
    return found


def reweighted(chosen: Scored, fold: Int64[Tensor, " m"]) -> Scored:
    """Terms whose plain mean gives each fold its share, though only a part of some was scored.

    Args:
        chosen: NaN where an example was not scored.
        fold: (m,) the fold of each.
    """
    there = ~chosen.terms.isnan()
    if there.all():
        return chosen
    size = torch.bincount(fold).double()
    done = torch.bincount(fold[there], minlength=len(size)).double().clamp(min=1)
    weight = (size / len(fold) / (done / there.sum()))[fold]
    centre = float((weight * chosen.terms)[there].mean())
    right = float((weight * chosen.right)[there].mean())
    return Scored(
        centre + weight * (chosen.terms - centre),
        weight.square() * chosen.noise,
        right + weight * (chosen.right - right),
    )
