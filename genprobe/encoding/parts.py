"""A model with its parts resolved: what every later step takes instead of names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Size, Tensor

from genprobe.types import Family, Likelihood, Model, Params, Prior


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitting:
    """What takes the place of an encoder: a posterior is fitted to each example.

    Attributes:
        start: parameters (1, ...) at which every fit starts.
        fit: calls of the decoder, with the context of some examples, and the examples (n, *event)
            to the parameters of their posteriors, each (n, ...).
    """

    start: Params
    fit: Callable[[Any, Tensor], Params]


@dataclass(frozen=True, kw_only=True, eq=False)
class Chain:
    """The levels of a chain of latents, as they were found at the first example.

    All draws of an example are packed into one row, so that whatever takes codes takes them.

    Attributes:
        families: of the posteriors, a level each.
        shapes: of one z of each level.
        top: parameters (1, ...) of the first level's prior.
    """

    families: tuple[Family, ...]
    shapes: tuple[Size, ...]
    top: Params

    def unpack(self, z: Tensor) -> list[Tensor]:
        """The draws of each level (..., *latent_l) in packed ones (..., K)."""
        sizes = [shape.numel() for shape in self.shapes]
        each = zip(torch.split(z, sizes, -1), self.shapes, strict=True)
        return [level.reshape(*z.shape[:-1], *shape) for level, shape in each]


def packed(draws: Sequence[Tensor]) -> Tensor:
    """The draws of all levels (n, *latent_l) in one row an example (n, K).

    >>> packed([torch.zeros(2, 3), torch.ones(2, 1, 2)]).shape
    torch.Size([2, 5])
    """
    return torch.cat([z.flatten(1) for z in draws], 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """A model whose posterior, prior and likelihood are at hand rather than named.

    Attributes:
        model: as the user gave it.
        posterior: the family of q(z|x).
        prior: p(z), its errors reported as the user's (see ``genprobe.encoding.prior_calls``).
        likelihood: of the decoder's output; None without a decoder.
        fitting: of posteriors, for a model without an encoder.
        chain: the levels of a model with a chain of latents; None of any other. ``posterior`` and
            ``prior`` are then those of the first level.
    """

    model: Model
    posterior: Family
    prior: Prior
    likelihood: Likelihood | None
    fitting: Fitting | None = None
    chain: Chain | None = None
