"""A data set of items that are read by position: a torch Dataset, or anything like a list.

An item is read when its example is needed, and never kept. What comes with the examples of a
stretch is read with them, and kept until the next stretch is read.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genprobe.datasets.byte_values import bytes_by_default
from genprobe.datasets.images import channels_last, is_picture, layout, state_turned
from genprobe.datasets.items import as_input, split_item, stack_column
from genprobe.errors import DataError, GenprobeError, reason_of
from genprobe.types import Dataset

log = logging.getLogger("genprobe")

Item = tuple[Tensor, dict[str, Any]]


def dataset_by_position(
    name: str,
    items: Any,
    order: Sequence[Any],
    *,
    input_key: str | None = None,
) -> Dataset:
    """The items at some positions, in that order, as a data set.

    Args:
        name: what tables call it.
        items: has ``__getitem__``.
        order: positions of the examples, or whatever else it is that ``items`` is indexed with.
        input_key: under which key an item has the input.

    Raises:
        DataError: if there is none, or the first holds no numbers.
    """
    if not len(order):
        raise DataError(f"The data set {name} is empty.")
    item_at = reader_of_items(name, items, order, input_key)
    first, extra = item_at(0)
    names = [k for k, v in extra.items() if stack_column([v]) is not None]
    last: dict[tuple[int, int], Sequence[Mapping[str, Any]]] = {}

    def read(start: int, stop: int) -> Tensor:
        found = [item_at(i) for i in range(start, stop)]
        last.clear()
        last[start, stop] = [some for _, some in found]
        x = torch.stack([one for one, _ in found])
        return x if x.is_floating_point() else x.float()

    def covariates(start: int, stop: int) -> Mapping[str, Any]:
        if (start, stop) not in last:
            read(start, stop)
        return columns(name, names, last[start, stop])

    found = Dataset(
        name=name,
        n=len(order),
        event_shape=first.shape,
        read=read,
        by_item=True,
        covariates=covariates if names else None,
    )
    return bytes_by_default(found) if first.dtype == torch.uint8 else found


def reader_of_items(
    name: str, items: Any, order: Sequence[Any], input_key: str | None
) -> Callable[[int], Item]:
    """The function from a position in the order to its input and what comes with it.

    It raises DataError, naming the example, where an item fails or is unlike the first in shape.
    """
    first, _ = parsed(name, items, order, 0, input_key)
    turned = turns(name, split_item(items[order[0]], input_key)[0], first)
    shape = layout(first, turned).shape

    def item_at(i: int) -> Item:
        x, extra = parsed(name, items, order, i, input_key)
        x = layout(x, turned)
        if x.shape != shape:
            raise DataError(
                f"In the data set {name}, example {i} has the shape {tuple(x.shape)} and the "
                f"first {tuple(shape)}.",
                "Bring all examples to one shape.",
            )
        if (x.dtype == torch.uint8) != (first.dtype == torch.uint8):
            raise DataError(
                f"In the data set {name}, example {i} is of {x.dtype} and the first of "
                f"{first.dtype}.",
                "Bring all examples to one dtype: bytes are scaled and others are not.",
            )
        return x, extra

    return item_at


def parsed(name: str, items: Any, order: Sequence[Any], i: int, key: str | None) -> Item:
    """One item's input as a tensor and what comes with it.

    Raises:
        DataError: naming the example, if the user's code fails.
    """
    try:
        x, extra = split_item(items[order[i]], key)
    except GenprobeError:
        raise
    except Exception as error:
        raise DataError(
            f"The data set {name} fails at example {i}: {type(error).__name__}: "
            f"{reason_of(error)}.",
            "Try its __getitem__ there.",
        ) from error
    return as_input(x), extra


def turns(name: str, raw: Any, x: Tensor) -> bool:
    """Whether examples are images to be turned to (channel, height, width); the log says so."""
    if is_picture(raw) or not channels_last(x.shape, x.dtype == torch.uint8):
        return False
    state_turned(name, x.shape)
    return True


def columns(
    name: str, names: Sequence[str], extras: Sequence[Mapping[str, Any]]
) -> dict[str, Tensor | np.ndarray]:
    """What comes with the examples of a stretch, by name; what has no one shape is left out."""
    found = {
        k: stack_column([extra[k] for extra in extras])
        for k in names
        if all(k in extra for extra in extras)
    }
    for k in names:
        if found.get(k) is None:
            log.debug("%s: %r is no covariate, its values are of several shapes.", name, k)
    return {k: v for k, v in found.items() if v is not None}
