import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, Subset, TensorDataset

from genprobe.datasets.from_torch import from_torch
from genprobe.datasets.picked import PickedRows, tensors_behind

X = torch.arange(20.0).reshape(10, 2)
WHOLE = TensorDataset(X, torch.arange(10))


class Shifted(Subset):
    def __getitem__(self, i):
        x, y = super().__getitem__(i)
        return x + 100, y

    def __getitems__(self, indices):
        return [self[i] for i in indices]


def test_rows_come_in_the_order_that_was_picked():
    rows = PickedRows(X.numpy(), np.array([7, 7, 0, 3]))
    assert (len(rows), rows.shape, rows.ndim) == (4, (4, 2), 2)
    assert rows[1:3].tolist() == X[[7, 0]].tolist()


@pytest.mark.parametrize(
    "source",
    [
        WHOLE,
        Subset(WHOLE, [3, 1, 9]),
        Subset(WHOLE, range(2, 8)),
        Subset(WHOLE, torch.tensor([3, 1])),
        Subset(WHOLE, np.array([-1, 1])),
        Subset(Subset(WHOLE, [9, 8, 7, 6]), [2, 0]),
        Shifted(WHOLE, [3, 1, 9]),
    ],
)
def test_subsets_of_tensors_are_what_their_items_say(source):
    items = [source[i] for i in range(len(source))]
    found = from_torch(source)
    assert torch.equal(found.read(0, found.n), torch.stack([x for x, _ in items]))
    y = found.covariates(1, found.n)["y"]
    assert y.tolist() == [int(y) for _, y in items[1:]]
    assert found.name == type(source).__name__


def test_nothing_else_is_of_tensors():
    assert tensors_behind(Subset(Dataset(), [0]), [0]) is None
    assert tensors_behind(Shifted(WHOLE, [0]), [0]) is None
    assert tensors_behind(WHOLE, ["a"]) is None
