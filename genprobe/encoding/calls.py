"""Calls of a user's model."""

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from genprobe.encoding.context import rows_of
from genprobe.types import Params


def in_batches(
    function: Callable[..., Params],
    rows: Tensor,
    context: Params,
    device: torch.device,
    batch_size: int,
) -> Params:
    """A model's function of many rows and their context, a batch at a time; results on the CPU.

    A parameter that is the same for all rows, such as a scale for every dimension, stays as it is.
    """
    batches = unlike(torch.split(rows, batch_size))
    starts = itertools.accumulate((len(b) for b in batches), initial=0)
    parts = [
        function(some.to(device), **rows_of(context, slice(start, start + len(some)), device))
        for some, start in zip(batches, starts, strict=False)
    ]
    found = {}
    for name, first in parts[0].items():
        each = [part[name].cpu() for part in parts]
        counts = first.dim() > 0 and all(
            len(v) == len(b) for v, b in zip(each, batches, strict=True)
        )
        found[name] = torch.cat(each) if counts else each[0]
    return found


def unlike(batches: Sequence[Tensor]) -> Sequence[Tensor]:
    """Batches of more than one length: then what has their length is seen to count their rows."""
    *before, last = batches
    if not before or len(last) != len(before[0]) or len(last) < 2:
        return batches
    return [*before, last[:-1], last[-1:]]
