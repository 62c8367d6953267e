"""Cutting rows into batches, and putting together what a model returns for them."""

from collections.abc import Sequence

import torch

from genprobe.types import Params


def batches(count: int, size: int) -> list[slice]:
    """Rows in stretches of at most ``size``; one empty stretch where there are no rows.

    Args:
        count: of rows.
        size: the most rows of a batch.

    >>> batches(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return [slice(low, min(low + size, count)) for low in range(0, max(1, count), size)]


def unequal_batches(count: int, size: int) -> list[slice]:
    """The same, but never only batches of one length, unless it is 1: see ``gather``.

    Args:
        count: of rows.
        size: the most rows of a batch.

    >>> unequal_batches(4, 2)
    [slice(0, 2, None), slice(2, 3, None), slice(3, 4, None)]
    """
    *before, last = batches(count, size)
    length = last.stop - last.start
    if not before or length != size or length < 2:
        return [*before, last]
    middle = last.stop - 1
    return [*before, slice(last.start, middle), slice(middle, last.stop)]


def gather(pieces: Sequence[Params], rows: Sequence[slice]) -> Params:
    """What a decoder returned for unequal batches, as if it had been asked for all rows at once.

    A parameter that is the same for all rows, such as a scale for every dimension, stays as it is.
    What has the length of every batch counts its rows.

    Args:
        pieces: what it returned for each batch, by name, each (rows of the batch, ...) or of a
            shape that does not depend on the batch.
        rows: of each batch, as ``unequal_batches`` gives them.

    >>> scale = torch.ones(2)
    >>> pieces = [{"loc": torch.zeros(n, 2), "scale": scale} for n in (2, 1, 1)]
    >>> {name: tuple(v.shape) for name, v in gather(pieces, unequal_batches(4, 2)).items()}
    {'loc': (4, 2), 'scale': (2,)}
    """
    found = {}
    for name, first in pieces[0].items():
        each = [piece[name].detach().cpu() for piece in pieces]
        counts = first.dim() > 0 and all(
            len(values) == batch.stop - batch.start
            for values, batch in zip(each, rows, strict=True)
        )
        found[name] = torch.cat(each) if counts else each[0].clone()
    return found
