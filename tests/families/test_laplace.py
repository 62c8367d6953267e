import math

import pytest
import scipy.integrate
import scipy.stats
import torch
from torch.distributions import Independent, Laplace, Normal, StudentT

from genprobe.families.laplace import laplace
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.testing import FamilyTests

PARAMS = {
    "loc": torch.tensor([[0.0, 1.0], [-3.0, 0.5], [0.2, 0.0]]),
    "scale": torch.tensor([[1.0, 2.0], [0.3, 0.01], [5.0, 1.0]]),
}


def reference(params):
    return Independent(Laplace(params["loc"], params["scale"]), params["loc"].dim() - 1)


def normal_prior(shape):
    return Independent(Normal(torch.full(shape, 0.3).double(), 1.5), len(shape))


class TestConformance(FamilyTests):
    part = laplace
    params = PARAMS
    priors = (prior_from_distribution("normal", normal_prior((2,))),)


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 0.1, 1.0, 100.0])
@pytest.mark.parametrize("event", [(1,), (6,), (2, 2, 3)])
def test_aggregate_is_the_mean_over_all_pairs(require_aggregate, scale, event):
    params = {
        "loc": 3 + torch.randn(200, *event),
        "scale": scale * (0.5 + torch.rand(200, *event)),
    }
    require_aggregate(laplace, params, reference)


def test_rate_under_a_normal_is_its_closed_form(evaluated, require_rate):
    params = {"loc": torch.randn(300, 3), "scale": 0.1 + torch.rand(300, 3)}
    report = evaluated(laplace, params, "standard-normal")
    loc, scale = params["loc"].double(), params["scale"].double()
    cross = (loc.square() + 2 * scale.square()) / 2 + math.log(2 * math.pi) / 2
    truth = (cross - 1 - (2 * scale).log()).sum(1).mean()
    require_rate(report, float(truth), analytic=True)
    assert len([d for d in report.dimensions if d.rate is not None]) == 3
    assert report["active_units"].value == 3


def test_rate_without_a_closed_form_agrees_with_quadrature(evaluated, require_rate):
    params = {"loc": torch.randn(40, 1), "scale": 0.1 + torch.rand(40, 1)}
    heavy = Independent(StudentT(torch.full((1,), 3.0).double()), 1)
    report = evaluated(laplace, params, prior_from_distribution("heavy", heavy), draws=20)

    loc, scale = (params[name][:, 0].double().numpy() for name in ("loc", "scale"))
    q, p = scipy.stats.laplace(loc, scale), scipy.stats.t(3)

    def integrand(unit):
        z = loc + scale * unit
        return scale * q.pdf(z) * (q.logpdf(z) - p.logpdf(z))

    costs, _ = scipy.integrate.quad_vec(integrand, -40, 40, points=[0])
    require_rate(report, costs.mean(), analytic=False)


def test_far_components_are_skipped_and_do_not_matter(require_aggregate):
    from genprobe.aggregate import log_aggregate

    params = {"loc": 20 * torch.randn(9000, 2), "scale": torch.full((9000, 2), 0.05)}
    own = torch.arange(0, 9000, 10)
    z = laplace.sample({k: v[own] for k, v in params.items()}, 1)[0]
    whole, part = (log_aggregate(z, laplace, params, own=own, skip=s) for s in (0.0, 1e-6))
    assert part.skipped > 0.5
    torch.testing.assert_close(part.log_qz, whole.log_qz, atol=1e-5, rtol=0)
