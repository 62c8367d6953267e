import numpy as np
import scipy.stats
import torch
from torch.distributions import Bernoulli, Independent

from genprobe.families.bernoulli import bernoulli as family
from genprobe.priors.bernoulli import bernoulli
from genprobe.testing import PriorTests
from genprobe.types import Family

FAMILY = Family(
    name="bernoulli", distribution=lambda p: Independent(Bernoulli(**p), 1), constraints={}
)
PARAMS = {"logits": torch.tensor([0.5, -2.0])}
SHAPE = torch.Size([2])


def test_density_is_that_of_scipy():
    z = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)
    found = bernoulli.build(SHAPE, PARAMS).log_prob(z)
    truth = scipy.stats.bernoulli(1 / (1 + np.exp([-0.5, 2.0]))).logpmf(z.numpy())
    np.testing.assert_allclose(found.numpy(), truth.sum(1), rtol=1e-7)


def test_samples_match_its_moments():
    n = 20_000
    z = bernoulli.build(SHAPE, PARAMS).sample(n)
    mean, spread = Bernoulli(**PARAMS).mean, Bernoulli(**PARAMS).stddev
    assert ((z.mean(0) - mean).abs() < 4 * spread / n**0.5).all()
    assert ((z.std(0) / spread - 1).abs() < 0.05).all()


def test_kl_of_its_own_family_is_what_draws_say(within_monte_carlo):
    q = {k: 1.3 * v.expand(3, 2) + 0.1 for k, v in PARAMS.items()}
    prior = bernoulli.build(SHAPE, PARAMS)
    within_monte_carlo(prior.kl(FAMILY, q), FAMILY, q, prior)


class TestConformance(PriorTests):
    part = bernoulli
    event_shape = SHAPE
    params = PARAMS
    posteriors = ((family, {k: 1.3 * v.expand(3, 2) + 0.1 for k, v in PARAMS.items()}),)
