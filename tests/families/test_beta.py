import pytest
import scipy.integrate
import scipy.stats
import torch
from torch.distributions import Beta, Independent, Uniform

from genprobe.families.beta import beta
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.testing import FamilyTests


def reference(params):
    a, b = params["concentration1"], params["concentration0"]
    return Independent(Beta(a, b), a.dim() - 1)


def prior_of(a, b):
    like = Beta(torch.tensor(a).double(), torch.tensor(b).double())
    return prior_from_distribution("beta", Independent(like, 1))


class TestConformance(FamilyTests):
    part = beta
    params = {
        "concentration1": torch.tensor([[1.5, 2.0], [5.0, 1.2]]),
        "concentration0": torch.tensor([[2.0, 1.5], [3.0, 4.0]]),
    }
    priors = (prior_of([2.0, 1.0], [1.0, 1.7]),)


@pytest.mark.parametrize("first", [0.1, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("second", [0.1, 1.0, 1e4])
@pytest.mark.parametrize("event", [(1,), (8,), (2, 2)])
def test_aggregate_is_the_mean_over_all_pairs(require_aggregate, first, second, event):
    params = {
        "concentration1": first * (0.5 + torch.rand(150, *event)),
        "concentration0": second * (0.5 + torch.rand(150, *event)),
    }
    require_aggregate(beta, params, reference)


@pytest.mark.parametrize("like", [True, False])
def test_rate_agrees_with_quadrature(evaluated, require_rate, like):
    a, b = 0.8 + 3 * torch.rand(30, 1), 0.8 + 3 * torch.rand(30, 1)
    if like:
        prior, p = prior_of([2.0], [1.5]), scipy.stats.beta(2, 1.5)
    else:
        flat = Uniform(torch.zeros(1).double(), torch.ones(1).double())
        prior, p = prior_from_distribution("flat", Independent(flat, 1)), scipy.stats.uniform(0, 1)
    report = evaluated(beta, {"concentration1": a, "concentration0": b}, prior)

    q = scipy.stats.beta(a[:, 0].double().numpy(), b[:, 0].double().numpy())
    costs, _ = scipy.integrate.quad_vec(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), 0, 1)
    require_rate(report, costs.mean(), analytic=True)


def test_widening_keeps_the_mean_and_multiplies_the_deviation():
    params = {"concentration1": 5 + torch.rand(3, 2), "concentration0": 4 + torch.rand(3, 2)}
    epsilon = torch.tensor([0.0, 0.5, -1.0])
    wide = reference(beta.widen(params, epsilon))
    torch.testing.assert_close(wide.mean, reference(params).mean)
    ratio = wide.stddev / reference(params).stddev
    torch.testing.assert_close(ratio, epsilon.exp()[:, None].expand(3, 2))
