import pytest
import scipy.integrate
import scipy.special
import scipy.stats
import torch
from torch.distributions import Dirichlet, LogisticNormal, Normal, kl_divergence

from genprobe.families.logistic_normal import STICK_BREAKING, logistic_normal
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.testing import FamilyTests


def prior_of(loc, scale):
    like = LogisticNormal(torch.tensor(loc).double(), torch.tensor(scale).double())
    return prior_from_distribution("logistic-normal", like)


class TestConformance(FamilyTests):
    part = logistic_normal
    params = {
        "loc": torch.tensor([[0.0, 1.0], [-1.0, 0.5]]),
        "scale": torch.tensor([[1.0, 0.5], [0.3, 0.8]]),
    }
    priors = (prior_of([0.3, -0.2], [1.5, 1.0]),)


def by_remainders(params):
    """The density written out: a normal over log odds of each part against all that follow."""

    class Reference:
        def log_prob(self, z):
            k = z.shape[-1]
            left = torch.stack([z[..., i:].sum(-1) for i in range(1, k)], -1)
            here = left + z[..., :-1]
            offset = torch.arange(k - 1, 0, -1).double().log()
            y = z[..., :-1].log() - left.log() + offset
            # dy_i/dz_i = 1/z_i + 1/left_i, and y_i does not depend on later parts given those left
            stretch = (here.log() - z[..., :-1].log() - left.log()).sum(-1)
            normal = Normal(params["loc"], params["scale"]).log_prob(y).sum(-1)
            return normal + stretch

    return Reference()


@pytest.mark.parametrize("loc", [0.0, 5.0, 15.0])
@pytest.mark.parametrize("scale", [1e-2, 1.0, 5.0])
@pytest.mark.parametrize("k", [2, 5])
def test_aggregate_is_the_mean_over_all_pairs(require_aggregate, loc, scale, k):
    params = {
        "loc": loc + torch.randn(150, k - 1),
        "scale": scale * (0.5 + torch.rand(150, k - 1)),
    }
    require_aggregate(logistic_normal, params, by_remainders)


@pytest.mark.parametrize("k", [2, 4])
def test_density_is_torchs_where_torch_is_precise(k):
    params = {"loc": torch.randn(6, k - 1).double(), "scale": 0.5 + torch.rand(6, k - 1).double()}
    z = LogisticNormal(**params).sample()
    found = logistic_normal.distribution(params).log_prob(z)
    torch.testing.assert_close(found, LogisticNormal(**params).log_prob(z))


@pytest.mark.parametrize("size", [1.0, 20.0, 60.0])
def test_float32_corners_of_the_simplex_are_carried_back(size):
    y = size * torch.tensor([[1.0, 1.0, 0.2], [-1.0, -1.0, -1.0], [1.0, -0.3, 0.1]]) / 3
    z = STICK_BREAKING(y)
    torch.testing.assert_close(STICK_BREAKING.inv(z.double()).float(), y, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(z.sum(1), torch.ones(3))


def test_transform_is_torchs():
    y = torch.randn(5, 4).double()
    torch.testing.assert_close(STICK_BREAKING(y), torch.distributions.StickBreakingTransform()(y))


def test_rate_under_its_like_is_that_of_the_normals(evaluated, require_rate):
    params = {"loc": torch.randn(200, 3), "scale": 0.2 + torch.rand(200, 3)}
    prior = prior_of([0.0, 0.5, 1.0], [1.0, 2.0, 1.0])
    report = evaluated(logistic_normal, params, prior)
    p = Normal(torch.tensor([0.0, 0.5, 1.0]).double(), torch.tensor([1.0, 2.0, 1.0]).double())
    q = Normal(params["loc"].double(), params["scale"].double())
    require_rate(report, float(kl_divergence(q, p).sum(1).mean()), analytic=True)


def test_without_means_nothing_is_said_of_them(evaluated):
    params = {"loc": torch.randn(50, 3), "scale": 0.2 + torch.rand(50, 3)}
    report = evaluated(logistic_normal, params, prior_of([0.0] * 3, [1.0] * 3))
    absent = report.provenance["absent"]
    assert "posterior means" in absent["active_units"]
    assert {d.mean_variance for d in report.dimensions} == {None}
    assert {d.active for d in report.dimensions} == {None}
    assert "collapsed-dimensions" not in [notice.code for notice in report.warnings]
    assert "no density over all of z" in absent["rate_fitted_prior"]
    assert report["mutual_information"].value > 0
    assert report.from_json(report.to_json()) is not None


def test_rate_under_a_dirichlet_agrees_with_quadrature(evaluated, require_rate):
    params = {"loc": torch.randn(30, 1), "scale": 0.2 + torch.rand(30, 1)}
    dirichlet = Dirichlet(torch.tensor([2.0, 3.0]).double())
    report = evaluated(logistic_normal, params, prior_from_distribution("d", dirichlet), draws=50)

    loc, scale = (params[name][:, 0].double().numpy() for name in ("loc", "scale"))
    q, p = scipy.stats.norm(loc, scale), scipy.stats.beta(2, 3)

    def integrand(unit):
        # z = (σ(y), σ(−y)); the density of z is the normal's over dz/dy = z (1 − z)
        y = loc + scale * unit
        log_q = q.logpdf(y) - scipy.special.log_expit(y) - scipy.special.log_expit(-y)
        return scale * q.pdf(y) * (log_q - p.logpdf(scipy.special.expit(y)))

    costs, _ = scipy.integrate.quad_vec(integrand, -12, 12)
    require_rate(report, costs.mean(), analytic=False)
