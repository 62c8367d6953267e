r"""The latent dimensions one by one: their rate, and the variance of their posterior means.

.. math::

    \mathrm{KL}_d = \frac1N \sum_n \mathrm{KL}(q(z_d|x_n)\,\|\,p(z_d)), \qquad
    \mathrm{Var}_n\big(\mathbb E_{q(z|x_n)}[z_d]\big)

Exact for these data, the first where posterior and prior factorise and have a closed form. Both are
accumulated over the store in float64, block by block (Chan et al. 1983, pairwise update), so memory
does not grow with the number of examples.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from genprobe.aggregate.moments import mean_of
from genprobe.distributions.latents import flat
from genprobe.errors import UnavailableError
from genprobe.estimators.active_units import THRESHOLD
from genprobe.probes.rate import rate_per_dimension
from genprobe.report import Dimension
from genprobe.types import Family, Params, Prior


@dataclass(frozen=True, eq=False)
class Moments:
    """Count, mean and sum of squared deviations of a stream of rows."""

    count: int
    mean: Float64[Tensor, " dimension"]
    deviations: Float64[Tensor, " dimension"]

    def variance(self) -> Float64[Tensor, " dimension"]:
        """Variance over the rows so far, dividing by their number."""
        return self.deviations / self.count


def moments_of(rows: Float64[Tensor, "batch dimension"]) -> Moments:
    """Moments of one batch of rows.

    Example:
        >>> moments_of(torch.tensor([[1.0], [3.0]]).double()).variance()
        tensor([1.], dtype=torch.float64)
    """
    mean = rows.mean(0)
    return Moments(len(rows), mean, (rows - mean).square().sum(0))


def combine(a: Moments, b: Moments) -> Moments:
    """Moments of the rows of two batches.

    Example:
        >>> one, three = (moments_of(torch.full((1, 1), v).double()) for v in (1.0, 3.0))
        >>> combine(one, three).variance()
        tensor([1.], dtype=torch.float64)
    """
    count, shift = a.count + b.count, b.mean - a.mean
    return Moments(
        count,
        a.mean + shift * (b.count / count),
        a.deviations + b.deviations + shift.square() * (a.count * b.count / count),
    )


def dimension_moments(
    blocks: Iterable[tuple[int, Params]], family: Family, prior: Prior | None
) -> tuple[Moments, Moments | None]:
    """Moments over all examples of the posterior means, and of KL_d where it exists.

    Args:
        blocks: (first example, parameters of a stretch), in order.
        family: of the posteriors.
        prior: p(z), or None where it cannot be rebuilt.
    """
    means: Moments | None = None
    rates: Moments | None = None
    for _, params in blocks:
        params = {k: v.double() for k, v in params.items()}
        batch = moments_of(flat(mean_of(family.distribution(params)), 1))
        means = batch if means is None else combine(means, batch)
        kl = None if prior is None else rate_per_dimension(family, prior, params)
        if kl is not None:
            rates = moments_of(kl) if rates is None else combine(rates, moments_of(kl))
    if means is None:
        raise ValueError("no examples")
    return means, rates


def dimensions(
    means: Moments, rates: Moments | None, aggregate_kl: Float64[Tensor, " dimension"] | None = None
) -> tuple[Dimension, ...]:
    """One record per latent dimension, in the order of the flattened z.

    Args:
        means: moments over examples of the posterior means; NaN where there are none.
        rates: moments over examples of KL_d; None where it does not exist.
        aggregate_kl: (dimension,) KL(q(z_d)‖p(z_d)), nats; None where it is not known.
    """
    count = len(means.mean)
    aggregate = finite_or_none(aggregate_kl, count)
    variance = finite_or_none(means.variance(), count)
    kl = finite_or_none(None if rates is None else rates.mean, count)
    errors = finite_or_none(None if rates is None or rates.count < 2 else errors_of(rates), count)
    return tuple(
        Dimension(
            index=i,
            rate=kl[i],
            rate_se_data=errors[i],
            mean_variance=variance[i],
            active=None if (spread := variance[i]) is None else spread > THRESHOLD,
            aggregate_kl=aggregate[i],
        )
        for i in range(len(variance))
    )


def finite_or_none(values: Tensor | None, count: int) -> list[float | None]:
    """So many numbers, None where they are not known or not finite.

    >>> finite_or_none(torch.tensor([1.0, torch.inf]), 2), finite_or_none(None, 1)
    ([1.0, None], [None])
    """
    known = [None] * count if values is None else values.tolist()
    return [None if v is None or not math.isfinite(v) else v for v in known]


def errors_of(rates: Moments) -> Tensor:
    """Standard errors over examples of the means."""
    return torch.sqrt(rates.deviations / (rates.count - 1) / rates.count)


def dimension_divergences(
    prior: Prior | None,
    z: Float[Tensor, "draw m *latent"],
    log_qzj: Float64[Tensor, "draw some k"],
) -> Float64[Tensor, " k"]:
    """KL(q(z_d)‖p(z_d)) of every dimension (k,), nats.

    Args:
        prior: p(z), which must factorise.
        z: the queries.
        log_qzj: log q(z_d) at the first so many of them.

    Raises:
        UnavailableError: if the prior does not factorise.
    """
    base = getattr(getattr(prior, "distribution", None), "base_dist", None)
    if base is None or base.event_shape:
        raise UnavailableError("The prior does not factorise.")
    some = z[:, : log_qzj.shape[1]]
    found: Tensor = (log_qzj - flat(base.log_prob(some.double()), 2)).mean((0, 1))
    return found
