import math

import torch
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
)

from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.types import Family


def test_a_distribution_torch_knows_gives_an_analytic_kl(within_monte_carlo):
    covariance = torch.tensor([[1.0, 0.5], [0.5, 2.0]], dtype=torch.float64)
    p = MultivariateNormal(torch.zeros(2, dtype=torch.float64), covariance)
    full = Family(
        name="full",
        distribution=lambda params: MultivariateNormal(**params),
        constraints={},
    )
    params = {
        "loc": torch.randn(3, 2, dtype=torch.float64),
        "covariance_matrix": 0.3 * torch.eye(2, dtype=torch.float64).expand(3, 2, 2),
    }
    prior = prior_from_distribution("full-normal", p)
    kl = prior.kl(full, params)
    inverse = covariance.inverse()
    shift = params["loc"]
    truth = (
        0.3 * inverse.trace()
        + torch.einsum("ni,ij,nj->n", shift, inverse, shift)
        - 2
        + covariance.logdet()
        - 2 * math.log(0.3)
    ) / 2
    torch.testing.assert_close(kl, truth)
    within_monte_carlo(kl, full, params, prior)


def test_a_divergence_torch_does_not_know_is_none(posteriors):
    ones = torch.ones(3, 2, 2, dtype=torch.float64)
    p = MixtureSameFamily(Categorical(ones[:, 0, 0]), Independent(Normal(0 * ones, ones), 2))
    prior = prior_from_distribution("mixture", p)
    assert prior.kl(diagonal_normal, posteriors) is None
    assert prior.sample(7).shape == (7, 2, 2)
    torch.testing.assert_close(
        prior.log_prob(posteriors["loc"]),
        Normal(0.0, 1.0).log_prob(posteriors["loc"]).sum((1, 2)),
    )
