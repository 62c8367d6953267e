import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from genprobe.datasets.from_torch import from_torch
from genprobe.errors import DataError

X = torch.arange(12.0).reshape(6, 2)


class Items(Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class Stream(IterableDataset):
    def __iter__(self):
        return iter(X)


SOURCES = {
    "tuples": TensorDataset(X, torch.arange(6)),
    "tensors": Items(X),
    "integers": Items(X.int()),
    "lists": Items([[x, "label"] for x in X]),
    "nested": Items([((x, 0), 1) for x in X]),
    "mapping-x": Items([{"y": 1, "x": x} for x in X]),
    "mapping-image": Items([{"image": x} for x in X]),
    "mapping-pixels": Items([{"pixel_values": x} for x in X]),
    "loader": DataLoader(TensorDataset(X), batch_size=4, shuffle=True, drop_last=True),
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_examples_come_by_position_and_in_order(source):
    dataset = from_torch(source)
    assert (dataset.n, dataset.event_shape) == (6, (2,))
    torch.testing.assert_close(dataset.read(1, 4), X[1:4], rtol=0, atol=0)


def test_the_name_is_that_of_the_class():
    assert from_torch(DataLoader(Items(X))).name == "Items"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Stream(), "Stream can only be iterated"),
        (DataLoader(Stream()), "Stream can only be iterated"),
        (Items([]), "Items is empty"),
        (Items(["a"]), "item of the data set is a str"),
        (Items([{"y": X[0]}]), "item of the data set"),
        (Items([()]), "item of the data set is a tuple"),
    ],
)
def test_what_cannot_be_read_is_told(source, message):
    with pytest.raises(DataError, match=message):
        from_torch(source)


def test_examples_of_different_shapes_are_told():
    dataset = from_torch(Items([torch.zeros(2), torch.zeros(2), torch.zeros(3)]))
    with pytest.raises(DataError, match=r"example 2 .*\(3,\)"):
        dataset.read(0, 3)
