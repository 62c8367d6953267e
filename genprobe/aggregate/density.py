"""log q(z_m) over all N components, and from the same pass what leaves z_m's own component out.

    log q(z_m)     = logsumexp_n log q(z_m|x_n) − log N
    log q_loo(z_m) = logsumexp_{n ≠ own(m)} log q(z_m|x_n) − log (N − 1)
    H[q(n|z_m)]    = the entropy of the shares q(z_m|x_n) / Σ_n q(z_m|x_n)

The pass sums over every component but a query's own; the own one is added at the end, in float64.
So the leave-one-out density never comes from a subtraction, and log q(z|x_own) − log q(z) ≤ log N
holds for every query, whatever the rounding. Where the own component is known, float32 may be less
precise than the result has to be: the queries to which the others matter are then done again. Each
run checks some queries against the float64 difference form, and redoes the pass in float64 if they
are off.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import cast

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from genprobe.aggregate.assemble import AggregateDensity, assemble, index_entropy, total
from genprobe.aggregate.blocks import Blocks, in_memory, size_of, take, width_of
from genprobe.aggregate.distributed import combined
from genprobe.aggregate.exact import exact_log_sums
from genprobe.aggregate.full_precision import full_precision
from genprobe.aggregate.pairs import BOUND
from genprobe.aggregate.plan import Tile, plan_tile
from genprobe.aggregate.reduction import choose
from genprobe.aggregate.retry import retry_with_smaller_tiles
from genprobe.aggregate.sums import LogSums, replaced
from genprobe.aggregate.tally import Tally
from genprobe.aggregate.tiles import log_sums
from genprobe.errors import UnavailableError
from genprobe.plugins import plugins
from genprobe.runtime.outer_threads import outer_threads
from genprobe.runtime.ranks import ALONE, Ranks, barrier
from genprobe.types import Family, Params

CHECKED = 4, 32
CHECKED_VALUES = 1 << 25
"""So many queries at least and at most are checked, as many as bring so many values of pairs."""
CHECKED_SHARE = 64
"""Of so many queries one is checked: a pair costs ten times as much there."""
RISK = 0.5
"""Nats of rounding error allowed where an own component may make it not matter: no more, because
from sums as far off it is read whether it did."""
TOLERANCE = 1e-3
"""Nats: above this a float32 pass is redone in float64, and what remains is a warning."""
RELATIVE = 1e-5
SPARE = 0.75
"""Of what is allowed at the checked queries, because at others it may be less."""


def log_aggregate(
    z: Float[Tensor, "m *latent"],
    family: Family | str,
    params: Params,
    *,
    own: Int64[Tensor, " m"] | None = None,
    tile: tuple[int, int] | None = None,
    skip: float = 0.0,
    device: torch.device | None = None,
) -> AggregateDensity:
    """The aggregate posterior of components held in memory.

    Args:
        z: queries (m, *latent).
        family: of the components, or its registered name.
        params: each (n, ...).
        own: (m,) index of the component each query was drawn from; None if from none of them.
        tile: (queries, components) a tile; planned from caches and memory by default.
        skip: share of q(z) that may be left out of each query, such as 1e-6, where that saves work;
            the leave-one-out density is then a lower bound. It needs ``own``.
        device: where the work is done; the CPU by default.

    Returns:
        log q(z) in nats and what comes with it; never M × N in memory.

    Raises:
        UnavailableError: if the family offers no density of all pairs.
        PluginError: if no plugin provides a family of that name.

    Example:
        One standard normal component has the log density −½ log 2π at its mean.

        >>> one = {"loc": torch.zeros(1, 1), "scale": torch.ones(1, 1)}
        >>> found = log_aggregate(torch.zeros(1, 1), "diagonal-normal", one)
        >>> round(float(found.log_qz), 4)
        -0.9189
    """
    if isinstance(family, str):
        family = cast("Family", plugins().get("families", family))
    n = size_of(params)
    least = None
    if skip and own is not None:
        exact = family.distribution({k: v[own].double() for k, v in params.items()})
        least = negligible(exact.log_prob(z.double()), n, skip)
    return log_aggregate_blocks(
        z, family, in_memory(params), n, own=own, tile=tile, least=least, device=device
    )


def negligible(log_qz_x: Float64[Tensor, " m"], n: int, skip: float) -> Float64[Tensor, " m"]:
    """Log density of components that, all N together, are at most a share of the own one's."""
    return log_qz_x + math.log(skip / n)


