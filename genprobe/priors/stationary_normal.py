r"""A stationary normal field over the positions of a latent of shape (C, H, W) or (C, T).

.. math::

    p(z) = \prod_f \mathcal N\big((Uz)_f;\, (U\mu)_f,\, L_f L_f^\top\big),
    \qquad (Uz)_f \in \mathbb R^C

with U the orthonormal cosine transform (DCT-II) along every axis of positions, and a covariance of
the channels for each frequency f. The cosine transform makes the frequencies of a field independent
only if it reflects at its borders, so of other fields this is an approximation, though a normalised
density all the same. The mean may differ by position. Reference: Strang (1999), "The discrete
cosine transform".
"""

import torch
from torch import Tensor
from torch.distributions import Normal

from genprobe.distributions.cosine_transform import LONGEST, inverse, of_variances, transform
from genprobe.distributions.latents import is_grid
from genprobe.priors.channel_normal import is_normal, require_grid
from genprobe.priors.factorised import broadcast, require_tensors
from genprobe.priors.flat import flat_prior
from genprobe.priors.full_normal import require_factor
from genprobe.types import Codes, Family, Params, Prior, PriorFactory

NAME = "stationary-normal"
ROWS = 128
"""Examples that are transformed at a time."""
MOST_NUMBERS = 1 << 24
"""Covariances of more entries than this are not fitted."""


def build(event_shape: torch.Size, params: Params) -> Prior:
    """The field with ``loc`` (C,) or (C, *grid) and ``scale_tril`` (*grid, C, C), by frequency.

    Raises:
        ModelError: if z is no grid, or a tensor is missing, not finite, or of another shape, or if
            a factor of ``scale_tril`` is not lower-triangular with a positive diagonal.
    """
    require_grid(NAME, event_shape)
    tensors = require_tensors(NAME, params, ("loc", "scale_tril"))
    channels, grid = event_shape[0], event_shape[1:]
    loc, given = tensors["loc"], tensors["scale_tril"]
    by_channel = loc.reshape(channels, *[1] * len(grid)) if loc.shape == (channels,) else loc
    loc = broadcast(NAME, "loc", by_channel, event_shape)
    require_factor(NAME, given, torch.Size([*grid, channels, channels]))
    factors = given.reshape(-1, channels, channels)
    log_det = factors.diagonal(dim1=1, dim2=2).log().sum()

    def white(z: Tensor) -> Tensor:
        """Independent standard normals (frequency, C, n) under the prior, of z (n, *event)."""
        waves = transform(z.double() - loc, len(grid)).flatten(2).permute(2, 1, 0)
        found: Tensor = torch.linalg.solve_triangular(factors, waves, upper=False)
        return found

    def log_prob(z: Tensor) -> Tensor:
        standard = Normal(0.0, 1.0, validate_args=False)
        each = standard.log_prob(white(z.reshape(-1, *event_shape)))  # type: ignore[no-untyped-call]
        found: Tensor = (each.sum((0, 1)) - log_det).reshape(z.shape[:-1])
        return found

    def sample(shape: torch.Size) -> Tensor:
        noise = torch.randn(len(factors), channels, shape.numel(), dtype=torch.float64)
        waves = (factors @ noise).permute(2, 1, 0).reshape(-1, *event_shape)
        return (loc + inverse(waves, len(grid))).reshape(*shape, -1)

    def kl(family: Family, params: Params) -> Tensor | None:
        q = family.distribution(params)
        if not is_normal(q):
            return None
        precision = torch.cholesky_inverse(factors).diagonal(dim1=1, dim2=2).T
        variance = q.variance.double()
        trace = (of_variances(variance, len(grid)).flatten(2) * precision).sum((1, 2))
        square = white(q.mean).square().sum((0, 1))
        half_log_det = variance.flatten(1).log().sum(1) / 2
        found: Tensor = (trace + square - event_shape.numel()) / 2 + log_det - half_log_det
        return found

    kept = {"loc": loc, "scale_tril": given}
    return flat_prior(NAME, event_shape, log_prob, sample, kept, kl=kl)


def suits(family: Family, event_shape: torch.Size) -> bool:
    """Whether z is a grid of several positions, small enough for a covariance a frequency."""
    if not is_grid(event_shape) or event_shape[1:].numel() < 2:
        return False
    small = event_shape.numel() * event_shape[0] <= MOST_NUMBERS
    return small and max(event_shape[1:]) <= LONGEST


def fit(codes: Codes, size: int, seed: int) -> Params:
    """The mean at every position, and at every frequency the covariance of the channels.

    The posteriors' own variances enter through the squares of the transform.
    """
    shape = codes.event_shape
    if shape is None:
        raise ValueError("codes without the shape of z")
    axes, loc = len(shape) - 1, codes.mean.mean(0)
    spread = of_variances(codes.variance.mean(0).reshape(shape), axes).flatten(1)
    covariance = spread.T.diag_embed().permute(1, 2, 0).contiguous()  # (C, C, frequency)
    for some in torch.split(codes.mean, ROWS):
        waves = transform((some - loc).reshape(-1, *shape), axes).flatten(2)
        for c in range(shape[0]):  # products of a row: a matrix product a frequency takes longer
            covariance[c] += (waves * waves[:, c, None]).sum(0) / len(codes.mean)
    factors = torch.linalg.cholesky(covariance.permute(2, 0, 1))
    return {
        "loc": loc.reshape(shape),
        "scale_tril": factors.reshape(*shape[1:], *factors.shape[1:]),
    }


stationary_normal = PriorFactory(name=NAME, build=build, fit=fit, suits=suits, concurrent=True)
