"""Rows of arrays in an order of their own: what a Subset or a sampler of a TensorDataset picks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch.utils.data import Subset, TensorDataset


class PickedRows:
    """Some rows of an array, in some order, read when they are sliced.

    Args:
        array: of numpy, or one that takes positions like it.
        order: positions of the rows.
    """

    def __init__(self, array: Any, order: np.ndarray) -> None:
        self.array, self.order = array, order
        self.shape, self.dtype = (len(order), *array.shape[1:]), array.dtype
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, rows: slice) -> np.ndarray:
        return np.asarray(self.array[self.order[rows]])


def tensors_behind(items: Any, order: Sequence[Any]) -> tuple[TensorDataset, np.ndarray] | None:
    """The TensorDataset behind a Dataset and the positions in it; None if there is none.

    Args:
        items: a TensorDataset, a Subset of one, a Subset of that and so on.
        order: positions in it.

    Example:
        >>> import torch
        >>> some = Subset(TensorDataset(torch.eye(4)), [3, 1, 2])
        >>> tensors_behind(some, [0, 1])[1].tolist()
        [3, 1]
    """
    if not all(isinstance(i, int) for i in order):
        return None
    found = np.asarray(order, np.int64)
    while type(items) is Subset:
        indices = np.asarray(items.indices)
        if indices.dtype.kind not in "iu" or found.max(initial=0) >= len(indices):
            return None
        found, items = indices[found], items.dataset
    return (items, found) if type(items) is TensorDataset else None
