import math
from dataclasses import replace

import pytest
import torch
from scipy.stats import norm

from genprobe.estimators.chosen_bound import choice_factor, chosen_bound, held_to
from genprobe.report import Estimate

BOUND = Estimate(name="a", value=1.0, se=0.02, se_data=0.1, kind="upper", n=500)
RUNS = 2000


@pytest.mark.parametrize("count", [1, 2, 3, 10])
def test_the_factor_is_bonferronis_quantile(count):
    assert choice_factor(count) == pytest.approx(norm.isf(0.025 / count) / norm.isf(0.025))


@pytest.mark.parametrize(("choose", "value"), [(min, 1.0), (max, 1.2)])
def test_the_errors_are_widened_for_as_many_as_are_within_reach(choose, value):
    far = replace(BOUND, value=5.0 if choose is min else -5.0)
    bounds = [BOUND, replace(BOUND, value=1.2), far]
    found = chosen_bound(bounds, choose)
    assert found.value == value
    assert found.se == pytest.approx(0.02 * choice_factor(2))
    assert found.se_data == pytest.approx(0.1 * choice_factor(2))


def test_a_bound_far_from_the_others_is_as_it_was():
    assert chosen_bound([BOUND, replace(BOUND, value=2.0)], min) == BOUND


def test_other_draws_may_choose_another_bound():
    exact, drawn = replace(BOUND, se=0.0), replace(BOUND, value=1.05, se=0.03)
    far = replace(BOUND, value=9.0, se=5.0)
    assert chosen_bound([exact, drawn, far], min).se == pytest.approx(0.03 * choice_factor(2))
    assert held_to(exact, drawn, min).se == held_to(exact, drawn, max).se == 0.03
    assert held_to(exact, far, min) == exact
    assert held_to(exact, far, max) == far


def test_a_bound_put_at_its_limit_keeps_the_larger_error():
    limit = replace(BOUND, value=1.1, se_data=0.04)
    assert held_to(BOUND, limit, max).value == 1.1
    assert held_to(BOUND, limit, max).se_data == 0.1
    unknown = replace(limit, se_data=None)
    assert held_to(BOUND, unknown, max).se_data is None


def test_a_bound_held_to_a_limit_near_it_holds_the_truth():
    # It errs three times as much as its limit, which lies one of its errors above the truth.
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(RUNS, 2, generator=random).tolist()
    held = 0
    for own, limits in noise:
        bound = replace(BOUND, value=1.0 + 0.09 * own, se_data=0.09)
        limit = replace(BOUND, value=1.09 + 0.03 * limits, se_data=0.03)
        found = held_to(bound, limit, min)
        held += abs(found.value - 1.0) <= 1.96 * found.se_data
    assert held / RUNS >= 0.95 - 4 * math.sqrt(0.05 * 0.95 / RUNS)


def test_without_an_error_over_the_data_the_other_says_what_is_within_reach():
    plain = replace(BOUND, se_data=None)
    assert chosen_bound([plain, replace(plain, value=1.2)], min) == plain
    near = chosen_bound([plain, replace(plain, value=1.01)], min)
    assert (near.se, near.se_data) == (plain.se * choice_factor(2), None)
    unknown = replace(plain, se=None)
    assert chosen_bound([unknown, BOUND], min).value == 1.0


@pytest.mark.parametrize("gaps", [(0.0, 0.0, 0.0), (0.0, 0.5, 1.0), (0.0, 0.0, 4.0)])
@pytest.mark.parametrize("errors", [(0.1, 0.1, 0.1), (0.1, 0.2, 0.4)])
def test_the_least_of_three_noisy_bounds_is_seldom_below_them_all(errors, gaps):
    # One side of the interval is what a bound promises: 2.5 % of cases, four standard errors.
    truths, scale = 1 + 0.1 * torch.tensor(gaps), torch.tensor(errors)
    below = 0
    for values in torch.normal(truths.expand(RUNS, 3), scale.expand(RUNS, 3)).tolist():
        bounds = [
            replace(BOUND, value=value, se_data=error)
            for value, error in zip(values, errors, strict=True)
        ]
        found = chosen_bound(bounds, min)
        below += found.value + 1.96 * found.se_data < 1.0
    assert below / RUNS <= 0.025 + 4 * math.sqrt(0.025 * 0.975 / RUNS)
