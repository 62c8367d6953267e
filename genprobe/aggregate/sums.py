"""Running sums over components, so that nothing over- or underflows: Σ 2^p, Σ 2^p p, the largest.

Everything is relative to a reference of each query's own, its largest pair when it was first seen;
it moves only when a later pair outgrows what float32 holds. Beside the sum goes the entropy of the
components' shares, by the chain rule: of two sets with sums a and b,

    H = w H_a + (1 − w) H_b + h(w),   w = a / (a + b),   h the entropy of a coin.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor
from torch.nn.functional import softplus

from genprobe.aggregate.reduction import Reduction, plain

LN_2 = math.log(2)
HUGE = 2.0**100
"""A pair so far above the reference moves it, before float32 overflows."""
NOTHING = torch.zeros(2, 1, dtype=torch.float64)

Part = slice | Tensor
"""Which queries: a stretch, or their positions."""


class LogSums(NamedTuple):
    """Sums of a pass, in nats and float64, one a query.

    others: log Σ q(z|x_n) over every component but the query's own.
    own: log q(z|x_own), −inf where a query has no own component.
    largest: the largest log q(z|x_n) among the others.
    entropy: of the shares of the others, each in their sum.
    rounded: (2, way) what rounding may have done to the pairs worked out in each way: to those
        near a component, nats, and besides as a share of how far below that a pair lies.
    skipped: share of the pairs that were left out.
    """

    others: Float64[Tensor, " m"]
    own: Float64[Tensor, " m"]
    largest: Float64[Tensor, " m"]
    entropy: Float64[Tensor, " m"]
    rounded: Float64[Tensor, "2 way"] = NOTHING
    skipped: float = 0.0


def replaced(sums: LogSums, some: Int64[Tensor, " k"], better: LogSums) -> LogSums:
    """Sums with those of some queries replaced."""
    fields = {
        name: getattr(sums, name).index_copy(0, some, getattr(better, name))
        for name in ("others", "own", "largest", "entropy")
    }
    return sums._replace(**fields)


class RunningLogSum:
    """Sums of some queries over the components seen so far, float64; all are changed in place.

    On the CPU a reference is looked at after each tile. An accelerator would wait for that: there
    the first tile gives it, and queries for which that was not enough are doubtful.

    Attributes:
        reference: (m,) base-2 logarithm that the rest is relative to; 0 until a pair was seen.
        fresh: (m,) whether no pair with a density was seen yet.
        sum: (m,) Σ 2^p.
        moment: (m,) Σ 2^p p.
        top: (m,) the largest 2^p.
        doubtful: (m,) whether the sums may be wrong.
        reduce: how a tile is summed.
        waits: whether to look at values while pairs are added.
    """

    def __init__(
        self,
        reference: Tensor,
        fresh: Tensor,
        sum: Tensor,
        moment: Tensor,
        top: Tensor,
        doubtful: Tensor,
        *,
        reduce: Reduction,
        waits: bool,
    ) -> None:
        self.reference, self.fresh = reference, fresh
        self.sum, self.moment, self.top = sum, moment, top
        self.doubtful = doubtful
        self.reduce, self.waits = reduce, waits
        self._settled = False

    @classmethod
    def empty(
        cls,
        m: int,
        device: torch.device | None = None,
        reduce: Reduction = plain,
        waits: bool = True,
    ) -> "RunningLogSum":
        """No pairs yet.

        Args:
            m: number of queries.
            device: where the sums are; the CPU by default.
            reduce: how a tile is summed.
            waits: whether to look at values while pairs are added.
        """
        reference, total, moment, top = torch.zeros(4, m, dtype=torch.float64, device=device)
        fresh = torch.ones(m, dtype=torch.bool, device=device)
        return cls(reference, fresh, total, moment, top, ~fresh, reduce=reduce, waits=waits)

    def _parts(self) -> tuple[Tensor, ...]:
        return self.reference, self.fresh, self.sum, self.moment, self.top, self.doubtful

    def at(self, part: Part) -> "RunningLogSum":
        """Those of some queries: of a stretch the very same, of positions a copy."""
        parts = (values[part] for values in self._parts())
        return RunningLogSum(*parts, reduce=self.reduce, waits=self.waits)

    def put(self, part: Part, some: "RunningLogSum") -> None:
        """Take over those of some queries."""
        for mine, theirs in zip(self._parts(), some._parts(), strict=True):
            mine[part] = theirs

    def merge(self, part: Part, other: "RunningLogSum") -> None:
        """Add the sums of other pairs to those of some queries.

        Args:
            part: the queries.
            other: their sums over components that are not among these; changed.
        """
        mine, new = self.at(part), other.fresh
        reference = torch.maximum(mine.reference, other.reference)
        reference = reference.where(~mine.fresh, other.reference).where(~new, mine.reference)
        mine._move(slice(None), reference - mine.reference)
        other._move(slice(None), reference - other.reference)
        mine.sum += other.sum
        mine.moment += other.moment
        torch.maximum(mine.top, other.top, out=mine.top)
        mine.fresh &= new
        mine.doubtful |= other.doubtful
        self.put(part, mine)

    def add(
        self,
        pairs: Float[Tensor, "m components"],
        scratch: Float[Tensor, "m components"],
    ) -> None:
        """Add a tile.

        Args:
            pairs: base-2 logs less the queries' reference; changed. −inf is no pair.
            scratch: of the same shape; overwritten.
        """
        if not self.waits:
            self._add_without_waiting(pairs, scratch)
            return
        if not self._settled:
            self._raise(pairs, self.fresh.nonzero().squeeze(1))
            self._settled = not bool(self.fresh.any())
        total, top, moment = self.reduce(pairs, scratch)
        if float(top.max()) > HUGE:
            rows = (top > HUGE).nonzero().squeeze(1)
            self._raise(pairs, rows)
            again = pairs[rows]
            total[rows], top[rows], moment[rows] = plain(again, torch.empty_like(again))
        self._take(total, top, moment)

    def _add_without_waiting(self, pairs: Tensor, scratch: Tensor) -> None:
        """Add a tile; what the first reference does not do for becomes doubtful."""
        if not self._settled:
            self._raise(pairs, None)
            self._settled = True
        total, top, moment = self.reduce(pairs, scratch)
        self.doubtful |= self.fresh | (top > HUGE)
        self._take(total, top, moment)

    def _take(self, total: Tensor, top: Tensor, moment: Tensor) -> None:
        self.sum += total
        self.moment += moment
        torch.maximum(self.top, top.double(), out=self.top)

    def _raise(self, pairs: Tensor, chosen: Int64[Tensor, " some"] | None) -> None:
        """Move the reference of some rows to their largest pair, and all that hangs on it."""
        if chosen is not None and not len(chosen):
            return
        rows = slice(None) if chosen is None else chosen
        some = pairs[rows]
        largest = some.amax(1)
        seen = largest > -math.inf
        step = largest.where(seen, 0.0)
        some.sub_(step[:, None])
        if chosen is not None:
            pairs[rows] = some
        self._move(rows, step.double())
        self.fresh[rows] &= ~seen

    def _move(self, rows: Part, step: Float64[Tensor, " some"]) -> None:
        """Move the reference of some rows, and all that hangs on it; what is fresh has nothing."""
        factor = torch.exp2(-step).where(~self.fresh[rows], 0.0)
        self.moment[rows] = factor * (self.moment[rows] - step * self.sum[rows])
        self.sum[rows] *= factor
        self.top[rows] *= factor
        self.reference[rows] += step

    def log_sum(self) -> Float64[Tensor, " m"]:
        """The logarithm of the sums, nats; −inf where there was nothing to sum."""
        return self._nats(self.sum)

    def largest(self) -> Float64[Tensor, " m"]:
        """The logarithm of the largest pair, nats."""
        return self._nats(self.top)

    def _nats(self, values: Tensor) -> Tensor:
        return (self.reference * LN_2 + values.log()).where(~self.fresh, -math.inf)

    def entropy(self) -> Float64[Tensor, " m"]:
        """Entropy of the shares, nats."""
        found = self.sum.log() - self.moment / self.sum * LN_2
        return found.where(~self.fresh, 0.0).clamp(min=0.0)


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
