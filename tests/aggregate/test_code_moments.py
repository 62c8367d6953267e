import math

import pytest
import torch
from torch.distributions import Cauchy, Independent, MultivariateNormal, Normal, Poisson
from torch.distributions import constraints as C

from genprobe.aggregate.code_moments import (
    aggregate_moments,
    distance,
    expected_distance,
    posterior_entropy,
    precision,
)
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.types import Family


@pytest.fixture
def numbers():
    """Independent normal values of a shape, float64."""
    return lambda *shape: torch.randn(*shape, dtype=torch.float64)


@pytest.fixture
def posteriors(numbers):
    """Seven diagonal normals over z of shape (2, 2)."""
    return {"loc": 3 + numbers(7, 2, 2), "scale": numbers(7, 2, 2).exp()}


def in_blocks(params, rows=3):
    size = len(next(iter(params.values())))
    return [(i, {k: v[i : i + rows] for k, v in params.items()}) for i in range(0, size, rows)]


def test_entropy_is_the_closed_form_of_every_posterior(posteriors):
    truth = (posteriors["scale"].log() + math.log(2 * math.pi * math.e) / 2).sum((1, 2))
    torch.testing.assert_close(posterior_entropy(in_blocks(posteriors), diagonal_normal), truth)


def test_an_entropy_that_torch_does_not_know_is_none(numbers):
    family = Family(
        name="poisson", distribution=lambda p: Independent(Poisson(p["rate"]), 1), constraints={}
    )
    assert posterior_entropy(in_blocks({"rate": numbers(4, 2).exp()}), family) is None


def test_moments_are_those_of_many_draws(posteriors):
    mean, second = aggregate_moments(in_blocks(posteriors), diagonal_normal)
    z = Normal(posteriors["loc"], posteriors["scale"]).sample((20_000,)).flatten(2)
    for found, terms in ((mean, z), (second, z[..., None] * z[..., None, :])):
        noise = terms.var(0).sum(0).sqrt() / (7 * math.sqrt(len(z)))
        assert ((found - terms.mean((0, 1))).abs() < 4 * noise).all()


def test_a_wide_code_keeps_the_second_moment_of_each_dimension(numbers):
    params = {"loc": numbers(7, 65), "scale": numbers(7, 65).exp()}
    _, second = aggregate_moments(in_blocks(params), diagonal_normal)
    truth = (params["loc"].square() + params["scale"].square()).mean(0)
    torch.testing.assert_close(second, truth)


def test_dependent_dimensions_keep_the_second_moment_of_each_dimension(numbers):
    factor = torch.tensor([[1.0, 0.0], [0.9, 0.1]], dtype=torch.float64)
    full = Family(
        name="full",
        distribution=lambda p: MultivariateNormal(p["loc"], scale_tril=factor),
        constraints={"loc": C.real},
    )
    params = {"loc": numbers(7, 2)}
    _, second = aggregate_moments(in_blocks(params), full)
    truth = params["loc"].square().mean(0) + (factor @ factor.T).diagonal()
    torch.testing.assert_close(second, truth)


def test_a_family_without_moments_has_none_that_are_finite(numbers):
    cauchy = Family(
        name="cauchy", distribution=lambda p: Independent(Cauchy(p["loc"], 1.0), 1), constraints={}
    )
    mean, _ = aggregate_moments(in_blocks({"loc": numbers(4, 2)}), cauchy)
    assert mean.isnan().all()


# Distances from the mean of the aggregate posterior


def moments_of(params, family=diagonal_normal):
    return aggregate_moments(in_blocks(params), family)


def test_the_precision_is_the_inverse_of_the_covariance(posteriors):
    mean, second = moments_of(posteriors)
    covariance = second - mean.outer(mean)
    torch.testing.assert_close(precision(mean, second), covariance.inverse(), rtol=1e-6, atol=0)
    torch.testing.assert_close(
        precision(mean, second.diagonal()), 1 / covariance.diagonal(), rtol=1e-9, atol=0
    )


def test_codes_on_a_line_are_given_some_width():
    # Both dimensions are one number, of variance 4: across that line there is none.
    second = torch.full((2, 2), 4.0).double()
    weights = precision(torch.zeros(2).double(), second)
    along, across = torch.tensor([[1.0, 1.0], [1.0, -1.0]]).double()
    assert along @ weights @ along == pytest.approx(2 / 8)
    assert 1e6 < across @ weights @ across < math.inf
    assert (precision(torch.zeros(2).double(), torch.zeros(2).double()) < math.inf).all()


@pytest.mark.parametrize("diagonal", [False, True])
def test_the_distance_is_that_of_a_normal_of_the_same_moments(posteriors, numbers, diagonal):
    mean, second = moments_of(posteriors)
    covariance = second - mean.outer(mean)
    if diagonal:
        second, covariance = second.diagonal(), covariance.diagonal().diag()
    normal = MultivariateNormal(mean, covariance)
    z = 5 * numbers(3, 6, 4)
    truth = 2 * (normal.log_prob(mean) - normal.log_prob(z))
    torch.testing.assert_close(distance(z, mean, second), truth, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("diagonal", [False, True])
def test_the_expected_distance_is_the_mean_over_many_draws(posteriors, diagonal):
    mean, second = moments_of(posteriors)
    second = second.diagonal() if diagonal else second
    found = expected_distance(in_blocks(posteriors), diagonal_normal, mean, second)
    z = Normal(posteriors["loc"], posteriors["scale"]).sample((20_000,)).flatten(2)
    drawn = distance(z, mean, second)
    assert found.shape == (7,)
    assert ((found - drawn.mean(0)).abs() < 4.5 * drawn.std(0) / math.sqrt(len(z))).all()
    # Over all of them it is the dimension, whatever the moments.
    assert found.mean().item() == pytest.approx(4, rel=1e-6)


def test_without_moments_there_is_no_distance(numbers):
    cauchy = Family(
        name="cauchy", distribution=lambda p: Independent(Cauchy(p["loc"], 1.0), 1), constraints={}
    )
    params = {"loc": numbers(4, 2)}
    mean, second = moments_of(params, cauchy)
    assert expected_distance(in_blocks(params), cauchy, mean, second).isnan().all()
    assert distance(numbers(3, 2), mean, second).isnan().all()
