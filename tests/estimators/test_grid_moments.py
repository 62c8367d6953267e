import numpy as np
import pytest
import scipy.fft
import torch

from genprobe.aggregate.blocks import in_memory
from genprobe.errors import UnavailableError
from genprobe.estimators.grid_moments import frequencies, grid_moments, rings
from genprobe.families.bernoulli import bernoulli
from genprobe.families.delta import delta
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.families.von_mises_fisher import von_mises_fisher
from genprobe.priors.standard_normal import standard_normal

N, SHAPE = 70, (2, 4, 6)
"""More examples than a thread works on at a time."""


@pytest.fixture
def params(numbers):
    loc = numbers(N, *SHAPE).cumsum(-1) + torch.tensor([1.0, -3.0])[:, None, None]
    return {"loc": loc, "scale": 0.2 + numbers(N, *SHAPE).abs()}


def moments_of(params, family=diagonal_normal, shape=SHAPE, rows=33):
    mean = family.distribution(params).mean.mean(0).flatten()
    prior = standard_normal.build(torch.Size(shape), {})
    return grid_moments(in_memory(params)(rows), family, prior, mean, shape)


def test_moments_of_each_example_are_means_over_its_positions(params):
    found, loc = moments_of(params), params["loc"]
    torch.testing.assert_close(found.mean, loc.mean((2, 3)))
    centre = loc.mean((0, 2, 3))[:, None, None]
    second = (loc - centre).square() + params["scale"].square()
    torch.testing.assert_close(found.square, second.mean((2, 3)))


def test_the_rate_of_each_channel_is_the_closed_form(params):
    loc, scale = params["loc"], params["scale"]
    kl = (loc.square() + scale.square() - 1) / 2 - scale.log()
    torch.testing.assert_close(moments_of(params).rate, kl.sum((2, 3)))


def test_power_is_the_variance_of_the_coefficients_that_scipy_gives_draws(params):
    found = moments_of(params)
    draws = torch.distributions.Normal(**params).sample(torch.Size([400]))
    waves = scipy.fft.dctn((draws - params["loc"].mean(0)).numpy(), axes=(3, 4), norm="ortho")
    square = torch.from_numpy(np.square(waves).mean((0, 2)))
    ring = rings(SHAPE[1:])
    for r in range(3):
        torch.testing.assert_close(
            found.power[:, r], square[:, ring == r].mean(1), rtol=0.3, atol=0
        )
        truth = square[:, ring == r].mean()
        torch.testing.assert_close(found.power[:, r].mean(), truth, rtol=0.02, atol=0)


def test_rings_are_a_step_of_the_shorter_axis_wide_and_leave_out_the_mean():
    ring, radius = rings((4, 6)), frequencies((4, 6), rings((4, 6)))
    assert ring[0, 0] == -1
    for u in range(4):
        for v in range(6):
            if ring[u, v] >= 0:
                exact = np.hypot(u / 8, v / 12)
                assert abs(exact - (int(ring[u, v]) + 1) / 8) <= 1 / 16 + 1e-12
    assert (radius.diff() > 0).all()
    assert rings((5,)).tolist() == [-1, 0, 1, 2, 3]
    assert frequencies((5,), rings((5,))).tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 1), (2, 3000)])
def test_a_grid_of_one_place_or_of_very_many_has_no_spectrum(shape, numbers):
    params = {"loc": numbers(5, *shape), "scale": torch.ones(5, *shape).double()}
    found = moments_of(params, shape=shape)
    assert found.frequencies.shape == (0,)
    assert found.power.shape == (5, 0)
    assert found.square.shape == (5, shape[0])


def test_stretches_do_not_matter(params):
    few, many = moments_of(params, rows=7), moments_of(params, rows=N)
    torch.testing.assert_close(few.power, many.power)
    torch.testing.assert_close(few.square, many.square)


def test_points_have_moments_and_no_rate(numbers):
    loc = numbers(5, 2, 3)
    found = grid_moments(in_memory({"loc": loc})(5), delta, None, loc.mean(0).flatten(), (2, 3))
    assert found.rate is None
    torch.testing.assert_close(found.mean, loc.mean(2))


@pytest.mark.parametrize(
    ("family", "params", "shape", "said"),
    [
        (diagonal_normal, {"loc": (5, 4), "scale": (5, 4)}, (4,), "no places"),
        (bernoulli, {"logits": (5, 2, 3)}, (2, 3), "Discrete codes"),
    ],
)
def test_other_latents_have_no_channels(family, params, shape, said):
    params = {k: torch.ones(v).double() for k, v in params.items()}
    with pytest.raises(UnavailableError, match=said):
        moments_of(params, family, shape)


def test_a_sphere_is_no_grid():
    params = {"loc": torch.eye(3).double(), "concentration": torch.ones(3).double()}
    with pytest.raises(UnavailableError, match="no places"):
        moments_of(params, von_mises_fisher, (3,))
