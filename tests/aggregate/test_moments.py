import pytest
import torch
from torch.distributions import (
    Categorical,
    Independent,
    LogisticNormal,
    MultivariateNormal,
    Normal,
)

from genprobe.aggregate.moments import factorises, mean_of, moments, variance_of


def test_moments_are_flattened_over_z():
    loc, scale = torch.randn(5, 2, 3), 0.1 + torch.rand(5, 2, 3)
    mean, variance = moments(Independent(Normal(loc, scale), 2))
    torch.testing.assert_close(mean, loc.reshape(5, 6))
    torch.testing.assert_close(variance, scale.square().reshape(5, 6))


@pytest.mark.parametrize(
    "distribution",
    [
        LogisticNormal(torch.zeros(4, 2), torch.ones(4, 2)),
        Independent(Categorical(logits=torch.zeros(4, 3, 5)), 1),
    ],
    ids=["no closed form", "no meaning"],
)
def test_what_is_not_known_is_nan(distribution):
    mean, variance = moments(distribution)
    assert mean.shape == variance.shape == (4, 3)
    assert mean.isnan().all()
    assert variance.isnan().all()
    assert mean_of(distribution).shape == variance_of(distribution).shape == (4, 3)


def test_a_single_number_is_one_value():
    mean, _ = moments(Normal(torch.zeros(4), torch.ones(4)))
    assert mean.shape == (4, 1)


def test_only_products_factorise():
    assert factorises(Independent(Normal(torch.zeros(4, 2), torch.ones(4, 2)), 1))
    assert not factorises(MultivariateNormal(torch.zeros(4, 2), torch.eye(2)))
    assert not factorises(Independent(MultivariateNormal(torch.zeros(4, 3, 2), torch.eye(2)), 1))
