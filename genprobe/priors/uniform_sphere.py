"""The uniform prior on the unit sphere S^{k−1}: a density with respect to its surface.

The surface of S^{k−1} is 2 π^{k/2} / Γ(k/2), so log p(z) = log Γ(k/2) − log 2 − (k/2) log π.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent
from torch.distributions.constraints import Constraint
from torch.nn.functional import normalize

from genprobe.errors import ModelError
from genprobe.priors.from_distribution import from_distribution
from genprobe.types import Params, Prior, PriorFactory

TOLERANCE = 1e-3
"""How far from 1 the length of a unit vector may be rounded."""


class _UnitVector(Constraint):
    """Vectors of length 1."""

    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        """Whether each vector's length is 1 but for rounding."""
        fine: Tensor = (torch.linalg.vector_norm(value, dim=-1) - 1).abs() < TOLERANCE
        return fine


class UniformSphere(Distribution):
    """The uniform distribution on S^{k−1}, the unit vectors of k entries.

    Args:
        k: number of entries.
        batch_shape: of independent vectors.
        dtype: of the draws.
        validate_args: whether values must be unit vectors.
    """

    arg_constraints = {}  # noqa: RUF012 — as torch declares it
    support = _UnitVector()

    def __init__(
        self,
        k: int,
        batch_shape: Sequence[int] = (),
        dtype: torch.dtype = torch.float64,
        validate_args: bool | None = None,
    ) -> None:
        self.k = k
        self.dtype = dtype
        super().__init__(torch.Size(batch_shape), torch.Size([k]), validate_args)

    def expand(
        self, batch_shape: Sequence[int], _instance: Distribution | None = None
    ) -> "UniformSphere":
        """A batch of the same."""
        return UniformSphere(self.k, batch_shape, self.dtype, self._validate_args)

    def entropy(self) -> Tensor:
        """Log of the surface, nats."""
        surface = math.log(2) + self.k / 2 * math.log(math.pi) - math.lgamma(self.k / 2)
        return torch.full(self.batch_shape, surface, dtype=self.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        """Minus the log of the surface, whatever the unit vector."""
        if self._validate_args:
            self._validate_sample(value)
        return -self.entropy().to(value.dtype) + torch.zeros_like(value[..., 0])

    @property
    def mean(self) -> Tensor:
        """The centre of the sphere."""
        return torch.zeros(self._extended_shape(), dtype=self.dtype)

    @property
    def variance(self) -> Tensor:
        """1/k in every direction."""
        return torch.full(self._extended_shape(), 1 / self.k, dtype=self.dtype)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Normal noise scaled to length 1."""
        shape = self._extended_shape(torch.Size(sample_shape))
        return normalize(torch.randn(shape, dtype=self.dtype), dim=-1)


def build(event_shape: torch.Size, params: Params) -> Prior:
    """The uniform prior over unit vectors (k,), or a product of such over (..., k).

    Raises:
        ModelError: if z is a single number.
    """
    if not event_shape:
        raise ModelError("The prior uniform-sphere is over vectors; z is a single number.")
    vectors = UniformSphere(event_shape[-1], event_shape[:-1], validate_args=False)
    joint = Independent(vectors, len(event_shape) - 1) if len(event_shape) > 1 else vectors
    prior = from_distribution("uniform-sphere", joint)

    def log_prob(z: Tensor) -> Tensor:
        require_unit_vectors(z)
        return joint.log_prob(z)

    return Prior(
        name=prior.name, log_prob=log_prob, sample=prior.sample, kl=prior.kl, distribution=joint
    )


def require_unit_vectors(z: Tensor) -> None:
    """Check that every z lies on the sphere.

    Raises:
        ModelError: naming the length of the first that does not.
    """
    fine = UniformSphere.support.check(z)
    if not fine.all():
        length = torch.linalg.vector_norm(z, dim=-1)[~fine].flatten()[0].item()
        raise ModelError(
            f"The prior uniform-sphere is over unit vectors; a z has the length {length:g}.",
            "Normalise the draws, or give a prior over all of space.",
        )


uniform_sphere = PriorFactory(name="uniform-sphere", build=build)
