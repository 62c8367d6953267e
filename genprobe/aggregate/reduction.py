"""Summing a tile: Σ 2^p, the largest 2^p and Σ 2^p p of each row, plain or compiled.

Plain torch goes over the tile six times. Compiled, it goes over it once, which takes a third off
the pass; but compiling takes many seconds, so only a long pass is worth it.
"""

import logging
from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from genprobe.errors import reason_of

log = logging.getLogger("genprobe")

NEGLIGIBLE = -126.0
"""Base 2, below the reference: less would be a denormal number, which is slow and adds nothing."""
LONG = 3e10
"""A pass of so many pairs takes about twice as long as compiling does."""

Reduction: TypeAlias = Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]
"""Pairs (q, c) and a buffer of the same shape to three of (q,)."""


def plain(
    pairs: Float[Tensor, "q c"], scratch: Float[Tensor, "q c"]
) -> tuple[Float[Tensor, " q"], Float[Tensor, " q"], Float[Tensor, " q"]]:
    """The sum, the largest and the moment of each row; pairs are cut off at ``NEGLIGIBLE``.

    Args:
        pairs: base-2 logs.
        scratch: overwritten.
    """
    shares = torch.exp2(pairs.clamp_(min=NEGLIGIBLE), out=scratch)
    total, top = shares.sum(1), shares.amax(1)
    return total, top, shares.mul_(pairs).sum(1)


def tallied(
    pairs: Float[Tensor, "q c"],
    scratch: Float[Tensor, "q c"],
    rows: Float[Tensor, "c a"],
    columns: Sequence[int],
) -> tuple[tuple[Tensor, Tensor, Tensor], Float[Tensor, "q a"], Float[Tensor, "q b"]]:
    """The same as ``plain``, with Σ 2^p T and Σ 2^p p T besides.

    Args:
        pairs: base-2 logs.
        scratch: overwritten.
        rows: T, how much of each component belongs to each column.
        columns: of which the second is wanted.
    """
    shares = torch.exp2(pairs.clamp_(min=NEGLIGIBLE), out=scratch)
    total, top, sums = shares.sum(1), shares.amax(1), shares @ rows
    shares.mul_(pairs)
    return (total, top, shares.sum(1)), sums, shares @ rows[:, list(columns)]


def in_one(pairs: Tensor, scratch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same as ``plain``, written for a compiler to fuse."""
    logs = pairs.clamp(min=NEGLIGIBLE)
    shares = torch.exp2(logs)
    return shares.sum(1), shares.amax(1), (shares * logs).sum(1)


@cache
def compiled() -> Reduction:
    """``in_one`` compiled, if that works here, else ``plain``."""
    try:
        function: Reduction = torch.compile(in_one, dynamic=True)
        function(torch.zeros(64, 128), torch.empty(0))
    except Exception as error:  # whatever a compiler that is not there may raise
        log.info("The pass is not compiled: %s", reason_of(error))
        return plain
    return function


def choose(pairs: float) -> Reduction:
    """How to sum the tiles of a pass over so many pairs."""
    return compiled() if pairs >= LONG else plain
