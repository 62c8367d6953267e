"""A data set from an object of Python: arrays, tables, torch Datasets, lists, loaders."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from genprobe.datasets.beside import with_columns
from genprobe.datasets.from_array import array_dataset
from genprobe.datasets.from_torch import from_torch
from genprobe.datasets.items import as_input, input_key, is_numbers, position_name
from genprobe.datasets.tables import column_array, frame_array, is_frame, is_sparse
from genprobe.errors import DataError
from genprobe.runtime.near_names import hint
from genprobe.types import Dataset

KNOWN = (
    "Give a name, a path, an array, a tensor, a table, a Dataset, a DataLoader, or a list of items."
)


def from_object(
    source: Any, *, split: str | None = None, key: str | None = None, seed: int = 0
) -> Dataset:
    """The data set that an object stands for.

    Args:
        source: an array, dense or sparse; a table; a mapping or tuple of arrays of as many rows; a
            torch Dataset, a DataLoader, or anything that is indexed and has a length.
        split: which data set of a mapping of them.
        key: under which key, or in which column, the input is.
        seed: of what a loader draws.

    Raises:
        DataError: if it is nothing of the kind.

    Example:
        >>> import numpy
        >>> found = from_object({"x": numpy.zeros((3, 2)), "digit": numpy.arange(3)})
        >>> found.event_shape, found.covariates(0, 2)
        (torch.Size([2]), {'digit': tensor([0, 1])})
    """
    if split is not None:
        return from_object(split_of(source, split), key=key, seed=seed)
    if hasattr(source, "to_numpy") and not is_frame(source):
        source = column_array(source)
    if is_array(source) or is_numbers(source):
        if key is not None:
            raise DataError(f"An array has no keys, so none is {key!r}.", "Leave it out.")
        return array_dataset("array", source if is_array(source) else as_input(source))
    if isinstance(source, DataLoader | TorchDataset):
        return from_torch(source, input_key=key, seed=seed)
    if is_frame(source):
        return from_frame(source, key)
    if isinstance(source, Mapping):
        return from_columns({str(name): values for name, values in source.items()}, key)
    if isinstance(source, tuple) and source and all(is_array(part) for part in source):
        names = ["x", *(position_name(i) for i in range(1, len(source)))]
        return from_columns(dict(zip(names, source, strict=True)), key)
    if hasattr(source, "__getitem__") and hasattr(source, "__len__") and not is_text(source):
        return from_torch(source, input_key=key, seed=seed)
    raise DataError(f"Data cannot be a {type(source).__name__}.", KNOWN)


def split_of(source: Any, split: str) -> Any:
    """One data set of a mapping of several, as those of Hugging Face are.

    Raises:
        DataError: if there is none of that name.
    """
    if not is_array(source) and isinstance(source, Mapping):
        if split in source:
            return source[split]
        there = ", ".join(map(str, source)) or "none"
        raise DataError(
            f"The data have no split {split!r}; there are {there}.",
            f"{hint(split, map(str, source), 'splits')}Name one.",
        )
    raise DataError(f"The data have no splits, so none is {split!r}.", "Leave the split out.")


def is_array(source: object) -> bool:
    """Whether it is an array or a tensor, dense or sparse; or is like one, as those of HDF5 are."""
    if isinstance(source, Tensor | np.ndarray) or is_sparse(source):
        return True
    sliced = hasattr(source, "shape") and hasattr(source, "__getitem__")
    return sliced and isinstance(getattr(source, "dtype", None), np.dtype)


def is_text(source: object) -> bool:
    """Whether it is text, which is indexed too."""
    return isinstance(source, str | bytes)


def from_frame(frame: Any, key: str | None) -> Dataset:
    """A table's columns as the values of an example; or one of them, and the others beside it."""
    if key is None:
        return array_dataset(type(frame).__name__, frame_array(frame))
    return from_columns({str(name): column_array(frame[name]) for name in frame.columns}, key)


def from_columns(arrays: Mapping[str, Any], key: str | None) -> Dataset:
    """Arrays by name, of which one is the input and those of as many rows are covariates.

    Raises:
        DataError: if nothing says which is the input, or one has another number of rows.
    """
    if arrays and all(isinstance(part, TorchDataset | DataLoader) for part in arrays.values()):
        raise DataError(
            f"The data are several data sets: {', '.join(arrays)}.", "Choose one by its split."
        )
    chosen = input_key(arrays, key)
    x = arrays[chosen]
    if not is_array(x) and not isinstance(x, list):
        raise DataError(
            f"{chosen!r} of the data is a {type(x).__name__}, not an array.",
            "Of several data sets choose one, by its split or by indexing.",
        )
    dataset = array_dataset("array", x if is_array(x) else as_input(x))
    others = {k: as_column(k, v, dataset.n) for k, v in arrays.items() if k != chosen}
    return with_columns(dataset, others)


def as_column(name: str, values: Any, n: int) -> Any:
    """An array of n rows, numbers or text, to be a covariate.

    Raises:
        DataError: if it is no such array.
    """
    found = values if isinstance(values, Tensor) else np.asarray(values)
    if not isinstance(found, Tensor) and found.dtype.kind in "OV":
        if not all(isinstance(value, str) for value in found.ravel()):
            raise DataError(
                f"The covariate {name} holds neither numbers nor text.", "Encode its values."
            )
        found = found.astype(str)
    if found.ndim == 0 or len(found) != n:
        rows = "no" if found.ndim == 0 else len(found)
        raise DataError(
            f"The covariate {name} has {rows} rows; the data have {n}.", "Give one row an example."
        )
    return found
