import math
from types import SimpleNamespace

import pytest
import torch

from genprobe.analysis.covariance import covariance
from genprobe.analysis.regimes import Entropy, place
from genprobe.analysis.replicates import (
    REPLICATES,
    bootstrap,
    normal_replicates,
    resampled_points,
)
from genprobe.types import Estimate

GIVEN = Entropy(value=80.0, source="given")


def nats(name, value, se_data=0.0):
    return Estimate(name=name, value=value, se=0.0, se_data=se_data, kind="estimate")


@pytest.mark.parametrize("n", [10, 1500, 5999, 20_000])
def test_bootstrap_has_the_covariance_of_the_mean(n):
    rate = torch.randn(n, dtype=torch.float64)
    distortion = 3 - 2 * rate + 0.5 * torch.randn(n, dtype=torch.float64)
    pairs = torch.stack([rate, distortion], 1)
    found = bootstrap(pairs)
    truth = pairs.T.cov(correction=0) / n
    error = truth.diagonal().sqrt() / math.sqrt(REPLICATES)
    assert found.shape == (REPLICATES, 2)
    assert ((found.mean(0) - pairs.mean(0)).abs() < 4 * error).all()
    # Relative sampling error of a (co)variance: √2 each from the replicates and from the groups.
    limit = 4 * math.sqrt(2 / REPLICATES + (2 / 2000 if n > 2000 else 0))
    scale = truth.diagonal().sqrt().outer(truth.diagonal().sqrt())
    assert ((found.T.cov() - truth).abs() / scale < limit).all()


def test_bootstrap_of_one_example_is_that_example():
    one = torch.ones(1, dtype=torch.float64)
    assert torch.equal(
        bootstrap(torch.stack([one, 2 * one], 1)),
        torch.tensor([[1.0, 2.0]]).expand(REPLICATES, 2).double(),
    )


def test_bootstrap_repeats_with_its_seed():
    x = torch.randn(50, 2, dtype=torch.float64)
    assert torch.equal(bootstrap(x, seed=1), bootstrap(x, seed=1))
    assert not torch.equal(bootstrap(x, seed=1), bootstrap(x, seed=2))


@pytest.mark.parametrize("correlation", [-0.95, 0.0, 0.6])
def test_normal_replicates_have_the_covariance_that_the_elbo_implies(correlation):
    r, d = 0.3, 0.8
    both = math.sqrt(r**2 + d**2 + 2 * correlation * r * d)
    found = normal_replicates(
        nats("rate", 5.0, r), nats("distortion", 70.0, d), nats("elbo", -75.0, both), GIVEN
    )
    assert (found[:, 2] == GIVEN.value).all()
    found = found[:, :2]
    truth = torch.tensor([[r * r, correlation * r * d], [correlation * r * d, d * d]]).double()
    limit = 4 * math.sqrt(2 / REPLICATES)
    scale = torch.tensor([[r * r, r * d], [r * d, d * d]])
    assert ((found.T.cov() - truth).abs() / scale < limit).all()
    assert found[:, 0].mean() == pytest.approx(5.0, abs=4 * r / math.sqrt(REPLICATES))
    assert found[:, 1].mean() == pytest.approx(70.0, abs=4 * d / math.sqrt(REPLICATES))


def test_estimates_without_errors_have_replicates_without_spread():
    found = normal_replicates(
        nats("rate", 5.0, None), nats("distortion", 7.0), nats("elbo", -12.0), GIVEN, own=True
    )
    assert (found == torch.tensor([5.0, 7.0, 80.0])).all()


def test_a_bound_of_the_models_own_moves_with_its_rate_and_distortion():
    r, d, elbo = nats("rate", 5.0, 0.3), nats("distortion", 70.0, 0.8), nats("elbo", -75.0, 0.5)
    rate, distortion, bound = normal_replicates(r, d, elbo, GIVEN, own=True).T
    torch.testing.assert_close(bound - GIVEN.value, (rate - 5.0) + (distortion - 70.0))


