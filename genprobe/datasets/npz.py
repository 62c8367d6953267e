"""The arrays of an .npz archive, each read from it when it is first needed."""

from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from genprobe.errors import DataError, reason_of

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
        try:
            with np.load(self.path, allow_pickle=False) as archive:
                found: np.ndarray = archive[self.name]
                return found
        except Exception as error:
            raise DataError(
                f"{self.path} cannot be read as .npz: {self.name}: {reason_of(error)}.",
                "Check the path, or write it again.",
            ) from error

    def __getitem__(self, rows: slice) -> np.ndarray:
        return self.whole[rows]


def npz_arrays(path: Path) -> dict[str, NpzArray]:
    """The arrays of an archive by name; only their headers are read.

    Raises:
        ValueError: if an array's header is damaged.
        OSError: if it is no archive.
    """
    found = {}
    with ZipFile(path) as archive:
        for member in archive.namelist():
            if member.endswith(".npy"):
                name = member.removesuffix(".npy")
                with archive.open(member) as file:
                    shape, _, dtype = npy_header(file)
                found[name] = NpzArray(path, name, shape, dtype)
    return found


def npy_header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether in Fortran order, and dtype of the .npy file that starts here."""
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    return read[version](file)
