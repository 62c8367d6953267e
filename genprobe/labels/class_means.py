"""Where the classes of labels lie: the mean of the posterior means of each, by dimension."""

from collections.abc import Sequence

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.aggregate.blocks import size_of
from genprobe.aggregate.moments import moments
from genprobe.labels.columns import values_of
from genprobe.store.read import Store
from genprobe.types import Family
from genprobe.types.label import Label


def class_means(
    store: Store, family: Family, labels: Sequence[Label]
) -> dict[str, Float64[Tensor, "c k"]]:
    """The mean posterior mean of the examples of each class (c, k), NaN where there is none.

    One pass over the store serves all labels.

    Args:
        store: finished.
        family: of its posteriors.
        labels: of its examples.
    """
    sums = {label.name: torch.zeros(()).double() for label in labels}
    counts = {label.name: torch.zeros(len(label.classes), 1).double() for label in labels}
    for start, params in store.blocks():
        part = slice(start, start + size_of(params))
        mean, _ = moments(family.distribution({k: v.double() for k, v in params.items()}))
        for label in labels:
            here = values_of(label)[part] + 1
            one_hot = torch.nn.functional.one_hot(here, len(label.classes) + 1)[:, 1:].double()
            sums[label.name] = sums[label.name] + one_hot.T @ mean
            counts[label.name] += one_hot.sum(0)[:, None]
    return {name: sums[name] / counts[name] for name in sums}


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
