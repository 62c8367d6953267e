import math

import pytest
import scipy.stats
import torch

from genprobe.errors import ModelError, SupportError
from genprobe.likelihoods.discretised_normal import (
    discretised_normal,
    discretised_normal_of,
    log_bin,
)
from genprobe.testing import LikelihoodTests
from genprobe.testing.measure import grid

LEVEL = torch.arange(256).double()


@pytest.mark.parametrize(("loc", "scale"), [(0.4, 0.05), (0.0, 0.002), (1.02, 0.3), (0.5, 20.0)])
def test_bins_have_the_mass_of_a_normal_and_the_outer_two_the_tails(loc, scale):
    edges = (torch.arange(1, 256).double() - 0.5) / 255
    below = torch.from_numpy(scipy.stats.norm.cdf(edges, loc, scale))
    truth = torch.cat([below[:1], below.diff(), 1 - below[-1:]])
    found = log_bin(LEVEL, 256, *torch.tensor([loc, scale], dtype=torch.float64)).exp()
    torch.testing.assert_close(found, truth, rtol=1e-9, atol=1e-15)
    assert float(found.sum()) == pytest.approx(1, abs=1e-12)


def test_far_tails_keep_their_digits(differentiable):
    near, far = scipy.stats.norm.logsf([40, 40 * 200.5 / 199.5])
    level, *normal = torch.tensor([200.0, 0.0, 199.5 / 255 / 40], dtype=torch.float64)
    found = log_bin(level, 256, *normal)
    assert float(found) == pytest.approx(near + math.log1p(-math.exp(far - near)), rel=1e-9)
    x = torch.tensor([[0.0, 17 / 255, 1.0]])
    params = {"loc": torch.tensor([[0.1, 0.2, 0.7]]), "scale": torch.tensor([[0.01, 0.1, 0.3]])}
    differentiable(discretised_normal, params, x)


def test_it_is_of_8_bit_images():
    assert discretised_normal.discrete
    assert discretised_normal.support(torch.tensor([[0.0, 3 / 255, 1.0]])) is None
    with pytest.raises(SupportError, match="Example 1"):
        discretised_normal.support(torch.tensor([[0.0], [0.5]]))


def test_fewer_levels_are_a_likelihood_of_another_name():
    few = discretised_normal_of(17)
    assert few.name == "discretised-normal-17"
    p = few.distribution({"loc": torch.tensor([[0.3]]), "scale": torch.tensor(0.1)})
    x = torch.arange(17).reshape(17, 1, 1) / 16
    assert float(p.log_prob(x).exp().sum()) == pytest.approx(1, abs=1e-12)
    with pytest.raises(SupportError, match="0/16, 1/16"):
        few.support(torch.tensor([[0.3]]))
    with pytest.raises(ModelError, match="at least 2 levels"):
        discretised_normal_of(1)


def test_a_scale_of_nothing_is_refused():
    with pytest.raises(ModelError, match="scale of 0"):
        discretised_normal.distribution({"loc": torch.zeros(1, 2), "scale": torch.zeros(2)})


class TestConformance(LikelihoodTests):
    part = discretised_normal
    params = {"loc": torch.tensor([[0.3], [0.8]]), "scale": torch.tensor([[0.05], [0.2]])}

    def measure(self, distribution, draws):
        return grid(LEVEL / 255, draws.shape[1:])
