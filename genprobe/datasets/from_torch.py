"""A data set from a torch Dataset, a DataLoader, or anything like a list of items.

A DataLoader is what it yields: its sampler, its batches and its collate function are honoured.
Items are read by position where that is possible, and once, in order, where it is not.
"""

import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset

from genprobe.datasets.beside import with_columns
from genprobe.datasets.by_position import dataset_by_position
from genprobe.datasets.from_array import array_dataset, sliceable
from genprobe.datasets.from_loader import (
    CHUNK,
    bounded,
    chunked,
    length_of,
    order_of,
    read_batches,
    require_whole,
    sampler_of,
    seeded,
)
from genprobe.datasets.items import position_name
from genprobe.datasets.picked import PickedRows, tensors_behind
from genprobe.datasets.read_once import read_once
from genprobe.errors import DataError
from genprobe.types import Dataset

log = logging.getLogger("genprobe")


def from_torch(source: Any, *, input_key: str | None = None, seed: int = 0) -> Dataset:
    """The examples of a torch Dataset, of what is indexed like one, or of a DataLoader.

    Args:
        source: left as it is.
        input_key: under which key an item has the input, if it is a mapping.
        seed: of what a loader or a stream draws.

    Raises:
        DataError: if it is empty, its items hold no numbers, or examples differ in shape.
    """
    if isinstance(source, DataLoader):
        return from_loader(source, input_key, seed)
    name = type(source).__name__
    if isinstance(source, IterableDataset):
        return from_stream(name, source, input_key, seed)
    length = length_of(source)
    if length is None or not hasattr(source, "__getitem__"):
        raise DataError(
            f"The data set {name} has no length, or cannot be indexed.",
            "Give it __len__ and __getitem__, or let it be an IterableDataset.",
        )
    return read_items(name, source, range(length), input_key)


def read_items(name: str, items: Any, order: Sequence[Any], input_key: str | None) -> Dataset:
    """The items at some positions, in that order; those of tensors a stretch at a time."""
    behind = None if input_key is not None or not len(order) else tensors_behind(items, order)
    if behind is not None and all(t.layout == torch.strided for t in behind[0].tensors):
        first, *rest = [PickedRows(sliceable(name, t), behind[1]) for t in behind[0].tensors]
        columns = {position_name(i): values for i, values in enumerate(rest, 1)}
        return with_columns(array_dataset(name, first), columns)
    return dataset_by_position(name, items, order, input_key=input_key)


def from_loader(loader: Any, input_key: str | None, seed: int) -> Dataset:
    """The examples that a DataLoader yields, in its order.

    Raises:
        DataError: if it has none, gives each process its own, or does not say what an example is.
    """
    require_whole(loader)
    name = type(loader.dataset).__name__
    with seeded(loader, seed):
        order = order_of(loader)
        if order is None:
            return read_batches(name, loader, input_key)
    if not isinstance(order, range) or len(order) != length_of(loader.dataset):
        sampler = type(sampler_of(loader)).__name__
        log.info("%s: %d examples, those of the DataLoader's %s.", name, len(order), sampler)
    return read_items(name, loader.dataset, order, input_key)


def from_stream(name: str, stream: Any, input_key: str | None, seed: int) -> Dataset:
    """The items that an IterableDataset yields, each an example; no more than its length says."""
    length = length_of(stream)
    with seeded(None, seed):
        return read_once(
            name,
            chunked(bounded(stream, length), CHUNK),
            collated=False,
            known=length is not None,
            input_key=input_key,
        )
