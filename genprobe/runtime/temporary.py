"""The temporary folder of the system, which may be missing, read-only or full."""

import contextlib
import os
import tempfile
from collections.abc import Iterator

from genprobe.errors import GenprobeError


@contextlib.contextmanager
def explain_temporary(what: str, remedy: str = "") -> Iterator[None]:
    """Turn what the file system refuses in the temporary folder into one clear line.

    Args:
        what: is kept there, in words.
        remedy: what else can be done than to choose another folder.

    Raises:
        GenprobeError: naming the folder and the reason.

    Example:
        >>> with explain_temporary("The data"):
        ...     raise OSError(28, "No space left on device")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        genprobe.errors.GenprobeError: The data cannot be kept in ...: No space left on device.
        Set TMPDIR to a folder with room.
    """
    try:
        yield
    except OSError as error:
        raise GenprobeError(
            f"{what} cannot be kept in {temporary_folder()}: {error.strerror or error}.",
            f"Set TMPDIR to a folder with room{remedy and ', or '}{remedy}.",
        ) from error


def temporary_folder() -> str:
    """The temporary folder; what TMPDIR says where none can be written."""
    try:
        return tempfile.gettempdir()
    except OSError:
        return os.environ.get("TMPDIR") or "the temporary folder"
