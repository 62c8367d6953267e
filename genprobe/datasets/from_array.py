"""A data set from anything that can be sliced by rows: arrays, tensors, memory maps, HDF5."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genprobe.datasets.byte_values import bytes_by_default
from genprobe.datasets.images import channels_last, layout, state_turned
from genprobe.datasets.tables import is_sparse, sparse_rows
from genprobe.errors import DataError
from genprobe.types import Dataset

MOST_VALUES = 1 << 36
"""In one example: a file may claim any shape, and no memory holds more."""


def array_dataset(name: str, array: Any, *, scale: float | None = None) -> Dataset:
    """The rows of an array (n, *event) as examples.

    Args:
        name: what tables call it.
        array: a numpy array, memory map, HDF5 data set or tensor, dense or sparse; never copied
            whole.
        scale: divide by this; by default bytes follow the rule of ``genprobe.datasets.byte_values``
            and everything else is left as it is.

    Raises:
        DataError: if there is no row, or the values are not numbers.

    Example:
        >>> import numpy
        >>> array_dataset("grey", numpy.full((3, 2), 255, dtype="uint8")).read(0, 1).tolist()
        [[1.0, 1.0]]
    """
    array = sliceable(name, array)
    is_bytes = array.dtype == np.uint8
    dtype = np.float64 if array.dtype.newbyteorder("=") == np.float64 else np.float32
    shape = tuple(array.shape[1:])
    turned = channels_last(shape, is_bytes)
    if turned:
        state_turned(name, shape)

    def read(start: int, stop: int) -> Tensor:
        rows = layout(torch.from_numpy(np.array(array[start:stop], dtype)), turned)
        return rows if scale is None else rows / scale

    dataset = Dataset(
        name=name,
        n=len(array),
        event_shape=torch.Size((shape[2], *shape[:2]) if turned else shape),
        read=read,
    )
    return bytes_by_default(dataset) if is_bytes and scale is None else dataset


def sliceable(name: str, array: Any) -> Any:
    """An array of real numbers that can be sliced by rows, with at least one.

    Raises:
        DataError: if it is none.
    """
    if is_sparse(array):
        array = sparse_rows(array)
    elif isinstance(array, Tensor):
        array = array.detach().cpu()
        small = array.dtype.is_floating_point and array.element_size() < 4
        try:
            array = (array.float() if small else array).numpy()
        except (TypeError, RuntimeError) as error:  # numpy has no such values
            raise DataError(f"{name} holds {array.dtype}, not real numbers.") from error
    if array.ndim == 0 or len(array) == 0:
        raise DataError(f"{name} holds no examples: its shape is {tuple(array.shape)}.")
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} holds {array.dtype}, not real numbers.", "Give a numeric array.")
    if math.prod(array.shape[1:]) > MOST_VALUES:
        raise DataError(f"The examples of {name} have the shape {tuple(array.shape[1:])}.")
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        raise DataError(f"{name} has masked values.", "Fill them, or leave out their examples.")
    return array
