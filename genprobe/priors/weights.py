"""The weights of a mixture's components."""

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.errors import ModelError

TOLERANCE = 1e-4
"""How far from 1 the sum of weights may be rounded."""


def weights(name: str, probs: Tensor | None, size: int) -> Float64[Tensor, " c"]:
    """Weights (c,) that sum to one, equal where none are given.

    Args:
        name: of the prior.
        probs: (c,), or None.
        size: the number of components c.

    Raises:
        ModelError: if there are not as many as components, one is negative or not finite, or they
            do not sum to one.
    """
    if probs is None:
        return torch.full((size,), 1 / size, dtype=torch.float64)
    probs = probs.detach().cpu().double()
    if probs.shape != (size,):
        raise ModelError(
            f"The prior {name} has probs of shape {tuple(probs.shape)} for {size} components."
        )
    total = float(probs.sum())
    if not (probs >= 0).all() or not abs(total - 1) < TOLERANCE:
        raise ModelError(
            f"The prior {name} has probs that sum to {total:g}, or that are negative.",
            "Give probabilities, not logits.",
        )
    return probs / total
