import numpy as np
import pytest
import torch

import genprobe
from genprobe.datasets.from_array import array_dataset
from genprobe.datasets.subset import subset
from genprobe.types import Dataset

N = 40
X = torch.arange(2.0 * N).view(N, 2)


@pytest.fixture
def whole():
    return array_dataset("whole", X)


def test_examples_are_distinct_ones_of_the_data_in_their_order(whole):
    some = subset(whole, 15)
    x = some.read(0, 15)
    assert (some.n, some.name, some.event_shape) == (15, "15 of whole", (2,))
    assert (x[1:, 0] > x[:-1, 0]).all()
    assert torch.isin(x[:, 0], X[:, 0]).all()
    assert torch.equal(x[:, 1], x[:, 0] + 1)
    assert torch.equal(some.read(4, 9), x[4:9])


def test_every_example_is_as_likely_as_any_other(whole):
    times = torch.zeros(N)
    for seed in range(400):
        times[(subset(whole, 10, seed).read(0, 10)[:, 0] / 2).long()] += 1
    assert abs(times - 100).max() < 5 * (400 * 0.25 * 0.75) ** 0.5


def test_the_seed_decides_which(whole):
    a, b, c = (subset(whole, 15, seed) for seed in (0, 0, 1))
    assert torch.equal(a.read(0, 15), b.read(0, 15))
    assert not torch.equal(a.read(0, 15), c.read(0, 15))
    assert (b.name, c.name) == ("15 of whole", "15 of whole, seed 1")


@pytest.mark.parametrize("n", [N, N + 1])
def test_no_more_than_all_is_the_data_themselves(whole, n):
    assert subset(whole, n) is whole


def test_covariates_stay_with_their_examples():
    whole = Dataset(
        name="labelled",
        n=N,
        event_shape=torch.Size([2]),
        read=lambda start, stop: X[start:stop],
        covariates=lambda start, stop: {"label": X[start:stop, 0].numpy()},
    )
    some = subset(whole, 15)
    assert torch.equal(some.covariates(3, 12)["label"], some.read(3, 12)[:, 0])


def test_text_stays_with_its_examples_and_bytes_stay_bytes():
    source = {
        "x": np.arange(2 * N, dtype=np.uint8).reshape(N, 2),
        "name": [f"n{i}" for i in range(N)],
    }
    whole = genprobe.open_dataset(source)
    some = subset(whole, 15)
    rows = (some.read(3, 12)[:, 0] * 255 / 2).round().int().tolist()
    assert some.covariates(3, 12)["name"].tolist() == [f"n{i}" for i in rows]
    assert some.bytes == "pixels"
