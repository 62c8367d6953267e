"""Arrays that lie beside the examples, one row each, as covariates of a data set."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genprobe.datasets.items import whole_numbers_wide
from genprobe.errors import DataError
from genprobe.types import Dataset


def with_columns(dataset: Dataset, columns: Mapping[str, Any]) -> Dataset:
    """A data set with further covariates; those of a name that it has already replace them.

    Args:
        dataset: of n examples.
        columns: arrays (n, ...) by name, which only need to be sliced.
    """
    if not columns:
        return dataset
    own = dataset.covariates

    def covariates(start: int, stop: int) -> Mapping[str, Any]:
        before = {} if own is None else own(start, stop)
        return {**before, **{k: column_rows(v[start:stop]) for k, v in columns.items()}}

    return replace(dataset, covariates=covariates)


def column_rows(rows: Any) -> Tensor | np.ndarray:
    """Some rows of a covariate: numbers as a tensor, whole ones of 64 bits; text as an array."""
    if isinstance(rows, Tensor):
        return whole_numbers_wide(rows.detach().cpu())
    array = np.asarray(rows)
    if array.dtype.kind not in "biufc":
        return text(array)
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:
        array = array.astype(np.int64)
    return whole_numbers_wide(torch.from_numpy(np.array(array, array.dtype.newbyteorder("="))))


def text(array: np.ndarray) -> np.ndarray:
    """Text as strings; anything else as it is.

    Raises:
        DataError: if it is no text after all.

    Example:
        >>> text(np.array([b"a", b"bc"])).tolist()
        ['a', 'bc']
    """
    try:
        found = array.astype(str) if array.dtype.kind == "S" else array
    except UnicodeDecodeError as error:
        raise DataError(f"Text that comes with the data does not read: {error}.") from error
    if found.dtype.kind == "U" and found.dtype.itemsize:
        native = np.array(found, found.dtype.newbyteorder("="), ndmin=1)
        if (native.view(np.uint32) > sys.maxunicode).any():  # numpy lets any number pass
            raise DataError("Text that comes with the data is of no characters that there are.")
    return found
