import pytest
import scipy.stats
import torch

from genprobe.errors import ModelError
from genprobe.likelihoods.normal import normal
from genprobe.testing import LikelihoodTests

X = torch.linspace(-3, 3, 24, dtype=torch.float64).reshape(4, 2, 3)
LOC = X.flip(0) / 2


@pytest.mark.parametrize(
    "scale",
    [
        torch.linspace(0.01, 2, 24, dtype=torch.float64).reshape(4, 2, 3),
        torch.linspace(0.1, 2, 6, dtype=torch.float64).reshape(2, 3),
        torch.tensor(0.5, dtype=torch.float64),
    ],
    ids=["per value", "per dimension", "scalar"],
)
def test_every_constant_of_the_density_counts(scale):
    truth = scipy.stats.norm.logpdf(X.numpy(), LOC.numpy(), scale.numpy()).sum((1, 2))
    found = normal.distribution({"loc": LOC, "scale": scale}).log_prob(X)
    torch.testing.assert_close(found, torch.from_numpy(truth))


def test_it_is_a_density_of_any_data():
    assert not normal.discrete
    assert normal.support(1e6 * X) is None


class TestConformance(LikelihoodTests):
    part = normal
    params = {"loc": LOC[:2], "scale": torch.full((2, 2, 3), 0.5)}


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_a_scale_that_is_not_above_zero_is_refused(value):
    with pytest.raises(ModelError, match=rf"scale of {value:g}; .* normal it must be > 0.\n.*exp"):
        normal.distribution({"loc": torch.zeros(2, 3), "scale": torch.tensor(value)})


def test_a_missing_scale_is_named():
    with pytest.raises(ModelError, match="gives loc; the likelihood normal needs scale"):
        normal.distribution({"loc": torch.zeros(2, 3)})
