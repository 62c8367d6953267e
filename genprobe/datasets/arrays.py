"""Arrays on disk: ``.npy`` (memory-mapped), ``.npz``, tensors in ``.pt``, and ``.h5``.

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
from genprobe.datasets.npz import SPARSE, npz_arrays
from genprobe.datasets.tables import sparse_rows
from genprobe.errors import DataError, reason_of
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
    return read_arrays(spec)[2]


def read_arrays(spec: str) -> tuple[Path, str, Any, dict[str, Any]]:
    """A file's path, the name that was given, the array of it, and those of as many rows beside it.

    Raises:
        DataError: if the file is missing, unreadable, or does not say which array is meant.
    """
    location, _, key = spec.partition("::")
    path = find_file(location)
    if path.suffix not in READERS:
        raise DataError(f"{path} is not one of {', '.join(READERS)}.", "Convert it to one of them.")
    try:
        found = READERS[path.suffix](path)
        chosen = choose(path, found, key.strip("/"))
        array = found[chosen]
        return path, key, getattr(array, "whole", array), beside(found, chosen)
    except DataError:
        raise
    except Exception as error:  # damaged bytes make the readers raise almost anything
        raise DataError(
            f"{path} cannot be read as {path.suffix}: {reason_of(error)}.",
            "Check the path, or write it again.",
        ) from error


def read_npy(path: Path) -> dict[str, Any]:
    """The one array of a .npy file, memory-mapped."""
    return {"": np.lib.format.open_memmap(path, mode="r")}


def read_npz(path: Path) -> dict[str, Any]:
    """The arrays of an .npz archive, each read when it is needed; or a sparse matrix of scipy."""
    found = npz_arrays(path)
    if found.keys() >= SPARSE:
        return {"": sparse_rows(scipy.sparse.load_npz(path))}
    return found


def read_pt(path: Path) -> dict[str, Any]:
    """Tensors saved by torch, alone or in a mapping."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    if isinstance(content, Tensor):
        return {"": content}
    if isinstance(content, Mapping):
        return {str(k): v for k, v in content.items() if isinstance(v, Tensor)}
    raise DataError(f"{path} holds a {type(content).__name__}, not a tensor.")


def read_h5(path: Path) -> dict[str, Any]:
    """The data sets of an HDF5 file, which stays open and on disk."""
    file = h5py.File(path, "r")
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if is_array(item) else None)
    return {name: text_or_numbers(file[name]) for name in names}


def text_or_numbers(item: h5py.Dataset) -> Any:
    """An array of HDF5, its text as strings."""
    return item[...].astype(str) if h5py.check_string_dtype(item.dtype) else item


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
    raise DataError(
        f"{path} holds {problem}; it has {', '.join(arrays) or 'none'}.",
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
