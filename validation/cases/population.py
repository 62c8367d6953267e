"""The brackets of the population's numbers, and what the population's numbers are."""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import torch
from torch.distributions import MixtureSameFamily, MultivariateNormal, Normal, StudentT

from genprobe.self_check.case import Case
from genprobe.self_check.codes import FREEDOM, JITTER, OUTLIERS, RING, plane_codes
from genprobe.self_check.exact import gauss_hermite, matched
from validation.cases.pairs import BRACKET, pair
from validation.cases.plane import sampled

UPPER = ("mutual_information_population_upper", "mutual_information_loo", "rate_fitted_prior")
INFORMATION, DIVERGENCE = "I(X;Z)", "KL(q(z)‖p(z))"
BOUNDED: Mapping[str, tuple[str, str]] = {
    "mutual_information": (INFORMATION, "lower"),
    **dict.fromkeys(UPPER, (INFORMATION, "upper")),
    "marginal_kl_population_lower": (DIVERGENCE, "lower"),
    "prior_saving": (DIVERGENCE, "lower"),
    "marginal_kl_population_upper": (DIVERGENCE, "upper"),
}
"""What each bound bounds, and from where."""


def normal_limits(k: int, gain: float, scale: float) -> Mapping[str, float]:
    """The population's numbers of posteriors N(gain x, scale²), x standard normal."""
    variance = gain**2 + scale**2
    return {
        INFORMATION: k / 2 * math.log(variance / scale**2),
        DIVERGENCE: k / 2 * (variance - 1 - math.log(variance)),
    }


def ring_limits(scale: float) -> Mapping[str, float]:
    """The same of codes at eight places of a circle, whose jitter is a part of q(z)."""
    angle = torch.arange(RING, dtype=torch.float64) * 2 * math.pi / RING
    places = torch.stack([angle.cos(), angle.sin()], 1)
    width = torch.full((RING, 2), math.hypot(scale, JITTER), dtype=torch.float64)
    q = MixtureSameFamily(
        torch.distributions.Categorical(torch.ones(RING).double()),
        torch.distributions.Independent(Normal(places, width), 1),
    )
    return plane_limits(q, 2.0, plane_entropy(scale))


def outlier_limits(gain: float, scale: float) -> Mapping[str, float]:
    """The same where 2 % of the codes are twenty times wider."""
    share, factor = OUTLIERS
    widths = [scale, factor * scale]
    q = MixtureSameFamily(
        torch.distributions.Categorical(torch.tensor([1 - share, share]).double()),
        MultivariateNormal(
            torch.zeros(2, 2).double(),
            torch.stack([(gain**2 + w**2) * torch.eye(2).double() for w in widths]),
        ),
    )
    entropy = (1 - share) * plane_entropy(widths[0]) + share * plane_entropy(widths[1])
    return plane_limits(q, 10 * math.hypot(gain, widths[1]), entropy)


def plane_entropy(scale: float) -> float:
    """Entropy of a normal in the plane, nats."""
    return 1 + math.log(2 * math.pi * scale**2)


def plane_limits(
    q: MixtureSameFamily, reach: float, entropy: float, points: int = 2001
) -> Mapping[str, float]:
    """I(X;Z) and KL(q(z)‖N(0, I)) of a density in the plane, by the trapezoid rule.

    Args:
        q: the aggregate posterior of the population.
        reach: of the grid on either side.
        entropy: mean of the posteriors'.
        points: of the grid a side.
    """
    axis = torch.linspace(-reach, reach, points, dtype=torch.float64)
    area = float(axis[1] - axis[0]) ** 2
    own, crossed = 0.0, 0.0
    for value in axis:
        z = torch.stack([value.expand_as(axis), axis], 1)
        log_q = q.log_prob(z)
        mass = log_q.exp()
        own -= float(mass @ log_q) * area
        crossed += float(mass @ z.square().sum(1)) * area
    crossed = crossed / 2 + math.log(2 * math.pi)
    return {INFORMATION: own - entropy, DIVERGENCE: crossed - own}


def heavy_limits(gain: float, scale: float) -> Mapping[str, float]:
    """The same of means from Student-t distributions: an integral a dimension, of another each.

    The variance of the means is 3, so that the cross term is closed.
    """
    at, weight = gauss_hermite(200)
    reach = 4000.0  # the tails fall as the fourth power
    u = torch.linspace(-math.asinh(reach), math.asinh(reach), 40_001, dtype=torch.float64)
    z, step = u.sinh(), float(u[1] - u[0])
    spread = StudentT(torch.tensor(float(FREEDOM)).double())
    q = torch.cat(
        [
            (spread.log_prob((part[:, None] - scale * at) / gain).exp() / gain) @ weight
            for part in z.split(2000)
        ]
    )
    own = -float((torch.xlogy(q, q) * u.cosh()).sum()) * step
    second = gain**2 * FREEDOM / (FREEDOM - 2) + scale**2
    crossed = second / 2 + math.log(2 * math.pi) / 2
    return {
        INFORMATION: 2 * own - plane_entropy(scale),
        DIVERGENCE: 2 * (crossed - own),
    }


def normal_bracket(
    name: str, regime: str, n: int, k: int, information: float, shrink: float
) -> tuple[Case, Case]:
    """Brackets around normal codes of a known I(X;Z).

    Args:
        name: of the cases.
        regime: what is special about them.
        n: number of examples.
        k: dimensions.
        information: I(X;Z), nats.
        shrink: variance of the aggregate posterior, 1 where it follows the prior.
    """
    gain, scale = matched(k, information, shrink)
    make = partial(plane_codes, n=n, k=k, gain=gain, scale=scale)
    return pair(
        name,
        regime,
        n,
        make,
        BRACKET,
        population=partial(sampled, n, gain, scale, k),
        limits=partial(normal_limits, k, gain, scale),
    )


def shaped_bracket(
    name: str, regime: str, n: int, limits: Callable[[], Mapping[str, float]], **shape: object
) -> tuple[Case, Case]:
    """Brackets around codes of another shape."""
    make = partial(plane_codes, n=n, **shape)
    return pair(name, regime, n, make, BRACKET, limits=limits)


def cases() -> Iterator[Case]:
    """Every case of the population's brackets."""
    yield from normal_bracket("bracket-20", "prior a little off", 20, 2, 1.5, 0.6)
    yield from normal_bracket("bracket-200", "prior a little off", 200, 2, 2.0, 0.6)
    yield from normal_bracket("bracket-matched-2000", "prior matched", 2000, 4, 3.0, 1.0)
    yield from normal_bracket("bracket-shrunk-2000", "prior off by 1.5", 2000, 8, 3.0, 0.45)
    yield from normal_bracket("bracket-saturated-200", "I(X;Z) of 20 nats", 200, 10, 20.0, 0.6)
    yield from shaped_bracket(
        "bracket-ring-200", "eight places", 200, partial(ring_limits, 0.1), shape="ring", scale=0.1
    )
    yield from shaped_bracket(
        "bracket-heavy-200",
        "heavy-tailed means",
        200,
        partial(heavy_limits, 0.6, 0.3),
        shape="heavy",
        gain=0.6,
        scale=0.3,
    )
    yield from shaped_bracket(
        "bracket-outliers-2000",
        "2 % wide codes",
        2000,
        partial(outlier_limits, 0.9, 0.1),
        shape="outliers",
        gain=0.9,
        scale=0.1,
    )
