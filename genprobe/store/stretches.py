"""Stretches of consecutive examples, each where it is stored: finished, or in an unfinished run."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from genprobe.store.intact import open_file
from genprobe.store.join import axis_of
from genprobe.store.read import Store
from genprobe.store.write import StoreWriter


class Stretch(NamedTuple):
    """Consecutive examples in a file.

    Attributes:
        path: of the store, or of a segment of an unfinished one.
        start: the first example.
        stop: the one after the last.
        first: the example that the arrays in the file begin with.
    """

    path: Path
    start: int
    stop: int
    first: int

    def rows(self, name: str, start: int, stop: int) -> Tensor | None:
        """Rows of a column as it is stored, (rows, ...) or (draw, rows, ...); None without it.

        Args:
            name: of the column.
            start: the first example, among those of the stretch.
            stop: the one after the last.

        Raises:
            StoreError: if the file does not read.
        """
        where = (slice(None),) * (axis_of(name) or 0)
        where += (slice(start - self.first, stop - self.first),)
        with open_file(self.path) as file:
            return torch.from_numpy(file[name][where]) if name in file else None


def stretches_of(store: Store) -> list[Stretch]:
    """A finished store, a segment at a time."""
    spans = map(store.header.span, range(store.header.segments))
    return [Stretch(store.path, start, stop, 0) for start, stop in spans]


def stretches_begun(writer: StoreWriter, segments: Iterable[int]) -> list[Stretch]:
    """Segments of an unfinished store, which are written."""
    spans = {segment: writer.header.span(segment) for segment in segments}
    return [
        Stretch(writer.segment_path(segment), start, stop, start)
        for segment, (start, stop) in spans.items()
    ]
