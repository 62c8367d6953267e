"""95 % intervals of I(n;z) of diagonal normals hold it, over draws and over data sets.

At the level of the estimator, on densities of all pairs in float64: no model, no store. The truth
is the mean of many more draws, or, over data sets, of what all of them gave.
"""

import math

import pytest
import torch

from genprobe.estimators.mutual_information import mutual_information, unseen_error

pytestmark = pytest.mark.seeds

PILOT = 4096
"""Queries that a run makes at least."""


def posteriors(n, k, scale, seed=0):
    """Diagonal normals whose aggregate follows N(0, I) as n grows."""
    noise = torch.Generator().manual_seed(seed)
    loc = torch.randn(n, k, generator=noise, dtype=torch.float64) * math.sqrt(1 - scale**2)
    return loc, torch.full_like(loc, scale)


def least(runs):
    """Four standard errors of a proportion below 95 %."""
    return 0.95 - 4 * math.sqrt(0.95 * 0.05 / runs)


def brute_force(index_entropy, loc, scale, draws):
    """I(n;z) from so many draws of every example, and its standard error."""
    some = max(20, PILOT // len(loc))
    parts = [index_entropy(loc, scale, some) for _ in range(draws // some)]
    values = math.log(len(loc)) - torch.cat(parts)
    return values.mean().item(), math.sqrt(values.var(0).mean().item() / values.numel())


def estimates(dense, loc, scale, draws, runs):
    return [mutual_information(*dense(loc, scale, draws)) for _ in range(runs)]


def covered(found, truth, noise, error="se"):
    """The share of intervals that hold a truth that errs itself."""
    hits = [abs(e.value - truth) <= 1.96 * math.hypot(getattr(e, error), noise) for e in found]
    return sum(hits) / len(hits)


@pytest.mark.parametrize(
    ("n", "k", "scale"), [(5, 2, 0.5), (5, 3, 0.2), (8, 3, 0.25), (20, 3, 0.15)]
)
def test_se_holds_for_few_examples(dense, index_entropy, n, k, scale):
    # Which of them meet is an accident of the data: of four data sets, thirty times each.
    sets, runs, shares = 4, 30, []
    for seed in range(sets):
        given = posteriors(n, k, scale, seed)
        truth, noise = brute_force(index_entropy, *given, 200_000 // n)
        found = estimates(dense, *given, PILOT // n, runs)
        shares.append(covered(found, truth, noise))
    assert sum(shares) / sets >= least(sets * runs)


@pytest.mark.parametrize("scale", [0.7, 0.5])
def test_se_holds_near_the_cap(dense, index_entropy, scale):
    given, runs = posteriors(200, 30, scale), 60
    truth, noise = brute_force(index_entropy, *given, 500)
    assert math.log(200) - truth < 0.1
    found = estimates(dense, *given, PILOT // 200, runs)
    assert covered(found, truth, noise) >= least(runs)
    # Twice its spread, or what a query more would have shown: a single hit is a skewed sample.
    queries, _ = dense(*given, PILOT // 200)
    spread = torch.tensor([e.value for e in found]).std().item()
    claimed = sum(e.se for e in found) / runs
    assert claimed < 2 * math.hypot(spread, unseen_error(truth, queries))


@pytest.mark.parametrize(("k", "scale"), [(5, 0.3), (30, 0.7), (5, 0.995)])
def test_se_data_holds_over_data_sets(dense, k, scale):
    runs = 120
    found = [
        mutual_information(*dense(*posteriors(200, k, scale, seed), 10)) for seed in range(runs)
    ]
    values = torch.tensor([e.value for e in found], dtype=torch.float64)
    spread = values.std().item()
    truth, noise = values.mean().item(), spread / math.sqrt(runs)
    assert covered(found, truth, noise, "se_data") >= least(runs)
    claimed = sum(e.se_data for e in found) / runs
    assert claimed < (1 + 4 / math.sqrt(2 * runs)) * spread
