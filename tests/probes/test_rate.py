import dataclasses

import pytest
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
from genprobe.priors.standard_normal import standard_normal
from genprobe.probes.rate import rate, rate_per_dimension

SHAPE = torch.Size([2, 3])
PRIOR = standard_normal.build(SHAPE, {})


@pytest.fixture
def params():
    return {"loc": torch.randn(4, 2, 3), "scale": 0.2 + torch.rand(4, 2, 3)}


@pytest.fixture
def mixture():
    """A prior without a closed-form divergence from normals."""
    loc = torch.randn(2, 2, 3, dtype=torch.float64)
    p = MixtureSameFamily(Categorical(torch.ones(2)), Independent(Normal(loc, 1.0), 2))
    return prior_from_distribution("mixture", p)


def test_analytic_rate_has_one_row_whatever_the_draws(params):
    loc, scale = (params[k].double().flatten(1) for k in ("loc", "scale"))
    truth = (scale.square() + loc.square() - 1 - 2 * scale.log()).sum(1) / 2
    found = rate(diagonal_normal, PRIOR, params, torch.zeros(5, 4), torch.zeros(5, 4), 4)
    torch.testing.assert_close(found, truth[None])


def test_monte_carlo_rate_of_many_examples_is_the_log_ratio_of_each_draw(params, mixture):
    log_qz_x, log_pz = torch.randn(2, 5, 4, dtype=torch.float64)
    found = rate(diagonal_normal, mixture, params, log_qz_x, log_pz, 60_000)
    torch.testing.assert_close(found, log_qz_x - log_pz)
    network = dataclasses.replace(mixture, distribution=None)
    assert torch.equal(rate(diagonal_normal, network, params, log_qz_x, log_pz, 4), found)


def test_monte_carlo_rate_of_few_examples_has_draws_of_its_own(params):
    # Under a prior whose divergence is known, and is not told.
    prior = dataclasses.replace(PRIOR, kl=lambda family, params: None)
    wide = {**params, "scale": 3 * params["scale"]}
    unused = torch.zeros(2, 4, dtype=torch.float64)
    found = rate(diagonal_normal, prior, wide, unused, unused, 4)
    assert len(found) == 32
    truth = PRIOR.kl(diagonal_normal, {k: v.double() for k, v in wide.items()})
    assert ((found.mean(0) - truth).abs() < 5 * found.std(0) / 32**0.5).all()


def test_rate_per_dimension_is_the_closed_form_and_sums_to_the_rate(params):
    loc, scale = (params[k].double().flatten(1) for k in ("loc", "scale"))
    found = rate_per_dimension(diagonal_normal, PRIOR, params)
    torch.testing.assert_close(found, (scale.square() + loc.square() - 1 - 2 * scale.log()) / 2)
    torch.testing.assert_close(found.sum(1), PRIOR.kl(diagonal_normal, params))


def test_a_prior_that_does_not_factorise_has_no_rate_per_dimension(params, mixture):
    assert rate_per_dimension(diagonal_normal, mixture, params) is None
    rows = MultivariateNormal(torch.zeros(2, 3), torch.eye(3))
    prior = prior_from_distribution("rows", Independent(rows, 1))
    assert rate_per_dimension(diagonal_normal, prior, params) is None
