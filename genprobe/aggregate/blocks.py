"""Components in stretches: how they arrive, and how they are cut."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import torch
from jaxtyping import Int64
from torch import Tensor

from genprobe.types import Params

Blocks: TypeAlias = Callable[[int], Iterable[tuple[int, Params]]]
"""Given how many at most at a time: (first component, parameters of a stretch), in order. Each call
starts over."""


def in_memory(params: Params) -> Blocks:
    """Components that are all at hand, each parameter (n, ...)."""

    def blocks(rows: int) -> Iterator[tuple[int, Params]]:
        for part in stretches(size_of(params), rows):
            yield part.start, {k: v[part] for k, v in params.items()}

    return blocks


def read_ahead(parts: Iterable[tuple[int, Params]]) -> Iterator[tuple[int, Params]]:
    """The same stretches, each read while the one before it is worked on."""
    source = iter(parts)
    with ThreadPoolExecutor(1, "genprobe-read-ahead") as reader:
        coming = reader.submit(next, source, None)
        while (part := coming.result()) is not None:
            coming = reader.submit(next, source, None)
            yield part


def size_of(params: Params) -> int:
    """How many components there are."""
    return len(next(iter(params.values())))


def width_of(blocks: Blocks) -> int:
    """How many parameters one component has; 0 where there is none."""
    for _, params in blocks(1):
        return sum(values[0].numel() for values in params.values())
    return 0


def take(params: Params, chosen: Int64[Tensor, " some"]) -> Params:
    """Parameters of some components, without a copy if they are all in order."""
    if len(chosen) == size_of(params) and bool((chosen == torch.arange(len(chosen))).all()):
        return params
    return {k: v[chosen.to(v.device)] for k, v in params.items()}


def stretches(stop: int, length: int, start: int = 0) -> Iterator[slice]:
    """A range in stretches of at most so many."""
    for low in range(start, stop, length):
        yield slice(low, min(stop, low + length))
