import math

import pytest
import torch

from genprobe.errors import ModelError
from genprobe.families.von_mises_fisher import von_mises_fisher
from genprobe.priors.uniform_sphere import uniform_sphere
from genprobe.testing import PriorTests, on_sphere

CIRCLE, SPHERE, S3 = 2 * math.pi, 4 * math.pi, 2 * math.pi**2


@pytest.mark.parametrize(("k", "surface"), [(1, 2), (2, CIRCLE), (3, SPHERE), (4, S3)])
def test_density_is_one_over_the_surface(k, surface):
    prior = uniform_sphere.build(torch.Size([k]), {})
    z = prior.sample(5)
    truth = torch.full((5,), -math.log(surface), dtype=torch.float64)
    torch.testing.assert_close(prior.log_prob(z), truth)


def test_it_is_the_von_mises_distribution_without_concentration_on_the_circle():
    angle = torch.tensor([0.1, 2.0], dtype=torch.float64)
    z = torch.stack([angle.cos(), angle.sin()], 1)
    flat = torch.distributions.VonMises(torch.zeros(()).double(), torch.tensor(1e-9).double())
    found = uniform_sphere.build(torch.Size([2]), {}).log_prob(z)
    torch.testing.assert_close(found, flat.log_prob(angle), rtol=0, atol=1e-8)


def test_a_grid_of_vectors_is_a_product():
    prior = uniform_sphere.build(torch.Size([4, 3]), {})
    z = prior.sample(6)
    assert z.shape == (6, 4, 3)
    truth = torch.full((6,), -4 * math.log(SPHERE), dtype=torch.float64)
    torch.testing.assert_close(prior.log_prob(z), truth)


@pytest.mark.parametrize("k", [2, 5])
def test_samples_are_unit_vectors_in_every_direction_alike(k):
    n = 20_000
    z = uniform_sphere.build(torch.Size([k]), {}).sample(n)
    torch.testing.assert_close(z.norm(dim=1), torch.ones(n, dtype=torch.float64))
    assert (z.mean(0).abs() < 4 * math.sqrt(1 / k / n)).all()
    second = z.T @ z / n
    assert (second - torch.eye(k) / k).abs().max() < 4 * math.sqrt(1 / k / n)


def test_draws_in_float32_are_unit_vectors_too():
    prior = uniform_sphere.build(torch.Size([64]), {})
    z = torch.nn.functional.normalize(torch.randn(100, 64), dim=1)
    assert prior.log_prob(z).isfinite().all()


def test_a_z_off_the_sphere_is_told():
    z = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    with pytest.raises(ModelError, match=r"unit vectors; a z has the length 1\.41421"):
        uniform_sphere.build(torch.Size([2]), {}).log_prob(z)


def test_a_single_number_is_no_vector():
    with pytest.raises(ModelError, match="single number"):
        uniform_sphere.build(torch.Size([]), {})


def test_the_rate_of_von_mises_fisher_posteriors_is_exact(within_monte_carlo):
    k = torch.tensor([0.5, 5.0, 80.0], dtype=torch.float64)
    loc = torch.nn.functional.normalize(torch.randn(3, 4, dtype=torch.float64), dim=1)
    params = {"loc": loc, "concentration": k}
    prior = uniform_sphere.build(torch.Size([4]), {})
    kl = prior.kl(von_mises_fisher, params)
    within_monte_carlo(kl, von_mises_fisher, params, prior)


class TestConformance(PriorTests):
    part = uniform_sphere
    event_shape = (3,)
    posteriors = (
        (
            von_mises_fisher,
            {
                "loc": torch.nn.functional.normalize(torch.arange(6.0).sin().view(2, 3), dim=1),
                "concentration": torch.tensor([0.5, 20.0]),
            },
        ),
    )

    def measure(self, prior, draws):
        return on_sphere(draws.shape[1:])
