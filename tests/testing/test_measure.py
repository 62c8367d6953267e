import math

import pytest
import scipy.stats
import torch
from torch.distributions import Dirichlet, Gamma, Normal, constraints

from genprobe.testing.measure import (
    FREEDOM,
    Measure,
    covering,
    grid,
    mass,
    means,
    measure_of,
    on_sphere,
    require_drawn_from,
    require_unit_mass,
    student_t,
)

SIDE = torch.tensor([[0.0], [1.0], [2.0]]).double()


def test_a_grid_is_every_state_once():
    found = grid(torch.tensor([0, 1, 2]), torch.Size([2, 2]))
    assert found.exact
    assert found.z.shape == (81, 2, 2)
    assert len({tuple(z.flatten().tolist()) for z in found.z}) == 81
    assert not found.log_weight.any()


def test_the_grid_of_scalars_is_the_values():
    assert grid(torch.tensor([3, 5]), torch.Size([])).z.tolist() == [3, 5]


@pytest.mark.parametrize(
    ("support", "values"),
    [
        (constraints.boolean, [0, 1]),
        (constraints.integer_interval(2, 4), [2, 3, 4]),
        (constraints.nonnegative_integer, list(range(3 * 2 + 30 + 1))),
        (constraints.independent(constraints.boolean, 1), [0, 1]),
    ],
    ids=str,
)
def test_discrete_supports_are_enumerated(support, values):
    assert measure_of(SIDE, support).z.flatten().tolist() == values


def test_too_many_states_are_refused():
    with pytest.raises(ValueError, match="smaller z"):
        measure_of(torch.zeros(5, 20), constraints.boolean)


def test_a_support_without_bijection_needs_a_measure_of_its_own():
    with pytest.raises(ValueError, match=r"override measure\(\)"):
        measure_of(torch.zeros(5, 2), constraints.one_hot)


def test_the_wide_density_is_that_of_scipy():
    draws = torch.randn(500, 3, dtype=torch.float64) @ torch.randn(3, 3, dtype=torch.float64)
    points, log_density = student_t(draws, 100)
    truth = scipy.stats.multivariate_t(draws.mean(0), torch.cov(draws.T), FREEDOM).logpdf(points)
    torch.testing.assert_close(log_density, torch.from_numpy(truth))


@pytest.mark.parametrize(
    ("density", "support", "shape"),
    [
        (Normal(3.0, 0.1), constraints.real, (30,)),
        (Gamma(2.0, 0.5), constraints.positive, (2,)),
        (Dirichlet(torch.tensor([1.0, 2.0, 3.0])), constraints.simplex, ()),
    ],
    ids=["normal in 30 dimensions", "gamma", "dirichlet"],
)
def test_the_mass_of_a_density_is_one_and_its_error_honest(density, support, shape):
    draws = density.sample((5000, *shape))
    found = covering(draws, support)
    log_density = density.log_prob(found.z).reshape(len(found.z), -1).sum(1)
    total, error = mass(found, log_density)
    assert 0 < error < 0.03
    assert abs(total - 1) < 4 * error


def test_the_sphere_has_its_area():
    for k, area in ((2, 2 * math.pi), (3, 4 * math.pi), (4, 2 * math.pi**2)):
        found = on_sphere(torch.Size([k]))
        assert mass(found, torch.zeros(len(found.z)))[0] == pytest.approx(area)
        torch.testing.assert_close(found.z.norm(dim=1), torch.ones(len(found.z)).double())


def test_means_need_no_constant():
    found = measure_of(Normal(1.0, 2.0).sample((5000, 1)).double(), constraints.real)
    values = torch.cat([found.z, found.z.square()], 1)
    mean, error = means(found, 7 + Normal(1.0, 2.0).log_prob(found.z[:, 0]), values)
    truth = torch.tensor([1.0, 5.0]).double()
    assert (error < 0.1).all()
    assert ((mean - truth).abs() < 4 * error).all()


BIT = Measure(z=SIDE[:2], log_weight=torch.zeros(2).double(), exact=True)


def of_bit(p):
    return lambda z: torch.where(z[:, 0] == 1, math.log(p), math.log(1 - p)).double()


def test_a_mass_that_is_not_one_is_told_in_nats():
    require_unit_mass(BIT, of_bit(0.3), "it")
    with pytest.raises(AssertionError, match=r"mass 1\.10517 ± 0, not 1: its log is off by 0\.1"):
        require_unit_mass(BIT, lambda z: of_bit(0.3)(z) + 0.1, "it")


def test_a_mass_too_rough_to_tell_is_no_pass():
    rough = Measure(z=SIDE, log_weight=torch.tensor([-1.0, -9.0, -9.0]).double(), exact=False)
    with pytest.raises(AssertionError, match="too rough to tell"):
        require_unit_mass(rough, lambda z: torch.zeros(len(z)), "it")


def test_draws_of_another_density_are_told_by_the_mean_that_differs():
    draws = (torch.rand(20_000, 1) < 0.3).double()
    require_drawn_from(draws, BIT, of_bit(0.3), "the bit")
    with pytest.raises(
        AssertionError, match=r"the bit do not follow its density: the mean of z\[0\] is 0\.29"
    ):
        require_drawn_from(draws, BIT, of_bit(0.33), "the bit")
