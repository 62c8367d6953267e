"""Arrays that grow by rows in temporary files, for data that can be read only once.

A file has no name from the moment it is open, so nothing is left of it once the process ends,
however it ends. What was written is read through a memory map: it may be larger than memory.
"""

import contextlib
import tempfile
import weakref

import numpy as np

from genprobe.errors import DataError
from genprobe.runtime.temporary import explain_temporary


class GrowingArray:
    """Rows of one shape and dtype, appended a batch at a time.

    Args:
        name: of the data, for errors.
        first: rows (batch, *event); later ones must be like them.

    Raises:
        GenprobeError: if there is no temporary folder.
    """

    def __init__(self, name: str, first: np.ndarray) -> None:
        self.name, self.dtype, self.event = name, first.dtype, first.shape[1:]
        self.n = 0
        with self._explained():
            # Nothing is held back, to fail when it is too late to say so.
            self._file = tempfile.TemporaryFile(prefix="genprobe-", buffering=0)  # noqa: SIM115
        weakref.finalize(self, self._file.close)

    def append(self, rows: np.ndarray) -> None:
        """Write further rows (batch, *event).

        Raises:
            DataError: if they are of another shape or dtype.
            GenprobeError: if the temporary folder is full.
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
        content = np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data
        with self._explained():
            while len(content):
                content = content[self._file.write(content) :]
        self.n += len(rows)

    def _explained(self) -> contextlib.AbstractContextManager[None]:
        return explain_temporary(self.name, "give data that can be read by position")

    def mapped(self) -> np.ndarray:
        """All rows (n, *event), read-only, on disk; nothing can be appended after it."""
        shape = (self.n, *self.event)
        if 0 in shape:
            return np.zeros(shape, self.dtype)
        with self._explained():
            found = np.memmap(self._file, self.dtype, "r", shape=shape)
        self._file.close()  # the map holds what is in it
        return found
