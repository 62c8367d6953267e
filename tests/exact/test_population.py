"""The population's bracket where the population is known: I(X;Z) and KL_pop in closed form."""

import math

import pytest
import torch

import genprobe


def encoder(name, gain, scale):
    """x ~ N(0, I) to q(z|x) = N(gain x, scale² I); the aggregate is N(0, gain gainᵀ + scale² I)."""
    return genprobe.Model(
        name=name,
        encode=lambda x: {"loc": x @ gain.T, "scale": torch.full((len(x), len(gain)), scale)},
        posterior="diagonal-normal",
        prior="standard-normal",
    )


def normal(n, k, seed):
    return torch.randn(n, k, generator=torch.Generator().manual_seed(seed))


def test_a_matched_prior_seen_with_few_examples_is_not_called_a_mismatch():
    # KL_pop = 0 and I_pop = 20: with N = 60000 the marginal KL is near 20 − log 60000 = 8.998.
    k, information = 20, 20.0
    scale = math.exp(-information / k)
    model = encoder("matched", math.sqrt(1 - scale**2) * torch.eye(k), scale)
    report = genprobe.evaluate(model, normal(60_000, k, 0))
    assert report["mutual_information"].value <= math.log(60_000)
    assert report["marginal_kl"].value == pytest.approx(20 - math.log(60_000), abs=0.05)
    codes = {notice.code for notice in report.warnings}
    assert {"marginal-kl-is-floor", "saturated"} <= codes
    assert "prior-mismatch" not in codes
    low, high = report["marginal_kl_population_lower"], report["marginal_kl_population_upper"]
    assert 0 <= low.value <= 0.02
    assert high.value <= report["marginal_kl"].value
    upper = report["mutual_information_population_upper"]
    assert report["mutual_information"].value < information < upper.value + 4 * upper.se_data


def test_a_mismatch_of_correlated_codes_is_certified():
    # Unit variances, one common correlation: KL_pop = −½ ln det C, which only a full normal sees.
    k, scale, truth = 4, 0.2, 1.5
    rho = correlation(k, truth)
    covariance = (1 - rho) * torch.eye(k) + rho * torch.ones(k, k)
    gain = torch.linalg.cholesky(covariance - scale**2 * torch.eye(k))
    report = genprobe.evaluate(encoder("mismatched", gain, scale), normal(20_000, k, 1))
    low, high = report["marginal_kl_population_lower"], report["marginal_kl_population_upper"]
    assert low.value >= 1.45
    assert low.value < truth + 4 * low.se_data
    assert high.value > truth - 4 * high.se_data
    assert "prior-mismatch" in {notice.code for notice in report.warnings}
    assert report.provenance["fitted_prior"]["rung"] == "full-normal"


def correlation(k, nats):
    """The common correlation of k unit variances at which −½ ln det is so many nats."""
    low, high = 0.0, 1.0
    for _ in range(60):
        rho = (low + high) / 2
        determinant = (1 + (k - 1) * rho) * (1 - rho) ** (k - 1)
        low, high = (rho, high) if -math.log(determinant) / 2 < nats else (low, rho)
    return low
