r"""A normal over the channels of a latent with a place, the same at every position.

.. math::

    p(z) = \prod_p \mathcal N(z_p;\, \mu,\, L L^\top), \qquad z_p \in \mathbb R^C

for z of shape (C, H, W) or (C, T). Its mean and covariance are C + C(C + 1)/2 numbers, so it can be
fitted where a mean and a scale of every single value cannot.
"""

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from genprobe.distributions.latents import is_grid
from genprobe.errors import ModelError
from genprobe.priors.factorised import require_tensors
from genprobe.priors.flat import flat_prior
from genprobe.priors.full_normal import require_factor
from genprobe.types import Codes, Family, Params, Prior, PriorFactory

NAME = "channel-normal"
ROWS = 128
"""Examples whose moments are worked out at a time."""
MOST_CHANNELS = 512
"""More channels than this are not fitted."""


def build(event_shape: torch.Size, params: Params) -> Prior:
    """The prior with ``loc`` (C,) and lower-triangular ``scale_tril`` (C, C).

    Raises:
        ModelError: if z is no grid, or a tensor is missing, not finite, or of another shape, or if
            ``scale_tril`` is not lower-triangular with a positive diagonal.
    """
    require_grid(NAME, event_shape)
    tensors = require_tensors(NAME, params, ("loc", "scale_tril"))
    channels = torch.Size(event_shape[:1])
    loc, scale_tril = tensors["loc"], tensors["scale_tril"]
    if loc.shape != channels:
        raise ModelError(
            f"The prior {NAME} has a loc of shape {tuple(loc.shape)}; it must be {tuple(channels)}."
        )
    require_factor(NAME, scale_tril, channels * 2)
    positions = event_shape[1:].numel()

    def white(z: Tensor) -> Tensor:
        by_channel = z.double().reshape(*z.shape[:-1], *channels, positions)
        centred = by_channel - loc[:, None]
        found: Tensor = torch.linalg.solve_triangular(scale_tril, centred, upper=False)
        return found

    def log_prob(z: Tensor) -> Tensor:
        standard = Normal(0.0, 1.0, validate_args=False)
        density: Tensor = standard.log_prob(white(z)).sum((-1, -2))  # type: ignore[no-untyped-call]
        return density - positions * scale_tril.diagonal().log().sum()

    def sample(shape: torch.Size) -> Tensor:
        noise = torch.randn(*shape, *channels, positions, dtype=torch.float64)
        return (loc[:, None] + scale_tril @ noise).flatten(-2)

    def kl(family: Family, params: Params) -> Tensor | None:
        q = family.distribution(params)
        if not is_normal(q):
            return None
        precision = torch.cholesky_inverse(scale_tril).diagonal()
        variance = q.variance.double().reshape(-1, *channels, positions)
        trace = (variance * precision[:, None] - variance.log()).sum((1, 2))
        square = white(q.mean.flatten(1)).square().sum((1, 2))
        log_det = 2 * positions * scale_tril.diagonal().log().sum()
        found: Tensor = (trace + square + log_det - event_shape.numel()) / 2
        return found

    kept = {"loc": loc, "scale_tril": scale_tril}
    return flat_prior(NAME, event_shape, log_prob, sample, kept, kl=kl)


def is_normal(q: object) -> bool:
    """Whether a posterior is a normal of independent values."""
    return isinstance(q, Independent) and isinstance(q.base_dist, Normal)


def require_grid(name: str, event_shape: torch.Size) -> None:
    """Check that z has channels and positions.

    Raises:
        ModelError: if it has not.
    """
    if not is_grid(event_shape):
        raise ModelError(
            f"The prior {name} is of latents of shape (channels, height, width) or (channels, "
            f"length); z has the shape {tuple(event_shape)}.",
            "Name another prior, such as diagonal-normal.",
        )


def suits(family: Family, event_shape: torch.Size) -> bool:
    """Whether z is a grid of channels few enough for their covariance."""
    return is_grid(event_shape) and event_shape[0] <= MOST_CHANNELS


def fit(codes: Codes, size: int, seed: int) -> Params:
    """Moments of the aggregate posterior over all positions: of means, and the mean variance."""
    if codes.event_shape is None:
        raise ValueError("codes without the shape of z")
    channels = codes.event_shape[0]
    loc = codes.mean.mean(0).reshape(channels, -1).mean(1)
    covariance = codes.variance.mean(0).reshape(channels, -1).mean(1).diag()
    for some in torch.split(codes.mean, ROWS):
        centred = some.reshape(len(some), channels, -1) - loc[:, None]
        covariance += (centred @ centred.mT).sum(0) / (codes.mean.numel() / channels)
    return {"loc": loc, "scale_tril": torch.linalg.cholesky(covariance)}


channel_normal = PriorFactory(name=NAME, build=build, fit=fit, suits=suits, concurrent=True)
