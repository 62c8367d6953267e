import math

import pytest
import torch

from genprobe.distributions.uniform_sphere import UniformSphere, log_area, unit_vector


@pytest.mark.parametrize(
    ("dimension", "area"),
    [(2, 2 * math.pi), (3, 4 * math.pi), (4, 2 * math.pi**2)],
)
def test_density_is_one_over_the_area(dimension, area):
    p = UniformSphere(dimension)
    z = p.sample((5, 2))
    assert z.shape == (5, 2, dimension)
    torch.testing.assert_close(p.log_prob(z), torch.full((5, 2), -math.log(area)).double())
    assert float(p.entropy()) == pytest.approx(math.log(area))
    assert log_area(dimension) == pytest.approx(math.log(area))


def test_draws_lie_on_the_sphere_evenly():
    p = UniformSphere(4, torch.float32)
    z = p.sample((40_000,))
    assert z.dtype == torch.float32
    assert unit_vector.check(z).all()
    torch.testing.assert_close(z.mean(0).double(), p.mean.double(), atol=0.02, rtol=0)
    second = z.T @ z / len(z)
    torch.testing.assert_close(second, torch.eye(4) / 4, atol=0.01, rtol=0)
    torch.testing.assert_close(p.variance, torch.full((4,), 0.25))


def test_a_batch_of_it_is_alike():
    p = UniformSphere(3).expand((7,))
    assert p.batch_shape == (7,)
    assert p.sample((2,)).shape == (2, 7, 3)
    assert p.log_prob(p.sample()).shape == (7,)
    assert p.log_prob(p.sample((4,))[:, 0][:, None]).shape == (4, 7)


def test_points_off_the_sphere_are_refused_if_asked():
    with pytest.raises(ValueError, match="a vector of length 1"):
        UniformSphere(3, validate_args=True).log_prob(torch.ones(3))
