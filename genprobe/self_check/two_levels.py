r"""A linear-Gaussian hierarchy of two levels, whose every number is a closed form.

.. math::

    q(z_1|x) = N(A_1 x, e^{2\varepsilon} S_1), \quad
    q(z_2|z_1, x) = N(A_2 x + B z_1, e^{2\varepsilon} S_2), \\
    p(z_1) = N(0, I), \quad p(z_2|z_1) = N(C z_1, T), \quad
    p(x|z) = N(W_1 z_1 + W_2 z_2, v I)

Rates and distortions are expectations of squares of what is linear in x, z_1 and noise: they depend
on the examples through their second moments alone.
"""

import math
from collections.abc import Callable, Generator, Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor

from genprobe.runtime.seeds import generator
from genprobe.self_check.case import Subject, Truth, Truths
from genprobe.types import Model

SIZES = 4, 2, 3
"""Values of x, of z₁ and of z₂."""
VARIANCES = (6.0, 3.0, 1.5, 0.4)
"""Of the data."""
NOISE = 0.7
"""Scale of the decoder."""
STEP = 1e-4
"""Of ε, for the slope."""


@cache
def parts() -> dict[str, Tensor]:
    """The matrices and scales, float64."""
    random = generator(0, "self-check", "two levels")
    p, k, m = SIZES

    def matrix(rows: int, columns: int, size: float) -> Tensor:
        return size * torch.randn(rows, columns, generator=random, dtype=torch.float64)

    return {
        "A1": matrix(k, p, 0.3),
        "A2": matrix(m, p, 0.25),
        "B": matrix(m, k, 0.3),
        "C": matrix(m, k, 0.4),
        "W1": matrix(p, k, 0.6),
        "W2": matrix(p, m, 0.6),
        "s1": torch.tensor([0.5, 0.8], dtype=torch.float64),
        "s2": torch.tensor([0.4, 0.6, 0.9], dtype=torch.float64),
        "t2": torch.tensor([0.9, 1.1, 0.8], dtype=torch.float64),
    }


def two_levels(seed: int, *, n: int) -> Subject:
    """The hierarchy, and examples of its population.

    Args:
        seed: of the examples.
        n: number of examples.
    """
    random, own = generator(seed, "self-check", "two levels", "x"), parts()
    x = torch.randn(n, SIZES[0], generator=random) * torch.tensor(VARIANCES).sqrt()

    def walk(x: Tensor) -> Generator[Any, Tensor, None]:
        f = {name: values.to(x) for name, values in own.items()}
        q = {"loc": x @ f["A1"].T, "scale": f["s1"]}
        z = yield q, {"loc": torch.zeros(1, SIZES[1]), "scale": torch.ones(SIZES[1])}
        q = {"loc": x @ f["A2"].T + z @ f["B"].T, "scale": f["s2"]}
        yield q, {"loc": z @ f["C"].T, "scale": f["t2"]}

    def decode(z: list[Tensor]) -> dict[str, Tensor]:
        loc = sum(each @ own[f"W{i}"].to(each).T for i, each in enumerate(z, 1))
        return {"loc": torch.as_tensor(loc), "scale": torch.tensor(NOISE)}

    model = Model(
        name="linear Gaussian, two levels",
        chain=walk,
        decode=decode,
        posterior="diagonal-normal",
        likelihood="normal",
    )
    return Subject(model=model, data=x)


def two_level_numbers(moment: Tensor, epsilon: float = 0.0) -> dict[str, float]:
    """Rates of both levels, and distortions with two, one and no level known, nats per example.

    Args:
        moment: E x xᵀ (4, 4), float64, of examples or their population.
        epsilon: by which both posteriors are wider.
    """
    f, wide = parts(), math.exp(2 * epsilon)
    v1, v2, t = wide * f["s1"].square(), wide * f["s2"].square(), f["t2"].square()
    first = (f["A1"] @ moment @ f["A1"].T).diagonal()
    apart = f["A2"] + (f["B"] - f["C"]) @ f["A1"]
    square = (apart @ moment @ apart.T).diagonal() + (f["B"] - f["C"]).square() @ v1
    both = f["W1"] + f["W2"] @ f["B"]
    one = f["W1"] + f["W2"] @ f["C"]
    whole = both @ f["A1"] + f["W2"] @ f["A2"]
    known = one @ f["A1"]
    none = torch.zeros_like(whole)
    return {
        "z1": float((v1 + first - 1 - v1.log()).sum() / 2),
        "z2": float((v2 / t + square / t - 1 - (v2 / t).log()).sum() / 2),
        "distortion": missed(moment, whole, [(both, v1), (f["W2"], v2)]),
        "distortion_1": missed(moment, known, [(one, v1), (f["W2"], t)]),
        "distortion_0": missed(moment, none, [(one, torch.ones_like(v1)), (f["W2"], t)]),
    }


def missed(moment: Tensor, gain: Tensor, noises: list[tuple[Tensor, Tensor]]) -> float:
    """The distortion where the decoder's mean is gain x and independent noises.

    Args:
        moment: E x xᵀ.
        gain: (4, 4).
        noises: matrices (4, k) and the variances (k,) of what they are multiplied by.
    """
    left = torch.eye(len(moment), dtype=moment.dtype) - gain
    square = (left @ moment @ left.T).trace()
    spread = sum((matrix.square() @ variance).sum() for matrix, variance in noises)
    constant = len(moment) / 2 * math.log(2 * math.pi * NOISE**2)
    return constant + float(square + spread) / (2 * NOISE**2)


def moment_of(make: Callable[[int], Subject] | None) -> Tensor:
    """E x xᵀ of the examples of seed 0, or without them of the population."""
    if make is None:
        return torch.tensor(VARIANCES, dtype=torch.float64).diag()
    x: Tensor = make(0).data.double()
    return x.T @ x / len(x)


def two_level_truths(make: Callable[[int], Subject] | None) -> Truths:
    """R, D, ELBO and slope of the hierarchy.

    Args:
        make: the examples; None for their population.
    """
    moment = moment_of(make)
    found, (low, high) = (
        two_level_numbers(moment),
        (two_level_numbers(moment, e) for e in (-STEP, STEP)),
    )
    rate = found["z1"] + found["z2"]
    risen = high["z1"] + high["z2"] - low["z1"] - low["z2"]
    slope = -(high["distortion"] - low["distortion"]) / risen
    numbers: Mapping[str, float] = {
        "rate": rate,
        "distortion": found["distortion"],
        "elbo": -(rate + found["distortion"]),
        "slope": slope,
    }
    return {name: Truth(value=value) for name, value in numbers.items()}
