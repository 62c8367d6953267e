"""Whether a file is a store, told from its first bytes: libhdf5 opens nothing for that."""

from collections.abc import Iterable
from pathlib import Path

from genprobe.errors import StoreError
from genprobe.runtime.hdf5 import HDF5_MAGIC
from genprobe.runtime.output_file import same_file
from genprobe.store.format import FORMAT

MARK = bytes(f'"format": "{FORMAT}"', "utf-8")
NEAR = 1 << 16
"""Bytes within which the header begins: it is the first thing that goes into a store."""


def is_store(path: Path) -> bool:
    """Whether a file is a store of any version, as far as its beginning says; it may be damaged.

    >>> import tempfile, numpy, genprobe
    >>> params = {"loc": numpy.zeros((20, 2)), "scale": numpy.ones((20, 2))}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = genprobe.evaluate_posteriors(params, store=f"{folder}/s.h5")
    ...     is_store(Path(folder, "s.h5"))
    True
    """
    with path.open("rb") as file:
        start = file.read(NEAR)
    return start.startswith(HDF5_MAGIC) and MARK in start


def require_own_store(path: Path, inputs: Iterable[Path], fresh: bool) -> None:
    """Check that no file but a store would be replaced by one, before anything is encoded.

    Args:
        path: of the store to be.
        inputs: files that it is made from.
        fresh: whether a file that is there would be replaced, not read.

    Raises:
        StoreError: if it is a folder, a pipe, an input, or any file that is not a store.
    """
    fault = ""
    try:
        if path.exists() and not path.is_file():
            fault = "is a folder" if path.is_dir() else "is no regular file"
        elif any(same_file(path, other) for other in inputs):
            fault = "is an input of this evaluation"
        elif fresh and path.exists() and path.stat().st_size and not is_store(path):
            fault = "is there and is not a genprobe store"
    except OSError as error:
        raise StoreError(
            f"The store cannot be written at {path}: {error.strerror}.",
            "Give --store a path in a folder that can be written.",
        ) from error
    if fault:
        raise StoreError(f"{path} {fault}.", "Give another --store, or remove it first.")
