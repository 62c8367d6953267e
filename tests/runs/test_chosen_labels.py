import numpy as np
import pytest
import torch

import genprobe
from genprobe.datasets.subset import chosen_rows
from genprobe.errors import DataError, UsageError
from genprobe.runs import encoded_store
from genprobe.store.labels import read_labels

N = 40
X = torch.rand(N, 3, generator=torch.Generator().manual_seed(0))
Y, BATCH = np.arange(N) % 3, np.arange(N) // 20
DATA = {"x": X, "batch": BATCH}
QUICK = {"estimators": {}, "device": "cpu"}


def model(calls=None):
    def encode(x):
        if calls is not None:
            calls.append(len(x))
        return {"loc": x, "scale": 1 + 0 * x}

    parts = {"posterior": "diagonal-normal", "prior": "standard-normal"}
    return genprobe.Model(name="m", encode=encode, **parts)


def found(path):
    labels = read_labels(genprobe.open_store(path))
    return {name: (each.label.values.tolist(), each.leak) for name, each in labels.items()}


def test_labels_of_a_run_are_in_its_store(tmp_path):
    path = tmp_path / "s.h5"
    genprobe.evaluate(model(), DATA, store=path, labels={"y": Y}, leaks=["batch"], **QUICK)
    assert found(path) == {"y": (Y.tolist(), False), "batch": (BATCH.tolist(), True)}


def test_labels_that_come_later_encode_nothing(tmp_path, monkeypatch):
    path = tmp_path / "s.h5"
    genprobe.evaluate(model(), DATA, store=path, **QUICK)
    monkeypatch.setattr(encoded_store, "encode", pytest.fail)
    genprobe.evaluate(model(), DATA, store=path, labels={"y": Y}, **QUICK)
    genprobe.evaluate(model(), DATA, store=path, leaks=["y"], **QUICK)
    genprobe.evaluate(model(), DATA, store=path, **QUICK)
    assert found(path) == {"y": (Y.tolist(), True)}


def test_a_limit_takes_the_same_examples_of_labels_and_of_data(tmp_path):
    path = tmp_path / "s.h5"
    options = {"limit": 32, "seed": 2, "labels": {"y": Y, "own": "batch"}}
    genprobe.evaluate(model(), DATA, store=path, **options, **QUICK)
    rows = chosen_rows(genprobe.open_dataset(X), 32, 2).numpy()
    labels = found(path)
    assert labels["y"][0] == Y[rows].tolist()
    assert labels["own"][0] == BATCH[rows].tolist()


def test_posteriors_without_data_have_labels(tmp_path):
    params = {"loc": X.numpy(), "scale": np.ones_like(X)}
    given = {"y": Y.astype(str), "k": [None, *BATCH[1:]]}
    genprobe.evaluate_posteriors(params, store=tmp_path / "s.h5", labels=given, leaks="k")
    assert found(tmp_path / "s.h5") == {
        "y": (Y.tolist(), False),
        "k": ([-1, *BATCH[1:].tolist()], True),
    }


def test_a_wrong_label_ends_a_run_before_anything_is_encoded(tmp_path):
    calls = []
    for options, error in (
        ({"labels": {"y": Y[1:]}}, DataError),
        ({"labels": {"y": np.arange(N)}}, DataError),
        ({"leaks": ["bach"]}, DataError),
        ({"labels": 3}, UsageError),
        ({"labels": {"": Y}}, UsageError),
        ({"labels": {"y": Y}, "leaks": {"y": BATCH}}, UsageError),
    ):
        with pytest.raises(error):
            genprobe.evaluate(model(calls), DATA, store=tmp_path / "s.h5", **options, **QUICK)
    assert not calls
    assert not list(tmp_path.iterdir())


def test_a_callback_takes_labels_of_all_its_data():
    watch = genprobe.callback(
        DATA, n=32, seed=1, labels={"y": Y}, leaks=["batch"], strict=True, estimators={}
    )
    rows = chosen_rows(genprobe.open_dataset(X), 32, 1).numpy()
    assert watch._options["labels"]["y"].values.tolist() == Y[rows].tolist()
    assert watch._options["leaks"] == ["batch"]
    assert watch(model(), epoch=1).n == 32


def test_the_file_of_a_label_is_not_replaced_by_a_store(tmp_path):
    np.save(tmp_path / "y.npy", Y)
    with pytest.raises(genprobe.GenprobeError, match="is an input of this evaluation"):
        genprobe.evaluate(
            model(), X, store=tmp_path / "y.npy", labels={"y": tmp_path / "y.npy"}, **QUICK
        )


def test_a_fresh_run_says_which_labels_go_with_the_old_store(tmp_path, caplog):
    path = tmp_path / "s.h5"
    genprobe.evaluate(model(), DATA, store=path, labels={"y": Y, "batch": BATCH}, **QUICK)
    genprobe.evaluate(model(), DATA, store=path, labels={"y": Y}, fresh=True, **QUICK)
    assert "without its labels batch: give them again" in caplog.text
    assert list(found(path)) == ["y"]
