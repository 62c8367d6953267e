"""Running sums over components, so that nothing over- or underflows: Σ 2^p, Σ 2^p p, the largest.

Everything is relative to a reference of each query's own, its largest pair when it was first seen;
it moves only when a later pair outgrows what float32 holds. Beside the sum goes the entropy of the
components' shares, by the chain rule: of two sets with sums a and b,

    H = w H_a + (1 − w) H_b + h(w),   w = a / (a + b),   h the entropy of a coin.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor
from torch.nn.functional import softplus

from genprobe.aggregate.reduction import Reduction, plain, tallied
from genprobe.aggregate.tally import (
    LN_2,
    RunningTally,
    Tallied,
    Tally,
    merged_tally,
    replaced_tally,
)

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
    tallied: of the others, for the first so many queries; None if nothing was tallied.
    """

    others: Float64[Tensor, " m"]
    own: Float64[Tensor, " m"]
    largest: Float64[Tensor, " m"]
    entropy: Float64[Tensor, " m"]
    rounded: Float64[Tensor, "2 way"] = NOTHING
    skipped: float = 0.0
    tallied: Tallied | None = None


SUMS = ("others", "own", "largest", "entropy")


def merged(parts: Sequence[LogSums]) -> LogSums:
    """The sums of disjoint sets of components as one, for the same queries."""
    others, own, largest, entropy = (
        torch.stack([getattr(p, name) for p in parts]) for name in SUMS
    )
    whole = others.logsumexp(0)
    share = (others - whole).exp().nan_to_num(0.0)
    tallies = [part.tallied for part in parts if part.tallied is not None]
    return LogSums(
        others=whole,
        own=own.amax(0),
        largest=largest.amax(0),
        entropy=(share * entropy + torch.special.entr(share)).sum(0),
        tallied=merged_tally(tallies, share) if tallies else None,
    )


def joined(parts: Sequence[LogSums]) -> LogSums:
    """The sums of stretches of queries over the same components, in order, those tallied first."""
    sizes = [len(part.own) for part in parts]
    fields: dict[str, Any] = {
        name: torch.cat([getattr(part, name) for part in parts]) for name in SUMS
    }
    skipped = sum(size * part.skipped for size, part in zip(sizes, parts, strict=True))
    tallies = [part.tallied for part in parts if part.tallied is not None]
    if tallies:
        shares, moments = (torch.cat(values) for values in list(zip(*tallies, strict=True))[:2])
        fields["tallied"] = Tallied(shares, moments, tallies[0].columns)
    return parts[0]._replace(**fields, skipped=skipped / max(1, sum(sizes)))


