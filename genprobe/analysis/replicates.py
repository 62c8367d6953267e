"""Replicates of R, D and the slope: what the probability of a regime is a share of.

Where the examples are at hand they are resampled, which needs no assumption about their
distribution. Where only the estimates are, replicates are normal with the covariance that the
standard errors imply.
"""

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.estimators.quantities import Quantities
from genprobe.report import Estimate
from genprobe.runtime.seeds import generator

REPLICATES = 2000
GROUPS = 2000
BLOCK = 50


def resampled_points(quantities: Quantities) -> Float64[Tensor, "replicate 2"]:
    """Replicates of (R, D), nats, with the examples of a store resampled."""
    pairs = [quantities.rate.mean(0), quantities.distortion.mean(0)]
    return bootstrap(torch.stack(pairs, 1), quantities.header.seed)


def resampled_slopes(quantities: Quantities) -> Float64[Tensor, " replicate"]:
    """Replicates of the operating slope, with the probed examples of a store resampled."""
    answers = [quantities.rate_slope.mean(0), quantities.distortion_slope.mean(0)]
    means = bootstrap(torch.stack(answers, 1), quantities.header.seed + 1)
    return -means[:, 1] / means[:, 0]


def bootstrap(
    values: Float64[Tensor, "n quantity"], seed: int = 0
) -> Float64[Tensor, "replicate quantity"]:
    """Replicates of the means of several quantities, with the examples resampled, jointly.

    Many examples are first averaged in random groups of equal size (the groups' mean has the same
    variance), so that the cost does not grow with N.

    Args:
        values: (n, quantity) per example.
        seed: of the resampling.
    """
    random = generator(seed, "bootstrap")
    size = max(1, len(values) // GROUPS)
    shuffled = values[torch.randperm(len(values), generator=random)]
    groups = shuffled[: len(values) // size * size].view(-1, size, values.shape[1]).mean(1)
    centred = groups - groups.mean(0) + values.mean(0)
    picks = (
        torch.randint(len(centred), (BLOCK, len(centred)), generator=random)
        for _ in range(REPLICATES // BLOCK)
    )
    return torch.cat([centred[pick].mean(1) for pick in picks])


def normal_replicates(
    rate: Estimate, distortion: Estimate, elbo: Estimate, seed: int = 0
) -> Float64[Tensor, "replicate 2"]:
    """Replicates of (R, D) from their standard errors, where the examples are not at hand."""
    (variance, between), (_, other) = covariance(rate, distortion, elbo)
    r = variance**0.5
    slope = between / r if r else 0.0
    rest = max(0.0, other - slope**2) ** 0.5
    noise = normal_draws(2, seed)
    return torch.stack(
        [rate.value + r * noise[:, 0], distortion.value + slope * noise[:, 0] + rest * noise[:, 1]],
        1,
    )


def normal_slopes(slope: Estimate) -> Float64[Tensor, " replicate"]:
    """Replicates of the slope from its standard error."""
    return slope.value + (slope.se_data or 0.0) * normal_draws(1, seed=1).squeeze(1)


def covariance(
    rate: Estimate, distortion: Estimate, elbo: Estimate
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The covariance matrix of the errors of (R, D) over examples, nats squared.

    It follows from the error of the ELBO: Var(R + D) = Var R + Var D + 2 Cov(R, D).
    """
    r, d, both = ((e.se_data or 0.0) ** 2 for e in (rate, distortion, elbo))
    between = (both - r - d) / 2
    return (r, between), (between, d)


def normal_draws(columns: int, seed: int) -> Float64[Tensor, "replicate column"]:
    """Standard normal draws, one row a replicate."""
    random = generator(seed, "replicates")
    return torch.randn(REPLICATES, columns, generator=random, dtype=torch.float64)
