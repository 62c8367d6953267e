"""The fast pass: tiles of queries × components, each a matmul and a running log-sum-exp.

Everything is in base 2 inside a tile, because exp2 costs the same whatever it underflows to and exp
does not. The running sums over components are float64.
"""

import itertools
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from genprobe.aggregate.blocks import Blocks, read_ahead, size_of, stretches, take
from genprobe.aggregate.pairs import WAYS, Pairs, by_precision
from genprobe.aggregate.plan import Tile
from genprobe.aggregate.prune import cells, needed, worth
from genprobe.aggregate.reduction import Reduction, plain
from genprobe.aggregate.sums import LogSums, RunningLogSum, joined, replaced
from genprobe.aggregate.tally import Tally, tallied_apart
from genprobe.runtime.outer_threads import share_out
from genprobe.types import Family, Params

PIECE = 1 << 13
"""Components that one thread goes over for some queries: so many tiles that what begins and ends a
piece costs little, and so few that several threads end together."""
OWN_VALUES = 1 << 22
"""Values of z whose own densities are worked out at a time, in float64."""


def log_sums(
    z: Float[Tensor, "m *latent"],
    family: Family,
    blocks: Blocks,
    own: Int64[Tensor, " m"],
    *,
    tile: Tile,
    margin: float | Float64[Tensor, " q"],
    far: float | Float64[Tensor, " q"] = 0.0,
    least: Float64[Tensor, " m"] | None = None,
    reduce: Reduction = plain,
    advance: Callable[[int], None] = lambda count: None,
    waits: bool | None = None,
    tally: Tally | None = None,
) -> LogSums:
    """One pass over all components.

    Args:
        z: queries (m, *latent), on the device where the work is done.
        family: of the components, with natural parameters or cross_log_prob.
        blocks: of the components.
        own: (m,) component each query was drawn from, −1 for none; on the CPU.
        tile: sizes.
        margin: nats of rounding error allowed (see ``by_precision``).
        far: how far below those near a component the pairs that matter lie (see there), nats.
        least: (m,) log densities that may be left out; None to leave out nothing.
        reduce: how a tile is summed.
        advance: called with the number of components done.
        waits: whether to look at values after each tile; on the CPU alone by default.
        tally: what is summed by column, for the first of the queries.
    """
    waits = z.device.type == "cpu" if waits is None else waits
    works = [Pass(z, part, tile, reduce, waits, by) for part, by in tallied_apart(len(z), tally)]
    mine = torch.full((len(z),), -math.inf, dtype=torch.float64, device=z.device)
    rounded, seen = torch.zeros(2, len(WAYS), dtype=torch.float64), 0
    for start, block in read_ahead(blocks(tile.block)):
        params = {k: v.to(z.device) for k, v in block.items()}
        size, pieces = size_of(params), list[Piece]()
        for chosen, prepare in by_precision(family, params, margin, far):
            group = Group(start, chosen, take(params, chosen))
            kept = None
            if least is not None and worth(z, family, group.params, least):
                members = cells(family, group.params)
                kept = needed(z, family, group.params, members, least).cpu()
                group = group.ordered(torch.cat(members))
            column = group.columns(own)
            here = (column >= 0).nonzero().squeeze(1)
            if len(here):
                mine[here] = own_log_prob(z[here], family, group.params, column[here])
            pairs = prepare(group.params)
            way = rounded[:, WAYS.index((pairs.dtype, pairs.pieces))]
            torch.maximum(way, torch.tensor([pairs.margin, pairs.relative]), out=way)
            for work in works:
                rows = work.rows_of(group)
                if kept is None:
                    pieces += work.pieces(pairs, column, len(chosen), rows)
                else:
                    lengths = [len(m) for m in members]
                    pieces += work.pieces_of_cells(pairs, column, lengths, kept, rows)
        for piece, found in zip(pieces, share_out(lambda piece: piece.sums(), pieces), strict=True):
            piece.total.merge(piece.rows, found)
        seen += size
        advance(size)
    sums = joined([work.sums(mine, seen) for work in works])._replace(rounded=rounded)
    again = torch.cat([work.running.doubtful for work in works]).cpu().nonzero().squeeze(1)
    if not len(again):
        return sums
    bound = None if least is None else least[again]
    better = log_sums(
        z[again], family, blocks, own[again], tile=tile, margin=margin, far=far, least=bound,
        reduce=reduce, waits=True, tally=None if tally is None else tally.some(again),
    )  # fmt: skip
    return replaced(sums, again, better)


class Group(NamedTuple):
    """Some components of a block that are done in the same way.

    start: the block's first component.
    chosen: (g,) positions in the block.
    params: each (g, ...).
    """

    start: int
    chosen: Int64[Tensor, " g"]
    params: Params

    def ordered(self, order: Int64[Tensor, " g"]) -> "Group":
        """The same components in another order."""
        return Group(self.start, self.chosen[order], take(self.params, order))

    def columns(self, own: Int64[Tensor, " m"]) -> Int64[Tensor, " m"]:
        """Where each query's own component is among these; −1 where it is not."""
        length = int(self.chosen.max()) + 1
        position = torch.full((length + 1,), -1)
        position[self.chosen] = torch.arange(len(self.chosen))
        inside = (own >= self.start) & (own < self.start + length)
        return position[torch.where(inside, own - self.start, length)]


class Piece(NamedTuple):
    """Some queries with some components: what one thread does at a time.

    total: to which its sums are added.
    rows: the queries, in the total.
    sums: works its own sums out.
    """

    total: RunningLogSum
    rows: slice
    sums: Callable[[], RunningLogSum]


