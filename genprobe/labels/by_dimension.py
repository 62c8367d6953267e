r"""What each latent dimension alone says of a label, for families whose dimensions are independent.

.. math::

    I(y;z_j) = H(y) - \mathbb E H[q(y|z_j)], \qquad
    q(y|z_j) = \frac{\sum_{n: y_n = y} q(z_j|x_n)}{\sum_n q(z_j|x_n)}

One pass a dimension over all N, with the shares of all labels summed by class. For the population
there is the leave-one-out bound, of the same shares without the example itself, tempered.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from genprobe.aggregate.blocks import Blocks, in_memory, stretches
from genprobe.aggregate.density import log_aggregate_blocks
from genprobe.aggregate.distinct import LOG_WEIGHT, DistinctExamples, distinct_blocks, weighted
from genprobe.aggregate.moments import factorises
from genprobe.aggregate.queries import Queries
from genprobe.aggregate.tally import Tally
from genprobe.distributions.latents import flat
from genprobe.errors import UnavailableError
from genprobe.runtime.outer_threads import outer_threads
from genprobe.runtime.progress import Progress, silent
from genprobe.store.read import Store
from genprobe.types import Family, Params

PAIRS = 200_000_000
"""Pairs of a query and a component, a dimension each, that all of them may cost."""
HELD_VALUES = 1 << 23
"""Values of each parameter that are held at a time."""
LEAST = 512
MOST_DIMENSIONS = 64
"""Queries of a dimension, at least, and dimensions, at most."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DimensionQueries:
    """The tallies of some dimensions.

    Attributes:
        dimensions: which they are, in the flattened latent.
        queries: of each: those of all of z, with the tally and index entropy of that dimension.
    """

    dimensions: tuple[int, ...]
    queries: tuple[Queries, ...]


def dimension_queries(
    store: Store,
    family: Family,
    queries: Queries,
    tally: Tally,
    dimensions: Sequence[int],
    progress: Progress = silent,
) -> DimensionQueries:
    """Tally the shares of some dimensions, each alone, at the queries that there are.

    Args:
        store: finished.
        family: of its posteriors; it must factorise over the entries of z.
        queries: of all of z, with a tally.
        tally: of the labels.
        dimensions: which, at most ``MOST_DIMENSIONS``.
        progress: display.

    Raises:
        UnavailableError: if the family does not factorise, or has parameters of another shape.
    """
    require_apart(store, family)
    distinct, n = queries.distinct, store.header.n
    components = n if distinct is None else len(distinct)
    draws, most = queries.tallied_shape
    count = min(most, max(LEAST // draws, PAIRS // (components * len(dimensions) * draws)))
    z = flat(queries.z[:, :count], 2).flatten(0, 1)
    index = queries.index[:count].repeat(draws)
    own = index if distinct is None else distinct.which[index]
    some = replace(tally, queries=len(z))
    family = family if distinct is None else weighted(family)
    found = []
    with outer_threads():
        for part in stretches(len(dimensions), max(1, HELD_VALUES // components)):
            for d, params in zip(
                dimensions[part], gather(store, distinct, dimensions[part]), strict=True
            ):
                density = log_aggregate_blocks(
                    z[:, d, None], family, in_memory(params), components, own=own, tally=some
                )
                found.append(
                    replace(
                        queries,
                        index_entropy=density.index_entropy.view(draws, count),
                        tallied=density.tallied,
                        tallied_loo=density.tallied_loo,
                        tallied_shape=(draws, count),
                    )
                )
                progress.advance("dimensions", 1, len(dimensions))
    return DimensionQueries(dimensions=tuple(dimensions), queries=tuple(found))


def require_apart(store: Store, family: Family) -> None:
    """Check that the dimensions of a posterior are independent of each other.

    Raises:
        UnavailableError: if they are not, or have parameters of another shape than z.
    """
    _, one = next(iter(store.blocks(1)))
    shape = torch.Size(store.header.latent_shape)
    apart = factorises(family.distribution(one))
    if not apart or any(values.shape[1:] != shape for values in one.values()):
        raise UnavailableError(f"The family {family.name} does not factorise.")


def gather(
    store: Store, distinct: DistinctExamples | None, dimensions: Sequence[int]
) -> list[Params]:
    """Parameters (n, 1) of single dimensions of all components, of distinct ones with weights."""
    parts: list[dict[str, list[Tensor]]] = [{} for _ in dimensions]
    blocks = blocks_of(store, distinct)
    for _, params in blocks(1 << 14):
        for name, values in params.items():
            flattened = values if name == LOG_WEIGHT else flat(values, 1)
            for d, held in zip(dimensions, parts, strict=True):
                column = values if name == LOG_WEIGHT else flattened[:, d, None].clone()
                held.setdefault(name, []).append(column)
    return [{name: torch.cat(values) for name, values in held.items()} for held in parts]


def blocks_of(store: Store, distinct: DistinctExamples | None) -> Blocks:
    """The components of a store in blocks: all examples, or the distinct ones with weights."""
    if distinct is None:
        return store.blocks
    return lambda rows: distinct_blocks(store, distinct, rows, 0, store.header.n)
