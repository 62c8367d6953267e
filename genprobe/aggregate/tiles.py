"""The fast pass: tiles of queries × components, each one matmul and a running log-sum-exp.

For an exponential family log q(z_m|x_n) = statistics_m · eta_n − log_partition_n + log_base_m, so
a tile is a matmul. Everything is in base 2 inside a tile, because exp2 costs the same whatever it
underflows to and exp does not. The running sum over components is kept in float64.

Beside the sum goes the entropy of the components' shares, by the chain rule: of two sets with sums
a and b, H = w H_a + (1 − w) H_b + h(w), w = a / (a + b), h the entropy of a coin.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor
from torch.nn.functional import softplus

from genprobe.aggregate.plan import Tile, plan_tile
from genprobe.types import Family, Params

LOG2_E = math.log2(math.e)
BOUND = 2e-4
"""Nats of rounding error that a component may have before its pairs are done more precisely."""

NEGLIGIBLE = -126.0
"""Base 2, below the largest: less would be a denormal number, which is slow and adds nothing."""

Pairs = Callable[[Family, Params, Tensor], Callable[[slice], Tensor]]
"""Family, parameters and queries to a function that gives base-2 log densities of a stretch."""


class LogSums(NamedTuple):
    """Sums of a pass, in nats and float64, one a query.

    others: log Σ q(z|x_n) over every component but the query's own.
    own: log q(z|x_own), −inf where a query has no own component.
    largest: the largest log q(z|x_n) among the others.
    entropy: of the shares of the others, each in their sum.
    """

    others: Float64[Tensor, " m"]
    own: Float64[Tensor, " m"]
    largest: Float64[Tensor, " m"]
    entropy: Float64[Tensor, " m"]


def log_sums(
    z: Float[Tensor, "m *latent"],
    family: Family,
    blocks: Callable[[], Iterable[tuple[int, Params]]],
    own: Int64[Tensor, " m"],
    dtype: torch.dtype,
    tile: Tile | None,
    advance: Callable[[int], None],
) -> LogSums:
    """One pass over all components.

    Args:
        z: queries (m, *latent).
        family: of the components, with natural parameters or cross_log_prob.
        blocks: (first component, parameters) in order.
        own: (m,) component each query was drawn from, −1 for none.
        dtype: of the pairs.
        tile: sizes; planned if None.
        advance: called with the number of components done.
    """
    running = RunningLogSum(len(z))
    mine = torch.full((len(z),), -math.inf, dtype=torch.float64)
    sizes = tile or plan_tile(len(z), 2 * z[0].numel())
    for start, block in split_blocks(blocks(), sizes.components):
        size = len(next(iter(block.values())))
        for chosen, pairs in by_precision(family, block, dtype):
            params = {k: v[chosen] for k, v in block.items()}
            position = torch.full((size,), -1).index_put((chosen,), torch.arange(len(chosen)))
            inside = (own >= start) & (own < start + size)
            column = torch.where(inside, position[(own - start).clamp(0, size - 1)], -1)
            here = (column >= 0).nonzero().squeeze(1)
            if len(here):
                mine[here] = own_log_prob(z[here], family, params, column[here])
            log2_of = pairs(family, params, z)
            for low in range(0, len(z), sizes.queries):
                part = slice(low, min(len(z), low + sizes.queries))
                log2 = log2_of(part)
                owners = here[(here >= part.start) & (here < part.stop)]
                log2[owners - part.start, column[owners]] = -math.inf
                running.add(part, log2)
        advance(size)
    return LogSums(
        others=running.log_sum(),
        own=mine,
        largest=running.top / LOG2_E,
        entropy=running.entropy(),
    )


class RunningLogSum:
    """Running base-2 maximum, sum, and sum of pairs times their logs; nothing over- or underflows.

    Attributes:
        top: (m,) the largest log2 pair yet.
        sum: (m,) of 2^(log2 − top).
        moment: (m,) of 2^(log2 − top) (log2 − top).
    """

    def __init__(self, m: int) -> None:
        self.top = torch.full((m,), -math.inf, dtype=torch.float64)
        self.sum = torch.zeros(m, dtype=torch.float64)
        self.moment = torch.zeros(m, dtype=torch.float64)

    def add(self, part: slice, log2: Float[Tensor, "queries components"]) -> None:
        """Add a tile's pairs, destroying them."""
        top = torch.maximum(self.top[part], log2.amax(1).double())
        # A tile may hold nothing but excluded pairs; then there is no finite maximum to subtract.
        reference = top.nan_to_num(neginf=0.0)
        log2.sub_(reference.to(log2.dtype)[:, None]).clamp_(min=NEGLIGIBLE)
        shares = log2.exp2()
        raised = (self.top[part] - reference).clamp(min=NEGLIGIBLE)
        factor = raised.exp2().where(self.sum[part] > 0, 0.0)
        moment = factor * (self.moment[part] + raised * self.sum[part])
        self.sum[part] = factor * self.sum[part] + shares.sum(1).double()
        self.moment[part] = moment + log2.mul_(shares).sum(1).double()
        self.top[part] = top

    def log_sum(self) -> Float64[Tensor, " m"]:
        """The logarithm of the sums, nats."""
        return self.top / LOG2_E + self.sum.log().where(self.top > -math.inf, 0.0)

    def entropy(self) -> Float64[Tensor, " m"]:
        """Entropy of the shares, nats."""
        found = self.sum.log() - self.moment / self.sum / LOG2_E
        return found.where(self.top > -math.inf, 0.0).clamp(min=0.0)


