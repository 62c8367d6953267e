"""A data set from anything that can be sliced by rows: arrays, tensors, memory maps, HDF5."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from genprobe.errors import DataError
from genprobe.types import Dataset


def array_dataset(name: str, array: Any, *, scale: float | None = None) -> Dataset:
    """The rows of an array (n, *event) as examples.

    Args:
        name: what tables call it.
        array: a numpy array, memory map, HDF5 data set or tensor; never copied whole.
        scale: divide by this; by default 255 for unsigned bytes and 1 for everything else.

    Raises:
        DataError: if there is no row, or the values are not numbers.

    Example:
        >>> import numpy
        >>> array_dataset("grey", numpy.full((3, 2), 255, dtype="uint8")).read(0, 1).tolist()
        [[1.0, 1.0]]
    """
    if isinstance(array, Tensor):
        array = array.detach().cpu()
        half = array.dtype in (torch.float16, torch.bfloat16)
        array = (array.float() if half else array).numpy()
    if array.ndim == 0 or len(array) == 0:
        raise DataError(f"{name} holds no examples: its shape is {tuple(array.shape)}.")
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} holds {array.dtype}, not real numbers.", "Give a numeric array.")
    divisor = scale or (255.0 if array.dtype == np.uint8 else 1.0)
    dtype = np.float64 if array.dtype.newbyteorder("=") == np.float64 else np.float32

    def read(start: int, stop: int) -> Tensor:
        rows = torch.from_numpy(np.array(array[start:stop], dtype))
        return rows if divisor == 1 else rows / divisor

    return Dataset(
        name=name,
        n=len(array),
        event_shape=torch.Size(array.shape[1:]),
        read=read,
    )
