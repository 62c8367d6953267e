"""Posteriors of known shapes: in the plane, of bits, of classes, on the sphere; no decoder.

Parameters are float32, as a model would give them, and truths are worked out of these numbers.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from genprobe.loaders.recorded import from_posteriors
from genprobe.runtime.seeds import generator
from genprobe.self_check.case import Subject
from genprobe.types import Params

RING = 8
"""Places on the ring."""
JITTER = 0.02
"""Spread around a place of the ring, in radii."""
OUTLIERS = 0.02, 20.0
"""Share of codes that are wide, and how many times wider than the others."""
FREEDOM = 3
"""Degrees of freedom of heavy tails: a variance, and no fourth moment."""
COPIES = 4

MIXTURE: Mapping[str, Any] = {
    "prior": "normal-mixture",
    "prior_params": {
        "probs": torch.tensor([0.6, 0.4]),
        "loc": torch.tensor([[-1.0, 0.5], [1.0, -0.5]]),
        "scale": torch.tensor([[0.8, 1.0], [1.2, 0.7]]),
    },
}
"""A prior under which no posterior has a rate in closed form."""


def plane_codes(
    seed: int,
    *,
    n: int,
    shape: str = "normal",
    gain: float = 1.0,
    scale: float = 0.5,
    unequal: float = 0.0,
    family: str = "diagonal-normal",
    k: int = 2,
    mixture: bool = False,
) -> Subject:
    """Posteriors of independent dimensions, in the plane by default.

    Args:
        seed: of the examples.
        n: number of examples.
        shape: of the means: ``normal``, ``ring``, ``heavy``, ``outliers`` or ``copies``.
        gain: how far they spread.
        scale: of the posteriors.
        unequal: standard deviation of the logarithms of the scales, by example and dimension.
        family: ``diagonal-normal`` or ``laplace``.
        k: dimensions.
        mixture: whether the prior is a mixture of normals, of the plane; else standard normal.
    """
    random = generator(seed, "self-check", "plane", shape)
    loc, width = MEANS[shape](n, k, random)
    noise = torch.randn(n, k, generator=random)
    scales = scale * width * (unequal * noise).exp()
    params = {"loc": gain * loc, "scale": scales.expand(n, k).contiguous()}
    if shape == "copies":
        params = {name: copied(values) for name, values in params.items()}
    given = MIXTURE if mixture else {"prior": "standard-normal"}
    return recorded(params, family, **given)


def recorded(params: Params, family: str, **given: Any) -> Subject:
    """A record of posteriors."""
    return Subject(model=from_posteriors(params, family=family, name="case", **given))


def normal_means(n: int, k: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Means (n, k) from a standard normal, all posteriors of one width (1, 1)."""
    return torch.randn(n, k, generator=random), torch.ones(1, 1)


def ring_means(n: int, k: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Means (n, 2) near eight places on a circle, at random."""
    angle = torch.randint(RING, (n,), generator=random) * 2 * math.pi / RING
    places = torch.stack([angle.cos(), angle.sin()], 1)
    return places + JITTER * torch.randn(n, k, generator=random), torch.ones(1, 1)


def heavy_means(n: int, k: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Means (n, k) from independent Student-t distributions of three degrees of freedom."""
    normal = torch.randn(n, k, generator=random)
    chi = torch.randn(n, k, FREEDOM, generator=random).square().mean(2)
    return normal / chi.sqrt(), torch.ones(1, 1)


def outlier_means(n: int, k: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Means (n, k) from a standard normal; 2 % of the posteriors are twenty times wider."""
    share, factor = OUTLIERS
    wide = torch.rand(n, 1, generator=random) < share
    return torch.randn(n, k, generator=random), torch.where(wide, factor, 1.0)


def copied(values: Tensor) -> Tensor:
    """The first quarter of the rows, each four times."""
    return values[torch.arange(len(values)) // COPIES]


Means = Callable[[int, int, torch.Generator], tuple[Tensor, Tensor]]

MEANS: Mapping[str, Means] = {
    "normal": normal_means,
    "ring": ring_means,
    "heavy": heavy_means,
    "outliers": outlier_means,
    "copies": normal_means,
}


def bit_codes(seed: int, *, n: int, spread: float, bits: int = 6) -> Subject:
    """Posteriors of independent bits, under fair ones.

    Args:
        seed: of the examples.
        n: number of examples.
        spread: standard deviation of the logits.
        bits: in a code.
    """
    random = generator(seed, "self-check", "bits")
    params = {"logits": spread * torch.randn(n, bits, generator=random)}
    prior = {"logits": torch.zeros(bits)}
    return recorded(params, "bernoulli", prior="bernoulli", prior_params=prior)


def class_codes(seed: int, *, n: int, spread: float, places: int = 2, classes: int = 10) -> Subject:
    """Posteriors of independent classes, under equally probable ones.

    Args:
        seed: of the examples.
        n: number of examples.
        spread: standard deviation of the logits.
        places: in a code.
        classes: at each.
    """
    random = generator(seed, "self-check", "classes")
    params = {"logits": spread * torch.randn(n, places, classes, generator=random)}
    return recorded(params, "categorical", prior="uniform-categorical")


def sphere_codes(seed: int, *, n: int, concentration: float) -> Subject:
    """Posteriors on the sphere of three dimensions, their directions even, under the even prior.

    Args:
        seed: of the examples.
        n: number of examples.
        concentration: κ, the same for all.
    """
    random = generator(seed, "self-check", "sphere")
    loc = torch.nn.functional.normalize(torch.randn(n, 3, generator=random), dim=1)
    params = {"loc": loc, "concentration": torch.full((n,), concentration)}
    return recorded(params, "von-mises-fisher", prior="uniform-sphere")


def params_of(subject: Subject) -> Params:
    """The parameters of all posteriors of a record, float64.

    Raises:
        ValueError: if it is no record.
    """
    record = subject.model.recorded
    if record is None:
        raise ValueError(f"{subject.model.name} is no record of posteriors")
    return {name: values.double() for name, values in record.params(0, record.n).items()}
