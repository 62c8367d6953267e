import math

import pytest
import scipy.integrate
import scipy.stats
import torch
from torch.distributions import Gamma, Independent, LogNormal

from genprobe.families.gamma import gamma
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.testing import FamilyTests


def reference(params):
    return Independent(Gamma(params["concentration"], params["rate"]), params["rate"].dim() - 1)


def prior_of(concentration, rate):
    like = Gamma(torch.tensor(concentration).double(), torch.tensor(rate).double())
    return prior_from_distribution("gamma", Independent(like, 1))


class TestConformance(FamilyTests):
    part = gamma
    params = {
        "concentration": torch.tensor([[1.3, 2.0], [5.0, 0.8]]),
        "rate": torch.tensor([[1.0, 0.5], [3.0, 2.0]]),
    }
    priors = (prior_of([2.0, 1.0], [1.0, 0.7]),)


@pytest.mark.parametrize("concentration", [0.05, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("rate", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize("event", [(1,), (8,), (2, 2)])
def test_aggregate_is_the_mean_over_all_pairs(require_aggregate, concentration, rate, event):
    params = {
        "concentration": concentration * (0.5 + torch.rand(150, *event)),
        "rate": rate * (0.5 + torch.rand(150, *event)),
    }
    require_aggregate(gamma, params, reference)


def cost(q, p):
    """KL(q‖p) of scipy distributions by quadrature over log z."""

    def integrand(u):
        z = math.exp(u)
        return z * q.pdf(z) * (q.logpdf(z) - p.logpdf(z))

    return scipy.integrate.quad_vec(integrand, -60, 12)[0]


@pytest.mark.parametrize("like", [True, False])
def test_rate_agrees_with_quadrature(evaluated, require_rate, like):
    a, b = 0.5 + 3 * torch.rand(30, 1), 0.5 + torch.rand(30, 1)
    if like:
        prior, p = prior_of([2.0], [1.5]), scipy.stats.gamma(2, scale=1 / 1.5)
    else:
        curve = LogNormal(torch.zeros(1).double(), torch.ones(1).double())
        prior, p = prior_from_distribution("curve", Independent(curve, 1)), scipy.stats.lognorm(1)
    report = evaluated(gamma, {"concentration": a, "rate": b}, prior, draws=1 if like else 50)
    q = scipy.stats.gamma(a[:, 0].double().numpy(), scale=1 / b[:, 0].double().numpy())
    require_rate(report, cost(q, p).mean(), analytic=like)
    assert "rate_fitted_prior" in report.estimates


def test_widening_keeps_the_mean_and_multiplies_the_deviation():
    params = {"concentration": 1 + torch.rand(3, 2), "rate": 1 + torch.rand(3, 2)}
    epsilon = torch.tensor([0.0, 0.5, -1.0])
    q, wide = (Gamma(**p) for p in (params, gamma.widen(params, epsilon)))
    torch.testing.assert_close(wide.mean, q.mean)
    torch.testing.assert_close(wide.stddev / q.stddev, epsilon.exp()[:, None].expand(3, 2))
