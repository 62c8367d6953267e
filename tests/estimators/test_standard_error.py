import math

import pytest
import torch
from scipy.stats import norm, t
from torch.distributions import Laplace

from genprobe.estimators.standard_error import (
    data_error,
    interval_factor,
    mean_over_examples,
    root_of_mean,
    standard_error,
    student_factor,
    within_error,
)

REPLICATES = 1000
SAMPLING = 4 / math.sqrt(2 * REPLICATES)
"""Four standard errors of an empirical standard deviation, relative."""

N = 40


def ratio(values, errors):
    """Spread of the replicates over the mean of the standard errors they were given."""
    return float(torch.tensor(values).std()) / (sum(errors) / len(errors))


def held(found, truth, error):
    """The share of intervals that hold the truth; and four standard errors below 95 % of them."""
    hits = [abs(e.value - truth) <= 1.96 * getattr(e, error) for e in found]
    return sum(hits) / len(hits), 0.95 - 4 * math.sqrt(0.95 * 0.05 / len(hits))


def root_mean_square(values):
    return math.sqrt(sum(v**2 for v in values) / len(values))


def draws_of(effects, draws):
    """Values (draw, n): an effect of each example and noise of twice its spread."""
    return effects + 2 * torch.randn(draws, len(effects), dtype=torch.float64)


@pytest.mark.seeds
@pytest.mark.parametrize("draws", [1, 2, 10])
def test_se_data_is_the_spread_over_data_sets(draws):
    found = [
        mean_over_examples("x", draws_of(torch.randn(N, dtype=torch.float64), draws))
        for _ in range(REPLICATES)
    ]
    assert abs(ratio([e.value for e in found], [e.se_data for e in found]) - 1) < SAMPLING + 0.01


@pytest.mark.seeds
@pytest.mark.parametrize("draws", [2, 10])
def test_se_is_the_spread_over_draws_for_the_same_data(draws):
    effects = 5 * torch.randn(N, dtype=torch.float64)
    found = [mean_over_examples("x", draws_of(effects, draws)) for _ in range(REPLICATES)]
    assert abs(ratio([e.value for e in found], [e.se for e in found]) - 1) < SAMPLING + 0.01


@pytest.mark.seeds
def test_with_one_draw_se_is_an_upper_bound():
    effects = torch.randn(N, dtype=torch.float64)
    found = [mean_over_examples("x", draws_of(effects, 1)) for _ in range(REPLICATES)]
    assert ratio([e.value for e in found], [e.se for e in found]) < 1


def test_standard_error_by_hand():
    values = torch.tensor([1.0, 2.0, 6.0], dtype=torch.float64)
    assert standard_error(values) == pytest.approx(math.sqrt((4 + 1 + 9) / 2 / 3))
    drawn = math.sqrt(2 / 6) * student_factor(7.0)
    assert within_error(torch.stack([values, values + 2])) == pytest.approx(drawn)


def test_a_single_example_has_no_standard_error():
    estimate = mean_over_examples("x", torch.ones(1, 1, dtype=torch.float64))
    assert (estimate.se, estimate.se_data) == (None, None)


def test_exact_values_have_no_monte_carlo_error():
    values = torch.tensor([[1.0, 2.0, 6.0]], dtype=torch.float64)
    estimate = mean_over_examples("x", values, exact=True)
    assert (estimate.value, estimate.se, estimate.kind, estimate.n) == (3.0, 0.0, "exact", 3)
    assert estimate.se_data == pytest.approx(math.sqrt(14 / 6) * interval_factor(values[0]))


# Two stages: m of N examples without replacement, r draws of each


@pytest.mark.seeds
@pytest.mark.parametrize("m", [2, 10, N - 1, N])
def test_two_stage_error_is_the_spread_over_examples_taken_and_draws(m):
    effects, found, factors = torch.randn(N, dtype=torch.float64), [], []
    for _ in range(REPLICATES):
        values = draws_of(effects[torch.randperm(N)[:m]], 2)
        found.append(mean_over_examples("x", values, n=N))
        factors.append(interval_factor(values.mean(0)))
    # The variance is unbiased; its root is not, for few examples. What it is widened by is known.
    spread = float(torch.tensor([e.value for e in found]).std())
    claimed = root_mean_square([e.se for e in found])
    assert (1 - SAMPLING) * spread < claimed
    assert claimed < (1 + SAMPLING) * root_mean_square(factors) * spread
    mean = sum(e.value for e in found) / REPLICATES
    assert abs(mean - effects.mean()) < 4 * spread / math.sqrt(REPLICATES)


@pytest.mark.seeds
@pytest.mark.parametrize("m", [10, N - 1])
def test_two_stage_se_data_is_the_spread_over_data_sets(m):
    plain = []
    found = []
    for _ in range(REPLICATES):
        values = draws_of(3 * torch.randn(m, dtype=torch.float64), 2)
        found.append(mean_over_examples("x", values, n=N))
        plain.append(found[-1].se_data / interval_factor(values.mean(0)))
    spread = float(torch.tensor([e.value for e in found]).std())
    assert abs(root_mean_square(plain) / spread - 1) < SAMPLING
    share, least = held(found, 0.0, "se_data")
    assert share >= least


