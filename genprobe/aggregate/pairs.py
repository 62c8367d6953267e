"""Log densities of all pairs of queries and components, base 2, as precisely as they need.

For an exponential family log q(z_m|x_n) = statistics_m · eta_n − log_partition_n + log_base_m, so
all pairs are one matmul. Expanded like that, the parts of an exponent cancel down to what is left
of them. The rounding error of a component is bounded by the sum of the parts' sizes at a typical
z, times the precision: what float32 cannot do is done in float64, and what float64 cannot, by
the family's own density, which does not cancel.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.distributions import Distribution, constraints

from genprobe.aggregate.blocks import size_of, stretches
from genprobe.aggregate.moments import factorises, mean_of, variance_of
from genprobe.types import Family, Params

LOG2_E = math.log2(math.e)
BOUND = 1e-3
"""Nats of rounding error that a pair may have wherever it may matter."""
STRETCH_VALUES = 1 << 16
CENTRED = 1024
"""So many components tell where the middle is."""
WORST = 5.0
"""Rounding errors in the sum of parts, in units of their size times the precision; measured 2 to 5
for 10 to 1024 dimensions."""


class Pairs(NamedTuple):
    """The pairs of some components.

    queries: z (q, *latent) to whatever ``log2`` needs of them.
    log2: that, the reference (q,) in float64, a stretch of components and a buffer (q, c), to
        base-2 log densities less the reference.
    dtype: of the pairs.
    margin: what rounding may do to any of them, nats.
    """

    queries: Callable[[Tensor], Any]
    log2: Callable[[Any, Tensor, slice, Tensor], Tensor]
    dtype: torch.dtype
    margin: float


def by_precision(
    family: Family, params: Params, margin: float
) -> Iterator[tuple[Int64[Tensor, " some"], Callable[[Params], Pairs]]]:
    """The components of a block in groups, each with the cheapest pairs that are precise enough.

    Args:
        family: of the components.
        params: of a block of components, each (n, ...).
        margin: nats of rounding error allowed in float32; more than ``BOUND`` only where it will
            be looked at afterwards whether it mattered. 0 rules float32 out.
    """
    everything = torch.arange(size_of(params))
    if family.natural is None or family.sufficient is None:
        yield everything, lambda some: cross_pairs(family, some)
        return
    parts = WORST * cancelling_parts(family, params).cpu().nan_to_num(nan=math.inf)
    for dtype, allowed in ((torch.float32, margin), (torch.float64, BOUND)):
        error = parts * torch.finfo(dtype).eps
        fine = (error <= allowed) & (allowed > 0)
        if fine.any():
            worst = float(error[fine].max())
            yield everything[fine], matmul(family, dtype, worst)
        everything, parts = everything[~fine], parts[~fine]
    if len(everything):
        yield everything, lambda some: density_pairs(family, some)


def cancelling_parts(family: Family, params: Params) -> Float[Tensor, " n"]:
    """Sum of the sizes of the parts of each component's exponent, at a typical z; nats."""
    if family.natural is None or family.sufficient is None:
        raise ValueError(family.name)
    found, offset = [], centre(family, params)
    for part in stretches(size_of(params), rows_at_a_time(params)):
        # How large they are need not be known to more than float32.
        some = moved(family, params, part, offset.float(), torch.float32)
        eta, log_partition = family.natural(some)
        statistics, _ = family.sufficient(typical(family.distribution(some)))
        found.append(torch.stack([statistics.mul_(eta).abs_().sum(1), log_partition]))
    parts, log_partition = torch.cat(found, 1)
    sizes: Tensor = parts + (log_partition - log_partition.min())
    return sizes


def typical(distribution: Distribution) -> Tensor:
    """A z of each component (n, *event) at which the parts of its exponent are as large as usual.

    Its mean. Where the dimensions depend on each other, parts that vanish at the mean may be large
    a standard deviation away, and cancel. Without a mean a draw must do, always the same one.
    """
    mean = mean_of(distribution)
    if mean.isnan().any():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return distribution.sample()
    if factorises(distribution) or not everywhere(distribution):
        return mean
    deviation = variance_of(distribution).sqrt()
    return mean + torch.where(mean < 0, -deviation, deviation)


def everywhere(distribution: Distribution) -> bool:
    """Whether z may be any real vector."""
    return getattr(distribution.support, "base_constraint", None) is constraints.real


