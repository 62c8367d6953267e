"""Tables as arrays: pandas and polars frames, and sparse matrices, dense a stretch at a time."""

import math
import sys
from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from genprobe.errors import DataError

NUMERIC = "biuf"


class SparseRows:
    """A sparse matrix or tensor that is sliced like an array; only a slice is made dense.

    Args:
        matrix: (row, column) in scipy's CSR format.
        shape: (row, *event), with as many values a row.
    """

    def __init__(self, matrix: Any, shape: tuple[int, ...]) -> None:
        self.matrix, self.shape = matrix, shape
        self.dtype, self.ndim = matrix.dtype, len(shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        dense = self.matrix[rows].toarray()
        return np.asarray(dense).reshape(-1, *self.shape[1:])


def sparse_rows(source: Any) -> SparseRows:
    """A sparse matrix of scipy or a sparse tensor of torch, of any layout.

    Example:
        >>> import torch
        >>> sparse_rows(torch.eye(3).to_sparse())[1:2].tolist()
        [[0.0, 1.0, 0.0]]
    """
    if isinstance(source, Tensor):
        return sparse_tensor_rows(source.detach().cpu())
    return SparseRows(source.tocsr(), tuple(map(int, source.shape)))


def sparse_tensor_rows(source: Tensor) -> SparseRows:
    """A sparse tensor (row, *event), each example flattened to a row of a matrix."""
    if source.layout != torch.sparse_coo:
        source = source.to_sparse_coo()  # type: ignore[no-untyped-call]
    found = source.coalesce()
    shape, index = tuple(found.shape), found.indices().numpy()
    values = found.values()
    if values.dtype in (torch.float16, torch.bfloat16):
        values = values.float()
    inner = shape[1 : found.sparse_dim()]
    block = math.prod(shape[found.sparse_dim() :])  # values that are dense at each index
    first = np.ravel_multi_index(tuple(index[1:]), inner) if inner else np.zeros_like(index[0])
    column = (first[:, None] * block + np.arange(block)).ravel()
    content = (values.numpy().ravel(), (index[0].repeat(block), column))
    matrix = scipy.sparse.csr_array(content, shape=(shape[0], math.prod(shape[1:])))
    return SparseRows(matrix, shape)


def is_sparse(source: object) -> bool:
    """Whether it is a sparse matrix of scipy, or a sparse tensor of torch."""
    if isinstance(source, Tensor):
        return source.layout != torch.strided
    return bool(scipy.sparse.issparse(source))


def is_frame(source: object) -> bool:
    """Whether it is a table of named columns: a frame of pandas or of polars."""
    loaded = [sys.modules[name] for name in ("pandas", "polars") if name in sys.modules]
    return any(isinstance(source, module.DataFrame) for module in loaded)


def frame_array(frame: Any) -> np.ndarray:
    """A frame as an array (row, column); float64 unless all columns have one dtype.

    Raises:
        DataError: naming the columns that hold no numbers.
    """
    columns = {str(name): column_array(frame[name]) for name in frame.columns}
    odd = [f"{name} ({found.dtype})" for name, found in columns.items() if not is_numeric(found)]
    if odd:
        raise DataError(
            f"The table has columns that are no numbers: {', '.join(odd)}.",
            "Leave them out or encode them; what the model is conditional on goes into covariates.",
        )
    kinds = {found.dtype for found in columns.values()}
    dtype = kinds.pop() if len(kinds) == 1 else np.dtype(np.float64)
    if not columns:
        raise DataError("The table has no columns.")
    return np.stack([found.astype(dtype) for found in columns.values()], 1)


def column_array(column: Any) -> np.ndarray:
    """A column of a frame as a numpy array; missing numbers become NaN, text stays text."""
    missing = column.isna() if hasattr(column, "isna") else column.is_null()
    kind = getattr(column.dtype, "kind", None)
    if kind is not None and kind in NUMERIC and missing.any():
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    found = np.asarray(column.to_numpy())
    if found.dtype == object and kind is not None and kind in NUMERIC:
        return np.asarray(column.to_numpy(dtype=np.float64))
    return found


def is_numeric(array: np.ndarray) -> bool:
    """Whether an array holds real numbers or truth values."""
    return array.dtype.kind in NUMERIC
