import numpy as np
import pytest
import scipy.stats
import torch
from torch.distributions import (
    Independent,
    Laplace,
    LowRankMultivariateNormal,
    MultivariateNormal,
    kl_divergence,
)

from genprobe.errors import ModelError
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.priors.full_normal import WIDEST, full_normal
from genprobe.testing import PriorTests
from genprobe.types import Codes, Family

LOC = torch.tensor([0.5, -1.0, 2.0, 0.0], dtype=torch.float64)
FACTOR = torch.tensor(
    [[1.0, 0, 0, 0], [0.5, 0.8, 0, 0], [-0.3, 0.2, 2.0, 0], [0.1, -0.7, 0.4, 0.3]],
    dtype=torch.float64,
)
COVARIANCE = FACTOR @ FACTOR.T
PARAMS = {"loc": LOC, "scale_tril": FACTOR}


def test_density_is_that_of_scipy_over_flattened_z():
    prior = full_normal.build(torch.Size([2, 2]), PARAMS)
    z = torch.randn(3, 5, 2, 2, dtype=torch.float64)
    truth = scipy.stats.multivariate_normal(LOC.numpy(), COVARIANCE.numpy()).logpdf(
        z.flatten(2).numpy()
    )
    np.testing.assert_allclose(prior.log_prob(z).numpy(), truth)


def test_float32_codes_get_a_float64_density():
    prior = full_normal.build(torch.Size([4]), {k: v.float() for k, v in PARAMS.items()})
    assert prior.log_prob(torch.zeros(2, 4)).dtype == torch.float64


def test_samples_match_its_moments():
    n = 20_000
    z = full_normal.build(torch.Size([2, 2]), PARAMS).sample(n)
    assert z.shape == (n, 2, 2)
    centred = z.flatten(1) - LOC
    spread = COVARIANCE.diagonal()
    assert (centred.mean(0).abs() < 4 * (spread / n).sqrt()).all()
    noise = ((spread.outer(spread) + COVARIANCE.square()) / n).sqrt()
    assert ((centred.T @ centred / n - COVARIANCE).abs() < 4 * noise).all()


def test_its_tensors_rebuild_it():
    prior = full_normal.build(torch.Size([4]), PARAMS)
    again = full_normal.build(torch.Size([4]), prior.params)
    z = torch.randn(5, 4)
    assert torch.equal(again.log_prob(z), prior.log_prob(z))


def test_kl_of_a_diagonal_normal_is_what_torch_says_of_two_full_ones(
    posteriors, within_monte_carlo
):
    posteriors["scale"] *= 0.3
    prior = full_normal.build(torch.Size([2, 2]), PARAMS)
    kl = prior.kl(diagonal_normal, posteriors)
    q = MultivariateNormal(
        posteriors["loc"].flatten(1), torch.diag_embed(posteriors["scale"].flatten(1).square())
    )
    p = MultivariateNormal(LOC, scale_tril=FACTOR)
    torch.testing.assert_close(kl, kl_divergence(q, p))
    within_monte_carlo(kl, diagonal_normal, posteriors, prior)


@pytest.mark.parametrize("of", [MultivariateNormal, LowRankMultivariateNormal])
def test_kl_of_correlated_normals_is_what_torch_says(of):
    tensors = {
        MultivariateNormal: {"scale_tril": 0.5 * FACTOR.expand(3, 4, 4)},
        LowRankMultivariateNormal: {
            "cov_factor": torch.randn(3, 4, 2).double(),
            "cov_diag": torch.rand(3, 4).double() + 0.1,
        },
    }
    params = {"loc": torch.randn(3, 4, dtype=torch.float64), **tensors[of]}
    family = Family(name="correlated", distribution=lambda p: of(**p), constraints={})
    found = full_normal.build(torch.Size([4]), PARAMS).kl(family, params)
    p = MultivariateNormal(LOC, scale_tril=FACTOR)
    torch.testing.assert_close(found, kl_divergence(of(**params), p))


def test_no_other_posterior_has_a_closed_form_divergence():
    family = Family(
        name="laplace", distribution=lambda p: Independent(Laplace(**p), 1), constraints={}
    )
    params = {"loc": torch.zeros(3, 4), "scale": torch.ones(3, 4)}
    assert full_normal.build(torch.Size([4]), PARAMS).kl(family, params) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loc": torch.zeros(3)}, r"loc of shape \(3,\); it must broadcast to \(4,\)"),
        ({"scale_tril": FACTOR.T}, "not lower-triangular"),
        ({"scale_tril": FACTOR[:3]}, r"scale_tril of shape \(3, 4\); it must be \(4, 4\)"),
    ],
)
def test_unusable_tensors_are_refused(change, message):
    with pytest.raises(ModelError, match=message):
        full_normal.build(torch.Size([4]), PARAMS | change)


@pytest.mark.parametrize("missing", ["loc", "scale_tril"])
def test_a_missing_tensor_is_refused(missing):
    with pytest.raises(ModelError, match="full-normal"):
        full_normal.build(torch.Size([4]), {k: v for k, v in PARAMS.items() if k != missing})


@pytest.mark.parametrize("k", [1, 3])
def test_the_fit_is_the_mean_and_covariance_of_the_aggregate_posterior(k):
    random = np.random.default_rng(0)
    mean, variance = random.normal(size=(50, k)), random.random((50, k))
    codes = Codes(mean=torch.from_numpy(mean), variance=torch.from_numpy(variance))
    fitted = full_normal.fit(codes, 1, 0)
    np.testing.assert_allclose(fitted["loc"].numpy(), mean.mean(0))
    covariance = np.cov(mean.T, bias=True).reshape(k, k) + np.diag(variance.mean(0))
    np.testing.assert_allclose(
        (fitted["scale_tril"] @ fitted["scale_tril"].T).numpy(), covariance, atol=1e-12
    )


@pytest.mark.parametrize(
    ("n", "k", "sizes"), [(9, 4, (1,)), (8, 4, ()), (5000, WIDEST, (1,)), (5000, WIDEST + 1, ())]
)
def test_it_is_fitted_once_where_the_examples_are_enough(n, k, sizes):
    assert full_normal.sizes(n, k) == sizes


class TestConformance(PriorTests):
    part = full_normal
    event_shape = (2, 2)
    params = PARAMS
