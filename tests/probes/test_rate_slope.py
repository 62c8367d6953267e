import dataclasses

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.priors.standard_normal import build
from genprobe.probes.rate_slope import rate_slope

N = 50
EVERY = torch.arange(N)
PARAMS = {"loc": torch.randn(N, 3), "scale": torch.rand(N, 3) + 0.2}


def test_against_a_standard_normal_it_is_the_sum_of_variances_less_one():
    found = rate_slope(diagonal_normal, build(torch.Size([3]), {}), PARAMS, EVERY)
    truth = (PARAMS["scale"].double().square() - 1).sum(1)
    torch.testing.assert_close(found, truth[None])


def test_without_a_closed_form_it_is_the_derivative_in_expectation():
    # A mixture of two equal normals is a normal, and torch does not know it.
    parts = Independent(Normal(torch.zeros(2, 3).double(), 1.0), 1)
    prior = prior_from_distribution("mixture", MixtureSameFamily(Categorical(torch.ones(2)), parts))
    params = {k: v[:1].expand(1000, 3) for k, v in PARAMS.items()}
    found = rate_slope(diagonal_normal, prior, params, torch.arange(1000)).flatten()
    truth = (params["scale"][0].double().square() - 1).sum()
    assert abs(found.mean() - truth) < 4 * found.std() / len(found) ** 0.5


def test_it_is_of_the_chosen_examples_in_their_order():
    prior, chosen = build(torch.Size([3]), {}), torch.tensor([2, 7, 9])
    every = rate_slope(diagonal_normal, prior, PARAMS, EVERY)
    torch.testing.assert_close(rate_slope(diagonal_normal, prior, PARAMS, chosen), every[:, chosen])


def test_a_family_that_cannot_be_widened_has_none():
    stiff = dataclasses.replace(diagonal_normal, widen=None)
    assert rate_slope(stiff, build(torch.Size([3]), {}), PARAMS, EVERY) is None


@pytest.mark.parametrize("epsilon", [-0.3, 0.0, 0.2])
def test_widening_scales_every_scale_of_its_own_example(epsilon):
    change = torch.zeros(N)
    change[7] = epsilon
    wide = diagonal_normal.widen(PARAMS, change)
    ratio = wide["scale"] / PARAMS["scale"]
    assert ratio[7].tolist() == pytest.approx([torch.tensor(epsilon).exp().item()] * 3)
    assert (ratio[torch.arange(N) != 7] == 1).all()
    assert torch.equal(wide["loc"], PARAMS["loc"])
