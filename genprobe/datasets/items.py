"""What one item of a Dataset, or one batch of a DataLoader, is made of: the input and covariates.

Of a tuple the first element is the input; the second is called ``y``, further ones ``item2``,
``item3`` and so on. Of a mapping the input is under one of ``KEYS``, or under the key that the user
names; everything else goes by its own key.
"""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Number
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genprobe.datasets.images import is_picture, picture_array
from genprobe.errors import DataError

KEYS = ("x", "image", "img", "data", "pixel_values", "input_ids")
"""Under which of its keys a mapping has the input, the first that is there."""
PLAIN = (Tensor, np.ndarray, int, float, str, tuple, list)
"""Types of most values; to ask whether one is a Mapping takes as long as to read it."""


def split_item(item: Any, key: str | None = None) -> tuple[Any, dict[str, Any]]:
    """The input of an item, as it is there, and what comes with it by name.

    Args:
        item: of a Dataset, or a batch of a DataLoader.
        key: that the input goes by in a mapping; None for the first of ``KEYS``.

    Raises:
        DataError: if there is no such key, or no mapping to look for it in.

    Example:
        >>> split_item(([0.5, 1.0], 3))
        ([0.5, 1.0], {'y': 3})
        >>> split_item({"wave": 1.0, "speaker": "a"}, "wave")
        (1.0, {'speaker': 'a'})
    """
    if type(item) is Tensor and key is None:
        return item, {}
    if hasattr(item, "_fields") and (key is not None or set(item._fields) & {*KEYS}):
        item = item._asdict()
    if is_mapping(item):
        chosen = input_key(list(item.keys()), key)
        rest = {str(name): item[name] for name in item.keys() if name != chosen}  # noqa: SIM118
        return with_rest(item[chosen], rest, None)
    if isinstance(item, tuple | list) and not is_numbers(item):
        if not item:
            raise DataError(f"An item of the data set is an empty {type(item).__name__}.")
        return with_rest(item[0], {position_name(i): item[i] for i in range(1, len(item))}, key)
    if key is not None:
        raise DataError(
            f"The items of the data set have no keys, so none is {key!r}: they are "
            f"{type(item).__name__}.",
            "Leave the input key out.",
        )
    return item, {}


def with_rest(first: Any, rest: Mapping[str, Any], key: str | None) -> tuple[Any, dict[str, Any]]:
    """An input that may have parts itself, and what comes with it; mappings in it by their keys."""
    x, inner = split_item(first, key)
    named: dict[str, Any] = {}
    for name, value in rest.items():
        named |= {str(k): value[k] for k in value} if is_mapping(value) else {name: value}
    return x, {**{f"x.{k}" if k in named else k: v for k, v in inner.items()}, **named}


def position_name(position: int) -> str:
    """What an element of a tuple goes by."""
    return "y" if position == 1 else f"item{position}"


def is_mapping(value: object) -> bool:
    """Whether a value is looked up by key, such as a dict, or a batch of transformers."""
    return type(value) not in PLAIN and isinstance(value, Mapping)


def input_key(keys: Iterable[Any], wanted: str | None) -> Any:
    """The key of the input: the one that is wanted, else the first of ``KEYS``, or the only one.

    Raises:
        DataError: listing the keys that there are.
    """
    found = list(keys)
    candidates = KEYS if wanted is None else (wanted,)
    chosen = next((key for key in candidates if key in found), None)
    if chosen is not None:
        return chosen
    if wanted is None and len(found) == 1:
        return found[0]
    listed = ", ".join(map(str, found)) or "none"
    what = f"no {wanted!r}" if wanted is not None else "none that is known to be the input"
    raise DataError(
        f"The data have {what} among their keys; there are {listed}.",
        "Name the input's: --input-key KEY (input_key= in Python).",
    )


def is_numbers(value: Sequence[Any]) -> bool:
    """Whether a list is an array of numbers; a tuple is not, nor a list that starts with a pair."""
    if not isinstance(value, list) or not value:
        return False
    numbers = all(isinstance(v, Number) for v in value)
    return numbers or all(isinstance(v, list) and is_numbers(v) for v in value)


def as_tensor(value: Any) -> Tensor:
    """A value of an item as a tensor on the CPU, in its own dtype, as default_collate has it.

    Args:
        value: a tensor, an array, a number, nested lists of numbers or a picture of Pillow.

    Raises:
        DataError: if it is anything else.

    Example:
        >>> as_tensor([1, 2]).dtype, as_tensor(0.5).dtype
        (torch.int64, torch.float64)
    """
    if isinstance(value, Tensor):
        found = value.detach().cpu()
        return found if found.layout == torch.strided else found.to_dense()
    if is_picture(value):
        value = picture_array(value)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise DataError(
            f"An item of the data set is a {type(value).__name__} of unequal rows.",
            "Bring all to one shape.",
        ) from error
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"An item of the data set is a {type(value).__name__}, not a tensor or numbers.",
            "Let items be tensors, arrays, pictures, tuples that start with one, or mappings.",
        )
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:
        array = array.astype(np.int64)  # torch has hardly any operation for these
    return torch.from_numpy(np.array(array, array.dtype.newbyteorder("="), order="C"))


def as_input(value: Any) -> Tensor:
    """An input as a tensor: bytes as they are, floating point of 32 bits or 64, all else of 32.

    Raises:
        DataError: if it is no tensor, array, picture or list of numbers, or holds complex ones.
    """
    found = as_tensor(value)
    if found.is_complex():
        raise DataError(f"The data hold {found.dtype}, not real numbers.")
    return found if found.dtype in (torch.uint8, torch.float64) else found.float()


def stack_column(values: Sequence[Any]) -> Tensor | np.ndarray | None:
    """A covariate of several examples (batch, ...): a tensor, or an array of text.

    Args:
        values: one an example.

    Returns:
        None where the values are neither numbers of one shape nor text.
    """
    if all(isinstance(value, str) for value in values):
        return np.array(values)
    try:
        found = [as_tensor(value) for value in values]
    except DataError:
        return None
    if len({tuple(one.shape) for one in found}) > 1:
        return None
    return whole_numbers_wide(torch.stack(found))


def whole_numbers_wide(column: Tensor) -> Tensor:
    """A covariate; if it is one whole number an example, of 64 bits, as an index must be."""
    small = column.ndim == 1 and not column.is_floating_point() and column.dtype != torch.bool
    return column.long() if small else column
