"""Moments of a latent with places, example by example: of its channels, and of its frequencies.

Positions of one example are not independent, so what is held of each example is a mean over
positions: errors over the data rest on these alone. Posteriors are read in stretches; nothing of
the size of all codes is held.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.aggregate.blocks import size_of, stretches
from genprobe.aggregate.moments import moments
from genprobe.aggregate.suitable import support_of
from genprobe.distributions.cosine_transform import LONGEST, of_variances, transform
from genprobe.distributions.latents import is_grid
from genprobe.errors import UnavailableError
from genprobe.probes.rate import rate_per_dimension
from genprobe.runtime.outer_threads import outer_threads, share_out
from genprobe.types import Family, Params, Prior

PIECE = 64
"""Examples that a thread works on at a time."""


@dataclass(frozen=True, eq=False)
class GridMoments:
    """Moments of every example on a grid of shape (C, H, W) or (C, T), float64.

    Attributes:
        shape: of one z.
        mean: (n, C) mean of the posterior means over positions.
        square: (n, C) mean over positions of E (z − m)², m the mean of the channel in all examples.
        frequencies: (ring,) radial, in cycles per position, the lowest above 0 first; none on a
            grid too long for a cosine transform.
        power: (n, ring) E of the squared coefficients of the cosine transform of z less its mean at
            each position in all examples, averaged over channels and over the ring.
        rate: (n, C) KL of each channel, nats; None where it is not defined.
    """

    shape: tuple[int, ...]
    mean: Float64[Tensor, "n channel"]
    square: Float64[Tensor, "n channel"]
    frequencies: Float64[Tensor, " ring"]
    power: Float64[Tensor, "n ring"]
    rate: Float64[Tensor, "n channel"] | None


class Piece(NamedTuple):
    """The same of some examples."""

    mean: Tensor
    square: Tensor
    power: Tensor
    rate: Tensor | None


def grid_moments(
    blocks: Iterable[tuple[int, Params]],
    family: Family,
    prior: Prior | None,
    mean: Float64[Tensor, " k"],
    shape: Sequence[int],
) -> GridMoments:
    """Moments of all examples, in one pass.

    Args:
        blocks: (first example, parameters of a stretch), in order.
        family: of the posteriors.
        prior: p(z), for the rate by channel; None where it cannot be rebuilt.
        mean: (k,) of the aggregate posterior.
        shape: of one z.

    Raises:
        UnavailableError: if z is no grid, or is discrete, or has no moments.
    """
    if not is_grid(shape):
        raise UnavailableError(
            "The latent has no places: it is not of shape (channels, height, width) or (channels, "
            "length)."
        )
    centre, wave = mean.reshape(*shape), rings(shape[1:])
    found: list[Piece] = []
    with outer_threads():
        for _, params in blocks:
            require_continuous(family, params)
            pieces = [
                {k: v[part].double() for k, v in params.items()}
                for part in stretches(size_of(params), PIECE)
            ]
            found += share_out(lambda piece: piece_of(piece, family, prior, centre, wave), pieces)
    rates = [piece.rate for piece in found if piece.rate is not None]
    whole = GridMoments(
        shape=tuple(shape),
        mean=torch.cat([piece.mean for piece in found]),
        square=torch.cat([piece.square for piece in found]),
        frequencies=frequencies(shape[1:], wave),
        power=torch.cat([piece.power for piece in found]),
        rate=torch.cat(rates) if len(rates) == len(found) else None,
    )
    if not whole.square.isfinite().all():
        raise UnavailableError("No scale of the channels: the posteriors have no finite variance.")
    return whole


def require_continuous(family: Family, params: Params) -> None:
    """Check that codes are not whole numbers, of which (levels, length) is no grid.

    Raises:
        UnavailableError: if they are.
    """
    support = support_of(family.distribution({k: v[:1].double() for k, v in params.items()}))
    if support is not None and support.is_discrete:
        raise UnavailableError("Discrete codes have no channels to scale.")


def piece_of(
    params: Params,
    family: Family,
    prior: Prior | None,
    centre: Float64[Tensor, " *latent"],
    wave: Int64[Tensor, " *grid"],
) -> Piece:
    """Moments of some examples.

    Args:
        params: of their posteriors, float64.
        family: of the posteriors.
        prior: p(z), or None.
        centre: the mean of z at every position.
        wave: the ring of each frequency, −1 of none.
    """
    mean, variance = (v.reshape(-1, *centre.shape) for v in moments(family.distribution(params)))
    channel = centre.flatten(1).mean(1)
    off = mean.flatten(2) - channel[:, None]
    kl = None if prior is None else rate_per_dimension(family, prior, params)
    return Piece(
        mean=mean.flatten(2).mean(2),
        square=off.square().mean(2) + variance.flatten(2).mean(2),
        power=power_of(mean - centre, variance, wave),
        rate=None if kl is None else kl.reshape(len(kl), len(channel), -1).sum(2),
    )


def power_of(
    deviation: Float64[Tensor, "n *latent"],
    variance: Float64[Tensor, "n *latent"],
    wave: Int64[Tensor, " *grid"],
) -> Float64[Tensor, "n ring"]:
    """Mean squared coefficient of each example in each ring.

    Args:
        deviation: of the posterior means from that of all.
        variance: of the posteriors.
        wave: the ring of each frequency, −1 of none.
    """
    count = int(wave.max()) + 1
    if count == 0:
        return deviation.new_empty(len(deviation), 0)
    axes = wave.dim()
    square = transform(deviation, axes).square().mean(1) + of_variances(variance.mean(1), axes)
    chosen = wave.flatten() >= 0
    ring = wave.flatten()[chosen]
    sums = deviation.new_zeros(len(deviation), count)
    sums.index_add_(1, ring, square.flatten(1)[:, chosen])
    return sums / ring.bincount(minlength=count)


def rings(grid: Sequence[int]) -> Int64[Tensor, " *grid"]:
    """The ring of each frequency of a cosine transform by its radius; −1 of frequency 0.

    Rings are as wide as one step of the shorter axis, and end where that axis does; −1 beyond it,
    and everywhere on a grid too long for the transform.

    Args:
        grid: positions along each axis.

    Example:
        >>> rings([3, 3])
        tensor([[-1,  0,  1],
                [ 0,  0,  1],
                [ 1,  1, -1]])
    """
    if max(grid) > LONGEST:
        return torch.full(tuple(grid), -1)
    short = min(length for length in grid if length > 1 or max(grid) == 1)
    ring = (radius(grid) * 2 * short).round().long() - 1
    return torch.where(ring < short - 1, ring, -1)


def radius(grid: Sequence[int]) -> Float64[Tensor, " *grid"]:
    """The radial frequency of each coefficient, cycles per position."""
    axes = [torch.arange(length).double() / (2 * length) for length in grid]
    steps = torch.meshgrid(*axes, indexing="ij")
    return torch.stack(steps).square().sum(0).sqrt()


def frequencies(grid: Sequence[int], wave: Int64[Tensor, " *grid"]) -> Float64[Tensor, " ring"]:
    """The mean radial frequency of each ring, cycles per position."""
    chosen = wave >= 0
    ring, values = wave[chosen], radius(grid)[chosen]
    count = int(wave.max()) + 1
    total = torch.zeros(count, dtype=torch.float64).index_add_(0, ring, values)
    return total / ring.bincount(minlength=count)
