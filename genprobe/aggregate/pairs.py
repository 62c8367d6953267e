"""Log densities of all pairs of queries and components, base 2, as precisely as they need.

For an exponential family log q(z_m|x_n) = statistics_m · eta_n − log_partition_n + log_base_m, so
all pairs are one matmul. Expanded like that, the parts of an exponent cancel down to what is left
of them. How large they are at a typical z bounds what rounding does to a component (see
``rounding``): what one float32 matmul cannot do is added up from several, then done in float64,
and what float64 cannot, by the family's own density, which does not cancel.
"""

import math
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor
from torch.distributions import Distribution, constraints

from genprobe.aggregate.blocks import size_of, stretches
from genprobe.aggregate.moments import factorises, mean_of, variance_of
from genprobe.aggregate.rounding import PIECES, pieces_of, rounding, rounding_of_one
from genprobe.runtime.outer_threads import share_out
from genprobe.types import Family, Params

LOG2_E = math.log2(math.e)
BOUND = 1e-3
"""Nats of rounding error that a pair may have wherever it may matter."""
STRETCH_VALUES = 1 << 18
WAYS = tuple((dtype, pieces) for dtype in (torch.float32, torch.float64) for pieces in PIECES)
"""Precisions and numbers of pieces that pairs may be worked out in."""
CENTRED = 1024
"""So many components tell where the middle is."""
AWAY = 2.0
"""Standard deviations from the mean where parts that vanish at it are looked at."""
_seeding = threading.Lock()
"""Held while torch's own generator, which all threads share, is set."""
CONSTANTS = 2
"""Statistics of a pair that hold what does not depend on z, or not on the component."""


class Pairs(NamedTuple):
    """The pairs of some components.

    queries: z (q, *latent) to whatever ``log2`` needs of them.
    log2: that, the reference (q,) in float64, a stretch of components and two buffers (q, c), to
        base-2 log densities less the reference, in the first buffer.
    dtype: of the pairs.
    pieces: that each is added up from.
    margin: what rounding may do to any of them near its component, nats.
    relative: what it may do besides, as a share of how far below that a pair lies.
    """

    queries: Callable[[Tensor], Any]
    log2: Callable[[Any, Tensor, slice, Tensor, Tensor], Tensor]
    dtype: torch.dtype
    pieces: int = 1
    margin: float = 0.0
    relative: float = 0.0


class Way(NamedTuple):
    """How the pairs of some components are worked out by a matmul.

    dtype: of the pairs.
    pieces: that each is added up from.
    margin: as of ``Pairs``.
    relative: as of ``Pairs``.
    """

    dtype: torch.dtype
    pieces: int = 1
    margin: float = 0.0
    relative: float = 0.0


def by_precision(
    family: Family,
    params: Params,
    margin: float | Float64[Tensor, " q"],
    far: float | Float64[Tensor, " q"] = 0.0,
) -> Iterator[tuple[Int64[Tensor, " some"], Callable[[Params], Pairs]]]:
    """The components of a block in groups, each with the cheapest pairs that are precise enough.

    Args:
        family: of the components.
        params: of a block of components, each (n, ...).
        margin: nats of rounding error allowed, in all or at each of some queries; more than
            ``BOUND`` only where it will be looked at afterwards whether it mattered. 0 rules
            float32 out.
        far: how far below those near a component the pairs lie that matter there, nats.
    """
    everything = torch.arange(size_of(params))
    if family.natural is None or family.sufficient is None:
        yield everything, lambda some: cross_pairs(family, some)
        return
    parts = cancelling_parts(family, params)
    most, below = torch.as_tensor(margin).cpu(), torch.as_tensor(far).cpu()
    for dtype, allowed in ((torch.float32, most), (torch.float64, most.clamp(min=BOUND))):
        eps = torch.finfo(dtype).eps
        for pieces in pieces_of(parts.terms):
            relative = eps * rounding_of_one(parts.terms, pieces)
            limit = (allowed - relative * below).min()
            error = eps * parts.near(pieces)
            fine = (error <= limit) & (limit > 0)
            if fine.any():
                way = Way(dtype, pieces, float(error[fine].max()), relative)
                yield everything[fine], matmul(family, way)
            everything, parts = everything[~fine], parts.some(~fine)
            if not len(everything):
                return
    yield everything, lambda some: density_pairs(family, some)


