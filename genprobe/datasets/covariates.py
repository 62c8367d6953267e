"""Covariates that the user gives besides the data: labels in a file or an array, by name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from genprobe.datasets.arrays import open_column
from genprobe.datasets.arrays import recognises as is_array_file
from genprobe.datasets.beside import with_columns
from genprobe.datasets.find import find_file
from genprobe.datasets.from_object import as_column
from genprobe.datasets.idx import read_idx
from genprobe.datasets.idx import recognises as is_idx_file
from genprobe.datasets.text_tables import names_table, open_text_column
from genprobe.types import Dataset


def with_covariates(
    dataset: Dataset, given: Mapping[str, Any], opened: Callable[[str], Dataset]
) -> Dataset:
    """A data set with further covariates; those of a name that it has already replace them.

    Args:
        dataset: of n examples.
        given: by name, an array, tensor or list (n, ...), or the path of one.
        opened: how other data are opened that are named.

    Raises:
        DataError: if one does not open, or has another number of rows.
    """
    found = {
        name: as_column(name, read_column(source, opened), dataset.n)
        for name, source in given.items()
    }
    return with_columns(dataset, found)


def read_column(source: Any, opened: Callable[[str], Dataset]) -> Any:
    """The array that a covariate's source stands for, in its own dtype where it is an array's file.

    Args:
        source: an array, a tensor, a list or a column of a table; or the name of data.
        opened: how other data are opened that are named.
    """
    if not isinstance(source, str | Path):
        return source if isinstance(source, Tensor | list | tuple) else np.asarray(source)
    spec = str(source)
    if names_table(spec):
        return open_text_column(spec)
    scheme, _, rest = spec.partition(":")
    if scheme in READERS:
        return READERS[scheme](rest)
    named = len(scheme) > 1 and rest and not rest.startswith(":")  # not C: nor FILE::NAME
    if not named and is_array_file(Path(spec)):
        return open_column(spec)
    if not named and is_idx_file(Path(spec)):
        return open_idx_column(spec)
    dataset = opened(spec)
    return dataset.read(0, dataset.n)


def open_idx_column(spec: str) -> np.ndarray:
    """The array in an IDX file, such as the labels of MNIST."""
    return read_idx(find_file(spec))


READERS: dict[str, Callable[[str], Any]] = {"array": open_column, "idx": open_idx_column}
