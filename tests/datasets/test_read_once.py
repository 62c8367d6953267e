import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset

from genprobe.datasets import read_once as module
from genprobe.datasets.from_torch import from_torch

X = torch.arange(60.0).reshape(30, 2)


class Stream(IterableDataset):
    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)


class Sized(Stream):
    def __len__(self):
        return 30


def test_a_stream_of_unknown_length_is_remarked_on_as_it_grows(caplog, monkeypatch):
    monkeypatch.setattr(module, "MANY", 2)
    from_torch(DataLoader(Stream(list(X)), batch_size=1))
    found = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert [int(text.split("; ")[1].split()[0]) for text in found] == [2, 20]
    assert "itertools.islice" in found[0]
    caplog.clear()
    from_torch(DataLoader(Sized(list(X)), batch_size=1))
    assert not [r for r in caplog.records if r.levelname == "WARNING"]


def test_bytes_stay_bytes_while_they_are_kept():
    dataset = from_torch(Stream(list((X * 4).to(torch.uint8))))
    assert torch.equal(dataset.read(0, 30), (X * 4).to(torch.uint8) / 255)


def test_what_is_beside_the_examples_may_be_numbers_and_text_of_any_length():
    items = [(x, {"place": (i, i / 2), "name": "n" * i}) for i, x in enumerate(X)]
    found = from_torch(Stream(items)).covariates(3, 5)
    assert found["name"].tolist() == ["nnn", "nnnn"]
    assert found["place"].tolist() == [[3, 1.5], [4, 2]]


def test_what_changes_its_shape_is_no_covariate(caplog):
    caplog.set_level("INFO", "genprobe")
    items = [{"x": x, "box": torch.zeros(1 + i // 16), "y": i} for i, x in enumerate(X)]
    dataset = from_torch(DataLoader(Stream(items), batch_size=8))
    assert dataset.covariates(0, 30).keys() == {"y"}
    assert "'box' is no covariate" in caplog.text


@pytest.mark.parametrize("size", [1, 7, 30, 100])
def test_batches_of_any_size_give_the_same(size):
    dataset = from_torch(DataLoader(Stream(list(X)), batch_size=size))
    assert torch.equal(dataset.read(0, 30), X)
