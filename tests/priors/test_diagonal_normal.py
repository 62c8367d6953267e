import numpy as np
import pytest
import torch

from genprobe.errors import ModelError
from genprobe.families.diagonal_normal import diagonal_normal as family
from genprobe.priors.diagonal_normal import diagonal_normal
from genprobe.testing import PriorTests
from genprobe.types import Codes

SHAPE = torch.Size([2, 2])
LOC = torch.tensor([[0.5, -1.0], [0.0, 2.0]], dtype=torch.float64)
SCALE = torch.tensor([[0.5, 1.0], [2.0, 1.5]], dtype=torch.float64)


def test_kl_is_the_closed_form(posteriors, kl_of_normals):
    prior = diagonal_normal.build(SHAPE, {"loc": LOC, "scale": SCALE})
    torch.testing.assert_close(prior.kl(family, posteriors), kl_of_normals(posteriors, LOC, SCALE))


def test_kl_is_what_draws_say(posteriors, within_monte_carlo):
    prior = diagonal_normal.build(SHAPE, {"loc": LOC, "scale": SCALE})
    within_monte_carlo(prior.kl(family, posteriors), family, posteriors, prior)


def test_scalars_stand_for_every_dimension(posteriors, kl_of_normals):
    prior = diagonal_normal.build(SHAPE, {"loc": torch.tensor(1.0), "scale": torch.tensor(2.0)})
    torch.testing.assert_close(prior.kl(family, posteriors), kl_of_normals(posteriors, 1, 2))
    assert prior.sample(3).shape == (3, 2, 2)


def test_its_tensors_rebuild_it(posteriors):
    prior = diagonal_normal.build(SHAPE, {"loc": LOC, "scale": SCALE})
    again = diagonal_normal.build(SHAPE, prior.params)
    assert torch.equal(again.kl(family, posteriors), prior.kl(family, posteriors))


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"loc": LOC},
        {"loc": LOC, "scale": -SCALE},
        {"loc": LOC, "scale": 0 * SCALE},
        {"loc": LOC / 0, "scale": SCALE},
        {"loc": LOC, "scale": SCALE / 0},
    ],
)
def test_unusable_tensors_are_refused(params):
    with pytest.raises(ModelError, match="diagonal-normal"):
        diagonal_normal.build(SHAPE, params)


def test_the_fit_is_the_mean_and_spread_of_the_aggregate_posterior():
    random = np.random.default_rng(0)
    mean, variance = random.normal(size=(50, 3)), random.random((50, 3))
    codes = Codes(mean=torch.from_numpy(mean), variance=torch.from_numpy(variance))
    fitted = diagonal_normal.fit(codes, 1, 0)
    np.testing.assert_allclose(fitted["loc"].numpy(), mean.mean(0))
    np.testing.assert_allclose(fitted["scale"].numpy() ** 2, mean.var(0) + variance.mean(0))
    assert diagonal_normal.sizes(50, 3) == (1,)


class TestConformance(PriorTests):
    part = diagonal_normal
    event_shape = SHAPE
    params = {"loc": LOC, "scale": SCALE}
