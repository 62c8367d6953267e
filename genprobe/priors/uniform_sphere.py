"""The uniform prior on the unit sphere S^{k−1}: one over its surface area, whatever the z."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.distributions import Independent

from genprobe.distributions.uniform_sphere import UniformSphere, unit_vector
from genprobe.errors import ModelError
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.types import Params, Prior, PriorFactory


def build(event_shape: torch.Size, params: Params) -> Prior:
    """The uniform prior over unit vectors (k,), or a product of such over (..., k).

    Raises:
        ModelError: if z is a single number.
    """
    if not event_shape:
        raise ModelError("The prior uniform-sphere is over vectors; z is a single number.")
    vector = UniformSphere(event_shape[-1], validate_args=False)
    grid = event_shape[:-1]
    joint = Independent(vector.expand(grid), len(grid), validate_args=False) if grid else vector
    prior = prior_from_distribution("uniform-sphere", joint)

    def log_prob(z: Tensor) -> Tensor:
        require_unit_vectors(z)
        return prior.log_prob(z)

    return replace(prior, log_prob=log_prob)


def require_unit_vectors(z: Tensor) -> None:
    """Check that every z lies on the sphere.

    Raises:
        ModelError: naming the length of the first that does not.
    """
    fine = unit_vector.check(z)
    if not fine.all():
        length = torch.linalg.vector_norm(z, dim=-1)[~fine].flatten()[0].item()
        raise ModelError(
            f"The prior uniform-sphere is over unit vectors; a z has the length {length:g}.",
            "Normalise the draws, or give a prior over all of space.",
        )


uniform_sphere = PriorFactory(name="uniform-sphere", build=build)
