r"""Codes as features φ(z) = [1, z, z zᵀ], whose log-linear functions the fitted candidates are.

Of each example there are the features of a few draws, on which candidates are scored, and their
expectation under q(z|x_n), which for independent dimensions is known in closed form:

.. math::

    \mathbb E\, z_i z_j = \mu_i \mu_j + \delta_{ij} \sigma_i^2

Squares alone stand for z zᵀ where there are many dimensions, and of very many those whose means
vary most, as shares of all their variance, are taken: a choice that looks at no label.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.aggregate.codes import sample_codes, select_params
from genprobe.aggregate.moments import factorises, moments
from genprobe.distributions.latents import flat
from genprobe.runtime.seeds import derived_seed
from genprobe.store.read import Store
from genprobe.types import Family, Params

DRAWS = 2
MOST_FULL = 26
"""Dimensions of which all products are taken, 377 of them; of more, squares."""
MOST_DIMENSIONS = 128
MOST_EXAMPLES = 20_000
VALUES = 1 << 23
"""Values of the features of the examples that candidates are fitted to and scored on."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """Features of some examples, float64; z is standardised.

    Attributes:
        index: (m,) the examples, ascending.
        drawn: (draw, m, f) φ at draws of each.
        expected: (m, f) the expectation of φ under each posterior.
        k: dimensions of z.
        full: whether all products of two dimensions are there, not only squares.
    """

    index: Int64[Tensor, " m"]
    drawn: Float64[Tensor, "draw m f"]
    expected: Float64[Tensor, "m f"]
    k: int
    full: bool


def take_features(store: Store, family: Family, chosen: Int64[Tensor, " n"], seed: int) -> Features:
    """Features of examples of a store, of a random part of them where they are many.

    Args:
        store: finished.
        family: of its posteriors.
        chosen: the examples that there are to choose from, ascending.
        seed: of the choice and of the draws.
    """
    k = min(math.prod(store.header.latent_shape), MOST_DIMENSIONS)
    most = min(MOST_EXAMPLES, VALUES // width(k))
    if len(chosen) > most:
        random = torch.Generator().manual_seed(derived_seed(seed, "labels", "examples"))
        chosen = chosen[torch.randperm(len(chosen), generator=random)[:most].sort().values]
    params = select_params(store, chosen)
    return features_of(family, params, chosen, derived_seed(seed, "labels", "draws"))


def shared_features(
    store: Store, family: Family, seed: int
) -> Callable[[Int64[Tensor, " n"]], Features]:
    """``take_features`` of one store, which keeps what it gave last for the same examples.

    Labels that no example lacks are all of the same examples, and so of the same draws.

    Args:
        store: finished.
        family: of its posteriors.
        seed: of the choice and of the draws.
    """
    last: list[tuple[Tensor, Features]] = []

    def taken(chosen: Int64[Tensor, " n"]) -> Features:
        if not (last and torch.equal(last[0][0], chosen)):
            last[:] = [(chosen, take_features(store, family, chosen, seed))]
        return last[0][1]

    return taken


def features_of(family: Family, params: Params, index: Int64[Tensor, " m"], seed: int) -> Features:
    """Features of posteriors.

    Args:
        family: of the posteriors.
        params: each (m, ...).
        index: (m,) which examples they are.
        seed: of the draws.

    Example:
        >>> from genprobe.families.diagonal_normal import diagonal_normal
        >>> two = {"loc": torch.tensor([[-1.0], [1.0]]), "scale": torch.full((2, 1), 0.5)}
        >>> found = features_of(diagonal_normal, two, torch.arange(2), 0)
        >>> found.expected[:, 1:].mean(0).round(decimals=6).abs()  # standardised
        tensor([0., 1.], dtype=torch.float64)
    """
    distribution = family.distribution({key: v.double() for key, v in params.items()})
    z = flat(sample_codes(family, params, DRAWS, seed).double(), 2)
    mean, variance = moments(distribution)
    known = factorises(distribution) and bool((mean.isfinite() & variance.isfinite()).all())
    if not known:
        mean, variance = z.mean(0), z.var(0)
    kept = most_varied(mean, variance)
    z, mean, variance = z[:, :, kept], mean[:, kept], variance[:, kept]
    centre = mean.mean(0)
    spread = (mean.var(0, correction=0) + variance.mean(0)).sqrt()
    spread = spread.where(spread > 0, 1.0)
    z, mean, variance = (z - centre) / spread, (mean - centre) / spread, variance / spread**2
    full = len(kept) <= MOST_FULL
    drawn = expand(z, full)
    return Features(
        index=index,
        drawn=drawn,
        expected=expected(mean, variance, full) if known else drawn.mean(0),
        k=len(kept),
        full=full,
    )


def most_varied(
    mean: Float64[Tensor, "m k"], variance: Float64[Tensor, "m k"]
) -> Int64[Tensor, " some"]:
    """The dimensions whose means vary most, as shares of all their variance, ascending."""
    k = mean.shape[1]
    if k <= MOST_DIMENSIONS:
        return torch.arange(k)
    between = mean.var(0)
    return (between / (between + variance.mean(0))).topk(MOST_DIMENSIONS).indices.sort().values


def width(k: int) -> int:
    """How many features there are of k dimensions."""
    return 1 + k + (k * (k + 1) // 2 if k <= MOST_FULL else k)


def pairs_of(k: int) -> tuple[Tensor, Tensor]:
    """Rows and columns of the products of two dimensions, each pair once."""
    rows, columns = torch.triu_indices(k, k)
    return rows, columns


def expand(z: Float64[Tensor, "*batch k"], full: bool) -> Float64[Tensor, "*batch f"]:
    """The features of codes.

    Args:
        z: standardised.
        full: whether with all products of two dimensions.

    Example:
        >>> expand(torch.tensor([2.0, 3.0]).double(), True)
        tensor([1., 2., 3., 4., 6., 9.], dtype=torch.float64)
    """
    rows, columns = pairs_of(z.shape[-1])
    products = z[..., rows] * z[..., columns] if full else z.square()
    return torch.cat([torch.ones_like(z[..., :1]), z, products], -1)


def expected(
    mean: Float64[Tensor, "m k"], variance: Float64[Tensor, "m k"], full: bool
) -> Float64[Tensor, "m f"]:
    """The expectation of the features under posteriors whose dimensions are independent."""
    found = expand(mean, full)
    k = mean.shape[1]
    rows, columns = pairs_of(k)
    squares = (rows == columns).nonzero().squeeze(1) if full else torch.arange(k)
    found[:, 1 + k + squares] += variance
    return found
