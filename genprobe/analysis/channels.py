"""What is said of a latent with places, from the quantities that estimators use."""

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.analysis.pixels import pixels_of
from genprobe.analysis.withheld import stated
from genprobe.estimators.grid_moments import GridMoments
from genprobe.estimators.quantities import Quantities
from genprobe.estimators.rate_fitted_prior import fitted_rates, with_error_of_fits
from genprobe.estimators.standard_error import data_error, mean_over_examples
from genprobe.report import Estimate
from genprobe.report.channels import Channel, GridBound, LatentGrid
from genprobe.store.read import Store


def places_of(
    quantities: Quantities, store: Store
) -> tuple[tuple[Channel, ...], LatentGrid | None]:
    """The channels of a latent and where it has its power and rate.

    Nothing where it has no places, or where no estimator asked for them.

    Args:
        quantities: of the store.
        store: finished.
    """
    if not quantities.has("grid"):
        return (), None
    moments, rates = quantities.grid, quantities.rate_moments
    each = None if rates is None else rates.mean
    bounds = tuple(bounds_of_grid(quantities, store)) if quantities.has("fitted_rate") else ()
    return channels_of(moments, quantities.which), grid_of(moments, each, bounds)


def bounds_of_grid(quantities: Quantities, store: Store) -> Iterator[GridBound]:
    """What every fitted prior pays, each on the examples that priors were chosen on.

    Args:
        quantities: of the store, with priors fitted.
        store: that they are of.
    """
    fitted, pixels = quantities.fitted, pixels_of(store.header.event_shape)
    log_qz_x = store.column("draws/log_qz_x")[:1, fitted.chosen]
    entropy = quantities.posterior_entropy
    entropy = None if entropy is None else entropy[fitted.chosen]
    which = None if quantities.which is None else quantities.which[fitted.chosen]
    for candidate, log_mz in fitted.held_out.items():
        each = fitted_rates(log_mz[None], log_qz_x, entropy)
        nats = mean_over_examples("grid_bound", each, kind="upper", which=which)
        nats = with_error_of_fits(nats, quantities.error_of_candidate(candidate))
        nats = stated({"nats": nats}, quantities.observations)["nats"]
        bits = nats.value / math.log(2)
        per_pixel = None if pixels is None else bits / pixels
        yield GridBound(candidate=candidate, nats=nats, bits_per_pixel=per_pixel)


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


def grid_of(
    moments: GridMoments, rates: Float64[Tensor, " k"] | None, bounds: tuple[GridBound, ...] = ()
) -> LatentGrid:
    """Where the latent has its power, and its rate.

    Args:
        moments: of every example.
        rates: (k,) mean KL of every value of z, nats; None where it is not known.
        bounds: what each fitted prior pays.
    """
    known = rates is not None and bool(torch.isfinite(rates).all())
    by_position = rates.reshape(moments.shape[0], -1).sum(0).tolist() if known else None  # type: ignore[union-attr]
    return LatentGrid(
        shape=tuple(moments.shape),
        frequencies=tuple(moments.frequencies.tolist()),
        power=tuple(moments.power.mean(0).tolist()),
        rate=None if by_position is None else tuple(by_position),
        bounds=bounds,
    )