class Parts(NamedTuple):
    """What exponents are summed from whose parts cancel; nats.

    added: (n, most) of each component's terms every ``most``-th, added up.
    sizes: (n, most) likewise of their sizes.
    more: (n,) that its terms of either sign may add up to besides.
    terms: so many an exponent.
    """

    added: Float[Tensor, "n most"]
    sizes: Float[Tensor, "n most"]
    more: Float[Tensor, " n"]
    terms: int

    def near(self, pieces: int) -> Float[Tensor, " n"]:
        """What rounding may do to pairs near each component, in units of the precision."""
        error = rounding(self.added, self.sizes, self.terms, pieces)
        error += rounding_of_one(self.terms, pieces) * self.more
        return error.nan_to_num(nan=math.inf)

    def some(self, chosen: Tensor) -> "Parts":
        """Those of some components."""
        return Parts(self.added[chosen], self.sizes[chosen], self.more[chosen], self.terms)


def cancelling_parts(family: Family, params: Params) -> Parts:
    """How large the parts of each component's exponent are at a typical z."""
    if family.natural is None or family.sufficient is None:
        raise ValueError(family.name)
    offset = centre(family, params).float()
    found = share_out(
        lambda part: parts_of_some(family, params, part, offset),
        stretches(size_of(params), rows_at_a_time(params)),
    )
    *parts, (terms, *_) = zip(*found, strict=True)
    added, sizes, log_partition = (torch.cat(values).cpu() for values in parts)
    # Log-partition less the smallest, and reference: two constants of unlike sign if that is more.
    more = (log_partition - log_partition.min() - added.sum(1).clamp(min=0)).clamp(min=0)
    # A draw lies about half a nat a value below the mean.
    more += family.event_shape(params).numel() / 2
    return Parts(added, sizes, more, terms)


def parts_of_some(
    family: Family, params: Params, part: slice, offset: Tensor
) -> tuple[Tensor, Tensor, Tensor, int]:
    """Parts of the exponents of a stretch of components, their sizes, log-partitions, and terms."""
    if family.natural is None or family.sufficient is None:
        raise ValueError(family.name)
    # How large they are need not be known to more than float32.
    some = moved(family, params, part, offset, torch.float32)
    eta, log_partition = family.natural(some)
    statistics, _ = family.sufficient(typical(family.distribution(some)))
    terms = eta.shape[1] + CONSTANTS
    each, most = statistics.mul_(eta), pieces_of(terms)[-1]
    return every(each, most), every(each.abs_(), most), log_partition, terms


def every(terms: Float[Tensor, "n term"], pieces: int) -> Float[Tensor, "n piece"]:
    """Sums of every so many-th term."""
    rows = terms.shape[1] // pieces
    whole = terms[:, : rows * pieces].view(len(terms), rows, pieces).sum(1)
    whole[:, : terms.shape[1] % pieces] += terms[:, rows * pieces :]
    return whole


def typical(distribution: Distribution) -> Tensor:
    """A z of each component (n, *event) at which the parts of its exponent are as large as usual.

    Its mean. Where the dimensions depend on each other, parts that vanish at the mean may be large
    away from it, and cancel: they grow as squares, so that of few dimensions draws often have
    several times those at a standard deviation. Without a mean a draw must do, always the same one.
    """
    mean = mean_of(distribution)
    if mean.isnan().any():
        with _seeding, torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return distribution.sample()
    if factorises(distribution) or not everywhere(distribution):
        return mean
    deviation = AWAY * variance_of(distribution).sqrt()
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


def matmul(family: Family, way: Way) -> Callable[[Params], Pairs]:
    """How to prepare the pairs of some components for matmuls."""
    return lambda params: matmul_pairs(family, params, way)


