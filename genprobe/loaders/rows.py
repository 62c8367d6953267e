"""Arrays read a stretch of rows at a time, from memory, an .npz archive or an HDF5 file.

So that arrays larger than memory can be streamed, and none is copied whole. Nothing is unpickled.
"""

import hashlib
import io
import math
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor

from genprobe.datasets.npz import npy_header, require_whole
from genprobe.errors import ModelError
from genprobe.runtime.untrusted import reading

KIND = "a file of posteriors"
HASH_BYTES = 1 << 22
REAL = "iuf"
"""Kinds of numpy dtypes that hold real numbers."""


class KeptOpen(io.FileIO):
    """A file that stays open as long as somebody may read on, and then closes itself."""

    def __del__(self) -> None:
        self.close()


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """An array whose first axis is read in stretches.

    Attributes:
        shape: of the whole array.
        dtype: of its values.
        read: start and stop to those rows; of a single number, to itself.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[int, int], np.ndarray]

    def whole(self) -> np.ndarray:
        """All of it."""
        return self.read(0, self.shape[0] if self.shape else 1)

    def tensor(self, start: int, stop: int) -> Tensor:
        """Rows (stop − start, ...) as a tensor: float64 if they are, else float32."""
        double = self.dtype.kind != "f" or self.dtype.itemsize > 4
        return torch.from_numpy(
            np.array(self.read(start, stop), np.float64 if double else np.float32)
        )


def rows_of(array: Any) -> Rows:
    """The rows of an array in memory or memory-mapped: numpy, torch, or whatever numpy takes."""
    if isinstance(array, Tensor):
        array = array.detach().cpu()
        array = (array.float() if array.dtype == torch.bfloat16 else array).numpy()
    values = np.asarray(array)
    return Rows(
        shape=values.shape,
        dtype=values.dtype,
        read=lambda start, stop: values[start:stop] if values.ndim else values,
    )


def npz_rows(path: Path, member: str) -> Rows:
    """The rows of one member of an .npz archive.

    Rows are read in order at no cost in memory; an array in Fortran order is read whole. The
    archive is opened for this member alone: members of one open archive share a position in its
    file, which early releases of Python 3.12 and 3.13 lose when members are read in turn
    (python/cpython#127847).

    Args:
        path: of an archive whose checksums were compared: an array that is read in part has none.
        member: its name in the archive.

    Raises:
        ModelError: if the member would be unpickled.
        ValueError: if it is damaged.
    """
    archive = zipfile.ZipFile(KeptOpen(path))
    with archive.open(member) as file:
        shape, fortran, dtype = npy_header(file)
        start_of_data = file.tell()
    if dtype.hasobject:
        raise ModelError(
            f"{path} holds Python objects as {member.removesuffix('.npy')}, which "
            "would be unpickled.",
            "Save numbers and strings only.",
        )
    require_whole(member, shape, dtype, archive.getinfo(member).file_size - start_of_data)
    if not shape or (fortran and len(shape) > 1):
        with archive.open(member) as file:
            return rows_of(np.lib.format.read_array(file, allow_pickle=False))
    width = math.prod(shape[1:]) * dtype.itemsize
    stream = archive.open(member)

    def read(start: int, stop: int) -> np.ndarray:
        with reading(path, KIND, error=ModelError):
            stream.seek(start_of_data + start * width)
            data = stream.read((stop - start) * width)
            return np.frombuffer(data, dtype).reshape(stop - start, *shape[1:])

    return Rows(shape=shape, dtype=dtype, read=read)


def h5_rows(dataset: h5py.Dataset, reverse: bool) -> Rows:
    """The rows of an HDF5 data set.

    Args:
        dataset: of numbers.
        reverse: whether its axes are in reverse order, as R writes them.

    Example:
        >>> with h5py.File("memory.h5", "w", driver="core", backing_store=False) as file:
        ...     loc = file.create_dataset("loc", data=np.eye(3))
        ...     h5_rows(loc, reverse=False).read(0, 1).tolist()
        [[1.0, 0.0, 0.0]]
    """
    if not dataset.shape:  # a single number, or none at all
        return rows_of(dataset[()] if dataset.shape == () else np.empty(0))
    shape = dataset.shape[::-1] if reverse else dataset.shape
    path = Path(dataset.file.filename)

    def read(start: int, stop: int) -> np.ndarray:
        with reading(path, KIND, error=ModelError):
            values: np.ndarray = dataset[..., start:stop].T if reverse else dataset[start:stop]
            return values

    return Rows(shape=shape, dtype=dataset.dtype, read=read)


def fingerprint(arrays: Mapping[str, Rows]) -> str:
    """SHA-256 over names, shapes, dtypes and content, the same wherever the arrays lie."""
    digest = hashlib.sha256()
    for name, rows in sorted(arrays.items()):
        dtype = rows.dtype.newbyteorder("<")
        digest.update(f"{name} {tuple(rows.shape)} {dtype.str}".encode())
        width = max(1, math.prod(rows.shape[1:]) * dtype.itemsize)
        step = max(1, HASH_BYTES // width)
        for start in range(0, rows.shape[0], step):
            part = rows.read(start, min(rows.shape[0], start + step))
            digest.update(np.ascontiguousarray(part, dtype).data)
    return digest.hexdigest()
