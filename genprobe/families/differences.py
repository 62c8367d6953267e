"""Sums over dimensions of |z_d − loc_d| / scale_d to a power, for all pairs of z and components.

Worked out as differences, which do not cancel, a dimension and a cache of pairs at a time: nothing
of size queries × components × dimensions is made.
"""

import torch
from torch import Tensor

from genprobe.distributions.latents import flat

ROWS = 256
"""Queries at a time, so that a stretch of pairs stays in a cache."""


def summed_differences(z: Tensor, loc: Tensor, scale: Tensor, power: int) -> Tensor:
    """Σ_d |(z_d − loc_d) / scale_d|^power of every pair (m, n), float64.

    Args:
        z: (m, *event).
        loc: (n, *event).
        scale: (n, *event).
        power: 1 or 2.
    """
    queries, middles = flat(z.double(), 1), flat(loc.double(), 1).T.contiguous()
    factors = flat(scale.double(), 1).reciprocal().T.contiguous()
    found = queries.new_zeros(len(z), len(loc))
    for rows, out in zip(torch.split(queries, ROWS), torch.split(found, ROWS), strict=True):
        gap = torch.empty_like(out)
        for value, middle, factor in zip(rows.T, middles, factors, strict=True):
            torch.sub(value[:, None], middle, out=gap).mul_(factor)
            if power == 1:
                out.add_(gap.abs_())
            else:
                out.addcmul_(gap, gap)
    return found


def nearest_gaps(low: Tensor, high: Tensor, z: Tensor) -> Tensor:
    """How far values of z (m, 1) lie outside of intervals from low to high (cell,): (m, cell)."""
    half = (high - low) / 2
    return (z - (low + half)).abs_().sub_(half).clamp_(min=0)
