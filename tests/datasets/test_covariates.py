import h5py
import numpy as np
import pandas as pd
import pytest
import torch

import genprobe
from genprobe.errors import DataError

X = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
Y = np.array([5, 4, 3, 2, 1, 0], np.uint8)


KINDS = (
    "npy",
    "npz",
    "array",
    "pt",
    "h5",
    "idx",
    "idx scheme",
    "numpy",
    "tensor",
    "list",
    "column",
)


@pytest.fixture(params=KINDS)
def source(request, tmp_path):
    return sources(tmp_path)[request.param]


def sources(folder):
    np.save(folder / "y.npy", Y)
    np.savez(folder / "y.npz", label=Y, other=X)
    torch.save({"label": torch.from_numpy(Y)}, folder / "y.pt")
    with h5py.File(folder / "y.h5", "w") as file:
        file["test/label"] = Y
    header = bytes([0, 0, 8, 1]) + np.array(Y.shape, ">u4").tobytes()
    (folder / "labels-idx1-ubyte").write_bytes(header + Y.tobytes())
    return {
        "npy": folder / "y.npy",
        "npz": f"{folder / 'y.npz'}::label",
        "array": f"array:{folder / 'y.npz'}::label",
        "pt": str(folder / "y.pt"),
        "h5": f"{folder / 'y.h5'}::test/label",
        "idx": folder / "labels-idx1-ubyte",
        "idx scheme": f"idx:{folder / 'labels-idx1-ubyte'}",
        "numpy": Y,
        "tensor": torch.from_numpy(Y),
        "list": Y.tolist(),
        "column": pd.Series(Y),
    }


def test_whole_numbers_come_as_they_are_from_any_source(tmp_path, source):
    dataset = genprobe.open_dataset(X, covariates={"y": source})
    found = dataset.covariates(1, 4)
    assert found.keys() == {"y"}
    assert found["y"].dtype == torch.int64
    assert found["y"].tolist() == [4, 3, 2]


def test_numbers_and_text_of_any_shape(tmp_path):
    given = {
        "place": X.astype(np.float64),
        "name": list("abcdef"),
        "kind": pd.Series(list("uvwxyz")),
    }
    found = genprobe.open_dataset(X, covariates=given).covariates(2, 4)
    assert found["place"].dtype == torch.float64
    assert found["place"].tolist() == X[2:4].astype(np.float64).tolist()
    assert (found["name"].tolist(), found["kind"].tolist()) == (["c", "d"], ["w", "x"])


def test_other_data_may_be_a_covariate_by_their_name():
    found = genprobe.open_dataset("digits", covariates={"twin": "digits"})
    assert torch.equal(found.covariates(3, 5)["twin"], found.read(3, 5))


def test_what_comes_with_the_data_stays_and_is_replaced_by_name():
    source = {"x": X, "label": Y, "batch": Y}
    found = genprobe.open_dataset(source, covariates={"batch": Y + 1}).covariates(0, 2)
    assert {k: v.tolist() for k, v in found.items()} == {"label": [5, 4], "batch": [6, 5]}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Y[:3], "covariate y has 3 rows; the data have 6"),
        (np.float32(3), "covariate y has no rows"),
        ([None] * 6, "neither numbers nor text"),
        ("missing.npy", "no data file at missing.npy"),
        ("nothing", "There is no data set 'nothing'"),
    ],
)
def test_what_is_no_covariate_is_told(given, message):
    with pytest.raises(DataError, match=message):
        genprobe.open_dataset(X, covariates={"y": given})
