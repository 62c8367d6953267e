"""R and D of every example, from a store: what rate, distortion and ELBO are the means of."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.aggregate.blocks import size_of
from genprobe.errors import DataError, UnavailableError
from genprobe.probes.rate import rate_by_itself
from genprobe.runtime.seeds import derived_seed, seeded
from genprobe.store.format import Header
from genprobe.store.read import Store
from genprobe.types import Family, FittedScale, Likelihood, Prior

ROUNDING = 1e-5
"""Relative difference below which two scales in float32 are one."""


def rates_under(store: Store, family: Family, prior: Prior) -> Float64[Tensor, "draw n"]:
    """KL(q(z|x_n)‖p(z)) under another prior than the store's: (1, n) if analytic, else (draw, n).

    Args:
        store: finished.
        family: of its posteriors.
        prior: p(z).
    """
    draws, log_qz_x, found = store.header.draws, store.column("draws/log_qz_x"), []
    with seeded(derived_seed(store.header.seed, "rate")):
        for start, params in store.blocks():
            block = rate_by_itself(family, prior, params, draws, store.header.n)
            if block is None:
                index = torch.arange(start, start + size_of(params))
                z = torch.stack([store.gather("draws/z", d, index) for d in range(draws)])
                log_pz = prior.log_prob(z.double()).double()
                block = log_qz_x[:, index] - log_pz
            found.append(block)
    return torch.cat(found, 1)


def chain_rates(store: Store, first: Float64[Tensor, "firstdraw n"]) -> Float64[Tensor, "draw n"]:
    """The rate of all levels of a chain; without further levels that of the first.

    Args:
        store: finished.
        first: (draw, n) the rate of its code, or (1, n) in closed form, nats.
    """
    if not store.has("levels/rate"):
        return first
    return add_means(first, store.column("levels/rate").sum(2))


def add_means(
    values: Float64[Tensor, "draw n"], others: Float64[Tensor, "otherdraw n"]
) -> Float64[Tensor, "some n"]:
    """The sum of two quantities of every example: draw by draw, or of the means of other draws.

    A single row stands for an error that is no more than the spread over examples.

    Args:
        values: (draw, n), or a closed form (1, n).
        others: (draw, n) of the same draws, or of others.

    Example:
        >>> one, two = torch.ones(3, 2).double(), 2 * torch.ones(2, 2).double()
        >>> add_means(one, two).shape, add_means(two, two).shape
        (torch.Size([1, 2]), torch.Size([2, 2]))
    """
    if len(values) in (1, len(others)):
        return values + others
    return (values.mean(0) + others.mean(0))[None]


def distortions(
    store: Store, scale: FittedScale | None, bin_width: float | None
) -> Float64[Tensor, "draw n"]:
    """−log p(x_n|z) at every draw (draw, n), of the bins where a bin width is known.

    Args:
        store: finished.
        scale: what ``fit_scale`` found.
        bin_width: δ of quantised data, by which a density becomes a probability.

    Raises:
        UnavailableError: if the model has no decoder.
    """
    if store.has("probes/distortion"):
        return store.column("probes/distortion") - log_bin(store.header, bin_width)
    if scale is None:
        raise UnavailableError("No distortion: the model has no decoder.")
    unit = store.column("probes/unit_distortion")
    return scale.factor * unit + scale.offset - log_bin(store.header, bin_width)


def log_weights(
    store: Store, distortion: Callable[[], Float64[Tensor, "draw n"]]
) -> Float64[Tensor, "draw n"]:
    """Values of log p(x|z) + log p(z) − log q(z|x), of all levels of a chain together.

    Args:
        store: finished.
        distortion: makes −log p(x_n|z) at every draw.

    Raises:
        UnavailableError: if the distortion is not of the draws.
    """
    if store.has("probes/distortion") and store.header.likelihood is None:
        raise UnavailableError("No importance weights: the distortion is not of these draws.")
    log_pz = store.column("draws/log_pz")
    if store.has("levels/log_weight"):
        log_pz = log_pz + store.column("levels/log_weight")
    return log_pz - store.column("draws/log_qz_x") - distortion()


def fit_scale(store: Store, likelihood: Likelihood | None) -> FittedScale | None:
    """The likelihood's one scale, fitted to all the data; None where there is no such scale.

    Raises:
        UnavailableError: if there is, and it cannot be fitted.
    """
    if not store.has("probes/unit_distortion"):
        return None
    if likelihood is None or likelihood.fit_scale is None:
        raise UnavailableError(
            f"No distortion: no plugin says how {store.header.likelihood} fits its scale."
        )
    unit = float(store.column("probes/unit_distortion").mean())
    found = likelihood.fit_scale(unit, math.prod(store.header.event_shape))
    if not math.isfinite(found.factor):
        raise UnavailableError("No distortion: the decoder is exact, and its best scale 0.")
    return found


def log_bin(header: Header, bin_width: float | None) -> float:
    """P log δ: what makes a density of P values the probability of their bins; 0 without bins.

    Raises:
        DataError: if P is not known.
    """
    if bin_width is None or header.discrete:
        return 0.0
    if 0 in header.event_shape:
        raise DataError(
            "A bin width needs the number of values in an example, which is not known here.",
            "Give the event_shape of the data with the posteriors, or the data with --data.",
        )
    return math.prod(header.event_shape) * math.log(bin_width)


@dataclass(frozen=True, kw_only=True)
class FixedScale:
    """The scale of a decoder that gives the same everywhere.

    Attributes:
        scale: that it gives.
        best: the one at which its distortion would be least.
        blind: distortion of the best constants at its own scale, nats per example.
    """

    scale: float
    best: float
    blind: float


def fixed_scale(
    store: Store, likelihood: Likelihood | None, bin_width: float | None
) -> FixedScale | None:
    """The scale of the decoder, where it was one constant wherever it was asked; else None.

    Args:
        store: finished.
        likelihood: p(x|z); None without a decoder.
        bin_width: δ of quantised data, by which a density becomes a probability.
    """
    if likelihood is None or likelihood.blind_at is None or not store.has("subset/decoder_scale"):
        return None
    least, most = store.column("subset/decoder_scale")
    scale = float(most.max())
    # Written so that a scale that is NaN anywhere is none.
    if not float(least.min()) >= scale * (1 - ROUNDING):
        return None
    moments, values = store.data_moments(), math.prod(store.header.event_shape)
    mean_error = float(store.column("probes/distortion").mean()) / values
    square = scale**2 * (2 * mean_error - math.log(2 * math.pi * scale**2))
    blind = likelihood.blind_at(moments["x"], moments["x_square"], scale)
    return FixedScale(
        scale=scale,
        best=math.sqrt(max(square, 0.0)),
        blind=blind - log_bin(store.header, bin_width),
    )


def zero_rate_distortion(
    store: Store, likelihood: Likelihood | None, bin_width: float | None
) -> float:
    """Distortion of the best constant of the likelihood's family, nats.

    Args:
        store: finished.
        likelihood: p(x|z); None without a decoder.
        bin_width: δ of quantised data, by which a density becomes a probability.

    Raises:
        UnavailableError: if the likelihood has none, or it is not finite.
    """
    if likelihood is None or likelihood.blind is None:
        raise UnavailableError("No zero-rate distortion: the likelihood defines none.")
    moments = store.data_moments()
    mean, square = moments.pop("x"), moments.pop("x_square")
    value = likelihood.blind(mean, square, **moments)
    if not math.isfinite(value):
        raise UnavailableError("No zero-rate distortion: data that do not vary have no finite one.")
    return value - log_bin(store.header, bin_width)