class Pass:
    """A stretch of the queries and their running sums.

    What there is to do is cut into pieces, the same for any number of threads. Each has sums of its
    own, which are merged in order.
    """

    def __init__(
        self,
        z: Float[Tensor, "m *latent"],
        part: slice,
        tile: Tile,
        reduce: Reduction,
        waits: bool,
        tally: Tally | None,
    ) -> None:
        self.z, self.part = z[part], part
        self.tile, self.reduce, self.waits, self.tally = tile, reduce, waits, tally
        self.piece = PIECE if z.device.type == "cpu" else tile.block
        self.running = self._empty(len(self.z))
        self.done = 0
        self._buffers = threading.local()

    def rows_of(self, group: Group) -> Float[Tensor, "g a"] | None:
        """How much of some components belongs to each column that is tallied."""
        if self.tally is None:
            return None
        return self.tally.of(group.start + group.chosen).to(self.z.device)

    def pieces(
        self, pairs: Pairs, column: Int64[Tensor, " m"], size: int, tallied: Tensor | None
    ) -> Iterator[Piece]:
        """Every pair of the queries with so many components."""
        column = column[self.part]

        def sums(rows: slice, components: slice) -> RunningLogSum:
            running = self._empty(rows.stop - rows.start)
            self._add(running, pairs, column[rows], self.z[rows], components, tallied)
            return running

        self.done += size * len(self.z)
        for rows in stretches(len(self.z), self.tile.queries):
            for components in stretches(size, self.piece):
                yield Piece(self.running, rows, partial(sums, rows, components))

    def pieces_of_cells(
        self,
        pairs: Pairs,
        column: Int64[Tensor, " m"],
        lengths: Sequence[int],
        kept: Bool[Tensor, "m cell"],
        tallied: Tensor | None,
    ) -> Iterator[Piece]:
        """The pairs of each cell with the queries that need it."""
        column, kept = column[self.part], kept[self.part]
        edges = [0, *itertools.accumulate(lengths)]

        def sums_of(stretch: slice) -> RunningLogSum:
            sums = self._empty(len(self.z))
            for cell in range(stretch.start, stretch.stop):
                wanted = kept[:, cell].nonzero().squeeze(1)
                for some in stretches(len(wanted), self.tile.queries):
                    rows = wanted[some]
                    running = sums.at(rows)
                    part = slice(edges[cell], edges[cell + 1])
                    self._add(running, pairs, column[rows], self.z[rows], part, tallied)
                    sums.put(rows, running)
            return sums

        self.done += int((kept.sum(0) * torch.tensor(lengths)).sum())
        together = max(1, self.piece // max(lengths))
        for stretch in stretches(len(lengths), together):
            yield Piece(self.running, slice(None), partial(sums_of, stretch))

    def _add(
        self,
        running: RunningLogSum,
        pairs: Pairs,
        column: Int64[Tensor, " q"],
        z: Float[Tensor, "q *latent"],
        components: slice,
        tallied: Float[Tensor, "g a"] | None,
    ) -> None:
        """Some queries with a stretch of components, without the queries' own."""
        queries = pairs.queries(z)
        parts = list(stretches(components.stop, self.tile.components, components.start))
        owned, order = column.sort()
        edges = owned.new_tensor([part.start for part in parts] + [components.stop])
        bounds = torch.searchsorted(owned, edges).tolist()
        owned, order = owned.to(z.device), order.to(z.device)
        for part, low, high in zip(parts, bounds, bounds[1:], strict=False):
            out, scratch = self._scratch(pairs.dtype, len(owned), part.stop - part.start)
            log2 = pairs.log2(queries, running.reference, part, out, scratch)
            if low < high:
                log2[order[low:high], owned[low:high] - part.start] = -math.inf
            running.add(log2, scratch, None if tallied is None else tallied[part])

    def _empty(self, m: int) -> RunningLogSum:
        return RunningLogSum.empty(m, self.z.device, self.reduce, self.waits, self.tally)

    def _scratch(self, dtype: torch.dtype, queries: int, components: int) -> Tensor:
        """Two buffers (2, queries, components) of this thread, made once: fresh memory is slow."""
        if not hasattr(self._buffers, "of"):
            self._buffers.of = {}
        buffers: dict[torch.dtype, Tensor] = self._buffers.of
        if dtype not in buffers:
            most = self.tile.queries * self.tile.components
            buffers[dtype] = torch.empty(2, most, dtype=dtype, device=self.z.device)
        found = buffers[dtype][:, : queries * components]
        return found.view(2, queries, components)

    def sums(self, own: Float64[Tensor, " m"], n: int) -> LogSums:
        """What the pass found over n components."""
        by_column = self.running.tally
        tallied = None if by_column is None else by_column.tallied(self.running.sum)
        return LogSums(
            others=self.running.log_sum().cpu(),
            own=own[self.part].cpu(),
            largest=self.running.largest().cpu(),
            entropy=self.running.entropy().cpu(),
            skipped=1 - self.done / max(1, n * len(self.z)),
            tallied=tallied,
        )


def own_log_prob(
    z: Tensor, family: Family, params: Params, position: Int64[Tensor, " k"]
) -> Float64[Tensor, " k"]:
    """Log q(z|x_own) in float64 by the family's own density, so many at a time."""
    found = []
    for part in stretches(len(z), max(1, OWN_VALUES // max(1, z[0].numel()))):
        chosen = {k: v[position[part]].double() for k, v in params.items()}
        found.append(family.distribution(chosen).log_prob(z[part].double()).double())
    return torch.cat(found)
