"""log q(z_m) over all N components, and from the same pass what leaves z_m's own component out.

    log q(z_m)     = logsumexp_n log q(z_m|x_n) − log N
    log q_loo(z_m) = logsumexp_{n ≠ own(m)} log q(z_m|x_n) − log (N − 1)
    H[q(n|z_m)]    = the entropy of the shares q(z_m|x_n) / Σ_n q(z_m|x_n)

The pass sums over every component but a query's own; the own one is added at the end, in float64.
So the leave-one-out density never comes from a subtraction, and log q(z|x_own) − log q(z) ≤ log N
holds for every query, whatever the rounding. Each run checks some queries against the float64
difference form, and redoes the pass in float64 if float32 was not good enough.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from genprobe.aggregate.distributed import combined
from genprobe.aggregate.exact import exact_log_sums
from genprobe.aggregate.plan import Tile
from genprobe.aggregate.tiles import LogSums, log_sums, merged_entropy
from genprobe.errors import UnavailableError
from genprobe.ranks import ALONE, Ranks, all_max, together
from genprobe.types import Family, Params

Blocks = Callable[[], Iterable[tuple[int, Params]]]
"""Each call starts over: (first component, parameters of a stretch of components)."""

CHECKED = 32
TOLERANCE = 1e-3
"""Nats: above this a float32 pass is redone in float64, and what remains is a warning."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AggregateDensity:
    """The aggregate posterior at M queries.

    Attributes:
        log_qz: (m,) log q(z), nats, float64.
        log_qz_loo: (m,) without each query's own component; None if none was given, −inf if N = 1.
        largest_share: (m,) the largest q(z|x_n) / Σ_n q(z|x_n).
        index_entropy: (m,) H[q(n|z)] of these shares, nats; from 0 to log N.
        max_error: largest deviation of any of these logs seen from the float64 difference form.
    """

    log_qz: Float64[Tensor, " m"]
    log_qz_loo: Float64[Tensor, " m"] | None
    largest_share: Float64[Tensor, " m"]
    index_entropy: Float64[Tensor, " m"]
    max_error: float


def log_aggregate(
    z: Float[Tensor, "m *latent"],
    family: Family,
    params: Params,
    *,
    own: Int64[Tensor, " m"] | None = None,
    tile: tuple[int, int] | None = None,
) -> AggregateDensity:
    """The aggregate posterior of components held in memory.

    Args:
        z: queries (m, *latent).
        family: of the components.
        params: each (n, ...).
        own: (m,) index of the component each query was drawn from; None if from none of them.
        tile: (queries, components) a tile; planned from the sizes by default.

    Returns:
        log q(z) in nats and what comes with it; never M × N in memory.

    Raises:
        UnavailableError: if the family offers no density of all pairs.
    """
    n = len(next(iter(params.values())))

    def blocks() -> Iterator[tuple[int, Params]]:
        yield 0, params

    return log_aggregate_blocks(z, family, blocks, n, own=own, tile=tile)


def log_aggregate_blocks(
    z: Float[Tensor, "m *latent"],
    family: Family,
    blocks: Blocks,
    n: int,
    *,
    own: Int64[Tensor, " m"] | None = None,
    tile: tuple[int, int] | None = None,
    advance: Callable[[int], None] = lambda count: None,
    ranks: Ranks = ALONE,
) -> AggregateDensity:
    """The aggregate posterior of N components that arrive in blocks; see ``log_aggregate``.

    Args:
        z: queries (m, *latent).
        family: of the components.
        blocks: called once a pass; of several ranks, each has the blocks of its share.
        n: number of components, over all ranks.
        own: as in ``log_aggregate``.
        tile: as in ``log_aggregate``.
        advance: called with the number of components done, for progress.
        ranks: the group; every rank calls this with the same queries and gets the same answer.
    """
    if family.natural is None and family.cross_log_prob is None:
        raise UnavailableError(
            f"No aggregate posterior: the family {family.name} gives neither natural parameters "
            "nor cross_log_prob."
        )
    shape = None if tile is None else Tile(*tile)
    own = torch.full((len(z),), -1) if own is None else own
    checked = torch.linspace(0, len(z) - 1, min(CHECKED, len(z))).round().long()

    def exactly(some: Int64[Tensor, " some"]) -> LogSums:
        with together(ranks):
            sums = exact_log_sums(z[some], family, blocks, own[some])
        return combined(sums, ranks)

    exact = exactly(checked)
    for dtype in (torch.float32, torch.float64):
        with together(ranks):
            sums = log_sums(z, family, blocks, own, dtype, shape, advance)
        sums = combined(sums, ranks)
        error = float(all_max(torch.tensor(deviation(sums, checked, exact)), ranks))
        if error <= TOLERANCE:
            return assemble(sums, own, n, error)
    return assemble(exactly(torch.arange(len(z))), own, n, 0.0)


def deviation(sums: LogSums, checked: Int64[Tensor, " c"], exact: LogSums) -> float:
    """Largest difference over the checked queries, own component left out or not; nats."""
    pairs = [
        (total(sums)[checked], total(exact)),
        (sums.others[checked], exact.others),
        (index_entropy(sums)[checked], index_entropy(exact)),
    ]
    worst = 0.0
    for found, truth in pairs:
        difference = (found - truth).abs().where(found != truth, 0.0)
        worst = max(worst, float(difference.nan_to_num(math.inf).max()))
    return worst


def total(sums: LogSums) -> Float64[Tensor, " m"]:
    """Log Σ_n q(z|x_n), own component included."""
    return torch.logaddexp(sums.others, sums.own)


def index_entropy(sums: LogSums) -> Float64[Tensor, " m"]:
    """H[q(n|z)], own component included."""
    alone = torch.zeros_like(sums.own)
    return merged_entropy((sums.others, sums.entropy), (sums.own, alone))


def assemble(sums: LogSums, own: Int64[Tensor, " m"], n: int, max_error: float) -> AggregateDensity:
    """Densities from the sums of a pass."""
    everything = total(sums)
    largest = torch.maximum(sums.largest, sums.own)
    drawn = bool((own >= 0).all())
    return AggregateDensity(
        log_qz=everything - math.log(n),
        log_qz_loo=sums.others - math.log(max(1, n - 1)) if drawn else None,
        largest_share=(largest - everything).exp().clamp(max=1.0),
        index_entropy=index_entropy(sums).clamp(max=math.log(n)),
        max_error=max_error,
    )