def replaced(sums: LogSums, some: Int64[Tensor, " k"], better: LogSums) -> LogSums:
    """Sums with those of some queries replaced."""
    fields: dict[str, Any] = {
        name: getattr(sums, name).index_copy(0, some, getattr(better, name)) for name in SUMS
    }
    if sums.tallied is not None and better.tallied is not None:
        fields["tallied"] = replaced_tally(sums.tallied, some, better.tallied)
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
        tally: shares by column; None if they are not wanted.
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
        tally: RunningTally | None = None,
    ) -> None:
        self.reference, self.fresh = reference, fresh
        self.sum, self.moment, self.top = sum, moment, top
        self.doubtful = doubtful
        self.reduce, self.waits, self.tally = reduce, waits, tally
        self._settled = False

    @classmethod
    def empty(
        cls,
        m: int,
        device: torch.device | None = None,
        reduce: Reduction = plain,
        waits: bool = True,
        tally: Tally | None = None,
    ) -> "RunningLogSum":
        """No pairs yet.

        Args:
            m: number of queries.
            device: where the sums are; the CPU by default.
            reduce: how a tile is summed.
            waits: whether to look at values while pairs are added.
            tally: what is summed by column.
        """
        reference, total, moment, top = torch.zeros(4, m, dtype=torch.float64, device=device)
        fresh = torch.ones(m, dtype=torch.bool, device=device)
        running = None
        if tally is not None:
            running = RunningTally.empty(m, tally.width, tally.moments, device)
        parts = (reference, fresh, total, moment, top, ~fresh)
        return cls(*parts, reduce=reduce, waits=waits, tally=running)

    def _parts(self) -> tuple[Tensor, ...]:
        return self.reference, self.fresh, self.sum, self.moment, self.top, self.doubtful

    def at(self, part: Part) -> "RunningLogSum":
        """Those of some queries: of a stretch the very same, of positions a copy."""
        parts = (values[part] for values in self._parts())
        tally = None if self.tally is None else self.tally.at(part)
        return RunningLogSum(*parts, reduce=self.reduce, waits=self.waits, tally=tally)

    def put(self, part: Part, some: "RunningLogSum") -> None:
        """Take over those of some queries."""
        for mine, theirs in zip(self._parts(), some._parts(), strict=True):
            mine[part] = theirs
        if self.tally is not None and some.tally is not None:
            self.tally.put(part, some.tally)

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
        if mine.tally is not None and other.tally is not None:
            mine.tally.merge(other.tally)
        self.put(part, mine)

    def add(
        self,
        pairs: Float[Tensor, "m components"],
        scratch: Float[Tensor, "m components"],
        rows: Float[Tensor, "components a"] | None = None,
    ) -> None:
        """Add a tile.

        Args:
            pairs: base-2 logs less the queries' reference; changed. −inf is no pair.
            scratch: of the same shape; overwritten.
            rows: how much of each component belongs to each column of the tally.
        """
        if not self.waits:
            self._add_without_waiting(pairs, scratch, rows)
            return
        if not self._settled:
            self._raise(pairs, None if self.fresh.all() else self.fresh.nonzero().squeeze(1))
            self._settled = not bool(self.fresh.any())
        found = self._sums(pairs, scratch, rows, self.reduce)
        if float(found[1].max()) > HUGE:
            high = (found[1] > HUGE).nonzero().squeeze(1)
            self._raise(pairs, high)
            again = pairs[high]
            better = self._sums(again, torch.empty_like(again), rows, plain)
            for values, new in zip(found, better, strict=True):
                values[high] = new
        self._take(*found)

    def _sums(
        self, pairs: Tensor, scratch: Tensor, rows: Tensor | None, reduce: Reduction
    ) -> tuple[Tensor, ...]:
        """Sum, largest and moment of each row, and what is tallied."""
        if rows is None or self.tally is None:
            return reduce(pairs, scratch)
        sums, *more = tallied(pairs, scratch, rows.to(pairs.dtype), self.tally.columns)
        return *sums, *more

    def _add_without_waiting(self, pairs: Tensor, scratch: Tensor, rows: Tensor | None) -> None:
        """Add a tile; what the first reference does not do for becomes doubtful."""
        if not self._settled:
            self._raise(pairs, None)
            self._settled = True
        found = self._sums(pairs, scratch, rows, self.reduce)
        self.doubtful |= self.fresh | (found[1] > HUGE)
        self._take(*found)

    def _take(self, total: Tensor, top: Tensor, moment: Tensor, *tally: Tensor) -> None:
        self.sum += total
        self.moment += moment
        torch.maximum(self.top, top.double(), out=self.top)
        if self.tally is not None and tally:
            self.tally.sums += tally[0]
            self.tally.moments += tally[1]

    def _raise(self, pairs: Tensor, chosen: Int64[Tensor, " some"] | None) -> None:
        """Move the reference of some rows to their largest pair, and all that hangs on it.

        Never down: what was summed would overflow.
        """
        if chosen is not None and not len(chosen):
            return
        rows = slice(None) if chosen is None else chosen
        some = pairs[rows]
        largest = some.amax(1)
        seen = largest > -math.inf
        step = largest.where(seen & (self.fresh[rows] | (largest > 0)), 0.0)
        some.sub_(step[:, None])
        if chosen is not None:
            pairs[rows] = some
        self._move(rows, step.double())
        self.fresh[rows] &= ~seen

    def _move(self, rows: Part, step: Float64[Tensor, " some"]) -> None:
        """Move the reference of some rows, and all that hangs on it; what is fresh has nothing."""
        factor = torch.exp2(-step).where(~self.fresh[rows], 0.0)
        if self.tally is not None:
            self.tally.move(rows, factor, step)
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
