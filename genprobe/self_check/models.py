"""Models with decoders whose numbers are known: the hypercube, and linear-Gaussian ones."""

import math

import torch
from torch import Tensor

from genprobe.runtime.seeds import generator
from genprobe.self_check.case import Subject
from genprobe.self_check.codes import FREEDOM, MIXTURE, OUTLIERS
from genprobe.types import Model, NamedPrior, Params

EIGENVALUES = (6.0, 3.0, 1.5, 0.4)
"""Variances of the data of the linear-Gaussian model."""
NOISE = 0.5
"""Variance of its decoder."""
BUMPS = {"gain": 0.8, "scale": 0.6, "decoded": 1.5, "noise": 0.5}
"""Of the model under a mixture prior: loc = gain x, and the decoder N(decoded z, noise)."""


def cube(seed: int, *, d: int, a: float, s: float, n: int | None = None) -> Subject:
    """The Boolean hypercube: q(z|x) = N(a x, s² I), x in {−1, 1}^d, decoder σ(2 a z / s²) a bit.

    Args:
        seed: of the examples.
        d: bits.
        a: location of a code.
        s: its scale.
        n: so many corners at random; by default each of them once.
    """
    if n is None:
        bits = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * d).reshape(-1, d)
    else:
        random = generator(seed, "self-check", "cube")
        bits = torch.randint(2, (n, d), generator=random).float()
    model = Model(
        name=f"hypercube d={d} ({a:g}, {s:.4g})",
        encode=lambda x: {"loc": a * (2 * x - 1), "scale": torch.full_like(x, s)},
        decode=lambda z: {"logits": 2 * a * z / s**2},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",
    )
    return Subject(model=model, data=bits)


def line(seed: int, *, n: int, beta: float, tails: str = "normal", noise: float = NOISE) -> Subject:
    """The linear-Gaussian VAE that minimises D + βR: probabilistic PCA with θ = β v.

    Args:
        seed: of the examples.
        n: number of examples.
        beta: β.
        tails: of the data: ``normal``, ``heavy`` or ``outliers``, all of the same variances.
        noise: v, variance of the decoder.
    """
    random = generator(seed, "self-check", "line", tails)
    x = standardised(n, len(EIGENVALUES), tails, random) * torch.tensor(EIGENVALUES).sqrt()
    loc_gain, scale, gain = line_gains(beta, noise)
    model = Model(
        name=f"linear Gaussian, β = {beta:g}",
        encode=lambda x: {"loc": x * loc_gain.float(), "scale": scale.float().expand_as(x)},
        decode=lambda z: {"loc": z * gain.float(), "scale": torch.tensor(math.sqrt(noise))},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal",
    )
    return Subject(model=model, data=x)


def line_gains(beta: float, noise: float = NOISE) -> tuple[Tensor, Tensor, Tensor]:
    """Gain of the encoder's location, its scale, and gain of the decoder, by dimension, float64.

    Dimensions of variance above θ = β v are used, at a rate of ½ ln(λ/θ) each.
    """
    eigenvalues = torch.tensor(EIGENVALUES, dtype=torch.float64)
    theta = beta * noise
    active = eigenvalues > theta
    gain = (eigenvalues - theta).clamp(min=0).sqrt()
    loc_gain = torch.where(active, gain / eigenvalues, 0.0)
    return loc_gain, torch.where(active, (theta / eigenvalues).sqrt(), 1.0), gain


def standardised(n: int, k: int, tails: str, random: torch.Generator) -> Tensor:
    """Independent values (n, k) of mean 0 and variance 1, float32."""
    normal = torch.randn(n, k, generator=random)
    if tails == "heavy":
        chi = torch.randn(n, k, FREEDOM, generator=random).square().mean(2)
        return normal / chi.sqrt() / math.sqrt(FREEDOM / (FREEDOM - 2))
    if tails == "outliers":
        share, factor = OUTLIERS
        wide = torch.rand(n, 1, generator=random) < share
        return normal * torch.where(wide, factor, 1.0) / math.sqrt(1 - share + share * factor**2)
    return normal


def bumps(seed: int, *, n: int, variance: float = 2.0) -> Subject:
    """A linear-Gaussian model of the plane under a mixture prior: its rate is Monte Carlo.

    Args:
        seed: of the examples.
        n: number of examples.
        variance: of the data.
    """
    random = generator(seed, "self-check", "bumps")
    x = math.sqrt(variance) * torch.randn(n, 2, generator=random)

    def encode(x: Tensor) -> Params:
        return {"loc": BUMPS["gain"] * x, "scale": torch.full_like(x, BUMPS["scale"])}

    model = Model(
        name="linear Gaussian under a mixture",
        encode=encode,
        decode=lambda z: {
            "loc": BUMPS["decoded"] * z,
            "scale": torch.tensor(math.sqrt(BUMPS["noise"])),
        },
        posterior="diagonal-normal",
        prior=NamedPrior(name=MIXTURE["prior"], params=MIXTURE["prior_params"]),
        likelihood="normal",
    )
    return Subject(model=model, data=x)