def matmul_pairs(family: Family, params: Params, way: Way) -> Pairs:
    """Pairs by matmuls, with log-partition, log base and reference as two more statistics.

    One matmul, or in pieces one of every so many-th statistic each. The two constants are shared
    among them, so that no piece is much larger than what it is a piece of.
    """
    sufficient = family.sufficient
    if sufficient is None:
        raise ValueError(family.name)
    offset = centre(family, params)
    weights, smallest = natural_weights(family, params, offset, way)

    def queries(z: Tensor) -> tuple[Tensor, Tensor]:
        statistics, log_base = sufficient(z.double() - offset)
        rows = statistics.new_empty(way.pieces, len(z), weights.shape[2], dtype=way.dtype)
        fill(rows, statistics)
        rows[:, :, -2] = 1.0
        return rows, (log_base - smallest) * LOG2_E

    def log2(
        some: tuple[Tensor, Tensor], reference: Tensor, part: slice, out: Tensor, scratch: Tensor
    ) -> Tensor:
        rows, base = some
        rows[:, :, -1] = (base - reference) / way.pieces
        torch.mm(rows[0], weights[0, part].T, out=out)
        for row, weight in zip(rows[1:], weights[1:], strict=True):
            out += torch.mm(row, weight[part].T, out=scratch)
        return out

    return Pairs(queries, log2, *way)


def natural_weights(
    family: Family, params: Params, offset: Tensor, way: Way
) -> tuple[Float[Tensor, "piece n weight"], Tensor]:
    """Base-2 rows [eta, smallest − log-partition, 1] of the components, and that smallest, in nats.

    Only what the log-partitions are above the smallest need survive the rounding to dtype. A
    stretch at a time is worked out in float64.
    """
    natural = family.natural
    if natural is None:
        raise ValueError(family.name)
    n = size_of(params)
    eta, _ = natural(moved(family, params, slice(0, 1), offset))
    width = math.ceil(eta.shape[1] / way.pieces) + CONSTANTS
    weights = eta.new_empty(way.pieces, n, width, dtype=way.dtype)

    def one(part: slice) -> Tensor:
        eta, log_partition = natural(moved(family, params, part, offset))
        fill(weights[:, part], eta.mul_(LOG2_E))
        return log_partition

    log_partition = torch.cat(share_out(one, stretches(n, rows_at_a_time(params))))
    smallest = log_partition.min()
    weights[:, :, -2] = (smallest - log_partition) * (LOG2_E / way.pieces)
    weights[:, :, -1] = 1.0
    return weights, smallest


def fill(rows: Float[Tensor, "piece n width"], values: Float[Tensor, "n value"]) -> None:
    """Give each piece every so many-th value, and 0 where there is none left for it.

    The constants at its end stay as they are.
    """
    for first, row in enumerate(rows):
        mine = values[:, first :: len(rows)]
        row[:, : mine.shape[1]] = mine
        row[:, mine.shape[1] : -CONSTANTS] = 0.0


def rows_at_a_time(params: Params) -> int:
    """Components whose parameters are about as large as a cache; an accelerator takes all."""
    if next(iter(params.values())).device.type != "cpu":
        return size_of(params)
    values = sum(v[0].numel() for v in params.values())
    return max(1, STRETCH_VALUES // max(1, values))


def density_pairs(family: Family, params: Params) -> Pairs:
    """Pairs by the family's own density in float64."""
    params = {k: v.double() for k, v in params.items()}

    def log2(z: Tensor, reference: Tensor, part: slice, out: Tensor, _: Tensor) -> Tensor:
        q = family.distribution({k: v[part] for k, v in params.items()})
        for row, query in zip(out, z, strict=True):
            row.copy_(q.log_prob(query))
        return out.mul_(LOG2_E).sub_(reference[:, None])

    return Pairs(lambda z: z.double(), log2, torch.float64)


def cross_pairs(family: Family, params: Params) -> Pairs:
    """Pairs by the family's own function of all pairs."""
    cross = family.cross_log_prob
    if cross is None:
        raise ValueError(family.name)

    def log2(z: Tensor, reference: Tensor, part: slice, out: Tensor, _: Tensor) -> Tensor:
        each = cross(z, {k: v[part] for k, v in params.items()})
        return out.copy_(each).mul_(LOG2_E).sub_(reference[:, None])

    return Pairs(lambda z: z, log2, torch.float64)
