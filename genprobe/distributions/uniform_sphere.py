"""The uniform distribution on the unit sphere of R^k, against surface area.

Its density is everywhere Γ(k/2) / (2 π^{k/2}), one over the area.
"""

import math
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.distributions.constraints import Constraint
from torch.nn.functional import normalize

LENGTH_ERROR = 1e-3
"""A vector whose length is off by no more than this counts as one of length 1."""


class UnitVector(Constraint):
    """A vector of length 1."""

    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        """Whether each vector (..., k) is of length 1, but for rounding."""
        error = torch.linalg.vector_norm(value, dim=-1) - 1
        fine: Tensor = error.abs() <= LENGTH_ERROR
        return fine

    def __repr__(self) -> str:
        return "a vector of length 1"


unit_vector = UnitVector()


def log_area(dimension: int) -> float:
    """Log of the surface area of the unit sphere of R^dimension."""
    return math.log(2) + dimension / 2 * math.log(math.pi) - math.lgamma(dimension / 2)


class UniformSphere(Distribution):
    """Uniform on the unit sphere.

    Args:
        dimension: k, of the space around the sphere.
        dtype: of draws and densities.
        validate_args: whether points are checked to be on the sphere.
    """

    arg_constraints: ClassVar[dict[str, Constraint]] = {}
    support = unit_vector

    def __init__(
        self,
        dimension: int,
        dtype: torch.dtype = torch.float64,
        validate_args: bool | None = None,
    ) -> None:
        self.dtype = dtype
        super().__init__(torch.Size(), torch.Size([dimension]), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> "UniformSphere":
        """The same for a batch of that shape."""
        new = UniformSphere(self.event_shape[0], self.dtype, validate_args=False)
        new._batch_shape = torch.Size(batch_shape)
        return new

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Points (*sample_shape, *batch, k): directions of standard normal vectors."""
        return normalize(torch.randn(self._extended_shape(sample_shape), dtype=self.dtype), dim=-1)

    def log_prob(self, value: Tensor) -> Tensor:
        """−log area, of the shape (...) of points (..., k)."""
        if self._validate_args:
            self._validate_sample(value)
        density = value.new_full(value.shape[:-1], -log_area(self.event_shape[0]))
        return density + density.new_zeros(self.batch_shape)

    def entropy(self) -> Tensor:
        """Log of the area."""
        return torch.full(self.batch_shape, log_area(self.event_shape[0]), dtype=self.dtype)

    @property
    def mean(self) -> Tensor:
        """The origin."""
        return torch.zeros(self._extended_shape(), dtype=self.dtype)

    @property
    def variance(self) -> Tensor:
        """1/k of every coordinate."""
        return torch.full(self._extended_shape(), 1 / self.event_shape[0], dtype=self.dtype)
