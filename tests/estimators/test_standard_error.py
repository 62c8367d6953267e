import math

import pytest
import torch

from genprobe.estimators.standard_error import (
    mean_over_examples,
    skewness_factor,
    standard_error,
    within_error,
)

REPLICATES = 1000
SAMPLING = 4 / math.sqrt(2 * REPLICATES)
"""Four standard errors of an empirical standard deviation, relative."""

N = 40


def ratio(values, errors):
    """Spread of the replicates over the mean of the standard errors they were given."""
    return float(torch.tensor(values).std()) / (sum(errors) / len(errors))


def draws_of(effects, draws):
    """Values (draw, n): an effect of each example and noise of twice its spread."""
    return effects + 2 * torch.randn(draws, len(effects), dtype=torch.float64)


@pytest.mark.parametrize("draws", [1, 2, 10])
def test_se_data_is_the_spread_over_data_sets(draws):
    found = [
        mean_over_examples("x", draws_of(torch.randn(N, dtype=torch.float64), draws))
        for _ in range(REPLICATES)
    ]
    assert abs(ratio([e.value for e in found], [e.se_data for e in found]) - 1) < SAMPLING + 0.01


@pytest.mark.parametrize("draws", [2, 10])
def test_se_is_the_spread_over_draws_for_the_same_data(draws):
    effects = 5 * torch.randn(N, dtype=torch.float64)
    found = [mean_over_examples("x", draws_of(effects, draws)) for _ in range(REPLICATES)]
    assert abs(ratio([e.value for e in found], [e.se for e in found]) - 1) < SAMPLING + 0.01


def test_with_one_draw_se_is_an_upper_bound():
    effects = torch.randn(N, dtype=torch.float64)
    found = [mean_over_examples("x", draws_of(effects, 1)) for _ in range(REPLICATES)]
    assert ratio([e.value for e in found], [e.se for e in found]) < 1


def test_standard_error_by_hand():
    values = torch.tensor([1.0, 2.0, 6.0], dtype=torch.float64)
    assert standard_error(values) == pytest.approx(math.sqrt((4 + 1 + 9) / 2 / 3))
    assert within_error(torch.stack([values, values + 2])) == pytest.approx(math.sqrt(2 / 6))


def test_a_single_example_has_no_standard_error():
    estimate = mean_over_examples("x", torch.ones(1, 1, dtype=torch.float64))
    assert (estimate.se, estimate.se_data) == (None, None)


def test_exact_values_have_no_monte_carlo_error():
    values = torch.tensor([[1.0, 2.0, 6.0]], dtype=torch.float64)
    estimate = mean_over_examples("x", values, exact=True)
    assert (estimate.value, estimate.se, estimate.kind, estimate.n) == (3.0, 0.0, "exact", 3)
    assert estimate.se_data == pytest.approx(math.sqrt(14 / 6))


# Two stages: m of N examples without replacement, r draws of each


@pytest.mark.parametrize("m", [2, 10, N - 1, N])
def test_two_stage_error_is_the_spread_over_examples_taken_and_draws(m):
    effects, found = torch.randn(N, dtype=torch.float64), []
    for _ in range(REPLICATES):
        values = draws_of(effects[torch.randperm(N)[:m]], 2)
        found.append(mean_over_examples("x", values, n=N))
    values, squares = [e.value for e in found], [e.se**2 for e in found]
    # The variance is unbiased; its root is not, for few examples.
    claimed = math.sqrt(sum(squares) / REPLICATES)
    uncertain = float(torch.tensor(squares).std()) / sum(squares) * math.sqrt(REPLICATES)
    assert abs(float(torch.tensor(values).std()) / claimed - 1) < SAMPLING + 2 * uncertain
    assert abs(sum(values) / REPLICATES - effects.mean()) < 4 * claimed / math.sqrt(REPLICATES)


@pytest.mark.parametrize("m", [10, N - 1])
def test_two_stage_se_data_is_the_spread_over_data_sets(m):
    found = []
    for _ in range(REPLICATES):
        effects = torch.randn(N, dtype=torch.float64)
        found.append(mean_over_examples("x", draws_of(3 * effects[:m], 2), n=N))
    squares = [e.se_data**2 for e in found]
    claimed = math.sqrt(sum(squares) / REPLICATES)
    assert abs(float(torch.tensor([e.value for e in found]).std()) / claimed - 1) < SAMPLING + 0.02


def test_two_stage_error_by_hand():
    values = torch.tensor([[1.0, 2.0, 6.0], [3.0, 4.0, 8.0]], dtype=torch.float64)
    assert within_error(values, 12) == pytest.approx(math.sqrt(0.75 * 7 / 3 + 2 / 24))


def test_one_example_out_of_many_has_no_standard_error():
    estimate = mean_over_examples("x", torch.tensor([[1.0], [3.0]], dtype=torch.float64), n=12)
    assert (estimate.se, estimate.se_data) == (None, None)


@pytest.mark.parametrize("chance", [0.003, 0.01])
def test_the_skewness_factor_widens_intervals_of_rare_large_values(chance):
    # Sums of a thousand rare values: 95 % of 1.96 standard errors holds far less of them.
    values = (torch.rand(2000, 1000, dtype=torch.float64) < chance).double()
    values[:, 0] += 1e-3  # never all alike
    errors = torch.tensor([standard_error(v) * skewness_factor(v) for v in values])
    plain = torch.tensor([standard_error(v) for v in values])
    truth = chance + 1e-6
    held, before = (
        ((values.mean(1) - truth).abs() <= 1.96 * e).double().mean() for e in (errors, plain)
    )
    assert before < held
    assert held > 0.9


def test_the_skewness_factor_of_many_normal_values_is_one(numbers):
    assert skewness_factor(numbers(10_000)) == pytest.approx(1, abs=1e-3)
    assert skewness_factor(torch.ones(10).double()) == 1.0
