"""Models whose numbers are known in closed form, as genprobe Models of plain functions."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Categorical

from genprobe import Model


@dataclass(frozen=True, kw_only=True)
class Case:
    """A model, its data, and the exact nats per example."""

    name: str
    model: Model
    data: Tensor
    truth: dict[str, float]


def hypercube(d: int, a: float, s: float) -> Case:
    """Take x uniform on {−1, 1}^d, all points; q(z|x) = N(a x, s² I); decoder σ(2 a z / s²).

    I = d [ln 2 − E_ε ln(1 + e^{−2a(a + sε)/s²})] by Gauss–Hermite quadrature, R in closed form.
    """
    bits = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * d).reshape(-1, d)
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    lost = np.logaddexp(0, -2 * a * (a + s * nodes) / s**2) @ weights / math.sqrt(2 * math.pi)
    information = d * (math.log(2) - float(lost))
    rate = d / 2 * (s**2 + a**2 - 1 - math.log(s**2))
    model = Model(
        name=f"hypercube d={d} ({a:g}, {s:.4g})",
        encode=lambda x: {"loc": a * (2 * x - 1), "scale": torch.full_like(x, s)},
        decode=lambda z: {"logits": 2 * a * z / s**2},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",
    )
    truth = {
        "rate": rate,
        "mutual_information": information,
        "marginal_kl": rate - information,
        "distortion": d * math.log(2) - information,
    }
    return Case(name=model.name, model=model, data=bits, truth=truth)


def gaussian(k: int, n: int, information: float, seed: int, shrink: float = 1.0) -> Case:
    """Take x ~ N(0, I_k), q(z|x) = N(a x, s² I) with a² + s² = shrink and a population I.

    The population marginal KL is that of N(0, shrink I) from N(0, I).
    """
    noise = math.exp(-2 * information / k) * shrink
    a, s = math.sqrt(shrink - noise), math.sqrt(noise)
    x = torch.randn(n, k, generator=torch.Generator().manual_seed(seed))
    model = Model(
        name=f"Gaussian k={k}, N={n}, I={information:g}",
        encode=lambda x: {"loc": a * x, "scale": torch.full_like(x, s)},
        posterior="diagonal-normal",
        prior="standard-normal",
    )
    truth = {
        "mutual_information_population": information,
        "marginal_kl_population": k / 2 * (shrink - 1 - math.log(shrink)),
    }
    return Case(name=model.name, model=model, data=x, truth=truth)


def finite_information(case: Case, draws: int) -> tuple[float, float]:
    """I(n;z) of a case for its own data by float64 brute force, and its error."""
    params = {k: v.double() for k, v in case.model.encode(case.data).items()}
    loc, scale = params["loc"], params["scale"]
    generator = torch.Generator().manual_seed(1)
    total = torch.zeros(draws, dtype=torch.float64)
    for draw in range(draws):
        z = loc + scale * torch.randn(loc.shape, generator=generator, dtype=torch.float64)
        pairs = -torch.cdist(z / scale[0], loc / scale[0]).square() / 2
        total[draw] = math.log(len(loc)) - Categorical(logits=pairs).entropy().mean()
    return float(total.mean()), float(total.std()) / math.sqrt(draws)


def beta_optimal(beta: float, seed: int, noise: float = 0.5) -> Case:
    """The linear-Gaussian VAE that minimises D + βR: probabilistic PCA with θ = β v.

    Eigenvalues λ above θ are active, with rate ½ ln(λ/θ) each; dD/dR = −β exactly.
    """
    eigenvalues = torch.tensor([6.0, 3.0, 1.5, 0.4], dtype=torch.float64)
    theta = beta * noise
    active = eigenvalues > theta
    gain = (eigenvalues - theta).clamp(min=0).sqrt()
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(4000, 4, generator=generator, dtype=torch.float64) * eigenvalues.sqrt()
    loc_gain = torch.where(active, gain / eigenvalues, 0.0).float()
    scale = torch.where(active, (theta / eigenvalues).sqrt(), 1.0).float()
    model = Model(
        name=f"β-optimal linear Gaussian, β = {beta:g}",
        encode=lambda x: {"loc": x * loc_gain, "scale": scale.expand_as(x)},
        decode=lambda z: {"loc": z * gain.float(), "scale": torch.tensor(math.sqrt(noise))},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal",
    )
    return Case(name=model.name, model=model, data=x.float(), truth={"slope": beta})
