"""The array of a .npy file, read a slice of rows at a time.

Not through a memory map: where somebody cuts the file short meanwhile, or its disk fails, the
system ends a process that reads one, and nothing can say why.
"""

import math
import weakref
from io import FileIO
from pathlib import Path

import numpy as np

from genprobe.datasets.npz import npy_header, require_whole
from genprobe.errors import DataError
from genprobe.runtime.untrusted import reading


class NpyArray:
    """An array on disk that can be sliced by rows; its file stays open.

    Args:
        path: of the file.

    Raises:
        ValueError: if its header is damaged, or claims more than the file holds, or its values
            would have to be unpickled.
        OSError: if it does not open.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = FileIO(path)
        weakref.finalize(self, self._file.close)
        self.shape, fortran, self.dtype = npy_header(self._file)
        self._start = self._file.tell()
        self.ndim = len(self.shape)
        if self.dtype.hasobject:
            raise ValueError("it holds Python objects, which would be unpickled")
        require_whole("it", self.shape, self.dtype, path.stat().st_size - self._start)
        # Rows of an array in Fortran order are scattered over all of the file.
        self._columns = self.ndim > 1 and fortran

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        if self._columns:
            return self.whole[rows]
        first, last, _ = rows.indices(len(self))
        last = max(first, last)
        return self._read(first, last).reshape(last - first, *self.shape[1:])

    @property
    def whole(self) -> np.ndarray:
        """All of it, in memory."""
        rows = len(self) if self.ndim else 1
        return self._read(0, rows).reshape(self.shape, order="F" if self._columns else "C")

    def _read(self, first: int, last: int) -> np.ndarray:
        """The values of some rows, one after another.

        Raises:
            DataError: if they are no longer there.
        """
        width = math.prod(self.shape[1:]) * self.dtype.itemsize
        content = bytearray((last - first) * width)
        with reading(self.path, ".npy", "Write it again.", error=DataError):
            self._file.seek(self._start + first * width)
            left = memoryview(content)
            while len(left):
                count = self._file.readinto(left)
                if not count:
                    raise EOFError
                left = left[count:]
        return np.frombuffer(content, self.dtype)
