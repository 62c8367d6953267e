"""What is said of a latent with places, from the quantities that estimators use."""

import math

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.channel_report import Channel, LatentGrid
from genprobe.estimators.grid_moments import GridMoments
from genprobe.estimators.quantities import Quantities
from genprobe.estimators.standard_error import data_error
from genprobe.report import Estimate


def places_of(quantities: Quantities) -> tuple[tuple[Channel, ...], LatentGrid | None]:
    """The channels of a latent and where it has its power and rate.

    Nothing where it has no places, or where no estimator asked for them.

    Args:
        quantities: of the store.
    """
    if not quantities.has("grid"):
        return (), None
    moments, rates = quantities.grid, quantities.rate_moments
    each = None if rates is None else rates.mean
    return channels_of(moments, quantities.which), grid_of(moments, each)


def channels_of(
    moments: GridMoments, which: Int64[Tensor, " n"] | None = None
) -> tuple[Channel, ...]:
    """Mean, standard deviation and rate of every channel, with errors over examples.

    Args:
        moments: of every example.
        which: (n,) the distinct example that each is; None where all differ.
    """

    def number(name: str, value: float, each: Tensor, unit: str, by: float = 1.0) -> Estimate:
        error = data_error(each[None], which)
        error = None if error is None else error * by
        facts = {"kind": "exact", "unit": unit, "n": len(each)}
        return Estimate(name=name, value=value, se=0.0, se_data=error, **facts)  # type: ignore[arg-type]

    found = []
    for c in range(moments.mean.shape[1]):
        mean, square = moments.mean[:, c], moments.square[:, c]
        std = math.sqrt(float(square.mean()))
        rate = None if moments.rate is None else moments.rate[:, c]
        found.append(
            Channel(
                mean=number("channel_mean", float(mean.mean()), mean, "z"),
                std=number("channel_std", std, square, "z", 0.5 / std if std > 0 else 1.0),
                rate=None
                if rate is None
                else number("channel_rate", float(rate.mean()), rate, "nats"),
            )
        )
    return tuple(found)


def grid_of(moments: GridMoments, rates: Float64[Tensor, " k"] | None) -> LatentGrid:
    """Where the latent has its power, and its rate.

    Args:
        moments: of every example.
        rates: (k,) mean KL of every value of z, nats; None where it is not known.
    """
    known = rates is not None and bool(torch.isfinite(rates).all())
    by_position = rates.reshape(moments.shape[0], -1).sum(0).tolist() if known else None  # type: ignore[union-attr]
    return LatentGrid(
        shape=tuple(moments.shape),
        frequencies=tuple(moments.frequencies.tolist()),
        power=tuple(moments.power.mean(0).tolist()),
        rate=None if by_position is None else tuple(by_position),
    )
