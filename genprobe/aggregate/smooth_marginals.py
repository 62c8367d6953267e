"""log q(z_d) at the queries of q(z): from a few points of each dimension where they say enough.

Where scales are a tenth of the range, a hundred points say of one dimension what ten thousand
queries would be asked for. A spline of degree five goes through evenly spaced points; how much it
changes at the queries when every other point is left out bounds its error. Where the density is too
rough, or there are so many components that even the points cost too much, the first few queries are
asked.
"""

import math

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from scipy.interpolate import make_interp_spline
from torch import Tensor

from genprobe.aggregate.blocks import Blocks, in_memory, size_of
from genprobe.aggregate.density import log_aggregate_blocks
from genprobe.aggregate.exact import all_pairs
from genprobe.aggregate.full_precision import full_precision
from genprobe.aggregate.marginals import FEW, HELD_VALUES, LEAST_PAIRS, gather, log_marginals
from genprobe.distributions.latents import flat
from genprobe.errors import UnavailableError
from genprobe.runtime.outer_threads import outer_threads, share_out
from genprobe.types import Family, Params

PAIRS = 100_000_000
"""Pairs of a point or query and a component, a dimension each, that the marginals may cost."""
LEAST_QUERIES = 8
"""Queries of each draw at which the marginals are worked out all the same."""
WIDEST = 512
"""Dimensions beyond which not even so few queries are asked: posteriors are apart by then."""
FEW_PAIRS = 1 << 18
"""Pairs of a point and a component that take less time in float64 at once than the engine, which
prepares, checks and merges, takes to begin."""
DEGREE = 5
FEWEST = 16
"""Intervals between points, at the least."""
NARROW = 0.1
"""Share of the components that may be narrower than an interval between two points."""
SAMPLED = 1 << 12
"""Components that say how narrow they are."""
CHANGE = 5e-3
"""Nats by which leaving out every other point may change the spline at a query, on average. The
error with all points was then a thousandth of a nat or less on average, and its mean, which counts
in a mean over queries, 1e-4 or less, for 500 to 10000 components of scales that differ up to
threefold either way."""


