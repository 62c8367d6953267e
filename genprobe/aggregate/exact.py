"""The aggregate posterior in float64, each pair by the family's own density.

For a normal that is the difference form ((z − loc) / scale)², which does not cancel. It is the
truth the fast pass is checked against, and the way out where nothing faster holds.
"""

import math

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from genprobe.aggregate.blocks import Blocks, size_of, stretches, width_of
from genprobe.aggregate.sums import LogSums, joined, merged
from genprobe.aggregate.tally import Tally, tallied_apart, tallied_of
from genprobe.runtime.outer_threads import share_out
from genprobe.types import Family, Params

PAIR_VALUES = 1 << 22
"""Values of the components read at a time: about 32 MiB of float64."""
QUERIES = 8
CACHED_VALUES = 1 << 19
"""Values of pairs worked out at a time, of so many queries at most: they stay in the cache for the
passes that a density takes over them, and what hangs on the component alone is worked out once for
all of these queries."""
PIECE_VALUES, PIECE_PAIRS = 1 << 22, 1 << 18
"""Values of pairs, and pairs, that are summed at a time by one thread. Each of the many operations
of a sum waits for the others' threads, so that few large ones are better."""


def exact_log_sums(
    z: Float[Tensor, "m *latent"],
    family: Family,
    blocks: Blocks,
    own: Int64[Tensor, " m"],
    tally: Tally | None = None,
) -> LogSums:
    """Log Σ_n q(z|x_n) without and with the own component, in float64.

    Args:
        z: queries (m, *latent).
        family: of the components.
        blocks: of the components.
        own: (m,) component each query was drawn from, −1 for none.
        tally: what is summed by column, for the first of the queries.

    Example:
        >>> from genprobe.aggregate.blocks import in_memory
        >>> from genprobe.families.diagonal_normal import diagonal_normal
        >>> two = {"loc": torch.zeros(2, 1), "scale": torch.ones(2, 1)}
        >>> own = torch.tensor([0])
        >>> sums = exact_log_sums(torch.zeros(1, 1), diagonal_normal, in_memory(two), own)
        >>> bool(sums.own == sums.others)  # the two components are the same
        True
    """
    z = z.double()
    values = max(z[0].numel(), width_of(blocks))
    together = min(QUERIES, len(z))
    rows = max(1, min(PIECE_VALUES // values, PIECE_PAIRS) // together)
    queries = [
        (slice(part.start + few.start, part.start + few.stop), by)
        for part, by in tallied_apart(len(z), tally)
        for few in stretches(part.stop - part.start, together)
    ]
    found = [of_nothing(some.stop - some.start, by) for some, by in queries]
    for start, params in blocks(max(1, PAIR_VALUES // values)):
        n = size_of(params)
        belongs = None if tally is None else tally.of(torch.arange(start, start + n)).double()
        parts = list(stretches(n, rows))

        def one(
            piece: tuple[tuple[slice, Tally | None], slice],
            start: int = start,
            params: Params = params,
            belongs: Tensor | None = belongs,
        ) -> LogSums:
            (some, by), part = piece
            few = {k: v[part] for k, v in params.items()}
            sums, shares = sums_of_some(z[some], family, few, own[some] - start - part.start)
            if by is None or belongs is None:
                return sums
            return sums._replace(tallied=tallied_of(shares, belongs[part], by.moments))

        done = iter(share_out(one, [(some, part) for some in queries for part in parts]))
        found = [merged([before, *(next(done) for _ in parts)]) for before in found]
    return joined(found)


def of_nothing(m: int, tally: Tally | None) -> LogSums:
    """The sums of no components, for so many queries."""
    none = torch.full((m,), -math.inf, dtype=torch.float64)
    shares, rows = none.new_zeros(m, 0), none.new_zeros(0, tally.width if tally else 0)
    tallied = None if tally is None else tallied_of(shares, rows, tally.moments)
    return LogSums(
        others=none, own=none, largest=none, entropy=torch.zeros_like(none), tallied=tallied
    )


def sums_of_some(
    z: Float64[Tensor, "q *latent"], family: Family, params: Params, own: Int64[Tensor, " q"]
) -> tuple[LogSums, Float64[Tensor, "q n"]]:
    """The sums of a few components, and the shares of all but each query's own.

    Args:
        z: queries.
        family: of the components.
        params: each (n, ...).
        own: (q,) position of each query's own component, which need not be one of these.
    """
    pairs = all_pairs(z, family, params)
    mine = torch.full((len(z),), -math.inf, dtype=torch.float64)
    rows = ((own >= 0) & (own < size_of(params))).nonzero().squeeze(1)
    mine[rows] = pairs[rows, own[rows]]
    pairs[rows, own[rows]] = -math.inf
    others = pairs.logsumexp(1)
    shares = (pairs - others[:, None]).exp().nan_to_num(0.0)
    entropy = torch.special.entr(shares).sum(1)
    return LogSums(others=others, own=mine, largest=pairs.amax(1), entropy=entropy), shares


def all_pairs(
    z: Float64[Tensor, "q *latent"], family: Family, params: Params
) -> Float64[Tensor, "q n"]:
    """Log q(z|x) of every query and component, nats.

    Args:
        z: queries.
        family: of the components.
        params: each (n, ...).

    Example:
        >>> from genprobe.families.diagonal_normal import diagonal_normal
        >>> two = {"loc": torch.zeros(2, 1), "scale": torch.ones(2, 1)}
        >>> all_pairs(torch.zeros(1, 1).double(), diagonal_normal, two).float()
        tensor([[-0.9189, -0.9189]])
    """
    found = z.new_empty(len(z), size_of(params))
    values = max(z[0].numel(), sum(v[0].numel() for v in params.values()))
    for part in stretches(size_of(params), max(1, CACHED_VALUES // (len(z) * values))):
        few = {k: v[part].double() for k, v in params.items()}
        found[:, part] = family.distribution(few).log_prob(z[:, None])
    return found
