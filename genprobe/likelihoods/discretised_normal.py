r"""8-bit pixels in [0, 1] as bins of a normal: the decoder of a diffusion model (Ho et al. 2020).

.. math::

    p(x) = \prod_i \Big[\Phi\Big(\tfrac{x_i + \delta/2 - \mu_i}{\sigma_i}\Big)
      - \Phi\Big(\tfrac{x_i - \delta/2 - \mu_i}{\sigma_i}\Big)\Big], \qquad \delta = 1/255,

the outer two bins open. In the paper's units pixels span [−1, 1] and bins 2/255; loc and scale are
half of that here. A bin's mass is taken exactly, where published code replaces what is below 10⁻¹².
Ho et al. (2020), "Denoising diffusion probabilistic models", eq. 13.
"""

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint
from torch.types import _size

from genprobe.errors import ModelError, Notice
from genprobe.likelihoods.parameters import ONE, parameter, precise, sum_last, whole_example
from genprobe.likelihoods.support import Levels, require_levels
from genprobe.types import Likelihood, Params

NAME = "discretised-normal"
LEVELS = 256
REMEDY = (
    "Give 8-bit images as bytes, or divide them by 255 (from [−1, 1]: (x + 1)/2), without resizing "
    "or noise; of another number of levels name it: genprobe.discretised_normal_of(levels)."
)


class DiscretisedNormal(Distribution):
    """Pixels of whole examples.

    Args:
        loc: (batch, *event), in units where pixels span [0, 1].
        scale: standard deviation of the same shape.
        levels: of a pixel.
    """

    arg_constraints = {}  # noqa: RUF012

    def __init__(self, loc: Tensor, scale: Tensor, levels: int = LEVELS) -> None:
        self.loc, self.scale, self.levels = loc, scale, levels
        super().__init__(loc.shape[:1], loc.shape[1:], validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability of whole examples x (..., batch, *event) in [0, 1].

        Raises:
            SupportError: if a value is no level.
        """
        require_levels(name_of(self.levels), value, self.levels, 1 / (self.levels - 1), REMEDY)
        level = (precise(value) * (self.levels - 1)).round()
        each = log_bin(level, self.levels, self.loc, self.scale)
        return sum_last(each, len(self.event_shape))

    def sample(self, sample_shape: _size = ONE) -> Tensor:
        """Levels of a normal value."""
        shape, top = self._extended_shape(sample_shape), self.levels - 1
        with torch.no_grad():
            noise = torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
            return ((self.loc + self.scale * noise) * top).round().clamp(0, top) / top

    @property
    def mean(self) -> Tensor:
        """The mean of the normal, clipped to [0, 1]."""
        return self.loc.clamp(0, 1)

    @property
    def support(self) -> Constraint:
        """The levels in [0, 1], multiples of one over their number less one."""
        return whole_example(Levels(self.levels, 1 / (self.levels - 1)), len(self.event_shape))


def log_bin(level: Tensor, levels: int, loc: Tensor, scale: Tensor) -> Tensor:
    """Log-mass of the bin of a level under a normal density, the outer two open.

    Args:
        level: from 0 on.
        levels: how many there are.
        loc: of the normal, pixels spanning [0, 1].
        scale: its standard deviation.
    """
    below = ((level - 0.5) / (levels - 1) - loc) / scale
    above = ((level + 0.5) / (levels - 1) - loc) / scale
    # Mirrored into the left tail, where log Φ keeps its digits.
    right = below + above > 0
    low, high = torch.where(right, -above, below), torch.where(right, -below, above)
    upper = torch.special.log_ndtr(high)
    share = torch.special.log_ndtr(low) - upper
    closed = upper + (-torch.expm1(share.clamp(max=-1e-300))).log()
    closed = torch.where(level >= levels - 1, torch.special.log_ndtr(-below), closed)
    return torch.where(level <= 0, torch.special.log_ndtr(above), closed)


def name_of(levels: int) -> str:
    """What the likelihood of so many levels is called."""
    return NAME if levels == LEVELS else f"{NAME}-{levels}"


def discretised_normal_of(levels: int) -> Likelihood:
    """The bins of a normal over so many levels, k/(levels − 1) for k from 0 on.

    The one of 256 levels is registered as ``discretised-normal``.

    Args:
        levels: of a value, such as 17 of the digits that ship with genprobe.

    Raises:
        ModelError: if there are fewer than 2.

    Example:
        >>> discretised_normal_of(17).name
        'discretised-normal-17'
    """
    if levels < 2:
        raise ModelError(f"A discretised normal needs at least 2 levels, not {levels}.")
    name = name_of(levels)

    def distribution(params: Params) -> Distribution:
        loc = parameter(name, params, "loc")
        scale = parameter(name, params, "scale", constraints.positive)
        return DiscretisedNormal(loc, scale.expand_as(loc), levels)

    def support(x: Tensor) -> Notice | None:
        require_levels(name, x, levels, 1 / (levels - 1), REMEDY)
        return None

    return Likelihood(name=name, distribution=distribution, discrete=True, support=support)


discretised_normal = discretised_normal_of(LEVELS)
