import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import TensorDataset

from genprobe.datasets.from_object import from_object
from genprobe.errors import DataError

X = np.arange(8.0, dtype=np.float32).reshape(4, 2)
Y = np.array([3, 2, 1, 0], np.uint8)
SOURCES = {
    "array": X,
    "tensor": torch.from_numpy(X),
    "list": X.tolist(),
    "mapping": {"label": Y, "x": X},
    "pair": (X, Y),
    "items": [{"x": x, "label": y} for x, y in zip(X, Y, strict=True)],
    "pairs": list(zip(X, Y, strict=True)),
    "tuple of items": tuple(zip(X, Y, strict=True)),
    "frame": pd.DataFrame(X),
    "columns": {"x": pd.DataFrame(X).to_numpy(), "label": pd.Series(Y, index=list("abcd"))},
}


@pytest.mark.parametrize("kind", SOURCES)
def test_what_python_has_is_read(kind):
    dataset = from_object(SOURCES[kind])
    assert (dataset.n, dataset.event_shape) == (4, (2,))
    assert dataset.read(1, 3).tolist() == X[1:3].tolist()
    beside = {} if dataset.covariates is None else dataset.covariates(1, 3)
    assert [v.tolist() for v in beside.values()] == ([[2, 1]] if beside else [])
    assert bool(beside) == (kind not in ("array", "tensor", "list", "frame"))
    assert all(v.dtype == torch.int64 for v in beside.values())


def test_a_column_of_a_table_and_an_array_on_disk_are_arrays(tmp_path):
    column = pd.Series([0.5, 1.5, 2.5], index=[7, 8, 9])
    assert from_object(column).read(1, 3).tolist() == [1.5, 2.5]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = X
        assert from_object(file["x"]).read(1, 3).tolist() == X[1:3].tolist()


def test_splits_are_those_of_a_mapping_of_data_sets():
    splits = {"train": SOURCES["items"], "test": SOURCES["items"][:3]}
    assert from_object(splits, split="test").n == 3
    with pytest.raises(DataError, match="no split 'valid'; there are train, test"):
        from_object(splits, split="valid")
    with pytest.raises(DataError, match="no splits, so none is 'test'"):
        from_object(X, split="test")
    with pytest.raises(DataError, match="there are train, test"):
        from_object(splits)
    whole = TensorDataset(torch.from_numpy(X))
    with pytest.raises(DataError, match=r"several data sets: train, test\.\nChoose"):
        from_object({"train": whole, "test": whole})


@pytest.mark.parametrize(
    ("source", "key", "message"),
    [
        ({"a": X, "b": Y}, None, r"there are a, b\.\n.*--input-key"),
        ({"x": X, "y": Y[:3]}, None, "covariate y has 3 rows; the data have 4"),
        ({"x": X, "y": 3}, None, "covariate y has no rows"),
        ({"x": X, "y": [None] * 4}, None, "neither numbers nor text"),
        ({"x": SOURCES, "z": 1}, None, "'x' of the data is a dict, not an array"),
        (X, "x", "has no keys"),
        (iter(X), None, "Data cannot be a list_iterator"),
        (3, None, "Data cannot be a int"),
        (np.ma.masked_greater(X, 3), None, "array has masked values"),
    ],
)
def test_what_cannot_be_read_is_told(source, key, message):
    if isinstance(source, type(iter(X))):
        message = f"Data cannot be a {type(source).__name__}"
    with pytest.raises(DataError, match=message):
        from_object(source, key=key)
