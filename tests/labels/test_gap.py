"""The gap and its interval against quadrature, by way of the dimensions."""

import math

import pytest
import torch

from genprobe.labels.dimension_figures import dimension_figure, informative
from genprobe.labels.gap import label_gap
from genprobe.labels.index_figure import at_queries, frequencies

N = 300
SHIFTS = torch.tensor([1.2, 0.7, 0.0]).double()


@pytest.fixture(scope="module")
def runs():
    return {}


@pytest.fixture
def figures(queried, label, normals):
    def make(seed):
        y, loc, scale = normals(torch.stack([-SHIFTS, SHIFTS]), N, seed)
        found = []
        for d in range(3):
            each = slice(d, d + 1)
            queries, [columns] = queried(
                loc[:, each], scale[:, each], [label(y.numpy())], seed=seed
            )
            at = at_queries(queries, columns)
            found.append(dimension_figure(d, at, frequencies(y, 2), N, seed))
        return found

    return make


def test_figures_and_gap_are_those_of_quadrature(figures, information):
    truths = [information(torch.stack([-shift, shift])[:, None]) for shift in SHIFTS]
    gap, held, single = (truths[0] - truths[1]) / math.log(2), 0, [0, 0]
    gaps = []
    for seed in range(12):
        found = figures(seed)
        each = label_gap([f.terms for f in found], math.log(2), N)
        gaps.append(each)
        held += abs(each.value - gap) <= 1.96 * each.se_data
        for d in (0, 1):
            lower = found[d].leave_one_out
            single[d] += lower.value - 1.96 * lower.se_data <= truths[d]
        assert informative(found)[:2] in ((0, 1), (1, 0))
        assert abs(each.value - gap) <= 4 * each.se_data
    assert held >= 9  # of 12 at 95 %: fewer in one of five hundred
    assert min(single) >= 10
    values = torch.tensor([g.value for g in gaps])
    assert float(values.mean()) == pytest.approx(gap, abs=4 * float(values.std()) / math.sqrt(12))


def test_a_third_that_might_be_ahead_widens_the_interval():
    torch.manual_seed(0)
    ahead = 0.5 + torch.rand(1, 200).double()
    one, two = torch.rand(1, 200).double(), torch.rand(1, 200).double()
    alone = label_gap([ahead, one], 1.0, 200)
    among = label_gap([ahead, one, two + float(one.mean() - two.mean()) - 1e-6], 1.0, 200)
    assert among.value == alone.value
    assert among.se_data > 1.1 * alone.se_data