class Columns:
    """As much of a store's quantities as replicates are made of."""

    def __init__(self, rate, distortion):
        self.rate, self.distortion = rate[None], distortion[None]
        self.n = len(rate)
        self.header, self.which = SimpleNamespace(seed=0), None


def test_a_bound_of_examples_is_resampled_with_them():
    rate, distortion, other = torch.randn(3, 50, dtype=torch.float64)
    own = Entropy(value=float((rate + distortion).mean()), source="R + D", each=rate + distortion)
    found = resampled_points(Columns(rate, distortion), own)
    torch.testing.assert_close(found[:, 2], found[:, :2].sum(1))
    shared = Entropy(value=float(other.mean()), source="R + D of another", each=other)
    found = resampled_points(Columns(rate, distortion), shared)
    again = resampled_points(Columns(other, distortion), own)
    torch.testing.assert_close(found[:, 2], again[:, 0])


@pytest.mark.parametrize("each", [None, torch.zeros(49).double()])
def test_a_bound_that_is_of_no_such_examples_stays(each):
    rate, distortion = torch.randn(2, 50, dtype=torch.float64)
    entropy = Entropy(value=3.0, source="given", each=each)
    assert (resampled_points(Columns(rate, distortion), entropy)[:, 2] == 3.0).all()


@pytest.mark.parametrize("correlation", [0.9, 0.0, -0.7])
def test_stated_probabilities_come_true_where_the_bound_is_the_models_own(correlation):
    """Of true places all around a cut, labels are right as often as they say.

    With R + D as the bound the cut D/(R + D) = 1/2 is at D = R, and a label is right if the
    sample has D on the same side of R as the truth.
    """
    runs, n, right, stated = 150, 60, 0, []
    chance = torch.Generator().manual_seed(1)
    noise = torch.randn(runs, 2, n, generator=chance, dtype=torch.float64)
    rates = 5 + noise[:, 0]
    distortions = correlation * noise[:, 0] + math.sqrt(1 - correlation**2) * noise[:, 1]
    spread = math.sqrt(2 * (1 - correlation) / n)  # of the mean of D − R
    for i, offset in enumerate(torch.linspace(-4, 4, runs).double() * spread):
        rate, distortion = rates[i], 5 + distortions[i] + offset
        each = rate + distortion
        own = Entropy(value=float(each.mean()), source="R + D", each=each)
        points = resampled_points(Columns(rate, distortion), own)
        found = place(stating(rate), stating(distortion), None, own, points, None, n=n)
        truth = "syntactic-encoder" if offset <= 0 else "semantic-encoder"
        right += found.label == truth
        stated.append(found.probability)
    error = math.sqrt(sum(p * (1 - p) for p in stated))
    assert abs(right - sum(stated)) < 4 * error


def stating(values):
    error = float(values.std()) / math.sqrt(len(values))
    return nats("rate", float(values.mean()), error)


def test_the_covariance_is_that_of_the_means():
    chance = torch.Generator().manual_seed(0)
    rates = torch.randn(500, generator=chance, dtype=torch.float64)
    distortions = 2 * torch.randn(500, generator=chance, dtype=torch.float64) - 1.5 * rates
    terms = {"rate": rates, "distortion": distortions, "elbo": -(rates + distortions)}
    known = [nats(k, float(v.mean()), float(v.std() / 500**0.5)) for k, v in terms.items()]
    expected = torch.cov(torch.stack([rates, distortions])) / 500
    assert torch.allclose(torch.tensor(covariance(*known), dtype=torch.float64), expected)


def test_a_huge_value_takes_no_digits_from_the_others():
    values = torch.arange(1.0, 201.0)[:, None].double()
    values[17] = 1e20
    without = bootstrap(values)
    without = without[without < 1e17]  # replicates that miss the huge one
    assert len(without) > 100
    assert ((without > 50) & (without < 150)).all()


def test_replicates_do_not_depend_on_the_number_of_threads(set_threads):
    x = torch.randn(3000, 2, dtype=torch.float64)
    found = []
    for count in (1, 3):
        set_threads(count)
        found.append(bootstrap(x))
        assert torch.get_num_threads() == count
    assert torch.equal(*found)