def log_aggregate_blocks(
    z: Float[Tensor, "m *latent"],
    family: Family,
    blocks: Blocks,
    n: int,
    *,
    own: Int64[Tensor, " m"] | None = None,
    tile: tuple[int, int] | None = None,
    least: Float64[Tensor, " m"] | None = None,
    device: torch.device | None = None,
    advance: Callable[[int], None] = lambda count: None,
    ranks: Ranks = ALONE,
    tally: Tally | None = None,
) -> AggregateDensity:
    """The aggregate posterior of N components that arrive in blocks; see ``log_aggregate``.

    Args:
        z: queries (m, *latent).
        family: of the components.
        blocks: of the components, read once a pass; of several ranks, each has its share.
        n: number of components, over all ranks.
        own: as in ``log_aggregate``.
        tile: as in ``log_aggregate``.
        least: (m,) log densities of components that may be left out (see ``negligible``).
        device: where the work is done; the CPU by default.
        advance: called with the number of components done, for progress.
        ranks: the group; every rank calls this with the same queries and gets the same answer.
        tally: shares to be summed by column besides, for the first of the queries.

    >>> from genprobe.families.diagonal_normal import diagonal_normal
    >>> one = {"loc": torch.zeros(1, 1), "scale": torch.ones(1, 1)}
    >>> log_aggregate_blocks(one["loc"], diagonal_normal, in_memory(one), 1).skipped
    0.0
    """
    require_pairs(family)
    with barrier(ranks):
        width = width_of(blocks) + (0 if tally is None else tally.width)
        sizes = Tile(*tile) if tile else plan_tile(len(z), z[0].numel(), device, width)
    own = torch.full((len(z),), -1) if own is None else own

    def once(some: Tensor, margin: Tensor, far: Tensor) -> LogSums:
        with barrier(ranks):
            sums = retry_with_smaller_tiles(
                sizes,
                lambda tile: log_sums(
                    take({"z": z}, some)["z"].to(device),
                    family,
                    blocks,
                    own[some],
                    tile=tile,
                    margin=margin,
                    far=far,
                    least=None if least is None else least[some].to(device),
                    reduce=choose(len(some) * n / ranks.size),
                    advance=advance if len(some) == len(z) else lambda count: None,
                    tally=None if tally is None else tally.some(some),
                ),
            )
        return combined(sums, ranks)

    exactly = partial(exact_sums, z, family, blocks, own, ranks, tally)
    with full_precision(device or torch.device("cpu")), outer_threads():
        sums, error = settled(once, exactly, len(z), choose_checked(z, n))
    return assemble(sums, own, n, error, tally)


def exact_sums(
    z: Float[Tensor, "m *latent"],
    family: Family,
    blocks: Blocks,
    own: Int64[Tensor, " m"],
    ranks: Ranks,
    tally: Tally | None,
    some: Int64[Tensor, " k"],
) -> LogSums:
    """The sums of some queries in the difference form, over all ranks; a tally only of all."""
    tally = tally if len(some) == len(z) else None
    with barrier(ranks):
        sums = exact_log_sums(z[some], family, blocks, own[some], tally)
    return combined(sums, ranks)


def require_pairs(family: Family) -> None:
    """Check that a family offers the density of all pairs.

    Raises:
        UnavailableError: if it does not.
    """
    if family.natural is None and family.cross_log_prob is None:
        raise UnavailableError(
            f"No aggregate posterior: the family {family.name} gives neither natural parameters "
            "nor cross_log_prob."
        )


