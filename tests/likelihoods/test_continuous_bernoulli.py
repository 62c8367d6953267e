import math

import mpmath
import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.stats import kstest

from genprobe.errors import ModelError
from genprobe.likelihoods.continuous_bernoulli import continuous_bernoulli
from genprobe.testing import LikelihoodTests

X = torch.linspace(0, 1, 24).reshape(4, 2, 3)
LOGITS = [0.0, 1e-6, 1e-3, 0.0999, 0.1001, 1.0, -4.0, 10.0, 16.0, -30.0, 50.0, -500.0]


def density(logit, x):
    """Log-density with 60 digits."""
    with mpmath.workdps(60):
        logit = mpmath.mpf(float(logit))
        norm = mpmath.log(mpmath.expm1(logit) / logit) if logit else mpmath.mpf(0)
        return float(logit * mpmath.mpf(x) - norm)


def single(logit):
    return continuous_bernoulli.distribution({"logits": torch.tensor([[logit]])})


@pytest.mark.parametrize("logit", LOGITS)
def test_the_normaliser_is_there_at_any_float32_logit(logit):
    held = torch.tensor(logit).item()
    for x in (0.0, 0.25, 0.3000000119, 1.0):
        found = single(logit).log_prob(torch.tensor([[x]])).item()
        assert found == pytest.approx(density(held, torch.tensor(x).item()), abs=1e-12, rel=1e-13)


@pytest.mark.parametrize("logit", [-30.0, -1.0, 0.0, 0.05, 3.0, 50.0])
def test_it_integrates_to_one(logit):
    def value(x):
        return single(logit).log_prob(torch.tensor([[x]], dtype=torch.float64)).exp().item()

    assert quad(value, 0, 1, limit=200)[0] == pytest.approx(1, abs=1e-9)


def test_values_sum_over_the_example(differentiable):
    logits = torch.linspace(-20, 20, 24).reshape(4, 2, 3)
    pairs = zip(logits.flatten().tolist(), X.flatten().tolist(), strict=True)
    each = [density(logit, x) for logit, x in pairs]
    truth = torch.tensor(each, dtype=torch.float64).view(4, 6).sum(1)
    found = continuous_bernoulli.distribution({"logits": logits}).log_prob(X)
    torch.testing.assert_close(found, truth, rtol=1e-12, atol=1e-12)
    differentiable(continuous_bernoulli, {"logits": logits / 10}, X)
    differentiable(continuous_bernoulli, {"logits": logits * 0}, X)


def test_probabilities_are_the_sigmoid_of_logits():
    logits = torch.linspace(-3, 3, 24, dtype=torch.float64).reshape(4, 2, 3)
    found = continuous_bernoulli.distribution({"probs": logits.sigmoid()}).log_prob(X)
    truth = continuous_bernoulli.distribution({"logits": logits}).log_prob(X)
    torch.testing.assert_close(found, truth)


@pytest.mark.parametrize("p", [1e-30, 1e-8, 1 - 2**-24])
def test_probabilities_are_not_clamped(p):
    held = torch.tensor(p).item()
    with mpmath.workdps(60):
        logit = mpmath.log(mpmath.mpf(held)) - mpmath.log1p(-mpmath.mpf(held))
    for x in (0.0, 0.25, 1.0):
        found = continuous_bernoulli.distribution({"probs": torch.tensor([[p]])})
        assert found.log_prob(torch.tensor([[x]])).item() == pytest.approx(density(logit, x))


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_a_spike_has_no_finite_density(p):
    found = continuous_bernoulli.distribution({"probs": torch.tensor([[p]])})
    assert not found.log_prob(torch.tensor([[0.3]])).isfinite()


def test_a_probability_outside_the_unit_interval_is_refused():
    with pytest.raises(ModelError, match="probs of 2"):
        continuous_bernoulli.distribution({"probs": torch.full((1, 2), 2.0)})


@pytest.mark.parametrize("logit", [-200.0, -3.0, -1e-8, 0.0, 2.0, 60.0])
def test_samples_follow_the_distribution_function(logit):
    x = single(logit).sample((4000,)).flatten().double().numpy()

    def distribution_function(x):
        if abs(logit) < 1e-6:
            return x
        if logit < 0:
            return torch.expm1(logit * torch.as_tensor(x)).numpy() / math.expm1(logit)
        # e^{λx} − 1 over e^λ − 1, without overflow
        t = torch.as_tensor(x)
        return ((logit * (t - 1)).exp() * -torch.expm1(-logit * t)).numpy() / -math.expm1(-logit)

    assert kstest(x, distribution_function).pvalue > 1e-3


@pytest.mark.parametrize("logit", [-200.0, -3.0, -0.02, 0.0, 0.03, 60.0])
def test_its_mean_is_the_integral(logit):
    p = single(logit)

    def value(x):
        return x * p.log_prob(torch.tensor([[x]], dtype=torch.float64)).exp().item()

    truth = quad(value, 0, 1, points=[0.02, 0.98], limit=200)[0]
    assert p.mean.item() == pytest.approx(truth, abs=1e-9)


def test_it_is_a_density_of_the_unit_interval(refused):
    assert not continuous_bernoulli.discrete
    assert continuous_bernoulli.support(X) is None
    for value in (-1e-6, 1.5, 255.0):
        refused(continuous_bernoulli, X, value)


def test_its_blind_distortion_is_that_of_the_best_constant_logits():
    x = torch.rand(50, 3, dtype=torch.float64) ** torch.tensor([0.2, 1.0, 40.0])
    truth = 0.0
    for column in x.T:
        mean = column.mean().item()
        best = minimize_scalar(lambda a, m=mean: -density(a, m), (-5, 5), tol=1e-10)
        truth += best.fun
    found = continuous_bernoulli.blind(x.mean(0), x.square().mean(0))
    assert found == pytest.approx(truth, abs=1e-6)


def test_a_value_that_is_always_at_an_end_has_no_finite_one():
    mean = torch.tensor([0.5, 0.0], dtype=torch.float64)
    assert continuous_bernoulli.blind(mean, mean) == -math.inf


class TestConformance(LikelihoodTests):
    part = continuous_bernoulli
    params = {"logits": torch.tensor([[-3.0, 0.0, 8.0], [0.01, 1.0, -1.0]])}
