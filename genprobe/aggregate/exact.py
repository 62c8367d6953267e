"""The aggregate posterior in float64, each pair by the family's own density.

For a normal that is the difference form ((z − loc) / scale)², which does not cancel. It is the
truth the fast pass is checked against, and the way out where nothing faster holds.
"""

import math

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from genprobe.aggregate.blocks import Blocks, size_of, width_of
from genprobe.aggregate.sums import LogSums, merged_entropy
from genprobe.aggregate.tally import Tallied, Tally, merged_tally
from genprobe.types import Family

PAIR_VALUES = 1 << 22
"""Values of one query against a stretch of components: about 32 MiB of float64."""


def exact_log_sums(
    z: Float[Tensor, "m *latent"],
    family: Family,
    blocks: Blocks,
    own: Int64[Tensor, " m"],
    tally: Tally | None = None,
) -> LogSums:
    """Log Σ_n q(z|x_n) without and with the own component, one query at a time, in float64.

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
    others = torch.full((len(z),), -math.inf, dtype=torch.float64)
    largest, mine, entropy = others.clone(), others.clone(), torch.zeros_like(others)
    found = None
    if tally is not None:
        found = Tallied.nothing(min(len(z), tally.queries), tally.width, tally.moments)
    rows = max(1, PAIR_VALUES // max(z[0].numel(), width_of(blocks)))
    for start, params in blocks(rows):
        distribution = family.distribution({k: v.double() for k, v in params.items()})
        size = size_of(params)
        columns = None if tally is None else tally.of(torch.arange(start, start + size)).double()
        for m in range(len(z)):
            log_prob = distribution.log_prob(z[m])
            position = int(own[m]) - start
            if 0 <= position < size:
                mine[m] = log_prob[position]
                log_prob[position] = -math.inf
            here = log_prob.logsumexp(0)
            shares = (log_prob - here).exp().nan_to_num(0.0)
            inside = torch.special.entr(shares).sum()
            if found and columns is not None and m < len(found.shares):
                new = tally_of(shares, columns, found.columns)
                ahead = (others[m] - here).sigmoid().nan_to_num(0.5)[None]
                better = merged_tally(found.at(slice(m, m + 1)), new, ahead)
                found.shares[m], found.moments[m] = better.shares[0], better.moments[0]
            entropy[m] = merged_entropy((others[m], entropy[m]), (here, inside))
            others[m] = torch.logaddexp(others[m], here)
            largest[m] = torch.maximum(largest[m], log_prob.max())
    return LogSums(others=others, own=mine, largest=largest, entropy=entropy, tallied=found)


def tally_of(
    shares: Float64[Tensor, " n"], rows: Float64[Tensor, "n a"], columns: tuple[int, ...]
) -> Tallied:
    """The tally of one query from its shares."""
    logs = torch.special.xlogy(shares, shares)
    return Tallied((shares @ rows)[None], (logs @ rows[:, list(columns)])[None], columns)
