"""Doing a pass again with smaller tiles where the memory did not suffice."""

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from genprobe.aggregate.plan import Tile
from genprobe.errors import GenprobeError

log = logging.getLogger("genprobe")
Result = TypeVar("Result")
CPU_WORDS = "DefaultCPUAllocator"


def with_room(tile: Tile, work: Callable[[Tile], Result]) -> Result:
    """The result of work done with a tile, or with the largest half of it that fits.

    Args:
        tile: tried first.
        work: may raise torch's errors of running out of memory.

    Raises:
        GenprobeError: if not even the smallest tile fits.
    """
    while True:
        try:
            return work(tile)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            smaller = tile.smaller()
            if smaller == tile:
                raise GenprobeError(
                    "There is not enough memory for the aggregate posterior, however small the "
                    "tiles.",
                    "Free some, or give --max-queries.",
                ) from error
        log.warning(
            "Out of memory: going on with tiles of %d queries and %d components.",
            smaller.queries,
            smaller.components,
        )
        tile = smaller


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a GPU or the CPU."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or CPU_WORDS in str(error)
