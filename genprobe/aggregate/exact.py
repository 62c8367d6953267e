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
from genprobe.aggregate.sums import LogSums, merged_entropy
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
) -> LogSums:
    """Log Σ_n q(z|x_n) without and with the own component, in float64.

    Args:
        z: queries (m, *latent).
        family: of the components.
        blocks: of the components.
        own: (m,) component each query was drawn from, −1 for none.

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
    nothing = torch.full((len(z),), -math.inf, dtype=torch.float64)
    sums = LogSums(others=nothing, own=nothing, largest=nothing, entropy=torch.zeros_like(nothing))
    values = max(z[0].numel(), width_of(blocks))
    together = min(QUERIES, len(z))
    for start, params in blocks(max(1, PAIR_VALUES // values)):
        queries = list(stretches(len(z), together))
        parts = list(stretches(size_of(params), max(1, PIECE_VALUES // (together * values))))

        def one(
            piece: tuple[slice, slice], start: int = start, params: Params = params
        ) -> Float64[Tensor, "4 q"]:
            some, part = piece
            few = {k: v[part].double() for k, v in params.items()}
            return sums_of_some(z[some], family, few, own[some] - start - part.start)

        found = share_out(one, [(some, part) for some in queries for part in parts])
        rows = [joined(found[i * len(parts) : (i + 1) * len(parts)]) for i, _ in enumerate(queries)]
        sums = merged(sums, torch.cat(rows, 1))
    return sums


def sums_of_some(
    z: Float64[Tensor, "q *latent"], family: Family, params: Params, own: Int64[Tensor, " q"]
) -> Float64[Tensor, "4 q"]:
    """Sum without the own component, own, largest and entropy (4, q) of a few components.

    Args:
        z: queries.
        family: of the components.
        params: each (n, ...), float64.
        own: (q,) position of each query's own component, which need not be one of these.
    """
    pairs = family.distribution(params).log_prob(z[:, None]).double().clone()
    mine = torch.full((len(z),), -math.inf, dtype=torch.float64)
    rows = ((own >= 0) & (own < size_of(params))).nonzero().squeeze(1)
    mine[rows] = pairs[rows, own[rows]]
    pairs[rows, own[rows]] = -math.inf
    others = pairs.logsumexp(1)
    shares = (pairs - others[:, None]).exp().nan_to_num(0.0)
    return torch.stack([others, mine, pairs.amax(1), torch.special.entr(shares).sum(1)])


def joined(found: Sequence[Float64[Tensor, "4 q"]]) -> Float64[Tensor, "4 q"]:
    """The same of all stretches of components together."""
    others, own, largest, entropy = torch.stack(list(found), 1)
    whole = others.logsumexp(0)
    share = (others - whole).exp().nan_to_num(0.0)
    entropy = (share * entropy + torch.special.entr(share)).sum(0)
    return torch.stack([whole, own.amax(0), largest.amax(0), entropy])


def merged(sums: LogSums, found: Float64[Tensor, "4 m"]) -> LogSums:
    """Sums with those of further components."""
    others, own, largest, entropy = found
    return LogSums(
        others=torch.logaddexp(sums.others, others),
        own=torch.maximum(sums.own, own),
        largest=torch.maximum(sums.largest, largest),
        entropy=merged_entropy((sums.others, sums.entropy), (others, entropy)),
    )
