"""Queries of the aggregate posterior, drawn from a store until the error asked for is reached.

A query is one of the store's draws z ~ q(z|x_n), the examples n taken without replacement. A pilot
tells the spread of log q(z|x_n) − log q(z), hence how many queries the tolerance needs.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.aggregate.density import AggregateDensity, log_aggregate_blocks
from genprobe.progress import Progress, silent
from genprobe.store.read import Store
from genprobe.types import Family

PILOT = 1024
HEADROOM = 1.1


@dataclass(frozen=True, kw_only=True, eq=False)
class Queries:
    """Draws at which the aggregate posterior is known.

    Attributes:
        index: (m,) the example each was drawn from.
        z: (m, *latent).
        log_qz_x: (m,) log q(z|x_index), nats, float64.
        log_pz: (m,) log p(z) under the prior the store was made with, nats, float64.
        density: log q(z) and what comes with it.
    """

    index: Int64[Tensor, " m"]
    z: Tensor
    log_qz_x: Float64[Tensor, " m"]
    log_pz: Float64[Tensor, " m"]
    density: AggregateDensity

    def __len__(self) -> int:
        return len(self.index)

    def spread(self) -> float:
        """Standard deviation of log q(z|x) − log q(z) over the queries, nats."""
        f = self.log_qz_x - self.density.log_qz
        return float(f.std()) if len(f) > 1 else math.inf


def draw_queries(
    store: Store,
    family: Family,
    *,
    tolerance: float,
    max_queries: int | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Queries:
    """As many queries as bring the standard error of I(n;z) to the tolerance, or all there are.

    Args:
        store: finished.
        family: of its posteriors.
        tolerance: wanted standard error, nats.
        max_queries: never more than this; by default every draw of the store.
        seed: of the order in which examples are taken.
        progress: told of pairs done, stage ``aggregate``.

    Raises:
        UnavailableError: if the family offers no density of all pairs.
    """
    header = store.header
    order = torch.randperm(header.n, generator=torch.Generator().manual_seed(seed))
    everything = header.n * header.draws
    most = min(max_queries or everything, everything)
    queries: Queries | None = None
    wanted = min(most, PILOT)
    while queries is None or len(queries) < wanted:
        done = 0 if queries is None else len(queries)
        new = evaluate_queries(store, family, order, done, wanted, progress)
        queries = new if queries is None else join(queries, new)
        needed = math.ceil(HEADROOM * (queries.spread() / tolerance) ** 2)
        if len(queries) < most and queries.spread() / math.sqrt(len(queries)) > tolerance:
            wanted = min(most, max(len(queries) + PILOT, needed))
    return queries


def evaluate_queries(
    store: Store,
    family: Family,
    order: Int64[Tensor, " n"],
    start: int,
    stop: int,
    progress: Progress,
) -> Queries:
    """Queries start to stop of the sequence that takes every first draw, then every second."""
    n = store.header.n
    index, z, log_qz_x, log_pz = [], [], [], []
    log_qz_x_all, log_pz_all = store.column("draws/log_qz_x"), store.column("draws/log_pz")
    for draw in range(start // n, -(-stop // n)):
        low, high = max(start, draw * n) - draw * n, min(stop, (draw + 1) * n) - draw * n
        chosen = order[low:high].sort().values
        index.append(chosen)
        z.append(store.gather("draws/z", draw, chosen))
        log_qz_x.append(log_qz_x_all[draw, chosen])
        log_pz.append(log_pz_all[draw, chosen])
    points, own = torch.cat(z), torch.cat(index)
    density = log_aggregate_blocks(
        points,
        family,
        store.blocks,
        n,
        own=own,
        advance=lambda components: progress("aggregate", components * len(points), n * stop),
    )
    return Queries(
        index=own,
        z=points,
        log_qz_x=torch.cat(log_qz_x),
        log_pz=torch.cat(log_pz),
        density=density,
    )


def join(first: Queries, second: Queries) -> Queries:
    """Two sets of queries as one."""
    a, b = first.density, second.density
    loo = None
    if a.log_qz_loo is not None and b.log_qz_loo is not None:
        loo = torch.cat([a.log_qz_loo, b.log_qz_loo])
    return Queries(
        index=torch.cat([first.index, second.index]),
        z=torch.cat([first.z, second.z]),
        log_qz_x=torch.cat([first.log_qz_x, second.log_qz_x]),
        log_pz=torch.cat([first.log_pz, second.log_pz]),
        density=AggregateDensity(
            log_qz=torch.cat([a.log_qz, b.log_qz]),
            log_qz_loo=loo,
            largest_share=torch.cat([a.largest_share, b.largest_share]),
            max_error=max(a.max_error, b.max_error),
        ),
    )
