"""A point: the code of a plain autoencoder, whose rate is infinite, and which has no I(n;z).

What it has is reported: the distortion, that of the best blind decoder, active units and the
moments of its codes.
"""

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

from genprobe.errors import Notice
from genprobe.types import Family, Params

ONE = torch.Size()
"""The shape of a single sample."""
NOTICE = Notice(
    code="deterministic-code",
    message="The code is a point: its rate is infinite, and I(n;z) says nothing of it.",
    remedy="One real code tells x apart from everything else, however little the model learnt. For "
    "a rate, give the noise that the model adds to its codes as a diagonal-normal posterior, or "
    "the indices of quantised codes as the family codes.",
)


class Point(Distribution):
    """All mass at one place.

    Args:
        loc: (batch, *event).
    """

    arg_constraints = {"loc": constraints.real}  # noqa: RUF012 - as torch declares it
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Tensor) -> None:
        self.loc = loc
        super().__init__(loc.shape[:1], loc.shape[1:], validate_args=False)

    def rsample(self, sample_shape: _size = ONE) -> Tensor:
        """The place itself, so many times."""
        return self.loc.expand(self._extended_shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """The log-density: infinite at the place, minus infinite elsewhere."""
        away = (value != self.loc).flatten(value.dim() - len(self.event_shape)).any(-1)
        return torch.where(away, -torch.inf, torch.inf).to(value.dtype)

    @property
    def mean(self) -> Tensor:
        """The place."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """None at all."""
        return torch.zeros_like(self.loc)


def distribution(params: Params) -> Distribution:
    """``loc`` (batch, *event) to points of batch shape (batch,)."""
    return Point(params["loc"])


delta = Family(
    name="delta",
    distribution=distribution,
    constraints={"loc": constraints.real},
    notice=NOTICE,
    point=True,
)
