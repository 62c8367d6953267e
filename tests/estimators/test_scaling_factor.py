import math

import pytest
import torch

from genprobe.errors import UnavailableError
from genprobe.estimators.grid_moments import GridMoments
from genprobe.estimators.scaling_factor import scaling_factor


def grid_of(values, scale=0.0):
    """Moments of codes (n, C, P) with a posterior of one scale."""
    centre = values.mean((0, 2))[:, None]
    square = (values - centre).square().mean(2) + scale**2
    none = values.new_zeros(0)
    return GridMoments(tuple(values.shape[1:]), values.mean(2), square, none, square[:, :0], None)


def test_it_is_one_over_the_standard_deviation_of_all_values(numbers):
    values = numbers(40, 3, 10) * torch.tensor([1.0, 2.0, 5.0])[:, None] + torch.arange(3)[:, None]
    found = scaling_factor(grid_of(values, scale=0.5))
    truth = 1 / math.sqrt(float(values.var(correction=0)) + 0.25)
    assert found.value == pytest.approx(truth)
    assert (found.se, found.kind, found.n) == (0.0, "exact", 40)


def test_the_error_holds_where_positions_of_an_example_depend_on_each_other():
    # z = a row effect of the example and noise, and channels apart: variance 1 + 0.25 + 4.
    inside, truth = 0, 1 / math.sqrt(5.25)
    for seed in range(200):
        rng = torch.Generator().manual_seed(seed)
        row = torch.randn(100, 2, 1, dtype=torch.float64, generator=rng)
        noise = torch.randn(100, 2, 30, dtype=torch.float64, generator=rng)
        found = scaling_factor(grid_of(row + noise / 2 + torch.tensor([[-2.0], [2.0]])))
        inside += abs(found.value - truth) <= 1.96 * found.se_data
    assert 180 <= inside <= 198


def test_copies_count_once(numbers):
    values = numbers(40, 2, 5)
    twice = values.repeat_interleave(2, 0)
    once = scaling_factor(grid_of(values))
    found = scaling_factor(grid_of(twice), torch.arange(40).repeat_interleave(2))
    assert found.se_data == pytest.approx(once.se_data, rel=0.02)
    assert scaling_factor(grid_of(twice)).se_data < 0.8 * once.se_data


def test_one_code_has_none():
    with pytest.raises(UnavailableError, match="all codes are the same"):
        scaling_factor(grid_of(torch.ones(4, 2, 3).double()))