def merged_entropy(
    first: tuple[Float64[Tensor, " *m"], Float64[Tensor, " *m"]],
    second: tuple[Float64[Tensor, " *m"], Float64[Tensor, " *m"]],
) -> Float64[Tensor, " *m"]:
    """Entropy of the shares of two sets of components together, nats.

    Args:
        first: log of its sum, entropy of its shares.
        second: likewise.
    """
    (a, of_a), (b, of_b) = first, second
    ahead = a - b
    weight = ahead.sigmoid().nan_to_num(0.5)
    coin = weight * softplus(-ahead) + (1 - weight) * softplus(ahead)
    return weight * of_a + (1 - weight) * of_b + coin.where(ahead.isfinite(), 0.0)


def by_precision(
    family: Family, params: Params, dtype: torch.dtype
) -> Iterator[tuple[Int64[Tensor, " some"], Pairs]]:
    """The components of a block in groups, each with the cheapest pairs that are accurate enough.

    Expanded into statistics · eta, the parts of an exponent cancel down to what is left of them.
    The rounding error of a component is bounded by the sum of the parts' sizes at its own mean,
    times the precision; where that is too large for float32 the matmul is in float64, and where it
    is too large for that, each pair is the family's own density.

    Args:
        family: of the components.
        params: of a block of components, each (n, ...).
        dtype: float64 rules float32 out.
    """
    size = len(next(iter(params.values())))
    everything = torch.arange(size)
    if family.natural is None or family.sufficient is None:
        yield everything, cross_pairs
        return
    parts = cancelling_parts(family, params)
    precise = [(torch.float32, matmul_pairs_32), (torch.float64, matmul_pairs_64)]
    for kind, pairs in precise[dtype == torch.float64 :]:
        fine = parts * torch.finfo(kind).eps <= BOUND
        if fine.any():
            yield everything[fine], pairs
        everything, parts = everything[~fine], parts[~fine]
    if len(everything):
        yield everything, density_pairs


def cancelling_parts(family: Family, params: Params) -> Float64[Tensor, " n"]:
    """Sum of the sizes of the parts of each component's exponent, at its own mean; nats."""
    if family.natural is None or family.sufficient is None:
        raise ValueError(family.name)
    params = {k: v.double() for k, v in params.items()}
    means = family.distribution(params).mean
    if family.translate is not None:
        offset = means.mean(0)
        params, means = family.translate(params, offset), means - offset
    statistics, _ = family.sufficient(means)
    return (statistics * family.natural(params)[0]).abs().sum(1)


def matmul_pairs_32(family: Family, params: Params, z: Tensor) -> Callable[[slice], Tensor]:
    """Pairs by a float32 matmul; see ``matmul_pairs``."""
    return matmul_pairs(family, params, z, torch.float32)


def matmul_pairs_64(family: Family, params: Params, z: Tensor) -> Callable[[slice], Tensor]:
    """Pairs by a float64 matmul; see ``matmul_pairs``."""
    return matmul_pairs(family, params, z, torch.float64)


def matmul_pairs(
    family: Family, params: Params, z: Tensor, dtype: torch.dtype
) -> Callable[[slice], Tensor]:
    """A function from a stretch of queries to base-2 log densities (queries, components)."""
    if family.natural is None or family.sufficient is None:
        raise ValueError(family.name)
    params = {k: v.double() for k, v in params.items()}
    offset = torch.zeros(z.shape[1:], dtype=torch.float64)
    if family.translate is not None:
        offset = family.distribution(params).mean.mean(0)
        params = family.translate(params, offset)
    eta, log_partition = family.natural(params)
    weights = (eta * LOG2_E).to(dtype).T.contiguous()
    bias = (-log_partition * LOG2_E).to(dtype)
    sufficient = family.sufficient

    def log2_of(part: slice) -> Tensor:
        statistics, log_base = sufficient(z[part].double() - offset)
        log2 = torch.addmm(bias, statistics.to(dtype), weights)
        return log2.add_((log_base * LOG2_E).to(dtype)[:, None])

    return log2_of


def density_pairs(family: Family, params: Params, z: Tensor) -> Callable[[slice], Tensor]:
    """Pairs by the family's own density in float64, which does not cancel."""
    distribution = family.distribution({k: v.double() for k, v in params.items()})

    def log2_of(part: slice) -> Tensor:
        each = [distribution.log_prob(query) for query in z[part].double()]
        return torch.stack(each).double() * LOG2_E

    return log2_of


def cross_pairs(family: Family, params: Params, z: Tensor) -> Callable[[slice], Tensor]:
    """Pairs by the family's own function of all pairs."""
    cross = family.cross_log_prob
    if cross is None:
        raise ValueError(family.name)
    return lambda part: cross(z[part], params).double() * LOG2_E


def own_log_prob(
    z: Tensor, family: Family, params: Params, position: Int64[Tensor, " k"]
) -> Float64[Tensor, " k"]:
    """Log q(z|x_own) in float64 by the family's own density."""
    chosen = {k: v[position].double() for k, v in params.items()}
    return family.distribution(chosen).log_prob(z.double()).double()


def split_blocks(blocks: Iterable[tuple[int, Params]], rows: int) -> Iterator[tuple[int, Params]]:
    """The same components in stretches of at most so many."""
    for start, params in blocks:
        size = len(next(iter(params.values())))
        for low in range(0, size, rows):
            yield start + low, {k: v[low : low + rows] for k, v in params.items()}