def test_two_stage_error_by_hand():
    values = torch.tensor([[1.0, 2.0, 6.0], [3.0, 4.0, 8.0]], dtype=torch.float64)
    left_out = math.sqrt(0.75 * 7 / 3) * interval_factor(values.mean(0))
    # Three examples of two draws, which err alike: 3 / 1 * 3 - 2 degrees of freedom.
    drawn = math.sqrt(2 / 24) * student_factor(7.0)
    assert within_error(values, 12) == pytest.approx(math.hypot(left_out, drawn))


def test_one_example_out_of_many_has_no_standard_error():
    estimate = mean_over_examples("x", torch.tensor([[1.0], [3.0]], dtype=torch.float64), n=12)
    assert (estimate.se, estimate.se_data) == (None, None)


@pytest.mark.parametrize("chance", [0.003, 0.01])
def test_the_interval_factor_widens_intervals_of_rare_large_values(chance):
    # Sums of a thousand rare values: 95 % of 1.96 standard errors holds far less of them.
    values = (torch.rand(2000, 1000, dtype=torch.float64) < chance).double()
    values[:, 0] += 1e-3  # never all alike
    errors = torch.tensor([standard_error(v) * interval_factor(v) for v in values])
    plain = torch.tensor([standard_error(v) for v in values])
    truth = chance + 1e-6
    held, before = (
        ((values.mean(1) - truth).abs() <= 1.96 * e).double().mean() for e in (errors, plain)
    )
    assert before < held
    assert held > 0.9


def test_the_interval_factor_of_many_normal_values_is_one(numbers):
    assert interval_factor(numbers(10_000)) == pytest.approx(1, abs=1e-3)
    assert interval_factor(torch.ones(10).double()) == 1.0


# Intervals hold the truth: errors that are 95 % of nothing are worth nothing


@pytest.mark.seeds
@pytest.mark.parametrize("n", [50, 500])
@pytest.mark.parametrize("draws", [1, 2, 4])
def test_se_holds_where_few_examples_carry_the_noise(n, draws):
    # Scales that differ by e^1.5 each way: a handful of examples is most of the variance.
    found, ratios = [], []
    for _ in range(REPLICATES):
        scale = (1.5 * torch.randn(n, dtype=torch.float64)).exp()
        values = Laplace(torch.zeros_like(scale), scale).sample((draws,))
        found.append(mean_over_examples("x", values))
        spread = math.sqrt(2 * float(scale.square().sum()) / draws) / n
        ratios.append(found[-1].se / spread)
    share, least = held(found, 0.0, "se")
    assert share >= least
    # Two examples that err, each with two draws, have two degrees of freedom.
    most = student_factor(2.0) if draws > 1 else 3
    assert 1 < sum(ratios) / REPLICATES < most


@pytest.mark.seeds
@pytest.mark.parametrize("n", [5, 8, 20])
def test_se_data_of_few_examples_holds_the_mean_of_the_population(n):
    found = [
        mean_over_examples("x", torch.randn(1, n, dtype=torch.float64)) for _ in range(REPLICATES)
    ]
    share, least = held(found, 0.0, "se_data")
    assert share >= least
    assert root_mean_square([e.se_data for e in found]) < 2 / math.sqrt(n)


def test_a_root_of_mean_is_widened_as_by_its_effective_number_of_examples():
    # Of 1000 examples ten err, each as much: (4 + 1) 10 - 2 degrees of freedom.
    variances = torch.zeros(1000, dtype=torch.float64)
    variances[:10] = 3.0
    expected = math.sqrt(0.03 / 1000) * student_factor(48.0)
    assert root_of_mean(variances, 4) == pytest.approx(expected)
    assert root_of_mean(variances, 4, 4000) == pytest.approx(expected / 2)


@pytest.mark.seeds
@pytest.mark.parametrize("draws", [2, 4])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 20])
def test_a_few_examples_of_a_few_draws_are_covered(n, draws):
    values = torch.randn(REPLICATES, draws, n, dtype=torch.float64)
    errors = torch.tensor([within_error(v) for v in values])
    share = ((values.mean((1, 2)).abs() <= 1.96 * errors).double().mean()).item()
    assert share > 0.95 - 4 * math.sqrt(0.95 * 0.05 / REPLICATES)


@pytest.mark.seeds
@pytest.mark.parametrize("n", [2, 3, 5, 20])
def test_a_few_examples_as_a_sample_are_covered(n):
    values = torch.randn(REPLICATES, 1, n, dtype=torch.float64)
    errors = torch.tensor([mean_over_examples("x", v).se_data for v in values])
    share = ((values.mean((1, 2)).abs() <= 1.96 * errors).double().mean()).item()
    assert share > 0.95 - 4 * math.sqrt(0.95 * 0.05 / REPLICATES)
    assert student_factor(math.inf) == 1
    assert student_factor(4.0) == pytest.approx(t.isf(0.025, 4) / norm.isf(0.025))


def test_one_number_for_all_examples_has_no_error_however_many_copies_there_are():
    which = torch.arange(50).repeat_interleave(torch.arange(50) % 3 + 1)
    rate = torch.full((1, len(which)), 49 * math.log(64), dtype=torch.float64)
    assert data_error(rate, which) == 0.0
    assert data_error(rate[:, :3], torch.zeros(3, dtype=torch.long)) is None
