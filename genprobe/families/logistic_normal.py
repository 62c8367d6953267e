"""Logistic-normal on the simplex of k parts: z = stick-breaking(y), y ~ N(loc, scale²) of k − 1.

Stick-breaking is that of torch.distributions: z_i = σ(y_i − log(k − i)) of what is left. As an
exponential family its statistics are [y, y²], and minus the log determinant of dz/dy is its log
base measure. Aitchison & Shen (1980), "Logistic-normal distributions: some properties and uses".
"""

import torch
from torch import Tensor
from torch.distributions import Distribution, LogisticNormal, StickBreakingTransform, constraints
from torch.nn.functional import logsigmoid

from genprobe.families.diagonal_normal import natural, widen
from genprobe.types import Family, Params


class StickBreaking(StickBreakingTransform):
    """Torch's transform, without losing digits near the corners of the simplex.

    What is left after i parts is summed from the last part up, rather than taken from 1; so z in
    float32 gives y back however near z is to a corner.
    """

    def _call(self, x: Tensor) -> Tensor:
        log_odds = x - log_parts_left(x)
        left = logsigmoid(-log_odds).cumsum(-1)
        before = torch.cat([torch.zeros_like(left[..., :1]), left], -1)
        log_z = before + torch.cat([logsigmoid(log_odds), torch.zeros_like(left[..., :1])], -1)
        return log_z.exp().clamp(min=torch.finfo(x.dtype).tiny)

    def _inverse(self, y: Tensor) -> Tensor:
        parts, left = y[..., :-1], y.flip(-1).cumsum(-1).flip(-1)[..., 1:]
        return parts.log() - left.log() + log_parts_left(parts)


def log_parts_left(values: Tensor) -> Tensor:
    """Log of how many parts come after each of the first k − 1, (k − 1,)."""
    count = values.shape[-1]
    return torch.arange(count, 0, -1, dtype=values.dtype, device=values.device).log()


STICK_BREAKING = StickBreaking()


def distribution(params: Params) -> Distribution:
    """Parameters loc and scale, each (batch, k − 1), to q(z|x) over the simplex of k parts."""
    found = LogisticNormal(params["loc"], params["scale"], validate_args=False)
    found.transforms = [STICK_BREAKING]
    return found


def sufficient(z: Tensor) -> tuple[Tensor, Tensor]:
    """Statistics (m, 2(k − 1)) and log base measure (m,) of z (m, k) on the simplex."""
    y = STICK_BREAKING.inv(z)
    log_det = STICK_BREAKING.log_abs_det_jacobian(y, z)  # type: ignore[no-untyped-call]
    return torch.cat([y, y.square()], 1), -log_det


logistic_normal = Family(
    name="logistic-normal",
    distribution=distribution,
    constraints={"loc": constraints.real, "scale": constraints.positive},
    natural=natural,
    sufficient=sufficient,
    widen=widen,
)
