"""Linear-Gaussian decoders with a wrong encoder: log p(x) and the gaps of inference are known.

x ~ N(Wz + b, v) and z ~ N(0, 1), so p(z|x) is a normal of precision Λ = 1 + WᵀW/v. Of diagonal
normals the best has precision diag Λ, and is ½(Σ ln Λ_ii − ln det Λ) from it for every x.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from genprobe.annealing.jackknife import jackknife, log_mean_weight
from genprobe.annealing.posterior_fit import score_posterior
from genprobe.annealing.target import Target
from genprobe.estimators.standard_error import two_stage_error
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.runtime.seeds import derived_seed, generator
from genprobe.types import Params
from validation.audit import Study
from validation.results import Row
from validation.settle import settle

KINDS = {
    "ais_bound": "upper",
    "inference_gap": "lower",
    "amortization_gap": "lower",
    "approximation_gap": "estimate",
}
"""What each row of the report is."""
EXAMPLES = 20
DRAWS = 256
MANY = 10
"""Values of z up to which the bounds settle to a hundredth of a nat; beyond, to three."""
NOISE = 0.5
"""Variance v of x given z."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Known:
    """A linear-Gaussian decoder, examples of it, and what is known of them.

    Attributes:
        target: of the examples.
        encoder: parameters of a wrong encoder: half the means, half or twice the deviations.
        log_px: log p(x) (example,), nats.
        bound: L[q] of the encoder (example,), nats.
        approximation_gap: nats, of every example.
    """

    target: Target
    encoder: Params
    log_px: Tensor
    bound: Tensor
    approximation_gap: float


def linear_gaussian(seed: int, k: int, d: int, width: float) -> Known:
    """Examples of a decoder that depends on the sizes alone.

    Args:
        seed: of the examples.
        k: values of z.
        d: values of x.
        width: of the encoder's deviations, in units of the best ones.
    """
    fixed, drawn = generator(k, "weights", d), generator(seed, "examples", k, d)
    weight = torch.randn(d, k, generator=fixed, dtype=torch.float64) / math.sqrt(k)
    z = torch.randn(EXAMPLES, k, generator=drawn, dtype=torch.float64)
    error = torch.randn(EXAMPLES, d, generator=drawn, dtype=torch.float64)
    x = z @ weight.T + math.sqrt(NOISE) * error
    identity = torch.eye(k, dtype=torch.float64)
    precision = identity + weight.T @ weight / NOISE
    mean = torch.linalg.solve(precision, weight.T @ x.T / NOISE).T
    covariance = weight @ weight.T + NOISE * torch.eye(d, dtype=torch.float64)
    log_px = MultivariateNormal(torch.zeros(d, dtype=torch.float64), covariance).log_prob(x)
    diagonal = precision.diagonal()
    loc, scale = mean / 2, width * diagonal.rsqrt().expand(EXAMPLES, k)
    far = torch.einsum("mi,ij,mj->m", loc - mean, precision, loc - mean)
    wide = (scale.square() * diagonal).sum(1) - k - scale.square().log().sum(1)
    divergence = (far + wide - torch.logdet(precision)) / 2

    def log_px_z(code: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        left = x[rows] - code @ weight.T
        values = -left.square().sum(1) / (2 * NOISE) - d / 2 * math.log(2 * math.pi * NOISE)
        return values, left @ weight / NOISE

    return Known(
        target=Target(
            log_px_z=log_px_z,
            log_pz=lambda code: (-(code.square() + math.log(2 * math.pi)).sum(1) / 2, -code),
        ),
        encoder={"loc": loc, "scale": scale},
        log_px=log_px,
        bound=log_px - divergence,
        approximation_gap=float(diagonal.log().sum() - torch.logdet(precision)) / 2,
    )


def gaps(seed: int, k: int, d: int, width: float) -> Row:
    """What is found of log p(x) and of the gaps, each with its error, and what is true.

    Args:
        seed: of the examples and of all noise.
        k: values of z.
        d: values of x.
        width: of the encoder's deviations, in units of the best ones.
    """
    known = linear_gaussian(seed, k, d, width)
    tolerance = 0.01 if k <= MANY else 0.03
    own = derived_seed(seed, "settle")
    found = settle(known.target, diagonal_normal, known.encoder, tolerance=tolerance, seed=own)
    of_encoder, of_best = (
        score_posterior(
            known.target,
            diagonal_normal,
            params,
            draws=DRAWS,
            seed=derived_seed(seed, "score"),
        )
        for params in (known.encoder, found.best)
    )
    log_px, noise = jackknife(log_mean_weight, found.last.log_weight)
    chains = len(found.last.log_weight)
    scores = {"elbo": of_encoder, "best": of_best, "difference": of_best - of_encoder}
    means = {name: values.mean(0) for name, values in scores.items()}
    errors = {name: values.var(0) / DRAWS for name, values in scores.items()}

    def with_error(values: Tensor, variances: Tensor) -> list[float | None]:
        return [float(values.mean()), two_stage_error(values, variances, chains)]

    inference = float((known.log_px - known.bound).mean())
    return {
        "truth": {
            "ais_bound": -float(known.log_px.mean()),
            "inference_gap": inference,
            "amortization_gap": inference - known.approximation_gap,
            "approximation_gap": known.approximation_gap,
        },
        "ais_bound": with_error(-log_px, noise),
        "inference_gap": with_error(log_px - means["elbo"], noise + errors["elbo"]),
        "amortization_gap": with_error(means["difference"], errors["difference"]),
        # Half the variance of a log mean is its bias.
        "approximation_gap": with_error(log_px + noise / 2 - means["best"], noise + errors["best"]),
        "temperatures": found.history[-1].temperatures,
        "chains": chains,
    }


def annealing_studies() -> Iterator[Study]:
    """Every study of annealed chains."""
    for k, d, width in ((2, 20, 2.0), (10, 20, 0.5), (50, 20, 2.0), (50, 100, 0.5)):
        run = partial(gaps, k=k, d=d, width=width)
        yield Study(name=f"annealing-{k}-{d}", run=run, seeds=0.5)
