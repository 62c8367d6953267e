import math

import pytest
import scipy.stats
import torch

from genprobe.estimators.distortion import distortion
from genprobe.estimators.rate import rate
from genprobe.estimators.standard_error import cluster_means, data_error, interval_factor
from genprobe.estimators.tail import (
    UNKNOWN,
    WIDER,
    made_up_by,
    rests_on_few,
    squared_skewness,
    tail_factor,
    tail_shape,
)

N = 2000


def quantiles(distribution, n=N):
    """Values (n,) at the middles of n steps of equal probability."""
    return torch.tensor(distribution.ppf((torch.arange(n).double() + 0.5) / n))


def squares(n, seed):
    """Student's t squared, of three degrees of freedom, summed over two: no variance."""
    rng = torch.Generator().manual_seed(seed)
    normal = torch.randn(n, 2, generator=rng, dtype=torch.float64)
    chi = torch.randn(n, 2, 3, generator=rng, dtype=torch.float64).square().sum(2)
    return (3 * normal.square() / chi).sum(1)


@pytest.mark.parametrize("k", [0.2, 0.5, 0.9])
def test_the_shape_is_that_of_a_generalised_pareto_tail(k):
    values = torch.cat([quantiles(scipy.stats.genpareto(k)), -quantiles(scipy.stats.genpareto(k))])
    assert tail_shape(values) == pytest.approx(k, abs=0.1)


def test_it_does_not_depend_on_where_and_how_large_the_values_are():
    values = squares(N, 0)
    assert tail_shape(7 - 3e5 * values) == pytest.approx(tail_shape(values), rel=1e-6)


@pytest.mark.parametrize("values", [torch.zeros(500), torch.arange(100), torch.arange(500) // 499])
def test_of_few_values_and_of_equal_ones_it_is_unknown(values):
    assert math.isnan(tail_shape(values.double()))
    assert tail_factor(values.double()) == 1.0
    assert not rests_on_few(values.double())


@pytest.mark.parametrize("name", ["norm", "expon", "uniform", "laplace"])
def test_what_has_a_light_tail_is_left_alone(name):
    values = quantiles(getattr(scipy.stats, name))
    assert tail_factor(values) == 1.0
    assert not rests_on_few(values)


def test_two_kinds_of_values_are_no_heavy_tail():
    rng = torch.Generator().manual_seed(0)
    values = torch.randn(N, generator=rng, dtype=torch.float64)
    values[:40] += 200
    assert tail_shape(values) > 1.3
    assert tail_factor(values) == 1.0


@pytest.mark.seeds
@pytest.mark.parametrize(("n", "least"), [(200, 0.88), (2000, 0.92)])
def test_the_error_holds_the_mean_of_what_has_no_variance(n, least):
    truth = 6.0
    held = 0
    for seed in range(400):
        values = squares(n, seed)
        held += abs(float(values.mean()) - truth) <= 1.96 * data_error(values[None])
    assert held / 400 >= least


def test_without_the_tail_it_would_not():
    """What the widening is for: skewness alone leaves one sample in six outside."""
    found = [squares(N, seed) for seed in range(200)]
    plain = [float(v.std()) / math.sqrt(N) * interval_factor(v) for v in found]
    off = [abs(float(v.mean()) - 6.0) for v in found]
    held = sum(o <= 1.96 * e for o, e in zip(off, plain, strict=True)) / 200
    assert held < 0.9


@pytest.mark.parametrize("draws", [1, 4])
def test_where_rare_draws_make_up_all_no_error_is_stated(draws):
    """A code that is read wrongly once in 1400 draws, as codes far apart are."""
    rng = torch.Generator().manual_seed(1)
    spread = 7.6 * torch.randn(draws, 1024, 10, generator=rng, dtype=torch.float64)
    values = torch.nn.functional.softplus(spread - 28.9).sum(2)
    found = distortion(values)
    assert found.se is None
    assert found.se_data is None
    assert found.remark == UNKNOWN


def test_who_sees_a_wide_error_is_told_why():
    assert rate(squares(N, 3)[None], rate_analytic=True).remark == WIDER
    assert rate(quantiles(scipy.stats.norm)[None], rate_analytic=True).remark == ""


def test_draws_that_agree_keep_their_error_where_a_few_examples_cost_most():
    values = (0.2 * torch.arange(1000).double()).exp()[None].repeat(4, 1)
    found = distortion(values)
    assert (found.se, found.se_data, found.remark) == (0.0, None, UNKNOWN)


def test_values_whose_powers_overflow_have_a_skewness():
    values = quantiles(scipy.stats.expon)
    assert squared_skewness(1e200 * values) == pytest.approx(squared_skewness(values))


def test_how_many_make_up_a_sum():
    assert made_up_by(torch.ones(7).double()) == 7
    assert made_up_by(torch.tensor([1.0, 0.0]).double()) == 1


def test_how_often_examples_are_copied_makes_no_tail():
    which = torch.arange(N)
    which[:300] = 0
    each = quantiles(scipy.stats.norm)[
        torch.randperm(N, generator=torch.Generator().manual_seed(0))
    ]
    each[:300] = 0.5
    clusters = cluster_means(each, which)
    plain = float(clusters.std()) / math.sqrt(len(clusters))
    assert data_error(each[None], which) == plain * interval_factor(clusters)
