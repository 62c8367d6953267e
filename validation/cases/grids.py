"""Codes on a grid: normal fields of a known spectrum, whose numbers are closed forms.

The field is normal with independent coefficients of the cosine transform, of variance gain² f^slope
in all channels, which are mixed. What a fitted stationary field costs is that of the field itself
and what fitting it to the other folds adds, to second order in 1/N: of a covariance M of the codes
of which A is that of the posterior means, ¼ [tr (M⁻¹A)² + (tr M⁻¹A)²] / N, and of the mean
½ tr(M⁻¹A) / N.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import scipy.fft
import torch
from torch import Tensor

from genprobe.aggregate.fit_sample import FOLDS
from genprobe.runtime.seeds import generator
from genprobe.self_check.case import Case, Subject, Truths
from genprobe.self_check.codes import params_of, recorded
from validation.cases.pairs import certain, pair

FACTORS = ("scaling_factor", "shift_factor", "spectrum_slope")
SAVED = (*FACTORS, "rate", "rate_fitted_prior", "prior_saving")
Shape = tuple[int, ...]


def field_codes(
    seed: int, *, n: int, shape: Shape, slope: float, scale: float = 0.2, uneven: float = 0.0
) -> Subject:
    """Posteriors of one scale around fields of a spectrum.

    Args:
        seed: of the examples.
        n: number of examples.
        shape: (C, H, W) or (C, T).
        slope: of the power in the frequency.
        scale: of the posteriors.
        uneven: standard deviation of the logarithm of each example's contrast.
    """
    random = generator(seed, "validation", "field")
    waves = torch.randn(n, *shape, generator=random, dtype=torch.float64)
    contrast = (uneven * torch.randn(n, generator=random).double()).exp()
    waves *= contrast.reshape(-1, *[1] * len(shape)) * power(shape, slope).sqrt()
    mixed = torch.einsum("cd,nd...->nc...", mixing(shape[0]), waves)
    axes = range(2, 1 + len(shape))
    field = torch.from_numpy(scipy.fft.idctn(mixed.numpy(), axes=axes, norm="ortho"))
    loc = field + offsets(shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    params = {"loc": loc.float(), "scale": torch.full(loc.shape, scale)}
    return recorded(params, "diagonal-normal", prior="standard-normal")


def mixing(channels: int) -> Tensor:
    """How channels depend on each other: a lower triangle (C, C)."""
    rows = torch.arange(channels, dtype=torch.float64)
    return torch.where(rows[:, None] >= rows, 0.5 ** (rows[:, None] - rows), 0.0)


def offsets(channels: int) -> Tensor:
    """The mean of each channel (C,)."""
    return torch.arange(channels, dtype=torch.float64) / 4 - 0.3


def radius(shape: Shape) -> Tensor:
    """The radial frequency of each coefficient (*grid), cycles per position."""
    axes = [torch.arange(length).double() / (2 * length) for length in shape[1:]]
    found: Tensor = sum(a**2 for a in torch.meshgrid(*axes, indexing="ij"))  # type: ignore[assignment]
    return found.sqrt()


def power(shape: Shape, slope: float) -> Tensor:
    """The variance of each coefficient (*grid) before channels are mixed."""
    frequency = radius(shape)
    lowest = 1 / (2 * max(shape[1:]))
    return (frequency.clamp(min=lowest) / 0.25) ** slope


def population(
    n: int, shape: Shape, slope: float, scale: float, fitted: bool, uneven: float = 0.0
) -> Truths:
    """What is known of the population; without contrast also what a stationary field costs."""
    channels, contrast = shape[0], math.exp(2 * uneven**2)
    spread = mixing(channels) @ mixing(channels).T  # of a coefficient of power 1
    waves = contrast * power(shape, slope).flatten()
    means = offsets(channels)
    variance = waves.mean() * spread.diagonal() + scale**2
    whole = float((variance + (means - means.mean()).square()).mean())
    known = {
        "scaling_factor": whole**-0.5,
        "shift_factor": float(means.mean()),
        "spectrum_slope": slope_of(shape, waves * float(spread.diagonal().mean()) + scale**2),
        "rate": positions(shape) * float((variance + means.square() - 1).sum()) / 2
        - positions(shape) * channels * math.log(scale),
    }
    if fitted:
        own = channels * positions(shape) * math.log(scale * math.sqrt(2 * math.pi * math.e))
        cost = stationary_cost(waves, spread, scale, n * (FOLDS - 1) / FOLDS) - own
        known |= {"rate_fitted_prior": cost, "prior_saving": known["rate"] - cost}
    return certain(**known)


def stationary_cost(waves: Tensor, spread: Tensor, scale: float, n: float) -> float:
    """E −log m of a stationary field m fitted to n other examples, nats."""
    means = waves[:, None, None] * spread
    codes = means + scale**2 * torch.eye(len(spread)).double()
    ratio = torch.linalg.solve(codes, means)
    trace = ratio.diagonal(dim1=1, dim2=2).sum(1)
    square = (ratio @ ratio).diagonal(dim1=1, dim2=2).sum(1)
    excess = ((square + trace.square()) / 4 + trace / 2) / n
    entropy = torch.logdet(2 * math.pi * math.e * codes) / 2
    return float((entropy + excess).sum())


def positions(shape: Shape) -> int:
    """How many positions a grid has."""
    return math.prod(shape[1:])


def slope_of(shape: Shape, waves: Tensor) -> float:
    """The slope of a spectrum over the middle of its band.

    Args:
        shape: of the latent.
        waves: (frequency,) power of each, averaged over channels.
    """
    frequency = radius(shape).flatten().numpy()
    short = min(shape[1:])
    ring = np.rint(2 * short * frequency)
    rings = np.arange(1, short)
    at = [ring == r for r in rings]
    x = np.log([frequency[chosen].mean() for chosen in at])
    y = np.log([waves.numpy()[chosen].mean() for chosen in at])
    count = len(rings)
    low = max(0, count // 8 - 1)
    part = slice(low, max(low + 3, count // 2))
    return float(np.polyfit(x[part], y[part], 1)[0])


def fixed(make: Callable[[int], Subject]) -> Truths:
    """The same of the examples of seed 0, from draws of no posterior: moments of the mixture."""
    params = {k: v.double() for k, v in params_of(make(0)).items()}
    loc, scale = params["loc"], params["scale"]
    shape = tuple(loc.shape[1:])
    variance = float(loc.var(correction=0) + scale.square().mean())
    axes = range(2, loc.dim())
    waves = scipy.fft.dctn((loc - loc.mean(0)).numpy(), axes=axes, norm="ortho")
    each = torch.from_numpy(np.square(waves).mean((0, 1))).flatten() + scale.square().mean()
    rate = ((loc.square() + scale.square() - 1) / 2 - scale.log()).flatten(1).sum(1).mean()
    return certain(
        scaling_factor=variance**-0.5,
        shift_factor=float(loc.mean()),
        spectrum_slope=slope_of(shape, each),
        rate=float(rate),
    )


def field(
    name: str, regime: str, n: int, shape: Shape, slope: float, uneven: float = 0.0
) -> tuple[Case, Case]:
    """The two cases of one field; what a fitted field costs is known of a smooth one."""
    facts = {"n": n, "shape": shape, "slope": slope, "scale": 0.2, "uneven": uneven}
    make = partial(field_codes, **facts)
    smooth = slope < 0 and not uneven
    return pair(
        name,
        regime,
        n,
        make,
        SAVED if smooth else FACTORS,
        fixed=partial(fixed, make),
        population=partial(population, fitted=smooth, **facts),
    )


def cases() -> Iterator[Case]:
    """Every case of codes on a grid."""
    yield from field("field-200", "a smooth field", 200, (2, 10, 12), -2.0)
    yield from field("field-800", "a field, rather smooth", 800, (3, 16, 16), -1.0)
    yield from field("field-white-200", "white noise on a grid", 200, (2, 8, 8), 0.0)
    yield from field("field-uneven-200", "of uneven contrast", 200, (2, 8, 8), -1.5, uneven=0.4)
    yield from field("sound-200", "a smooth sequence", 200, (4, 40), -1.5)
