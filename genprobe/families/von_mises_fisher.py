"""Von Mises-Fisher on the unit sphere of R^k: q(z|x) ∝ exp(κ loc·z), κ = concentration.

As an exponential family: statistics z, natural parameters κ loc, log-partition that of
``genprobe.distributions.von_mises_fisher``, where the reference is. Its draws have no pathwise
gradient, so there is no operating slope.
"""

from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.nn.functional import normalize

from genprobe.distributions.uniform_sphere import unit_vector
from genprobe.distributions.von_mises_fisher import VonMisesFisher
from genprobe.errors import ModelError
from genprobe.types import Family, Params


def von_mises_fisher_of(params: Params) -> VonMisesFisher:
    """The distributions of parameters loc (batch, k) and concentration (batch,) or (batch, 1).

    Raises:
        ModelError: if their shapes are others.
    """
    loc, concentration = params["loc"], params["concentration"]
    if loc.dim() != 2 or concentration.numel() != len(loc) or loc.shape[1] < 2:
        raise ModelError(
            "The family von-mises-fisher needs loc (batch, k), k ≥ 2, and concentration (batch,), "
            f"not {tuple(loc.shape)} and {tuple(concentration.shape)}.",
            "Flatten the latent, and give one concentration an example.",
        )
    return VonMisesFisher(loc, concentration.reshape(-1), validate_args=False)


def distribution(params: Params) -> Distribution:
    """Parameters loc (batch, k) and concentration (batch,) or (batch, 1) to q(z|x)."""
    return von_mises_fisher_of(params)


def natural(params: Params) -> tuple[Tensor, Tensor]:
    """Natural parameters (batch, k) and log-partition (batch,)."""
    q = von_mises_fisher_of(params)
    eta = q.concentration.double()[:, None] * q.direction
    return eta.to(q.loc.dtype), q.log_partition.to(q.loc.dtype)


def sufficient(z: Tensor) -> tuple[Tensor, Tensor]:
    """Statistics (m, k) and log base measure (m,) of z (m, k): the direction of z, and nothing."""
    return normalize(z, dim=1), z.new_zeros(len(z))


von_mises_fisher = Family(
    name="von-mises-fisher",
    distribution=distribution,
    constraints={"loc": unit_vector, "concentration": constraints.nonnegative},
    natural=natural,
    sufficient=sufficient,
)
