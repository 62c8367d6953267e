"""Writing a file whole or not at all: aside, synced, renamed."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

ASIDE = ".writing"
"""The end of the name that a file has while it is written."""


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A path to write aside; on success it is synced and takes the final name, else it goes.

    Args:
        path: the final name. What is there stays as it is until all is written.
    """
    aside = path.with_name(path.name + ASIDE)
    try:
        yield aside
        sync(aside)
        os.replace(aside, path)
        sync(path.parent)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """Force a file or folder to disk, so that a rename cannot outrun its content."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
