import pytest
import scipy.stats
import torch

from genprobe.errors import ModelError
from genprobe.likelihoods.laplace import laplace

X = torch.linspace(-3, 3, 24).reshape(4, 2, 3)
LOC = X.flip(0) / 2


@pytest.mark.parametrize(
    "scale",
    [
        torch.linspace(0.01, 1000, 24).reshape(4, 2, 3),
        torch.linspace(0.1, 2, 6).reshape(2, 3),
        torch.tensor(0.5),
    ],
    ids=["per value", "per dimension", "scalar"],
)
def test_every_constant_of_the_density_counts(scale, differentiable):
    truth = scipy.stats.laplace.logpdf(X.double(), LOC.double(), scale.double()).sum((1, 2))
    params = {"loc": LOC, "scale": scale}
    found = laplace.distribution(params).log_prob(X)
    torch.testing.assert_close(found, torch.from_numpy(truth), rtol=1e-12, atol=1e-10)
    differentiable(laplace, params, X)


def test_it_is_a_density_of_any_data():
    assert not laplace.discrete
    assert laplace.support(1e6 * X) is None
    assert laplace.blind is None


def test_a_scale_of_nothing_is_refused():
    with pytest.raises(ModelError, match="scale of 0"):
        laplace.distribution({"loc": LOC, "scale": torch.zeros(2, 3)})


def test_samples_have_its_moments():
    x = laplace.distribution({"loc": LOC, "scale": torch.tensor(0.5)}).sample((20000,))
    torch.testing.assert_close(x.mean(0), LOC.double(), atol=0.03, rtol=0)
    torch.testing.assert_close(x.var(0), torch.full_like(x[0], 0.5), atol=0.05, rtol=0)
