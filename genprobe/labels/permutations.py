r"""Whether a label that the code should not know is in it: a test that refits on permuted labels.

Under the null of an independent label every order of the labels over the examples is as likely, so
the place of the true one among refits to random orders is the p-value,

.. math::

    p = \frac{1 + \#\{b: T_b \ge T\}}{1 + B}

exact for any N (Phipson & Smyth 2010). T is the better of the two discriminants' cross-fitted
scores: their fits are closed forms, so a refit is a few matmuls. Labels move between examples with
as many copies, and the copies of one example stay together.

The power is told from the same refits. A small leak of δ nats raises T by δ and its variance by
2δ/N, since a log likelihood ratio of mean δ has a variance of 2δ; the least one found in 80 % of
cases solves b + δ = t + 0.84 √(s² + 2δ/N), with b and s the mean and spread of the T_b and t their
95 % quantile.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.labels.cross_fitting import CLOSED, closed_fits
from genprobe.labels.features import Features
from genprobe.runtime.outer_threads import outer_threads, share_out
from genprobe.runtime.progress import Progress, silent
from genprobe.runtime.seeds import generator

PERMUTATIONS = 99
TESTED = ("linear discriminant", "quadratic discriminant")
QUANTILE, POWER_Z = 0.95, 0.8416
"""Of the null, and the normal's quantile of 80 %."""


class Permuted(NamedTuple):
    """The test.

    p_value: under the null uniform on multiples of 1/(B + 1).
    permutations: B.
    power: the smallest leak found in 80 % of cases, nats.
    """

    p_value: float
    permutations: int
    power: float


def permutation_test(
    features: Features,
    values: Int64[Tensor, " m"],
    fold: Int64[Tensor, " m"],
    classes: int,
    seed: int,
    *,
    which: Int64[Tensor, " m"] | None = None,
    permutations: int = PERMUTATIONS,
    progress: Progress = silent,
) -> Permuted:
    """The permutation test of an independent label.

    Args:
        features: of the examples that have a label.
        values: (m,) their classes.
        fold: (m,) the fold of each.
        classes: how many there are.
        seed: of the permutations.
        which: (m,) the distinct example that each is; None where all differ.
        permutations: so many refits.
        progress: display.
    """
    random = generator(seed, "labels", "permutations")
    groups = groups_by_size(which, len(values))
    orders = [permuted(groups, len(values), random) for _ in range(permutations)]

    drawn = [features.drawn[0, fold == f] for f in range(int(fold.max()) + 1)]

    def one(order: Tensor) -> float:
        value = statistic(features, drawn, values[order], fold, classes)
        progress.advance("permutations", 1, 1 + permutations)
        return value

    with outer_threads():
        found, *null = share_out(one, [torch.arange(len(values)), *orders])
    refits = torch.tensor(null, dtype=torch.float64)
    p_value = (1 + int((refits >= found).sum())) / (1 + permutations)
    return Permuted(p_value, permutations, smallest_leak(refits, len(values)))


def statistic(
    features: Features,
    drawn: Sequence[Float64[Tensor, "some f"]],
    values: Int64[Tensor, " m"],
    fold: Int64[Tensor, " m"],
    classes: int,
) -> float:
    """T: the mean of log r(y|z) − log π by the better discriminant, cross-fitted, nats.

    Args:
        features: of the examples.
        drawn: those at a draw of each, by fold.
        values: (m,) their classes.
        fold: (m,) the fold of each.
        classes: how many there are.
    """
    entropy = float(torch.special.entr(torch.bincount(values).double() / len(values)).sum())
    fits = closed_fits(features, values, classes, fold, {name: CLOSED[name] for name in TESTED})
    weights = torch.stack([fits[name] for name in TESTED], 1)  # (fold, candidate, f, c)
    totals = torch.zeros(len(TESTED), dtype=torch.float64)
    for f, phi in enumerate(drawn):
        logs = (phi @ weights[f]).log_softmax(2)
        own = values[fold == f].expand(len(TESTED), -1)[..., None]
        totals += logs.gather(2, own).sum((1, 2))
    return float(totals.max()) / len(values) + entropy


def groups_by_size(which: Int64[Tensor, " m"] | None, m: int) -> list[Int64[Tensor, "group size"]]:
    """The examples in groups of copies, those of one size in one table.

    Example:
        >>> [g.tolist() for g in groups_by_size(torch.tensor([4, 4, 7, 9, 9]), 5)]
        [[[2]], [[0, 1], [3, 4]]]
    """
    if which is None:
        return [torch.arange(m)[:, None]]
    _, group, counts = torch.unique(which, return_inverse=True, return_counts=True)
    by_group = group.argsort(stable=True).split(counts.tolist())
    sizes = counts.unique().tolist()
    return [torch.stack([part for part in by_group if len(part) == size]) for size in sizes]


def permuted(
    groups: list[Int64[Tensor, "group size"]], m: int, random: torch.Generator
) -> Int64[Tensor, " m"]:
    """An order of the examples that moves whole groups to the places of others of their size."""
    order = torch.empty(m, dtype=torch.long)
    for group in groups:
        order[group] = group[torch.randperm(len(group), generator=random)]
    return order


def smallest_leak(null: Float64[Tensor, " b"], n: int) -> float:
    """The smallest leak that the test finds in 80 % of cases, nats.

    Args:
        null: refits to permuted labels, nats.
        n: number of examples.

    Example:
        >>> null = torch.linspace(-0.01, 0.01, 99).double()
        >>> 0.01 < smallest_leak(null, 1000) < 0.1
        True
    """
    lacking = float(null.quantile(QUANTILE) - null.mean())
    spread = float(null.var())
    # δ − a = c √(s² + 2δ/n): the larger root of a quadratic.
    c = POWER_Z**2
    half = lacking + c / n
    return half + math.sqrt(max(0.0, half**2 - lacking**2 + c * spread))
