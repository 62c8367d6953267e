import pytest
import scipy.stats
import torch
from torch.distributions import Independent, Normal

from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.testing import FamilyTests

EVENTS = [(1,), (5,), (2, 3, 3)]


@pytest.fixture(params=EVENTS, ids=str)
def posterior(request):
    """Parameters of four posteriors and six points, float64."""
    shape = request.param
    params = {
        "loc": torch.randn(4, *shape, dtype=torch.float64),
        "scale": 0.1 + torch.rand(4, *shape, dtype=torch.float64),
    }
    return params, torch.randn(6, *shape, dtype=torch.float64)


def test_density_is_the_product_of_normals(posterior):
    params, z = posterior
    truth = scipy.stats.norm.logpdf(z[:4], params["loc"], params["scale"])
    found = diagonal_normal.distribution(params).log_prob(z[:4])
    torch.testing.assert_close(found, torch.from_numpy(truth).flatten(1).sum(1))


def test_natural_form_is_the_density_of_every_pair(posterior):
    params, z = posterior
    eta, log_partition = diagonal_normal.natural(params)
    statistics, log_base = diagonal_normal.sufficient(z)
    found = statistics @ eta.T - log_partition + log_base[:, None]
    truth = Independent(Normal(params["loc"], params["scale"]), z.dim() - 1).log_prob(z[:, None])
    torch.testing.assert_close(found, truth)


def test_translation_is_the_density_of_the_shifted_variable(posterior):
    params, z = posterior
    offset = torch.randn(z.shape[1:], dtype=torch.float64)
    shifted = diagonal_normal.distribution(diagonal_normal.translate(params, offset))
    there = diagonal_normal.distribution(params).log_prob(z[:4])
    torch.testing.assert_close(shifted.log_prob(z[:4] - offset), there)


def test_event_is_one_whole_latent(posterior):
    params, z = posterior
    assert diagonal_normal.event_shape(params) == z.shape[1:]


@pytest.mark.parametrize(
    ("name", "value", "valid"),
    [
        ("scale", 1e-6, True),
        ("scale", 0.0, False),
        ("scale", -1.0, False),
        ("scale", float("nan"), False),
        ("loc", -3.0, True),
        ("loc", float("nan"), False),
    ],
)
def test_constraints(name, value, valid):
    assert bool(diagonal_normal.constraints[name].check(torch.tensor(value))) is valid


class TestConformance(FamilyTests):
    part = diagonal_normal
    params = {
        "loc": torch.tensor([[0.0, 1.0], [-3.0, 0.5], [0.2, 0.0]]),
        "scale": torch.tensor([[1.0, 2.0], [0.3, 0.01], [5.0, 1.0]]),
    }


class TestConformanceOfGrids(FamilyTests):
    part = diagonal_normal
    params = {
        "loc": torch.linspace(-2, 2, 36).reshape(2, 2, 3, 3),
        "scale": torch.linspace(0.1, 2, 36).reshape(2, 2, 3, 3),
    }
