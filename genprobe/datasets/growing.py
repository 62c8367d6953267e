"""Arrays that grow by rows in temporary files, for data that can be read only once.

A file has no name from the moment it is open, so nothing is left of it once the process ends,
however it ends. What was written is read through a memory map: it may be larger than memory.
"""

import tempfile
import weakref

import numpy as np

from genprobe.errors import DataError


class GrowingArray:
    """Rows of one shape and dtype, appended a batch at a time.

    Args:
        name: of the data, for errors.
        first: rows (batch, *event); later ones must be like them.
    """

    def __init__(self, name: str, first: np.ndarray) -> None:
        self.name, self.dtype, self.event = name, first.dtype, first.shape[1:]
        self.n = 0
        self._file = tempfile.TemporaryFile(prefix="genprobe-")  # noqa: SIM115
        weakref.finalize(self, self._file.close)

    def append(self, rows: np.ndarray) -> None:
        """Write further rows (batch, *event).

        Raises:
            DataError: if they are of another shape or dtype, or the disk is full.
        """
        if rows.shape[1:] != self.event:
            raise DataError(
                f"In the data set {self.name}, example {self.n} has the shape {rows.shape[1:]} and "
                f"the first {self.event}.",
                "Bring all examples to one shape.",
            )
        if rows.dtype.kind == self.dtype.kind == "f":
            rows = rows.astype(self.dtype, copy=False)
        if rows.dtype != self.dtype:
            raise DataError(
                f"In the data set {self.name}, example {self.n} is of {rows.dtype} and the first "
                f"of {self.dtype}.",
                "Bring all examples to one dtype.",
            )
        try:
            self._file.write(np.ascontiguousarray(rows).data)
        except OSError as error:
            raise DataError(
                f"{self.name} cannot be kept in {tempfile.gettempdir()}: {error.strerror}.",
                "Set TMPDIR to a folder with room, or give data that can be read by position.",
            ) from error
        self.n += len(rows)

    def mapped(self) -> np.ndarray:
        """All rows (n, *event), read-only, on disk; nothing can be appended after it."""
        self._file.flush()
        shape = (self.n, *self.event)
        if 0 in shape:
            return np.zeros(shape, self.dtype)
        found = np.memmap(self._file, self.dtype, "r", shape=shape)
        self._file.close()  # the map holds what is in it
        return found
