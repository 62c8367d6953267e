"""Trying a pass again with smaller tiles when memory ran out."""

import logging
from collections.abc import Callable
from typing import TypeVar

from genprobe.aggregate.plan import Tile
from genprobe.errors import GenprobeError
from genprobe.runtime.memory import out_of_memory

log = logging.getLogger("genprobe")
Result = TypeVar("Result")


def retry_with_smaller_tiles(tile: Tile, work: Callable[[Tile], Result]) -> Result:
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
