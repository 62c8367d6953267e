"""Von Mises-Fisher on the unit sphere of R^k: q(z) ∝ exp(κ μ·z), against surface area.

With ν = k/2 − 1 and A = I_{ν+1}(κ)/I_ν(κ),

    log ∫ e^{κ μ·z} dz = (k/2) log 2π + log I_ν(κ) − ν log κ,    E z = A μ,
    E zzᵀ = (A/κ) 1 + (1 − kA/κ) μμᵀ,   entropy = that integral − κA.

Mardia & Jupp (2000), "Directional Statistics", section 9.3; as a posterior, Davidson et al. (2018),
"Hyperspherical variational auto-encoders". Drawn exactly, by Ulrich's rejection as corrected by
Wood (1994), "Simulation of the von Mises Fisher distribution".
"""

import math
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.distributions import Beta, Distribution, constraints
from torch.distributions.constraints import Constraint
from torch.distributions.kl import register_kl
from torch.nn.functional import normalize

from genprobe.distributions.bessel import log_bessel
from genprobe.distributions.uniform_sphere import UniformSphere, log_area, unit_vector


class VonMisesFisher(Distribution):
    """Von Mises-Fisher; everything is worked out in float64.

    Args:
        loc: mean directions (*batch, k), k ≥ 2, normalised again here.
        concentration: κ ≥ 0, (*batch).
        validate_args: whether arguments and points are checked.
    """

    arg_constraints: ClassVar[dict[str, Constraint]] = {
        "loc": unit_vector,
        "concentration": constraints.nonnegative,
    }
    support = unit_vector
    has_rsample = False
    loc: Tensor
    concentration: Tensor

    def __init__(
        self, loc: Tensor, concentration: Tensor, validate_args: bool | None = None
    ) -> None:
        if loc.dim() < 1 or loc.shape[-1] < 2:
            raise ValueError("a sphere needs two dimensions or more around it")
        batch = (loc[..., 0] + concentration).shape
        self.loc = loc.expand(*batch, loc.shape[-1])
        self.concentration = concentration.expand(batch)
        super().__init__(batch, loc.shape[-1:], validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> "VonMisesFisher":
        """The same for a batch of that shape."""
        shape = torch.Size(batch_shape)
        return VonMisesFisher(
            self.loc.expand(shape + self.event_shape),
            self.concentration.expand(shape),
            validate_args=False,
        )

    @property
    def direction(self) -> Tensor:
        """Mean directions (*batch, k), of length 1 in float64."""
        return normalize(self.loc.double(), dim=-1)

    def _constants(self) -> tuple[Tensor, Tensor]:
        """Log-partition less κ, and A/κ."""
        k = self.event_shape[0]
        scaled, ratio = log_bessel(k / 2 - 1, self.concentration)
        return k / 2 * math.log(2 * math.pi) + scaled, ratio

    @property
    def log_partition(self) -> Tensor:
        """Log of the integral of exp(κ μ·z) over the sphere (*batch), float64."""
        return self._constants()[0] + self.concentration.double()

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density at the directions of points (..., k), nats, float64.

        κ μ·z = κ − ½ κ |z − μ|², which does not cancel however large κ is.
        """
        if self._validate_args:
            self._validate_sample(value)
        apart = (normalize(value.double(), dim=-1) - self.direction).square().sum(-1)
        return -self.concentration.double() * apart / 2 - self._constants()[0]

    def entropy(self) -> Tensor:
        """Entropy against surface area (*batch), nats, float64."""
        partition, ratio = self._constants()
        kappa = self.concentration.double()
        return partition + kappa * (1 - kappa * ratio)

    @property
    def mean(self) -> Tensor:
        """A μ (*batch, k)."""
        _, ratio = self._constants()
        found = (self.concentration.double() * ratio)[..., None] * self.direction
        return found.to(self.loc.dtype)

    @property
    def variance(self) -> Tensor:
        """Of every coordinate (*batch, k)."""
        _, ratio = (values[..., None] for values in self._constants())
        length = self.concentration.double()[..., None] * ratio
        along = 1 - self.event_shape[0] * ratio - length.square()
        return (ratio + along * self.direction.square()).clamp(min=0).to(self.loc.dtype)

    @torch.no_grad()
    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Exact draws (*sample_shape, *batch, k), of the dtype of loc."""
        shape = self._extended_shape(sample_shape)
        mu = self.direction.expand(shape)
        short = shortfalls(self.concentration.double().expand(shape[:-1]), shape[-1])
        noise = torch.randn(shape, dtype=torch.float64, device=mu.device)
        across = normalize(noise - (noise * mu).sum(-1, keepdim=True) * mu, dim=-1)
        sine = (short * (2 - short)).sqrt()
        drawn = (1 - short)[..., None] * mu + sine[..., None] * across
        return drawn.to(self.loc.dtype)


def shortfalls(kappa: Tensor, dimension: int) -> Tensor:
    """Draws of 1 − μ·z, each for its own κ; kept as that difference, which may be tiny.

    Args:
        kappa: any shape, float64.
        dimension: k.
    """
    flat = kappa.reshape(-1)
    found = torch.empty_like(flat)
    left = torch.arange(len(flat), device=flat.device)
    half = torch.full((), (dimension - 1) / 2, dtype=torch.float64, device=flat.device)
    cosine = Beta(half, half, validate_args=False)
    while len(left):
        some = flat[left]
        b = 2 * half / (2 * some + (4 * some.square() + 4 * half.square()).sqrt())
        x = (1 - b) / (1 + b)
        e = cosine.sample(some.shape)
        short = 2 * b * e / (1 - (1 - b) * e)
        # the logarithm of Wood's acceptance: κw + (k − 1) log(1 − xw) less its greatest value
        height = some * (1 - x - short) + 2 * half * (
            ((1 - x) + x * short).log() - (1 - x.square()).log()
        )
        fine = torch.rand_like(height).log() <= height
        found[left[fine]] = short[fine]
        left = left[~fine]
    return found.reshape(kappa.shape)


@register_kl(VonMisesFisher, UniformSphere)  # type: ignore[no-untyped-call, untyped-decorator]
def kl_to_uniform(q: VonMisesFisher, p: UniformSphere) -> Tensor:
    """KL(q‖p) = log area − entropy (*batch), nats."""
    if q.event_shape != p.event_shape:
        raise ValueError(f"spheres of {q.event_shape} and {p.event_shape}")
    return log_area(q.event_shape[0]) - q.entropy()


@register_kl(VonMisesFisher, VonMisesFisher)  # type: ignore[no-untyped-call, untyped-decorator]
def kl_between(q: VonMisesFisher, p: VonMisesFisher) -> Tensor:
    """KL(q‖p) = −entropy of q − κ_p A_q μ_p·μ_q + log-partition of p (*batch), nats."""
    kappa = p.concentration.double()
    length = q.concentration.double() * q._constants()[1]
    apart = (p.direction - q.direction).square().sum(-1) / 2
    expected = kappa * ((1 - length) + length * apart)
    return p._constants()[0] + expected - q.entropy()
