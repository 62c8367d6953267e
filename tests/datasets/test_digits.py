import pytest
import torch

from genprobe.datasets.digits import digits
from genprobe.errors import DataError


def test_the_splits_are_the_first_1437_and_the_last_360():
    everything, train, test = (digits.open("", split) for split in ("all", "train", "test"))
    assert (everything.n, train.n, test.n) == (1797, 1437, 360)
    parts = torch.cat([train.read(0, 1437), test.read(0, 360)])
    torch.testing.assert_close(everything.read(0, 1797), parts, rtol=0, atol=0)
    assert (everything.name, train.name, test.name) == ("digits", "digits-train", "digits-test")


def test_values_are_sixteenths_from_0_to_1():
    x = digits.open("", None).read(0, 1797)
    assert x.shape == (1797, 64)
    assert (x.min(), x.max()) == (0, 1)
    assert torch.equal((x * 16).round(), x * 16)


def test_the_first_image_is_the_published_zero():
    published = [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0]
    assert (digits.open("", None).read(0, 1)[0, :16] * 16).tolist() == published


@pytest.mark.parametrize(
    ("spec", "split", "message"),
    [("", "valid", "no split 'valid'.*\n.*train"), ("8", None, "nothing after its name")],
)
def test_other_splits_and_names_are_told(spec, split, message):
    with pytest.raises(DataError, match=message):
        digits.open(spec, split)