def settled(
    once: Callable[[Tensor, Tensor, Tensor], LogSums],
    exactly: Callable[[Tensor], LogSums],
    m: int,
    checked: Int64[Tensor, " c"],
) -> tuple[LogSums, float]:
    """Sums that are precise enough, and the largest deviation seen in those checked.

    Args:
        once: a fast pass over all components for some queries; given what rounding error is
            allowed and how far below those near a component the pairs lie that matter, each (q,).
        exactly: a pass in the difference form, for some queries.
        m: number of queries.
        checked: those compared with the difference form.
    """
    everything, none = torch.arange(m), torch.zeros(m, dtype=torch.float64)
    exact = exactly(checked)
    sums = once(everything, SPARE * allowed(exact), far(exact))
    again = (error_at(sums) > allowed(sums)).nonzero().squeeze(1)
    if len(again):
        sums = replaced(sums, again, once(again, none[again], far(sums)[again]))
    error = deviation(sums, checked, exact)
    if error > TOLERANCE:
        sums = once(everything, none[checked], far(exact))
        error = deviation(sums, checked, exact)
    if error > TOLERANCE:
        return exactly(everything), 0.0
    return sums, error


def choose_checked(z: Float[Tensor, "m *latent"], n: int) -> Int64[Tensor, " c"]:
    """Queries to be checked, evenly spread: fewer where one alone is expensive."""
    affordable = min(CHECKED_VALUES // (n * z[0].numel()), len(z) // CHECKED_SHARE)
    count = min(len(z), max(CHECKED[0], min(CHECKED[1], affordable)))
    return torch.linspace(0, len(z) - 1, count).round().long()


def allowed(sums: LogSums) -> Float64[Tensor, " m"]:
    """How far rounding may be off in the pairs of each query, nats.

    Where the own component has nearly all the mass, log q(z) does not depend on the others. What
    leaves it out does, and may be off by a share of how far below the own component it is.

    Args:
        sums: near enough.
    """
    share = (sums.others - total(sums)).exp().nan_to_num(1.0)
    margin = (BOUND / share).log1p().clamp(max=RISK)
    return torch.minimum(margin, BOUND + RELATIVE * below(sums))


def below(sums: LogSums) -> Float64[Tensor, " m"]:
    """How far the others together lie below the own component, nats; 0 where they do not."""
    gap = (sums.own - sums.others).nan_to_num(0.0, posinf=math.inf, neginf=0.0)
    return gap.clamp(min=0.0)


def far(sums: LogSums) -> Float64[Tensor, " m"]:
    """How far below those near a component the pairs lie that the others sum up to, nats.

    The own component is near. Where there is none, no more is known than how large the sum is.

    Args:
        sums: near enough.
    """
    size = sums.others.abs().nan_to_num(posinf=0.0)
    return below(sums).where(sums.own > -math.inf, size).nan_to_num(posinf=0.0)


def error_at(sums: LogSums) -> Float64[Tensor, " m"]:
    """What rounding may have done to the pairs that matter at each query, nats."""
    near, relative = sums.rounded[:, :, None]
    errors: Tensor = near + relative * far(sums)
    return errors.amax(0)


def deviation(sums: LogSums, checked: Int64[Tensor, " c"], exact: LogSums) -> float:
    """Largest difference over the checked queries, nats.

    What leaves the own component out may besides be off as ``allowed`` says; where pairs were
    skipped it is a lower bound, and not looked at.
    """
    nothing = torch.zeros_like(exact.own)
    pairs = [
        (total(sums)[checked], total(exact), nothing),
        (index_entropy(sums)[checked], index_entropy(exact), nothing),
    ]
    if not sums.skipped:
        pairs.append((sums.others[checked], exact.others, RELATIVE * below(exact)))
    worst = 0.0
    for found, truth, besides in pairs:
        difference = (found - truth).abs().where(found != truth, 0.0) - besides
        worst = max(worst, float(difference.nan_to_num(math.inf).max()))
    return worst
