"""Class indices, one at each place of a grid, that are certain: q(z|x) has all its mass on one.

The codes of a quantiser as whole numbers: index (batch, *grid), and classes, one number for all.
With log q(z|x) = 0 the rate under any prior is −log p(index) exactly, and I(n;z) the entropy of the
distinct grids. No table of classes is ever made, so their number costs nothing.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints

from genprobe.distributions.certain_codes import CertainCodes
from genprobe.distributions.latents import flat
from genprobe.errors import ModelError
from genprobe.types import Family, Params

MOST_CLASSES = 1 << 24
"""Whole numbers up to here are exact in float32."""
MIXERS = (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)
"""Odd factors that spread a difference over all bits (the finaliser of MurmurHash3)."""


def distribution(params: Params) -> Distribution:
    """Parameters index (batch, *grid) and classes (batch,) to q(z|x) of batch shape (batch,).

    Raises:
        ModelError: if an index is not among the classes, or their number is not one for all.
    """
    index, given = params["index"], params["classes"]
    classes = int(given.max())
    if classes > MOST_CLASSES or int(given.min()) != classes:
        raise ModelError(
            f"The codes have {classes} classes in one example, {int(given.min())} in another."
            if int(given.min()) != classes
            else f"The codes have {classes} classes; float32 holds {MOST_CLASSES} apart.",
            "Give one number of classes for all examples, of at most 2²⁴.",
        )
    if index.numel() and int(index.max()) >= classes:
        raise ModelError(
            f"An index is {int(index.max())}, and there are {classes} classes: from 0 to "
            f"{classes - 1}.",
            "Count indices from 0, and give the size of the codebook as classes.",
        )
    return CertainCodes(index, classes)


def cross_log_prob(z: Tensor, params: Params) -> Tensor:
    """Log probability of every pair (m, n), of class indices z (m, *grid): 0 or −∞; float64."""
    same = row_keys(z)[:, None] == row_keys(params["index"])
    zero = torch.zeros((), dtype=torch.float64, device=same.device)
    return torch.where(same, zero, -torch.inf)


def row_keys(z: Tensor) -> Tensor:
    """A hash of each grid (m,), 64 bits of its whole numbers in their order.

    Example:
        >>> found = row_keys(torch.tensor([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]]))
        >>> bool(found[0] == found[2]), bool(found[0] == found[1])
        (True, False)
    """
    rows = flat(z, 1).long()
    found = torch.full((len(rows),), rows.shape[1], dtype=torch.long, device=z.device)
    for column in rows.T:
        found = mixed(found + column + 1)
    return found


def mixed(words: Tensor) -> Tensor:
    """Words of 64 bits, each one-to-one another in which every bit depends on all."""
    for factor in MIXERS:
        words = words ^ ((words >> 33) & ((1 << 31) - 1))
        words = words * (factor - (1 << 64))
    return words ^ ((words >> 33) & ((1 << 31) - 1))


def code_family(name: str, levels: bool) -> Family:
    """A family of certain codes.

    Args:
        name: registered.
        levels: whether the first axis of z counts the levels of a residual stack.
    """
    index: Callable[[Params], Tensor] = lambda params: params["index"]  # noqa: E731
    return Family(
        name=name,
        distribution=distribution,
        constraints={
            "index": constraints.nonnegative_integer,
            "classes": constraints.positive_integer,
        },
        cross_log_prob=cross_log_prob,
        certain=index,
        levels=levels,
    )


codes = code_family("codes", levels=False)
