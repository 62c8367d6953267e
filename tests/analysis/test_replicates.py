import math

import pytest
import torch

from genprobe.analysis.replicates import REPLICATES, bootstrap, covariance, normal_replicates
from genprobe.types import Estimate


def nats(name, value, se_data=0.0):
    return Estimate(name=name, value=value, se=0.0, se_data=se_data, kind="estimate")


@pytest.mark.parametrize("n", [10, 1500, 5999, 20_000])
def test_bootstrap_has_the_covariance_of_the_mean(n):
    rate = torch.randn(n, dtype=torch.float64)
    distortion = 3 - 2 * rate + 0.5 * torch.randn(n, dtype=torch.float64)
    pairs = torch.stack([rate, distortion], 1)
    found = bootstrap(pairs)
    truth = pairs.T.cov(correction=0) / n
    error = truth.diagonal().sqrt() / math.sqrt(REPLICATES)
    assert found.shape == (REPLICATES, 2)
    assert ((found.mean(0) - pairs.mean(0)).abs() < 4 * error).all()
    # Relative sampling error of a (co)variance: √2 each from the replicates and from the groups.
    limit = 4 * math.sqrt(2 / REPLICATES + (2 / 2000 if n > 2000 else 0))
    scale = truth.diagonal().sqrt().outer(truth.diagonal().sqrt())
    assert ((found.T.cov() - truth).abs() / scale < limit).all()


def test_bootstrap_of_one_example_is_that_example():
    one = torch.ones(1, dtype=torch.float64)
    assert torch.equal(
        bootstrap(torch.stack([one, 2 * one], 1)),
        torch.tensor([[1.0, 2.0]]).expand(REPLICATES, 2).double(),
    )


def test_bootstrap_repeats_with_its_seed():
    x = torch.randn(50, 2, dtype=torch.float64)
    assert torch.equal(bootstrap(x, seed=1), bootstrap(x, seed=1))
    assert not torch.equal(bootstrap(x, seed=1), bootstrap(x, seed=2))


@pytest.mark.parametrize("correlation", [-0.95, 0.0, 0.6])
def test_normal_replicates_have_the_covariance_that_the_elbo_implies(correlation):
    r, d = 0.3, 0.8
    both = math.sqrt(r**2 + d**2 + 2 * correlation * r * d)
    found = normal_replicates(
        nats("rate", 5.0, r), nats("distortion", 70.0, d), nats("elbo", -75.0, both)
    )
    truth = torch.tensor([[r * r, correlation * r * d], [correlation * r * d, d * d]]).double()
    limit = 4 * math.sqrt(2 / REPLICATES)
    scale = torch.tensor([[r * r, r * d], [r * d, d * d]])
    assert ((found.T.cov() - truth).abs() / scale < limit).all()
    assert found[:, 0].mean() == pytest.approx(5.0, abs=4 * r / math.sqrt(REPLICATES))
    assert found[:, 1].mean() == pytest.approx(70.0, abs=4 * d / math.sqrt(REPLICATES))


def test_estimates_without_errors_have_replicates_without_spread():
    found = normal_replicates(nats("rate", 5.0, None), nats("distortion", 7.0), nats("elbo", -12.0))
    assert (found == torch.tensor([5.0, 7.0])).all()


def test_the_covariance_is_that_of_the_means():
    chance = torch.Generator().manual_seed(0)
    rates = torch.randn(500, generator=chance, dtype=torch.float64)
    distortions = 2 * torch.randn(500, generator=chance, dtype=torch.float64) - 1.5 * rates
    terms = {"rate": rates, "distortion": distortions, "elbo": -(rates + distortions)}
    known = [nats(k, float(v.mean()), float(v.std() / 500**0.5)) for k, v in terms.items()]
    expected = torch.cov(torch.stack([rates, distortions])) / 500
    assert torch.allclose(torch.tensor(covariance(*known), dtype=torch.float64), expected)
