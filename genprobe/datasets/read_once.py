"""Data that can be read only from the beginning, read once and kept in temporary files."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genprobe.datasets.beside import with_columns
from genprobe.datasets.from_array import array_dataset
from genprobe.datasets.growing import GrowingArray
from genprobe.datasets.items import (
    as_input,
    as_tensor,
    split_item,
    stack_column,
    whole_numbers_wide,
)
from genprobe.errors import DataError, GenprobeError, reason_of
from genprobe.types import Dataset

log = logging.getLogger("genprobe")

MANY = 100_000
"""Examples after which a stream of unknown length is remarked on, and at every tenfold."""

Batch = tuple[Tensor, dict[str, Tensor | np.ndarray]]


def read_once(
    name: str,
    batches: Iterable[Any],
    *,
    collated: bool,
    size: int | None = None,
    known: bool = True,
    input_key: str | None = None,
) -> Dataset:
    """The examples of batches, in the order they come, kept in temporary files.

    Args:
        name: what tables call it.
        batches: lists of items; or what a collate function made of them.
        collated: whether a batch is what a collate function made.
        size: how many examples the first batch has, where that is known.
        known: whether the number of examples is known beforehand.
        input_key: under which key an item or batch has the input.

    Raises:
        DataError: if there is no example, the user's code fails, or examples differ in shape.
    """
    x: GrowingArray | None = None
    beside: dict[str, GrowingArray | list[np.ndarray]] = {}
    for raw in watched(name, batches):
        if x is None:
            collated = collated and not is_list_of_items(raw, size)
        batch, columns = (
            parse_batch(name, raw, input_key) if collated else stack_items(name, raw, input_key)
        )
        if x is None:
            x = GrowingArray(name, batch.numpy())
            beside = {k: growing(f"{name}, {k}", v) for k, v in columns.items()}
        x.append(batch.numpy())
        append_columns(name, beside, columns)
        remark(name, x.n, len(batch), known)
    if x is None:
        raise DataError(f"The data set {name} is empty.")
    log.info("%s was read once, in its order: %d examples, kept in temporary files.", name, x.n)
    columns = {
        k: np.concatenate(v) if isinstance(v, list) else v.mapped() for k, v in beside.items()
    }
    return with_columns(array_dataset(name, x.mapped()), columns)


def watched(name: str, batches: Iterable[Any]) -> Iterator[Any]:
    """The batches; a fault in the user's code names the batch.

    Raises:
        DataError: naming it.
    """
    iterator, position = iter(batches), 0
    while True:
        try:
            batch = next(iterator)
        except StopIteration:
            return
        except GenprobeError:
            raise
        except Exception as error:
            raise DataError(
                f"{name} fails at batch {position}: {type(error).__name__}: {reason_of(error)}.",
                "Iterate over it without genprobe to see where.",
            ) from error
        yield batch
        position += 1


def stack_items(name: str, items: Sequence[Any], key: str | None) -> Batch:
    """Items as a batch.

    Raises:
        DataError: if their inputs differ in shape.
    """
    parts = [split_item(item, key) for item in items]
    x = [as_input(one) for one, _ in parts]
    if len({one.shape for one in x}) > 1:
        shapes = ", ".join(sorted({str(tuple(one.shape)) for one in x}))
        raise DataError(
            f"The examples of {name} have the shapes {shapes}.", "Bring all examples to one shape."
        )
    if len({one.dtype for one in x}) > 1 and torch.uint8 in {one.dtype for one in x}:
        raise DataError(
            f"Some examples of {name} are bytes and others are not.", "Bring all to one dtype."
        )
    found = {k: stack_column([extra.get(k) for _, extra in parts]) for k in parts[0][1]}
    return torch.stack(x), {k: v for k, v in found.items() if v is not None}


def parse_batch(name: str, batch: Any, key: str | None) -> Batch:
    """What a collate function made: the input (batch, *event) and what comes with it.

    Args:
        name: of the data.
        batch: a tensor, or a tuple, list or mapping of them.
        key: under which key a batch has the input.

    Raises:
        DataError: if the input holds no examples.
    """
    raw, extra = split_item(batch, key)
    if isinstance(raw, list | tuple) and raw:
        x = torch.stack([as_input(one) for one in raw])
    else:
        x = as_input(raw)
    if x.ndim == 0:
        raise DataError(
            f"A batch of {name} is a single number, not examples.",
            "Let the collate function return tensors of one row an example.",
        )
    found = {k: batch_column(v, len(x)) for k, v in extra.items()}
    return x, {k: v for k, v in found.items() if v is not None}


def is_list_of_items(batch: Any, size: int | None) -> bool:
    """Whether a batch is a list of items, as a collate function that only returns them gives.

    A list of tensors may also be the input and its labels: then each has a row an example.
    """
    if not isinstance(batch, list) or not batch:
        return False
    if not all(isinstance(one, Tensor | np.ndarray) for one in batch):
        return isinstance(batch[0], Mapping | tuple) or not hasattr(batch[0], "__len__")
    rows = {one.shape[0] if one.ndim else None for one in batch}
    if len(rows) > 1:
        return None in rows
    return size is not None and rows != {size} and len(batch) == size


def batch_column(value: Any, rows: int) -> Tensor | np.ndarray | None:
    """A covariate of a batch; None if it is not one row an example."""
    if isinstance(value, list | tuple) and len(value) == rows:
        return stack_column(value)
    try:
        found = as_tensor(value)
    except DataError:
        return None
    return whole_numbers_wide(found) if found.ndim and len(found) == rows else None


def growing(name: str, column: Tensor | np.ndarray) -> GrowingArray | list[np.ndarray]:
    """Where a covariate is kept: numbers in a file, text in memory."""
    return [] if isinstance(column, np.ndarray) else GrowingArray(name, numpy_of(column))


def append_columns(
    name: str,
    beside: dict[str, GrowingArray | list[np.ndarray]],
    columns: Mapping[str, Tensor | np.ndarray],
) -> None:
    """Append the covariates of a batch; one that is missing or of another shape is let go."""
    for key in list(beside):
        kept, found = beside[key], columns.get(key)
        if isinstance(kept, list) and isinstance(found, np.ndarray):
            kept.append(found)
        elif isinstance(kept, GrowingArray) and isinstance(found, Tensor) and fits(kept, found):
            kept.append(numpy_of(found))
        else:
            log.info("%s: %r is no covariate, its values are of several kinds.", name, key)
            del beside[key]


def fits(kept: GrowingArray, found: Tensor) -> bool:
    """Whether rows are like those before."""
    rows = numpy_of(found)
    return rows.shape[1:] == kept.event and rows.dtype == kept.dtype


def numpy_of(column: Tensor) -> np.ndarray:
    """A tensor as an array; numpy has no bfloat16."""
    found: np.ndarray = (column.float() if column.dtype == torch.bfloat16 else column).numpy()
    return found


def remark(name: str, n: int, added: int, known: bool) -> None:
    """Say how many examples were read where nobody knows how many there are: it may be no end."""
    power = MANY
    while power <= n:
        if not known and n - added < power:
            log.warning(
                "%s does not say how long it is; %d examples were read so far. If it has no end, "
                "interrupt and give a part: itertools.islice, or a Dataset with __len__.",
                name,
                n,
            )
        power *= 10
