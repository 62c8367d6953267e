"""The standard normal prior, p(z) = N(0, I)."""

import torch
from torch.distributions import Independent, Normal

from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.types import Params, Prior, PriorFactory


def build(event_shape: torch.Size, params: Params) -> Prior:
    """N(0, I) over z of that shape, in float64; it has no parameters."""
    zeros = torch.zeros(event_shape, dtype=torch.float64)
    normal = Normal(zeros, torch.ones_like(zeros), validate_args=False)
    return prior_from_distribution(
        "standard-normal", Independent(normal, len(event_shape), validate_args=False)
    )


standard_normal = PriorFactory(name="standard-normal", build=build)
