"""A data set from a map-style torch Dataset, or from the Dataset behind a DataLoader.

Examples are read by position, in order and without shuffling, so that a run can be resumed. An item
that is a tuple or list counts by its first element, a mapping by its ``x``, ``image`` or
``pixel_values``.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from genprobe.errors import DataError
from genprobe.types import Dataset

KEYS = ("x", "image", "pixel_values")


def from_torch(source: Any) -> Dataset:
    """The examples of a torch Dataset or DataLoader.

    Raises:
        DataError: if it cannot be indexed, is empty, or its items hold no tensor.
    """
    items: Any = source.dataset if isinstance(source, DataLoader) else source
    name = type(items).__name__
    if isinstance(items, IterableDataset) or not hasattr(items, "__getitem__"):
        raise DataError(
            f"The data set {name} can only be iterated, not read by position.",
            "Give a map-style Dataset, or collect its examples in one tensor.",
        )
    n = len(items)
    if n == 0:
        raise DataError(f"The data set {name} is empty.")

    shape = example(items[0]).shape

    def example_at(i: int) -> Tensor:
        x = example(items[i])
        if x.shape != shape:
            raise DataError(
                f"In the data set {name}, example {i} has the shape {tuple(x.shape)} and the "
                f"first {tuple(shape)}.",
                "Bring all examples to one shape.",
            )
        return x

    def read(start: int, stop: int) -> Tensor:
        return torch.stack([example_at(i) for i in range(start, stop)])

    return Dataset(
        name=name,
        n=n,
        event_shape=shape,
        read=read,
        by_item=True,
    )


def example(item: Any) -> Tensor:
    """The example in one item of a torch Dataset, as floating point."""
    if isinstance(item, tuple | list) and item:
        return example(item[0])
    if isinstance(item, Mapping):
        found = next((item[key] for key in KEYS if key in item), None)
        return example(found)
    if not isinstance(item, Tensor):
        raise DataError(
            f"An item of the data set is a {type(item).__name__}, not a tensor.",
            "Let items be tensors, tuples that start with one, or mappings with 'x'.",
        )
    x: Tensor = item.detach().cpu()
    return x if x.is_floating_point() else x.float()
