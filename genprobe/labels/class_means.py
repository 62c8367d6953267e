"""Where the classes of a label lie: the mean of the posterior means of each, by dimension."""

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.aggregate.blocks import size_of
from genprobe.aggregate.moments import moments
from genprobe.store.read import Store
from genprobe.types import Family


def class_means(
    store: Store, family: Family, values: Int64[Tensor, " n"], classes: int
) -> Float64[Tensor, "c k"]:
    """The mean posterior mean of the examples of each class (c, k), NaN where there is none.

    Args:
        store: finished.
        family: of its posteriors.
        values: (n,) the class of each example, −1 where it is missing.
        classes: how many there are.
    """
    sums, counts = torch.zeros(()).double(), torch.zeros(classes, 1).double()
    for start, params in store.blocks():
        here = values[start : start + size_of(params)]
        mean, _ = moments(family.distribution({k: v.double() for k, v in params.items()}))
        one_hot = torch.nn.functional.one_hot(here + 1, classes + 1)[:, 1:].double()
        sums = sums + one_hot.T @ mean
        counts += one_hot.sum(0)[:, None]
    return sums / counts


def most_varied_dimensions(store: Store, family: Family, most: int) -> list[int]:
    """The dimensions whose posterior means vary most, as shares of all their variance, ascending.

    Args:
        store: finished.
        family: of its posteriors.
        most: so many at most.
    """
    count, first, second, within = 0, *(torch.zeros(()).double() for _ in range(3))
    for _, params in store.blocks():
        mean, variance = moments(family.distribution({k: v.double() for k, v in params.items()}))
        count += len(mean)
        first, second = first + mean.sum(0), second + mean.square().sum(0)
        within = within + variance.sum(0)
    between = (second / count - (first / count).square()).clamp(min=0)
    share = (between / (between + within / count)).nan_to_num(0.0)
    return sorted(share.topk(min(most, len(share))).indices.tolist())
