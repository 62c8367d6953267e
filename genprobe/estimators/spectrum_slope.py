r"""Spectrum slope: how fast the power of codes falls with the frequency over positions.

.. math::

    \text{the slope of } \ln P_r \text{ on } \ln f_r, \qquad
    P_r = \frac1{|r|} \sum_{f \in r} \mathrm{Var}_{q(z)}\, (U z)_f

with U the orthonormal cosine transform, r the rings of equal radial frequency, and the line fitted
by least squares to the middle of the band: from an eighth of the highest frequency to half of it.
0 is white noise; natural images have about −2. Exact for these data, from the posteriors' moments;
what the posteriors' own variance adds is white.
"""

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.errors import UnavailableError
from genprobe.estimators.grid_moments import GridMoments
from genprobe.estimators.spectrum_band import band
from genprobe.estimators.standard_error import data_error
from genprobe.report import Estimate


def spectrum_slope(grid: GridMoments, which: Int64[Tensor, " n"] | None = None) -> Estimate:
    """The log-log slope of the spectrum over the middle of its band.

    Args:
        grid: moments of every example.
        which: (n,) the distinct example that each is; None where all differ.

    Raises:
        UnavailableError: if there are too few positions, or no power at a frequency.

    Example:
        >>> import torch
        >>> f = torch.tensor([0.125, 0.25, 0.5]).double()
        >>> power = f.pow(-2).expand(2, 3)
        >>> grid = GridMoments((1, 4), power[:, :1], power[:, :1], f, power, None)
        >>> round(spectrum_slope(grid).value, 6)
        -2.0
    """
    part = band(len(grid.frequencies))
    power = grid.power[:, part]
    mean = power.mean(0)
    if not (mean > 0).all():
        raise UnavailableError("No spectrum slope: there is no power at some frequencies.")
    weights = least_squares(grid.frequencies[part].log())
    return Estimate(
        name="spectrum_slope",
        value=float(weights @ mean.log()),
        se=0.0,
        se_data=data_error((power / mean @ weights)[None], which),
        kind="exact",
        unit="log/log",
        n=len(power),
    )


def least_squares(x: Float64[Tensor, " ring"]) -> Float64[Tensor, " ring"]:
    """What the slope of a line through (x, y) weighs each y with."""
    centred = x - x.mean()
    found: Tensor = centred / torch.dot(centred, centred)
    return found
