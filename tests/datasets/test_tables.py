import sys
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

import genprobe
from genprobe.datasets.tables import frame_array, is_frame, is_sparse, sparse_rows
from genprobe.errors import DataError

X = np.random.default_rng(0).poisson(0.7, (9, 4)).astype(np.float32)
FORMATS = ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")


@pytest.mark.parametrize("layout", FORMATS)
@pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, scipy.sparse.csr_array])
def test_sparse_matrices_of_every_format(kind, layout):
    source = kind(X).asformat(layout)
    dataset = genprobe.open_dataset(source)
    assert (dataset.n, dataset.event_shape) == (9, (4,))
    assert dataset.read(2, 7).tolist() == X[2:7].tolist()


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr, torch.sparse_csc])
def test_sparse_tensors_of_every_layout(layout, dtype):
    x = torch.from_numpy(X).to(dtype)
    found = genprobe.open_dataset(x.to_sparse(layout=layout)).read(3, 8)
    assert found.tolist() == X[3:8].tolist()


@pytest.mark.parametrize("sparse_dims", [1, 2, 3])
def test_sparse_tensors_of_images(sparse_dims):
    x = torch.from_numpy(X).reshape(9, 2, 2)
    assert genprobe.open_dataset(x.to_sparse(sparse_dims)).read(1, 9).tolist() == x[1:].tolist()


def test_a_tensor_that_names_a_value_twice_adds_it_up():
    twice = torch.sparse_coo_tensor([[0, 0], [1, 1]], [1.0, 2.0], (2, 3), check_invariants=True)
    assert sparse_rows(twice)[0:1].tolist() == [[0, 3, 0]]


def test_only_a_slice_is_made_dense(monkeypatch):
    seen = []
    rows = sparse_rows(scipy.sparse.csr_array(X))
    original = type(rows.matrix).toarray
    monkeypatch.setattr(
        type(rows.matrix), "toarray", lambda self: seen.append(self.shape) or original(self)
    )
    rows[2:4]
    assert seen == [(2, 4)]


def test_a_frame_of_numbers():
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 0.25, 0.1], "c": [True, False, True]})
    frame["d"] = pd.array([1, 2, 3], dtype="Int64")
    frame["e"] = pd.arrays.SparseArray([0.0, 0.0, 2.0])
    truth = [[1, 0.5, 1, 1, 0], [2, 0.25, 0, 2, 0], [3, 0.1, 1, 3, 2]]
    dataset = genprobe.open_dataset(frame)
    assert dataset.name == "DataFrame"
    assert dataset.read(0, 3).tolist() == truth


def test_a_frame_of_one_dtype_keeps_it():
    assert frame_array(pd.DataFrame(X)).dtype == np.float32
    assert frame_array(pd.DataFrame(X.astype(np.uint8))).dtype == np.uint8


def test_missing_values_stay_missing():
    frame = pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [0.0, 1.0]})
    assert np.isnan(frame_array(frame)[1, 0])


def test_columns_that_are_no_numbers_are_named():
    frame = pd.DataFrame({"a": [1.0, 2.0], "name": ["x", "y"], "kind": pd.Categorical(["u", "v"])})
    frame["day"] = pd.Timestamp("2020-01-01")
    with pytest.raises(DataError, match=r"no numbers: name .*, kind .*, day \(datetime64.*\n"):
        genprobe.open_dataset(frame)
    with pytest.raises(DataError, match="no columns"):
        genprobe.open_dataset(frame[[]])


def test_a_column_can_be_the_input_and_the_others_are_beside_it():
    frame = pd.DataFrame({"size": [1.5, 2.5, 3.5], "name": ["x", "y", "z"], "kind": [2, 1, 0]})
    dataset = genprobe.open_dataset(frame, input_key="size")
    assert dataset.read(0, 3).tolist() == [1.5, 2.5, 3.5]
    found = dataset.covariates(1, 3)
    assert {k: v.tolist() for k, v in found.items()} == {"name": ["y", "z"], "kind": [1, 0]}


class PolarsLike:
    """A frame with the few methods of polars that are used."""

    columns = ("a", "b")

    def __getitem__(self, name):
        values = np.array({"a": [1.0, 2.0], "b": ["x", "y"]}[name], dtype=None)

        class Column:
            dtype = "Float64" if name == "a" else "String"

            def is_null(self):
                return np.zeros(2, bool)

            def to_numpy(self):
                return values if name == "a" else values.astype(object)

        return Column()


def test_frames_of_polars_are_frames_too(monkeypatch):
    module = ModuleType("polars")
    module.DataFrame = PolarsLike
    monkeypatch.setitem(sys.modules, "polars", module)
    assert is_frame(PolarsLike())
    with pytest.raises(DataError, match=r"no numbers: b \(object\)"):
        frame_array(PolarsLike())


def test_what_is_sparse_and_what_is_a_frame():
    assert not is_sparse(torch.zeros(2))
    assert not is_sparse(X)
    assert not is_frame(X)
