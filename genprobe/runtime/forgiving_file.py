"""A file to which writing raises nothing, for libraries that do not survive it.

HDF5 cannot be told that a disk is full: it fails again as it closes, and crashes. torch ends the
process. What they write is taken for written after the first error, which is raised at the end.
"""

import errno
import os
from io import FileIO


class ForgivingFile(FileIO):
    """A file for a library to write to, which keeps the first error of writing.

    Attributes:
        error: the first; None while all is written.
    """

    error: OSError | None = None

    def write(self, values: bytes | memoryview) -> int:  # type: ignore[override]
        """Write all, unless something failed before."""
        left = memoryview(values).cast("B")
        size = len(left)
        try:
            while self.error is None and len(left):
                written = super().write(left)
                if written is None:  # a pipe that nobody reads from fast enough
                    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
                left = left[written:]
        except OSError as error:
            self.error = error
        return size

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read what is there, and zeros for what could not be written."""
        size = super().readinto(buffer) or 0
        if size < len(buffer):
            buffer[size:] = bytes(len(buffer) - size)
        return len(buffer)

    def require_written(self) -> None:
        """Raise the error that was kept.

        Raises:
            OSError: as when the disk is full.
        """
        if self.error is not None:
            raise self.error
