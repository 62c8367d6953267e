import math

import pytest
import torch

from genprobe.errors import ModelError
from genprobe.families.categorical import categorical as family
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.priors.uniform_categorical import uniform_categorical
from genprobe.testing import PriorTests

GRID = torch.Size([4, 2])


@pytest.fixture
def prior():
    return uniform_categorical.build(GRID, {"classes": torch.tensor(5)})


def test_every_grid_is_as_probable(prior):
    z = torch.randint(5, (6, 4, 2)).float()
    torch.testing.assert_close(
        prior.log_prob(z), torch.full((6,), -8 * math.log(5), dtype=torch.float64)
    )


def test_the_rate_of_a_one_hot_posterior_is_exactly_positions_times_log_classes(prior, one_hot):
    kl = prior.kl(family, {"logits": one_hot(torch.randint(5, (6, 4, 2)), 5)})
    truth = torch.full((6,), 8 * math.log(5), dtype=torch.float64)
    torch.testing.assert_close(kl, truth, rtol=0, atol=1e-13)


def test_a_posterior_that_is_uniform_too_costs_nothing(prior):
    kl = prior.kl(family, {"logits": torch.ones(2, 4, 2, 5, dtype=torch.float64)})
    torch.testing.assert_close(kl, torch.zeros(2).double(), rtol=0, atol=1e-13)


def test_the_number_of_classes_is_that_of_a_categorical_posterior():
    tensors = uniform_categorical.defaults(family, {"logits": torch.zeros(1, 4, 2, 7)})
    prior = uniform_categorical.build(GRID, tensors)
    assert prior.log_prob(torch.full((1, 4, 2), 6.0)).item() == pytest.approx(-8 * math.log(7))


def test_no_other_posterior_has_classes(posteriors):
    tensors = uniform_categorical.defaults(diagonal_normal, posteriors)
    with pytest.raises(ModelError, match=r"needs classes.*\n.*not categorical"):
        uniform_categorical.build(GRID, tensors)


@pytest.mark.parametrize("classes", [0, -2, 1.5])
def test_a_number_of_classes_that_makes_no_sense_is_refused(classes):
    with pytest.raises(ModelError, match="classes"):
        uniform_categorical.build(GRID, {"classes": torch.tensor(classes)})


def test_its_tensors_rebuild_it(prior):
    again = uniform_categorical.build(GRID, prior.params)
    z = again.sample(3)
    assert z.shape == (3, 4, 2)
    assert torch.equal(again.log_prob(z), prior.log_prob(z))


def test_samples_are_uniform(prior):
    n = 20_000
    counts = torch.bincount(prior.sample(n).long().flatten(), minlength=5) / (8 * n)
    assert ((counts - 0.2).abs() < 4 * math.sqrt(0.16 / (8 * n))).all()


class TestConformance(PriorTests):
    part = uniform_categorical
    event_shape = GRID
    params = {"classes": torch.tensor(3)}
    posteriors = ((family, {"logits": torch.arange(72.0).sin().view(3, 4, 2, 3)}),)
