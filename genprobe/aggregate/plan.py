"""How many queries and components make a tile, from what the caches and the memory hold."""

import os
from typing import NamedTuple

import torch

PAIR_BYTES = 8 << 20
"""Bytes of the two buffers of float32 pairs, so large that starting an operation costs little."""
COMPONENTS = 512, 2048
"""At a time, at least and at most: the fewer the queries, the more. Few components stay in a core's
own cache beside what is made of them, and what begins a tile's sums is a matter of its queries."""
WIDE = 64
QUERIES = 128, 4096
BLOCK_VALUES = 1 << 23
"""Values of z in the components prepared at a time: weights of 64 MiB for a normal in float32."""
QUERY_VALUES = 1 << 24
"""Values of the statistics of a tile's queries: at most 128 MiB of float64."""
SHARE = 8
"""A GPU's free memory is used up to one part in so many for the two buffers of a tile."""


class Tile(NamedTuple):
    """Sizes: queries × components pairs are worked out at a time, of blocks of components."""

    queries: int
    components: int
    block: int = 1 << 20

    def smaller(self) -> "Tile":
        """Half of everything; the same when that is no less."""
        return Tile(*(max(1, size // 2) for size in self))


def plan_tile(
    queries: int, values: int, device: torch.device | None = None, width: int = 0
) -> Tile:
    """Sizes of a tile.

    On a CPU the two buffers of float32 pairs stay in the last cache; a GPU wants as many pairs as
    fit in its memory.

    Args:
        queries: how many there are in all.
        values: of one z.
        device: where the work is done; the CPU by default.
        width: parameters of one component, where they are more than two a value of z.
    """
    width = max(width, 2 * values)
    block = max(64, BLOCK_VALUES * 2 // max(1, width))
    # Wide matmuls outweigh what is done with their results, and like more queries at a time.
    pairs = pair_bytes(device) * max(1, values // WIDE) // (2 * 4)
    most = min(QUERIES[1], QUERY_VALUES // max(1, width), pairs // COMPONENTS[0])
    together = min(queries, max(QUERIES[0], most))
    components = min(COMPONENTS[1], max(COMPONENTS[0], pairs // max(1, together)))
    return Tile(together, min(components, block), block)


def pair_bytes(device: torch.device | None) -> int:
    """Bytes for the pairs of a tile and what they are worked into."""
    if device is not None and device.type == "cuda":
        free: int = torch.cuda.mem_get_info(device)[0]
        return free // SHARE
    return min(PAIR_BYTES, last_cache_bytes() or PAIR_BYTES)


def last_cache_bytes() -> int:
    """Bytes of the last cache before main memory; 0 where the system does not say."""
    try:
        return max(0, os.sysconf("SC_LEVEL3_CACHE_SIZE"), os.sysconf("SC_LEVEL2_CACHE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return 0
