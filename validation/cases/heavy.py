"""Importance weights of heavy tails: q = p, and a decoder far sharper than both."""

from collections.abc import Iterator
from functools import partial

import torch

from genprobe.runtime.seeds import generator
from genprobe.self_check.case import Case, Subject
from genprobe.types import Model
from validation.cases.pairs import pair
from validation.truths import spike_truths

NAMES = ("rate", "distortion", "elbo", "iwae_bound")


def spike(seed: int, *, n: int) -> Subject:
    """Take z ~ N(0, 1) from posterior and prior alike, x = 5 z + N(0, ½²).

    Args:
        seed: of the examples.
        n: number of examples.
    """
    random = generator(seed, "validation", "spike")
    z, noise = torch.randn(2, n, 1, generator=random)
    model = Model(
        name="spike",
        encode=lambda x: {"loc": torch.zeros_like(x), "scale": torch.ones_like(x)},
        decode=lambda z: {"loc": 5 * z, "scale": torch.tensor(0.5)},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal",
    )
    return Subject(model=model, data=5 * z + 0.5 * noise)


def cases() -> Iterator[Case]:
    """Every case of heavy-tailed weights."""
    for n, draws in ((20, 4), (200, 2), (200, 4), (200, 16), (2000, 4)):
        make = partial(spike, n=n)
        repeats = max(2000, 2_000_000 // n)
        yield from pair(
            f"spike-{n}-{draws}",
            f"heavy-tailed weights, draws = {draws}",
            n,
            make,
            NAMES,
            fixed=partial(spike_truths, make, draws, repeats),
            population=partial(spike_truths, make, draws, repeats, True),
            draws=draws,
        )
