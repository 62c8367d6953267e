import math

import pytest
import torch
from torch.distributions import Normal

from genprobe.errors import UnavailableError
from genprobe.estimators.iwae_bound import iwae_bound


def log_weights(draws, n=2000):
    """p(z) = N(0, 1), p(x|z) = N(z, 1), a posterior that is a little off; and −log p(x)."""
    generator = torch.Generator().manual_seed(draws)
    x = math.sqrt(2) * torch.randn(n, generator=torch.Generator().manual_seed(1)).double()
    q = Normal(x / 2 + 0.3, 0.9)
    z = q.loc + q.scale * torch.randn(draws, n, generator=generator).double()
    log_joint = Normal(0.0, 1.0).log_prob(z) + Normal(z, 1.0).log_prob(x)
    return log_joint - q.log_prob(z), -Normal(0.0, math.sqrt(2)).log_prob(x)


def test_with_many_draws_it_is_the_negative_log_likelihood():
    weights, truth = log_weights(500)
    found = iwae_bound(weights)
    assert abs(found.value - truth.mean()) < 4 * found.se + 1e-3
    assert (found.kind, found.n) == ("upper", 2000)


def test_it_tightens_with_draws_and_stays_above():
    bounds = [iwae_bound(log_weights(draws)[0]).value for draws in (2, 8, 64)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] > log_weights(2)[1].mean() - 0.01


def test_one_draw_is_the_elbo():
    with pytest.raises(UnavailableError, match="more draws"):
        iwae_bound(log_weights(1)[0])
