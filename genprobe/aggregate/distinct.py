r"""Examples that are equal: which are copies of which, and what the most is that I(n;z) can be.

.. math::

    I(n;z) \le H = -\sum_k \frac{c_k}{N} \log \frac{c_k}{N}

with c_k the number of copies of the k-th distinct example; log N where all differ. Equal examples
have equal posteriors, so the aggregate posterior is a mixture of the distinct ones with weights
c_k / N, and what leaves an example out leaves out all of its copies.

Examples are compared by the hashes that were taken of them while they were encoded, or where the
data were not at hand by their posterior parameters, unless these are class indices: the codes of
two examples may well be the same.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor
from torch.distributions import Distribution, Independent

from genprobe.aggregate.assemble import AggregateDensity
from genprobe.datasets.row_hashes import row_hashes
from genprobe.store.read import Store
from genprobe.types import Family, Params

DATA = "moments/x"
"""A column that stores have if there were data."""
INDEX = "index"
"""The parameter of certain codes."""
LOG_WEIGHT = "log_weight"
"""The name of what a distinct example's component weighs, beside its parameters."""


@dataclass(frozen=True, eq=False)
class DistinctExamples:
    """The distinct examples among all N, numbered in the order in which they first appear.

    Attributes:
        which: (n,) the distinct example that each example is.
        first: (k,) the first example of each.
        count: (k,) how many copies there are of each, itself included.

    Example:
        >>> found = DistinctExamples.of(torch.tensor([7, 5, 7, 7]))
        >>> found.which.tolist(), found.first.tolist(), found.count.tolist()
        ([0, 1, 0, 0], [0, 1], [3, 1])
    """

    which: Int64[Tensor, " n"]
    first: Int64[Tensor, " k"]
    count: Int64[Tensor, " k"]

    @classmethod
    def of(cls, labels: Int64[Tensor, " n"]) -> "DistinctExamples":
        """Those that have labels of their own.

        Args:
            labels: (n,) the same for equal examples.
        """
        _, first, which, count = np.unique(
            labels.numpy(), return_index=True, return_inverse=True, return_counts=True
        )
        order = np.argsort(first)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        parts = (rank[which.ravel()], first[order], count[order])
        return cls(*(torch.from_numpy(part.astype(np.int64)) for part in parts))

    def __len__(self) -> int:
        return len(self.first)

    @cached_property
    def copies(self) -> Int64[Tensor, " n"]:
        """How many copies there are of each example (n,), itself included."""
        return self.count[self.which]

    @cached_property
    def entropy(self) -> float:
        """The entropy H of which distinct example one is, nats.

        Example:
            >>> math.isclose(DistinctExamples.of(torch.arange(8) % 2).entropy, math.log(2))
            True
        """
        return math.log(len(self.which)) - float(self.copies.double().log().mean())


def most_information(n: int, distinct: DistinctExamples | None) -> float:
    """The most that I(n;z) can be, nats: log N, or the entropy of the distinct examples.

    Args:
        n: number of examples N.
        distinct: the distinct ones, if some are equal.

    Example:
        >>> most_information(8, None) == math.log(8)
        True
    """
    return math.log(n) if distinct is None else distinct.entropy


def distinct_examples(store: Store) -> DistinctExamples | None:
    """The distinct examples of a store; None where no two are known to be equal.

    Args:
        store: finished. One that was written before hashes were taken does not say.
    """
    hashes = store.example_hashes()
    if hashes is None and not store.has(DATA) and not holds_indices(store):
        hashes = parameter_hashes(store)
    if hashes is None or len(torch.unique(hashes[:, 0])) == len(hashes):
        return None
    return DistinctExamples.of(torch.unique(hashes, dim=0, return_inverse=True)[1])


def holds_indices(store: Store) -> bool:
    """Whether the posteriors of a store are certain codes, of which any two examples may agree."""
    _, params = next(iter(store.blocks(1)))
    return INDEX in params


def parameter_hashes(store: Store) -> Int64[Tensor, "n 2"]:
    """A hash of the posterior parameters of each example of a store (n, 2)."""
    return torch.cat(
        [
            row_hashes(
                torch.cat([params[k].reshape(len(params[k]), -1) for k in sorted(params)], 1)
            )
            for _, params in store.blocks()
        ]
    )


