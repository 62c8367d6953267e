"""The aggregate posterior in float64, each pair by the family's own density.

For a normal that is the difference form ((z − loc) / scale)², which does not cancel. It is the
truth the fast pass is checked against, and the way out where nothing faster holds.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from genprobe.aggregate.blocks import Blocks, size_of, stretches, width_of
from genprobe.aggregate.sums import LogSums
from genprobe.aggregate.tally import Tallied, Tally
from genprobe.runtime.outer_threads import share_out
from genprobe.types import Family, Params

PAIR_VALUES = 1 << 22
"""Values of the components read at a time: about 32 MiB of float64."""
QUERIES = 8
PIECE_VALUES = 1 << 19
"""Values of pairs worked out at a time, of so many queries at most: they stay in the cache for the
passes that a density takes over them, and what hangs on the component alone is worked out once for
all of these queries."""


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
    columns = () if tally is None else tally.moments
    width = 0 if tally is None else tally.width
    sums = torch.zeros(4 + width + len(columns), len(z), dtype=torch.float64)
    sums[:3] = -math.inf
    values = max(z[0].numel(), width_of(blocks))
    together = min(QUERIES, len(z))
    for start, params in blocks(max(1, PAIR_VALUES // values)):
        n = size_of(params)
        belongs = None if tally is None else tally.of(torch.arange(start, start + n)).double()
        queries = list(stretches(len(z), together))
        parts = list(stretches(n, max(1, PIECE_VALUES // (together * values))))

        def one(
            piece: tuple[slice, slice],
            start: int = start,
            params: Params = params,
            belongs: Tensor | None = belongs,
        ) -> Float64[Tensor, "rows q"]:
            some, part = piece
            few = {k: v[part].double() for k, v in params.items()}
            rows = None if belongs is None else belongs[part]
            return sums_of_some(z[some], family, few, own[some] - start - part.start, rows, columns)

        found = share_out(one, [(some, part) for some in queries for part in parts])
        together_found = [
            joined(found[i * len(parts) : (i + 1) * len(parts)], columns)
            for i, _ in enumerate(queries)
        ]
        sums = joined([sums, torch.cat(together_found, 1)], columns)
    tallied = None
    if tally is not None:
        of_first = sums[4:, : tally.queries].T
        tallied = Tallied(of_first[:, :width], of_first[:, width:], columns)
    others, mine, largest, entropy = sums[:4]
    return LogSums(others=others, own=mine, largest=largest, entropy=entropy, tallied=tallied)


def sums_of_some(
    z: Float64[Tensor, "q *latent"],
    family: Family,
    params: Params,
    own: Int64[Tensor, " q"],
    belongs: Float64[Tensor, "n a"] | None = None,
    columns: tuple[int, ...] = (),
) -> Float64[Tensor, "rows q"]:
    """Sum without the own component, own, largest and entropy of a few components, then a tally.

    Args:
        z: queries.
        family: of the components.
        params: each (n, ...), float64.
        own: (q,) position of each query's own component, which need not be one of these.
        belongs: (n, a) how much of each component belongs to each column of a tally.
        columns: (b,) of which the moments are wanted besides.
    """
    pairs = family.distribution(params).log_prob(z[:, None]).double().clone()
    mine = torch.full((len(z),), -math.inf, dtype=torch.float64)
    rows = ((own >= 0) & (own < size_of(params))).nonzero().squeeze(1)
    mine[rows] = pairs[rows, own[rows]]
    pairs[rows, own[rows]] = -math.inf
    others = pairs.logsumexp(1)
    shares = (pairs - others[:, None]).exp().nan_to_num(0.0)
    found = torch.stack([others, mine, pairs.amax(1), torch.special.entr(shares).sum(1)])
    if belongs is None:
        return found
    moments = torch.special.xlogy(shares, shares) @ belongs[:, list(columns)]
    return torch.cat([found, (shares @ belongs).T, moments.T])


def joined(
    found: Sequence[Float64[Tensor, "rows q"]], columns: tuple[int, ...]
) -> Float64[Tensor, "rows q"]:
    """The same of all stretches of components together."""
    parts = torch.stack(list(found), 1)
    others, own, largest, entropy = parts[:4]
    whole = others.logsumexp(0)
    share = (others - whole).exp().nan_to_num(0.0)
    entropy = (share * entropy + torch.special.entr(share)).sum(0)
    split = len(parts) - len(columns)
    shares, moments = parts[4:split], parts[split:]
    moments = share * moments + torch.special.xlogy(share, share) * shares[list(columns)]
    sums = torch.stack([whole, own.amax(0), largest.amax(0), entropy])
    return torch.cat([sums, (share * shares).sum(1), moments.sum(1)])
