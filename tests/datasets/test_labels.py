import gzip

import h5py
import numpy as np
import pytest
import torch

import genprobe
from genprobe.datasets.labels import parse_label, read_labels
from genprobe.datasets.subset import chosen_rows, subset
from genprobe.errors import DataError, UsageError
from genprobe.loaders.open import find_dataset

N = 40
Y = (np.arange(N) % 3).astype(np.uint8)


def read(given, whole, taken=None, rows=None):
    found = read_labels(given, whole, taken or whole, rows, lambda spec: find_dataset(spec, None))
    return {name: (label.classes, label.values.tolist()) for name, label in found.items()}


@pytest.fixture
def data():
    return genprobe.open_dataset({"x": np.zeros((N, 2)), "kind": Y.astype(str), "digit": Y})


@pytest.fixture
def sources(tmp_path):
    np.save(tmp_path / "y.npy", Y)
    np.savez(tmp_path / "y.npz", label=Y, other=Y[::-1])
    torch.save({"label": torch.from_numpy(Y)}, tmp_path / "y.pt")
    with h5py.File(tmp_path / "y.h5", "w") as file:
        file["test/label"] = Y
        file["names"] = [str(y) for y in Y]
    content = bytes([0, 0, 8, 1]) + np.array(Y.shape, ">u4").tobytes() + Y.tobytes()
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(content)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(content))
    (tmp_path / "y.csv").write_text("id,y\n" + "".join(f"{i},{y}\n" for i, y in enumerate(Y)))
    files = ["y.npy", "y.npz::label", "y.pt", "y.h5::test/label", "y.h5::names", "y.csv:y"]
    idx = ["t10k-labels-idx1-ubyte", "t10k-labels-idx1-ubyte.gz"]
    return [f"{tmp_path}/{name}" for name in files + idx] + [tmp_path / "y.npy"]


def test_a_label_is_the_same_from_every_source(data, sources):
    given = {str(i): source for i, source in enumerate([*sources, "kind", "digit", Y])}
    found = read(given, data)
    assert found == dict.fromkeys(given, (("0", "1", "2"), Y.tolist()))


def test_labels_are_of_the_examples_that_are_taken(data):
    taken = subset(data, 32, seed=3)
    rows = chosen_rows(data, 32, seed=3)
    found = read({"own": "digit", "given": Y}, data, taken, rows)
    assert found["own"] == found["given"] == (("0", "1", "2"), Y[rows.numpy()].tolist())


def test_a_name_that_nothing_has_is_answered_with_those_there_are(data):
    with pytest.raises(DataError, match=r"no label 'digits'.*\n.*mean digit.*kind, digit"):
        read({"y": "digits"}, data)
    with pytest.raises(DataError, match=r"Did you mean bach\? Labels: bach"):
        read_labels({"y": "bch"}, data, data, None, genprobe.open_dataset, ["bach"])
    with pytest.raises(DataError, match="There is no data file at"):
        read({"y": "no-such-file.npy"}, data)


def test_objects_are_not_unpickled(data, tmp_path):
    np.save(tmp_path / "y.npy", np.array([None] * N), allow_pickle=True)
    with pytest.raises(DataError, match=r"y\.npy"):
        read({"y": tmp_path / "y.npy"}, data)


NAMES = {
    "digit=labels.npy": ("digit", "labels.npy"),
    "labels.npy": ("labels", "labels.npy"),
    "runs/a=1/labels.npy": ("labels", "runs/a=1/labels.npy"),
    "data.npz::y": ("y", "data.npz::y"),
    "data.h5::obs/batch": ("batch", "data.h5::obs/batch"),
    "cells.csv:cell type": ("cell type", "cells.csv:cell type"),
    "idx:mnist/t10k-labels-idx1-ubyte.gz": ("t10k-labels", "idx:mnist/t10k-labels-idx1-ubyte.gz"),
    "batch": ("batch", "batch"),
    "n = m = 1": ("n", "m = 1"),
}


@pytest.mark.parametrize("text", NAMES)
def test_a_label_is_named_as_given_or_as_its_source(text):
    assert parse_label(text) == NAMES[text]


@pytest.mark.parametrize("text", ["", "=y.npy", "digit=", " = "])
def test_a_label_without_name_or_source_is_refused(text):
    with pytest.raises(UsageError, match="cannot be read"):
        parse_label(text)
