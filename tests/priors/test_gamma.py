import numpy as np
import scipy.stats
import torch
from torch.distributions import Gamma, Independent

from genprobe.families.gamma import gamma as family
from genprobe.priors.gamma import gamma
from genprobe.testing import PriorTests
from genprobe.types import Family

FAMILY = Family(name="gamma", distribution=lambda p: Independent(Gamma(**p), 1), constraints={})
PARAMS = {"concentration": torch.tensor([0.5, 3.0]), "rate": torch.tensor([0.5, 2.0])}
SHAPE = torch.Size([2])


def test_density_is_that_of_scipy():
    z = torch.tensor([[0.1, 3.0], [2.0, 0.4]], dtype=torch.float64)
    found = gamma.build(SHAPE, PARAMS).log_prob(z)
    truth = scipy.stats.gamma([0.5, 3.0], scale=[2.0, 0.5]).logpdf(z.numpy())
    np.testing.assert_allclose(found.numpy(), truth.sum(1), rtol=1e-7)


def test_samples_match_its_moments():
    n = 20_000
    z = gamma.build(SHAPE, PARAMS).sample(n)
    mean, spread = Gamma(**PARAMS).mean, Gamma(**PARAMS).stddev
    assert ((z.mean(0) - mean).abs() < 4 * spread / n**0.5).all()
    assert ((z.std(0) / spread - 1).abs() < 0.05).all()


def test_kl_of_its_own_family_is_what_draws_say(within_monte_carlo):
    q = {k: 1.3 * v.expand(3, 2) + 0.1 for k, v in PARAMS.items()}
    prior = gamma.build(SHAPE, PARAMS)
    within_monte_carlo(prior.kl(FAMILY, q), FAMILY, q, prior)


class TestConformance(PriorTests):
    part = gamma
    event_shape = SHAPE
    params = PARAMS
    posteriors = ((family, {k: 1.3 * v.expand(3, 2) + 0.1 for k, v in PARAMS.items()}),)
