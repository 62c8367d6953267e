import pytest
import torch

from genprobe.errors import ModelError
from genprobe.priors.weights import weights


def test_none_are_equal():
    assert weights("mine", None, 4).tolist() == [0.25] * 4


def test_rounding_is_taken_off():
    given = torch.tensor([0.1, 0.2, 0.7])
    assert weights("mine", given, 3).sum().item() == pytest.approx(1, abs=1e-15)
    torch.testing.assert_close(weights("mine", given, 3).float(), given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([0.5, 0.5], r"shape \(2,\) for 3"),
        ([0.5, 0.7, -0.2], "negative"),
        ([0.5, 0.5, 0.5], r"sum to 1\.5"),
        ([1.0, 0.0, float("nan")], "sum to nan"),
    ],
)
def test_others_are_refused(given, message):
    with pytest.raises(ModelError, match=message):
        weights("mine", torch.tensor(given), 3)
