"""Codes of quantisers: sources of tokens each for itself, and tokens that follow along a row."""

import math
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor

from genprobe.loaders.recorded import from_posteriors
from genprobe.runtime.seeds import generator
from genprobe.self_check.case import Case, Subject, Truth, Truths
from validation.cases.pairs import pair

COUNTED = (
    "rate",
    "mutual_information",
    "code_entropy",
    "code_perplexity",
    "code_usage",
)
USED = ("rate", "code_usage")
"""Where most classes are rare, no correction makes up for those that were not seen."""
ROWS = (*COUNTED, "rate_fitted_prior", "prior_saving")
"""Where all classes are alike every example costs the same, and what a fitted prior pays has no
error but that of its fit: thousandths of a nat, which nobody asks for."""
GRID = (4, 4)


def shares(classes: int, falling: float) -> Tensor:
    """How probable each class is: as rank to the power of −falling."""
    weight = torch.arange(1, classes + 1, dtype=torch.float64) ** -falling
    return weight / weight.sum()


def rows_of_tokens(seed: int, *, n: int, classes: int, falling: float, stay: float) -> Subject:
    """Grids whose tokens stay what they are along a row, or are drawn again.

    Args:
        seed: of the examples.
        n: number of examples.
        classes: number of classes.
        falling: of their shares.
        stay: probability that a token is that to the left of it.
    """
    random = generator(seed, "validation", "tokens")
    p = shares(classes, falling)
    z = torch.multinomial(p, n * math.prod(GRID), replacement=True, generator=random)
    z = z.view(n, *GRID)
    kept = torch.rand(n, *GRID, generator=random) < stay
    for j in range(1, GRID[1]):
        z[:, :, j] = torch.where(kept[:, :, j], z[:, :, j - 1], z[:, :, j])
    given = {"index": z.numpy(), "classes": np.array(classes)}
    return Subject(model=from_posteriors(given, name="case"))


def fixed(classes: int) -> Truths:
    """The rate under classes that are all alike."""
    return {"rate": Truth(value=math.prod(GRID) * math.log(classes))}


def population(n: int, classes: int, falling: float, stay: float) -> Truths:
    """Entropy and perplexity of a token, and the share of classes that n examples use."""
    p = shares(classes, falling)
    entropy = float(torch.special.entr(p).sum())
    absent = (1 - p) * (stay + (1 - stay) * (1 - p)) ** (GRID[1] - 1)
    return {
        **fixed(classes),
        "code_entropy": Truth(value=entropy),
        "code_perplexity": Truth(value=math.exp(entropy)),
        "code_usage": Truth(value=float((1 - absent ** (GRID[0] * n)).mean())),
    }


def given_left(classes: int, falling: float, stay: float) -> float:
    """The entropy of a whole grid, nats: that of each token given the one to its left."""
    p = shares(classes, falling)
    step = (1 - stay) * p.expand(classes, classes) + stay * torch.eye(classes).double()
    conditional = float((p[:, None] * torch.special.entr(step)).sum())
    first = float(torch.special.entr(p).sum())
    return GRID[0] * (first + (GRID[1] - 1) * conditional)


def limits(classes: int, falling: float, stay: float) -> Mapping[str, float]:
    """What the bounds bound: no prior pays less than the entropy of the grid."""
    return {"rate_fitted_prior": given_left(classes, falling, stay)}


def cases() -> Iterator[Case]:
    """Every case of tokens."""
    for name, n, classes, falling, stay, rows in (
        ("tokens-alike-400", 400, 16, 0.0, 0.0, COUNTED),
        ("tokens-even-400", 400, 16, 0.3, 0.0, ROWS),
        ("tokens-falling-400", 400, 64, 1.0, 0.0, ROWS),
        ("tokens-rows-400", 400, 16, 0.5, 0.6, ROWS),
        ("tokens-sticky-1000", 1000, 32, 1.0, 0.9, ROWS),
        ("tokens-rare-200", 200, 2000, 1.2, 0.3, USED),
    ):
        source = {"classes": classes, "falling": falling, "stay": stay}
        make = partial(rows_of_tokens, n=n, **source)
        yield from pair(
            name,
            f"tokens, {classes} classes, {stay:g} stay",
            n,
            make,
            rows,
            fixed=partial(fixed, classes),
            population=partial(population, n=n, **source),
            limits=partial(limits, **source),
        )
