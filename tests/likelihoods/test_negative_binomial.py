import math

import mpmath
import pytest
import scipy.stats
import torch

from genprobe.errors import ModelError
from genprobe.likelihoods.negative_binomial import negative_binomial
from genprobe.testing import LikelihoodTests

X = torch.arange(24.0).reshape(4, 2, 3) ** 2
MU = X.flip(0) + 0.3
THETA = torch.linspace(0.1, 3000, 24).reshape(4, 2, 3)


def truth(x, mu, theta):
    """Σ over an example of scipy's log-probabilities, in float64."""
    mu, theta = mu.double(), theta.double()
    each = scipy.stats.nbinom.logpmf(x.double(), theta, theta / (theta + mu))
    return torch.from_numpy(each).flatten(1).sum(1)


def exactly(x, mu, theta):
    """Log-probability with 60 digits."""
    with mpmath.workdps(60):
        x, mu, theta = mpmath.mpf(x), mpmath.mpf(mu), mpmath.mpf(theta)
        kinds = mpmath.loggamma(x + theta) - mpmath.loggamma(theta) - mpmath.loggamma(x + 1)
        shares = theta * mpmath.log(theta / (theta + mu)) + x * mpmath.log(mu / (theta + mu))
        return float(kinds + shares)


def test_every_constant_of_the_probability_counts(differentiable):
    params = {"mu": MU, "theta": THETA}
    found = negative_binomial.distribution(params).log_prob(X)
    torch.testing.assert_close(found, truth(X, MU, THETA), rtol=1e-9, atol=1e-9)
    differentiable(negative_binomial, params, X)


def test_a_dispersion_for_every_dimension_serves_all_examples():
    theta = THETA[0]
    found = negative_binomial.distribution({"mu": MU, "theta": theta}).log_prob(X)
    torch.testing.assert_close(found, truth(X, MU, theta.expand_as(MU)), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["logits", "probs"])
def test_the_parameters_of_torch_are_the_same_distribution(name):
    logits = torch.linspace(-3, 3, 24, dtype=torch.float64).reshape(4, 2, 3)
    values = logits if name == "logits" else logits.sigmoid()
    params = {"total_count": THETA, name: values}
    found = negative_binomial.distribution(params).log_prob(X)
    each = scipy.stats.nbinom.logpmf(X.double(), THETA.double(), torch.sigmoid(-logits))
    torch.testing.assert_close(found, torch.from_numpy(each).sum((1, 2)), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("theta", [1e-4, 1.0, 999.0, 1001.0, 1e6, 1e12])
@pytest.mark.parametrize("mu", [1e-8, 1.0, 1e5])
@pytest.mark.parametrize("count", [0.0, 1.0, 1e5])
def test_extreme_parameters_in_float32(count, mu, theta):
    params = {"mu": torch.tensor([[mu]]), "theta": torch.tensor([[theta]])}
    found = negative_binomial.distribution(params).log_prob(torch.tensor([[count]]))
    held = [params[name].item() for name in ("mu", "theta")]
    assert found.item() == pytest.approx(exactly(count, *held), rel=1e-12, abs=1e-8)


def test_logits_of_fifty_are_finite():
    params = {"total_count": torch.tensor([[2.0, 2.0]]), "logits": torch.tensor([[50.0, -50.0]])}
    found = negative_binomial.distribution(params).log_prob(torch.tensor([[3.0, 3.0]]))
    # Γ(5)/(Γ(2) 3!) = 4; σ(50) is 1 and σ(−50) e⁻⁵⁰ up to 2e-22.
    assert found.item() == pytest.approx(2 * torch.tensor(4.0).log().item() - 100 - 150)


@pytest.mark.parametrize("p", [1e-30, 1e-8, 1 - 2**-24])
@pytest.mark.parametrize("count", [0.0, 3.0])
def test_probabilities_are_not_clamped(p, count):
    params = {"total_count": torch.tensor([[2.0]]), "probs": torch.tensor([[p]])}
    found = negative_binomial.distribution(params).log_prob(torch.tensor([[count]]))
    held = torch.tensor(p).item()
    shape = math.lgamma(count + 2) - math.lgamma(2) - math.lgamma(count + 1)
    assert found.item() == pytest.approx(shape + count * math.log(held) + 2 * math.log1p(-held))


def test_a_certain_probability_leaves_no_finite_one():
    params = {"total_count": torch.tensor([[2.0]]), "probs": torch.tensor([[1.0]])}
    found = negative_binomial.distribution(params).log_prob(torch.tensor([[3.0]]))
    assert not found.isfinite()


def test_it_sums_to_one():
    params = {"mu": torch.full((20000, 1), 60.0), "theta": torch.full((20000, 1), 0.7)}
    p = negative_binomial.distribution(params)
    assert p.log_prob(torch.arange(20000.0)[:, None]).exp().sum().item() == pytest.approx(1)


def test_a_mean_of_nothing_allows_only_nothing():
    mu = torch.zeros(1, 1, requires_grad=True)
    p = negative_binomial.distribution({"mu": mu, "theta": torch.ones(1, 1)})
    assert p.log_prob(torch.ones(1, 1)).item() == -torch.inf
    assert p.log_prob(torch.zeros(1, 1)).item() == 0
    assert torch.autograd.grad(p.log_prob(torch.zeros(1, 1)), mu)[0].item() == -1


@pytest.mark.parametrize(("name", "value"), [("mu", -0.5), ("theta", 0.0)])
def test_parameters_below_nothing_are_refused(name, value):
    params = {"mu": torch.ones(1, 2), "theta": torch.ones(1, 2)} | {name: torch.full((1, 2), value)}
    with pytest.raises(ModelError, match=f"{name} of {value:g}"):
        negative_binomial.distribution(params)


def test_it_is_a_probability_of_counts(refused):
    assert negative_binomial.discrete
    assert negative_binomial.support(X) is None
    assert negative_binomial.blind is None
    for value in (-1.0, 0.5):
        refused(negative_binomial, X, value)


def test_samples_have_its_moments():
    p = negative_binomial.distribution({"mu": torch.full((1, 2), 5.0), "theta": torch.tensor(2.0)})
    x = p.sample((40000,))
    assert negative_binomial.support(x) is None
    assert x.mean().item() == pytest.approx(5, rel=0.02)
    assert x.var().item() == pytest.approx(5 + 25 / 2, rel=0.05)
    assert p.variance.tolist() == [[17.5, 17.5]]


class TestConformance(LikelihoodTests):
    part = negative_binomial
    params = {
        "mu": torch.tensor([[0.2, 3.0], [1.0, 0.01]]),
        "theta": torch.tensor([[3.0, 5.0]] * 2),
    }
