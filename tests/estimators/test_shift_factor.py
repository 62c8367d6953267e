import pytest
import torch

from genprobe.estimators.grid_moments import GridMoments
from genprobe.estimators.shift_factor import shift_factor


def test_it_is_the_mean_of_all_values_with_the_error_over_examples(numbers):
    values = 0.3 + numbers(50, 3, 8) + numbers(50, 1, 1)
    means, none = values.mean(2), values.new_zeros(0)
    found = shift_factor(GridMoments((3, 8), means, means, none, means[:, :0], None))
    assert found.value == pytest.approx(float(values.mean()))
    plain = float(values.mean((1, 2)).std()) / 50**0.5
    assert plain <= found.se_data <= 1.1 * plain
    assert found.se_data > 3 * float(values.std()) / values.numel() ** 0.5
    assert (found.se, found.kind) == (0.0, "exact")


def test_copies_count_once(numbers):
    means, none = numbers(50, 2), torch.zeros(0).double()
    once = shift_factor(GridMoments((2, 1), means, means, none, means[:, :0], None))
    twice = means.repeat_interleave(2, 0)
    grid = GridMoments((2, 1), twice, twice, none, twice[:, :0], None)
    found = shift_factor(grid, torch.arange(50).repeat_interleave(2))
    assert found.se_data == pytest.approx(once.se_data, rel=0.02)
    assert torch.tensor(found.value).isfinite()