def distinct_blocks(
    store: Store, distinct: DistinctExamples, rows: int, start: int, stop: int
) -> Iterator[tuple[int, Params]]:
    """The components of distinct examples whose first is among some of a store's, with weights.

    Their weights have mean 1: what a weighted mean over the k of them is, is a mean over all N.

    Args:
        store: finished.
        distinct: of its examples.
        rows: examples a block.
        start: the first example.
        stop: the one after the last.
    """
    n, k = len(distinct.which), len(distinct)
    low = int(torch.searchsorted(distinct.first, start))
    while low < k and (first := int(distinct.first[low])) < stop:
        begin = start + (first - start) // rows * rows  # stretches without a first are not read
        end = min(begin + rows, stop)
        high = int(torch.searchsorted(distinct.first, end))
        [(_, params)] = store.blocks(rows, begin, end)
        chosen = distinct.first[low:high] - begin
        weight = distinct.count[low:high].double() * k / n
        yield low, {**{p: v[chosen] for p, v in params.items()}, LOG_WEIGHT: weight.log()}
        low = high


class Weighted(Independent):  # type: ignore[type-arg]
    """A distribution whose density is multiplied by a weight (batch,), its moments untouched."""

    def __init__(self, distribution: Distribution, log_weight: Tensor) -> None:
        base, dims = distribution, 0
        if isinstance(distribution, Independent):  # as one of its kind, which factorises
            base, dims = distribution.base_dist, distribution.reinterpreted_batch_ndims
        super().__init__(base, dims, validate_args=False)
        self.log_weight = log_weight

    def log_prob(self, value: Tensor) -> Tensor:
        """The log density (…, batch), nats, and the log weight."""
        found: Tensor = super().log_prob(value) + self.log_weight  # type: ignore[no-untyped-call]
        return found


def weighted(family: Family) -> Family:
    """A family of weighted components, whose parameters hold ``log_weight`` (batch,) besides.

    Example:
        A standard normal at its mean, that counts twice.

        >>> from genprobe.families.diagonal_normal import diagonal_normal
        >>> twice = {"loc": torch.zeros(1, 1), "scale": torch.ones(1, 1)}
        >>> twice[LOG_WEIGHT] = torch.tensor([2.0]).log()
        >>> found = weighted(diagonal_normal).distribution(twice).log_prob(torch.zeros(1))
        >>> round(float(found.exp()), 4), round(2 / math.sqrt(2 * math.pi), 4)
        (0.7979, 0.7979)
    """
    natural, cross = family.natural, family.cross_log_prob
    upper, translate = family.upper, family.translate

    def own(params: Params) -> Params:
        return {k: v for k, v in params.items() if k != LOG_WEIGHT}

    return dataclasses.replace(
        family,
        distribution=lambda p: Weighted(family.distribution(own(p)), p[LOG_WEIGHT]),
        natural=natural and (lambda p: lighter(natural(own(p)), p[LOG_WEIGHT])),
        cross_log_prob=cross and (lambda z, p: cross(z, own(p)) + p[LOG_WEIGHT]),
        translate=translate
        and (lambda p, offset: {**translate(own(p), offset), LOG_WEIGHT: p[LOG_WEIGHT]}),
        upper=upper and (lambda p: heavier(upper(own(p)), p[LOG_WEIGHT].amax(1).double())),
    )


def lighter(natural: tuple[Tensor, Tensor], log_weight: Tensor) -> tuple[Tensor, Tensor]:
    """Natural parameters with the weight in the log-partition."""
    eta, log_partition = natural
    return eta, log_partition - log_weight


def heavier(bound: Callable[[Tensor], Tensor], log_weight: Tensor) -> Callable[[Tensor], Tensor]:
    """A bound on cells of components, raised by the largest weight of each."""
    return lambda z: bound(z) + log_weight


def without_copies(
    density: AggregateDensity, distinct: DistinctExamples, own: Int64[Tensor, " m"]
) -> AggregateDensity:
    """A density of weighted components whose leave-one-out part is a mean over the N − c others."""
    loo, k, n = density.log_qz_loo, len(distinct), len(distinct.which)
    if loo is None:
        raise ValueError("queries come from components")
    others = (n - distinct.count[own]).clamp(min=1).double()
    moved = loo + math.log(max(1, k - 1)) + math.log(n / k) - others.log()
    return dataclasses.replace(density, log_qz_loo=moved)
