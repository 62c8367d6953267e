"""How many queries and components make a tile."""

from typing import NamedTuple


class Tile(NamedTuple):
    """Sizes of one tile; queries × components pairs are in memory at a time."""

    queries: int
    components: int


def plan_tile(queries: int, width: int) -> Tile:
    """A tile of about 4 MiB of float32 pairs, and components whose parameters fit beside it.

    Args:
        queries: how many there are in all.
        width: number of sufficient statistics.
    """
    components = max(64, min(2048, (1 << 20) // max(1, width)))
    return Tile(min(queries, max(64, (1 << 20) // components)), components)
