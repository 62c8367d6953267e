"""The permutation test: uniform p-values without a leak, and copies that move together."""

import pytest
import scipy.stats
import torch

from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.labels.cross_fitting import folds_of
from genprobe.labels.features import features_of
from genprobe.labels.permutations import groups_by_size, permutation_test, permuted, smallest_leak


def result_of(loc, y, seed, which=None, permutations=19):
    index = torch.arange(len(y))
    params = {"loc": loc, "scale": torch.full_like(loc, 0.5)}
    features = features_of(diagonal_normal, params, index, seed)
    fold = folds_of(index, which, seed)
    return permutation_test(
        features, y, fold, int(y.max()) + 1, seed, which=which, permutations=permutations
    )


def test_without_a_leak_p_values_are_uniform():
    found = []
    for seed in range(12):
        torch.manual_seed(seed + 100)
        loc, y = torch.randn(60, 2).double(), torch.arange(60) % 2
        found.append(result_of(loc, y[torch.randperm(60)], seed).p_value)
    assert scipy.stats.kstest(found, "uniform").pvalue > 0.01


@pytest.mark.parametrize("kind", ["mean", "spread"])
def test_a_leak_is_found_in_means_and_in_spreads(kind):
    torch.manual_seed(0)
    y = torch.arange(200) % 2
    loc = torch.randn(200, 2).double()
    loc = loc + y[:, None] if kind == "mean" else loc * (1 + y[:, None])
    assert result_of(loc, y, 0).p_value == 1 / 20


def test_copies_stay_together_and_go_to_groups_of_their_size():
    which = torch.tensor([3, 3, 8, 8, 1, 2, 4])
    groups = groups_by_size(which, 7)
    random = torch.Generator().manual_seed(0)
    for _ in range(20):
        order = permuted(groups, 7, random)
        assert sorted(order.tolist()) == list(range(7))
        moved = which[order]
        assert moved[0] == moved[1]
        assert moved[2] == moved[3]


def test_copies_of_a_label_of_noise_are_no_leak():
    # Eight copies of each of thirty examples: as single examples they would be told apart.
    found = []
    for seed in range(8):
        torch.manual_seed(seed + 50)
        which = torch.arange(30).repeat_interleave(8)
        loc, y = torch.randn(30, 2).double()[which], torch.randint(2, (30,))[which]
        found.append(result_of(loc, y, seed, which).p_value)
    assert scipy.stats.kstest(found, "uniform").pvalue > 0.01


def test_the_smallest_leak_solves_its_equation():
    torch.manual_seed(0)
    null = 0.003 * torch.randn(99).double() - 0.004
    n = 800
    found = smallest_leak(null, n)
    error = (null.var() + 2 * found / n).sqrt()
    assert float(null.mean() + found - 0.8416 * error) == pytest.approx(float(null.quantile(0.95)))
