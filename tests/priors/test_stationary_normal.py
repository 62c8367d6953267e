import numpy as np
import pytest
import scipy.fft
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from genprobe.distributions.cosine_transform import LONGEST
from genprobe.errors import ModelError
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.priors.stationary_normal import stationary_normal
from genprobe.testing import PriorTests
from genprobe.types import Codes

SHAPE = torch.Size([2, 3, 4])


def numbers(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def factors(*shape):
    """Cholesky factors (*grid, C, C) of a random field."""
    return numbers(*shape).tril(-1) + (0.3 + numbers(*shape).abs()).tril().triu()


PARAMS = {"loc": numbers(*SHAPE), "scale_tril": factors(3, 4, 2, 2)}


def whole(params, shape):
    """The same field as a normal over flattened z, by the matrix of scipy's transform."""
    size, channels = shape[1:].numel(), shape[0]
    eye = np.eye(size).reshape(size, *shape[1:])
    u = scipy.fft.dctn(eye, axes=range(1, len(shape)), norm="ortho").reshape(size, size).T
    blocks = params["scale_tril"].reshape(size, channels, channels)
    covariance = torch.einsum(
        "fp,fcd,fq->cpdq", torch.from_numpy(u), blocks @ blocks.mT, torch.from_numpy(u)
    )
    return MultivariateNormal(params["loc"].flatten(), covariance.reshape(shape.numel(), -1))


class TestStationaryNormal(PriorTests):
    part = stationary_normal
    event_shape = (2, 1, 2)
    params = {"loc": torch.tensor([0.5, -1.0]), "scale_tril": factors(1, 2, 2, 2)}


def test_density_is_that_of_the_whole_covariance():
    z = numbers(5, 2, *SHAPE)
    found = stationary_normal.build(SHAPE, PARAMS).log_prob(z)
    torch.testing.assert_close(found, whole(PARAMS, SHAPE).log_prob(z.flatten(2)))


def test_kl_is_what_torch_says_of_the_whole_covariance():
    params = {"loc": numbers(4, *SHAPE), "scale": 0.2 + numbers(4, *SHAPE).abs()}
    q = MultivariateNormal(
        params["loc"].flatten(1), params["scale"].flatten(1).square().diag_embed()
    )
    found = stationary_normal.build(SHAPE, PARAMS).kl(diagonal_normal, params)
    torch.testing.assert_close(found, kl_divergence(q, whole(PARAMS, SHAPE)))


def test_its_fit_has_the_diagonal_blocks_of_the_covariance_by_frequency():
    # 300 means, each with the variances of its posterior: the moments of the aggregate.
    mean, variance = numbers(300, *SHAPE).cumsum(-1), numbers(*SHAPE).square()
    codes = Codes(
        mean=mean.flatten(1), variance=variance.flatten().expand(300, -1), event_shape=SHAPE
    )
    params = stationary_normal.fit(codes, 1, 0)
    torch.testing.assert_close(params["loc"], mean.mean(0))
    covariance = torch.cov(codes.mean.T, correction=0) + variance.flatten().diag()
    eye = np.eye(12).reshape(12, 3, 4)
    u = torch.from_numpy(scipy.fft.dctn(eye, axes=(1, 2), norm="ortho").reshape(12, 12).T)
    truth = torch.einsum("fp,cpdq,fq->fcd", u, covariance.reshape(2, 12, 2, 12), u)
    found = params["scale_tril"].reshape(12, 2, 2)
    torch.testing.assert_close(found @ found.mT, truth)


def test_the_mean_may_be_one_a_channel():
    loc = torch.tensor([0.5, -1.0]).double()
    one = stationary_normal.build(SHAPE, {**PARAMS, "loc": loc})
    each = stationary_normal.build(SHAPE, {**PARAMS, "loc": loc[:, None, None].expand(SHAPE)})
    z = numbers(5, *SHAPE)
    assert torch.equal(one.log_prob(z), each.log_prob(z))


@pytest.mark.parametrize(
    ("shape", "fits"),
    [
        ((4, 8, 8), True),
        ((64, 750), True),
        ((4, 1, 1), False),
        ((8,), False),
        ((2, LONGEST + 1), False),
        ((4096, 16, 16), False),
    ],
)
def test_it_is_fitted_to_grids_of_several_positions(shape, fits):
    assert stationary_normal.suits(diagonal_normal, torch.Size(shape)) == fits


@pytest.mark.parametrize(
    ("shape", "params", "said"),
    [
        ((24,), PARAMS, "shape .24,."),
        (SHAPE, {**PARAMS, "loc": torch.zeros(3)}, "loc of shape .3,."),
        (SHAPE, {**PARAMS, "scale_tril": torch.eye(2)}, "must be .3, 4, 2, 2."),
        (SHAPE, {**PARAMS, "scale_tril": -PARAMS["scale_tril"]}, "positive diagonal"),
        (SHAPE, {"loc": PARAMS["loc"]}, "needs scale_tril"),
    ],
)
def test_tensors_that_make_no_prior_are_refused(shape, params, said):
    with pytest.raises(ModelError, match=said):
        stationary_normal.build(torch.Size(shape), params)
