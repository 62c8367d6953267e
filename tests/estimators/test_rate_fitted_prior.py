import math

import pytest
import torch
from torch.distributions import Normal

from genprobe.estimators.rate_fitted_prior import fitted_rates, rate_fitted_prior
from genprobe.estimators.standard_error import interval_factor

N = 4000


@pytest.fixture
def case(numbers):
    """log m(z) and log q(z|x) at two draws, the entropies, and R_m itself, m = N(0, 1.5²)."""
    loc, scale = numbers(N), 0.2 + torch.rand(N, dtype=torch.float64)
    q, m = Normal(loc, scale), Normal(0.0, 1.5)
    z = q.sample((2,))
    truth = torch.distributions.kl_divergence(q, m).mean().item()
    return m.log_prob(z), q.log_prob(z), q.entropy(), truth


@pytest.mark.parametrize("known", [True, False], ids=["entropy known", "entropy unknown"])
def test_the_rate_under_a_prior_is_the_mean_divergence_from_it(case, known):
    log_mz, log_qz_x, entropy, truth = case
    found = rate_fitted_prior(fitted_rates(log_mz, log_qz_x, entropy if known else None))
    assert (found.kind, found.n) == ("upper", N)
    assert 0 < found.se < 0.02
    assert abs(found.value - truth) < 4 * found.se


def test_without_an_entropy_it_is_the_plain_difference(case):
    log_mz, log_qz_x, _, _ = case
    assert torch.equal(fitted_rates(log_mz, log_qz_x, None), log_qz_x - log_mz)


def test_a_known_entropy_lowers_the_error(case):
    log_mz, log_qz_x, entropy, _ = case
    plain = rate_fitted_prior(fitted_rates(log_mz, log_qz_x, None))
    better = rate_fitted_prior(fitted_rates(log_mz, log_qz_x, entropy))
    assert better.se < 0.9 * plain.se


def test_a_density_that_follows_each_posterior_leaves_no_error(numbers):
    q = Normal(numbers(N), 1.0)
    log_qz_x = q.log_prob(q.sample((2,)))
    rates = fitted_rates(log_qz_x - 3, log_qz_x, q.entropy())
    torch.testing.assert_close(rates, torch.full_like(rates, 3.0), atol=5e-3, rtol=0)


def test_posteriors_without_spread_need_no_control(numbers):
    log_mz, log_qz_x = numbers(2, 5), torch.zeros(2, 5, dtype=torch.float64)
    rates = fitted_rates(log_mz, log_qz_x, torch.zeros(5, dtype=torch.float64))
    torch.testing.assert_close(rates, -log_mz)


def test_draws_of_one_example_are_averaged_first(case):
    log_mz, log_qz_x, entropy, _ = case
    rates = fitted_rates(log_mz, log_qz_x, entropy)
    expected = rates.mean(0).std().item() / math.sqrt(N) * interval_factor(rates.mean(0))
    assert rate_fitted_prior(rates).se_data == pytest.approx(expected)
