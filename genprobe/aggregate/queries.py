"""Queries of the aggregate posterior, drawn until the error asked for is reached.

Examples are taken without replacement, two draws z ~ q(z|x_n) each: the draws of one example tell
the error that drawing causes from the spread over examples, which vanishes as all are taken.
Draws come from the stored posterior parameters, so more of them need no model. A pilot says how
many examples the tolerance needs; once all are taken, each gets more draws. Where examples are few
the pilot draws more of each: where posteriors meet is seen by the number of queries alone.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from genprobe.aggregate.assemble import AggregateDensity
from genprobe.aggregate.codes import draw_codes, select_params
from genprobe.aggregate.density import log_aggregate_blocks, negligible
from genprobe.aggregate.distinct import (
    DistinctExamples,
    distinct_blocks,
    most_information,
    weighted,
    without_copies,
)
from genprobe.aggregate.tally import Tallied, Tally
from genprobe.runtime.outer_threads import outer_threads
from genprobe.runtime.progress import Progress, silent
from genprobe.runtime.ranks import ALONE, Ranks, broadcast_object
from genprobe.runtime.seeds import derived_seed, generator
from genprobe.store.read import Store
from genprobe.types import Family

PILOT, FEWEST = 4096, 64
"""Queries of the pilot; of wide z fewer, but no fewer than these."""
DRAWS = 2
"""Draws of each example; more where examples are few."""
MOST_VALUES = 1 << 24
"""Values that z of all draws may hold, 64 MiB of float32; in the pilot a quarter."""
HEADROOM = 1.15
SKIP = 1e-6
"""Share of q(z) at a query that may be left out of it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Queries:
    """Draws at which the aggregate posterior is known, draws first.

    Attributes:
        n: number of examples N; the m queried were taken from them without replacement.
        index: (m,) the examples queried, in random order.
        z: (draw, m, *latent).
        log_qz_x: (draw, m) log q(z|x_index), nats, float64.
        log_qz: (draw, m) log q(z) over all N, nats, float64.
        log_qz_loo: (draw, m) without the example itself, nats; −inf if N = 1.
        largest_share: (draw, m) the largest posterior's share of q(z).
        index_entropy: (draw, m) H[q(n|z)], nats.
        max_error: largest deviation seen from the float64 difference form, nats.
        skipped: share of the pairs that were left out because they provably do not matter.
        distinct: the distinct examples, if some are equal. ``log_qz_loo`` is then without all
            copies of the example, and shares and entropies are of distinct examples.
        tallied: shares by column (draw · t, a) at the first t examples, all draws of the pilot.
        tallied_loo: the same without all copies of the example itself.
        tallied_shape: (draws, t) of both.
    """

    n: int
    index: Int64[Tensor, " m"]
    z: Float[Tensor, "draw m *latent"]
    log_qz_x: Float64[Tensor, "draw m"]
    log_qz: Float64[Tensor, "draw m"]
    log_qz_loo: Float64[Tensor, "draw m"]
    largest_share: Float64[Tensor, "draw m"]
    index_entropy: Float64[Tensor, "draw m"]
    max_error: float
    skipped: float
    distinct: DistinctExamples | None = None
    tallied: Tallied | None = None
    tallied_loo: Tallied | None = None
    tallied_shape: tuple[int, int] = (0, 0)

    @property
    def cap(self) -> float:
        """The most that I(n;z) can be, nats: log N, or less where examples are equal."""
        return most_information(self.n, self.distinct)

    @property
    def copies(self) -> Float64[Tensor, " m"]:
        """How many copies there are of each example queried (m,), itself included."""
        if self.distinct is None:
            return torch.ones(len(self.index), dtype=torch.float64)
        return self.distinct.copies[self.index].double()

    @property
    def which(self) -> Int64[Tensor, " m"] | None:
        """Which distinct example each of those queried is (m,); None where all differ."""
        return None if self.distinct is None else self.distinct.which[self.index]

    def __len__(self) -> int:
        return self.log_qz.numel()


OF_EACH_DRAW = ("z", "log_qz_x", "log_qz", "log_qz_loo", "largest_share", "index_entropy")
"""The fields of queries that have a value of every draw."""


