import pytest
import scipy.stats
import torch
from torch.distributions import Independent, Poisson

from genprobe.families.poisson import poisson
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.testing import FamilyTests


def reference(params):
    return Independent(Poisson(params["rate"]), params["rate"].dim() - 1)


def prior_of(*rate):
    counts = Poisson(torch.tensor(rate).double())
    return prior_from_distribution("poisson", Independent(counts, 1))


class TestConformance(FamilyTests):
    part = poisson
    params = {"rate": torch.tensor([[0.3, 2.0], [5.0, 1.0]])}
    priors = (prior_of(1.0, 3.0),)


@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0, 5000.0, 1e6])
@pytest.mark.parametrize("event", [(1,), (20,), (2, 3)])
def test_aggregate_is_the_mean_over_all_pairs(require_aggregate, size, event):
    require_aggregate(poisson, {"rate": size * (0.5 + torch.rand(200, *event))}, reference)


def test_rates_over_many_decades_come_out_right(require_aggregate):
    rate = 10.0 ** torch.linspace(-6, 5, 300)[:, None].repeat(1, 3)
    require_aggregate(poisson, {"rate": rate}, reference)


def test_rate_under_its_like_is_the_closed_form(evaluated, require_rate):
    rate = 5 * torch.rand(200, 2) + 0.1
    report = evaluated(poisson, {"rate": rate}, prior_of(2.0, 3.0))
    q, p = rate.double(), torch.tensor([2.0, 3.0]).double()
    truth = (q * (q / p).log() - q + p).sum(1).mean()
    require_rate(report, float(truth), analytic=True)
    assert "no density over all of z" in report.provenance["absent"]["rate_fitted_prior"]


def test_information_is_that_of_the_table_of_counts(evaluated):
    rate = 10 * torch.rand(300, 1) + 0.1
    report = evaluated(poisson, {"rate": rate}, prior_of(3.0), tolerance=0.005)
    p = torch.from_numpy(scipy.stats.poisson(rate.double().numpy()).pmf(range(80)))
    truth = float((p * (p / p.mean(0)).clamp(min=1e-300).log()).sum(1).mean())
    information = report["mutual_information"]
    assert information.se <= 0.005
    assert abs(information.value - truth) <= 4 * information.se
