"""Draws of torch distributions from a seed of their own.

torch draws from its global generator, which is left as it was.
"""

import torch
from torch import Tensor
from torch.distributions import Distribution


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
    with torch.random.fork_rng(devices=[]):
        # Posteriors are on the CPU, and seeding all devices would take longer than a step of a fit.
        torch.default_generator.manual_seed(seed)
        z: Tensor = q.rsample((draws,)) if q.has_rsample else q.sample((draws,))
    return z
