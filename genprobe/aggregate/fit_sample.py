"""The examples that fitted marginals are fitted to and chosen on, in folds."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.aggregate.blocks import size_of
from genprobe.aggregate.distinct import DistinctExamples
from genprobe.aggregate.moments import moments
from genprobe.aggregate.suitable import classes_of_store
from genprobe.distributions.latents import flat
from genprobe.errors import UnavailableError
from genprobe.runtime.seeds import generator
from genprobe.store.read import Store
from genprobe.types import Codes, Family

FOLDS = 5
FITTED = 20_000
LEAST_FITTED = 1_000
FITTED_VALUES = 1 << 24
"""At most so many examples to fit to and choose on, and at most so many entries of their second
moments, or of the codes where those are too many, or are class indices; all examples are scored."""
WIDE = 512
"""Latent values beyond which no candidate has the second moments of all pairs."""


@dataclass(frozen=True, eq=False)
class Sample:
    """The examples that candidates are fitted to and chosen on.

    Attributes:
        codes: their posterior moments.
        z: (m, *latent) one draw of each.
        fold: (m,) the fold each belongs to.
    """

    codes: Codes
    z: Float64[Tensor, "m *latent"]
    fold: Int64[Tensor, " m"]


def choose_folds(
    store: Store, family: Family, seed: int, distinct: DistinctExamples | None
) -> tuple[Int64[Tensor, " n"], Int64[Tensor, " m"]]:
    """The fold of every example, and the examples that candidates are fitted to and chosen on.

    Raises:
        UnavailableError: if all examples are equal, or a fold would have none.
    """
    n = store.header.n
    observations = n if distinct is None else len(distinct)
    if observations < 2:
        raise UnavailableError(
            "A marginal fitted without the evaluated example needs two that differ."
        )
    folds = min(FOLDS, observations)
    rng = generator(seed, "folds")
    fold = torch.randperm(observations, generator=rng) % folds
    fold = fold if distinct is None else fold[distinct.which]
    k = math.prod(store.header.latent_shape)
    single = k > WIDE or classes_of_store(store, family) is not None
    entries = max(1, k) if single else k**2
    most = min(FITTED, max(FITTED_VALUES // entries, LEAST_FITTED))
    chosen = torch.randperm(n, generator=rng)[:most].sort().values
    if int(fold[chosen].bincount(minlength=folds).min()) == 0:
        raise UnavailableError("No fitted marginal: a few examples are nearly all of the data.")
    return fold, chosen


def take_sample(
    store: Store, family: Family, chosen: Int64[Tensor, " m"], fold: Int64[Tensor, " m"]
) -> Sample:
    """Moments and one draw of chosen examples, streamed from the store."""
    z, shape = store.gather("draws/z", 0, chosen).double(), torch.Size(store.header.latent_shape)
    classes = classes_of_store(store, family)
    if classes is not None:  # there are no moments, and the draw says all
        mean = flat(z, 1)
        none = torch.zeros((), dtype=torch.float64).expand_as(mean)
        codes = Codes(
            mean=mean, variance=none, event_shape=shape, classes=classes, levels=family.levels
        )
        return Sample(codes, z, fold)
    mean = torch.empty(len(chosen), shape.numel(), dtype=torch.float64)
    variance = torch.empty_like(mean)
    for start, params in store.blocks():
        stop = start + size_of(params)
        low, high = torch.searchsorted(chosen, torch.tensor([start, stop])).tolist()
        rows = chosen[low:high] - start
        distribution = family.distribution({k: v[rows].double() for k, v in params.items()})
        mean[low:high], variance[low:high] = moments(distribution)
    codes = Codes(mean=mean, variance=variance, event_shape=shape)
    if not (codes.mean.isfinite().all() and codes.variance.isfinite().all()):
        raise UnavailableError("No fitted marginal: the posteriors have no finite variance.")
    return Sample(codes, z, fold)
