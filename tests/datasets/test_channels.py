import dataclasses

import pytest
import torch

from genprobe.datasets.channels import with_channels
from genprobe.datasets.from_array import array_dataset
from genprobe.datasets.row_hashes import data_fingerprint

X = torch.rand(6, 4, 5)


@pytest.mark.parametrize("x", [X, X[:, None]])
def test_a_grey_channel_is_repeated_and_said(x, caplog):
    grey = array_dataset("grey", x)
    found = with_channels(grey, 3)
    assert (found.n, found.event_shape, found.name) == (6, (3, 4, 5), "grey")
    assert torch.equal(found.read(1, 4), torch.stack([X[1:4]] * 3, 1))
    assert "grey is grey: its channel is repeated 3 times" in caplog.text
    assert data_fingerprint(found) != data_fingerprint(grey)


def test_an_image_without_a_channel_axis_gets_one(caplog):
    found = with_channels(array_dataset("grey", X), 1)
    assert torch.equal(found.read(0, 6), X[:, None])
    assert not caplog.text


@pytest.mark.parametrize(
    ("x", "channels"),
    [(X, None), (X[:, None], 1), (torch.rand(6, 3, 4, 5), 3), (torch.rand(6, 9), 3)],
)
def test_whatever_fits_or_is_no_grey_image_stays_as_it_is(x, channels):
    given = array_dataset("x", x)
    assert with_channels(given, channels) is given


def test_covariates_come_along():
    given = dataclasses.replace(
        array_dataset("grey", X), covariates=lambda a, b: {"y": torch.arange(a, b)}
    )
    assert with_channels(given, 3).covariates(2, 4)["y"].tolist() == [2, 3]
