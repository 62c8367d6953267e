"""Replicates of R, D, Ĥ and the slope: what the probability of a regime is a share of.

Where the examples are at hand they are resampled, which needs no assumption about their
distribution: the same examples for R and D, and for Ĥ where that is a mean over examples too, of
this model or of another. Where only the estimates are, replicates are normal with the covariance
that the standard errors imply. The slope is of fewer examples, and resampled by itself.
"""

import contextlib
import math
from collections.abc import Callable
from functools import lru_cache

import torch
from jaxtyping import Float64, Int16
from torch import Tensor

from genprobe.analysis.covariance import covariance
from genprobe.analysis.regimes import Entropy
from genprobe.errors import UnavailableError
from genprobe.estimators.iwae_bound import iwae_bounds
from genprobe.estimators.quantities import Quantities
from genprobe.estimators.standard_error import cluster_means
from genprobe.report import Estimate
from genprobe.runtime.outer_threads import outer_threads
from genprobe.runtime.seeds import generator

REPLICATES = 2000
GROUPS = 2000
BLOCK = 50
ROUNDING = 1e-9


def resampled_points(quantities: Quantities, entropy: Entropy) -> Float64[Tensor, "replicate 3"]:
    """Replicates of (R, D, Ĥ), nats, with the examples of a store resampled.

    Args:
        quantities: of the store.
        entropy: Ĥ; it stays as it is where nothing says what it is the mean of.
    """
    columns = [quantities.rate.mean(0), quantities.distortion.mean(0)]
    moving = entropy.each is not None and len(entropy.each) == quantities.n
    if entropy.each is not None and moving:
        columns.append(entropy.each)
    each = cluster_means(torch.stack(columns, 1), quantities.which)
    points = bootstrap(each, quantities.header.seed)
    if moving:
        return points
    return torch.cat([points, torch.full_like(points[:, :1], entropy.value)], 1)


def bound_of_examples(quantities: Quantities, value: float) -> Float64[Tensor, " n"] | None:
    """What a model's own bound on the entropy is the mean of (n,), nats: R + D, or the IWAE bound.

    Args:
        quantities: of the model's store.
        value: of the bound, nats.

    Returns:
        None if neither has this mean.
    """
    columns: tuple[Callable[[], Float64[Tensor, " n"]], ...] = (
        lambda: quantities.rate.mean(0) + quantities.distortion.mean(0),
        lambda: iwae_bounds(quantities.log_weight),
    )
    for column in columns:
        with contextlib.suppress(UnavailableError):
            found = column()
            if is_mean(found, value):
                return found
    return None


def is_mean(values: Tensor, stated: float) -> bool:
    """Whether values have the mean that is stated, up to rounding."""
    return math.isclose(float(values.mean()), stated, rel_tol=ROUNDING, abs_tol=ROUNDING)


def resampled_slopes(quantities: Quantities) -> Float64[Tensor, " replicate"]:
    """Replicates of the operating slope, with the probed examples of a store resampled."""
    answers = [quantities.rate_slope.mean(0), quantities.distortion_slope.mean(0)]
    each = cluster_means(torch.stack(answers, 1), quantities.which_probed)
    means = bootstrap(each, quantities.header.seed + 1)
    return -means[:, 1] / means[:, 0]


@outer_threads()
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
    n, size = len(values), max(1, len(values) // GROUPS)
    order = torch.randperm(n, generator=generator(seed, "bootstrap"))
    groups = values[order[: n // size * size]].view(-1, size, values.shape[1]).mean(1)
    # The shift is small: a huge value taken off and put back would take the others' digits along.
    centred = groups + (values.mean(0) - groups.mean(0))
    blocks = resampling(n, len(centred), seed, REPLICATES).view(-1, BLOCK, len(centred))
    return torch.cat([block.double() @ centred for block in blocks]) / len(centred)


@lru_cache(maxsize=2)  # one for the plane, one for the slope
def resampling(n: int, groups: int, seed: int, replicates: int) -> Int16[Tensor, "replicate group"]:
    """How often each replicate has each group of examples.

    Models of the same examples share it, and drawing it takes longer than using it.

    Args:
        n: number of examples.
        groups: that they are in.
        seed: of the resampling.
        replicates: how many.
    """
    random = generator(seed, "bootstrap")
    torch.randperm(n, generator=random)  # which says what is in a group, and comes first
    counts = torch.zeros(replicates, groups, dtype=torch.int16)
    for block in counts.view(-1, BLOCK, groups):
        picks = torch.randint(groups, block.shape, generator=random)
        block.scatter_add_(1, picks, torch.ones_like(block))
    return counts


def normal_replicates(
    rate: Estimate,
    distortion: Estimate,
    elbo: Estimate,
    entropy: Entropy,
    *,
    own: bool = False,
    seed: int = 0,
) -> Float64[Tensor, "replicate 3"]:
    """Replicates of (R, D, Ĥ) from standard errors, where the examples are not at hand.

    Args:
        rate: the estimate of R.
        distortion: the estimate of D.
        elbo: the estimate of −(R + D), whose error says how those of R and D go together.
        entropy: Ĥ.
        own: whether Ĥ is this model's R + D, or its IWAE bound, which moves as that does; else
            it stays as it is.
        seed: of the noise.
    """
    (variance, between), (_, other) = covariance(rate, distortion, elbo)
    r = variance**0.5
    slope = between / r if r else 0.0
    rest = max(0.0, other - slope**2) ** 0.5
    noise = normal_draws(2, seed)
    off = torch.stack([r * noise[:, 0], slope * noise[:, 0] + rest * noise[:, 1]], 1)
    moved = off.sum(1, keepdim=True) if own else torch.zeros_like(off[:, :1])
    centre = torch.tensor([rate.value, distortion.value, entropy.value], dtype=torch.float64)
    return centre + torch.cat([off, moved], 1)


def normal_slopes(slope: Estimate) -> Float64[Tensor, " replicate"]:
    """Replicates of the slope from its standard error."""
    return slope.value + (slope.se_data or 0.0) * normal_draws(1, seed=1).squeeze(1)


def normal_draws(columns: int, seed: int) -> Float64[Tensor, "replicate column"]:
    """Standard normal draws, one row a replicate."""
    random = generator(seed, "replicates")
    return torch.randn(REPLICATES, columns, generator=random, dtype=torch.float64)
