r"""Shift factor: what is taken off codes so that their mean is 0.

.. math::

    \mu = \frac1{C P} \sum_{c, p} \mathbb E_{q(z)} z_{cp}

over all channels and positions of a latent with places. Exact for these data, from the posteriors'
means; ``shift_factor`` of diffusers, which scales (z − shift_factor) · scaling_factor. Its error is
that over examples: positions of one example are not independent.
"""

from jaxtyping import Int64
from torch import Tensor

from genprobe.estimators.grid_moments import GridMoments
from genprobe.estimators.standard_error import data_error
from genprobe.report import Estimate


def shift_factor(grid: GridMoments, which: Int64[Tensor, " n"] | None = None) -> Estimate:
    """The mean of all codes.

    Args:
        grid: moments of every example.
        which: (n,) the distinct example that each is; None where all differ.

    Example:
        >>> import torch
        >>> one, none = torch.ones(2, 1).double(), torch.zeros(0).double()
        >>> shift_factor(GridMoments((1, 4), 3 * one, one, none, one[:, :0], None)).value
        3.0
    """
    means = grid.mean.mean(1)
    return Estimate(
        name="shift_factor",
        value=float(means.mean()),
        se=0.0,
        se_data=data_error(means[None], which),
        kind="exact",
        unit="z",
        n=len(means),
    )
