import numpy as np
import pytest
import scipy.stats
import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from genprobe.errors import ModelError
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.priors.channel_normal import MOST_CHANNELS, channel_normal
from genprobe.testing import PriorTests
from genprobe.types import Codes

LOC = torch.tensor([0.5, -1.0], dtype=torch.float64)
FACTOR = torch.tensor([[1.5, 0.0], [-0.6, 0.4]], dtype=torch.float64)
PARAMS = {"loc": LOC, "scale_tril": FACTOR}
SHAPE = torch.Size([2, 3, 4])


def numbers(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


class TestChannelNormal(PriorTests):
    part = channel_normal
    event_shape = (2, 1, 2)
    params = PARAMS


def test_density_is_that_of_scipy_position_by_position():
    z = numbers(5, *SHAPE)
    normal = scipy.stats.multivariate_normal(LOC.numpy(), (FACTOR @ FACTOR.T).numpy())
    truth = normal.logpdf(z.flatten(2).transpose(1, 2).numpy()).sum(1)
    found = channel_normal.build(SHAPE, PARAMS).log_prob(z)
    np.testing.assert_allclose(found.numpy(), truth)


def test_kl_is_what_torch_says_of_the_whole_covariance():
    params = {"loc": numbers(4, *SHAPE), "scale": 0.2 + numbers(4, *SHAPE).abs()}
    whole = torch.kron(FACTOR @ FACTOR.T, torch.eye(12, dtype=torch.float64))
    prior = MultivariateNormal(LOC.repeat_interleave(12), whole)
    q = MultivariateNormal(
        params["loc"].flatten(1), params["scale"].flatten(1).square().diag_embed()
    )
    found = channel_normal.build(SHAPE, PARAMS).kl(diagonal_normal, params)
    torch.testing.assert_close(found, kl_divergence(q, prior))


def test_the_fit_is_the_covariance_of_draws_over_all_positions():
    mean, scale = numbers(400, *SHAPE).cumsum(-1), torch.linspace(0.1, 2, 24).double().view(SHAPE)
    codes = Codes(
        mean=mean.flatten(1),
        variance=scale.square().flatten().expand(400, -1),
        event_shape=SHAPE,
    )
    params = channel_normal.fit(codes, 1, 0)
    draws = Independent(Normal(mean, scale), 3).sample(torch.Size([500]))
    by_channel = draws.movedim(2, 0).flatten(1)
    torch.testing.assert_close(params["loc"], by_channel.mean(1), atol=0.01, rtol=0)
    covariance = params["scale_tril"] @ params["scale_tril"].T
    torch.testing.assert_close(covariance, by_channel.cov(), atol=0.02, rtol=0.01)


@pytest.mark.parametrize(
    ("shape", "fits"),
    [((4, 8, 8), True), ((4, 8), True), ((8,), False), ((), False), ((0, 3), False)],
)
def test_it_is_fitted_to_grids_alone(shape, fits):
    assert channel_normal.suits(diagonal_normal, torch.Size(shape)) == fits


def test_too_many_channels_are_not_fitted():
    assert not channel_normal.suits(diagonal_normal, torch.Size([MOST_CHANNELS + 1, 2]))


@pytest.mark.parametrize(
    ("shape", "params", "said"),
    [
        ((24,), PARAMS, "shape .24,."),
        ((3, 4, 2), PARAMS, "loc of shape .2,.; it must be .3,."),
        ((2, 4), {**PARAMS, "scale_tril": torch.eye(3)}, "scale_tril of shape .3, 3."),
        ((2, 4), {**PARAMS, "scale_tril": -torch.eye(2)}, "positive diagonal"),
        ((2, 4), {"loc": LOC}, "needs scale_tril"),
    ],
)
def test_tensors_that_make_no_prior_are_refused(shape, params, said):
    with pytest.raises(ModelError, match=said):
        channel_normal.build(torch.Size(shape), params)
