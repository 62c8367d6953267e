import math

import pytest
import torch
from torch.distributions import Bernoulli, Independent

from genprobe.families.bernoulli import bernoulli
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.testing import FamilyTests

CERTAIN = 1e4


def reference(params):
    return Independent(Bernoulli(logits=params["logits"]), params["logits"].dim() - 1)


def fair(shape):
    """Fair coins as a prior."""
    coins = Bernoulli(logits=torch.zeros(shape, dtype=torch.float64))
    return prior_from_distribution("fair", Independent(coins, len(shape)))


class TestConformance(FamilyTests):
    part = bernoulli
    params = {"logits": torch.tensor([[0.0, 1.0, -2.0], [3.0, 0.5, -0.1]])}
    priors = (fair((3,)),)


class TestConformanceOfGrids(FamilyTests):
    part = bernoulli
    params = {"logits": torch.linspace(-3, 3, 12).reshape(2, 2, 3)}
    priors = (fair((2, 3)),)


@pytest.mark.parametrize("size", [0.1, 3.0, 30.0, 1000.0])
@pytest.mark.parametrize("grid", [(1,), (12,), (16, 16)])
def test_aggregate_is_the_mean_over_all_pairs(require_aggregate, size, grid):
    require_aggregate(bernoulli, {"logits": size * torch.randn(200, *grid)}, reference)


@pytest.mark.parametrize("grid", [(6,), (2, 3)])
def test_certain_bits_tell_the_entropy_of_their_histogram_exactly(evaluated, require_rate, grid):
    words = torch.randint(2, (500, *grid))
    words[:100] = words[0]
    report = evaluated(bernoulli, {"logits": CERTAIN * (2.0 * words - 1)}, fair(grid))
    _, counts = words.flatten(1).unique(dim=0, return_counts=True)
    share = counts.double() / 500
    entropy = float(-(share * share.log()).sum())
    require_rate(report, 6 * math.log(2), analytic=True)
    information = report["mutual_information"]
    assert information.value == pytest.approx(entropy, abs=1e-12)
    assert information.se == pytest.approx(0, abs=1e-12)
    assert report["marginal_kl"].value == pytest.approx(6 * math.log(2) - entropy, abs=1e-12)


def test_rate_is_the_coins_divergence_bit_by_bit(evaluated, require_rate):
    logits = torch.randn(100, 4)
    report = evaluated(bernoulli, {"logits": logits}, fair((4,)))
    p = logits.double().sigmoid()
    cost = p * p.log() + (1 - p) * (1 - p).log() + math.log(2)
    require_rate(report, float(cost.sum(1).mean()), analytic=True)
    assert [d.rate for d in report.dimensions] == pytest.approx(cost.mean(0).tolist())
    assert [d.mean_variance for d in report.dimensions] == pytest.approx(
        p.var(0, correction=0).tolist()
    )
    assert "token" in report.provenance["fitted_prior"]["rung"]
    assert "slope" not in report.estimates
