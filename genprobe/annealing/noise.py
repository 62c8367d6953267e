"""Draws of torch distributions from a seed of their own.

torch draws from its global generator, which is left as it was.
"""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.distributions import Distribution


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let torch draw from this seed, and afterwards go on as if nothing had been drawn.

    Args:
        seed: of the draws inside.

    >>> with seeded(0):
    ...     first = torch.rand(1)
    >>> with seeded(0):
    ...     bool(torch.rand(1) == first)
    True
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def drawn(q: Distribution, draws: int, seed: int) -> Tensor:
    """Draws (draw, batch, *event) with their pathwise gradient, if there is one.

    Args:
        q: of batch shape (batch,).
        draws: of each.
        seed: of the draws.

    >>> q = torch.distributions.Normal(torch.zeros(3), torch.ones(3))
    >>> drawn(q, 2, 0).shape, bool((drawn(q, 2, 0) == drawn(q, 2, 0)).all())
    (torch.Size([2, 3]), True)
    """
    with seeded(seed):
        z: Tensor = q.rsample((draws,)) if q.has_rsample else q.sample((draws,))
    return z
