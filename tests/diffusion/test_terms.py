import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from genprobe.diffusion.octaves import octaves_of
from genprobe.diffusion.schedule import Schedule, schedule_of
from genprobe.diffusion.terms import prior_term, step_factors
from genprobe.errors import ModelError
from genprobe.types import Diffusion


@pytest.fixture
def schedule():
    alpha = torch.tensor([0.999, 0.9, 0.5, 0.1]).double()
    return Schedule(alpha=alpha, sigma=(1 - alpha**2).sqrt())


def test_the_prior_term_is_the_kl_of_two_normals(schedule):
    x = torch.linspace(-3, 3, 6).double().reshape(2, 3)
    q = Normal(0.1 * x, schedule.sigma[-1])
    truth = kl_divergence(q, Normal(torch.zeros(3).double(), 1.0)).sum(1)
    torch.testing.assert_close(prior_term(x, schedule), truth)


def test_posterior_variances_are_those_of_conditioning(schedule):
    """x_s given x_t and x_0 from the joint normal of (x_s, x_t) given x_0."""
    for t in range(1, 4):
        a = schedule.alpha[t] / schedule.alpha[t - 1]
        cross = a * schedule.sigma[t - 1] ** 2
        left = schedule.sigma[t - 1] ** 2 - cross**2 / schedule.sigma[t] ** 2
        torch.testing.assert_close(schedule.posterior[t], left)
        # The mean of x_s moves by α_s − a σ_s² α_t/σ_t² with x_0.
        moved = schedule.alpha[t - 1] - cross / schedule.sigma[t] ** 2 * schedule.alpha[t]
        torch.testing.assert_close(schedule.mean_factor[t], moved)


def test_a_step_costs_half_the_fall_of_snr_under_the_posterior_variance(schedule):
    of_error, of_value = step_factors(schedule, "posterior")
    general = schedule.mean_factor**2 / schedule.posterior / 2
    torch.testing.assert_close(of_error[1:], general[1:])
    assert of_error[0] == 0
    assert not of_value.any()


def test_every_step_is_in_one_octave_and_the_curve_runs_from_noise_to_data(schedule):
    octaves = octaves_of(schedule)
    assert len(octaves.of_step) == 4
    assert octaves.points[0] == (3, 0)
    assert octaves.points[-1] == (0, len(octaves.numbers))
    for step, paid in octaves.points[:-1]:
        # Everything noisier than this state is in the octaves that are paid for.
        assert set(octaves.of_step[step + 1 :].tolist()) == set(range(paid))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"alpha": [0.9], "sigma": [0.1, 0.5]}, "at least two"),
        ({"alpha": [0.9, 0.5, 0.1], "sigma": [0.1, 0.5]}, "3 alpha and 2 sigma"),
        ({"alpha": [0.5, 0.9], "sigma": [0.8, 0.1]}, "does not fall from step 0"),
        ({"alpha": [1.0, 0.5], "sigma": [0.0, 0.8]}, "sigma above 0"),
        ({"alpha": [0.9, 0.0], "sigma": [0.1, 1.0]}, "says nothing of x_0"),
        ({"alpha": [0.9, float("nan")], "sigma": [0.1, 1.0]}, "not finite at step 1"),
        ({"alpha": "linear", "sigma": [0.1, 1.0]}, "no list of numbers"),
        ({"alpha": [0.9, 0.5], "sigma": [0.1, 0.8], "predicts": "eps"}, "predicts='eps'"),
        ({"alpha": [0.9, 0.5], "sigma": [0.1, 0.8], "std": 0.0}, "above 0"),
        ({"alpha": [0.9, 0.5], "sigma": [0.1, 0.8], "std": [0.5, 0.4]}, "std .* not one number"),
    ],
)
def test_what_is_no_schedule_is_refused(given, said):
    with pytest.raises(ModelError, match=said):
        Diffusion(denoise=lambda x, t: x, **given)


def test_a_schedule_is_taken_with_all_its_digits_in_whatever_it_comes():
    exact = torch.tensor([0.9, 0.3]).double()
    noisiest_first = np.array([0.3, 0.9])
    for given in (
        [0.9, 0.3],
        (0.9, 0.3),
        noisiest_first[::-1],
        [*exact],
        exact.clone().requires_grad_(),
    ):
        chain = Diffusion(alpha=given, sigma=[0.1, 0.7], denoise=lambda x, t: x)
        assert chain.alpha.tolist() == pytest.approx([0.9, 0.3], rel=1e-7)
        assert chain.sigma.tolist() == [0.1, 0.7]
    assert Diffusion(alpha=[0.9, 0.3], sigma=[0.1, 0.7], denoise=lambda x, t: x).alpha[0] == 0.9


def test_a_network_that_predicts_x_may_begin_from_pure_noise():
    chain = Diffusion(alpha=[0.9, 0.0], sigma=[0.1, 1.0], denoise=lambda x, t: x, predicts="x")
    assert octaves_of(schedule_of(chain)).numbers == (-12,)
