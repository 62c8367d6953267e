"""Arrays on disk: ``.npy``, ``.npz``, tensors in ``.pt``, and ``.h5``.

Of several arrays in a file the input is the one that is named after a double colon,
``runs/data.npz::x_test``, or else the first of ``x``, ``image`` and the other keys of an item. The
others that have as many rows come along as covariates. Nothing is unpickled.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from genprobe.datasets.beside import with_columns
from genprobe.datasets.find import find_file
from genprobe.datasets.from_array import array_dataset
from genprobe.datasets.items import KEYS
from genprobe.datasets.npy import NpyArray
from genprobe.datasets.npz import SPARSE, NpzArray, npz_arrays
from genprobe.datasets.tables import SparseRows, sparse_rows
from genprobe.errors import DataError
from genprobe.runtime.hdf5 import require_harmless
from genprobe.runtime.hdf5_links import links
from genprobe.runtime.torch_file import load_tensors
from genprobe.runtime.untrusted import reading, require_backed
from genprobe.types import Dataset, DatasetReader

USABLE = "biufUS"
"""Kinds of arrays that can be covariates: numbers and text."""


def open_array(spec: str, split: str | None) -> Dataset:
    """The array in a file, looked for here and under GENPROBE_DATA_DIR.

    Raises:
        DataError: if the file is missing, unreadable, or does not say which array is the input.
    """
    if split is not None:
        raise DataError("A file of arrays has no splits.", "Name an array with FILE::NAME.")
    path, key, found, others = read_arrays(spec)
    return with_columns(array_dataset(f"{path.stem}::{key}" if key else path.stem, found), others)


def open_column(spec: str) -> Any:
    """The array in a file as it is, for what is no input: labels, batches.

    Raises:
        DataError: as ``open_array``.
    """
    array = read_arrays(spec)[2]
    return array.whole if isinstance(array, H5Array | NpyArray) else array


def read_arrays(spec: str) -> tuple[Path, str, Any, dict[str, Any]]:
    """A file's path, the name that was given, the array of it, and those of as many rows beside it.

    Raises:
        DataError: if the file is missing, unreadable, or does not say which array is meant.
    """
    location, _, key = spec.partition("::")
    path = find_file(location)
    if path.suffix not in READERS:
        raise DataError(f"{path} is not one of {', '.join(READERS)}.", "Convert it to one of them.")
    with reading(path, path.suffix, error=DataError):
        found = READERS[path.suffix](path)
    chosen = choose(path, found, key.strip("/"))
    array = found[chosen]
    if isinstance(array, NpzArray):  # of one member nothing is read without the rest
        array = array.whole
    return path, key, array, beside(found, chosen)


def read_npy(path: Path) -> dict[str, Any]:
    """The one array of a .npy file, which stays open and on disk."""
    array = NpyArray(path)
    return {"": array if array.ndim else array.whole}


def read_npz(path: Path) -> dict[str, Any]:
    """The arrays of an .npz archive, each read when it is needed; or a sparse matrix of scipy."""
    found = npz_arrays(path)
    if found.keys() >= SPARSE:
        return {"": sparse_matrix(path)}
    return found


def sparse_matrix(path: Path) -> SparseRows:
    """The sparse matrix that scipy saved.

    Raises:
        ValueError: if it has values outside of itself, which scipy would write over other memory,
            or more rows than its file can hold.
    """
    found = scipy.sparse.load_npz(path)
    require_backed("its number of rows", 4 * found.shape[0], path.stat().st_size, packed=True)
    if hasattr(found, "check_format"):
        found.check_format(full_check=True)
    return sparse_rows(found)


def read_pt(path: Path) -> dict[str, Any]:
    """Tensors saved by torch, alone or in a mapping."""
    content = load_tensors(path)
    if not isinstance(content, Tensor | Mapping):
        raise DataError(f"{path} holds a {type(content).__name__}, not a tensor.")
    found = {"": content} if isinstance(content, Tensor) else content
    tensors = {str(k): v for k, v in found.items() if isinstance(v, Tensor)}
    for name, tensor in tensors.items():
        rows = tensor.shape[:1].numel() * 4
        claimed = tensor.nbytes if tensor.layout == torch.strided else rows
        require_backed(name or "it", claimed, path.stat().st_size, packed=True)
    return tensors


class H5Array:
    """An array of an HDF5 file, read a slice at a time.

    Args:
        path: of the file, which stays open.
        item: the array.
    """

    def __init__(self, path: Path, item: h5py.Dataset) -> None:
        self.path, self.item = path, item
        self.shape, self.dtype, self.ndim = item.shape, item.dtype, item.ndim

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, rows: slice) -> np.ndarray:
        with reading(self.path, f".h5 ({self.item.name})", error=DataError):
            found: np.ndarray = self.item[rows]
            return found

    @property
    def whole(self) -> np.ndarray:
        """All of it, in memory."""
        return self[:]


def read_h5(path: Path) -> dict[str, Any]:
    """The data sets of an HDF5 file, which stays open and on disk."""
    require_harmless(path, error=DataError)
    file = h5py.File(path, "r")
    try:
        found = {name: item for name, item in links(file) if is_array(item)}
        return {name: text_or_numbers(path, item) for name, item in found.items()}
    except BaseException:
        file.close()
        raise


def text_or_numbers(path: Path, item: h5py.Dataset) -> Any:
    """An array of HDF5, its text as strings."""
    return item[...].astype(str) if h5py.check_string_dtype(item.dtype) else H5Array(path, item)


def is_array(item: object) -> bool:
    """Whether an HDF5 object is an array with at least one axis."""
    return isinstance(item, h5py.Dataset) and item.ndim > 0


def choose(path: Path, arrays: Mapping[str, Any], key: str) -> str:
    """The name of the array that is meant: as given, the only one, or the first of ``KEYS``."""
    if key in arrays:
        return key
    if not key and len(arrays) == 1:
        return next(iter(arrays))
    known = [name for name in KEYS if name in arrays]
    if not key and known:
        return known[0]
    problem = f"no array {key!r}" if key else f"{len(arrays)} arrays"
    names = [name[:80] for name in list(arrays)[:20]]
    more = f" and {len(arrays) - 20} more" if len(arrays) > 20 else ""
    raise DataError(
        f"{path} holds {problem}; it has {', '.join(names) or 'none'}{more}.",
        f"Name one: {path}::NAME.",
    )


def beside(arrays: Mapping[str, Any], chosen: str) -> dict[str, Any]:
    """The other arrays of the same group and of as many rows, by the last part of their names."""
    folder, _, _ = chosen.rpartition("/")
    rows = arrays[chosen].shape[:1]
    others = {
        name.rpartition("/")[2]: array
        for name, array in arrays.items()
        if name != chosen and name.rpartition("/")[0] == folder
    }
    return {k: v for k, v in others.items() if v.shape[:1] == rows and is_usable(v)}


def is_usable(array: Any) -> bool:
    """Whether an array may be a covariate."""
    return isinstance(array, Tensor) or array.dtype.kind in USABLE


READERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    ".npy": read_npy,
    ".npz": read_npz,
    ".pt": read_pt,
    ".pth": read_pt,
    ".h5": read_h5,
    ".hdf5": read_h5,
}


def recognises(path: Path) -> bool:
    """Whether the suffix is one of those read here."""
    return Path(str(path).partition("::")[0]).suffix in READERS


arrays = DatasetReader(scheme="array", recognises=recognises, open=open_array)
