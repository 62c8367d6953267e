"""Linear-Gaussian decoders with a wrong encoder: what inference loses of them is known.

x = Wz + noise of variance v, so that p(z|x) is normal of precision Λ = 1 + WᵀW/v and p(x) is too.
The encoder gives half of the posterior's mean and a multiple of the best deviations. Of diagonal
normals the best has the precision diag Λ, and is ½(Σ ln Λ_ii − ln det Λ) from the posterior.
"""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from genprobe.runtime.seeds import generator
from genprobe.self_check.case import Case, Subject, Truth, Truths
from genprobe.types import Model
from validation.cases.pairs import pair

SHARE = 0.15
"""Of the seeds: a run anneals for some ten seconds."""
LOST = ("ais_bound", "inference_gap", "amortization_gap", "approximation_gap")
NOISE = 0.5
"""Variance v of x given z."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Decoder:
    """A linear-Gaussian decoder, and its wrong encoder.

    Attributes:
        weight: W (d, k).
        width: of the encoder's deviations, in units of the best ones.
    """

    weight: Tensor
    width: float

    @property
    def precision(self) -> Tensor:
        """Λ (k, k) of p(z|x)."""
        k = self.weight.shape[1]
        return torch.eye(k, dtype=torch.float64) + self.weight.T @ self.weight / NOISE

    @property
    def covariance(self) -> Tensor:
        """Of p(x) (d, d)."""
        d = len(self.weight)
        return self.weight @ self.weight.T + NOISE * torch.eye(d, dtype=torch.float64)

    @property
    def to_mean(self) -> Tensor:
        """From x to the mean of p(z|x) (k, d)."""
        return torch.linalg.solve(self.precision, self.weight.T) / NOISE


def decoder(k: int, d: int, width: float) -> Decoder:
    """The decoder of these sizes, always the same."""
    drawn = torch.randn(d, k, generator=generator(k, "validation", d), dtype=torch.float64)
    return Decoder(weight=drawn / math.sqrt(k), width=width)


def subject(seed: int, *, k: int, d: int, width: float, n: int) -> Subject:
    """A model, and so many examples of its own p(x).

    Args:
        seed: of the examples.
        k: values of z.
        d: values of x.
        width: of the encoder's deviations, in units of the best ones.
        n: number of examples.
    """
    known = decoder(k, d, width)
    weight, to_mean = known.weight.float(), known.to_mean.float()
    scale = (width * known.precision.diagonal().rsqrt()).float()
    noise = torch.randn(n, k + d, generator=generator(seed, "validation", "inference", n))
    x = noise[:, :k] @ weight.T + math.sqrt(NOISE) * noise[:, k:]

    def encode(x: Tensor) -> dict[str, Tensor]:
        return {"loc": x @ to_mean.T / 2, "scale": scale.expand(len(x), k)}

    def decode(z: Tensor) -> dict[str, Tensor]:
        return {"loc": z @ weight.T, "scale": torch.full((len(z), d), math.sqrt(NOISE))}

    model = Model(
        name="linear-gaussian",
        encode=encode,
        decode=decode,
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal",
    )
    return Subject(model=model, data=x)


def lost_truths(k: int, d: int, width: float, second: Tensor) -> Truths:
    """What inference loses, where x has these second moments (d, d).

    Args:
        k: values of z.
        d: values of x.
        width: of the encoder's deviations, in units of the best ones.
        second: mean of x xᵀ: of the examples, or of the population.
    """
    known = decoder(k, d, width)
    precision, covariance = known.precision, known.covariance
    log_px = -(
        (torch.linalg.inv(covariance) * second).sum()
        + torch.logdet(covariance)
        + d * math.log(2 * math.pi)
    )
    family = precision.diagonal().log().sum() - torch.logdet(precision)
    off = known.to_mean / 2  # by which the encoder's mean is off
    far = (precision * (off @ second @ off.T)).sum()
    wide = k * (width**2 - 1 - 2 * math.log(width))
    values = {
        "ais_bound": -log_px / 2,
        "inference_gap": (family + far + wide) / 2,
        "amortization_gap": (far + wide) / 2,
        "approximation_gap": family / 2,
    }
    return {name: Truth(value=float(value)) for name, value in values.items()}


def of_examples(k: int, d: int, width: float, n: int) -> Truths:
    """The truths of the examples of seed 0."""
    x = subject(0, k=k, d=d, width=width, n=n).data.double()
    return lost_truths(k, d, width, x.T @ x / n)


def of_population(k: int, d: int, width: float) -> Truths:
    """The truths of the population."""
    return lost_truths(k, d, width, decoder(k, d, width).covariance)


def cases() -> Iterator[Case]:
    """Every case that is looked into: few examples for the one error, 150 for the other."""
    for k, d, width in ((1, 4, 2.0), (2, 20, 0.5), (4, 20, 2.0), (10, 20, 0.7)):
        sizes = {"k": k, "d": d, "width": width}
        first, _ = pair(
            f"inference-{k}-{d}",
            f"a wrong encoder of {k} values, 12 of 24 examples annealed",
            24,
            partial(subject, **sizes, n=24),
            LOST,
            fixed=partial(of_examples, **sizes, n=24),
            inference=12,
            max_steps=64,
        )
        _, second = pair(
            f"inference-{k}-{d}",
            f"a wrong encoder of {k} values, all examples annealed",
            150,
            partial(subject, **sizes, n=150),
            LOST,
            population=partial(of_population, **sizes),
            inference=150,
            max_steps=64,
        )
        for case in (first, second):
            yield dataclasses.replace(case, seeds=SHARE)
