import pytest
import torch
from scipy.special import log_softmax

from genprobe.datasets.from_array import array_dataset
from genprobe.errors import SupportError
from genprobe.likelihoods.categorical_pixels import categorical_pixels
from genprobe.testing import LikelihoodTests
from genprobe.testing.measure import grid

BYTES = (torch.arange(24) * 37 % 256).to(torch.uint8).reshape(4, 2, 3)
LOGITS = (torch.arange(24 * 256).double().sin() * 5).reshape(4, 2, 3, 256)


def test_bytes_as_they_are_read_have_the_logits_of_their_level():
    x = array_dataset("bytes", BYTES).read(0, 4)
    assert x.max() <= 1
    log_p = torch.from_numpy(log_softmax(LOGITS.numpy(), -1))
    truth = log_p.gather(-1, BYTES.long()[..., None]).sum((1, 2, 3))
    found = categorical_pixels.distribution({"logits": LOGITS}).log_prob(x)
    torch.testing.assert_close(found, truth, rtol=1e-12, atol=1e-12)


def test_all_levels_of_a_pixel_have_mass_one():
    p = categorical_pixels.distribution({"logits": LOGITS[:1, 0, :1].expand(256, 1, 256)})
    x = torch.arange(256).float()[:, None] / 255
    assert p.log_prob(x).exp().sum().item() == pytest.approx(1, abs=1e-12)


def test_samples_are_levels():
    x = categorical_pixels.distribution({"logits": LOGITS}).sample()
    assert categorical_pixels.support(x) is None
    torch.testing.assert_close((x * 255).round() / 255, x, rtol=0, atol=1e-6)


def test_it_is_a_probability_of_the_unit_interval(refused):
    assert categorical_pixels.discrete
    for value in (-1.0, 17.0, 255.0):
        refused(categorical_pixels, BYTES / 255, value)


def test_what_lies_between_the_levels_is_refused():
    p = categorical_pixels.distribution({"logits": LOGITS})
    x = BYTES / 255
    x[1, 1, 1] = 0.5
    with pytest.raises(SupportError, match=r"Example 1 .* levels 0/255, 1/255, …, 255/255"):
        p.log_prob(x)


class TestConformance(LikelihoodTests):
    part = categorical_pixels
    params = {"logits": LOGITS[:2, 0, :2, :5]}

    def measure(self, distribution, draws):
        return grid(torch.arange(5) / 4, draws.shape[1:])
