"""Arrays on disk: ``.npy`` (memory-mapped), ``.npz``, tensors in ``.pt``, and ``.h5``.

A file with several arrays needs the name of one after a double colon: ``runs/data.npz::x_test``.
Nothing is unpickled.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor

from genprobe.datasets.find import find_file
from genprobe.datasets.from_array import array_dataset
from genprobe.errors import DataError, reason_of
from genprobe.types import Dataset, DatasetReader


def open_array(spec: str, split: str | None) -> Dataset:
    """The array in a file, looked for here and under GENPROBE_DATA_DIR.

    Raises:
        DataError: if the file is missing, unreadable, or holds several arrays and none is named.
    """
    if split is not None:
        raise DataError("A file of arrays has no splits.", "Name an array with FILE::NAME.")
    location, _, key = spec.partition("::")
    path = find_file(location)
    if path.suffix not in READERS:
        raise DataError(f"{path} is not one of {', '.join(READERS)}.", "Convert it to one of them.")
    try:
        array = READERS[path.suffix](path, key)
    except DataError:
        raise
    except Exception as error:  # damaged bytes make the readers raise almost anything
        raise DataError(
            f"{path} cannot be read as {path.suffix}: {reason_of(error)}.",
            "Check the path, or write it again.",
        ) from error
    return array_dataset(f"{path.stem}::{key}" if key else path.stem, array)


def read_npy(path: Path, key: str) -> Any:
    """The one array of a .npy file, memory-mapped."""
    return np.lib.format.open_memmap(path, mode="r")


def read_npz(path: Path, key: str) -> Any:
    """An array of an .npz archive."""
    with path.open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        if not isinstance(archive, Mapping):
            raise ValueError("it is a single array")
        return choose(path, archive, key)


def read_pt(path: Path, key: str) -> Any:
    """A tensor saved by torch, alone or in a mapping."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    if isinstance(content, Tensor):
        return content
    if isinstance(content, Mapping):
        return choose(path, {k: v for k, v in content.items() if isinstance(v, Tensor)}, key)
    raise DataError(f"{path} holds a {type(content).__name__}, not a tensor.")


def read_h5(path: Path, key: str) -> Any:
    """A data set of an HDF5 file, which stays open and on disk."""
    file = h5py.File(path, "r")
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if is_array(item) else None)
    return choose(path, {name: file[name] for name in names}, key.strip("/"))


def is_array(item: object) -> bool:
    """Whether an HDF5 object is an array with at least one axis."""
    return isinstance(item, h5py.Dataset) and item.ndim > 0


def choose(path: Path, arrays: Mapping[str, Any], key: str) -> Any:
    """The array of that name, or the only one."""
    if key in arrays:
        return arrays[key]
    if not key and len(arrays) == 1:
        return next(iter(arrays.values()))
    problem = f"no array {key!r}" if key else f"{len(arrays)} arrays"
    raise DataError(
        f"{path} holds {problem}; it has {', '.join(arrays) or 'none'}.",
        f"Name one: {path}::NAME.",
    )


READERS: dict[str, Callable[[Path, str], Any]] = {
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