@outer_threads()
def draw_queries(
    store: Store,
    family: Family,
    error: Callable[[Queries], float],
    *,
    tolerance: float,
    max_queries: int | None = None,
    seed: int = 0,
    device: torch.device | None = None,
    progress: Progress = silent,
    ranks: Ranks = ALONE,
    distinct: DistinctExamples | None = None,
    tally: Tally | None = None,
) -> Queries:
    """As many queries as bring the error of an estimate to the tolerance.

    Args:
        store: finished.
        family: of its posteriors.
        error: standard error of the estimate from some queries, nats.
        tolerance: wanted standard error, nats.
        max_queries: never more than this, rounded up to pairs.
        seed: of the order in which examples are taken, and of the draws.
        device: where the pairs are worked out; the CPU by default.
        progress: display of the pairs done, stage ``aggregate``.
        ranks: the group; rank 0 draws, and the others ``serve_queries``.
        distinct: the distinct examples, if some are equal.
        tally: what is summed by column, at so many of the first queries.

    Raises:
        UnavailableError: if the family offers no density of all pairs.
    """
    n = store.header.n

    def ask(
        chosen: Int64[Tensor, " some"], draws: int, *name: str | int, tally: Tally | None = None
    ) -> Queries:
        request = broadcast_object((chosen, draws, derived_seed(seed, *name), tally), ranks)
        return query_density(store, family, *request, device, progress, ranks, distinct)

    order = torch.randperm(n, generator=generator(seed, "order"))
    most = max(DRAWS, max_queries or limit(store))
    pilot = min(PILOT, most, max(FEWEST, room(store) // 4))
    draws = max(DRAWS, pilot // (examples := min(n, pilot // DRAWS)))
    queries = ask(order[:examples], draws, "queries", tally=tally)
    while (found := error(queries)) > tolerance and len(queries) < most:
        wanted = math.ceil(len(queries) * HEADROOM * min((found / tolerance) ** 2, GROWTH))
        wanted = min(most, max(wanted, len(queries) + DRAWS))
        examples = len(queries.index)
        if examples < n:
            new = order[examples : max(examples + 1, min(n, wanted // DRAWS))]
            queries = join_queries(queries, ask(new, DRAWS, "examples", examples), 1)
            continue
        draws = min(math.ceil((wanted - len(queries)) / n), (most - len(queries)) // n)
        if draws < 1:
            break
        queries = join_queries(queries, ask(order, draws, "draws", len(queries)), 0)
    return queries


def limit(store: Store) -> int:
    """The most queries of a store where nobody asked for fewer."""
    n = store.header.n
    return max(DRAWS * MOST_DRAWS * n, min(MOST_QUERIES, room(store)))


def room(store: Store) -> int:
    """The number of queries whose z are MOST_VALUES in all."""
    return MOST_VALUES // max(1, math.prod(store.header.latent_shape))


def serve_queries(
    store: Store,
    family: Family,
    device: torch.device | None,
    ranks: Ranks,
    distinct: DistinctExamples | None = None,
) -> Exception | None:
    """Serve the queries of rank 0 until it releases this rank.

    A fault in a query reaches rank 0 as well, which decides what follows from it.

    Args:
        store: the one rank 0 queries.
        family: of its posteriors.
        device: where the pairs are worked out; the CPU by default.
        ranks: the group.
        distinct: the distinct examples, if some are equal.

    Returns:
        The fault of the last query, if there was one: rank 0 may have ended over it.
    """
    fault = None
    while (request := broadcast_object(None, ranks)) is not None:
        fault = None
        try:
            query_density(store, family, *request, device, silent, ranks, distinct)
        except Exception as error:
            fault = error
    return fault


def release_ranks(ranks: Ranks) -> None:
    """Tell the ranks that serve queries that no more come."""
    broadcast_object(None, ranks)


MOST_DRAWS = 16
"""Without --max-queries, at most so many pairs of draws an example, ..."""
MOST_QUERIES = 1 << 18
"""... or so many queries, which cost nothing where examples are few."""
GROWTH = 64.0
"""A step multiplies the queries by no more than this: a pilot's error is itself uncertain."""


def query_density(
    store: Store,
    family: Family,
    chosen: Int64[Tensor, " m"],
    draws: int,
    seed: int,
    tally: Tally | None,
    device: torch.device | None,
    progress: Progress,
    ranks: Ranks = ALONE,
    distinct: DistinctExamples | None = None,
) -> Queries:
    """Queries from so many draws of chosen examples; each rank passes over its share of all.

    Tallied are all draws of as many of the first examples as that many queries are.
    """
    n = store.header.n
    start, stop = ranks.span(n)
    z, log_qz_x = draw_codes(family, select_params(store, chosen, ranks), draws, seed, ranks)
    count = 0 if tally is None else min(len(chosen), max(1, tally.queries // draws))
    order = tallied_first(draws, len(chosen), count)
    flat, own = z.flatten(0, 1)[order], chosen.repeat(draws)[order]
    pairs = (stop - start) * len(flat)
    progress.advance("aggregate", 0, pairs)
    pass_over = partial(
        log_aggregate_blocks,
        flat,
        least=negligible(log_qz_x.flatten()[order], n, SKIP),
        device=device,
        advance=lambda c: progress.advance("aggregate", c * len(flat), pairs),
        ranks=ranks,
        tally=tally and dataclasses.replace(tally, queries=count * draws),
    )
    if distinct is None:
        density = pass_over(family, lambda rows: store.blocks(rows, start, stop), n, own=own)
    else:
        blocks = partial(distinct_blocks, store, distinct, start=start, stop=stop)
        own = distinct.which[own]
        density = pass_over(weighted(family), blocks, len(distinct), own=own)
        density = without_copies(density, distinct, own)
    found = from_density(n, chosen, z, log_qz_x, in_order(density, order.argsort()), distinct)
    return dataclasses.replace(found, tallied_shape=(draws, count))


def tallied_first(draws: int, m: int, count: int) -> Int64[Tensor, " query"]:
    """The queries, draws first, with all draws of the first so many examples before the others.

    Example:
        >>> tallied_first(2, 3, 1).tolist()
        [0, 3, 1, 2, 4, 5]
    """
    grid = torch.arange(draws * m).view(draws, m)
    return torch.cat([grid[:, :count].flatten(), grid[:, count:].flatten()])


def in_order(density: AggregateDensity, order: Int64[Tensor, " query"]) -> AggregateDensity:
    """A density at its queries in another order; what was tallied stays in its own."""
    names = ("log_qz", "log_qz_loo", "largest_share", "index_entropy")
    return dataclasses.replace(density, **{name: getattr(density, name)[order] for name in names})


def from_density(
    n: int,
    index: Int64[Tensor, " m"],
    z: Float[Tensor, "draw m *latent"],
    log_qz_x: Float64[Tensor, "draw m"],
    density: AggregateDensity,
    distinct: DistinctExamples | None = None,
) -> Queries:
    """Queries from the density of z with draws and examples flattened."""
    shape = z.shape[:2]
    loo = density.log_qz_loo
    if loo is None:
        raise ValueError("queries come from components")
    return Queries(
        n=n,
        index=index,
        z=z,
        log_qz_x=log_qz_x,
        log_qz=density.log_qz.view(shape),
        log_qz_loo=loo.view(shape),
        largest_share=density.largest_share.view(shape),
        index_entropy=density.index_entropy.view(shape),
        max_error=density.max_error,
        skipped=density.skipped,
        distinct=distinct,
        tallied=density.tallied,
        tallied_loo=density.tallied_loo,
    )


def first_queries(queries: Queries, count: int) -> Queries:
    """So many of some queries, rounded up: DRAWS of the first examples, or more of every one.

    Args:
        queries: at least DRAWS of every example.
        count: at least one.
    """
    examples = len(queries.index)
    m = min(examples, max(1, math.ceil(count / DRAWS)))
    draws = DRAWS if m < examples else min(len(queries.z), math.ceil(count / m))
    return dataclasses.replace(
        queries,
        index=queries.index[:m],
        **{name: getattr(queries, name)[:draws, :m] for name in OF_EACH_DRAW},
    )


def join_queries(first: Queries, second: Queries, axis: int) -> Queries:
    """Two sets of queries as one: axis 0 adds draws of the same examples, axis 1 adds examples."""

    def both(name: str) -> Tensor:
        return torch.cat([getattr(first, name), getattr(second, name)], axis)

    return Queries(
        n=first.n,
        index=torch.cat([first.index, second.index]) if axis else first.index,
        **{name: both(name) for name in OF_EACH_DRAW},
        max_error=max(first.max_error, second.max_error),
        skipped=(len(first) * first.skipped + len(second) * second.skipped)
        / (len(first) + len(second)),
        distinct=first.distinct,
        tallied=first.tallied,
        tallied_loo=first.tallied_loo,
        tallied_shape=first.tallied_shape,
    )
