r"""Shares of the aggregate posterior summed by column, in the same pass over the components.

.. math::

    f_a(z) = \sum_n s_n T_{na}, \qquad m_b(z) = \sum_n s_n T_{nb} \log s_n, \qquad
    s_n = \frac{q(z|x_n)}{\sum_j q(z|x_j)}

T says how much of each component belongs to which column: for labels one column a class, and 1
where an example has that class. So one matmul a tile serves all classes of all labels. Of two sets
of components that have the shares w and 1 − w of the sum of all,

.. math::

    f = w f_1 + (1 - w) f_2, \qquad
    m = w (m_1 + f_1 \log w) + (1 - w) (m_2 + f_2 \log (1 - w))
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

LN_2 = math.log(2)


@dataclass(frozen=True, kw_only=True, eq=False)
class Tally:
    """What is summed besides, and for which queries.

    Attributes:
        rows: (n, a) a ``scipy.sparse.csr_array``: T of every component.
        moments: (b,) columns of which m is wanted besides.
        queries: so many of the first queries are tallied.
    """

    rows: Any
    moments: tuple[int, ...] = ()
    queries: int

    @property
    def width(self) -> int:
        """How many columns there are."""
        return int(self.rows.shape[1])

    def of(self, index: Int64[Tensor, " g"]) -> Float[Tensor, "g a"]:
        """T of some components, float32."""
        return torch.from_numpy(self.rows[index.numpy()].toarray()).float()

    def some(self, chosen: Int64[Tensor, " k"]) -> "Tally":
        """The same for some queries in ascending order."""
        return Tally(
            rows=self.rows, moments=self.moments, queries=int((chosen < self.queries).sum())
        )


class Tallied(NamedTuple):
    """Shares by column, float64, each (m, ...).

    shares: (m, a) f of every query.
    moments: (m, b) m of the columns it is wanted of, nats.
    columns: (b,) which those are.
    """

    shares: Float64[Tensor, "m a"]
    moments: Float64[Tensor, "m b"]
    columns: tuple[int, ...] = ()

    def weighted(self, weight: Float64[Tensor, " m"]) -> tuple[Tensor, Tensor]:
        """What this set adds where it has so much of the sum of all."""
        own = weight[:, None]
        of_moments = self.shares[:, list(self.columns)]
        return own * self.shares, own * self.moments + torch.special.xlogy(own, own) * of_moments


def tallied_of(
    shares: Float64[Tensor, "m n"], rows: Float64[Tensor, "n a"], columns: tuple[int, ...]
) -> Tallied:
    """The tally of shares.

    Args:
        shares: of all components.
        rows: T of each.
        columns: of which the moments are wanted.
    """
    moments = torch.special.xlogy(shares, shares) @ rows[:, list(columns)]
    return Tallied(shares @ rows, moments, columns)


def merged_tally(parts: Sequence[Tallied], weights: Float64[Tensor, "set m"]) -> Tallied:
    """Disjoint sets of components as one.

    Args:
        parts: of each set.
        weights: (set, m) the share of each in the sum of all.

    Example:
        >>> one = Tallied(torch.ones(1, 1).double(), torch.zeros(1, 1).double(), (0,))
        >>> both = merged_tally([one, one], torch.full((2, 1), 0.5).double())
        >>> round(float(both.moments), 4)  # −log 2
        -0.6931
    """
    added = zip(*(p.weighted(w) for p, w in zip(parts, weights, strict=True)), strict=True)
    shares, moments = (torch.stack(values).sum(0) for values in added)
    return Tallied(shares, moments, parts[0].columns)


def tallied_apart(m: int, tally: Tally | None) -> list[tuple[slice, Tally | None]]:
    """The queries that are tallied and those that are not, each a stretch of the m."""
    first = 0 if tally is None else min(m, tally.queries)
    parts: list[tuple[slice, Tally | None]] = [(slice(0, first), tally)] if first else []
    return parts if first == m > 0 else [*parts, (slice(first, m), None)]


def replaced_tally(tallied: Tallied, some: Int64[Tensor, " k"], better: Tallied) -> Tallied:
    """A tally with that of some queries replaced.

    Args:
        tallied: of the first queries.
        some: which queries, ascending; those that are not tallied come last.
        better: of those that are.
    """
    mine = some[: len(better.shares)]
    return Tallied(
        tallied.shares.index_copy(0, mine, better.shares),
        tallied.moments.index_copy(0, mine, better.moments),
        tallied.columns,
    )


class RunningTally:
    """Sums of the shares of some queries over the components seen so far, changed in place.

    Attributes:
        sums: (m, a) Σ 2^p T, relative to the queries' reference.
        moments: (m, b) Σ 2^p p T.
        columns: (b,) of the moments.
    """

    def __init__(self, sums: Tensor, moments: Tensor, columns: tuple[int, ...]) -> None:
        self.sums, self.moments, self.columns = sums, moments, columns

    @classmethod
    def empty(
        cls, m: int, width: int, columns: tuple[int, ...], device: torch.device | None
    ) -> "RunningTally":
        """No components yet."""
        sums = torch.zeros(m, width, dtype=torch.float64, device=device)
        moments = torch.zeros(m, len(columns), dtype=torch.float64, device=device)
        return cls(sums, moments, columns)

    def at(self, part: Any) -> "RunningTally":
        """Those of some queries."""
        return RunningTally(self.sums[part], self.moments[part], self.columns)

    def put(self, part: Any, some: "RunningTally") -> None:
        """Take over those of some queries."""
        self.sums[part], self.moments[part] = some.sums, some.moments

    def merge(self, other: "RunningTally") -> None:
        """Add the sums over other components, of the same reference."""
        self.sums += other.sums
        self.moments += other.moments

    def move(self, rows: Any, factor: Tensor, step: Tensor) -> None:
        """Move the reference of some queries by a step, whose 2^−step is the factor."""
        of_moments = self.sums[rows][:, list(self.columns)]
        moved = self.moments[rows] - step[:, None] * of_moments
        self.moments[rows] = factor[:, None] * moved
        self.sums[rows] = factor[:, None] * self.sums[rows]

    def tallied(self, total: Float64[Tensor, " m"]) -> Tallied:
        """As shares of the sum of all components seen; 0 where nothing was."""
        safe = total.where(total > 0, 1.0)[:, None]
        shares = self.sums / safe
        of_moments = shares[:, list(self.columns)]
        moments = self.moments / safe * LN_2 - of_moments * safe.log()
        return Tallied(shares.cpu(), moments.cpu(), self.columns)
