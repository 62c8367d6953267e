import numpy as np
import pytest
import torch

from genprobe.errors import UnavailableError
from genprobe.estimators.grid_moments import GridMoments
from genprobe.estimators.spectrum_slope import spectrum_slope


def grid_of(power, frequencies):
    one = power[:, :1]
    return GridMoments((1, 99), one, one, frequencies, power, None)


def test_it_is_the_line_of_numpy_through_the_middle_of_the_band():
    frequencies = torch.arange(1, 32).double() / 64
    power = frequencies.pow(-1.7) * (1 + 0.1 * torch.arange(31).double().sin())
    found = spectrum_slope(grid_of(power.expand(4, 31), frequencies))
    middle = slice(2, 15)  # from an eighth of the highest frequency to half of it
    truth = np.polyfit(frequencies[middle].log(), power[middle].log(), 1)[0]
    assert found.value == pytest.approx(truth)
    assert (found.se, found.kind) == (0.0, "exact")


def test_the_error_holds_for_power_that_differs_between_examples():
    frequencies = torch.arange(1, 12).double() / 24
    mean, inside = frequencies.pow(-2), 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        both = rng.gamma(2.0, 0.5, (120, 1)) * rng.gamma(4.0, 0.25, (120, 11))
        found = spectrum_slope(grid_of(mean * torch.from_numpy(both), frequencies))
        inside += abs(found.value + 2) <= 1.96 * found.se_data
    assert 180 <= inside <= 198


def test_too_few_positions_have_none():
    with pytest.raises(UnavailableError, match="too few positions"):
        spectrum_slope(grid_of(torch.ones(4, 2).double(), torch.ones(2).double()))


def test_without_power_there_is_none():
    with pytest.raises(UnavailableError, match="no power"):
        spectrum_slope(grid_of(torch.zeros(4, 5).double(), torch.ones(5).double()))
