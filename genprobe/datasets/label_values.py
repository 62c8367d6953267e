"""A label from the values that a user gives: its classes, and which examples have none.

Missing are None, NaN, NaT and pandas' NA, a masked value, and text that is empty or one of the
spellings that pandas reads as missing from a file. Blanks around text do not count. −1 among whole
numbers is missing where it stands beside three classes or more, all of them not below zero, as
pandas and scikit-learn code what has no class; with fewer it may be a class, such as of −1, 0 and
1, and is one.
"""

import logging
from typing import Any

import numpy as np
from torch import Tensor

from genprobe.datasets.tables import column_array
from genprobe.datasets.text_tables import BLANK
from genprobe.errors import DataError
from genprobe.types.label import Label

log = logging.getLogger("genprobe")

MISSING = -1
FEWEST_EXAMPLES = 10
"""Examples that there are of a class, on the average, or the label is refused."""
QUANTILES = (
    "Cut it into classes, such as quarters: "
    "numpy.digitize(y, numpy.nanquantile(y, [0.25, 0.5, 0.75]))."
)


def as_label(name: str, values: Any, n: int) -> Label:
    r"""The label that some values are, one of each example.

    Args:
        name: of the label.
        values: (n,) whole numbers, truth values or text, some of them perhaps missing: an array, a
            tensor, a list or a column of a table; or a Label already.
        n: number of examples.

    Raises:
        DataError: if there is not one of each example, they are continuous, of one class only, or
            of more classes than a tenth of the examples that have one.

    Example:
        >>> label = as_label("kind", ["b", "a", "", "b"] * 10, 40)
        >>> label.classes, label.values[:4].tolist()
        (('a', 'b'), [1, 0, -1, 1])
    """
    if isinstance(values, Label):
        require_rows(name, values.values.shape, n)
        return Label(name=name, values=values.values, classes=values.classes)
    array = plain_array(name, values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    require_rows(name, array.shape, n)
    present = is_present(name, array)
    if array.dtype.kind == "f":
        array = without_fractions(name, array, present)
    elif array.dtype.kind in "OU":
        array = np.char.strip(np.where(present, array, "").astype(str))
    if array.dtype.kind == "i":
        present &= ~is_missing_code(name, array)
    found, code = np.unique(array[present], return_inverse=True)
    require_classes(name, found, int(present.sum()))
    positions = np.full(n, MISSING, np.int64)
    positions[present] = code
    return Label(name=name, values=positions, classes=tuple(map(str, found)))


def of_some(label: Label, rows: np.ndarray) -> Label:
    """The label of some of the examples, and the classes that they have.

    Args:
        label: of all.
        rows: which (m,).

    Raises:
        DataError: if they are of one class, or of too many.
    """
    values = label.values[rows]
    there = np.unique(values[values != MISSING])
    position = np.full(len(label.classes) + 1, MISSING, np.int64)  # the last is of −1
    position[there] = np.arange(len(there))
    classes = np.array([*label.classes, ""], object)[there]
    require_classes(label.name, classes, int((values != MISSING).sum()))
    return Label(name=label.name, values=position[values], classes=tuple(classes.tolist()))


def plain_array(name: str, values: Any) -> np.ndarray:
    """The values as an array; those of mixed kinds, or with None among them, as objects.

    Raises:
        DataError: if they are neither numbers nor text.
    """
    if isinstance(values, Tensor):
        tensor = values.detach().cpu()
        values = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    elif hasattr(values, "to_numpy") and (hasattr(values, "isna") or hasattr(values, "is_null")):
        values = column_array(values)
    elif isinstance(values, np.ma.MaskedArray):
        values, hidden = values.data.astype(object), np.ma.getmaskarray(values)
        values[hidden] = None
    array = values if isinstance(values, np.ndarray) else listed(name, values)
    if array.dtype.kind in "ST":  # bytes, and text of numpy 2 that is of any length
        array = array.astype(object)
    if array.dtype.kind == "O":
        return narrowed(name, array)
    if array.dtype.kind not in "biufU":
        raise DataError(
            f"The label {name} is of {array.dtype}: neither whole numbers nor text.",
            "Give its classes as numbers or text.",
        )
    return array


def listed(name: str, values: Any) -> np.ndarray:
    """A sequence as an array, of objects where it holds None or several kinds of values."""
    try:
        items = list(values)
    except TypeError:
        raise DataError(
            f"The label {name} is a {type(values).__name__}.", "Give one value an example."
        ) from None
    if any(np.ndim(item) for item in items):
        return np.asarray(items)
    array = np.empty(len(items), object)
    array[:] = items
    return array


def narrowed(name: str, array: np.ndarray) -> np.ndarray:
    """Objects as numbers if all of them are, missing ones aside; else of one kind, as text.

    Raises:
        DataError: if they are of several kinds.
    """
    flat = [item.item() if hasattr(item, "item") else item for item in array.ravel().tolist()]
    flat = [str(item, "utf-8", "replace") if isinstance(item, bytes) else item for item in flat]
    flat = [None if is_absent(item) else item for item in flat]
    known = [item for item in flat if item is not None]
    if all(isinstance(item, str) for item in known):
        return np.array(flat, object).reshape(array.shape)
    if all(isinstance(item, bool | int | float) for item in known):
        if all(isinstance(item, bool) for item in known):
            text = [None if item is None else str(item) for item in flat]
            return np.array(text, object).reshape(array.shape)
        numbers = [np.nan if item is None else float(item) for item in flat]
        return np.array(numbers).reshape(array.shape)
    kinds = sorted({type(item).__name__ for item in known})
    if len(kinds) == 1:  # such as the intervals of pandas.cut
        text = [None if item is None else str(item) for item in flat]
        return np.array(text, object).reshape(array.shape)
    raise DataError(
        f"The label {name} holds values of several kinds: {', '.join(kinds[:5])}.",
        "Give all of them as whole numbers, or all as text.",
    )


def is_absent(item: Any) -> bool:
    """Whether an object is a missing value: None, NaN, or pandas' NA and NaT."""
    return item is None or type(item).__name__ in ("NAType", "NaTType") or item != item


def is_present(name: str, array: np.ndarray) -> np.ndarray:
    """Which values are not missing (n,).

    Raises:
        DataError: if some number is infinite.
    """
    if array.dtype.kind == "f":
        if np.isinf(array).any():
            raise DataError(
                f"The label {name} has infinite values.", "Give NaN where there is no class."
            )
        return np.asarray(~np.isnan(array))
    if array.dtype.kind in "OU":
        blank = [item is None or item.strip() in BLANK for item in array.tolist()]
        return ~np.array(blank, bool)
    return np.ones(len(array), bool)


def without_fractions(name: str, array: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Numbers as whole ones where all are whole; others as they are, if they are of a few values.

    Raises:
        DataError: if they are continuous.
    """
    known = array[present].astype(np.float64)
    if (known == np.floor(known)).all() and (np.abs(known) < 2**53).all():
        return np.where(present, array, 0).astype(np.int64)
    count = len(np.unique(known))
    if count * FEWEST_EXAMPLES > len(known):
        raise DataError(
            f"The label {name} is continuous: {count} values of {len(known)} examples.", QUANTILES
        )
    return array


def is_missing_code(name: str, array: np.ndarray) -> np.ndarray:
    """Which whole numbers (n,) are the −1 that stands for no class; none where −1 may be one."""
    is_code = array == MISSING
    if is_code.any():
        others = np.unique(array[~is_code])
        if len(others) >= 3 and others.min() >= 0:
            log.info("%d examples have no %s: it is −1 for them.", is_code.sum(), name)
            return np.asarray(is_code)
        log.info("−1 of %s is a class like the others. Give NaN where there is none.", name)
    return np.zeros(len(array), bool)


def require_rows(name: str, shape: tuple[int, ...], n: int) -> None:
    """Check that there is one value of each example.

    Raises:
        DataError: if there is not.
    """
    if len(shape) != 1:
        raise DataError(
            f"The label {name} is of shape {shape}: it needs one value an example.",
            "Of one row an example with a 1 for its class, give the position: y.argmax(1)."
            if len(shape) == 2
            else "Give an array of one axis.",
        )
    if shape[0] != n:
        raise DataError(
            f"The label {name} has {shape[0]} values; the data have {n} examples.",
            "Give one an example of the data, before --limit takes some of them."
            + (" The first row of a table names its columns." if shape[0] == n - 1 else ""),
        )


def require_classes(name: str, classes: np.ndarray, count: int) -> None:
    """Check that the classes are several, and of enough examples each.

    Args:
        name: of the label.
        classes: the values that occur.
        count: of the examples that have one.

    Raises:
        DataError: if they are not.
    """
    if len(classes) < 2:
        only = f"only the class {classes[0]}" if len(classes) else "no value but missing ones"
        raise DataError(
            f"The label {name} has {only}: there is nothing to tell.",
            "Give one of two classes or more, or leave it out.",
        )
    if len(classes) * FEWEST_EXAMPLES > count:
        remedy = QUANTILES if classes.dtype.kind in "if" else "Merge the rare ones."
        if count < 2 * FEWEST_EXAMPLES:  # too few for any label
            remedy = "Evaluate more examples that have one."
        raise DataError(
            f"The label {name} has {len(classes)} classes on {count} examples, more than a tenth: "
            "most are too few to learn from.",
            remedy,
        )
