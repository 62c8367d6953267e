"""Seeds of genprobe's own random streams.

A user who makes data with ``torch.manual_seed(0)`` and evaluates with ``seed=0`` must not get noise
that repeats the data. So every stream is seeded by a hash of the seed and of what it is for.
"""

import contextlib
import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor


def derived_seed(seed: int, *purpose: str | int) -> int:
    """A seed that depends on a seed and a purpose, and coincides with nobody's.

    Args:
        seed: the user's.
        purpose: what the stream is for, such as ``"draws", 3``.

    Example:
        >>> derived_seed(0, "draws", 3) == derived_seed(0, "draws", 4)
        False
    """
    text = ":".join(str(part) for part in ("genprobe", seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *purpose: str | int) -> torch.Generator:
    """A torch generator with a derived seed.

    Example:
        >>> first, again = (torch.rand(1, generator=generator(0, "draws")) for _ in range(2))
        >>> bool(first == again)
        True
    """
    return torch.Generator().manual_seed(derived_seed(seed, *purpose))


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let torch draw from this seed, also on other devices, and its CPU then go on as before.

    Args:
        seed: of the draws inside.

    Example:
        >>> with seeded(0):
        ...     first = torch.rand(1)
        >>> with seeded(0):
        ...     bool(torch.rand(1) == first)
        True
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def random_rows(n: int, most: int, seed: int, *purpose: str | int) -> Tensor:
    """Rows of n without replacement, at most so many, in rising order; every row if n is no more.

    Every subset that stands for all rows is drawn here. One with a larger ``most`` contains one
    with a smaller.

    Args:
        n: number of rows.
        most: how many are wanted.
        seed: the user's.
        purpose: what the rows are for.

    Example:
        >>> random_rows(3, 5, 0, "few"), len(random_rows(100, 5, 0, "some"))
        (tensor([0, 1, 2]), 5)
    """
    return torch.randperm(n, generator=generator(seed, *purpose))[:most].sort().values
