"""Stretches of consecutive examples, each where it is stored: finished, or in an unfinished run."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from genprobe.errors import StoreError
from genprobe.store.join import axis_of, damaged_segment
from genprobe.store.read import Store, open_file, read_array
from genprobe.store.write import StoreWriter


class Stretch(NamedTuple):
    """Consecutive examples in a file.

    Attributes:
        path: of the store, or of a segment of an unfinished one.
        start: the first example.
        stop: the one after the last.
        first: the example that the arrays in the file begin with.
        whole: whether the file is a finished store.
    """

    path: Path
    start: int
    stop: int
    first: int
    whole: bool

    def rows(self, name: str, start: int, stop: int) -> Tensor | None:
        """Rows of a column as it is stored, (rows, ...) or (draw, rows, ...); None without it.

        Args:
            name: of the column.
            start: the first example, among those of the stretch.
            stop: the one after the last.

        Raises:
            StoreError: if the file is damaged.
        """
        where = (slice(None),) * (axis_of(name) or 0)
        where += (slice(start - self.first, stop - self.first),)
        try:
            with open_file(self.path) as file:
                if name not in file:
                    return None
                return torch.from_numpy(read_array(self.path, file[name], where))
        except StoreError as error:
            if self.whole:
                raise
            raise damaged_segment(self.path) from error


def stretches_of(store: Store) -> list[Stretch]:
    """A finished store, a segment at a time."""
    spans = map(store.header.span, range(store.header.segments))
    return [Stretch(store.path, start, stop, 0, True) for start, stop in spans]


def stretches_begun(writer: StoreWriter, segments: Iterable[int]) -> list[Stretch]:
    """Segments of an unfinished store, which are written."""
    spans = {segment: writer.header.span(segment) for segment in segments}
    return [
        Stretch(writer.segment_path(segment), start, stop, start, False)
        for segment, (start, stop) in spans.items()
    ]
