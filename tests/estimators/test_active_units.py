import torch

from genprobe.estimators.active_units import active_units


def test_units_above_a_hundredth_are_counted():
    variance = torch.tensor([0.0, 0.0099, 0.01, 0.0101, 3.0], dtype=torch.float64)
    found = active_units(variance, 10)
    assert (found.value, found.unit, found.n) == (2, "count", 10)
