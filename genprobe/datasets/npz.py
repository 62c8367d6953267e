"""The arrays of an .npz archive, each read from it when it is first needed."""

import math
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from genprobe.errors import DataError
from genprobe.runtime.checked_zip import checked_zip
from genprobe.runtime.untrusted import reading

SPARSE = {"format", "shape", "data"}
"""What every sparse matrix of scipy.sparse.save_npz has."""


class NpzArray:
    """An array in an archive: shape and dtype from its header, its values when they are needed.

    Args:
        path: of the archive.
        name: of the array.
        shape: of the array.
        dtype: of the array.
    """

    def __init__(self, path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.path, self.name, self.shape, self.dtype = path, name, shape, dtype

    @cached_property
    def whole(self) -> np.ndarray:
        """All of it, in memory.

        Raises:
            DataError: if it is damaged, or would have to be unpickled.
        """
        with (
            reading(self.path, f".npz ({self.name})", error=DataError),
            np.load(self.path, allow_pickle=False) as archive,
        ):
            found: np.ndarray = archive[self.name]
            return found

    def __getitem__(self, rows: slice) -> np.ndarray:
        return self.whole[rows]


def npz_arrays(path: Path) -> dict[str, NpzArray]:
    """The arrays of an archive by name; only their headers are read.

    The checksum of each is compared once it is read.

    Raises:
        ValueError: if an array's header is damaged, or claims more than the archive holds.
        BadZipFile: if the archive is damaged.
        OSError: if it does not open.
    """
    found = {}
    with checked_zip(path, content=False) as archive:
        for info in archive.infolist():
            if info.filename.endswith(".npy"):
                name = info.filename.removesuffix(".npy")
                with archive.open(info) as file:
                    shape, _, dtype = npy_header(file)
                    require_whole(name, shape, dtype, info.file_size - file.tell())
                found[name] = NpzArray(path, name, shape, dtype)
    return found


def npy_header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether in Fortran order, and dtype of the .npy file that starts here.

    Raises:
        ValueError: if it is damaged.
    """
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in read:
        raise ValueError(f"it is of version {version} of the .npy format")
    shape, fortran, dtype = read[version](file)
    if min(shape, default=0) < 0:
        raise ValueError(f"its shape is {shape}")
    return shape, fortran, dtype


def require_whole(name: str, shape: tuple[int, ...], dtype: np.dtype[Any], held: int) -> None:
    """Check that so many values follow a header as it says, no fewer and no more.

    Args:
        name: of the array.
        shape: that its header says.
        dtype: that its header says.
        held: bytes after the header.

    Raises:
        ValueError: if not. Pickled objects are of any length.

    Example:
        >>> require_whole("x", (10**12,), np.dtype("f8"), 32)
        Traceback (most recent call last):
            ...
        ValueError: x claims 8000000000000 bytes and has 32
    """
    claimed = math.prod(shape) * dtype.itemsize
    if claimed != held and not dtype.hasobject:
        raise ValueError(f"{name} claims {claimed} bytes and has {held}")