def marginals_at_queries(
    z: Float[Tensor, "draw m *latent"],
    index: Int64[Tensor, " m"],
    family: Family,
    blocks: Blocks,
    n: int,
) -> Float64[Tensor, "draw some k"]:
    """Values of log q(z_d) of every dimension at the first so many queries (draw, some, k), nats.

    Args:
        z: queries (draw, m, *latent), k values each.
        index: (m,) the component each was drawn from.
        family: of the components.
        blocks: of the components.
        n: number of components.

    Raises:
        UnavailableError: if the family does not factorise, or z is too wide.
    """
    draws, k = len(z), z[0, 0].numel()
    if k > WIDEST:
        raise UnavailableError(f"Not worked out for more than {WIDEST} latent dimensions.")
    z = z[:, : max(LEAST_QUERIES, HELD_VALUES // (draws * k))]
    found = smooth_log_marginals(z.flatten(0, 1), family, blocks, n)
    if found is None:
        z = z[:, : max(LEAST_QUERIES, PAIRS // (n * k * draws))]
        own = index[: z.shape[1]].repeat(draws)
        found = log_marginals(z.flatten(0, 1), family, blocks, n, own)
    return found.view(*z.shape[:2], k)


@outer_threads()
def smooth_log_marginals(
    z: Float[Tensor, "m *latent"], family: Family, blocks: Blocks, n: int
) -> Float64[Tensor, "m k"] | None:
    """Values of log q(z_d) of every dimension (m, k) from a few points of each, nats.

    None where the points would cost too much, or the density of any dimension is too rough.

    Args:
        z: queries (m, *latent), k values each.
        family: of the components.
        blocks: of the components.
        n: number of components.
    """
    _, one = next(iter(blocks(1)))
    z, k = flat(z, 1), z[0].numel()
    each = all(values.numel() == k for values in one.values())
    few = len(z) < FEW or len(z) * n < LEAST_PAIRS
    if family.natural is None or not each or k * n > HELD_VALUES or few:
        return None
    columns = gather(blocks, slice(0, k), n)
    params = [{name: values[d, :, None] for name, values in columns.items()} for d in range(k)]
    intervals = [intervals_of(z[:, d], family, params[d]) for d in range(k)]
    points = [2 * count + 1 for count in intervals if count is not None]
    if len(points) < k or sum(points) * n > PAIRS:
        return None

    def along(d: int) -> Float64[Tensor, " m"] | None:
        return smooth_log_marginal(z[:, d], family, params[d], points[d])

    first = along(0)
    if first is None:
        return None
    with outer_threads() as workers, full_precision(z.device):
        # Within a dimension there is work for many threads, among few dimensions there is not.
        others = share_out(along, range(1, k)) if k > workers else map(along, range(1, k))
        smooth = [density for density in (first, *others) if density is not None]
    return torch.stack(smooth, 1) if len(smooth) == k else None


def intervals_of(z: Float[Tensor, " m"], family: Family, params: Params) -> int | None:
    """Between how many intervals of one dimension a spline would have to go; None if none would do.

    Args:
        z: queries (m,).
        family: of the components.
        params: of the components in this dimension, each (n, 1).

    Example:
        >>> from genprobe.families.diagonal_normal import diagonal_normal
        >>> params = {"loc": torch.zeros(9, 1), "scale": torch.full((9, 1), 0.5)}
        >>> intervals_of(torch.tensor([-10.0, 10.0]), diagonal_normal, params)
        40
    """
    step = max(1, len(next(iter(params.values()))) // SAMPLED)
    some = family.distribution({k: v[::step].double() for k, v in params.items()})
    spread, width = float(z.max() - z.min()), float(some.stddev.flatten().quantile(NARROW))
    if not (0 < spread < math.inf and width > 0):
        return None
    return max(FEWEST, math.ceil(spread / width))


def smooth_log_marginal(
    z: Float[Tensor, " m"], family: Family, params: Params, points: int
) -> Float64[Tensor, " m"] | None:
    """Values of log q(z_d) (m,), nats; None where the density is too rough for the points.

    Args:
        z: queries (m,).
        family: of the components.
        params: of the components in this dimension, each (n, 1).
        points: odd, evenly spaced from the least query to the largest.

    Example:
        >>> from genprobe.families.diagonal_normal import diagonal_normal
        >>> one = {"loc": torch.zeros(1, 1), "scale": torch.ones(1, 1)}
        >>> z = torch.tensor([-3.0, 0.0, 3.0])
        >>> smooth_log_marginal(z, diagonal_normal, one, 33).float()
        tensor([-5.4189, -0.9189, -5.4189])
    """
    at = torch.linspace(float(z.min()), float(z.max()), points, dtype=z.dtype)
    density = log_density_at(at[:, None], family, params)
    if not density.isfinite().all():
        return None
    x, y, queries = at.double().numpy(), density.numpy(), z.double().numpy()
    half, whole = (make_interp_spline(x[::s], y[::s], k=DEGREE)(queries) for s in (2, 1))
    if not np.abs(whole - half).mean() <= CHANGE:
        return None
    return torch.from_numpy(whole)


def log_density_at(
    points: Float[Tensor, "m 1"], family: Family, params: Params
) -> Float64[Tensor, " m"]:
    """Values of log q(z_d) at some points of one dimension (m,), nats.

    Args:
        points: of the dimension.
        family: of the components.
        params: of the components in this dimension, each (n, 1).

    Example:
        >>> from genprobe.families.diagonal_normal import diagonal_normal
        >>> one = {"loc": torch.zeros(1, 1), "scale": torch.ones(1, 1)}
        >>> log_density_at(torch.zeros(1, 1), diagonal_normal, one).float()
        tensor([-0.9189])
    """
    n = size_of(params)
    if len(points) * n > FEW_PAIRS:
        return log_aggregate_blocks(points, family, in_memory(params), n).log_qz
    return all_pairs(points.double(), family, params).logsumexp(1) - math.log(n)
