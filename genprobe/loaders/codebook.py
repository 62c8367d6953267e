"""The codebook of a quantiser: the vectors that its codes stand for, to find copies among them."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genprobe.datasets.arrays import open_column
from genprobe.errors import DataError, ModelError
from genprobe.loaders.rows import REAL, rows_of


def codebook_of(given: Any) -> Tensor | None:
    """The vectors (classes, width) of a codebook; None where none is given.

    Args:
        given: an array or a tensor, or the path of an array; a tensor is taken as it is.

    Raises:
        ModelError: if it is no table of numbers.

    Example:
        >>> codebook_of([[0.0, 1.0], [2.0, 3.0]]).shape
        torch.Size([2, 2])
    """
    if given is None:
        return None
    named = isinstance(given, str | Path)
    source = str(given) if named else "The codebook"
    try:
        rows = rows_of(open_column(source) if named else given)
    except (DataError, ValueError, TypeError) as error:
        raise ModelError(
            f"The codebook does not read: {str(error).splitlines()[0]}",
            "Give a .npy file of the vectors, one row a code.",
        ) from error
    if rows.dtype.kind not in REAL or len(rows.shape) != 2 or 0 in rows.shape:
        raise ModelError(
            f"{source} holds {rows.dtype} of shape {rows.shape}, not the vectors of a codebook.",
            "Give one row a code: (classes, width).",
        )
    return torch.from_numpy(rows.whole().astype("f8" if rows.dtype.itemsize > 4 else "f4"))