def centre(family: Family, params: Params) -> Tensor:
    """About the mean of the components (*event), float64; 0 where the family cannot be moved."""
    if family.translate is None:
        device = next(iter(params.values())).device
        return torch.zeros(family.event_shape(params), dtype=torch.float64, device=device)
    means = family.distribution(params).mean
    return means[:: max(1, len(means) // CENTRED)].mean(0, dtype=torch.float64)


def moved(
    family: Family,
    params: Params,
    part: slice,
    offset: Tensor,
    dtype: torch.dtype = torch.float64,
) -> Params:
    """Parameters of some components in a dtype, of z less the offset."""
    some = {k: v[part].to(dtype) for k, v in params.items()}
    return some if family.translate is None else family.translate(some, offset)


def matmul(family: Family, dtype: torch.dtype, margin: float) -> Callable[[Params], Pairs]:
    """How to prepare the pairs of some components for a matmul of that dtype."""
    return lambda params: matmul_pairs(family, params, dtype, margin)


def matmul_pairs(family: Family, params: Params, dtype: torch.dtype, margin: float) -> Pairs:
    """Pairs by a matmul, with log-partition, log base and reference as two more statistics."""
    sufficient = family.sufficient
    if sufficient is None:
        raise ValueError(family.name)
    offset = centre(family, params)
    weights, middle = natural_weights(family, params, offset, dtype)

    def queries(z: Tensor) -> tuple[Tensor, Tensor]:
        statistics, log_base = sufficient(z.double() - offset)
        rows = statistics.new_empty(len(z), statistics.shape[1] + 2, dtype=dtype)
        rows[:, :-2], rows[:, -2] = statistics, 1.0
        return rows, (log_base - middle) * LOG2_E

    def log2(some: tuple[Tensor, Tensor], reference: Tensor, part: slice, out: Tensor) -> Tensor:
        rows, base = some
        rows[:, -1] = base - reference
        return torch.mm(rows, weights[part].T, out=out)

    return Pairs(queries, log2, dtype, margin)


def natural_weights(
    family: Family, params: Params, offset: Tensor, dtype: torch.dtype
) -> tuple[Float[Tensor, "n weight"], Tensor]:
    """Base-2 rows [eta, middle − log-partition, 1] of the components, and that middle, in nats.

    Only what is left of the log-partitions after taking off the first one's stretch need survive
    the rounding to dtype. A stretch at a time is worked out in float64.
    """
    if family.natural is None:
        raise ValueError(family.name)
    weights: Tensor | None = None
    middle = torch.zeros(())
    n = size_of(params)
    for part in stretches(n, rows_at_a_time(params)):
        eta, log_partition = family.natural(moved(family, params, part, offset))
        if weights is None:
            weights = eta.new_empty(n, eta.shape[1] + 2, dtype=dtype)
            middle = log_partition.mean()
        weights[part, :-2] = eta.mul_(LOG2_E)
        weights[part, -2] = (middle - log_partition) * LOG2_E
        weights[part, -1] = 1.0
    if weights is None:
        raise ValueError("no components")
    return weights, middle


def rows_at_a_time(params: Params) -> int:
    """Components whose parameters are about as large as a cache."""
    values = sum(v[0].numel() for v in params.values())
    return max(1, STRETCH_VALUES // max(1, values))


def density_pairs(family: Family, params: Params) -> Pairs:
    """Pairs by the family's own density in float64."""
    params = {k: v.double() for k, v in params.items()}

    def log2(z: Tensor, reference: Tensor, part: slice, out: Tensor) -> Tensor:
        q = family.distribution({k: v[part] for k, v in params.items()})
        for row, query in zip(out, z, strict=True):
            row.copy_(q.log_prob(query))
        return out.mul_(LOG2_E).sub_(reference[:, None])

    return Pairs(lambda z: z.double(), log2, torch.float64, 0.0)


def cross_pairs(family: Family, params: Params) -> Pairs:
    """Pairs by the family's own function of all pairs."""
    cross = family.cross_log_prob
    if cross is None:
        raise ValueError(family.name)

    def log2(z: Tensor, reference: Tensor, part: slice, out: Tensor) -> Tensor:
        each = cross(z, {k: v[part] for k, v in params.items()})
        return out.copy_(each).mul_(LOG2_E).sub_(reference[:, None])

    return Pairs(lambda z: z, log2, torch.float64, 0.0)
