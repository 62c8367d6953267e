r"""Scaling factor: what codes are multiplied by so that their standard deviation is 1.

.. math::

    1 / \sigma, \qquad \sigma^2 = \frac1{C P} \sum_{c, p} \mathbb E_{q(z)} (z_{cp} - \mu)^2

over all channels and positions of a latent with places, μ the shift factor. Exact for these data,
from the posteriors' moments. Rombach et al. (2022), "High-resolution image synthesis with latent
diffusion models", appendix G; ``scaling_factor`` of diffusers. Its error is that over examples:
positions of one example are not independent.
"""

from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.errors import UnavailableError
from genprobe.estimators.grid_moments import GridMoments
from genprobe.estimators.standard_error import data_error
from genprobe.report import Estimate


def scaling_factor(grid: GridMoments, which: Int64[Tensor, " n"] | None = None) -> Estimate:
    """One over the standard deviation of all codes.

    Args:
        grid: moments of every example.
        which: (n,) the distinct example that each is; None where all differ.

    Raises:
        UnavailableError: if all codes are one.

    Example:
        >>> import torch
        >>> one, none = torch.ones(2, 1).double(), torch.zeros(0).double()
        >>> grid = GridMoments((1, 4), 0 * one, 4 * one, none, one[:, :0], None)
        >>> scaling_factor(grid).value
        0.5
    """
    squares = squares_of(grid)
    variance = float(squares.mean())
    if variance <= 0:
        raise UnavailableError("No scaling factor: all codes are the same.")
    error = data_error(squares[None], which)
    return Estimate(
        name="scaling_factor",
        value=variance**-0.5,
        se=0.0,
        se_data=None if error is None else error / 2 * variance**-1.5,
        kind="exact",
        unit="1/z",
        n=len(squares),
    )


def squares_of(grid: GridMoments) -> Float64[Tensor, " n"]:
    """Mean of (z − μ)² of each example, over channels and positions."""
    channel = grid.mean.mean(0)
    off = channel - channel.mean()
    each = grid.square + 2 * off * (grid.mean - channel) + off.square()
    return each.mean(1)
