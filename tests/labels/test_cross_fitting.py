"""The lower bound: never above the truth but by its error, and nothing scored that was seen."""

import math

import pytest
import torch

from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.labels.cross_fitting import (
    Scored,
    cross_fitted,
    folds_of,
    pick,
    reweighted,
)
from genprobe.labels.features import features_of
from genprobe.labels.index_figure import at_queries, frequencies, miller_madow

N = 400


def bound(loc, scale, y, seed, at=None, which=None):
    n, classes = len(y), int(y.max()) + 1
    index = torch.arange(n)
    features = features_of(diagonal_normal, {"loc": loc, "scale": scale}, index, seed)
    fold = folds_of(index, which, seed)
    found = cross_fitted(features, y, fold, frequencies(y, classes), at)
    terms = found.scored.terms
    value = float(terms.nanmean()) + miller_madow(classes, n)
    return value, float(terms[~terms.isnan()].std()) / math.sqrt(n), found


def test_it_stays_below_the_truth_and_near_it(normals, information):
    means = torch.tensor([[1.5, 0.0], [-1.5, 0.0], [0.0, 1.5]]).double()
    truth, above, values = information(means), 0, []
    for seed in range(20):
        y, loc, scale = normals(means, N, seed)
        value, error, _ = bound(loc, scale, y, seed)
        above += value - 1.96 * error > truth
        values.append(value)
    assert above <= 3  # of 20, at 2.5 %: more in one of a thousand
    assert sum(values) / len(values) == pytest.approx(truth, abs=0.05 * math.log(3))
    assert sum(values) / len(values) < truth + 0.02


def test_an_independent_label_has_nothing(normals):
    above = 0
    for seed in range(20):
        _, loc, scale = normals(torch.tensor([[2.0, 0.0], [-2.0, 0.0]]).double(), N, seed)
        torch.manual_seed(seed + 500)
        value, error, found = bound(loc, scale, torch.randint(4, (N,)), seed)
        above += value - 1.96 * error > 0
        assert found.scores["quadratic discriminant"] < 0
    assert above <= 3


def test_classes_that_are_no_normals_are_told_by_the_shares(queried, label):
    torch.manual_seed(0)
    loc = 12 * torch.rand(N, 1).double()
    y = (loc[:, 0].floor() % 2).long()  # stripes
    scale = torch.full_like(loc, 0.05)
    queries, [columns] = queried(loc, scale, [label(y.numpy())])
    value, _, found = bound(loc, scale, y, 0, at_queries(queries, columns))
    assert found.candidate == "class shares"
    assert value > 0.4
    assert found.scores["logistic regression"] < 0.05


def test_copies_are_in_one_fold_so_that_none_was_seen():
    torch.manual_seed(0)
    which = torch.arange(N) // 4  # four copies of each, and labels of noise
    loc = torch.randn(N // 4, 3).double()[which]
    scale = torch.full_like(loc, 1e-3)
    y = torch.randint(2, (N // 4,))[which]
    value, error, _ = bound(loc, scale, y, 0, which=which)
    assert value - 1.96 * 2 * error < 0  # four copies are one observation: twice the error
    fold = folds_of(torch.arange(N), which, 0)
    assert (fold.view(-1, 4) == fold.view(-1, 4)[:, :1]).all()


def test_the_choice_of_a_fold_looks_at_the_others_alone():
    better = torch.tensor([9.0, 9.0, 0.0, 0.0]).double()
    steady = torch.tensor([1.0, 1.0, 1.0, 1.0]).double()
    terms = {"better": better, "steady": steady}
    first = torch.tensor([True, True, False, False])
    assert pick(terms, ~first) == "steady"
    assert pick(terms, first) == "better"


def test_a_part_that_was_scored_is_compared_where_it_was():
    whole = torch.tensor([5.0, 0.0, 0.0]).double()
    part = torch.tensor([math.nan, 1.0, math.nan]).double()
    everyone = torch.ones(3, dtype=torch.bool)
    assert pick({"whole": whole, "part": part}, everyone) == "part"
    assert pick({"whole": whole, "part": part - 2}, everyone) == "whole"


def test_folds_keep_their_share_where_only_a_part_was_scored():
    fold = torch.arange(100) // 50
    terms = torch.where(fold == 0, 1.0, 3.0).double()
    terms[10:50] = math.nan  # of the first fold a fifth
    scored = Scored(terms, torch.zeros(100).double(), terms)
    assert float(reweighted(scored, fold).terms.nanmean()) == pytest.approx(2.0)
