"""Leaving out components that provably cannot matter for a query.

The components of a block are split into cells, by halving along the widest axis again and again (a
k-d tree's leaves). The family bounds the log density of a whole cell at a query. A cell is skipped
where that bound is at most log q(z|x_own) + log(share / N): what is skipped of any query then adds
up to less than that share of its Σ_n q(z|x_n), whatever the components are.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from genprobe.aggregate.blocks import size_of
from genprobe.aggregate.moments import moments
from genprobe.types import Family, Params

CELL = 2048
LEAST = 4 * CELL
"""Blocks of fewer components, and fewer queries than a tenth of it, are not worth an index."""
BOUNDS = 1 << 16
ROUNDING = 1e-2
"""Nats that a bound may be off, worked out from float32 parameters."""
TRIED = 64
WORTH = 0.4
"""An index is made if a sample of pairs says that at most this share of them would be left."""


def cells(family: Family, params: Params, size: int = CELL) -> list[Tensor]:
    """The components in cells of near ones.

    Args:
        family: of the components.
        params: each (n, ...).
        size: most components a cell.

    Returns:
        The components of each cell; no two cells differ by more than one in length.
    """
    q = family.distribution(params)
    mean, variance = moments(q)
    points = (mean / variance.mean(0).sqrt()).float().T.contiguous().cpu().numpy()
    parts = halves(points, np.arange(points.shape[1]), size)
    return [torch.from_numpy(part) for part in parts]


def halves(points: np.ndarray, index: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """The index in parts of at most so many, split along the axis widest in a sample."""
    if len(index) <= size:
        yield index
        return
    sample = points[:, index[:: max(1, len(index) // 256)]]
    axis = int(np.argmax(sample.std(1)))
    middle = len(index) // 2
    order = np.argpartition(points[axis][index], middle)
    for part in (order[:middle], order[middle:]):
        yield from halves(points, index[part], size)


def needed(
    z: Float[Tensor, "m *latent"],
    family: Family,
    params: Params,
    members: Sequence[Tensor],
    least: Float64[Tensor, " m"],
) -> Bool[Tensor, "m cell"]:
    """Which cells may have a component with more than so much log density at each query.

    Args:
        z: queries.
        family: of the components; it must give ``upper``.
        params: each (n, ...).
        members: the cells.
        least: (m,) nats.
    """
    if family.upper is None:
        raise ValueError(family.name)
    stacked = pad_sequence(list(members), batch_first=True, padding_value=-1)
    stacked = torch.where(stacked < 0, stacked[:, :1], stacked)  # a member twice changes no bound
    bound = family.upper({k: v[stacked] for k, v in params.items()})
    # A few queries at a time, so that the bounds stay in the cache.
    parts = [bound(some) for some in torch.split(z, max(1, BOUNDS // len(members)))]
    return torch.cat(parts) > least[:, None] - ROUNDING


def worth(
    z: Float[Tensor, "m *latent"], family: Family, params: Params, least: Float64[Tensor, " m"]
) -> bool:
    """Whether an index would pay, from a small one of a sample of the components and queries."""
    n, m = size_of(params), len(z)
    if family.upper is None or n < LEAST or m < LEAST // 10:
        return False
    sample = {k: v[:: n // (32 * TRIED)] for k, v in params.items()}
    some = slice(None, None, max(1, m // TRIED))
    left = needed(z[some], family, sample, cells(family, sample, TRIED), least[some])
    return bool(left.double().mean() < WORTH)
