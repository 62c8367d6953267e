"""Truths of the models with decoders: closed forms, and quadrature of one dimension."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Normal

from genprobe.self_check.case import QUADRATURE, Subject, Truth, Truths
from genprobe.self_check.models import BUMPS, EIGENVALUES, NOISE, line_gains
from genprobe.self_check.quadrature import COUNTED, index_truths, mixture_plane

NODES = 120
WIDEN = 1e-3
"""Half a step of ε between two rates by quadrature, whose difference is the derivative."""


def gauss_hermite(nodes: int = NODES) -> tuple[Tensor, Tensor]:
    """Nodes and weights of the standard normal, float64."""
    at, weight = np.polynomial.hermite_e.hermegauss(nodes)
    return torch.tensor(at), torch.tensor(weight / math.sqrt(2 * math.pi))


def cube_truths(d: int, a: float, s: float, n: int | None = None) -> Truths:
    """Truths of the hypercube: for all its corners, or without n's for a sample of them.

    I = d [ln 2 − E_ε ln(1 + e^{−2a(a + sε)/s²})] by quadrature, R in closed form.

    Args:
        d: bits.
        a: location of a code.
        s: its scale.
        n: of a sample, whose I(n;z) is then no closed form.
    """
    at, weight = gauss_hermite()
    lost = float(torch.nn.functional.softplus(-2 * a * (a + s * at) / s**2) @ weight)
    information = d * (math.log(2) - lost)
    rate = d / 2 * (s**2 + a**2 - 1 - math.log(s**2))
    distortion = d * math.log(2) - information
    found = {
        "rate": Truth(value=rate),
        "distortion": Truth(value=distortion, source=QUADRATURE),
        "elbo": Truth(value=-rate - distortion, source=QUADRATURE),
        "generative_mutual_information": cube_round_trip(d, a, s),
    }
    if n is not None:
        return found
    return {
        **index_truths(rate, information, d * math.log(2), QUADRATURE),
        **found,
        "total_correlation": Truth(value=0.0),
        "blind_distortion": Truth(value=d * math.log(2)),
        "active_units": Truth(value=float(d * (a**2 > COUNTED))),
    }


def cube_round_trip(d: int, a: float, s: float) -> Truth:
    """E log q(z|x) − log p(z) over z ~ p and the bits it decodes to, nats."""
    line = torch.linspace(-12, 12, 40_001, dtype=torch.float64)
    p: Any = Normal(torch.zeros(()).double(), torch.ones(()).double())
    up = torch.sigmoid(2 * a * line / s**2)
    spread = torch.tensor(s).double()
    q: list[Any] = [Normal(sign * torch.tensor(a).double(), spread) for sign in (1, -1)]
    log_q = [side.log_prob(line) for side in q]
    density = p.log_prob(line)
    terms = up * log_q[0] + (1 - up) * log_q[1] - density
    value = d * float((density.exp() * terms).sum() * (line[1] - line[0]))
    return Truth(value=value, source=QUADRATURE)


def line_truths(make: Callable[[int], Subject], beta: float, noise: float = NOISE) -> Truths:
    """Truths of a linear-Gaussian model for its examples of seed 0.

    Args:
        make: of ``line``.
        beta: its β.
        noise: variance of its decoder.
    """
    x = make(0).data.double()
    loc_gain, scale, gain = line_gains(beta, noise)
    loc_gain, scale, gain = (v.float().double() for v in (loc_gain, scale, gain))
    loc = x * loc_gain
    rates = ((loc.square() + scale.square() - 1) / 2 - scale.log()).sum(1)
    spread = (x - gain * loc).square() + (gain * scale).square()
    distortions = (spread / noise + math.log(2 * math.pi * noise)).sum(1) / 2
    variance = float((x.square().mean(0) - x.mean(0).square()).mean())
    blind = x.shape[1] / 2 * (1 + math.log(2 * math.pi * variance))
    return {
        **line_numbers(float(rates.mean()), float(distortions.mean()), beta, noise),
        "marginal_kl_floor": Truth(value=max(0.0, float(rates.mean()) - math.log(len(x)))),
        "log_n": Truth(value=math.log(len(x))),
        "blind_distortion": Truth(value=blind),
        "active_units": Truth(value=float((loc.var(0) > COUNTED).sum())),
    }


def line_population(beta: float, noise: float = NOISE) -> Truths:
    """Truths of a linear-Gaussian model for the population.

    Args:
        beta: its β.
        noise: variance of its decoder.
    """
    eigenvalues = torch.tensor(EIGENVALUES, dtype=torch.float64)
    loc_gain, scale, gain = line_gains(beta, noise)
    second = loc_gain.square() * eigenvalues
    rate = float(((second + scale.square() - 1) / 2 - scale.log()).sum())
    spread = eigenvalues * (1 - gain * loc_gain).square() + (gain * scale).square()
    distortion = float((spread / noise + math.log(2 * math.pi * noise)).sum()) / 2
    blind = len(eigenvalues) / 2 * (1 + math.log(2 * math.pi * float(eigenvalues.mean())))
    return {
        **line_numbers(rate, distortion, beta, noise),
        "blind_distortion": Truth(value=blind),
        "active_units": Truth(value=float((second > COUNTED).sum())),
    }


def line_numbers(rate: float, distortion: float, beta: float, noise: float) -> dict[str, Truth]:
    """Truths that follow from R and D, nats, and those of which the examples are no part."""
    loc_gain, scale, gain = line_gains(beta, noise)
    back = (1 - loc_gain * gain).square() + loc_gain.square() * noise
    gilbo = float(((1 - back / scale.square()) / 2 - scale.log()).sum())
    return {
        "rate": Truth(value=rate),
        "distortion": Truth(value=distortion),
        "elbo": Truth(value=-rate - distortion),
        "slope": Truth(value=beta),
        "generative_mutual_information": Truth(value=gilbo),
    }


def line_entropy(noise: float = NOISE) -> float:
    """Entropy of linear-Gaussian data, nats: no bound on −log p(x) is below it."""
    eigenvalues = torch.tensor(EIGENVALUES, dtype=torch.float64)
    return float((2 * math.pi * math.e * eigenvalues).log().sum()) / 2


def bumps_truths(
    make: Callable[[int], Subject], seed: int | None = 0, variance: float = 2.0
) -> Truths:
    """Truths of the model under a mixture prior: for the examples of a seed, or the population.

    Args:
        make: of ``bumps``.
        seed: of the examples; None for the population.
        variance: of the data.
    """
    gain, scale, decoded, noise = (BUMPS[k] for k in ("gain", "scale", "decoded", "noise"))
    if seed is None:
        loc, second = torch.zeros(1, 2).double(), variance
        spread = gain * math.sqrt(variance)
    else:
        x = make(seed).data.double()
        loc, second, spread = gain * x, float(x.square().mean()), 0.0
    rate, answer = bumps_rate(loc, spread, scale), 0.0
    for size, weight in ((WIDEN, 4 / 3), (2 * WIDEN, -1 / 3)):  # Richardson's two steps
        ends = [bumps_rate(loc, spread, scale * math.exp(e)) for e in (size, -size)]
        answer += weight * (ends[0] - ends[1]) / (2 * size)
    away = second * (1 - decoded * gain) ** 2 + (decoded * scale) ** 2
    distortion = away / noise + math.log(2 * math.pi * noise)
    slope = -2 * (decoded * scale) ** 2 / noise / answer
    return {
        "rate": Truth(value=rate, source=QUADRATURE),
        "distortion": Truth(value=distortion),
        "elbo": Truth(value=-rate - distortion, source=QUADRATURE),
        "slope": Truth(value=slope, source=QUADRATURE),
    }


def bumps_rate(loc: Tensor, spread: float, scale: float) -> float:
    """The rate of posteriors N(loc, scale²) under the mixture prior, nats, by quadrature.

    Args:
        loc: (n, 2) of the posteriors.
        spread: of further means around them, over which the rate is a mean too.
        scale: of the posteriors.
    """
    at, weight = gauss_hermite(60)
    wide = math.hypot(scale, spread)
    z = torch.cartesian_prod(at, at) * wide
    weights = (weight[:, None] * weight).flatten()
    mixture: Any = mixture_plane()
    found = [float(mixture.log_prob(row + z) @ weights) for row in loc]
    entropy = 1 + math.log(2 * math.pi * scale**2)
    return -sum(found) / len(found) - entropy


def matched(k: int, information: float, shrink: float = 1.0) -> tuple[float, float]:
    """Gain and scale of posteriors N(gain x, scale² I_k), x standard normal, of a given I(X;Z).

    Args:
        k: dimensions.
        information: I(X;Z), nats.
        shrink: variance of the aggregate posterior of the population.

    Example:
        >>> gain, scale = matched(2, 1.0)
        >>> round(gain**2 + scale**2, 9)
        1.0
    """
    noise = math.exp(-2 * information / k) * shrink
    return math.sqrt(shrink - noise), math.sqrt(noise)
