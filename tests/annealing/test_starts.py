import math

import pytest
import torch

from genprobe.annealing.sampler import Path
from genprobe.annealing.starts import from_posterior, from_prior, linear, sigmoid
from genprobe.errors import UnavailableError


@pytest.mark.parametrize("schedule", [linear, sigmoid])
@pytest.mark.parametrize("temperatures", [1, 2, 7])
def test_temperatures_rise_from_0_to_1(schedule, temperatures):
    values = schedule(temperatures)
    assert (float(values[0]), float(values[-1]), len(values)) == (0, 1, temperatures + 1)
    assert (values.diff() > 0).all()


def test_draws_of_a_posterior_have_its_density(known):
    model = known.linear_gaussian(2, 5)
    start = from_posterior(model.target, known.family, model.wrong, 50, 0)
    state = start.path.at(start.u)
    expected = known.family.distribution(model.wrong).log_prob(start.u)
    torch.testing.assert_close(state.log_start, expected)


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_a_share_at_the_prior_makes_a_mixture_of_both(known, share):
    model = known.linear_gaussian(2, 5)
    start = from_posterior(model.target, known.family, model.wrong, 8, 0, prior_share=share)
    state = start.path.at(start.u)
    q = known.family.distribution(model.wrong).log_prob(start.u)
    p = -(start.u.square() + math.log(2 * math.pi)).sum(2) / 2
    torch.testing.assert_close(state.log_start, ((1 - share) * q.exp() + share * p.exp()).log())
    step = torch.tensor([1e-6, 0.0]).double()
    ends = [start.path.at(start.u + sign * step).log_start for sign in (1, -1)]
    slope = (ends[0] - ends[1]) / 2e-6
    torch.testing.assert_close(state.start_pull[..., 0], slope, rtol=1e-4, atol=1e-4)


def test_a_prior_that_cannot_be_drawn_from_starts_no_chain(known):
    target = known.target_from(lambda z, rows: z[:, 0], lambda z: -z.square().sum(1))
    params = {"loc": torch.zeros(1, 2), "scale": torch.ones(1, 2)}
    with pytest.raises(UnavailableError, match="cannot be drawn from"):
        from_prior(target, known.family, params, 4, 0)
    with pytest.raises(UnavailableError, match="cannot be drawn from"):
        from_posterior(target, known.family, params, 4, 0, prior_share=0.5)
    assert isinstance(from_posterior(target, known.family, params, 4, 0).path, Path)
