import pytest
import scipy.stats
import torch

from genprobe.errors import ModelError
from genprobe.likelihoods.poisson import poisson

X = torch.arange(24.0).reshape(4, 2, 3) ** 2
RATE = X.flip(0) + 0.3


def test_every_constant_of_the_probability_counts(differentiable):
    truth = scipy.stats.poisson.logpmf(X.double(), RATE.double()).sum((1, 2))
    found = poisson.distribution({"rate": RATE}).log_prob(X)
    torch.testing.assert_close(found, torch.from_numpy(truth), rtol=1e-12, atol=1e-10)
    differentiable(poisson, {"rate": RATE}, X)


@pytest.mark.parametrize("rate", [1e-8, 1.0, 1e5])
@pytest.mark.parametrize("count", [0.0, 1.0, 1e5])
def test_extreme_rates_and_counts_in_float32(rate, count):
    given = torch.tensor([[rate]])
    truth = scipy.stats.poisson.logpmf(count, given.item())
    found = poisson.distribution({"rate": given}).log_prob(torch.tensor([[count]]))
    assert found.item() == pytest.approx(truth, rel=1e-11, abs=1e-9)


def test_it_sums_to_one():
    p = poisson.distribution({"rate": torch.full((400, 1), 60.0)})
    assert p.log_prob(torch.arange(400.0)[:, None]).exp().sum().item() == pytest.approx(1)


def test_a_rate_of_nothing_allows_only_nothing():
    rate = torch.zeros(1, 1, requires_grad=True)
    p = poisson.distribution({"rate": rate})
    assert p.log_prob(torch.ones(1, 1)).item() == -torch.inf
    assert p.log_prob(torch.zeros(1, 1)).item() == 0
    assert torch.autograd.grad(p.log_prob(torch.zeros(1, 1)), rate)[0].item() == -1


def test_a_rate_below_nothing_is_refused():
    with pytest.raises(ModelError, match="rate of -0.5"):
        poisson.distribution({"rate": torch.full((1, 2), -0.5)})


def test_it_is_a_probability_of_counts(refused):
    assert poisson.discrete
    assert poisson.support(X) is None
    for value in (-1.0, 0.5):
        refused(poisson, X, value)


def test_samples_have_its_moments():
    x = poisson.distribution({"rate": torch.tensor([[0.5, 40.0]])}).sample((20000,))
    assert poisson.support(x) is None
    torch.testing.assert_close(x.mean(0), torch.tensor([[0.5, 40.0]]).double(), rtol=0.03, atol=0)
    torch.testing.assert_close(x.var(0), torch.tensor([[0.5, 40.0]]).double(), rtol=0.06, atol=0)


def test_its_blind_distortion_is_that_of_the_mean_counts():
    x = torch.poisson(torch.tensor([0.2, 3.0, 0.0]).expand(100, 3))
    mean = x.double().mean(0)

    def cost(rate):
        return -scipy.stats.poisson.logpmf(x.double(), rate).sum(1).mean()

    more = {k: v.mean(0) for k, v in poisson.statistics(x).items()}
    found = poisson.blind(mean, x.double().square().mean(0), **more)
    assert found == pytest.approx(cost(mean))
    assert cost(mean) < min(cost(1.01 * mean), cost(0.99 * mean))
